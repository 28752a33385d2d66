//! Every object has one owner.

use std::collections::BTreeMap;

use super::{Found, View};
use crate::kit::Size;

pub(super) fn check(view: &View, found: &mut Found) {
    for size in [Size::Solo, Size::Ha] {
        let mut owners = BTreeMap::new();
        for part in view.rendering.parts.iter().filter(|part| part.size == size) {
            for object in part.objects() {
                let identity = object.identity();
                let said = identity.to_string();
                let Some(owner) = owners.insert(identity, part.component.as_str()) else {
                    continue;
                };
                let message = if owner == part.component {
                    format!("it has {said} twice")
                } else {
                    format!("{said} is also `{owner}`'s")
                };
                found.error(
                    "kit.owner",
                    &part.component,
                    message,
                    "leave the object to one of them",
                );
            }
        }
    }
}
