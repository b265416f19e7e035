//! Official account (公众号) endpoints.
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to a client, `xinqiao::official_account(…)` of the crate `xinqiao`.
//!
#![doc = include_str!("generated/tasks.md")]

#[cfg(feature = "message")]
mod custom;
#[cfg(feature = "message")]
mod mass;
#[cfg(feature = "menu")]
mod menu_layout;
#[cfg(feature = "message")]
mod template_message;
#[rustfmt::skip]
mod generated;

pub use generated::*;
#[cfg(feature = "menu")]
pub use menu_layout::{MenuError, MenuFault};
