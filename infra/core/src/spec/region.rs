//! A region: network, control plane, workers, load balancer.

use ipnet::Ipv4Net;

use super::reader::{At, Reader, all};
use super::{Candidate, Network, NodeGroup, NodeSource, Region};

/// Default ranges.
const CIDR: &str = "10.0.0.0/16";
const SUBNET: &str = "10.0.1.0/24";
const PODS: &str = "10.42.0.0/16";
const SERVICES: &str = "10.43.0.0/16";
const IMAGE: &str = "ubuntu-24.04";

/// Where candidates come from when a group names none.
struct Defaults {
    locations: Option<Vec<String>>,
    image: String,
}

pub(super) fn region(reader: &mut Reader, at: &At<'_>) -> Option<Region> {
    reader.keys(
        at,
        &[
            "name",
            "network",
            "locations",
            "image",
            "controlPlane",
            "workers",
            "loadBalancer",
        ],
    )?;
    let name = reader
        .need(at, "name", "eu")
        .and_then(|at| short_name(reader, &at, 12));
    let locations = reader
        .need(at, "locations", "[fsn1, nbg1]")
        .and_then(|at| words(reader, &at));
    let image = at
        .get("image")
        .and_then(|at| reader.text(&at).map(str::to_owned))
        .unwrap_or_else(|| IMAGE.to_owned());
    let defaults = Defaults { locations, image };
    let network = network(reader, at);
    let control_plane = reader
        .need(at, "controlPlane", "{count: 3, serverTypes: [cx33]}")
        .and_then(|at| control_plane(reader, &at, &defaults));
    let workers = match at.get("workers") {
        Some(at) => reader
            .list(&at)
            .and_then(|items| all(items.iter().map(|item| workers(reader, item, &defaults)))),
        None => Some(Vec::new()),
    };
    let load_balancer_types = match at.get("loadBalancer") {
        Some(at) => reader
            .keys(&at, &["types"])
            .and_then(|()| reader.need(&at, "types", "[lb11]"))
            .and_then(|at| words(reader, &at)),
        None => Some(vec!["lb11".to_owned()]),
    };
    defaults.locations.as_ref()?;
    Some(Region {
        name: name?,
        network: network?,
        control_plane: control_plane?,
        workers: workers?,
        load_balancer_types: load_balancer_types?,
    })
}

/// Nodes that meet over the addresses they have.
pub(super) fn public() -> Option<Network> {
    Some(Network::Public {
        pods: fixed(PODS)?,
        services: fixed(SERVICES)?,
    })
}

pub(super) fn network(reader: &mut Reader, at: &At<'_>) -> Option<Network> {
    let Some(at) = at.get("network") else {
        return Some(Network::Private {
            cidr: fixed(CIDR)?,
            subnet: fixed(SUBNET)?,
            pods: fixed(PODS)?,
            services: fixed(SERVICES)?,
        });
    };
    let public = match at.get("mode") {
        Some(mode) => reader.word(&mode, &[("private", false), ("public", true)])?,
        None => false,
    };
    let known: &[&str] = if public {
        &["mode", "pods", "services"]
    } else {
        &["mode", "cidr", "subnet", "pods", "services"]
    };
    reader.keys(&at, known)?;
    let mut range = |key: &str, default: &str| match at.get(key) {
        Some(at) => range(reader, &at),
        None => fixed(default),
    };
    let (pods, services) = (range("pods", PODS), range("services", SERVICES));
    if public {
        return Some(Network::Public {
            pods: pods?,
            services: services?,
        });
    }
    let (cidr, subnet) = (range("cidr", CIDR), range("subnet", SUBNET));
    Some(Network::Private {
        cidr: cidr?,
        subnet: subnet?,
        pods: pods?,
        services: services?,
    })
}

fn fixed(text: &str) -> Option<Ipv4Net> {
    text.parse().ok()
}

fn range(reader: &mut Reader, at: &At<'_>) -> Option<Ipv4Net> {
    let range: Ipv4Net = reader.value(at, "an IPv4 range", "write it as `10.0.0.0/16`")?;
    if range.trunc() != range {
        reader.error(
            at,
            "cidr.host_bits",
            format!("`{range}` has bits set behind the prefix"),
            format!("write `{}`", range.trunc()),
        );
        return None;
    }
    if !(range.network().is_private() && range.broadcast().is_private()) {
        reader.error(
            at,
            "cidr.public",
            format!("`{range}` is not private address space"),
            "use a range inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        );
        return None;
    }
    Some(range)
}

fn control_plane(reader: &mut Reader, at: &At<'_>, defaults: &Defaults) -> Option<NodeGroup> {
    reader.keys(at, &["count", "serverTypes", "locations", "image"])?;
    let count = reader.need(at, "count", "3").and_then(|at| {
        let count: u32 = reader.value(&at, "a number", "write 1 or 3")?;
        if !matches!(count, 1 | 3) {
            reader.error(
                &at,
                "control_plane.count",
                format!("a control plane of {count} servers is not offered"),
                "write 1, or 3 for one that survives the loss of a server",
            );
            return None;
        }
        Some(count)
    });
    group(reader, at, "cp", count, defaults)
}

fn workers(reader: &mut Reader, at: &At<'_>, defaults: &Defaults) -> Option<NodeGroup> {
    reader.keys(at, &["name", "count", "serverTypes", "locations", "image"])?;
    let name = reader
        .need(at, "name", "general")
        .and_then(|at| short_name(reader, &at, 16));
    let count = reader.need(at, "count", "2").and_then(|at| {
        let count: u32 = reader.value(&at, "a number", "write 0 to 500")?;
        if count > 500 {
            reader.error(
                &at,
                "workers.count",
                format!("a group of {count} servers is not offered"),
                "write 0 to 500, or make several groups",
            );
            return None;
        }
        Some(count)
    });
    group(reader, at, &name?, count, defaults)
}

fn group(
    reader: &mut Reader,
    at: &At<'_>,
    name: &str,
    count: Option<u32>,
    defaults: &Defaults,
) -> Option<NodeGroup> {
    let types = reader
        .need(at, "serverTypes", "[cx33, cpx32]")
        .and_then(|at| words(reader, &at));
    let locations = match at.get("locations") {
        Some(at) => words(reader, &at),
        None => defaults.locations.clone(),
    };
    let image = match at.get("image") {
        Some(at) => reader.text(&at).map(str::to_owned),
        None => Some(defaults.image.clone()),
    };
    let types = types?;
    let candidates = locations?.into_iter().flat_map(|location| {
        types.iter().map(move |server_type| Candidate {
            server_type: server_type.clone(),
            location: location.clone(),
        })
    });
    let candidates = candidates.collect();
    Some(NodeGroup {
        name: name.to_owned(),
        count: count?,
        source: NodeSource::Cloud {
            candidates,
            image: image?,
        },
    })
}

/// A list of one or more different words of a cloud.
fn words(reader: &mut Reader, at: &At<'_>) -> Option<Vec<String>> {
    let words = reader.texts(at)?;
    if words.is_empty() {
        reader.error(
            at,
            "empty",
            format!("`{}` is empty", at.path),
            "name at least one, the preferred first",
        );
        return None;
    }
    for (index, word) in words.iter().enumerate() {
        let fits = !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
        if !fits || words[..index].contains(word) {
            let what = if fits {
                "is in the list twice"
            } else {
                "is not a name of the cloud"
            };
            reader.error(
                at,
                "word",
                format!("`{word}` {what}"),
                "write each name once, as the cloud spells it",
            );
            return None;
        }
    }
    Some(words)
}

pub(super) fn short_name(reader: &mut Reader, at: &At<'_>, longest: usize) -> Option<String> {
    let text = reader.text(at)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=longest).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(allowed)
        && !text.ends_with('-');
    if !fits {
        reader.error(
            at,
            "name",
            format!("`{text}` is not a short name"),
            format!("use 1 to {longest} of a-z, 0-9 and inner hyphens, starting with a letter"),
        );
    }
    fits.then(|| text.to_owned())
}
