//! Dollars in what charts make: a kit's variables stay, all else is kept from being taken for one.

use std::collections::BTreeMap;

/// Doubles the dollars that would begin a variable, except those of the kit's own variables.
pub(super) fn escape(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if rest.starts_with('$') || (rest.starts_with('{') && !is_ours(rest, variables)) {
            done.push('$');
        }
    }
    done.push_str(rest);
    done
}

fn is_ours(rest: &str, variables: &BTreeMap<String, String>) -> bool {
    let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    name.is_some_and(|(name, _)| variables.contains_key(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sovereign_core::kit::substitute;

    use super::*;

    fn ours() -> BTreeMap<String, String> {
        BTreeMap::from([("NAME".to_owned(), "acme".to_owned())])
    }

    #[test]
    fn only_our_variables_are_substituted() {
        let text = "cp ${BIN_PATH}/x $HOME $(A) ${NAME} $$ ${NAME";
        let done = substitute(&escape(text, &ours()), &ours()).unwrap();
        assert_eq!(done, "cp ${BIN_PATH}/x $HOME $(A) acme $$ ${NAME");
    }

    proptest! {
        #[test]
        fn what_is_not_ours_comes_back(text in "[${}a-zN\n]{0,60}") {
            prop_assert_eq!(substitute(&escape(&text, &BTreeMap::new()), &BTreeMap::new()), Ok(text));
        }
    }
}
