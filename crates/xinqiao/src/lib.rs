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
//! let any = shop.call(xinqiao::id::official_account::menu::GET, json!({})).await?;
//! # Ok(()) }
//! ```
//!
//! Lists that come in pages are streams, of pages or of items:
//!
//! ```no_run
//! # #[cfg(feature = "official-account")]
//! # async fn f() -> Result<(), xinqiao::Error> {
//! use xinqiao::{Client, official_account::user};
//!
//! // `WECHAT_APPID` and `WECHAT_SECRET`; all that is missing is named at once.
//! let shop = Client::from_env()?;
//! let mut followers = shop.items(user::Get::new());
//! while let Some(openid) = followers.next().await {
//!     println!("{}", openid?);
//! }
//! # Ok(()) }
//! ```
//!
//! An error is one line in `{}`; `{:#}` adds rule, cause, remedy, place and trace, and [`Error::explain`] says them in
//! Chinese too.
//!
//! # From a path to a type
//!
//! An endpoint's id is its product and its path in words, without the fixed beginning (`/cgi-bin`, `/v3` …): the last word is
//! what is done, the words before it are the module. `POST /cgi-bin/message/custom/send` is `official_account.message.custom.send`:
//! the request is `official_account::message::custom::Send`, its answer `SendResponse` beside it (or nothing, where there is
//! nothing to say), and the constant for a call without a type is [`id::official_account`]`::message::custom::SEND`. Where the last
//! word of a path is a thing (`POST /v3/refund/domestic/refunds`) the verb comes from the method: `refund::domestic::Create`.
//! What pushes say stands below `events`. Each product's front page has a table of tasks.
//!
//! Every call needs a `tokio` runtime. Which account may call what, how often, and what every error means
//! stands in the catalog: errors name the cause and the remedy.
//!
#![doc = include_str!("generated/features.md")]

#[cfg(feature = "blocking")]
pub use xinqiao_client::Blocking;
pub use xinqiao_client::{
    AccountFacts, Answer, AnswerCode, ApiError, Call, CallbackSettings, Client, ClientBuilder,
    Download, Endpoint, Environment, Error, Explanation, FilePart, FileStream, FreeCall,
    HttpOptions, HttpTransport, Items, Language, Listed, Paged, Pages, Policy, RecordExt, Refusal,
    Retry, TokenSource, Transport, TransportReason, Upload, code, id, jssdk, notice, oauth,
    session, token, transport, unionid,
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

/// A client for a merchant of WeChat Pay, APIv2: requests are signed with the merchant's key.
///
/// # Errors
/// The merchant's client certificate cannot be used.
#[cfg(feature = "pay-v2")]
pub fn pay_v2(merchant: pay_v2::Merchant) -> Result<Client, Error> {
    Client::for_merchant(merchant)
}

/// A client for a merchant of WeChat Pay, APIv3: requests are signed with the merchant's private key,
/// answers verified with the platform's keys.
///
/// # Errors
/// The HTTP options cannot be used.
#[cfg(feature = "pay-v3")]
pub fn pay_v3(merchant: pay_v3::Merchant) -> Result<Client, Error> {
    Client::for_merchant(merchant)
}

/// A client for a third-party platform (第三方平台) itself. For an account that granted it, see
/// [`Client::with_authorizer`].
///
/// ```no_run
/// # #[cfg(feature = "official-account")]
/// # async fn f(ticket: String, code: String) -> Result<(), xinqiao::Error> {
/// use xinqiao::{official_account::menu, open_platform::Component};
///
/// let component = Component::new("wx0123456789abcdef", "secret");
/// let platform = xinqiao::open_platform(&component);
/// // From the push `component_verify_ticket`, every ten minutes.
/// component.set_ticket(ticket).await?;
/// // From the redirect of the authorization page, or the push `authorized`.
/// let grant = component.accept(&platform, &code).await?;
/// let shop = platform.with_authorizer(&component, grant.appid);
/// let menu = shop.send(menu::Get::new()).await?;
/// # Ok(()) }
/// ```
#[cfg(feature = "open-platform")]
pub fn open_platform(component: &token::Component) -> Client {
    Client::of_component(component)
}

/// A client for a shop or a finder of Channels (视频号).
#[cfg(feature = "channels")]
pub fn channels(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Client {
    Client::new(appid, secret)
}

/// A client for the marketing API (广告) of an account. A token that somebody else keeps fresh is given with
/// [`ClientBuilder::tokens`] and [`token::StaticToken`].
#[cfg(feature = "ads")]
pub fn ads(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Client {
    Client::new(appid, secret)
}

/// A client for a bot (微信对话开放平台).
#[cfg(feature = "chatbot")]
pub fn chatbot(bot: &chatbot::Chatbot) -> Client {
    Client::of_chatbot(bot)
}

/// A client for a merchant of cross-border pay (境外支付): signed and verified as APIv3, with the platform's
/// certificates from its own host.
///
/// # Errors
/// The HTTP options cannot be used.
#[cfg(feature = "pay-global")]
pub fn pay_global(merchant: pay_global::Merchant) -> Result<Client, Error> {
    Client::for_merchant(merchant.for_global())
}

/// A client for a platform of business pay (微企付).
///
/// # Errors
/// The HTTP options cannot be used.
#[cfg(feature = "pay-business")]
pub fn pay_business(platform: pay_business::Platform) -> Result<Client, Error> {
    Client::for_merchant(platform)
}

/// A client for an agent of a WeCom corp (企业微信自建应用).
#[cfg(feature = "work")]
pub fn work(corpid: impl Into<types::CorpId>, secret: impl Into<AppSecret>) -> Client {
    Client::of_corp(corpid, secret)
}

/// A client for a WeCom third-party application (第三方应用) itself. For a corp that installed it, see
/// [`Client::with_corp`].
#[cfg(feature = "work")]
pub fn work_suite(suite: &token::Suite) -> Client {
    Client::of_suite(suite)
}

#[rustfmt::skip]
mod generated;

#[cfg(feature = "channels")]
pub mod channels;
#[cfg(feature = "chatbot")]
pub mod chatbot;
#[cfg(feature = "mini-program")]
pub mod mini_game;
#[cfg(feature = "mini-program")]
pub mod mini_program;
#[cfg(feature = "official-account")]
pub mod official_account;
#[cfg(feature = "open-platform")]
pub mod open_platform;
#[cfg(feature = "pay-business")]
pub mod pay_business;
#[cfg(feature = "pay-global")]
pub mod pay_global;
#[cfg(feature = "work")]
pub mod work;

/// Marketing API (广告).
#[cfg(feature = "ads")]
pub use xinqiao_ads as ads;
/// WeChat Pay, APIv2: requests, answers, and what stands around them.
#[cfg(feature = "pay-v2")]
pub use xinqiao_pay_v2 as pay_v2;
/// WeChat Pay, APIv3: requests, answers, and what stands around them.
#[cfg(feature = "pay-v3")]
pub use xinqiao_pay_v3 as pay_v3;
