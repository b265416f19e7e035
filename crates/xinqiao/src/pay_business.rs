//! Business pay (微企付): endpoints, and the credential of a platform.
//!
#![doc = include_str!("generated/tasks/pay_business.md")]

pub use xinqiao_client::pay_business::Platform;
pub use xinqiao_crypto::pay_v3::KeyError;
pub use xinqiao_pay_business::*;
