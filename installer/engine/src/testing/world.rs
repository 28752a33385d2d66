//! A tiny world with one kind of step, for tests of the engine itself.
//!
//! The world counts: a thing made twice is there twice. Its listing is as old as the [`Process`] that asks, so a step that
//! trusts the listing where it should look at the world itself is found out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, PlanBuilder, StepName, StepRef};
use crate::registry::StepRegistry;
use crate::step::{Step, StepContext, StepError};

/// What an attempt at a thing meets, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// `apply` or `undo` does nothing and asks for another attempt.
    Retry {
        /// Shortest wait.
        after: Option<Duration>,
    },
    /// The effect happens, its answer is lost: another attempt, unsettled.
    LostAnswer,
    /// `find` cannot look and asks for another attempt.
    Blind,
    /// `find` waits for the cancellation, and then looks.
    LookOnCancel,
    /// `apply` or `undo` does nothing and holds.
    Hold,
    /// `apply` or `undo` does nothing and fails.
    Fatal,
    /// `apply` or `undo` panics before its effect.
    Panic,
    /// `apply` or `undo` takes that long, deaf to cancellation, and then has its effect.
    Slow(Duration),
    /// The effect happens and the attempt never ends, deaf to cancellation.
    Hang,
    /// `apply` or `undo` waits for the cancellation, and then has its effect.
    FinishOnCancel,
    /// `apply` or `undo` waits for the cancellation and stops.
    StopOnCancel,
}

#[derive(Debug, Default)]
struct State {
    things: Vec<String>,
    made: BTreeMap<String, u32>,
    twists: BTreeMap<String, VecDeque<Twist>>,
    log: Vec<String>,
    busy: usize,
    busiest: usize,
}

/// Everything there is.
#[derive(Debug, Default)]
pub struct World {
    state: Mutex<State>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next attempts at a thing meet these, one each; attempts after that go well.
    pub fn twist(&self, thing: &str, twists: impl IntoIterator<Item = Twist>) {
        let mut state = self.state();
        state.twists.entry(thing.to_owned()).or_default().extend(twists);
    }

    /// All things by name; one made twice is there twice.
    pub fn things(&self) -> Vec<String> {
        let mut things = self.state().things.clone();
        things.sort();
        things
    }

    /// How often a thing was made.
    pub fn made(&self, thing: &str) -> u32 {
        self.state().made.get(thing).copied().unwrap_or(0)
    }

    /// What steps did, in order: `find a`, `look a` (past the listing), `make a`, `made a`, `remove a`, `removed a`.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Most attempts at work at once.
    pub fn busiest(&self) -> usize {
        self.state().busiest
    }

    /// Attempts at work now.
    pub fn busy(&self) -> usize {
        self.state().busy
    }

    fn tell(&self, what: &str, thing: &str) {
        self.state().log.push(format!("{what} {thing}"));
    }

    fn take_twist(&self, thing: &str, wanted: impl Fn(Twist) -> bool) -> Option<Twist> {
        let mut state = self.state();
        let twists = state.twists.get_mut(thing)?;
        if wanted(*twists.front()?) {
            twists.pop_front()
        } else {
            None
        }
    }

    fn make(&self, thing: &str) -> Made {
        let mut state = self.state();
        state.things.push(thing.to_owned());
        let times = state.made.entry(thing.to_owned()).or_default();
        *times += 1;
        let times = *times;
        state.log.push(format!("made {thing}"));
        Made {
            id: format!("{thing}#{times}"),
        }
    }

    fn find(&self, thing: &str) -> Option<Made> {
        let state = self.state();
        let times = state.made.get(thing)?;
        state.things.iter().any(|there| there == thing).then(|| Made {
            id: format!("{thing}#{times}"),
        })
    }

    fn remove(&self, thing: &str) {
        let mut state = self.state();
        state.things.retain(|there| there != thing);
        state.log.push(format!("removed {thing}"));
    }

    fn enter(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.busy += 1;
        state.busiest = state.busiest.max(state.busy);
        Busy(Arc::clone(self))
    }
}

/// An attempt at work, for as long as it lives.
struct Busy(Arc<World>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
    }
}

/// One process in the world, with the listing that it made when it began.
#[derive(Debug)]
pub struct Process {
    world: Arc<World>,
    listing: BTreeSet<String>,
}

impl Process {
    /// A process that begins now.
    pub fn new(world: Arc<World>) -> Self {
        let listing = world.things().into_iter().collect();
        Self { world, listing }
    }
}

/// Makes one thing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Make {
    /// Its name, which is the step's too.
    pub thing: String,
    /// Things it is made from.
    pub from: Vec<StepRef<Make>>,
}

/// A thing that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The world's choice.
    pub id: String,
}

impl Make {
    /// Goes through what this attempt meets; `effect` happens when and if it says so.
    async fn attempt<T>(
        &self,
        cx: &StepContext<'_, Process>,
        effect: impl Fn() -> T + Send,
    ) -> Result<T, StepError> {
        let retry = |after, unsettled| StepError::Retry {
            cause: format!("`{}` is busy", self.thing),
            after,
            unsettled,
        };
        let Some(twist) = cx.services.world.take_twist(&self.thing, |_| true) else {
            tokio::task::yield_now().await;
            return Ok(effect());
        };
        match twist {
            Twist::Retry { after } => return Err(retry(after, false)),
            Twist::Blind | Twist::LookOnCancel => return Err(retry(None, false)),
            Twist::LostAnswer => {
                effect();
                return Err(retry(None, true));
            }
            Twist::Hold => {
                return Err(StepError::Hold {
                    reason: format!("`{}` needs a person", self.thing),
                    instructions: "sign".into(),
                });
            }
            Twist::Fatal => {
                return Err(StepError::Fatal {
                    cause: format!("`{}` cannot be", self.thing),
                    remedy: "change the spec".into(),
                });
            }
            Twist::Panic => panic!("`{}` fell over", self.thing),
            Twist::Slow(time) => tokio::time::sleep(time).await,
            Twist::Hang => {
                effect();
                cx.waiting("the end of time", "nothing");
                std::future::pending::<()>().await;
            }
            Twist::FinishOnCancel => cx.cancel.cancelled().await,
            Twist::StopOnCancel => {
                cx.cancel.cancelled().await;
                return Err(StepError::Cancelled);
            }
        }
        Ok(effect())
    }
}

impl Step for Make {
    const KIND: &'static str = "world.make";
    type Services = Process;
    type Output = Made;

    fn deadline(&self) -> Duration {
        Duration::from_mins(1)
    }

    async fn find(&self, cx: &StepContext<'_, Process>) -> Result<Option<Made>, StepError> {
        let world = &cx.services.world;
        world.tell(if cx.unsettled { "look" } else { "find" }, &self.thing);
        let _busy = world.enter();
        tokio::task::yield_now().await;
        if world
            .take_twist(&self.thing, |twist| twist == Twist::Blind)
            .is_some()
        {
            return Err(StepError::Retry {
                cause: format!("`{}` cannot be seen", self.thing),
                after: None,
                unsettled: false,
            });
        }
        if world
            .take_twist(&self.thing, |twist| twist == Twist::LookOnCancel)
            .is_some()
        {
            cx.cancel.cancelled().await;
        }
        let listed = cx.unsettled || cx.services.listing.contains(&self.thing);
        Ok(listed.then(|| world.find(&self.thing)).flatten())
    }

    async fn apply(&self, cx: &StepContext<'_, Process>) -> Result<Made, StepError> {
        let world = &cx.services.world;
        for from in &self.from {
            cx.output(from)?;
        }
        world.tell("make", &self.thing);
        let _busy = world.enter();
        self.attempt(cx, || world.make(&self.thing)).await
    }

    async fn undo(&self, cx: &StepContext<'_, Process>) -> Result<(), StepError> {
        let world = &cx.services.world;
        world.tell("remove", &self.thing);
        let _busy = world.enter();
        self.attempt(cx, || world.remove(&self.thing)).await
    }
}

/// The one kind of step there is.
pub fn registry() -> StepRegistry<Process> {
    StepRegistry::default().with::<Make>()
}

/// A plan that makes things, each from things named before it: `[("a", &[]), ("b", &["a"])]`.
pub fn plan(sovereign: &str, things: &[(&str, &[&str])]) -> Plan {
    let sovereign = sovereign.parse().expect("the name is a slug");
    let mut builder = PlanBuilder::new(sovereign, "test");
    let mut steps: BTreeMap<String, StepRef<Make>> = BTreeMap::new();
    for (thing, from) in things {
        let from: Vec<StepRef<Make>> = from.iter().map(|name| steps[*name].clone()).collect();
        let after: Vec<StepName> = from.iter().map(|step| step.name().clone()).collect();
        let make = Make {
            thing: (*thing).to_owned(),
            from,
        };
        let step = builder.step(StepName::new(*thing), format!("make {thing}"), &make, &after);
        steps.insert((*thing).to_owned(), step.expect("the plan is sound"));
    }
    builder.finish(serde_json::Value::Null)
}
