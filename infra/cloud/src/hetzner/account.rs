//! The account as a planner needs it, in a dozen reads and one write that cannot succeed.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde_json::json;

use super::api::{Api, Call};
use super::listings::Listings;
use super::wire;
use crate::error::{CloudError, ErrorClass};
use crate::inventory::{Image, Inventory, LoadBalancerType, Location, Offer, Price, PriceList, ServerType};

pub(super) async fn inventory(api: &Api, listings: &Listings) -> Result<Inventory, CloudError> {
    let images = [("type", "system".to_owned()), ("status", "available".to_owned())];
    let (can_write, locations, server_types, load_balancer_types, images, prices, resources) = tokio::try_join!(
        can_write(api),
        api.pages::<wire::LocationPage>("/locations", &[]),
        api.pages::<wire::ServerTypePage>("/server_types", &[]),
        api.pages::<wire::LoadBalancerTypePage>("/load_balancer_types", &[]),
        api.pages::<wire::ImagePage>("/images", &images),
        prices(api),
        try_join_all(Inventory::KINDS.map(|kind| listings.since(kind, Some(tokio::time::Instant::now())))),
    )?;
    Ok(Inventory {
        can_write,
        locations: locations.into_iter().map(location).collect(),
        server_types: server_types.into_iter().map(server_type).collect(),
        load_balancer_types: load_balancer_types.into_iter().map(load_balancer_type).collect(),
        images: images.into_iter().filter_map(image).collect(),
        prices,
        resources: resources
            .iter()
            .flat_map(|listing| listing.iter().cloned())
            .collect(),
    })
}

/// The price list, in one read.
pub(super) async fn prices(api: &Api) -> Result<PriceList, CloudError> {
    let call = Call::get("/pricing", "read the price list");
    Ok(price_list(api.send::<wire::PricingAnswer>(&call).await?.pricing))
}

/// Sends a key without content: a token that may write is told so, one that may only read is refused before.
pub(super) async fn can_write(api: &Api) -> Result<bool, CloudError> {
    let call = Call::post(
        "/ssh_keys",
        json!({"name": "", "public_key": ""}),
        "check the token",
    )
    .repeatable();
    match api.send::<serde_json::Value>(&call).await {
        Err(error) if error.code == "token_readonly" => Ok(false),
        Err(error) if error.code == "invalid_input" || error.code == "json_error" => Ok(true),
        Err(error) => Err(error),
        Ok(_) => Err(super::errors::plain(
            ErrorClass::Stop,
            "check the token",
            "unexpected_success",
            "the API accepted an SSH key without content",
            "remove the nameless SSH key in the cloud's console and report this",
        )),
    }
}

fn location(location: wire::Location) -> Location {
    Location {
        name: location.name,
        network_zone: location.network_zone,
    }
}

fn price(price: &wire::LocationPrice) -> Price {
    Price {
        hourly: price.price_hourly.net,
        monthly: price.price_monthly.net,
    }
}

fn by_location(prices: &[wire::LocationPrice]) -> BTreeMap<String, Price> {
    prices.iter().map(|p| (p.location.clone(), price(p))).collect()
}

fn server_type(server_type: wire::ServerType) -> ServerType {
    let prices = by_location(&server_type.prices);
    let offer = |place: wire::ServerTypeLocation| {
        let price = prices.get(&place.name).copied();
        (
            place.name,
            Offer {
                available: place.available,
                deprecated: place.deprecation.is_some(),
                price,
            },
        )
    };
    ServerType {
        offers: server_type.locations.into_iter().map(offer).collect(),
        name: server_type.name,
        architecture: server_type.architecture,
        cores: server_type.cores,
        memory_gb: server_type.memory,
        disk_gb: server_type.disk,
    }
}

fn load_balancer_type(kind: wire::LoadBalancerType) -> LoadBalancerType {
    LoadBalancerType {
        prices: by_location(&kind.prices),
        name: kind.name,
        max_targets: kind.max_targets,
    }
}

fn image(image: wire::Image) -> Option<Image> {
    let architecture = image.architecture.unwrap_or_else(|| "x86".to_owned());
    Some(Image {
        id: image.common.id,
        name: image.common.name?,
        architecture,
    })
}

fn price_list(pricing: wire::Pricing) -> PriceList {
    let primary = pricing.primary_ips.iter().find(|ip| ip.kind == "ipv4");
    let floating = pricing.floating_ips.iter().find(|ip| ip.kind == "ipv4");
    let floating_price = |p: &wire::FloatingPrice| {
        let monthly = p.price_monthly.net;
        (
            p.location.clone(),
            Price {
                hourly: monthly / rust_decimal::Decimal::from(730),
                monthly,
            },
        )
    };
    let by_name = |types: &[wire::NamedPrices]| {
        let one = |t: &wire::NamedPrices| (t.name.clone(), by_location(&t.prices));
        types.iter().map(one).collect()
    };
    PriceList {
        currency: pricing.currency,
        vat_rate: pricing.vat_rate,
        server_types: by_name(&pricing.server_types),
        load_balancer_types: by_name(&pricing.load_balancer_types),
        primary_ipv4: primary.map(|ip| by_location(&ip.prices)).unwrap_or_default(),
        floating_ipv4: floating
            .map(|ip| ip.prices.iter().map(floating_price).collect())
            .unwrap_or_default(),
        volume_gb_month: pricing.volume.map(|v| v.price_per_gb_month.net),
        image_gb_month: pricing.image.map(|i| i.price_per_gb_month.net),
    }
}
