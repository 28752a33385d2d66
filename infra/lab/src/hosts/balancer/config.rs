//! A load balancer of the API in the words of haproxy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

/// Connections at once where the type does not say.
const CONNECTIONS: u64 = 10_000;

/// The whole configuration. `socket` is where it answers questions. Where this machine allows less files than a type
/// has connections, haproxy makes do.
pub(super) fn render(balancer: &Value, servers: &[Value], socket: &Path) -> String {
    let connections = balancer["load_balancer_type"]["max_connections"].as_u64();
    let mut text = format!(
        "global\n\
         \tmaxconn {}\n\
         \tno strict-limits\n\
         \thard-stop-after 10m\n\
         \tmax-spread-checks 100\n\
         \tstats socket {} mode 600\n\
         defaults\n\
         \ttimeout connect 5s\n\
         \ttimeout client 1h\n\
         \ttimeout server 1h\n",
        connections.unwrap_or(CONNECTIONS),
        quoted(&socket.display().to_string()),
    );
    let targets = targets(balancer, servers);
    let services = balancer["services"].as_array().into_iter().flatten();
    for service in services.filter(|service| service["protocol"] != "https") {
        text += &section(balancer, service, &targets).unwrap_or_default();
    }
    text
}

fn section(balancer: &Value, service: &Value, targets: &BTreeMap<String, IpAddr>) -> Option<String> {
    let listen = port(&service["listen_port"])?;
    let destination = port(&service["destination_port"]).unwrap_or(listen);
    let http = service["protocol"] == "http";
    let balance = if balancer["algorithm"]["type"] == "least_connections" {
        "leastconn"
    } else {
        "roundrobin"
    };
    let mut text = format!(
        "listen service-{listen}\n\tbind *:{listen}\n\tbind :::{listen} v6only\n\tmode {}\n\tbalance {balance}\n",
        if http { "http" } else { "tcp" }
    );
    if http {
        text += "\toption forwardfor\n\thttp-request set-header X-Forwarded-Proto http\n";
    }
    let check = &service["health_check"];
    text += &check_lines(check);
    let options = server_options(service, destination);
    for (name, address) in targets {
        let address = match address {
            IpAddr::V4(ip) => format!("{ip}:{destination}"),
            IpAddr::V6(ip) => format!("[{ip}]:{destination}"),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\tserver {name} {address} {options}");
    }
    Some(text)
}

/// How a service's targets are checked: as often, and after as many changes of mind, as the API says.
fn server_options(service: &Value, destination: u16) -> String {
    let check = &service["health_check"];
    let retries = check["retries"].as_u64().unwrap_or(3);
    let mut options = format!(
        "check inter {}s fall {retries} rise {retries} port {}",
        check["interval"].as_u64().unwrap_or(15),
        port(&check["port"]).unwrap_or(destination),
    );
    if service["proxyprotocol"] == true {
        options += " send-proxy-v2 check-send-proxy";
    }
    if check["protocol"] == "http" && check["http"]["tls"] == true {
        options += " check-ssl verify none";
    }
    options
}

fn check_lines(check: &Value) -> String {
    let mut text = format!("\ttimeout check {}s\n", check["timeout"].as_u64().unwrap_or(10));
    if check["protocol"] != "http" {
        return text;
    }
    let http = &check["http"];
    let path = http["path"].as_str().filter(|path| !path.is_empty());
    text += "\toption httpchk\n";
    text += &format!(
        "\thttp-check send meth GET uri {} ver HTTP/1.1 hdr Host {} hdr Connection close\n",
        quoted(path.unwrap_or("/")),
        // Headers are formats, in which a percent sign means something.
        quoted(&http["domain"].as_str().unwrap_or("localhost").replace('%', "%%")),
    );
    text += &format!("\thttp-check expect rstatus {}\n", quoted(&statuses(http)));
    if let Some(response) = http["response"].as_str().filter(|text| !text.is_empty()) {
        text += &format!("\thttp-check expect string {}\n", quoted(response));
    }
    text
}

/// `2??` and its like as a regular expression.
fn statuses(http: &Value) -> String {
    let codes = http["status_codes"].as_array().into_iter().flatten();
    let codes: Vec<String> = codes
        .filter_map(Value::as_str)
        .filter(|code| code.chars().all(|c| c.is_ascii_digit() || c == '?'))
        .map(|code| code.replace('?', "."))
        .collect();
    if codes.is_empty() {
        "^[23]..$".into()
    } else {
        format!("^({})$", codes.join("|"))
    }
}

/// Every target's name and address. One that is named and selected counts once.
fn targets(balancer: &Value, servers: &[Value]) -> BTreeMap<String, IpAddr> {
    let mut found = BTreeMap::new();
    for target in balancer["targets"].as_array().into_iter().flatten() {
        let private = target["use_private_ip"] == true;
        let selected = target["targets"].as_array().into_iter().flatten();
        for one in selected.chain([target]) {
            found.extend(target_name(one).zip(address(balancer, one, private, servers)));
        }
    }
    found
}

/// The name under which a target is known to haproxy.
pub(super) fn target_name(target: &Value) -> Option<String> {
    let server = target["server"]["id"].as_u64();
    let ip = || target["ip"]["ip"].as_str()?.parse::<IpAddr>().ok();
    server
        .map(|id| format!("server-{id}"))
        .or_else(|| ip().map(|ip| format!("ip-{ip}")))
}

fn address(balancer: &Value, target: &Value, private: bool, servers: &[Value]) -> Option<IpAddr> {
    let Some(id) = target["server"]["id"].as_u64() else {
        return target["ip"]["ip"].as_str()?.parse().ok();
    };
    let server = servers.iter().find(|server| server["id"] == id)?;
    if !private {
        return server["public_net"]["ipv4"]["ip"].as_str()?.parse().ok();
    }
    let networks = balancer["private_net"].as_array()?;
    let nics = server["private_net"].as_array()?;
    let shared = |nic: &&Value| networks.iter().any(|net| net["network"] == nic["network"]);
    nics.iter().find(shared)?["ip"].as_str()?.parse().ok()
}

fn port(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|port| u16::try_from(port).ok())
}

/// One word for haproxy, whatever is in it; a control character, which no word has, is left out.
fn quoted(text: &str) -> String {
    let mut word = String::from("\"");
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\' | '$') {
            word.push('\\');
        }
        word.push(c);
    }
    word + "\""
}
