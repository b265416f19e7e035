//! The client against a platform of its own, without and with HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod credentials;
mod environment;
mod errors;
mod http;
mod merchant;
mod national;
mod platform;
mod products;
mod streams;
mod tokens;
mod typed;
