//! The gateway: a proxy with a memory, between the WeChat platform (or a simulator) and our user's
//! apps.
//!
//! Callbacks come in on one face, are verified, written down and handed to one app over the other;
//! the app's platform calls go out through it with tokens that only the gateway holds.
//!
//! It acknowledges nothing that is not on disk, forwards nothing that it did not verify, and hands no
//! real token or secret to whoever holds a key that it issued. It knows nothing of the simulator.
//!
//! Invariants:
//! * A callback is answered within 4.5 seconds whatever the app does, and only after it is durable.
//! * A stored event is delivered at least once, also after a kill −9; a repeat of it is not
//!   delivered again.
//! * One refresh per credential at a time; the last valid token is served meanwhile.
//! * What it does not understand passes through unchanged.

mod admin;
mod admin_socket;
mod config;
mod deliver;
mod directory;
mod error;
mod front;
mod gateway;
mod held;
mod in_flight;
mod inlet;
mod issued_key;
mod metrics;
mod outbound;
mod own_names;
mod platform;
mod problem;
mod proxy;
mod shared;
mod token_center;
mod wrong_keys;

pub use config::{
    AccountConfig, Admin, AdminListen, AppConfig, Config, ConfigError, DEFAULT_PORT, DatabaseUrl,
    KeyConfig, Listen, Preflight, Proxy, Seal, SlowReply, StoreAt, Upstream,
};
pub use error::StartError;
pub use gateway::{Context, Gateway};
pub use issued_key::{IssueError, IssuedKey};
#[doc(hidden)]
pub use proxy::fuzzed;

/// Every app key begins with it, so that a leaked one is recognised.
pub const APP_KEY_PREFIX: &str = "xqk_";
