//! The planner (pure) and the step families that turn a spec into a Sovereign.
