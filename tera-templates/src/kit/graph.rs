//! Dependencies: who comes before whom.

use std::collections::{BTreeMap, BTreeSet};

/// Who needs whom, by name.
pub(super) type Needs<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What is wrong with dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw<'a> {
    /// One needs another that is not there.
    Missing { who: &'a str, whom: &'a str },
    /// These need each other, directly or not.
    Cycle(Vec<&'a str>),
}

/// The names in an order in which each comes after those it needs; of several that may come next, the first by name.
pub(super) fn order<'a>(needs: &Needs<'a>) -> Result<Vec<&'a str>, Vec<Flaw<'a>>> {
    let mut flaws: Vec<Flaw> = Vec::new();
    let mut open: Needs = BTreeMap::new();
    for (&who, whom) in needs {
        let (there, missing): (BTreeSet<_>, BTreeSet<_>) =
            whom.iter().copied().partition(|name| needs.contains_key(name));
        flaws.extend(missing.into_iter().map(|whom| Flaw::Missing { who, whom }));
        open.insert(who, there);
    }
    let mut order = Vec::new();
    while let Some(next) = open
        .iter()
        .find(|(_, needs)| needs.is_empty())
        .map(|(&who, _)| who)
    {
        forget(&mut open, next);
        order.push(next);
    }
    // What nobody needs is not on a cycle, it only waits for one.
    while let Some(idle) = open
        .keys()
        .copied()
        .find(|who| !open.values().any(|needs| needs.contains(who)))
    {
        open.remove(idle);
    }
    if !open.is_empty() {
        flaws.push(Flaw::Cycle(open.into_keys().collect()));
    }
    if flaws.is_empty() { Ok(order) } else { Err(flaws) }
}

fn forget<'a>(open: &mut Needs<'a>, who: &'a str) {
    open.remove(who);
    for needs in open.values_mut() {
        needs.remove(who);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    /// Edges from later names to earlier ones: never a cycle.
    fn acyclic() -> impl Strategy<Value = Vec<(usize, usize)>> {
        proptest::collection::vec((0..NAMES.len(), 0..NAMES.len()), 0..20).prop_map(|edges| {
            let later = |(one, other): (usize, usize)| (one.max(other), one.min(other));
            edges
                .into_iter()
                .map(later)
                .filter(|(who, whom)| who != whom)
                .collect()
        })
    }

    fn needs(edges: &[(usize, usize)]) -> Needs<'static> {
        let mut needs: Needs = NAMES.iter().map(|&name| (name, BTreeSet::new())).collect();
        for &(who, whom) in edges {
            needs.entry(NAMES[who]).or_default().insert(NAMES[whom]);
        }
        needs
    }

    proptest! {
        #[test]
        fn everybody_comes_once_and_after_those_he_needs(edges in acyclic()) {
            let needs = needs(&edges);
            let order = order(&needs).unwrap();
            let all: BTreeSet<_> = order.iter().copied().collect();
            prop_assert_eq!(all.len(), NAMES.len());
            prop_assert_eq!(order.len(), NAMES.len());
            let place = |name| order.iter().position(|&one| one == name);
            for (who, whom) in &needs {
                for whom in whom {
                    prop_assert!(place(*whom) < place(*who));
                }
            }
        }

        #[test]
        fn a_way_back_is_a_cycle(edges in acyclic(), (who, whom) in (0..8_usize, 0..8_usize)) {
            let (low, high) = (who.min(whom), who.max(whom));
            let mut edges = edges;
            edges.extend([(high, low), (low, high)]);
            let Err(flaws) = order(&needs(&edges)).map(|_| ()) else {
                return Err(TestCaseError::fail("no flaw"));
            };
            let [Flaw::Cycle(on)] = flaws.as_slice() else {
                return Err(TestCaseError::fail(format!("{flaws:?}")));
            };
            prop_assert!(on.contains(&NAMES[low]) && on.contains(&NAMES[high]), "{on:?}");
        }
    }

    #[test]
    fn the_missing_are_named_with_those_who_need_them() {
        let needs = Needs::from([("a", BTreeSet::from(["x", "b"])), ("b", BTreeSet::from(["y"]))]);
        let missing = |who, whom| Flaw::Missing { who, whom };
        assert_eq!(order(&needs), Err(vec![missing("a", "x"), missing("b", "y")]));
    }
}
