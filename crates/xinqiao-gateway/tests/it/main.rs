//! The gateway against a small platform and a small app of the tests' own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod arrivals;
mod bad_input;
mod callbacks;
mod crash;
mod fake;
mod held;
mod interface;
mod issuing;
mod keys;
mod log;
mod nodes;
mod proxy;
mod receivers;
mod secrets;
mod simulator;
mod slow;
mod tokens;
