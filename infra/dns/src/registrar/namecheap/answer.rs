//! Answers of the XML API.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct ApiResponse {
    #[serde(rename = "@Status")]
    pub(super) status: String,
    #[serde(rename = "Errors", default)]
    pub(super) errors: Errors,
    #[serde(rename = "CommandResponse")]
    pub(super) command: Option<CommandResponse>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Errors {
    #[serde(rename = "Error", default)]
    pub(super) list: Vec<ApiError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    #[serde(rename = "@Number")]
    pub(super) number: String,
    #[serde(rename = "$text", default)]
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommandResponse {
    #[serde(rename = "DomainDNSGetListResult")]
    pub(super) list: Option<GetListResult>,
    #[serde(rename = "DomainDNSSetCustomResult")]
    pub(super) set_custom: Option<Updated>,
    #[serde(rename = "DomainDNSSetDefaultResult")]
    pub(super) set_default: Option<Updated>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GetListResult {
    #[serde(rename = "@IsUsingOurDNS")]
    pub(super) is_using_our_dns: bool,
    #[serde(rename = "Nameserver", default)]
    pub(super) nameservers: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Updated {
    #[serde(rename = "@Updated")]
    pub(super) updated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ApiResponse {
        quick_xml::de::from_str(text).unwrap()
    }

    /// The example on the vendor's page of `domains.dns.setCustom`.
    #[test]
    fn the_vendors_example_of_a_success_is_read() {
        let response = read(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<ApiResponse xmlns="http://api.namecheap.com/xml.response" Status="OK">
  <Errors />
  <RequestedCommand>namecheap.domains.dns.setCustom</RequestedCommand>
  <CommandResponse Type="namecheap.domains.dns.setCustom">
    <DomainDNSSetCustomResult Domain="domain.com" Updated="true" />
  </CommandResponse>
  <Server>SERVER-NAME</Server>
  <GMTTimeDifference>+5</GMTTimeDifference>
  <ExecutionTime>32.76</ExecutionTime>
</ApiResponse>"#,
        );
        assert_eq!(response.status, "OK");
        assert!(response.command.unwrap().set_custom.unwrap().updated);
    }

    #[test]
    fn a_list_and_an_error_are_read() {
        let response = read(
            r#"<?xml version="1.0" encoding="utf-8"?>
<ApiResponse Status="OK" xmlns="http://api.namecheap.com/xml.response">
  <Errors /><Warnings />
  <RequestedCommand>namecheap.domains.dns.getlist</RequestedCommand>
  <CommandResponse Type="namecheap.domains.dns.getList">
    <DomainDNSGetListResult Domain="domain.com" IsUsingOurDNS="true" IsPremiumDNS="false" IsUsingFreeDNS="false">
      <Nameserver>dns1.registrar-servers.com</Nameserver>
      <Nameserver>dns2.registrar-servers.com</Nameserver>
    </DomainDNSGetListResult>
  </CommandResponse>
</ApiResponse>"#,
        );
        let list = response.command.unwrap().list.unwrap();
        assert!(list.is_using_our_dns);
        assert_eq!(list.nameservers.len(), 2);
        let response = read(
            r#"<?xml version="1.0" encoding="utf-8"?>
<ApiResponse Status="ERROR" xmlns="http://api.namecheap.com/xml.response">
  <Errors><Error Number="1011150">Invalid request IP: 192.0.2.7</Error></Errors>
  <Warnings /><RequestedCommand />
</ApiResponse>"#,
        );
        assert!(response.command.is_none());
        assert_eq!(response.errors.list[0].number, "1011150");
        assert!(response.errors.list[0].message.contains("192.0.2.7"));
    }
}
