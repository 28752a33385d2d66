//! A lab of the test's own, in this process: no test waits for another's faults.

use std::time::Duration;

use serde_json::Value;
use sovereign_lab::{Lab, LabConfig, RunningLab};

use crate::harness::{Place, Run};
use crate::shape::Shape;

/// The smallest spec; `NAME` stands for the Sovereign's name.
const MINIMAL: &str = include_str!("../../../examples/minimal.yaml");
/// Three control planes, two workers and a load balancer.
const HA: &str = include_str!("../../../examples/ha.yaml");

/// A place with a lab beside it.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) lab: RunningLab,
}

impl Bench {
    /// Waits until an installer beside this one has begun a step.
    pub(crate) async fn until_it_builds(&self, name: &str) {
        loop {
            let ended = self.sovereign(["status", name, "--json"]).ends();
            let status: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
            if status["steps"]["begun"].as_u64() > Some(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// With servers that come up at once.
    pub(crate) async fn quick() -> Self {
        Self::with(LabConfig {
            create_seconds: 0.2,
            ..LabConfig::default()
        })
        .await
    }

    pub(crate) async fn with(config: LabConfig) -> Self {
        let place = Place::new();
        place.file("minimal.yaml", MINIMAL);
        place.file("ha.yaml", HA);
        Self {
            place,
            lab: Lab::start(config).await.expect("the lab starts"),
        }
    }

    /// What the account holds.
    pub(crate) async fn shape(&self) -> Shape {
        Shape::of(&self.lab.client().status().await.expect("the lab answers"))
    }

    /// A run of the program against this lab.
    pub(crate) fn sovereign<const N: usize>(&self, args: [&str; N]) -> Run {
        self.run(&args)
    }

    /// The same, of any length.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.place
            .sovereign(args)
            .env("HCLOUD_TOKEN", self.lab.token())
            .env("SOVEREIGN_HETZNER_ENDPOINT", self.lab.url())
    }
}
