use jiff::Timestamp;
use sovereign_bootstrap::steps::{
    Course, DelegatedName, DrainDelegation, ROLL_BACK, ReachedStage, SignDelegation, ValidateDelegation,
    ValidatedDelegation,
};
use sovereign_core::agent::{SubStep, SubStepState};
use sovereign_core::event::{Event, EventKind, RunOutcome};
use sovereign_dns::delegation::{Memory, Patience};
use sovereign_engine::journal::{Direction, RunId};
use sovereign_engine::plan::{PlanBuilder, StepName};

use super::standing::Level;
use super::*;

const OURS: [&str; 2] = ["ns1.ours.example", "ns2.ours.example"];

fn named(nameservers: &[&str]) -> DelegatedName {
    DelegatedName {
        sovereign: "acme-dev".parse().unwrap(),
        domain: "acme.example".parse().unwrap(),
        nameservers: NsSet::read(nameservers).unwrap(),
        patience: Patience::default(),
    }
}

fn on(ns: &[&str]) -> Snapshot {
    Snapshot {
        taken: Timestamp::UNIX_EPOCH,
        registered: None,
        ns: ns.iter().map(|name| name.parse().unwrap()).collect(),
        ds: Vec::new(),
        vouched: BTreeSet::new(),
        parent_signed: false,
        forgotten_after: 3_600,
        ds_ttl: 0,
        signs: false,
    }
}

/// A run under construction: steps that each ended with an output, or did not.
struct History {
    plan: PlanBuilder,
    ended: Vec<(String, serde_json::Value)>,
    /// What came after that.
    more: Vec<(String, EventKind)>,
}

impl History {
    fn new() -> Self {
        Self {
            plan: PlanBuilder::new("acme-dev".parse().unwrap(), ""),
            ended: Vec::new(),
            more: Vec::new(),
        }
    }

    fn step<S: Step>(mut self, step: &S, output: Option<&S::Output>) -> Self {
        self.plan
            .step(StepName::new(S::KIND), S::KIND, step, &[])
            .unwrap();
        let output = output.map(|output| (S::KIND.to_owned(), serde_json::to_value(output).unwrap()));
        self.ended.extend(output);
        self
    }

    /// A look that saw the name on these name servers; on ours already where there are none.
    fn inspected(self, ours: &[&str], seen: Option<&[&str]>) -> Self {
        let step = InspectDelegation {
            name: named(ours),
            place: Place::Apex,
        };
        let output = InspectedDelegation {
            before: seen.map(on),
            parent_signed: false,
            findings: Vec::new(),
            memory: Memory::default(),
        };
        self.step(&step, Some(&output))
    }

    fn restored(self, done: bool) -> Self {
        let step = RestoreDelegation {
            name: named(&OURS),
            snapshot: on(&["a.old.example"]),
            drain: true,
        };
        self.step(&step, done.then_some(&()))
    }

    fn validated(self, done: bool) -> Self {
        let step = ValidateDelegation {
            name: named(&OURS),
            way: None,
        };
        let output = ValidatedDelegation {
            security: "secure".to_owned(),
            parent: "all of them".to_owned(),
            servers: 4,
            questions: 17,
            evidence: "secure; all of them; 4 addresses of name servers answered; 17 questions".to_owned(),
        };
        self.step(&step, done.then_some(&output))
    }

    /// The way to our name servers, up to where every cache has forgotten the old ones.
    fn drained(self) -> Self {
        let course = Course {
            name: named(&OURS),
            inspect: serde_json::from_value(InspectDelegation::KIND.into()).unwrap(),
            zone: serde_json::from_value("zone".into()).unwrap(),
            credential: None,
        };
        let reached = ReachedStage {
            memory: Memory::default(),
        };
        let drain = DrainDelegation {
            course: course.clone(),
            earlier: None,
        };
        let sign = SignDelegation {
            course,
            earlier: None,
        };
        self.step(&drain, Some(&reached)).step(&sign, None)
    }

    /// Something more becomes of the step that brings our keys.
    fn then(mut self, kind: EventKind) -> Self {
        self.more.push((SignDelegation::KIND.to_owned(), kind));
        self
    }

    fn rolls_back(self, state: SubStepState) -> Self {
        let name = ROLL_BACK.to_owned();
        self.then(EventKind::SubStep(SubStep { name, state }))
    }

    fn run(self) -> Run {
        let mut kinds = Vec::new();
        for (step, output) in self.ended {
            kinds.push((Some(step.clone()), EventKind::StepStarted { attempt: 1 }));
            kinds.push((Some(step), EventKind::StepSucceeded { found: false, output }));
        }
        let more = self.more.into_iter().map(|(step, kind)| (Some(step), kind));
        kinds.extend(more);
        kinds.push((
            None,
            EventKind::RunEnded {
                outcome: RunOutcome::Failed,
            },
        ));
        let events = kinds.into_iter().zip(1..).map(|((step, kind), seq)| Event {
            seq,
            at: Timestamp::UNIX_EPOCH,
            step,
            kind,
        });
        Run {
            id: RunId(1),
            plan: self.plan.finish(serde_json::Value::Null),
            direction: Direction::Up,
            events: events.collect(),
        }
    }
}

fn goes_back_to(runs: &[Run]) -> Option<Vec<String>> {
    let restore = way_back(runs)?;
    assert!(restore.drain);
    Some(restore.snapshot.ns.iter().map(ToString::to_string).collect())
}

#[test]
fn the_way_back_leads_to_what_was_there_before_us() {
    let first = || History::new().inspected(&OURS, Some(&["a.old.example"])).run();
    let old = Some(vec!["a.old.example".to_owned()]);
    assert_eq!(goes_back_to(&[first()]), old);

    // Later runs found it with us, also under names that our servers have no more.
    let verified = History::new().inspected(&OURS, None).run();
    let moved = History::new().inspected(&["ns9.ours.example"], Some(&OURS)).run();
    assert_eq!(goes_back_to(&[moved, verified, first()]), old);
}

#[test]
fn what_was_given_back_has_no_way_back_until_it_is_delegated_again() {
    let first = || History::new().inspected(&OURS, Some(&["a.old.example"])).run();
    let begun = History::new().restored(false).run();
    assert!(goes_back_to(&[begun, first()]).is_some());
    let done = || History::new().restored(true).run();
    assert_eq!(goes_back_to(&[done(), first()]), None);
    let again = History::new().inspected(&OURS, Some(&["b.new.example"])).run();
    assert_eq!(
        goes_back_to(&[again, done(), first()]),
        Some(vec!["b.new.example".to_owned()])
    );
    assert_eq!(goes_back_to(&[History::new().run()]), None);
}

#[test]
fn a_standing_has_each_stage_with_its_evidence() {
    let run = || History::new().inspected(&OURS, Some(&["a.old.example"]));
    let standing = |run: Run| DelegationStanding::of(&[run]).unwrap();
    assert_eq!(standing(run().validated(false).run()).level, Level::Inspected);
    let standing = standing(run().validated(true).run());
    assert_eq!(standing.level, Level::Validated);
    let evidence: Vec<String> = standing
        .stages
        .into_iter()
        .filter_map(|stage| stage.evidence)
        .collect();
    assert_eq!(
        evidence,
        [
            "it was NS a.old.example; no DS; caches keep that for 1 h",
            "secure; all of them; 4 addresses of name servers answered; 17 questions",
        ]
    );
    assert!(DelegationStanding::of(&[History::new().run()]).is_none());
    let given = DelegationStanding::of(&[History::new().restored(true).run()]).unwrap();
    assert_eq!(given.level, Level::GivenBack);
}

#[test]
fn what_went_back_by_itself_is_not_where_it_had_come_to() {
    let started = |attempt| EventKind::StepStarted { attempt };
    let failed = || EventKind::StepFailed {
        cause: "rolled back".to_owned(),
        remedy: "mend".to_owned(),
    };
    let done = || SubStepState::Done {
        changed: true,
        detail: "rolled back".to_owned(),
    };
    let not = || SubStepState::Failed {
        cause: "the old ones are gone".to_owned(),
        remedy: "mend".to_owned(),
        log: Vec::new(),
    };
    let drained = || {
        History::new()
            .inspected(&OURS, Some(&["a.old.example"]))
            .drained()
    };
    let begun = || drained().then(started(1)).rolls_back(SubStepState::Begun);
    let over = || begun().rolls_back(done()).then(failed());
    let output = serde_json::json!({ "memory": Memory::default() });
    let succeeded = EventKind::StepSucceeded { found: false, output };
    for (history, level) in [
        (drained(), Level::Drained),
        (begun(), Level::RollingBack),
        (over(), Level::RolledBack),
        (begun().rolls_back(not()).then(failed()), Level::Drained),
        (over().then(started(2)), Level::Submitted),
        (over().then(started(2)).then(succeeded), Level::Signed),
    ] {
        let standing = DelegationStanding::of(&[history.run()]).unwrap();
        assert_eq!(standing.level, level);
    }
}
