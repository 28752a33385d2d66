//! Which steps may run now, given which are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::executor::ExecutorError;
use crate::journal::Direction;
use crate::plan::Plan;

/// The plan's edges by index of its steps.
#[derive(Debug)]
pub(super) struct Graph {
    /// What the plan says: the steps that each step comes after.
    after: Vec<Vec<usize>>,
    /// The steps that wait for a step, in the direction of the run.
    waiting: Vec<Vec<usize>>,
    /// How many steps each step still waits for.
    missing: Vec<usize>,
    done: Vec<bool>,
}

impl Graph {
    /// The graph of a plan; refuses one whose steps do not stand behind those they need, so there are no cycles.
    pub(super) fn new(plan: &Plan, direction: Direction) -> Result<Self, ExecutorError> {
        let mut index = BTreeMap::new();
        let mut after = Vec::with_capacity(plan.steps.len());
        for (place, step) in plan.steps.iter().enumerate() {
            let needs: Option<BTreeSet<usize>> =
                step.after.iter().map(|name| index.get(name).copied()).collect();
            let (Some(needs), None) = (needs, index.insert(&step.name, place)) else {
                return Err(ExecutorError::Malformed {
                    step: step.name.clone(),
                });
            };
            after.push(Vec::from_iter(needs));
        }
        let mut before = vec![Vec::new(); after.len()];
        for (place, needs) in after.iter().enumerate() {
            for need in needs {
                before[*need].push(place);
            }
        }
        let (waiting, missing) = match direction {
            Direction::Up => (before, after.iter().map(Vec::len).collect()),
            Direction::Undo => {
                let missing = before.iter().map(Vec::len).collect();
                (after.clone(), missing)
            }
        };
        Ok(Self {
            done: vec![false; after.len()],
            after,
            waiting,
            missing,
        })
    }

    /// Marks steps as done and gives every step that may run then.
    pub(super) fn begin(&mut self, done: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        for step in done {
            self.settle(step);
        }
        let free = |step: &usize| self.missing[*step] == 0 && !self.done[*step];
        (0..self.done.len()).filter(free).collect()
    }

    /// Marks a step as done and gives the steps that may run because of it.
    pub(super) fn settle(&mut self, step: usize) -> Vec<usize> {
        self.done[step] = true;
        let mut free = Vec::new();
        for waiting in &self.waiting[step] {
            self.missing[*waiting] -= 1;
            if self.missing[*waiting] == 0 && !self.done[*waiting] {
                free.push(*waiting);
            }
        }
        free
    }

    /// Every step is done.
    pub(super) fn is_done(&self) -> bool {
        self.done.iter().all(|done| *done)
    }

    /// Every step that `step` comes after in the plan, directly or not.
    pub(super) fn ancestors(&self, step: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = self.after[step].clone();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(&self.after[next]);
            }
        }
        found
    }
}
