//! Every code the API is known to answer with, and what to do about it. Codes are an open set; an unknown one is judged by its
//! HTTP status.

use std::time::Duration;

use reqwest::StatusCode;

use super::wire::ErrorBody;
use crate::error::{CloudError, ErrorClass, FieldProblem};

/// What the client was doing; it decides what an ambiguous failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Reads, or writes that may safely be sent again.
    Repeatable,
    /// Makes something: never sent again on a guess.
    Create,
    /// Removes something: may be sent again, and missing is success.
    Delete,
}

/// Code, class, what to do.
const TABLE: &[(&str, ErrorClass, &str)] = {
    use ErrorClass::{Exists, FallBack, NotFound, Retry, Stop};
    &[
        (
            "unauthorized",
            Stop,
            "check that the token is complete and was neither revoked nor ran out; make another one if it was, put it where `provider.token` leads, and run the same command again",
        ),
        (
            "token_readonly",
            Stop,
            "create an API token with read and write access",
        ),
        (
            "forbidden",
            Stop,
            "the token's project does not allow this: check the project and its limits",
        ),
        (
            "resource_limit_exceeded",
            Stop,
            "ask the cloud to raise the limit, or ask for fewer resources in the spec",
        ),
        ("invalid_input", Stop, "correct the field named above in the spec"),
        (
            "json_error",
            Stop,
            "please report this: the request was malformed",
        ),
        (
            "method_not_allowed",
            Stop,
            "please report this: the API does not know the call",
        ),
        (
            "deprecated_api_endpoint",
            Stop,
            "use a newer version of the installer: the API dropped this call",
        ),
        (
            "unsupported_error",
            Stop,
            "the cloud does not support this combination: change the spec",
        ),
        (
            "protected",
            Stop,
            "lift the resource's protection in the cloud's console, then try again",
        ),
        (
            "uniqueness_error",
            Exists,
            "rename or remove what has this name in the project, or choose another Sovereign name",
        ),
        (
            "not_found",
            NotFound,
            "it was removed meanwhile: run the command again",
        ),
        (
            "firewall_resource_not_found",
            NotFound,
            "it was removed meanwhile: run the command again",
        ),
        (
            "resource_unavailable",
            FallBack,
            "add another server type or location to the spec's lists",
        ),
        (
            "placement_error",
            FallBack,
            "add another location to the spec's list; the placement group has no free host there",
        ),
        (
            "no_space_left_in_location",
            FallBack,
            "add another location to the spec's list",
        ),
        (
            "invalid_server_type",
            FallBack,
            "add a server type that the location offers to the spec's list",
        ),
        (
            "conflict",
            Retry,
            "another change is under way; it is tried again",
        ),
        (
            "locked",
            Retry,
            "another action runs on the resource; it is tried again",
        ),
        (
            "maintenance",
            Retry,
            "the cloud is under maintenance; it is tried again",
        ),
        (
            "rate_limit_exceeded",
            Retry,
            "the project's request budget is used up; it is tried again",
        ),
        (
            "service_error",
            Retry,
            "the cloud could not do it now; it is tried again",
        ),
        ("server_error", Retry, "the cloud failed; it is tried again"),
        ("bad_gateway", Retry, "the cloud failed; it is tried again"),
        (
            "unavailable",
            Retry,
            "the cloud is not available; it is tried again",
        ),
        ("timeout", Retry, "the cloud was too slow; it is tried again"),
        (
            "robot_unavailable",
            Retry,
            "the cloud's dedicated servers are not available; it is tried again",
        ),
        (
            "resource_in_use",
            Retry,
            "something still uses it; it is tried again",
        ),
        (
            "must_be_unassigned",
            Retry,
            "it is still assigned; it is tried again",
        ),
        (
            "firewall_already_applied",
            Retry,
            "the firewall is still in use; it is tried again",
        ),
        (
            "firewall_managed_by_label_selector",
            Retry,
            "the firewall is still in use; it is tried again",
        ),
        (
            "ip_not_available",
            Retry,
            "the address is still in use; it is tried again",
        ),
        (
            "no_subnet_available",
            Retry,
            "the subnet is not ready, or full; it is tried again",
        ),
        (
            "server_not_stopped",
            Retry,
            "the server is not off yet; it is tried again",
        ),
        (
            "networks_overlap",
            Stop,
            "choose another `network.cidr` in the spec",
        ),
        (
            "primary_ip_assigned",
            Stop,
            "the address belongs to another server: remove it from the spec or from there",
        ),
        (
            "primary_ip_already_assigned",
            Stop,
            "the address belongs to another server: remove it from there",
        ),
        (
            "primary_ip_version_mismatch",
            Stop,
            "the address is of the other IP version",
        ),
        (
            "primary_ip_datacenter_mismatch",
            Stop,
            "the address is in another location",
        ),
        ("server_has_ipv4", Stop, "the server has an IPv4 address already"),
        ("server_has_ipv6", Stop, "the server has an IPv6 address already"),
        (
            "server_already_attached",
            Exists,
            "the server is attached already",
        ),
        (
            "load_balancer_already_attached",
            Exists,
            "the load balancer is attached already",
        ),
        ("server_already_added", Exists, "the server is a target already"),
        ("target_already_defined", Exists, "the target is there already"),
        (
            "source_port_already_used",
            Exists,
            "the load balancer serves that port already",
        ),
        (
            "volume_already_attached",
            Exists,
            "the volume is attached already",
        ),
        (
            "vswitch_id_already_used",
            Stop,
            "the vSwitch belongs to another network",
        ),
        (
            "incompatible_network_type",
            Stop,
            "the network is of another type",
        ),
        (
            "private_net_only_server",
            Stop,
            "the server has no public address",
        ),
        ("missing_ipv4", Stop, "the server has no public IPv4 address"),
        ("ip_not_owned", Stop, "the address is not yours"),
        (
            "cloud_resource_ip_not_allowed",
            Stop,
            "name the server, not its address",
        ),
        (
            "server_not_attached_to_network",
            Retry,
            "the server is not in the network yet; it is tried again",
        ),
        (
            "load_balancer_not_attached_to_network",
            Retry,
            "the load balancer is not in the network yet; it is tried again",
        ),
        (
            "load_balancer_public_interface_disabled",
            Stop,
            "the load balancer has no public address",
        ),
        (
            "targets_without_use_private_ip",
            Stop,
            "the load balancer has targets over public addresses",
        ),
        ("incorrect_zone_mode", Stop, "the zone is of another mode"),
    ]
};

/// The error of an answer that is not a success.
pub(super) fn from_answer(
    intent: Intent,
    action: &str,
    status: StatusCode,
    body: Option<ErrorBody>,
    correlation_id: Option<String>,
) -> CloudError {
    let body = body.unwrap_or_else(|| ErrorBody::of_status(status));
    let known = TABLE.iter().find(|(code, ..)| *code == body.code);
    let (class, remedy) = match known {
        // A server-side failure without the API's own word for it may have come after the effect.
        _ if intent == Intent::Create && ambiguous(status, &body) => (
            ErrorClass::Unsettled,
            "the outcome is unknown; the installer looks before it tries again",
        ),
        Some((_, class, remedy)) => (*class, *remedy),
        None => by_status(status),
    };
    CloudError {
        class,
        action: action.to_owned(),
        fields: body.fields(),
        code: body.code,
        message: body.message,
        remedy: remedy.to_owned(),
        after: None,
        correlation_id,
    }
}

/// Whether the answer leaves open what became of a create.
fn ambiguous(status: StatusCode, body: &ErrorBody) -> bool {
    matches!(status.as_u16(), 500 | 502 | 504)
        || matches!(body.code.as_str(), "server_error" | "bad_gateway" | "timeout")
}

fn by_status(status: StatusCode) -> (ErrorClass, &'static str) {
    match status.as_u16() {
        404 => (
            ErrorClass::NotFound,
            "it was removed meanwhile: run the command again",
        ),
        408 | 409 | 423 | 429 | 500..=599 => (ErrorClass::Retry, "it is tried again"),
        412 => (
            ErrorClass::FallBack,
            "add another server type or location to the spec's lists",
        ),
        _ => (
            ErrorClass::Stop,
            "read the cloud's words above; run `sovereign doctor` if they do not help",
        ),
    }
}

/// The error of a request that got no answer.
pub(super) fn from_transport(intent: Intent, action: &str, error: &reqwest::Error) -> CloudError {
    let unsent = error.is_connect() || error.is_builder();
    let class = if intent == Intent::Create && !unsent {
        ErrorClass::Unsettled
    } else {
        ErrorClass::Retry
    };
    CloudError {
        class,
        action: action.to_owned(),
        code: if error.is_timeout() {
            "timeout"
        } else {
            "connection"
        }
        .to_owned(),
        message: innermost(error),
        fields: Vec::new(),
        remedy: "check the network between this machine and the cloud's API".to_owned(),
        after: None,
        correlation_id: None,
    }
}

/// The last words of a chain: `connection refused` says more than `error sending request`.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The wait was ended from outside.
pub(super) fn cancelled(action: &str) -> CloudError {
    plain(
        ErrorClass::Cancelled,
        action,
        "cancelled",
        "stopped on request",
        "run the command again to go on",
    )
}

/// An error in our own words.
pub(super) fn plain(class: ErrorClass, action: &str, code: &str, message: &str, remedy: &str) -> CloudError {
    CloudError {
        class,
        action: action.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        fields: Vec::new(),
        remedy: remedy.to_owned(),
        after: None,
        correlation_id: None,
    }
}

/// An action that ended in error.
pub(super) fn from_action(action: &str, code: &str, message: &str) -> CloudError {
    let (class, remedy) = TABLE.iter().find(|(known, ..)| *known == code).map_or(
        (
            ErrorClass::Retry,
            "the cloud could not finish it; what it left is removed and it is tried again",
        ),
        |(_, class, remedy)| (*class, *remedy),
    );
    plain(class, action, code, message, remedy)
}

impl CloudError {
    pub(super) fn with_after(mut self, after: Duration) -> Self {
        self.after = Some(after);
        self
    }
}

impl ErrorBody {
    fn fields(&self) -> Vec<FieldProblem> {
        let details = self.details.as_ref();
        let named = details
            .and_then(|d| d.get("fields"))
            .or_else(|| details.and_then(|d| d.get("limits")));
        let Some(list) = named.and_then(|list| list.as_array()) else {
            return Vec::new();
        };
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        list.iter()
            .filter_map(|field| {
                let messages = field
                    .get("messages")
                    .and_then(|m| m.as_array())
                    .map(|m| m.iter().map(text).collect());
                Some(FieldProblem {
                    name: text(field.get("name")?),
                    messages: messages.unwrap_or_default(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
