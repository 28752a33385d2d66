//! Every kind of finding. `docs/reference/dns-findings.md` is made of this table.

use sovereign_core::finding::Severity::{Error, Note, Warning};

use super::finding::Code;

macro_rules! codes {
    ($($ident:ident = $severity:ident $name:literal, $reason:literal, $remedy:literal;)*) => {
        $(pub(super) const $ident: Code = Code {
            name: $name,
            severity: $severity,
            reason: $reason,
            remedy: $remedy,
        };)*

        /// All of them.
        pub const ALL: &[Code] = &[$($ident),*];
    };
}

codes! {
    STUCK = Error "walk.stuck",
        "resolvers take the same way down from the root and do not get any further either",
        "mend the zone named here first, or ask whoever runs it; check the way from here with `--trace`";
    SPENT = Error "walk.limit",
        "a check that could not be finished proves nothing",
        "run the check again; if it stops at the same place, the answers lead round in circles: see `--trace`";
    ABSENT = Error "delegation.absent",
        "resolvers learn from the parent that there is nothing, and remember it",
        "have the parent (the registrar, or whoever runs the zone above) delegate the name; check its spelling";
    INSIDE = Note "delegation.inside",
        "what is checked is the zone that holds the name",
        "nothing, if the name is not meant to be a zone of its own";
    MIXED = Error "delegation.mixed",
        "which name servers a resolver uses depends on the server of the parent that it happens to ask",
        "wait until all servers of the parent have the change; if that takes longer than an hour, ask whoever runs the parent";
    UNEXPECTED = Error "delegation.unexpected",
        "the delegation is not the one that it is meant to be",
        "compare what the registrar shows with what is expected; a change on its way shows at some servers first";
    HIDDEN = Note "delegation.hidden",
        "a server that holds both zones answers for the lower one, so its delegation cannot be seen from outside",
        "look at the NS records in the parent zone itself, or ask for a zone transfer of it";
    FEW = Warning "delegation.few",
        "one fault makes the name unreachable; most registries ask for at least two",
        "add a second name server, in another network";
    BAD_NS = Error "delegation.bad-name",
        "a name server must be a host name: resolvers pass it over",
        "correct the NS record";
    NOBODY = Error "server.none",
        "no server of the zone answered as one in charge of it: for resolvers the zone is not there",
        "mend the servers named here, or correct the delegation";
    PARENT_LAME = Warning "parent.lame",
        "resolvers lose time at this server of the parent before they ask another one",
        "tell whoever runs the parent zone; if all its servers fail from here, check the way from here";
    SILENT = Error "server.silent",
        "resolvers wait for this server before they try another one, and fail if they try no other",
        "start the name server, and let UDP port 53 through to it from everywhere";
    UNREACHABLE = Error "server.unreachable",
        "nothing listens there, or a firewall says no",
        "start the name server on this address, or take the address away from its name";
    REFUSES = Error "server.refuses",
        "the server does not have the zone, or cannot serve it: resolvers count it as lame",
        "load the zone on this server, or take the server out of the delegation; its log says why it fails";
    NOT_AUTHORITATIVE = Error "server.not-authoritative",
        "the server answers from a cache or refers elsewhere: resolvers do not believe it",
        "make the server primary or secondary of the zone, or take it out of the delegation";
    GARBAGE = Error "server.garbage",
        "something answers that does not speak DNS as it should, or somebody forges answers",
        "see what listens on the address, and whether a middlebox changes what passes";
    NO_ROUTE = Note "server.no-route",
        "this machine has no way to such addresses, so nothing is known about them",
        "check again from a machine that has; IPv6 addresses need IPv6 here";
    SPECIAL = Error "server.special-address",
        "nobody outside that network can reach the address, and it was not asked from here either",
        "give the name server a public address";
    RECURSIVE = Warning "server.recursive",
        "a name server that asks others for everybody is used in attacks, and can be fed forged answers",
        "turn recursion off on this server";
    TCP = Error "server.tcp",
        "answers that do not fit a datagram, such as signed ones, cannot be fetched (RFC 7766)",
        "let TCP port 53 through to the server, and have it listen there";
    EDNS = Warning "server.edns",
        "without EDNS there are neither signatures nor larger answers (RFC 6891)",
        "update the server, or the firewall in front of it that drops such questions";
    NO_ADDRESS = Error "host.no-address",
        "a name server that cannot be found cannot be asked",
        "give the host an A or AAAA record, or take it out of the delegation";
    ALIAS = Error "host.alias",
        "a name server's name must not be an alias (RFC 2181 section 10.3): many resolvers pass it over",
        "give the host addresses of its own instead of a CNAME record";
    HOST_STUCK = Error "host.unknown",
        "a name server that cannot be found cannot be asked",
        "mend the zone that the host's name lies in";
    GLUE_MISSING = Error "glue.missing",
        "the address of a name server inside its own zone can only come from the parent",
        "register the host with its addresses at the registrar (a host object, or glue)";
    GLUE_DIFFERS = Error "glue.differs",
        "resolvers begin with the parent's addresses: an old one leads to nobody, or to a stranger",
        "bring the addresses at the registrar (host objects, glue) and the host's A and AAAA records into line";
    GLUE_PARTIAL = Warning "glue.partial",
        "some addresses are known at one side only, so part of the servers' capacity goes unused or is asked in vain",
        "bring the addresses at the registrar (host objects, glue) and the host's A and AAAA records into line";
    NS_DISJOINT = Error "ns.disjoint",
        "parent and zone name altogether different servers: one of them is out of date",
        "correct the delegation at the registrar, or the NS records at the top of the zone";
    NS_DIFFERS = Warning "ns.differs",
        "resolvers take the zone's own word once they have it: a server that only one side names is used by some",
        "bring the delegation and the NS records at the top of the zone into line";
    NS_DISAGREE = Error "ns.disagree",
        "the zone's servers do not hold the same zone",
        "see whether each server takes over changes: transfers, notifications, or the common database";
    SERIAL = Warning "soa.serial",
        "the servers do not hold the same version of the zone, so answers depend on who is asked",
        "check again in a minute; if it stays, see whether the one behind still gets transfers";
    DS_MIXED = Error "dnssec.ds-mixed",
        "whether the zone validates depends on the server of the parent that a resolver happens to ask",
        "wait until all servers of the parent have the change, and touch no key until then";
    DS_LEFT_OVER = Warning "dnssec.ds-left-over",
        "the zone validates by another DS record; this one costs time, and breaks the zone if the other goes",
        "remove the DS record at the registrar, unless a key for it is about to be published";
    DS_STALE = Error "dnssec.ds-stale",
        "validating resolvers trust no key of the zone and answer SERVFAIL for every name in it",
        "remove the DS record at the registrar, or publish the one that belongs to a key of the zone";
    DIGEST = Error "dnssec.digest",
        "the DS record names a key of the zone but was made from another one",
        "publish the DS record anew, as the zone's name server prints it";
    NO_KEYS = Error "dnssec.no-keys",
        "the parent says that the zone is signed: validating resolvers answer SERVFAIL for every name in it",
        "sign the zone with the key that the DS record names, or remove the DS record at the registrar and wait for its TTL";
    KEY_SIGNATURE = Error "dnssec.keys",
        "the chain breaks at the zone's keys: validating resolvers answer SERVFAIL for every name in it",
        "have the name server sign again; check its clock and that it has the private key";
    SIGNATURE = Error "dnssec.signature",
        "validating resolvers throw the answer away",
        "have the name server sign again; check its clock and that all servers hold the same zone";
    DS_SIGNATURE = Error "dnssec.ds-signature",
        "the parent's word about the keys is worth nothing without its signature",
        "tell whoever runs the parent zone";
    ABOVE = Error "dnssec.above",
        "a break further up breaks everything below",
        "tell whoever runs the zone named here";
    EXPIRES = Warning "dnssec.expires",
        "once a signature has expired, validating resolvers throw the answer away",
        "see why the name server does not renew its signatures";
    KEYS_DISAGREE = Error "dnssec.keys-disagree",
        "a resolver that has the keys of one server throws away what another one signed",
        "make all servers serve the same zone, or publish each one's keys at all of them (RFC 8901)";
    WEAK = Warning "dnssec.weak",
        "SHA-1 is no longer trusted: some resolvers take the zone for unsigned (RFC 9905)",
        "roll over to algorithm 13 and digest type 2";
    UNKNOWN_WAYS = Warning "dnssec.unknown-algorithm",
        "resolvers that do not know the algorithm or the digest take the zone for unsigned",
        "use algorithm 13 (ECDSA P-256) and digest type 2 (SHA-256)";
    ISLAND = Note "dnssec.island",
        "the zone is signed, and as the parent vouches for no key, nobody validates it",
        "publish the zone's DS record at the registrar to complete the chain";
    UNSIGNED = Note "dnssec.unsigned",
        "answers can be forged on their way",
        "sign the zone, then publish its DS record at the registrar";
    DENIAL = Warning "dnssec.not-validated",
        "that the parent vouches for no key was said, and not proven: it could be forged",
        "have the parent sign anew if the proof is broken; a proof by opt-out below an inner name is merely not checked here";
    UNANCHORED = Note "dnssec.no-anchor",
        "links were checked one by one, but nothing says that the first key is the right one",
        "name the root's keys with `--dns-anchor FILE`";
    UNKNOWN = Warning "dnssec.unknown",
        "the keys could not be fetched, so the chain could not be followed",
        "mend what keeps the servers from answering, then check again";
}
