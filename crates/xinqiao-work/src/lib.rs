//! WeCom (企业微信) endpoints.
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to a client, `xinqiao::work(…)` of the crate `xinqiao`.
//!
#![doc = include_str!("generated/tasks.md")]

#[cfg(any(
    feature = "app-chat",
    feature = "external-contact",
    feature = "linked-corp",
    feature = "message"
))]
mod agent_message;
#[cfg(feature = "external-contact")]
mod attachment;
#[rustfmt::skip]
mod generated;
#[cfg(feature = "base")]
mod robot;
#[cfg(feature = "kf")]
mod service_message;
mod template_card;

pub use generated::*;
