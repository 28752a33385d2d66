//! Flux's kinds, each with the version of its API, and the way to ask Flux for something.

use serde_json::json;

use crate::cluster::{Cluster, ObjectId, object};
use crate::fault::Fault;

pub(crate) const KUSTOMIZATION: (&str, &str) = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
pub(crate) const OCI_REPOSITORY: (&str, &str) = ("source.toolkit.fluxcd.io/v1", "OCIRepository");
pub(crate) const HELM_RELEASE: (&str, &str) = ("helm.toolkit.fluxcd.io/v2", "HelmRelease");

/// Label by which the kustomize-controller knows what is its own.
pub(crate) const OWNER: &str = "kustomize.toolkit.fluxcd.io/name";
/// Annotation by which Flux is asked to reconcile an object now.
pub(crate) const REQUEST: &str = "reconcile.fluxcd.io/requestedAt";
/// Field manager of that annotation, and of nothing else.
pub(crate) const REQUESTER: &str = "sovereign-agent-request";

/// Asks Flux to reconcile an object that is there. `at` is what Flux repeats in its status once it has.
pub(crate) async fn request(cluster: &Cluster, id: &ObjectId, at: &str) -> Result<(), Fault> {
    let request = json!({"apiVersion": id.api_version, "kind": id.kind,
        "metadata": {"name": id.name, "namespace": id.namespace, "annotations": {REQUEST: at}}});
    cluster.apply(&object(request)?, REQUESTER).await.map(drop)
}
