//! What is for sale: locations, types, images, prices. Shapes are the vendor's; the amounts are the lab's own.

use crate::changes::Changes;
use serde_json::{Value, json};

/// Name, network zone, city, country.
const LOCATIONS: [(&str, &str, &str, &str); 6] = [
    ("fsn1", "eu-central", "Falkenstein", "DE"),
    ("nbg1", "eu-central", "Nuremberg", "DE"),
    ("hel1", "eu-central", "Helsinki", "FI"),
    ("ash", "us-east", "Ashburn", "US"),
    ("hil", "us-west", "Hillsboro", "US"),
    ("sin", "ap-southeast", "Singapore", "SG"),
];
const EU: &[&str] = &["fsn1", "nbg1", "hel1"];
const EVERYWHERE: &[&str] = &["fsn1", "nbg1", "hel1", "ash", "hil", "sin"];

/// Name, cores, memory GB, disk GB, architecture, locations, cents a month.
type Row = (
    &'static str,
    u32,
    f64,
    u32,
    &'static str,
    &'static [&'static str],
    u32,
);
const SERVER_TYPES: &[Row] = &[
    ("cx23", 2, 4.0, 40, "x86", EU, 399),
    ("cx33", 4, 8.0, 80, "x86", EU, 599),
    ("cx43", 8, 16.0, 160, "x86", EU, 1099),
    ("cx53", 16, 32.0, 320, "x86", EU, 1999),
    ("cax11", 2, 4.0, 40, "arm", EU, 449),
    ("cax21", 4, 8.0, 80, "arm", EU, 749),
    ("cax31", 8, 16.0, 160, "arm", EU, 1399),
    ("cax41", 16, 32.0, 320, "arm", EU, 2699),
    ("cpx22", 2, 4.0, 80, "x86", EVERYWHERE, 699),
    ("cpx32", 4, 8.0, 160, "x86", EVERYWHERE, 1199),
    ("cpx42", 8, 16.0, 320, "x86", EVERYWHERE, 2199),
    ("ccx13", 2, 8.0, 80, "x86", EVERYWHERE, 1499),
    ("ccx23", 4, 16.0, 160, "x86", EVERYWHERE, 2899),
    ("ccx33", 8, 32.0, 240, "x86", EVERYWHERE, 5699),
];

/// Name, services, targets, certificates, cents a month.
const LOAD_BALANCER_TYPES: [(&str, u32, u32, u32, u32); 3] = [
    ("lb11", 5, 25, 10, 599),
    ("lb21", 15, 75, 25, 1799),
    ("lb31", 30, 150, 50, 3599),
];

/// Cents a month of an IPv4 address.
const IPV4: u32 = 50;

fn amount(cents: u32) -> Value {
    let net = f64::from(cents) / 100.0;
    json!({"net": format!("{net:.4}"), "gross": format!("{:.4}", net * 1.19)})
}

fn hourly(cents: u32) -> Value {
    let net = f64::from(cents) / 100.0 / 624.0;
    json!({"net": format!("{net:.4}"), "gross": format!("{:.4}", net * 1.19)})
}

fn prices(cents: u32, locations: &[&str]) -> Value {
    let one = |location: &&str| {
        json!({
            "location": location,
            "price_hourly": hourly(cents),
            "price_monthly": amount(cents),
            "included_traffic": 21_990_232_555_520_u64,
            "price_per_tb_traffic": amount(100),
        })
    };
    locations.iter().map(one).collect()
}

pub(crate) fn locations() -> Vec<Value> {
    let one = |(id, (name, zone, city, country)): (usize, &(&str, &str, &str, &str))| {
        json!({
            "id": id + 1, "name": name, "description": city, "country": country, "city": city,
            "latitude": 50.0, "longitude": 12.0, "network_zone": zone,
        })
    };
    LOCATIONS.iter().enumerate().map(one).collect()
}

pub(crate) fn location(name_or_id: &Value) -> Option<Value> {
    locations()
        .into_iter()
        .find(|l| l["name"] == *name_or_id || l["id"] == *name_or_id)
}

/// Server types; `sold_out` holds `type@location`.
pub(crate) fn server_types(sold_out: &[String], changes: Changes) -> Vec<Value> {
    let one = |(id, row): (usize, &Row)| {
        let (name, cores, memory, disk, architecture, places, cents) = *row;
        let place = |location: &&str| {
            let available = !sold_out.contains(&format!("{name}@{location}"));
            let id = LOCATIONS
                .iter()
                .position(|l| l.0 == *location)
                .map(|index| index + 1);
            let mut entry = json!({"id": id, "name": location, "deprecation": null});
            if changes.availability {
                entry["available"] = json!(available);
                entry["recommended"] = json!(available);
            }
            entry
        };
        json!({
            "id": id + 101, "name": name, "description": name.to_uppercase(), "category": "shared",
            "cores": cores, "memory": memory, "disk": disk, "storage_type": "local",
            "cpu_type": if name.starts_with("ccx") { "dedicated" } else { "shared" },
            "architecture": architecture, "deprecated": false, "deprecation": null,
            "included_traffic": 21_990_232_555_520_u64,
            "prices": prices(cents, places),
            "locations": places.iter().map(place).collect::<Vec<_>>(),
        })
    };
    SERVER_TYPES.iter().enumerate().map(one).collect()
}

pub(crate) fn server_type(name_or_id: &Value) -> Option<Value> {
    server_types(&[], Changes::default())
        .into_iter()
        .find(|t| t["name"] == *name_or_id || t["id"] == *name_or_id)
}

pub(crate) fn load_balancer_types() -> Vec<Value> {
    let one = |(id, (name, services, targets, certificates, cents)): (usize, &(&str, u32, u32, u32, u32))| {
        json!({
            "id": id + 1, "name": name, "description": name.to_uppercase(), "max_connections": 10_000,
            "max_services": services, "max_targets": targets, "max_assigned_certificates": certificates,
            "deprecated": null, "prices": prices(*cents, EVERYWHERE),
        })
    };
    LOAD_BALANCER_TYPES.iter().enumerate().map(one).collect()
}

pub(crate) fn load_balancer_type(name_or_id: &Value) -> Option<Value> {
    load_balancer_types()
        .into_iter()
        .find(|t| t["name"] == *name_or_id || t["id"] == *name_or_id)
}

pub(crate) fn images() -> Vec<Value> {
    let systems = [("ubuntu", "24.04"), ("debian", "12"), ("debian", "13")];
    let all = systems
        .iter()
        .flat_map(|system| ["x86", "arm"].map(|architecture| (*system, architecture)));
    let one = |(index, ((flavor, version), architecture)): (usize, ((&str, &str), &str))| {
        json!({
            "id": 1001 + index, "type": "system", "status": "available", "name": format!("{flavor}-{version}"),
            "description": format!("{flavor} {version}"), "image_size": null, "disk_size": 5,
            "created": "2026-01-01T00:00:00Z", "created_from": null, "bound_to": null, "os_flavor": flavor,
            "os_version": version, "rapid_deploy": true, "protection": {"delete": false}, "deprecated": null,
            "deleted": null, "labels": {}, "architecture": architecture,
        })
    };
    all.enumerate().map(one).collect()
}

pub(crate) fn pricing() -> Value {
    let types = |list: Vec<Value>| -> Value {
        list.iter()
            .map(|t| json!({"id": t["id"], "name": t["name"], "prices": t["prices"]}))
            .collect()
    };
    json!({"pricing": {
        "currency": "EUR",
        "vat_rate": "19.00",
        "image": {"price_per_gb_month": amount(1)},
        "volume": {"price_per_gb_month": amount(5)},
        "server_backup": {"percentage": "20.00"},
        "floating_ip": {"price_monthly": amount(300)},
        "floating_ips": [{"type": "ipv4", "prices": prices(300, EVERYWHERE)}, {"type": "ipv6", "prices": prices(100, EVERYWHERE)}],
        "primary_ips": [{"type": "ipv4", "prices": prices(IPV4, EVERYWHERE)}, {"type": "ipv6", "prices": prices(0, EVERYWHERE)}],
        "server_types": types(server_types(&[], Changes::default())),
        "load_balancer_types": types(load_balancer_types()),
        "traffic": {"price_per_tb": amount(100)},
    }})
}
