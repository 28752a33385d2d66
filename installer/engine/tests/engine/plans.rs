//! Building plans and naming them by their digest.

use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};
use sovereign_engine::testing::world::{self, Make};

#[test]
fn the_digest_names_every_byte() {
    let plan = world::plan("acme", &[("a", &[]), ("b", &["a"])]);
    assert_eq!(plan.digest().as_str().len(), 64);
    let text = serde_json::to_string(&plan).expect("a plan is JSON");
    let read: Plan = serde_json::from_str(&text).expect("and back");
    assert_eq!(read.digest(), plan.digest());
    let changes: [fn(&mut Plan); 5] = [
        |plan| plan.steps[1].title.push('!'),
        |plan| plan.steps[1].after.clear(),
        |plan| plan.details = serde_json::json!({ "price": "1.00" }),
        |plan| plan.spec_digest.push('0'),
        |plan| plan.steps[0].params["thing"] = "z".into(),
    ];
    for change in changes {
        let mut other = plan.clone();
        change(&mut other);
        assert_ne!(other.digest(), plan.digest());
    }
}

#[test]
fn a_step_stands_behind_what_it_needs_and_has_its_own_name() {
    let mut builder = PlanBuilder::new("acme".parse().expect("a slug"), "test");
    let make = Make {
        thing: "a".into(),
        from: vec![],
    };
    let name = || StepName::new("a");
    let missing = builder.step(name(), "make a", &make, &[StepName::new("b")]);
    assert!(matches!(missing, Err(PlanError::UnknownDependency { .. })));
    assert!(builder.step(name(), "make a", &make, &[]).is_ok());
    let twice = builder.step(name(), "make a", &make, &[]);
    assert!(matches!(twice, Err(PlanError::Duplicate(step)) if step == name()));
}
