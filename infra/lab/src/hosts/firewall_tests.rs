use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::hosts::testing::{Bench, connects, listens};

fn picture(firewalls: Value) -> Picture {
    let Value::Array(firewalls) = firewalls else {
        panic!("a list of firewalls");
    };
    Picture {
        servers: vec![
            json!({"id": 7, "labels": {"role": "cp"}}),
            json!({"id": 8, "labels": {"role": "worker"}}),
        ],
        firewalls,
        ..Picture::default()
    }
}

fn inbound(protocol: &str, port: Option<&str>, sources: &[&str]) -> Value {
    json!({"direction": "in", "protocol": protocol, "port": port, "source_ips": sources, "destination_ips": []})
}

#[test]
fn without_firewalls_everything_passes() {
    assert_eq!(
        ruleset(&picture(json!([{"rules": [], "applied_to": []}]))),
        "add table inet sovereign_lab\ndelete table inet sovereign_lab\ntable inet sovereign_lab {\n\
         \tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\
         \t\tct state established,related accept\n\t}\n}\n"
    );
}

#[test]
fn rules_of_all_firewalls_of_a_server_add_up() {
    let firewalls = json!([
        {"applied_to": [{"type": "server", "server": {"id": 7}}],
         "rules": [inbound("tcp", Some("22"), &["192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32"])]},
        {"applied_to": [{"type": "label_selector", "label_selector": {"selector": "role=cp"}}],
         "rules": [inbound("icmp", None, &["0.0.0.0/0", "::/0"]), inbound("udp", Some("any"), &["10.0.0.0/8"])]},
    ]);
    let text = ruleset(&picture(firewalls));
    let chain = "\tchain in_7 {\n\
        \t\tip saddr { 192.0.2.0/24 } tcp dport 22-22 return\n\
        \t\tip6 saddr { 2001:db8::/32 } tcp dport 22-22 return\n\
        \t\tip saddr { 0.0.0.0/0 } meta l4proto icmp return\n\
        \t\tip6 saddr { ::/0 } meta l4proto ipv6-icmp return\n\
        \t\tip saddr { 10.0.0.0/8 } udp dport 1-65535 return\n\
        \t\tdrop\n\t}\n";
    assert!(text.contains(chain), "{text}");
    assert!(
        text.contains("\t\toifname vmap { \"p7\" : jump in_7 }\n"),
        "{text}"
    );
    assert!(!text.contains("iifname") && !text.contains("in_8"), "{text}");
}

#[test]
fn a_firewall_without_rules_lets_nothing_in_and_everything_out() {
    let all = json!([{"type": "server", "server": {"id": 7}}, {"type": "server", "server": {"id": 8}}]);
    let text = ruleset(&picture(json!([{"applied_to": all, "rules": []}])));
    assert!(text.contains("chain in_8 {\n\t\tdrop\n"), "{text}");
    assert!(!text.contains("out_"), "{text}");
}

#[test]
fn one_outbound_rule_closes_the_rest() {
    let out = json!({"direction": "out", "protocol": "tcp", "port": "443", "source_ips": [], "destination_ips": ["0.0.0.0/0"]});
    let applied = json!([{"type": "server", "server": {"id": 8}}]);
    let text = ruleset(&picture(json!([{"applied_to": applied, "rules": [out]}])));
    assert!(
        text.contains("chain out_8 {\n\t\tip daddr { 0.0.0.0/0 } tcp dport 443-443 return\n\t\tdrop"),
        "{text}"
    );
    assert!(text.contains("iifname vmap { \"p8\" : jump out_8 }"), "{text}");
}

#[test]
fn what_cannot_be_read_is_said_and_allows_nothing() {
    for (rule, why) in [
        (inbound("tcp", None, &[]), "port is for tcp"),
        (inbound("icmp", Some("1"), &[]), "port is for tcp"),
        (inbound("tcp", Some("0"), &[]), "port must be"),
        (inbound("tcp", Some("9-8"), &[]), "port must be"),
        (inbound("tcp", Some("22 accept; #"), &[]), "port must be"),
        (inbound("sctp", None, &[]), "protocol must be"),
        (
            inbound("tcp", Some("22"), &["10.0.0.1/8"]),
            "must be network ranges",
        ),
        (
            inbound("tcp", Some("22"), &["} accept"]),
            "must be network ranges",
        ),
        (json!({"protocol": "tcp", "port": "22"}), "direction must be"),
    ] {
        let said = Rule::read(&rule).expect_err("a bad rule");
        assert!(said.contains(why), "{rule}: {said}");
        let applied = json!([{"type": "server", "server": {"id": 7}}]);
        let text = ruleset(&picture(json!([{"applied_to": applied, "rules": [rule]}])));
        assert!(text.contains("chain in_7 {\n\t\tdrop\n"), "{text}");
    }
}

#[tokio::test]
async fn the_router_filters() {
    let bench = Bench::raise().await;
    let (host, inside) = bench.host(7, true).await;
    let (client, _) = bench.host(8, true).await;
    let _ssh = listens(bench.slot().host(7), 22).await;
    let _http = listens(bench.slot().host(7), 80).await;
    let reaches =
        |ip: Ipv4Addr, port: u16| connects(bench.slot().host(8), (ip, port).into(), Duration::from_secs(3));
    let mut firewalls = Firewalls::new(bench.slot().router());

    firewalls.follow(&picture(json!([]))).await.expect("no rules");
    assert!(reaches(host, 22).await && reaches(host, 80).await);

    let ssh = inbound("tcp", Some("20-22"), &[&format!("{client}/32"), "2001:db8::/32"]);
    let applied = json!([{"type": "server", "server": {"id": 7}}, {"type": "server", "server": {"id": 8}}]);
    let wanted = picture(json!([{"applied_to": applied, "rules": [ssh, inbound("icmp", None, &["::/0"])]}]));
    firewalls.follow(&wanted).await.expect("rules");
    assert!(reaches(host, 22).await && !reaches(host, 80).await);
    assert!(reaches(inside, 80).await, "private networks are not filtered");

    firewalls
        .follow(&picture(json!([])))
        .await
        .expect("no rules again");
    assert!(reaches(host, 80).await);
    bench.end().await;
}
