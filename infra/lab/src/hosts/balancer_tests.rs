use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::config::render;
use super::*;
use crate::hosts::testing::{Bench, NETWORK, listens};

fn server(id: u64, public: Ipv4Addr) -> Value {
    json!({
        "id": id, "public_net": {"ipv4": {"ip": public}},
        "private_net": [{"network": 4, "ip": "10.9.0.9"}, {"network": NETWORK, "ip": format!("10.77.0.{id}")}],
    })
}

fn balancer(services: &Value, targets: &Value) -> Value {
    json!({
        "id": 7, "load_balancer_type": {"max_connections": 500}, "algorithm": {"type": "round_robin"},
        "private_net": [{"network": NETWORK, "ip": "10.77.0.7"}], "services": services, "targets": targets,
    })
}

fn tcp(listen: u16, destination: u16, proxy: bool) -> Value {
    json!({
        "protocol": "tcp", "listen_port": listen, "destination_port": destination, "proxyprotocol": proxy,
        "health_check": {"protocol": "tcp", "port": destination, "interval": 1, "timeout": 1, "retries": 1},
    })
}

#[test]
fn a_service_as_haproxy_reads_it() {
    let servers = [
        server(8, Ipv4Addr::new(198, 18, 0, 8)),
        server(9, Ipv4Addr::new(198, 18, 0, 9)),
    ];
    let selected = json!([{"type": "server", "server": {"id": 8}}, {"type": "server", "server": {"id": 9}}]);
    let targets = json!([
        {"type": "label_selector", "label_selector": {"selector": "a=b"}, "use_private_ip": true, "targets": selected},
        {"type": "server", "server": {"id": 9}, "use_private_ip": true},
        {"type": "server", "server": {"id": 404}},
        {"type": "ip", "ip": {"ip": "2001:db8::5"}},
    ]);
    let text = render(
        &balancer(&json!([tcp(443, 8443, true)]), &targets),
        &servers,
        Path::new("/x/s \"1\""),
    );
    assert_eq!(
        text,
        "global\n\tmaxconn 500\n\tno strict-limits\n\thard-stop-after 10m\n\tmax-spread-checks 100\n\
         \tstats socket \"/x/s \\\"1\\\"\" mode 600\n\
         defaults\n\ttimeout connect 5s\n\ttimeout client 1h\n\ttimeout server 1h\n\
         listen service-443\n\tbind *:443\n\tbind :::443 v6only\n\tmode tcp\n\tbalance roundrobin\n\
         \ttimeout check 1s\n\
         \tserver ip-2001:db8::5 [2001:db8::5]:8443 check inter 1s fall 1 rise 1 port 8443 send-proxy-v2 check-send-proxy\n\
         \tserver server-8 10.77.0.8:8443 check inter 1s fall 1 rise 1 port 8443 send-proxy-v2 check-send-proxy\n\
         \tserver server-9 10.77.0.9:8443 check inter 1s fall 1 rise 1 port 8443 send-proxy-v2 check-send-proxy\n"
    );
}

#[test]
fn an_http_check_cannot_break_out_of_its_line() {
    let check = json!({"protocol": "http", "port": 81, "interval": 15, "timeout": 10, "retries": 3, "http": {
        "path": "/a\n\tserver evil", "domain": "x%[y].example", "status_codes": ["2??", "301", "evil"], "tls": true,
    }});
    let service =
        json!({"protocol": "http", "listen_port": 80, "destination_port": 8080, "health_check": check});
    let mut lb = balancer(
        &json!([service]),
        &json!([{"type": "server", "server": {"id": 8}}]),
    );
    lb["algorithm"]["type"] = json!("least_connections");
    let text = render(&lb, &[server(8, Ipv4Addr::new(198, 18, 0, 8))], Path::new("/x"));
    for line in [
        "\tmode http\n\tbalance leastconn\n\toption forwardfor\n",
        "\toption httpchk\n\thttp-check send meth GET uri \"/aserver evil\" ver HTTP/1.1 hdr Host \"x%%[y].example\" hdr Connection close\n",
        "\thttp-check expect rstatus \"^(2..|301)\\$\"\n",
        "\tserver server-8 198.18.0.8:8080 check inter 15s fall 3 rise 3 port 81 check-ssl verify none\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn health_goes_by_evidence() {
    let table = |status: &str, check: &str| {
        format!(
            "# pxname,svname,status,check_status,\nservice-443,FRONTEND,OPEN,,\nservice-443,server-8,{status},{check},\n"
        )
    };
    let mut health = Health::default();
    for (status, check, changed, shown) in [
        ("UP", "* INI", true, "unknown"),
        ("UP 1/3", "L4CON", false, "unknown"),
        ("UP", "L4OK", true, "healthy"),
        ("UP 1/3", "L4CON", false, "healthy"),
        ("DOWN", "L4CON", true, "unhealthy"),
        ("DOWN 1/3", "L4OK", false, "unhealthy"),
        ("UP", "INI", false, "unhealthy"),
    ] {
        assert_eq!(health.learn(&table(status, check)), changed, "{status} {check}");
        let expected = json!([{"listen_port": 443, "target": "server-8", "status": shown}]);
        assert_eq!(health.fields(), expected, "{status} {check}");
    }
    assert!(health.learn("# pxname,svname\n"), "a target that is gone is news");

    let chosen = json!([{"type": "server", "server": {"id": 8}}, {"type": "server", "server": {"id": 9}}]);
    let selector =
        json!({"type": "label_selector", "label_selector": {}, "use_private_ip": true, "targets": chosen});
    let mut lb = balancer(&json!([tcp(443, 443, false)]), &json!([selector]));
    lb["health"] = json!([{"listen_port": 443, "target": "server-8", "status": "healthy"}]);
    show_health(&mut lb);
    let nested = &lb["targets"][0]["targets"];
    assert_eq!(
        nested[0]["health_status"],
        json!([{"listen_port": 443, "status": "healthy"}])
    );
    assert_eq!(
        nested[1]["health_status"],
        json!([{"listen_port": 443, "status": "unknown"}])
    );
    assert!(lb["health"].is_null() && lb["targets"][0]["health_status"].is_null());
}

/// Tells everyone who connects its name and the first bytes it got.
fn greet(listener: TcpListener, name: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut first = [0; 12];
            if client.read_exact(&mut first).await.is_ok() {
                let words = [name.as_bytes(), &first[..4]].concat();
                let _ = client.write_all(&words).await;
            }
        }
    })
}

async fn ask(address: Ipv4Addr, port: u16) -> String {
    let mut stream = TcpStream::connect((address, port)).await.expect("a connection");
    stream.write_all(b"hello, there").await.expect("said");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn until(balancers: &mut Balancers, picture: &Picture, status: [&str; 2]) {
    let wanted: Vec<Value> = [("server-8", status[0]), ("server-9", status[1])]
        .iter()
        .map(|(target, status)| json!({"listen_port": 80, "target": target, "status": status}))
        .collect();
    let mut seen = Value::Null;
    let look = async {
        while seen["health"] != json!(wanted) {
            let findings = balancers.follow(picture).await.expect("followed");
            seen = findings
                .into_iter()
                .last()
                .map_or(seen.take(), |finding| finding.fields);
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(
        timeout(Duration::from_secs(15), look).await.is_ok(),
        "{wanted:?}, but {seen}"
    );
}

#[tokio::test]
async fn connections_go_to_whoever_is_healthy() {
    let bench = Bench::raise().await;
    let public = bench.wiring(7, true).public.and_then(|nic| nic.ipv4);
    let address = public.expect("an address");
    let servers = vec![
        server(8, bench.host(8, true).await.0),
        server(9, bench.host(9, true).await.0),
    ];
    let scratch = tempfile::tempdir().expect("a directory");
    let mut balancers = Balancers::new(bench.fabric().clone(), scratch.path());
    let targets = json!([
        {"type": "server", "server": {"id": 8}, "use_private_ip": true},
        {"type": "server", "server": {"id": 9}, "use_private_ip": false},
    ]);
    let picture = |proxy| {
        let mut lb = balancer(&json!([tcp(80, 8080, proxy)]), &targets);
        lb["public_net"] = json!({"enabled": true, "ipv4": {"ip": address}, "ipv6": {"ip": "2001:db8::7"}});
        Picture {
            servers: servers.clone(),
            networks: vec![json!({"id": NETWORK, "ip_range": "10.77.0.0/16"})],
            load_balancers: vec![lb],
            ..Picture::default()
        }
    };
    let _first = greet(listens(bench.slot().host(8), 8080).await, "first ");
    let second = greet(listens(bench.slot().host(9), 8080).await, "second ");

    until(&mut balancers, &picture(false), ["healthy", "healthy"]).await;
    let mut answers = [ask(address, 80).await, ask(address, 80).await];
    answers.sort();
    assert_eq!(answers, ["first hell", "second hell"]);

    second.abort();
    until(&mut balancers, &picture(false), ["healthy", "unhealthy"]).await;
    assert_eq!(
        [ask(address, 80).await, ask(address, 80).await],
        ["first hell", "first hell"]
    );

    balancers.follow(&picture(true)).await.expect("changed");
    let answer = async {
        while ask(address, 80).await != "first \r\n\r\n" {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), answer)
        .await
        .expect("the new configuration's PROXY header");

    let empty = Picture::default();
    balancers.follow(&empty).await.expect("removed");
    assert!(TcpStream::connect((address, 80)).await.is_err());
    balancers.stop().await;
    drop(balancers);
    bench.end().await;
}
