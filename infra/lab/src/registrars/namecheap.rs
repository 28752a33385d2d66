//! Namecheap's XML API, from <https://www.namecheap.com/support/api/>. Everything comes with HTTP 200.

use super::contract::{Contract, Refusal};
use super::registry::{Delta, World};
use super::request::{Reply, Request};

pub(super) struct Namecheap;

const NAMESPACE: &str = "http://api.namecheap.com/xml.response";

impl Contract for Namecheap {
    fn writes(&self, request: &Request) -> bool {
        request.body.contains(".dns.set") || request.query.contains(".dns.set")
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        if request.path != "/xml.response" {
            return Reply::empty(404);
        }
        let form = request.form();
        let field = |name: &str| {
            let found = form.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
            found
                .map(|(_, value)| value.clone())
                .or_else(|| request.parameter(name))
                .unwrap_or_default()
        };
        if field("ClientIp").is_empty() {
            return failure("1010105", "Parameter ClientIP is Missing");
        }
        if field("ClientIp") != request.peer.to_string() {
            return failure("1011150", &format!("Invalid request IP: {}", request.peer));
        }
        if field("ApiUser") != "acme" || field("UserName") != "acme" || field("ApiKey") != world.secret("key")
        {
            return failure("1011102", "API Key is invalid or API access has not been enabled");
        }
        let domain = format!("{}.{}", field("SLD"), field("TLD"));
        let Some(entry) = world.domains.get(&domain) else {
            return failure("2019166", "Domain not found");
        };
        let command = field("Command");
        if entry.locked && self.writes(request) {
            return failure("2030166", "Edit permission for domain is not supported");
        }
        match command.to_ascii_lowercase().as_str() {
            "namecheap.domains.dns.getlist" => {
                let hosts = entry
                    .ns
                    .iter()
                    .map(|host| format!("<Nameserver>{host}</Nameserver>"));
                let hosts: String = hosts.collect();
                let default = entry.uses_default;
                success(
                    "namecheap.domains.dns.getList",
                    &format!(
                        r#"<DomainDNSGetListResult Domain="{domain}" IsUsingOurDNS="{default}" IsPremiumDNS="false" IsUsingFreeDNS="false">{hosts}</DomainDNSGetListResult>"#
                    ),
                )
            }
            "namecheap.domains.dns.setcustom" => {
                let hosts = field("Nameservers")
                    .split(',')
                    .map(|host| host.trim().to_owned())
                    .collect::<Vec<_>>();
                if !(2..=12).contains(&hosts.len()) {
                    return failure("2011166", "Nameservers are invalid");
                }
                world.apply(
                    &domain,
                    vec![Delta::Ns {
                        hosts,
                        default: false,
                    }],
                );
                let result = format!(r#"<DomainDNSSetCustomResult Domain="{domain}" Updated="true" />"#);
                success("namecheap.domains.dns.setCustom", &result)
            }
            "namecheap.domains.dns.setdefault" => {
                let hosts = world.vendor.default_ns();
                world.apply(&domain, vec![Delta::Ns { hosts, default: true }]);
                let result = format!(r#"<DomainDNSSetDefaultResult Domain="{domain}" Updated="true" />"#);
                success("namecheap.domains.dns.setDefault", &result)
            }
            _ => failure("1010104", "Parameter Command is missing"),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(_) => failure("3050900", "Unknown error from Enom"),
            Refusal::RateLimited(_) => failure("500000", "Too many requests"),
            Refusal::NotAllowed(ip) => failure("1011150", &format!("Invalid request IP: {ip}")),
        }
    }
}

fn success(command: &str, result: &str) -> Reply {
    Reply::xml(format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<ApiResponse Status="OK" xmlns="{NAMESPACE}">
  <Errors />
  <Warnings />
  <RequestedCommand>{command}</RequestedCommand>
  <CommandResponse Type="{command}">
    {result}
  </CommandResponse>
  <Server>LAB</Server>
  <GMTTimeDifference>--5:00</GMTTimeDifference>
  <ExecutionTime>0.01</ExecutionTime>
</ApiResponse>"#
    ))
}

fn failure(number: &str, message: &str) -> Reply {
    Reply::xml(format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<ApiResponse Status="ERROR" xmlns="{NAMESPACE}">
  <Errors>
    <Error Number="{number}">{message}</Error>
  </Errors>
  <Warnings />
  <RequestedCommand />
  <Server>LAB</Server>
  <GMTTimeDifference>--5:00</GMTTimeDifference>
  <ExecutionTime>0.01</ExecutionTime>
</ApiResponse>"#
    ))
}
