//! The crate `hcloud`: satisfied where it can be, and the reason why the installer has a client of its own.

use hcloud::apis::configuration::Configuration;
use hcloud::apis::{networks_api, primary_ips_api, servers_api};
use hcloud::models::CreateServerRequest;
use sovereign_lab::RunningLab;

use crate::lab;

fn configuration(lab: &RunningLab) -> Configuration {
    Configuration {
        base_path_mapping: [("https://api.hetzner.cloud/v1".to_owned(), lab.url())].into(),
        bearer_access_token: Some(lab.token().to_owned()),
        ..Configuration::new()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_makes_lists_and_deletes_a_server() {
    let lab = lab().await;
    let configuration = configuration(&lab);
    let mut request = CreateServerRequest::new("ubuntu-24.04".into(), "one".into(), "cx33".into());
    request.location = Some("fsn1".into());
    let params = servers_api::CreateServerParams {
        create_server_request: request,
    };
    let made = servers_api::create_server(&configuration, params)
        .await
        .expect("a server");
    let listed = servers_api::list_servers(&configuration, servers_api::ListServersParams::default()).await;
    assert_eq!(listed.expect("servers").servers.len(), 1);
    let networks =
        networks_api::list_networks(&configuration, networks_api::ListNetworksParams::default()).await;
    assert!(networks.expect("networks").networks.is_empty());
    // The crate waits for no action; a server is locked as long as one runs.
    let coming_up = tokio::time::sleep(std::time::Duration::from_secs(1));
    coming_up.await;
    let params = servers_api::DeleteServerParams { id: made.server.id };
    servers_api::delete_server(&configuration, params)
        .await
        .expect("it goes");
}

/// The API documents the assignee type `unassigned`; the crate's closed enum fails the whole page over one such address.
#[tokio::test(flavor = "multi_thread")]
async fn the_crate_cannot_read_an_unassigned_address() {
    let lab = lab().await;
    let body = serde_json::json!({"name": "ip", "type": "ipv4", "location": "fsn1", "assignee_type": "server", "auto_delete": false});
    let made = reqwest::Client::new()
        .post(format!("{}/primary_ips", lab.url()))
        .bearer_auth(lab.token())
        .json(&body)
        .send();
    assert_eq!(made.await.expect("an answer").status().as_u16(), 201);
    let listed = primary_ips_api::list_primary_ips(
        &configuration(&lab),
        primary_ips_api::ListPrimaryIpsParams::default(),
    )
    .await;
    assert!(
        listed.is_err(),
        "the crate has learned it: look at decision 0002 again"
    );
}
