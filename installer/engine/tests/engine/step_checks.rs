//! The world's own steps withstand the checks of every family.

use std::sync::Arc;

use async_trait::async_trait;
use sovereign_engine::plan::Plan;
use sovereign_engine::registry::StepRegistry;
use sovereign_engine::testing::world::{self, Process, World};
use sovereign_engine::testing::{StepBench, step_checks};

#[derive(Default)]
struct Bench {
    world: Arc<World>,
}

#[async_trait]
impl StepBench for Bench {
    type Services = Process;

    fn registry(&self) -> StepRegistry<Process> {
        world::registry()
    }

    fn plan(&self) -> Plan {
        world::plan(
            "acme",
            &[
                ("net", &[]),
                ("key", &[]),
                ("one", &["net", "key"]),
                ("two", &["net", "key"]),
                ("all", &["one", "two"]),
            ],
        )
    }

    async fn services(&self) -> Arc<Process> {
        Arc::new(Process::new(self.world.clone()))
    }

    async fn world(&self) -> Vec<String> {
        self.world.things()
    }
}

#[tokio::test(start_paused = true)]
async fn the_world_withstands_every_check() {
    step_checks(async || Bench::default()).await;
}
