//! The client core: one credential, one client.
//!
//! A [`Client`] is cheap to clone and never knows more than one account. It encodes a request, puts the
//! account's token in, sends it through a [`Transport`], reads the platform's answer, and repeats only
//! what the catalog says may be repeated. It refuses to follow redirects, to print secrets, and to
//! repeat a call that may have had an effect.
//!
//! Invariants: a token is renewed at most once for one call, and only if the token that failed is still
//! the current one; 48001 never leads to a renewal; secrets and tokens appear in no `Debug`, no error
//! and no log.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
//! # async fn f() -> Result<(), xinqiao_client::Error> {
//! use serde_json::json;
//! use xinqiao::Client;
//!
//! let shop = Client::builder("wx0123456789abcdef").secret("…").build()?;
//! let menu = shop.call("official_account.menu.get", json!({})).await?;
//! # Ok(()) }
//! ```
//!
//! Source: doc pages "获取 Access token", "获取稳定版接口调用凭据", "全局返回码说明".

mod answer;
pub mod bill;
#[cfg(feature = "blocking")]
mod blocking;
mod call;
mod chatbot;
mod client;
pub mod code_payment;
mod environment;
mod error;
mod execute;
mod explain;
mod file_stream;
mod free;
pub mod invoke;
pub mod jssdk;
pub mod merchant;
mod multipart;
pub mod notice;
pub mod oauth;
mod pages;
pub mod pay_business;
pub mod pay_v2;
pub mod pay_v3;
mod precheck;
pub mod session;
pub mod token;
pub mod transport;
mod typed;
pub mod unionid;
mod upload;
mod url;

#[cfg(feature = "blocking")]
pub use self::blocking::Blocking;
pub use self::{
    answer::Answer,
    call::Call,
    chatbot::Chatbot,
    client::{Client, ClientBuilder},
    environment::{CallbackSettings, Environment},
    error::{AnswerCode, ApiError, BoxError, Error, Refusal, Retry, TransportReason},
    explain::{Explanation, Language},
    file_stream::FileStream,
    free::FreeCall,
    merchant::Merchant,
    pages::{Items, Pages},
    token::{Component, Suite, TokenKind, TokenSource},
    transport::{HttpOptions, HttpTransport, Transport},
    upload::Upload,
};
pub use xinqiao_catalog::rules::{permission::AccountFacts, retry::Policy};
/// Names of endpoints for [`Client::call`], and codes of failures.
pub use xinqiao_catalog::{code, id};
pub use xinqiao_wire::{Download, Endpoint, FilePart, Listed, Paged, Record, RecordExt, Rest};
