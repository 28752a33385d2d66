//! The API of the node's own cluster, through the kubeconfig that k3s writes. Objects of any kind, as the kit has them.

pub(crate) mod glance;
pub(crate) mod requests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::Request;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::client::ClientBuilder;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::core::{GroupVersionKind, Status, TypeMeta};
use kube::discovery::{self, Scope};
use kube::{Api, Client, Config, Error, ResourceExt as _};

use secrecy::SecretString;
use serde_json::Value;
use sovereign_core::k3s::JoinToken;

use crate::fault::{Fault, OrFault as _};
use crate::root::Root;
use crate::validity;

/// Written by k3s; for root alone.
pub(crate) const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";
/// Longest time one call may take.
const CALL: Duration = Duration::from_secs(15);
const NO_ANSWER: &str = "see whether k3s runs: `systemctl status k3s` and `journalctl -u k3s` on the host; the agent asks again by itself";

/// Field manager of what is the agent's own.
pub(crate) const AGENT: &str = "sovereign-agent";

/// An object that is described here.
pub(crate) fn object(value: Value) -> Result<DynamicObject, Fault> {
    serde_json::from_value(value).map_err(|error| {
        Fault::new(
            format!("an object cannot be written: {error}"),
            "please report this",
        )
    })
}

/// Which object is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectId {
    /// For example `apps/v1`.
    pub(crate) api_version: String,
    pub(crate) kind: String,
    /// `None` for objects of the whole cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl ObjectId {
    pub(crate) fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// The one that a document describes. `None` if it says neither what it is nor what it is called.
    pub(crate) fn of(object: &DynamicObject) -> Option<Self> {
        let types = object.types.as_ref()?;
        Some(Self {
            api_version: types.api_version.clone(),
            kind: types.kind.clone(),
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone()?,
        })
    }

    /// Whether an object of its kind is the one that is meant.
    fn names(&self, object: &DynamicObject) -> bool {
        let metadata = &object.metadata;
        metadata.name.as_ref() == Some(&self.name) && metadata.namespace == self.namespace
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// The cluster that this host is a server of.
pub(crate) struct Cluster {
    client: Client,
    kinds: RefCell<BTreeMap<(String, String), Kind>>,
}

/// A cluster that is opened when it is first needed. What it has learned of the API's kinds is kept.
#[derive(Debug, Default)]
pub(crate) struct Opened(Option<Rc<Cluster>>);

impl Opened {
    pub(crate) async fn get(&mut self, root: &Root) -> Result<Rc<Cluster>, Fault> {
        if let Some(cluster) = &self.0 {
            return Ok(Rc::clone(cluster));
        }
        let cluster = Rc::new(Cluster::open(root).await?);
        self.0 = Some(Rc::clone(&cluster));
        Ok(cluster)
    }
}

#[derive(Debug, Clone)]
struct Kind {
    resource: ApiResource,
    scope: Scope,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster(..)")
    }
}

impl Cluster {
    /// Reads how the API is reached. Nothing is asked yet.
    pub(crate) async fn open(root: &Root) -> Result<Self, Fault> {
        Self::connect(kubeconfig(root)?).await
    }

    /// The same API, spoken to as k3s' own servers do among themselves: by the secret that lets them in.
    pub(crate) async fn open_as_server(root: &Root, token: &JoinToken) -> Result<Self, Fault> {
        let mut kubeconfig = kubeconfig(root)?;
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(AuthInfo {
                username: Some("server".to_owned()),
                password: Some(SecretString::from(token.expose())),
                ..AuthInfo::default()
            });
        }
        Self::connect(kubeconfig).await
    }

    async fn connect(kubeconfig: Kubeconfig) -> Result<Self, Fault> {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| unusable(&error))?;
        config.connect_timeout = Some(CALL);
        config.read_timeout = Some(CALL);
        config.write_timeout = Some(CALL);
        let client = ClientBuilder::try_from(config).map_err(|error| unusable(&error))?;
        Ok(Self::of(client.with_layer(&requests::counted()).build()))
    }

    /// The cluster that a client talks to.
    pub(crate) fn of(client: Client) -> Self {
        let kinds = RefCell::default();
        Self { client, kinds }
    }

    /// Asks for something that is no object. `None` if whoever asks is refused.
    pub(crate) async fn call(&self, request: Request<Vec<u8>>) -> Result<Option<String>, Fault> {
        let what = request.uri().path().to_owned();
        match self.client.request_text(request).await {
            Ok(text) => Ok(Some(text)),
            Err(Error::Api(status)) if matches!(status.code, 401 | 403) => Ok(None),
            Err(error) => Err(fault("asking for", &what, &error)),
        }
    }

    /// The object as it is, or `None`. A kind that the cluster does not know has no objects.
    pub(crate) async fn get(&self, id: &ObjectId) -> Result<Option<DynamicObject>, Fault> {
        let Some(kind) = self.kind(&id.api_version, &id.kind).await? else {
            return Ok(None);
        };
        let api = self.api(&kind, id.namespace.as_deref());
        api.get_opt(&id.name)
            .await
            .map_err(|error| fault("reading", &id, &error))
    }

    /// Every object of a kind that has the label, in all namespaces. Each says what it is: lists leave that out.
    pub(crate) async fn labelled(
        &self,
        api_version: &str,
        kind: &str,
        selector: &str,
    ) -> Result<Vec<DynamicObject>, Fault> {
        let Some(known) = self.kind(api_version, kind).await? else {
            return Ok(Vec::new());
        };
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &known.resource);
        let listed = api.list(&ListParams::default().labels(selector)).await;
        let mut objects = listed.map_err(|error| fault("listing", &kind, &error))?.items;
        for object in &mut objects {
            object.types.get_or_insert_with(|| TypeMeta {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
            });
        }
        Ok(objects)
    }

    /// Objects of a namespace whose fields are so.
    pub(crate) async fn fields(&self, id: &ObjectId, selector: &str) -> Result<Vec<DynamicObject>, Fault> {
        let Some(kind) = self.kind(&id.api_version, &id.kind).await? else {
            return Ok(Vec::new());
        };
        let api = self.api(&kind, id.namespace.as_deref());
        let listed = api.list(&ListParams::default().fields(selector)).await;
        Ok(listed.map_err(|error| fault("listing", &id.kind, &error))?.items)
    }

    /// Makes the object as it is described, as `manager`; the fields that others wrote stay theirs. Applying it again changes
    /// nothing, not even its version.
    pub(crate) async fn apply(&self, object: &DynamicObject, manager: &str) -> Result<DynamicObject, Fault> {
        let (id, api) = self.place(object).await?;
        let params = PatchParams::apply(manager).force();
        let applied = api.patch(&id.name, &params, &Patch::Apply(object)).await;
        applied.map_err(|error| fault("applying", &id, &error))
    }

    /// Makes the object unless there is one; whether it was made.
    pub(crate) async fn create(&self, object: &DynamicObject, manager: &str) -> Result<bool, Fault> {
        let (id, api) = self.place(object).await?;
        let params = PostParams {
            field_manager: Some(manager.to_owned()),
            ..PostParams::default()
        };
        match api.create(&params, object).await {
            Ok(_) => Ok(true),
            Err(Error::Api(status)) if status.reason == "AlreadyExists" => Ok(false),
            Err(error) => Err(fault("creating", &id, &error)),
        }
    }

    /// Removes the object; missing is success.
    pub(crate) async fn delete(&self, id: &ObjectId) -> Result<(), Fault> {
        let Some(kind) = self.kind(&id.api_version, &id.kind).await? else {
            return Ok(());
        };
        match self
            .api(&kind, id.namespace.as_deref())
            .delete(&id.name, &kube::api::DeleteParams::default())
            .await
        {
            Ok(_) => Ok(()),
            Err(Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(fault("deleting", id, &error)),
        }
    }

    async fn place(&self, object: &DynamicObject) -> Result<(ObjectId, Api<DynamicObject>), Fault> {
        let id = ObjectId::of(object).ok_or_else(|| {
            Fault::new(
                format!("an object without kind or name: `{}`", object.name_any()),
                "the kit is damaged: `sovereign kit lint` says where",
            )
        })?;
        let kind = self.kind(&id.api_version, &id.kind).await?.ok_or_else(|| {
            Fault::new(
                format!("the cluster does not know the kind of {id} ({})", id.api_version),
                "its definition comes from another component: the agent tries again by itself; `sovereign kit lint` says whether the kit has it",
            )
        })?;
        let api = self.api(&kind, id.namespace.as_deref());
        Ok((id, api))
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = self.client.clone();
        match (kind.scope.clone(), namespace) {
            (Scope::Namespaced, namespace) => {
                Api::namespaced_with(client, namespace.unwrap_or("default"), &kind.resource)
            }
            (Scope::Cluster, _) => Api::all_with(client, &kind.resource),
        }
    }

    /// How a kind is reached. Asked once; a kind that is not known yet is asked for again.
    async fn kind(&self, api_version: &str, kind: &str) -> Result<Option<Kind>, Fault> {
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(known) = self.kinds.borrow().get(&key) {
            return Ok(Some(known.clone()));
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let found = match discovery::pinned_kind(&self.client, &gvk).await {
            Ok((resource, capabilities)) => Kind {
                resource,
                scope: capabilities.scope,
            },
            Err(Error::Discovery(_)) => return Ok(None),
            Err(Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(error) => return Err(fault("asking for the kind of", &kind, &error)),
        };
        self.kinds.borrow_mut().insert(key, found.clone());
        Ok(Some(found))
    }
}

fn kubeconfig(root: &Root) -> Result<Kubeconfig, Fault> {
    let text = root.read(KUBECONFIG).or_fault("reading", KUBECONFIG)?;
    let text = text.ok_or_else(|| Fault::new(format!("there is no `{KUBECONFIG}`"), NO_ANSWER))?;
    Kubeconfig::from_yaml(&text).map_err(|error| unusable(&error))
}

fn unusable(error: &dyn fmt::Display) -> Fault {
    Fault::new(format!("`{KUBECONFIG}` cannot be used: {error}"), NO_ANSWER)
}

/// What the API says, in a fault. Its words name the field and the reason, never a value of a secret.
fn fault(doing: &str, what: &dyn fmt::Display, error: &Error) -> Fault {
    match error {
        Error::Api(status) => refused(doing, what, status),
        other => {
            let why = chain(other);
            let remedy = validity::remedy(&why).unwrap_or(NO_ANSWER);
            let cause = format!("{doing} {what}: the cluster's API does not answer: {why}");
            Fault::new(cause, remedy)
        }
    }
}

fn refused(doing: &str, what: &dyn fmt::Display, status: &Status) -> Fault {
    let cause = format!("{doing} {what}: the cluster's API refuses it: {}", status.message);
    let remedy = match status.code {
        401 | 403 => {
            "see whether the host's clock is right and `/etc/rancher/k3s/k3s.yaml` is the one that k3s wrote"
        }
        422 | 400 => {
            "the kit does not fit this version of Kubernetes: mend the component and run `sovereign kit lint`"
        }
        _ => "the agent tries again by itself",
    };
    Fault::new(cause, remedy)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !words.contains(&next) {
            words = format!("{words}: {next}");
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests;
