//! One look at the cluster: what is asked for often in it is asked of the API once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kube::api::DynamicObject;

use super::{Cluster, ObjectId};
use crate::fault::Fault;
use crate::flux::{HELM_RELEASE, KUSTOMIZATION, OCI_REPOSITORY};

pub(crate) const NODE: (&str, &str) = ("v1", "Node");
/// Kinds of which many objects are asked for in one look: they are listed. Others are read one by one, for a list of definitions with
/// their schemas is megabytes.
const LISTED: [(&str, &str); 7] = [
    NODE,
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    KUSTOMIZATION,
    OCI_REPOSITORY,
    HELM_RELEASE,
];

type List = Rc<Vec<DynamicObject>>;

/// What one look has seen. It lasts as long as the look: the next one asks anew.
#[derive(Debug)]
pub(crate) struct Glance<'a> {
    cluster: &'a Cluster,
    lists: RefCell<BTreeMap<(&'static str, &'static str), List>>,
}

impl<'a> Glance<'a> {
    pub(crate) fn at(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            lists: RefCell::default(),
        }
    }

    /// For what has to be seen right now, and for writing.
    pub(crate) fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// From here on everything is seen anew: something was written, or what comes is to be seen after what was.
    pub(crate) fn renew(&self) {
        self.lists.borrow_mut().clear();
    }

    /// Every object of a kind, in all namespaces.
    pub(crate) async fn all(&self, kind: (&'static str, &'static str)) -> Result<List, Fault> {
        if let Some(list) = self.lists.borrow().get(&kind) {
            return Ok(Rc::clone(list));
        }
        let list = Rc::new(self.cluster.labelled(kind.0, kind.1, "").await?);
        self.lists.borrow_mut().insert(kind, Rc::clone(&list));
        Ok(list)
    }

    /// The object as it is, or `None`.
    pub(crate) async fn get(&self, id: &ObjectId) -> Result<Option<DynamicObject>, Fault> {
        let listed = LISTED
            .into_iter()
            .find(|&(api_version, kind)| id.api_version == api_version && id.kind == kind);
        let Some(kind) = listed else {
            return self.cluster.get(id).await;
        };
        let list = self.all(kind).await?;
        Ok(list.iter().find(|one| id.names(one)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;

    fn answer(path: &str) -> Value {
        let resource = json!({"name": "deployments", "singularName": "", "namespaced": true, "kind": "Deployment", "verbs": ["list"]});
        let deployment = |name| json!({"metadata": {"name": name, "namespace": "shop"}});
        match path {
            "/apis/apps/v1" => {
                json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [resource]})
            }
            _ => json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {},
                "items": [deployment("web"), deployment("mail")]}),
        }
    }

    /// A cluster with two Deployments, and what it is asked.
    fn cluster() -> (Cluster, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let api = service_fn(move |request: Request<Body>| {
            let path = request.uri().path().to_owned();
            let answer = answer(&path).to_string().into_bytes();
            log.lock().unwrap().push(path);
            async move { Ok::<_, Infallible>(Response::new(Body::from(answer))) }
        });
        (Cluster::of(Client::new(api, "default")), asked)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_look_lists_a_kind_once_and_the_next_look_anew() {
        let (cluster, asked) = cluster();
        for look in 1..=2 {
            let glance = Glance::at(&cluster);
            for (name, is_there) in [("web", true), ("mail", true), ("none", false)] {
                let id = ObjectId::new("apps/v1", "Deployment", Some("shop"), name);
                let found = glance.get(&id).await.unwrap();
                assert_eq!(found.is_some(), is_there, "{name}");
                assert_eq!(found.as_ref().and_then(ObjectId::of), is_there.then_some(id));
            }
            let lists = asked
                .lock()
                .unwrap()
                .iter()
                .filter(|path| path.ends_with("deployments"))
                .count();
            assert_eq!(lists, look);
        }
        let glance = Glance::at(&cluster);
        for _ in 0..2 {
            let before = asked.lock().unwrap().len();
            glance.all(("apps/v1", "Deployment")).await.unwrap();
            assert_eq!(asked.lock().unwrap().len(), before + 1);
            glance.renew();
        }
        let elsewhere = ObjectId::new("apps/v1", "Deployment", Some("other"), "web");
        assert!(Glance::at(&cluster).get(&elsewhere).await.unwrap().is_none());
    }
}
