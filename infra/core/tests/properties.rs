//! The spec's parser on documents that nobody wrote: it answers, and what it accepts holds together.

use ipnet::Ipv4Net;
use proptest::prelude::*;
use sovereign_core::spec::{self, Network};

const MINIMAL: &str = include_str!("../../../examples/minimal.yaml");

fn disjoint(one: Ipv4Net, two: Ipv4Net) -> bool {
    !one.contains(&two) && !two.contains(&one)
}

fn range() -> impl Strategy<Value = Ipv4Net> {
    (
        prop_oneof![Just(10u8), Just(172), Just(192), any::<u8>()],
        any::<[u8; 3]>(),
        8u8..=30,
    )
        .prop_map(|(first, rest, len)| {
            let address = std::net::Ipv4Addr::new(first, rest[0], rest[1], rest[2]);
            Ipv4Net::new_assert(address, len).trunc()
        })
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,400}") {
        let _ = spec::parse(&text);
    }

    #[test]
    fn any_damage_to_a_spec_is_answered_with_a_place(at in 0usize..600, cut in 0usize..40, put in "[ -~\n\t]{0,12}") {
        let mut text: Vec<char> = MINIMAL.chars().collect();
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.chars());
        let text: String = text.into_iter().collect();
        if let Err(problems) = spec::parse(&text) {
            prop_assert!(!problems.findings.is_empty());
            for finding in &problems.findings {
                prop_assert!(!finding.message.is_empty());
                prop_assert!(!finding.remedy.is_empty());
                let lines = text.lines().count();
                prop_assert!(finding.position.is_none_or(|place| place.line as usize <= lines + 1));
            }
            prop_assert!(!problems.render(&text, "x.yaml").is_empty());
        }
    }

    #[test]
    fn accepted_ranges_never_clash(cidr in range(), subnet in range(), pods in range(), services in range()) {
        let network = format!("    network: {{cidr: {cidr}, subnet: {subnet}, pods: {pods}, services: {services}}}\n    locations:");
        let text = MINIMAL.replace("    locations:", &network);
        if let Ok(parsed) = spec::parse(&text) {
            let Network::Private { cidr, subnet, pods, services } = parsed.spec.regions[0].network.clone() else {
                return Err(TestCaseError::fail("a private network was asked for"));
            };
            prop_assert!(cidr.contains(&subnet));
            prop_assert!(disjoint(cidr, pods) && disjoint(cidr, services) && disjoint(pods, services));
        }
    }

    #[test]
    fn a_hostile_organization_comes_back_as_it_was(name in "[ -~]{1,64}") {
        prop_assume!(!name.trim().is_empty());
        let quoted = serde_json::to_string(&name).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let text = MINIMAL.replace("name: Acme\n", &format!("name: {quoted}\n"));
        let parsed = spec::parse(&text);
        prop_assert!(parsed.is_ok(), "{parsed:?}");
        prop_assert_eq!(parsed.map(|parsed| parsed.spec.organization.name).ok(), Some(name));
    }
}
