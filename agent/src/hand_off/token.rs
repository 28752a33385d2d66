//! The secret that let nodes in lets nobody in any more.
//!
//! k3s takes a new one at `PUT /v1-k3s/token`, as its own `k3s token rotate` asks it to; the command line has the secret among its
//! arguments, where every process of the host can read it. (github.com/k3s-io/k3s, `pkg/server/handlers/token.go`)

use http::Request;
use serde_json::json;
use sovereign_core::k3s::JoinToken;

use crate::cluster::Cluster;
use crate::fault::Fault;
use crate::root::Root;
use crate::standing::Standing;

const TOKEN: &str = "/v1-k3s/token";
const NEITHER: &str = "k3s refuses both the old secret that lets nodes in and the new one";
const RESTORE: &str = "somebody else changed it: let k3s take the one in `/etc/rancher/k3s/token` again with `k3s token rotate` on the server, and run `sovereign up` again";
/// Answered only to who has the secret.
const PROBE: &str = "/v1-k3s/encrypt/status";

/// Lets nodes in by the new secret alone, and sees that the old one is refused; whether that was a change.
pub(crate) async fn rotate(root: &Root, old: &JoinToken, new: &JoinToken) -> Result<bool, Fault> {
    let changed = !opens(root, new).await?;
    if changed {
        let cluster = Cluster::open_as_server(root, old).await?;
        let body = json!({"newToken": new.expose()}).to_string();
        let request = Request::put(TOKEN).body(body.into_bytes());
        let request = request.map_err(|error| unmade(&error))?;
        if cluster.call(request).await?.is_none() {
            return Err(Fault::new(NEITHER, RESTORE));
        }
    }
    if old != new && opens(root, old).await? {
        return Err(Fault::new("k3s still takes the old secret", RESTORE));
    }
    Ok(changed)
}

/// Whether the old secret opens nothing any more.
pub(super) async fn look(root: &Root, old: &JoinToken) -> Result<Standing, Fault> {
    Ok(if opens(root, old).await? {
        Standing::Failed(Fault::new(
            "k3s still takes the secret that nodes joined by",
            RESTORE,
        ))
    } else {
        Standing::proven(false, "the secret that nodes joined by is refused")
    })
}

/// Whether k3s takes this secret.
async fn opens(root: &Root, token: &JoinToken) -> Result<bool, Fault> {
    let cluster = Cluster::open_as_server(root, token).await?;
    let request = Request::get(PROBE)
        .body(Vec::new())
        .map_err(|error| unmade(&error))?;
    Ok(cluster.call(request).await?.is_some())
}

fn unmade(error: &http::Error) -> Fault {
    Fault::new(format!("a request cannot be made: {error}"), "please report this")
}
