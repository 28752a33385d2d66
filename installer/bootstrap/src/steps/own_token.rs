//! The cloud token that stays is the Sovereign's own: before it is handed over, it is shown to open the same project.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sovereign_cloud::CloudError;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::hand_off::CloudToken;
use sovereign_core::secret::{SentSecret, fingerprint};
use sovereign_engine::step::{StepContext, StepError};

use super::error::step_error;
use crate::services::{OwnToken, Services};
use crate::teardown::Scope;

const REMEDY: &str = "make a token with read and write access in the project of the Sovereign's servers, put it where \
                      `provider.sovereignToken` leads, and run `sovereign up` again";

/// What goes to the Sovereign beside the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedToken {
    /// Name of the private network that its nodes are in, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

impl PlannedToken {
    /// The token as it is handed over, and what was seen with it. `everything` is what the installer's own token shows.
    pub(super) async fn shown(
        &self,
        cx: &StepContext<'_, Services>,
        everything: &[Resource],
        scope: &Scope,
    ) -> Result<(CloudToken, String), StepError> {
        let own = cx.services.own_token.as_ref().ok_or_else(|| StepError::Fatal {
            cause: "the plan hands a cloud token over, and the spec names none".into(),
            remedy: "run `sovereign up` with the spec that the plan was made from".into(),
        })?;
        let secret = own.secret.expose_secret();
        if cx.services.token.as_ref() == Some(&fingerprint(secret)) {
            return Err(StepError::Fatal {
                cause: "the Sovereign's own cloud token is the installer's".into(),
                remedy: REMEDY.into(),
            });
        }
        let seen = same_project(own, everything, scope).await?;
        let token = CloudToken {
            token: SentSecret::new(secret),
            network: self.network.clone(),
        };
        Ok((token, seen))
    }
}

/// Sees that the token may write, and that it shows the very servers of the Sovereign that the installer's shows.
async fn same_project(own: &OwnToken, everything: &[Resource], scope: &Scope) -> Result<String, StepError> {
    let (can_write, listed) =
        tokio::try_join!(own.cloud.can_write(), own.cloud.list(ResourceKind::Server)).map_err(refused)?;
    let (expected, found) = (servers(everything, scope), servers(&listed, scope));
    let seen = expected.intersection(&found).count();
    let cause = if !can_write {
        "the Sovereign's own cloud token may only read".to_owned()
    } else if expected.is_empty() {
        "the cloud shows no server of the Sovereign to the installer's own token".to_owned()
    } else if expected != found {
        format!(
            "the Sovereign's own cloud token is not of the Sovereign's project: it shows {seen} of its {} servers, and {} others",
            expected.len(),
            found.len() - seen
        )
    } else {
        return Ok(format!(
            "the Sovereign's own cloud token may write and shows the same servers as the installer's: {seen} of {seen}"
        ));
    };
    Err(StepError::Fatal {
        cause,
        remedy: REMEDY.into(),
    })
}

/// Numbers of the servers that carry the Sovereign's label.
fn servers(resources: &[Resource], scope: &Scope) -> BTreeSet<u64> {
    resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Server && scope.labelled(resource))
        .map(|server| server.id)
        .collect()
}

fn refused(mut error: CloudError) -> StepError {
    error.action.push_str(" with the Sovereign's own token");
    match step_error(error) {
        StepError::Fatal { cause, .. } => StepError::Fatal {
            cause,
            remedy: REMEDY.into(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secrecy::SecretString;
    use sovereign_cloud::request::ServerRequest;
    use sovereign_cloud::wait::Wait;
    use sovereign_cloud::{Cloud, HetznerConfig, connect_hetzner, label};
    use sovereign_core::spec::Candidate;
    use sovereign_lab::{Lab, LabConfig, RunningLab};
    use tokio_util::sync::CancellationToken;

    use super::*;

    async fn lab() -> RunningLab {
        let config = LabConfig {
            create_seconds: 0.0,
            ..LabConfig::default()
        };
        Lab::start(config).await.expect("the lab starts")
    }

    /// One server of the Sovereign and one of nobody.
    async fn make_servers(cloud: &dyn Cloud) {
        let inventory = cloud.inventory().await.expect("an inventory");
        let image = inventory
            .images
            .iter()
            .find(|image| image.architecture == "x86")
            .expect("an image");
        let cancel = CancellationToken::new();
        let wait = Wait {
            cancel: &cancel,
            tell: &|_, _| {},
        };
        for resource in two_servers() {
            let request = ServerRequest {
                name: resource.name,
                labels: resource.labels,
                candidate: Candidate {
                    server_type: "cx33".into(),
                    location: "fsn1".into(),
                },
                image: image.id,
                ssh_keys: Vec::new(),
                networks: Vec::new(),
                firewalls: Vec::new(),
                placement_group: None,
            };
            let made = cloud
                .create_server(&request, &SecretString::from(""), &wait)
                .await;
            made.expect("a server");
        }
    }

    fn open(lab: &RunningLab, token: &str) -> OwnToken {
        let secret = SecretString::from(token);
        let mut config = HetznerConfig::new(secret.clone());
        config.endpoint = Some(lab.url());
        let cloud: Arc<dyn Cloud> = connect_hetzner(config).expect("a client");
        OwnToken { secret, cloud }
    }

    fn token_of(project: &str, read_only: bool) -> String {
        let tokens = LabConfig::default().tokens;
        let found = tokens
            .iter()
            .find(|token| token.project == project && token.read_only == read_only);
        found.expect("a token").value.clone()
    }

    fn scope() -> Scope {
        Scope::of("acme".parse().expect("a name"))
    }

    /// What the installer sees: one of its servers, and one of somebody else.
    fn two_servers() -> Vec<Resource> {
        let own = label::owned("acme", Some("fsn"), "cp");
        vec![
            Resource::new(ResourceKind::Server, 1, "acme-fsn-cp-1", own),
            Resource::new(ResourceKind::Server, 2, "other", label::Labels::new()),
        ]
    }

    async fn fails(own: &OwnToken, everything: &[Resource]) -> String {
        let outcome = same_project(own, everything, &scope()).await;
        let Err(StepError::Fatal { cause, remedy }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(remedy, REMEDY);
        assert!(!cause.contains(own.secret.expose_secret()), "{cause}");
        cause
    }

    #[tokio::test]
    async fn a_token_of_the_same_project_shows_the_same_servers() {
        let lab = lab().await;
        let installers = open(&lab, lab.token());
        make_servers(&*installers.cloud).await;
        let everything = installers
            .cloud
            .list(ResourceKind::Server)
            .await
            .expect("a listing");
        let own = open(&lab, lab.second_token());
        let seen = same_project(&own, &everything, &scope())
            .await
            .expect("it is shown");
        assert!(seen.ends_with("1 of 1"), "{seen}");
    }

    #[tokio::test]
    async fn one_of_another_project_or_without_rights_is_refused() {
        let lab = lab().await;
        let cause = fails(&open(&lab, &token_of("other", false)), &two_servers()).await;
        assert!(cause.contains("shows 0 of its 1 servers"), "{cause}");
        let cause = fails(&open(&lab, &token_of("lab", true)), &two_servers()).await;
        assert!(cause.contains("may only read"), "{cause}");
        let cause = fails(&open(&lab, &"none".repeat(16)), &two_servers()).await;
        assert!(
            cause.contains("with the Sovereign's own token") && cause.contains("unauthorized"),
            "{cause}"
        );
    }

    /// Two empty lists are equal and show nothing.
    #[tokio::test]
    async fn nothing_seen_is_nothing_shown() {
        let lab = lab().await;
        let cause = fails(&open(&lab, lab.second_token()), &[]).await;
        assert!(cause.contains("no server"), "{cause}");
    }
}
