//! Requests as the vendors' documentation has them.

use serde_json::{Value, json};
use sovereign_dns::registrar::{Target, TargetNs};
use sovereign_lab::{Recorded, RegistrarVendor};

use crate::bench::{Bench, NEW, ns, signer};

const HOSTS: [&str; 2] = ["ns1.new.example", "ns2.new.example"];

/// What a change of name servers and keys sends, without what it reads.
async fn written(vendor: RegistrarVendor) -> Vec<Recorded> {
    let bench = Bench::start(vendor).await;
    let before = bench.read().await;
    bench.sim.registry().take_seen();
    let mut target = Target::ns(ns(&HOSTS));
    if bench.takes_ds() {
        target = target.with_ds(vec![signer(&bench.domain, 1)]);
    }
    bench.set(&before, &target).await.unwrap();
    let mut seen = bench.sim.registry().take_seen();
    seen.retain(|request| request.writes);
    seen
}

fn shape(request: &Recorded) -> (String, Value) {
    let body = serde_json::from_str(&request.body).unwrap_or(Value::Null);
    (format!("{} {}", request.method, request.target), body)
}

/// <https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/batch/>
#[tokio::test]
async fn cloudflare_changes_records_in_one_batch() {
    let seen = written(RegistrarVendor::Cloudflare).await;
    assert_eq!(seen.len(), 1);
    let (line, body) = shape(&seen[0]);
    assert!(
        line.starts_with("POST /zones/") && line.ends_with("/dns_records/batch"),
        "{line}"
    );
    assert_eq!(body["deletes"].as_array().unwrap().len(), 2);
    assert_eq!(body["deletes"][0]["id"].as_str().unwrap().len(), 32);
    let record =
        json!({ "type": "NS", "name": "platform.acme.example", "content": "ns1.new.example", "ttl": 300 });
    assert_eq!(body["posts"][0], record);
    let ds = &body["posts"][2];
    assert_eq!(
        (&ds["type"], &ds["data"]["algorithm"], &ds["data"]["digest_type"]),
        (&json!("DS"), &json!(13), &json!(2))
    );
    assert!(seen[0].header("authorization").unwrap().starts_with("Bearer "));
}

/// <https://developer.godaddy.com/doc/endpoint/domains>: `PATCH /v1/domains/{domain}`, `PATCH /v2/.../dnssecRecords`
#[tokio::test]
async fn godaddy_patches_the_domain_and_adds_keys_by_name() {
    let seen = written(RegistrarVendor::Godaddy).await;
    let (line, body) = shape(&seen[0]);
    assert_eq!(line, "PATCH /v1/domains/acme.example");
    assert_eq!(body, json!({ "nameServers": HOSTS }));
    let (line, body) = shape(&seen[1]);
    assert_eq!(
        line,
        "PATCH /v2/customers/295e3bc3-b3b9-4d95-aae5-ede41a994d13/domains/acme.example/dnssecRecords"
    );
    assert_eq!(body[0]["algorithm"], "ECDSAP256SHA256");
    assert_eq!(body[0]["digestType"], "SHA256");
    assert!(seen[0].header("authorization").unwrap().starts_with("sso-key "));
}

/// <https://porkbun.com/api/json/v3/documentation>
#[tokio::test]
async fn porkbun_gets_its_keys_in_the_body() {
    let seen = written(RegistrarVendor::Porkbun).await;
    let (line, body) = shape(&seen[0]);
    assert_eq!(line, "POST /domain/updateNs/acme.example");
    assert_eq!(body["ns"], json!(HOSTS));
    assert!(body["apikey"].is_string() && body["secretapikey"].is_string());
    let (line, body) = shape(&seen[1]);
    assert_eq!(line, "POST /dns/createDnssecRecord/acme.example");
    assert_eq!((&body["alg"], &body["digestType"]), (&json!("13"), &json!("2")));
    assert!(body["keyTag"].is_string() && body["digest"].is_string());
}

/// <https://api.gandi.net/docs/domains/>
#[tokio::test]
async fn gandi_gets_the_key_itself() {
    let seen = written(RegistrarVendor::Gandi).await;
    let (line, body) = shape(&seen[0]);
    assert_eq!(line, "PUT /domain/domains/acme.example/nameservers");
    assert_eq!(body, json!({ "nameservers": HOSTS }));
    let (line, body) = shape(&seen[1]);
    assert_eq!(line, "POST /domain/domains/acme.example/dnskeys");
    assert_eq!((&body["algorithm"], &body["type"]), (&json!(13), &json!("ksk")));
    assert!(body["public_key"].is_string());
    assert!(seen[0].header("authorization").unwrap().starts_with("Bearer "));
}

/// <https://eu.api.ovh.com/console/?branch=v2>
#[tokio::test]
async fn ovh_gets_a_whole_target_under_its_checksum() {
    let seen = written(RegistrarVendor::Ovh).await;
    assert_eq!(seen.len(), 1);
    let (line, body) = shape(&seen[0]);
    assert_eq!(line, "PUT /v2/domain/name/acme.example");
    assert_eq!(body["checksum"].as_str().unwrap().len(), 64);
    let spec = &body["targetSpec"];
    let servers = json!([{ "nameServer": HOSTS[0] }, { "nameServer": HOSTS[1] }]);
    assert_eq!(spec["dnsConfiguration"]["nameServers"], servers);
    assert_eq!(spec["dnssecConfiguration"]["dsData"][0]["flags"], 257);
    assert_eq!(
        spec["protectionState"], "PROTECTED",
        "what is not ours goes back as it came"
    );
    assert!(seen[0].header("x-ovh-signature").unwrap().starts_with("$1$"));
    for name in ["x-ovh-application", "x-ovh-consumer", "x-ovh-timestamp"] {
        assert!(seen[0].header(name).is_some(), "{name}");
    }
}

/// <https://www.namecheap.com/support/api/methods/domains-dns/set-custom/>
#[tokio::test]
async fn namecheap_gets_a_form_and_no_parameter_in_the_address() {
    let seen = written(RegistrarVendor::Namecheap).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/xml.response")
    );
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    for field in [
        "ApiUser=acme&",
        "UserName=acme&",
        "ClientIp=127.0.0.1&",
        "Command=namecheap.domains.dns.setCustom&",
        "SLD=acme&TLD=example&",
        "Nameservers=ns1.new.example%2Cns2.new.example",
    ] {
        assert!(seen[0].body.contains(field), "{field}");
    }
}

/// <https://www.namecheap.com/support/api/methods/domains-dns/set-default/>
#[tokio::test]
async fn namecheap_goes_back_by_a_command_of_its_own() {
    let bench = Bench::start(RegistrarVendor::Namecheap).await;
    let before = bench.read().await;
    let target = Target {
        ns: TargetNs::ProviderDefault,
        ..Target::ns(ns(&NEW))
    };
    bench.sim.registry().take_seen();
    bench.reach(&before, &target).await;
    let seen = bench.sim.registry().take_seen();
    let write = seen.iter().find(|request| request.writes).unwrap();
    assert!(
        write.body.contains("Command=namecheap.domains.dns.setDefault"),
        "{}",
        write.body
    );
}

/// <https://www.dynadot.com/domain/api-document>
#[tokio::test]
async fn dynadot_gets_signed_json() {
    let seen = written(RegistrarVendor::Dynadot).await;
    let (line, body) = shape(&seen[0]);
    assert_eq!(line, "PUT /restful/v2/domains/acme.example/nameservers");
    assert_eq!(body, json!({ "nameserver_list": HOSTS }));
    let (line, body) = shape(&seen[1]);
    assert_eq!(line, "PUT /restful/v2/domains/acme.example/dnssec");
    assert_eq!(
        (&body["algorithm"], &body["digest_type"]),
        (&json!("13"), &json!("2"))
    );
    assert!(body["key_tag"].is_number() && body["digest"].is_string());
    // Base64 of 32 bytes.
    assert_eq!(seen[0].header("x-signature").unwrap().len(), 44);
}
