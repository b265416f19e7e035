//! Channels (视频号) and shop: endpoints, and with `official-account` and `mini-program` what those products share.
//!
#![doc = include_str!("generated/tasks/channels.md")]

pub use crate::generated::channels::*;
