//! Kubernetes objects, as far as a kit has to know them.

use std::fmt;

use serde_json::Value;

use super::place;

/// A look at one object.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a>(pub &'a Value);

/// What makes an object the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl<'a> Object<'a> {
    fn text(self, pointer: &str) -> &'a str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Such as `apps/v1`.
    pub fn api_version(self) -> &'a str {
        self.text("/apiVersion")
    }

    /// Such as `apps`; empty for the core.
    pub fn group(self) -> &'a str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// Such as `Deployment`.
    pub fn kind(self) -> &'a str {
        self.text("/kind")
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.text("/metadata/name")
    }

    /// Its namespace, if it says one.
    pub fn namespace(self) -> Option<&'a str> {
        Some(self.text("/metadata/namespace")).filter(|namespace| !namespace.is_empty())
    }

    /// Which object it is.
    pub fn identity(self) -> Identity {
        Identity {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// Whether it is of this group and kind.
    pub fn is(self, group: &str, kind: &str) -> bool {
        self.group() == group && self.kind() == kind
    }

    /// Whether it defines custom resources.
    pub fn is_definition(self) -> bool {
        self.is("apiextensions.k8s.io", "CustomResourceDefinition")
    }

    /// Whether it is a namespace.
    pub fn is_namespace(self) -> bool {
        self.is("", "Namespace")
    }

    /// The API group that it defines, if it defines custom resources.
    pub fn defines(self) -> Option<&'a str> {
        self.is_definition().then(|| self.text("/spec/group"))
    }

    /// Whether it is of a kind of Kubernetes itself that lives in a namespace.
    pub fn is_built_in_and_namespaced(self) -> bool {
        place::is_built_in(self.group()) && !place::is_cluster_wide(self.kind())
    }

    /// What Helm does with it other than keeping it: the value of its hook annotation.
    pub fn hook(self) -> Option<&'a str> {
        Some(self.text("/metadata/annotations/helm.sh~1hook")).filter(|hook| !hook.is_empty())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " {namespace}/{}", self.name),
            None => write!(f, " {}", self.name),
        }
    }
}
