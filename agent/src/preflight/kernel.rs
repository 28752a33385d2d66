//! What k3s and Cilium need of the kernel.

use sovereign_core::agent::HostCheck;

use super::{failed, fine, warning};
use crate::root::Root;

/// Controllers kubelet manages pods with.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

/// A feature: how it shows when it is there, and the module that brings it.
struct Feature {
    name: &'static str,
    there: fn(&Root) -> bool,
    module: &'static str,
    why: &'static str,
}

const FEATURES: [Feature; 4] = [
    Feature {
        name: "overlayfs",
        there: |root| file_system(root, "overlay"),
        module: "overlay",
        why: "containers are stacked from layers by it",
    },
    Feature {
        name: "bridge-netfilter",
        there: |root| root.exists("/proc/sys/net/bridge") || root.exists("/sys/module/br_netfilter"),
        module: "br_netfilter",
        why: "traffic between pods of a host passes by network policy with it",
    },
    Feature {
        name: "vxlan",
        there: |root| root.exists("/sys/module/vxlan"),
        module: "vxlan",
        why: "pods of different hosts reach each other through it",
    },
    Feature {
        name: "bpf",
        there: |root| file_system(root, "bpf"),
        module: "bpf",
        why: "Cilium keeps its programs in it",
    },
];

pub(super) fn checks(root: &Root) -> Vec<HostCheck> {
    let mut checks = vec![cgroup(root)];
    checks.extend(FEATURES.iter().map(|feature| check(root, feature)));
    checks
}

fn cgroup(root: &Root) -> HostCheck {
    let v2 = root.text("/sys/fs/cgroup/cgroup.controllers");
    let (kind, there): (&str, Vec<&str>) = if v2.trim().is_empty() {
        (
            "v1",
            CONTROLLERS
                .into_iter()
                .filter(|name| v1_enabled(root, name))
                .collect(),
        )
    } else {
        let has = |name: &&str| v2.split_whitespace().any(|word| word == *name);
        ("v2", CONTROLLERS.into_iter().filter(has).collect())
    };
    let seen = format!("cgroup {kind}: {}", there.join(", "));
    let reason = "kubelet cannot limit or count pods without the controllers cpu, memory and pids";
    if there.len() == CONTROLLERS.len() {
        return fine("cgroup", seen);
    }
    if root.in_container() {
        return warning(
            "cgroup",
            seen,
            reason,
            "delegate the controllers to this container",
        );
    }
    failed(
        "cgroup",
        seen,
        reason,
        "boot with `cgroup_enable=memory systemd.unified_cgroup_hierarchy=1`",
    )
}

fn v1_enabled(root: &Root, name: &str) -> bool {
    root.text("/proc/cgroups").lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.first() == Some(&name) && fields.last() == Some(&"1")
    })
}

fn check(root: &Root, feature: &Feature) -> HostCheck {
    let Feature {
        name,
        there,
        module,
        why,
    } = feature;
    if there(root) {
        return fine(name, "there");
    }
    if loadable(root, module) {
        return fine(name, "can be loaded");
    }
    if root.in_container() {
        let remedy = format!("load it on the machine around this container: `modprobe {module}`");
        return warning(name, "cannot be seen in a container", why, &remedy);
    }
    let remedy = format!("use an image whose kernel has `{module}`");
    failed(name, "not in this kernel", why, &remedy)
}

fn file_system(root: &Root, name: &str) -> bool {
    root.text("/proc/filesystems")
        .lines()
        .any(|line| line.split_whitespace().last() == Some(name))
}

fn loadable(root: &Root, module: &str) -> bool {
    let release = root.text("/proc/sys/kernel/osrelease");
    let folder = format!("/lib/modules/{}", release.trim());
    let names = [module.to_owned(), module.replace('_', "-")];
    ["modules.dep", "modules.builtin"].iter().any(|list| {
        root.text(&format!("{folder}/{list}")).lines().any(|line| {
            let path = line.split(':').next().unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            names.iter().any(|name| file.split(".ko").next() == Some(name))
        })
    })
}
