//! `sovereign lab registrar`: types only; the doc comments are the help texts.

use clap::{Args, Subcommand, ValueEnum};
use sovereign_lab::{CustomerDomain, DsData, RegistrarVendor};

/// `sovereign lab registrar`: what a domain's owner does in a registrar's web interface, and what its API gets wrong.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistrarCommand {
    /// Show registrars, how a spec names them, and what they know of their domains.
    Show {
        /// Only this domain.
        domain: Option<String>,
    },
    /// Enter name servers or keys by hand, as the domain's owner.
    Set(RegistrarSet),
    /// Lock a domain: its registrar's API refuses changes.
    Lock {
        /// The domain.
        domain: String,
    },
    /// Lift the lock.
    Unlock {
        /// The domain.
        domain: String,
    },
    /// Make a registrar's API misbehave.
    Fault(RegistrarFaultSet),
    /// Switch a registrar's faults off.
    Heal {
        /// Whose.
        #[arg(value_parser = vendor)]
        vendor: RegistrarVendor,
    },
    /// Revoke the secrets of a registrar's account.
    Revoke {
        /// Whose.
        #[arg(value_parser = vendor)]
        vendor: RegistrarVendor,
    },
}

/// `sovereign lab registrar set`.
#[derive(Debug, Args)]
pub(crate) struct RegistrarSet {
    /// The domain, or a name below a zone that the registrar hosts.
    pub(crate) domain: String,
    /// Its name servers.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "default_ns",
        required_unless_present_any = ["default_ns", "ds", "no_ds"]
    )]
    pub(crate) ns: Vec<String>,
    /// The registrar's own name servers.
    #[arg(long)]
    pub(crate) default_ns: bool,
    /// Its DS records, each `"TAG ALGORITHM DIGESTTYPE DIGEST"`; may be repeated.
    #[arg(long, value_name = "DS", value_parser = ds, conflicts_with = "no_ds")]
    pub(crate) ds: Vec<String>,
    /// No DS record.
    #[arg(long)]
    pub(crate) no_ds: bool,
}

/// `sovereign lab registrar fault`.
#[derive(Debug, Args)]
pub(crate) struct RegistrarFaultSet {
    /// Whose API.
    #[arg(value_parser = vendor)]
    pub(crate) vendor: RegistrarVendor,
    /// What it does to the requests it matches.
    #[arg(long, value_enum)]
    pub(crate) effect: RegistrarEffectWord,
    /// HTTP status, for `error` and `error-afterwards`.
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    pub(crate) status: u16,
    /// Seconds to wait, for `rate-limited`.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seconds: u64,
    /// Milliseconds, for `slow`.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) ms: u64,
    /// Match only requests that change something.
    #[arg(long)]
    pub(crate) writes: bool,
    /// Let so many matches through first.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u32,
    /// Strike so many times [default: always].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) times: Option<u32>,
}

/// What a fault of a registrar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RegistrarEffectWord {
    /// Answer with an error and do nothing.
    Error,
    /// Do what was asked and answer with an error.
    ErrorAfterwards,
    /// Drop the connection before anything is done.
    DropRequest,
    /// Do what was asked, then drop the connection.
    DropResponse,
    /// Answer something that is not in the contract.
    Garbage,
    /// Refuse for a while.
    RateLimited,
    /// Answer later.
    Slow,
    /// Say that it was done, and do nothing.
    NotApplied,
    /// Say that it was done, and keep only the first name server.
    Partial,
    /// Accept the change, and fail later.
    TaskFails,
}

fn vendor(text: &str) -> Result<RegistrarVendor, String> {
    text.parse()
}

fn ds(text: &str) -> Result<String, String> {
    text.parse().map(|ds: DsData| ds.rdata())
}

/// `VENDOR:DOMAIN`, with `+signed` and `+mail` behind it if the old zone is so.
pub(super) fn registered(text: &str) -> Result<(RegistrarVendor, CustomerDomain), String> {
    let (vendor, rest) = text.split_once(':').ok_or("write it as VENDOR:DOMAIN")?;
    let mut words = rest.split('+');
    let name = words.next().unwrap_or_default();
    if !name.ends_with(".example") || name.starts_with('.') {
        return Err(format!("`{name}` is not below `example`, the lab's top level"));
    }
    let customer = words.try_fold(CustomerDomain::new(name), |customer, word| match word {
        "signed" => Ok(customer.signed()),
        "mail" => Ok(customer.with_mail()),
        other => Err(format!(
            "`+{other}` means nothing; there are `+signed` and `+mail`"
        )),
    })?;
    Ok((vendor.parse()?, customer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_domain_says_how_its_old_zone_is() {
        let (vendor, customer) = registered("gandi:acme.example+signed+mail").unwrap();
        assert_eq!(vendor, RegistrarVendor::Gandi);
        assert_eq!(customer, CustomerDomain::new("acme.example").signed().with_mail());
        for wrong in [
            "acme.example",
            "nobody:acme.example",
            "gandi:acme.test",
            "gandi:.example",
            "gandi:acme.example+odd",
        ] {
            assert!(registered(wrong).is_err(), "{wrong}");
        }
    }
}
