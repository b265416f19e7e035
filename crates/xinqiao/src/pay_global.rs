//! Cross-border pay (境外支付): endpoints. The credential is that of APIv3, set up with
//! [`Merchant::for_global`], which [`crate::pay_global()`] does.
//!
#![doc = include_str!("generated/tasks/pay_global.md")]

pub use xinqiao_client::pay_v3::Merchant;
pub use xinqiao_crypto::pay_v3::KeyError;
pub use xinqiao_pay_global::*;
