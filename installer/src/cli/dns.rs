//! `sovereign dns`: types only; the doc comments are the help texts.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sovereign_core::registrar::RegistrarKind;
use sovereign_dns::DomainName;

/// `sovereign dns`.
#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    /// Check how a name is delegated: every server of its parent, every address of its name servers, its chain of trust.
    Check(DnsCheck),
    /// Show what delegating a spec's name will be like: the present state, phases with their durations, what speaks against it; change nothing.
    Plan(DnsPlan),
    /// Show how far the delegation of a Sovereign's name is, stage by stage, with the evidence.
    Status(DnsStatus),
    /// Give the delegation of a Sovereign's name back to where it was before; everything else stays.
    Rollback(DnsRollback),
    /// List the registrars that can be asked: what each needs, where that is made, and what it has to be able to do at least.
    Registrars {
        /// Only this one.
        #[arg(value_parser = PossibleValuesParser::new(RegistrarKind::ALL.map(RegistrarKind::as_str)))]
        kind: Option<String>,
    },
}

/// `sovereign dns check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Asks from the root down, without the system's resolver and without recursion. Ends with 0 if nothing is broken, with 1 if something is."
)]
pub(crate) struct DnsCheck {
    /// The name; one with letters beyond ASCII may be written as it is.
    #[arg(value_parser = domain_name)]
    pub(crate) name: DomainName,
    /// Show every question with what came of it.
    #[arg(long)]
    pub(crate) trace: bool,
    /// Name server that the parent is to show, for a change under way; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = domain_name, value_delimiter = ',')]
    pub(crate) expect_ns: Vec<DomainName>,
    /// Name server that the parent showed before that change; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = domain_name, value_delimiter = ',', requires = "expect_ns")]
    pub(crate) old_ns: Vec<DomainName>,
    /// Ask public resolvers, too, for information: what they say decides nothing.
    #[arg(long)]
    pub(crate) resolvers: bool,
    /// Most questions that are asked.
    #[arg(long, value_name = "NUMBER", default_value_t = 600, hide_short_help = true)]
    pub(crate) max_questions: u32,
    /// Most seconds that it may take.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600),
        hide_short_help = true
    )]
    pub(crate) max_seconds: u64,
}

/// `sovereign dns plan`.
#[derive(Debug, Args)]
pub(crate) struct DnsPlan {
    /// Path of a spec, `-` for standard input, or the name of a known Sovereign.
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: String,
}

/// `sovereign dns status`.
#[derive(Debug, Args)]
pub(crate) struct DnsStatus {
    /// The Sovereign.
    pub(crate) name: String,
}

/// `sovereign dns rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "The registrar's credential is read where the spec says, or taken from the copy that is sealed while a change is under way. Without either, what to enter by hand is shown, and watched for."
)]
pub(crate) struct DnsRollback {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// Give it back without being asked for the domain.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// A domain name; international ones in either form.
fn domain_name(text: &str) -> Result<DomainName, String> {
    if text.is_ascii() {
        return text.parse().map_err(|error| format!("{error}"));
    }
    match url::Host::parse(text.trim_end_matches('.')) {
        Ok(url::Host::Domain(name)) => name.parse().map_err(|error| format!("{error}")),
        _ => Err("not a domain name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_either_form() {
        assert_eq!(
            domain_name("Bücher.example").unwrap().as_str(),
            "xn--bcher-kva.example"
        );
        assert_eq!(domain_name("Acme.Example.").unwrap().as_str(), "acme.example");
        assert_eq!(domain_name(".").unwrap(), DomainName::root());
        for wrong in [
            "",
            "a b.example",
            "bü cher.example",
            "https://acme.example",
            "1.2.3.4/24",
        ] {
            assert!(domain_name(wrong).is_err(), "{wrong}");
        }
    }
}
