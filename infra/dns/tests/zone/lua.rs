//! Addresses that servers choose when they are asked: tried first, proven signed, and refused where a server cannot.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use sovereign_dns::drift::{Author, DriftKind, drift};
use sovereign_dns::record::{LuaRule, RecordKind, RecordSet, Records};
use sovereign_dns::transfer::{Secondary, Supply, supply};
use sovereign_dns::trial::try_lua;
use sovereign_dns::zone::{Change, Zone};
use sovereign_dns::{
    DnsError, ErrorClass, PowerDnsConfig, SovereignNames, ZoneRequest, connect_powerdns, look, publish,
    sovereign_zone,
};
use sovereign_lab::PowerDns;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::bench::{Bench, connect, names, words, zone};
use crate::oracle::{delv, dig};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn evaluating() -> Bench {
    let settings = ["enable-lua-records=yes", "lua-health-checks-interval=1"];
    let server = PowerDns::start_with(&[HERE], None, None, &settings)
        .await
        .unwrap();
    let hosts = vec![connect(&server.url, &server.key)];
    Bench { server, hosts }
}

fn chosen(rule: LuaRule) -> ZoneRequest {
    sovereign_zone(&SovereignNames {
        rule: Some(rule),
        ..names("acme")
    })
    .unwrap()
}

async fn copy(bench: &Bench) -> Zone {
    let found = bench.host().find(&zone("acme").name).await.unwrap();
    found.unwrap()
}

/// What a zone holds, whatever its serial.
async fn sets(bench: &Bench) -> Vec<String> {
    let sets = copy(bench).await.sets.into_iter();
    let lasting = sets.filter(|set| set.records.kind() != RecordKind::Soa);
    lasting.map(|set| set.to_string()).collect()
}

async fn refused(bench: &Bench, secondaries: &[Secondary]) -> DnsError {
    let request = chosen(LuaRule::PickClosest);
    let error = try_lua(&bench.hosts, secondaries, &request).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Stop, "{error:?}");
    assert!(error.action.contains("accept LUA records"), "{error}");
    error
}

#[tokio::test]
async fn servers_that_choose_are_proven_signed_and_plain_addresses_come_back() {
    let bench = evaluating().await;
    let plain = zone("acme");
    publish(&bench.hosts, &plain).await.unwrap();
    let before = sets(&bench).await;
    for rule in [
        LuaRule::PickClosest,
        LuaRule::IfUrlUp("https://console.acme.example/healthz".parse().unwrap()),
    ] {
        let request = chosen(rule);
        try_lua(&bench.hosts, &[], &request).await.unwrap();
        assert_eq!(sets(&bench).await, before, "a trial leaves nothing");
        let published = publish(&bench.hosts, &request).await.unwrap();
        assert_eq!(bench.check(&request, &published).await, []);
        assert_eq!(look(&bench.hosts, &request).await.unwrap(), Some(published));
        assert_eq!(drift(&request, &copy(&bench).await), []);
        let key = &bench.host().keys(&request.name).await.unwrap()[0].dnskey;
        for (name, kind, wanted) in [
            ("acme.example", "A", "192.0.2."),
            ("console.acme.example", "AAAA", "2001:db8::1"),
            ("any.thing.acme.example", "A", "192.0.2."),
            ("acme.example", "MX", "negative response"),
        ] {
            let said = delv(bench.server.dns_addr, &request.name, key, name, kind);
            assert!(
                said.contains("fully validated") && said.contains(wanted),
                "{said}"
            );
        }
        let drifts = drift(&plain, &copy(&bench).await);
        assert!(drifts.iter().any(|drift| drift.drift == DriftKind::Stray));
        let published = publish(&bench.hosts, &plain).await.unwrap();
        assert_eq!(bench.check(&plain, &published).await, []);
        assert_eq!(sets(&bench).await, before);
    }
}

#[tokio::test]
async fn a_server_that_evaluates_nothing_is_named_and_no_name_has_changed() {
    let bench = Bench::start().await;
    publish(&bench.hosts, &zone("acme")).await.unwrap();
    let before = sets(&bench).await;
    let said = words(&refused(&bench, &[]).await);
    for wanted in [
        &bench.server.dns_addr.to_string(),
        "NOERROR",
        "192.0.2.1",
        "`enable-lua-records=yes`",
        "leave `--lua` out",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!(sets(&bench).await, before);
}

#[tokio::test]
async fn an_api_that_takes_a_broken_script_is_not_believed() {
    let bench = evaluating().await;
    let other = evaluating().await;
    publish(&bench.hosts, &zone("acme")).await.unwrap();
    // Whatever the other one is asked for it answers by a script that does not end; its API has taken it.
    publish(&other.hosts, &zone("acme")).await.unwrap();
    let broken = RecordSet {
        name: zone("acme").name.child("*").unwrap(),
        ttl: 1,
        records: Records::read(RecordKind::Lua, &["A \"ifurlup('\"".to_owned()].into()),
    };
    let remove = Change::Remove {
        name: broken.name.clone(),
        kind: RecordKind::A,
    };
    let changes = [remove, Change::Replace(broken)];
    other.host().change(&zone("acme").name, &changes).await.unwrap();
    let before = sets(&bench).await;
    let config = PowerDnsConfig {
        answers_at: Some(other.server.dns_addr),
        ..PowerDnsConfig::new(&bench.server.url, bench.server.key.as_str().into())
    };
    let hosts = [connect_powerdns(config).unwrap()];
    let error = try_lua(&hosts, &[], &chosen(LuaRule::PickClosest))
        .await
        .unwrap_err();
    let said = words(&error);
    assert!(
        said.contains("SERVFAIL") && said.contains(&other.server.dns_addr.to_string()),
        "{said}"
    );
    assert_eq!(sets(&bench).await, before);
}

#[tokio::test]
async fn a_secondary_that_has_the_zone_by_transfer_is_named() {
    let primary = evaluating().await;
    let secondary = evaluating().await;
    let request = zone("acme");
    publish(&primary.hosts, &request).await.unwrap();
    let secondaries = [Secondary {
        address: secondary.server.dns_addr,
        host: Some(secondary.hosts[0].clone()),
    }];
    let wanted = Supply {
        secondaries: secondaries.to_vec(),
        catalog: None,
    };
    supply(primary.host(), &request.name, &request.mark, &wanted)
        .await
        .unwrap();
    let before = sets(&primary).await;
    let said = words(&refused(&primary, &secondaries).await);
    for wanted in [
        &*secondary.server.dns_addr.to_string(),
        "a secondary",
        "plain addresses work on every secondary",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!(sets(&primary).await, before);
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_not_tried() {
    let bench = evaluating().await;
    let said = words(&refused(&bench, &[]).await);
    assert!(
        said.contains("does not have it") && said.contains("`sovereign up`"),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_trial_left_that_was_cut_off_is_told_and_removed() {
    let bench = Bench::start().await;
    let request = zone("acme");
    publish(&bench.hosts, &request).await.unwrap();
    let before = sets(&bench).await;
    let left = RecordSet {
        name: request.name.child("_lua-trial-00c0ffee-token").unwrap(),
        ttl: 1,
        records: Records::read(
            RecordKind::Lua,
            &["A \"pickclosest({'240.0.0.1'})\"".to_owned()].into(),
        ),
    };
    let changes = [Change::Replace(left)];
    bench.host().change(&request.name, &changes).await.unwrap();
    let drifts = drift(&request, &copy(&bench).await);
    assert!(
        matches!(&drifts[..], [only] if only.drift == DriftKind::Stray && only.author == Author::Trial),
        "{drifts:?}"
    );
    publish(&bench.hosts, &request).await.unwrap();
    assert_eq!(sets(&bench).await, before);
}

/// Answers everybody who asks for a page with that status.
async fn page(listener: TcpListener, status: &'static str) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1_024];
        let _ = stream.read(&mut asked).await;
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test]
async fn by_ifurlup_the_server_itself_finds_what_answers() {
    let bench = evaluating().await;
    let up = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = up.local_addr().unwrap().port();
    let broken = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let serving = [
        tokio::spawn(page(up, "200 OK")),
        tokio::spawn(page(broken, "503 Service Unavailable")),
    ];
    let url = format!("http://console.acme.example:{port}/healthz");
    let request = sovereign_zone(&SovereignNames {
        ipv4: ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
            .map(|address| address.parse().unwrap())
            .into(),
        ipv6: BTreeSet::new(),
        rule: Some(LuaRule::IfUrlUp(url.parse().unwrap())),
        ..names("acme")
    })
    .unwrap();
    let published = publish(&bench.hosts, &request).await.unwrap();
    assert_eq!(bench.check(&request, &published).await, []);
    let server: SocketAddr = bench.server.dns_addr;
    let began = Instant::now();
    loop {
        let said = dig(server, "console.acme.example", "A", &["+short"]);
        let addresses: Vec<&str> = said.lines().filter(|line| line.starts_with("127.")).collect();
        if addresses == ["127.0.0.1"] {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "{said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    serving.iter().for_each(tokio::task::JoinHandle::abort);
}
