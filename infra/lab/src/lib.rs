//! A cloud on this machine: a stateful Hetzner-compatible API with fault switches.
