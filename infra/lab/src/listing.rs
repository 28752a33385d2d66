//! Listings: filters, order, pages.

use serde_json::{Value, json};

use crate::label_selector::LabelSelector;
use crate::problem::Problem;

/// Query parameters in the order they came.
pub(crate) type Query = Vec<(String, String)>;

pub(crate) fn parameter<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The page of `items` that `query` asks for, under `field`.
pub(crate) fn page(field: &str, items: Vec<Value>, query: &Query) -> Result<Value, Problem> {
    let selector = parameter(query, "label_selector")
        .map(|text| {
            text.parse::<LabelSelector>()
                .map_err(|e| Problem::invalid("label_selector", e.to_string()))
        })
        .transpose()?;
    let wanted = |item: &Value| {
        selector.as_ref().is_none_or(|s| s.matches(&item["labels"]))
            && ["name", "fingerprint", "status", "architecture", "ip"]
                .iter()
                .all(|key| filter(item, key, query))
    };
    let mut items: Vec<Value> = items.into_iter().filter(wanted).collect();
    sort(&mut items, query);
    let number = |name: &str, default: usize| {
        parameter(query, name).map_or(Ok(default), |text| {
            text.parse::<usize>()
                .ok()
                .filter(|n| *n >= 1)
                .ok_or_else(|| Problem::invalid(name, "must be a positive number"))
        })
    };
    let page = number("page", 1)?;
    let per_page = number("per_page", 25)?.min(50);
    let total = items.len();
    let last = total.div_ceil(per_page).max(1);
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    Ok(json!({
        field: shown,
        "meta": {"pagination": {
            "page": page,
            "per_page": per_page,
            "previous_page": (page > 1).then(|| page - 1),
            "next_page": (page < last).then(|| page + 1),
            "last_page": last,
            "total_entries": total,
        }},
    }))
}

/// Several values of one parameter mean any of them.
fn filter(item: &Value, key: &str, query: &Query) -> bool {
    let mut wanted = query.iter().filter(|(name, _)| name == key).peekable();
    wanted.peek().is_none() || wanted.any(|(_, value)| item[key].as_str() == Some(value))
}

fn sort(items: &mut [Value], query: &Query) {
    let orders: Vec<&str> = query
        .iter()
        .filter(|(key, _)| key == "sort")
        .map(|(_, v)| v.as_str())
        .collect();
    for order in orders.into_iter().rev() {
        let (key, direction) = order.split_once(':').unwrap_or((order, "asc"));
        let compare = |a: &Value, b: &Value| match (a[key].as_u64(), b[key].as_u64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a[key].as_str().cmp(&b[key].as_str()),
        };
        items.sort_by(compare);
        if direction == "desc" {
            items.reverse();
        }
    }
}

/// The `Link` header of a page.
pub(crate) fn link(url: &str, body: &Value) -> Option<String> {
    let pagination = body.get("meta")?.get("pagination")?;
    let one = |rel: &str, key: &str| {
        pagination[key]
            .as_u64()
            .map(|page| format!("<{url}?page={page}>; rel=\"{rel}\""))
    };
    let links = [
        one("prev", "previous_page"),
        one("next", "next_page"),
        one("last", "last_page"),
    ];
    Some(links.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
