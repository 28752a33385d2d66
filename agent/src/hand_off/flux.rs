//! Flux's Kustomizations, as far as the hand-off deals with them.

use jiff::Timestamp;
use kube::api::DynamicObject;
use sovereign_core::kit::NAMESPACE;

use crate::cluster::glance::Glance;
use crate::cluster::{Cluster, ObjectId};
use crate::condition::Condition;
use crate::fault::Fault;
use crate::flux::{KUSTOMIZATION, request};

/// A Kustomization as it was seen.
#[derive(Debug)]
pub(super) struct Kustomization(DynamicObject);

impl Kustomization {
    /// All of them.
    pub(super) async fn all(glance: &Glance<'_>) -> Result<Vec<Self>, Fault> {
        let all = glance.all(KUSTOMIZATION).await?;
        Ok(all.iter().cloned().map(Self).collect())
    }

    pub(super) fn name(&self) -> &str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    /// Asks Flux to reconcile it now. `at` is what Flux repeats once it has.
    pub(super) async fn request(&self, cluster: &Cluster, at: &str) -> Result<(), Fault> {
        let id = ObjectId::new(KUSTOMIZATION.0, KUSTOMIZATION.1, Some(NAMESPACE), self.name());
        request(cluster, &id, at).await
    }

    /// Whether Flux has done what was asked for at `at`, and succeeded. Whoever asks once more, such as an operator, writes over
    /// what was asked before: a later request counts for the earlier one.
    pub(super) fn has_reconciled(&self, at: &str) -> bool {
        let handled = self.0.data["status"]["lastHandledReconcileAt"]
            .as_str()
            .unwrap_or_default();
        let moment = |text: &str| text.parse::<Timestamp>().ok();
        let is_later = moment(handled)
            .zip(moment(at))
            .is_some_and(|(handled, at)| handled > at);
        (handled == at || is_later) && Condition::is_true(&self.0, "Ready")
    }

    /// The objects it applies.
    pub(super) fn inventory(&self) -> Vec<ObjectId> {
        let entries = self.0.data["status"]["inventory"]["entries"].as_array();
        let entries = entries.into_iter().flatten();
        entries
            .filter_map(|entry| object_id(entry["id"].as_str()?, entry["v"].as_str()?))
            .collect()
    }
}

/// Reads `namespace_name_group_kind`, in which a colon of a name is written as `__`.
/// (github.com/fluxcd/cli-utils, `pkg/object/objmetadata.go`)
fn object_id(id: &str, version: &str) -> Option<ObjectId> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?;
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let namespace = (!namespace.is_empty()).then_some(namespace);
    Some(ObjectId::new(
        &api_version,
        kind,
        namespace,
        &name.replace("__", ":"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_request_counts_for_an_earlier_one() {
        let handled = |at: &str, ready: &str| {
            let status =
                json!({"lastHandledReconcileAt": at, "conditions": [{"type": "Ready", "status": ready}]});
            let object =
                json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "a"}, "status": status});
            Kustomization(serde_json::from_value(object).unwrap())
        };
        let asked = "2026-11-30T05:05:08.5Z";
        assert!(handled(asked, "True").has_reconciled(asked));
        assert!(handled("2026-11-30T05:05:38.073Z", "True").has_reconciled(asked));
        assert!(!handled("2026-11-30T05:05:38Z", "False").has_reconciled(asked));
        assert!(!handled("2026-11-30T05:05:08.49Z", "True").has_reconciled(asked));
        assert!(!handled("soon", "True").has_reconciled(asked));
    }

    #[test]
    fn inventory_entries_name_objects() {
        let id = |text| object_id(text, "v1").unwrap();
        assert_eq!(
            id("cert-manager_cert-manager_apps_Deployment"),
            ObjectId::new("apps/v1", "Deployment", Some("cert-manager"), "cert-manager")
        );
        assert_eq!(
            id("_gitea__Namespace"),
            ObjectId::new("v1", "Namespace", None, "gitea")
        );
        assert_eq!(
            id("_system__node_rbac.authorization.k8s.io_ClusterRole"),
            ObjectId::new("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:node")
        );
        assert_eq!(object_id("nonsense", "v1"), None);
    }
}
