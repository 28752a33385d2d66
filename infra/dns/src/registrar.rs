//! Registrars, and hosts of parent zones: who says where a domain's name servers are, and which keys to trust.
//!
//! ```text
//!  Target, expected Delegation ──► ParentHost::set ──► guard: read, compare, write what differs, read back
//!                                                        │
//!                                       one file a registrar: its contract
//!                                                        │
//!                                       http: paced, bounded, no credential in any word ──► HTTPS
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | `host` | the trait: what every host of a delegation can do |
//! | `delegation`, `ns_set` | what a parent says of a domain, compared by what it means |
//! | `guard` | the caution that is the same for everybody |
//! | `manual` | what a person enters where no API can |
//! | `cloudflare`, `dynadot`, `gandi`, `godaddy`, `namecheap`, `ovh`, `porkbun` | one contract each |
//!
//! What each is asked with is a word of the spec: [`sovereign_core::registrar`]. A registrar more is one file here and one there, its lines in
//! that module, and one in [`connect`].

mod call;
mod cloudflare;
mod delegation;
mod dynadot;
mod error;
mod gandi;
mod godaddy;
mod guard;
mod host;
mod http;
mod manual;
mod namecheap;
mod ns_set;
mod ovh;
mod pacer;
mod porkbun;
mod vendor;
mod wire;

use std::sync::Arc;

use secrecy::SecretString;
pub use sovereign_core::registrar::{RegistrarCredential, RegistrarKind, credential_help};

pub use self::call::Endpoint;
pub use self::delegation::{Delegation, Glue, Signer, Target, TargetNs, UnderWay};
pub use self::error::{Cause, RegistrarError};
pub use self::host::{Capabilities, ParentHost, Progress, Submitted, Task};
pub use self::manual::{DsStep, GlueStep, ManualSteps, manual_keys, manual_steps};
pub use self::ns_set::{NsSet, NsSetError};

use self::guard::Guarded;

/// A client for one account. Nothing is sent yet.
pub fn connect(
    credential: RegistrarCredential<SecretString>,
    endpoint: &Endpoint,
) -> Result<Arc<dyn ParentHost>, RegistrarError> {
    Ok(match credential {
        RegistrarCredential::Cloudflare(it) => Arc::new(Guarded(cloudflare::Cloudflare::new(endpoint, &it)?)),
        RegistrarCredential::Dynadot(it) => Arc::new(Guarded(dynadot::Dynadot::new(endpoint, it)?)),
        RegistrarCredential::Gandi(it) => Arc::new(Guarded(gandi::Gandi::new(endpoint, &it)?)),
        RegistrarCredential::Godaddy(it) => Arc::new(Guarded(godaddy::Godaddy::new(endpoint, &it)?)),
        RegistrarCredential::Namecheap(it) => Arc::new(Guarded(namecheap::Namecheap::new(endpoint, it)?)),
        RegistrarCredential::Ovh(it) => Arc::new(Guarded(ovh::Ovh::new(endpoint, it)?)),
        RegistrarCredential::Porkbun(it) => Arc::new(Guarded(porkbun::Porkbun::new(endpoint, it)?)),
    })
}
