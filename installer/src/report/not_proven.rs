//! What no run proves, and why. It is the owner's to see to.

use std::borrow::Cow;

use serde::Serialize;

use crate::revocation::Revocation;

/// The token that the installer worked with, as reports call it.
pub(super) const INSTALLERS: &str = "installer's cloud token";
/// Of every Sovereign.
const ALWAYS: [(&str, &str); 3] = [
    ("backups", "no snapshot was restored for a test"),
    (
        "openbao",
        "who holds what opens it after the loss of its key is not asked",
    ),
    (
        "public certificates",
        "certificates come from the Sovereign's own authority until another is chosen",
    ),
];
/// Of a run that does not see to it.
const DELEGATION: (&str, &str) = (
    "delegation",
    "the run had no part in it: whether a parent zone leads to the Sovereign's own is not asked",
);
/// Where tokens are made and revoked.
const CONSOLE: &str = "in the cloud's console, in the project under Security and API tokens";

/// Something that was not proven.
#[derive(Debug, Serialize)]
pub(super) struct NotProven {
    what: &'static str,
    why: Cow<'static, str>,
}

/// What a run's journal says of the cloud's tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Fingerprint of the one that the installer worked with.
    pub(super) installers: String,
    /// The Sovereign was given one of its own.
    pub(super) own: bool,
    /// What the cloud says of the installer's, if it was asked.
    pub(super) asked: Option<Revocation>,
}

/// Everything that was not proven of a Sovereign; `delegated` if its delegation was.
pub(super) fn list(sovereign: &str, delegated: bool, tokens: Option<&Tokens>) -> Vec<NotProven> {
    let tokens = tokens.into_iter().flat_map(|tokens| {
        [
            own(tokens).map(|why| ("cloud token", why)),
            installers(sovereign, tokens).map(|why| (INSTALLERS, why)),
        ]
    });
    let tokens = tokens.flatten().map(|(what, why)| NotProven {
        what,
        why: why.into(),
    });
    let delegation = (!delegated).then_some(&DELEGATION);
    let always = delegation
        .into_iter()
        .chain(&ALWAYS)
        .map(|(what, why)| NotProven {
            what,
            why: (*why).into(),
        });
    tokens.chain(always).collect()
}

fn own(tokens: &Tokens) -> Option<String> {
    (!tokens.own).then(|| {
        format!(
            "the Sovereign was given none of its own: should something in it make volumes or load balancers, make one {CONSOLE}, \
             and put it where the cloud's controllers look: \
             `kubectl -n kube-system create secret generic hcloud --from-file=token=FILE`"
        )
    })
}

fn installers(sovereign: &str, tokens: &Tokens) -> Option<String> {
    let standing = match tokens.asked {
        Some(Revocation::Revoked) => return None,
        Some(Revocation::Accepted) => "the cloud still takes it",
        None => "whether it is revoked was not asked",
    };
    let needed = if tokens.own {
        "the Sovereign has another one"
    } else {
        "nothing in the Sovereign was given it"
    };
    Some(format!(
        "{standing}, and {needed}: revoke the one with the fingerprint {} {CONSOLE}, then run `sovereign report {sovereign} --check-revoked`",
        tokens.installers
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(own: bool, asked: Option<Revocation>) -> Vec<(&'static str, String)> {
        let tokens = Tokens {
            installers: "0123456789abcdef".into(),
            own,
            asked,
        };
        let listed = list("acme", true, Some(&tokens)).into_iter();
        let concerns = listed.filter(|one| one.what.contains("token"));
        concerns.map(|one| (one.what, one.why.into_owned())).collect()
    }

    #[test]
    fn with_a_token_of_its_own_only_the_revocation_is_open() {
        let told = told(true, None);
        assert_eq!(told.len(), 1);
        let (what, why) = &told[0];
        assert_eq!(*what, INSTALLERS);
        assert!(
            why.contains("has another one") && why.contains("0123456789abcdef"),
            "{why}"
        );
        assert!(why.contains("sovereign report acme --check-revoked"), "{why}");
    }

    #[test]
    fn without_one_the_owner_is_told_how_to_give_one() {
        let told = told(false, None);
        assert_eq!(told.len(), 2);
        assert!(told[0].1.contains("secret generic hcloud"), "{}", told[0].1);
        assert!(
            told[1].1.contains("nothing in the Sovereign was given it"),
            "{}",
            told[1].1
        );
    }

    #[test]
    fn what_the_cloud_says_of_the_installers_token_is_told() {
        assert!(
            told(true, Some(Revocation::Accepted))[0]
                .1
                .contains("still takes it")
        );
        assert!(told(true, Some(Revocation::Revoked)).is_empty());
        assert_eq!(told(false, Some(Revocation::Revoked)).len(), 1);
    }

    #[test]
    fn machines_have_no_cloud_and_no_token() {
        assert_eq!(list("acme", true, None).len(), ALWAYS.len());
        let listed = list("acme", false, None);
        assert!(listed.iter().any(|one| one.what == "delegation"));
    }
}
