//! The Xinqiao SDK: one dependency for every WeChat product.
//!
//! One credential, one client, cheap to clone. Requests are plain structs, grouped by product and
//! module; whatever has no struct yet can be called with free JSON by its catalog id. This crate adds
//! nothing of its own: it re-exports the crates behind its features, and an endpoint stands under every
//! product line that has it.
//!
//! ```no_run
//! # #[cfg(feature = "official-account")]
//! # async fn f(openid: xinqiao::types::OpenId) -> Result<(), xinqiao::Error> {
//! use serde_json::json;
//! use xinqiao::official_account::{menu, message::custom};
//!
//! let shop = xinqiao::official_account("wx0123456789abcdef", "secret");
//! let _ = shop.send(custom::Send::text(openid, "你好")).await?;
//! let menu = shop.send(menu::Get::new()).await?;
//! let any = shop.call("official_account.menu.get", json!({})).await?;
//! # Ok(()) }
//! ```
//!
//! Every call needs a `tokio` runtime. Which account may call what, how often, and what every error means
//! stands in the catalog: errors name the cause and the remedy.

pub use xinqiao_client::{
    AccountFacts, Answer, AnswerCode, ApiError, Call, Client, ClientBuilder, Download, Endpoint,
    Error, FilePart, FreeCall, HttpOptions, HttpTransport, Policy, Refusal, Retry, TokenSource,
    Transport, TransportReason, token, transport,
};
/// Identifiers, units, time and secrets.
pub use xinqiao_types as types;

use xinqiao_types::{AppId, AppSecret};

/// Receives callbacks.
#[cfg(feature = "callback")]
pub use xinqiao_callback as callback;

/// A client for an official account (公众号): a subscription or a service account.
#[cfg(feature = "official-account")]
pub fn official_account(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Client {
    Client::new(appid, secret)
}

/// A client for a mini program (小程序) or a mini game.
#[cfg(feature = "mini-program")]
pub fn mini_program(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Client {
    Client::new(appid, secret)
}

/// Official accounts (公众号).
#[cfg(feature = "official-account")]
pub mod official_account {
    pub use xinqiao_official_account::*;
}

/// Mini programs (小程序) and mini games.
#[cfg(feature = "mini-program")]
pub mod mini_program {
    pub use xinqiao_mini_program::*;
    /// Temporary media for customer messages.
    pub use xinqiao_official_account::media;

    /// Messages.
    pub mod message {
        pub use xinqiao_mini_program::message::*;
        /// Customer messages (客服消息).
        pub use xinqiao_official_account::message::custom;
    }
}

/// Marketing API (广告).
#[cfg(feature = "ads")]
pub use xinqiao_ads as ads;
/// Channels (视频号) and shop.
#[cfg(feature = "channels")]
pub use xinqiao_channels as channels;
/// Chatbot (对话开放平台).
#[cfg(feature = "chatbot")]
pub use xinqiao_chatbot as chatbot;
/// Open platform (开放平台): third-party platforms, website and mobile applications.
#[cfg(feature = "open-platform")]
pub use xinqiao_open_platform as open_platform;
/// Business pay (微企付).
#[cfg(feature = "pay-business")]
pub use xinqiao_pay_business as pay_business;
/// Cross-border pay.
#[cfg(feature = "pay-global")]
pub use xinqiao_pay_global as pay_global;
/// WeChat Pay, APIv2. The client does not sign payment calls yet: requests and answers are types only.
#[cfg(feature = "pay-v2")]
pub use xinqiao_pay_v2 as pay_v2;
/// WeChat Pay, APIv3. The client does not sign payment calls yet: requests and answers are types only.
#[cfg(feature = "pay-v3")]
pub use xinqiao_pay_v3 as pay_v3;
/// WeCom (企业微信).
#[cfg(feature = "work")]
pub use xinqiao_work as work;
