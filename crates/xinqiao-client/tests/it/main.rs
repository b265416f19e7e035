//! The client against a platform of its own, without and with HTTP.

mod calls;
mod http;
mod platform;
mod tokens;
mod typed;
