//! The planner and the steps: what a Sovereign needs from a cloud, chosen once and done step by step.
//!
//! ```text
//!  spec + inventory ──► planner ──► Plan (steps + PlanView) ──► engine ──► steps ──► Cloud
//!  account ──► teardown ──► Plan ───────────────────────────────┘
//!  account ──► scan ──► report
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | [`planner`] | spec + inventory → plan, or every reason why not; pure |
//! | [`view`] | what the operator sees of a plan: resources, choices, prices, findings |
//! | [`steps`] | one file a step; [`steps::registry`] knows them all |
//! | [`teardown`] | everything a Sovereign holds in the account, found by label, network and target; the plan that removes it |
//! | [`scan`](mod@scan) | orphans and drift in the account, with their price |
//! | [`names`] | names and label selectors of what a Sovereign is made of |
//! | [`cluster`] | what the hosts run of the cluster |
//! | [`link`] | how installer and hosts find each other |
//! | [`nodes`] | the hosts as steps see them: links, keys, the agent they get |
//! | [`parent_credential`] | what a delegation is changed with, and its sealed copy |
//! | [`services`] | what steps work with |

pub mod cluster;
pub mod link;
pub mod names;
pub mod nodes;
pub mod parent_credential;
pub mod planner;
pub mod scan;
pub mod services;
pub mod steps;
pub mod teardown;
pub mod view;

pub use planner::{PlannedSovereign, plan_addresses, plan_machines, plan_roll, plan_up, zone_of};
pub use scan::{ScanReport, scan};
pub use services::Services;
pub use steps::registry;
pub use teardown::{
    MachineTeardown, NameTeardown, Teardown, WayBack, plan_destroy, plan_leave, plan_rollback,
    teardown_listing,
};
pub use view::PlanView;
