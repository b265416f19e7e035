//! Official accounts (公众号): endpoints, web log-in, JS-SDK.
//!
//! Endpoints that official accounts share with other products are here too, as soon as the feature of the product that
//! owns them is on: `message::subscribe::BizSend` with `mini-program`, `sns` with `open-platform`.
//!
#![doc = include_str!("generated/tasks/official_account.md")]

pub use crate::generated::official_account::*;

pub use xinqiao_client::{jssdk, oauth, unionid};

/// Templates of subscription messages (订阅通知), as mini programs have them.
#[cfg(feature = "mini-program")]
pub use xinqiao_mini_program::wxa_api::new_tmpl;
