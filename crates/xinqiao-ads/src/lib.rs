//! Marketing (广告) endpoints.
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to a client, `xinqiao::ads(…)` of the crate `xinqiao`.
//!
#![doc = include_str!("generated/tasks.md")]

#[rustfmt::skip]
mod generated;

pub use generated::*;
