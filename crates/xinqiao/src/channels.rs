//! Channels (视频号) and shop: endpoints, and with `official-account` and `mini-program` what those products share.

pub use crate::generated::channels::*;
