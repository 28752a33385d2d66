//! What the Sovereign costs, by the account's own price list.

use rust_decimal::Decimal;
use sovereign_cloud::inventory::{Inventory, Price};
use sovereign_cloud::resource::{Resource, ResourceKind};

use super::layout::RegionLayout;
use crate::view::{Money, PriceLine, Prices};

/// Prices once the plan has run. `removed` is what it takes away.
pub(super) fn of(inventory: &Inventory, layouts: &[RegionLayout<'_>], removed: &[&Resource]) -> Prices {
    let mut after = Bill::new(inventory);
    let mut before = Bill::new(inventory);
    for layout in layouts {
        for group in &layout.groups {
            let first = group.choices.first().map(|choice| &choice.candidate);
            let chosen = first.map(|first| (first.server_type.as_str(), first.location.as_str()));
            for server in &group.servers {
                let there = server.present.and_then(place);
                after.server(there.or(chosen));
                before.server(there);
            }
        }
        let present = inventory
            .find(ResourceKind::LoadBalancer, &layout.names.load_balancer())
            .and_then(place);
        let chosen = (layout.balancer.flavor.as_str(), layout.balancer.location.as_str());
        after.load_balancer(Some(present.unwrap_or(chosen)));
        before.load_balancer(present);
    }
    for server in removed
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Server)
    {
        before.server(place(server));
    }
    let change = after.sum().1 - before.sum().1;
    after.close(change)
}

/// Type and location of a resource.
fn place(resource: &Resource) -> Option<(&str, &str)> {
    resource.flavor.as_deref().zip(resource.location.as_deref())
}

/// Lines being added up.
struct Bill<'a> {
    inventory: &'a Inventory,
    /// What, how many, the price of one.
    lines: Vec<(String, u32, Price)>,
    unpriced: Vec<String>,
}

impl<'a> Bill<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        Self {
            inventory,
            lines: Vec::new(),
            unpriced: Vec::new(),
        }
    }

    /// A server and its IPv4 address; the IPv6 range costs nothing.
    fn server(&mut self, place: Option<(&str, &str)>) {
        let Some((kind, location)) = place else { return };
        let prices = &self.inventory.prices;
        let server = prices
            .server_types
            .get(kind)
            .and_then(|prices| prices.get(location));
        let (server, address) = (server.copied(), prices.primary_ipv4.get(location).copied());
        self.add(format!("server {kind} in {location}"), server);
        self.add(format!("IPv4 address in {location}"), address);
    }

    fn load_balancer(&mut self, place: Option<(&str, &str)>) {
        let Some((kind, location)) = place else { return };
        let price = self.inventory.prices.load_balancer_types.get(kind);
        let price = price.and_then(|prices| prices.get(location)).copied();
        self.add(format!("load balancer {kind} in {location}"), price);
    }

    fn add(&mut self, what: String, price: Option<Price>) {
        let Some(price) = price else {
            if !self.unpriced.contains(&what) {
                self.unpriced.push(what);
            }
            return;
        };
        match self.lines.iter_mut().find(|(known, ..)| *known == what) {
            Some((_, quantity, _)) => *quantity += 1,
            None => self.lines.push((what, 1, price)),
        }
    }

    /// Per hour and per month, net.
    fn sum(&self) -> (Decimal, Decimal) {
        let each = self.lines.iter().map(|(_, quantity, price)| {
            let quantity = Decimal::from(*quantity);
            (price.hourly * quantity, price.monthly * quantity)
        });
        each.fold((Decimal::ZERO, Decimal::ZERO), |sum, line| {
            (sum.0 + line.0, sum.1 + line.1)
        })
    }

    fn close(self, change: Decimal) -> Prices {
        let list = &self.inventory.prices;
        let money = |net: Decimal| money(net, list.vat_rate);
        let (hourly, monthly) = self.sum();
        let mut not_included = vec![
            "traffic above what is included".to_owned(),
            "volumes, snapshots and load balancers that the cluster itself makes".to_owned(),
            "tax, in net amounts".to_owned(),
        ];
        not_included.extend(
            self.unpriced
                .iter()
                .map(|what| format!("{what}: not in the price list")),
        );
        let line = |(what, quantity, price): &(String, u32, Price)| PriceLine {
            what: what.clone(),
            quantity: *quantity,
            each_hourly: money(price.hourly),
            each_monthly: money(price.monthly),
            hourly: money(price.hourly * Decimal::from(*quantity)),
            monthly: money(price.monthly * Decimal::from(*quantity)),
        };
        Prices {
            currency: list.currency.clone(),
            vat_rate: list.vat_rate,
            lines: self.lines.iter().map(line).collect(),
            hourly: money(hourly),
            monthly: money(monthly),
            change_monthly: money(change),
            not_included,
        }
    }
}

/// An amount with its tax, exact and without trailing zeros.
fn money(net: Decimal, vat_rate: Decimal) -> Money {
    let gross = net * (Decimal::ONE + vat_rate / Decimal::ONE_HUNDRED);
    Money {
        net: net.normalize(),
        gross: gross.normalize(),
    }
}
