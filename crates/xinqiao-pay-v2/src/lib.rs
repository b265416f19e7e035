//! WeChat Pay endpoints of the second generation (XML).
//!
//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in
//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the
//! network: give a request to `xinqiao-client`.
//!
//! The feature `client` adds what stands around the calls: parameters for cashiers (`invoke`), notices
//! (`notify`), refunds with a policy (`refund_policy`), bills (`bill_file`), payments with a code
//! (`code_payment`). Numbered fields (`coupon_id_0` …) are put together by `numbered`.

#[cfg(all(feature = "client", feature = "pay"))]
pub mod bill_file;
#[cfg(all(feature = "client", feature = "pay", feature = "sec-api"))]
pub mod code_payment;
#[rustfmt::skip]
mod generated;
#[cfg(feature = "client")]
pub mod invoke;
#[cfg(feature = "client")]
pub mod notify;
#[cfg(any(
    feature = "base",
    feature = "deposit",
    feature = "events",
    feature = "pay",
    feature = "sec-api",
    feature = "transit"
))]
pub mod numbered;
#[cfg(all(feature = "client", feature = "sec-api"))]
pub mod refund_policy;

pub use generated::*;
#[cfg(feature = "client")]
pub use xinqiao_client::pay_v2::Merchant;
#[cfg(feature = "client")]
pub use xinqiao_crypto::{
    pay_v2::SignType,
    pay_v3::{Identity, KeyError, VerifyError},
};
