//! The https transport's names and HTTP bodies, known to both sides.
//!
//! Everything hangs below the URL that a host was given, which ends in the Sovereign's name:
//!
//! | request | who may | answer |
//! | --- | --- | --- |
//! | `GET {url}/v1/agent/{sha256}` | anyone | the agent's binary |
//! | `POST {url}/v1/enrol` [`EnrolRequest`] | who holds a ticket | 200 [`EnrolAnswer`], 403 [`RefusedAnswer`] |
//! | `GET {url}/v1/link`, `Upgrade: sovereign-link/1` | who has a certificate | 101 and frames, 403 [`RefusedAnswer`] |

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// Path of an enrolment, below the URL.
pub const ENROL: &str = "/v1/enrol";
/// Path of a link, below the URL.
pub const LINK: &str = "/v1/link";
/// What a connection becomes when it is upgraded to a link.
pub const UPGRADE: &str = "sovereign-link/1";
/// Largest body of a request or an answer, in bytes; the agent's binary is the exception.
pub const MAX_BODY: usize = 64 * 1024;

/// A host asks for its identity.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// Name of the server in the plan.
    pub node: String,
    /// The ticket from its user data.
    #[serde(serialize_with = "exposed")]
    pub ticket: SecretString,
    /// PKCS #10 request in PEM, signed by the key that is to be the host's identity.
    pub csr: String,
}

/// A host's identity.
#[derive(Debug, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The host's certificate, in PEM.
    pub certificate: String,
    /// The installer's CA, in PEM.
    pub ca: String,
}

/// Why a host is turned away.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusedAnswer {
    /// What happened, on what, why.
    pub why: String,
    /// What to do next.
    pub remedy: String,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
