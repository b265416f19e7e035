//! Cross-border pay endpoints.
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to `xinqiao-client`.
//!
//! The feature `client` adds parameters for cashiers, from the order that was placed (`invoke`).

#[rustfmt::skip]
mod generated;
#[cfg(all(feature = "client", feature = "transactions"))]
pub mod invoke;

pub use generated::*;
