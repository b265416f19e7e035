//! Cross-border pay endpoints.
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to a client, `xinqiao::pay_global(…)` of the crate `xinqiao`.
//!
//! The feature `client` adds parameters for cashiers, from the order that was placed (`invoke`).
//!
#![doc = include_str!("generated/tasks.md")]

#[rustfmt::skip]
mod generated;
#[cfg(all(feature = "client", feature = "transactions"))]
pub mod invoke;

pub use generated::*;
