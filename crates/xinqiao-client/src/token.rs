//! Where a client's token comes from.
//!
//! A [`TokenSource`] hands out the current token and renews it when the platform refuses it. It never
//! decides whether a failure is about the token: the catalog's class does, before `renew` is called.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;
use xinqiao_types::{AccessToken, AppSecret};

use crate::{chatbot::Chatbot, client::Client, error::Error, transport::BoxFuture};

mod component;
mod flight;
mod hardware;
mod own;
mod recover;
mod suite;
mod user;
mod vault;

pub(crate) use self::flight::{Fetch, Fetched, Flies, Flight, Want};
pub use self::{
    component::{Component, Grant},
    hardware::{Device, Model},
    own::{Kind, OwnTokens},
    recover::{Recovery, TICKET_PATIENCE},
    suite::{Provider, Suite},
    user::UserTokens,
    vault::{MemoryVault, Vault, VaultKey},
};

/// Which token an endpoint asks for. The catalog says so; each kind has a source of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenKind {
    /// The account's own (`access_token`).
    Account,
    /// A third-party platform's (`component_access_token`).
    Component,
    /// A WeCom third-party application's (`suite_access_token`).
    Suite,
    /// A WeCom provider's (`provider_access_token`).
    Provider,
    /// A device's.
    Device,
    /// A model's.
    Model,
    /// A user's, from web, website or app log-in (`/sns/*`).
    User,
    /// A bot's (微信对话开放平台), in a header.
    Chatbot,
}

impl TokenKind {
    /// What to do when there is no source of this kind.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Account => {
                "the client has neither a secret nor a token source; give it one with `.secret(…)`, \
                 `.corp_secret(…)` or `.tokens(…)`"
            }
            Self::Component => {
                "the call needs a component_access_token; give the client its platform with \
                 `.component(…)`"
            }
            Self::Suite => {
                "the call needs a suite_access_token; give the client its application with \
                 `.suite(…)`"
            }
            Self::Provider => {
                "the call needs a provider_access_token; give the client its provider with \
                 `.provider(…)`"
            }
            Self::Device => {
                "the call needs a device_access_token; give the client its device with `.device(…)`"
            }
            Self::Model => {
                "the call needs a model_access_token; give the client its model with `.model(…)`"
            }
            Self::User => {
                "give the user's token with `.token(…)`, or the user with `Client::with_user`"
            }
            Self::Chatbot => "the call needs a bot: give the client one with `.chatbot(…)`",
        }
    }
}

/// A client's sources, one a kind, and what helpers need beside them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) by_kind: BTreeMap<TokenKind, Arc<dyn TokenSource>>,
    /// The account's secret, for the calls that exchange a code.
    pub(crate) secret: Option<AppSecret>,
    /// The platform that acts for the account.
    pub(crate) component: Option<Component>,
    /// The bot that chatbot calls are made for.
    pub(crate) chatbot: Option<Chatbot>,
}

impl Sources {
    pub(crate) fn set(&mut self, kind: TokenKind, source: impl TokenSource + 'static) {
        self.by_kind.insert(kind, Arc::new(source));
    }

    pub(crate) fn get(
        &self,
        kind: TokenKind,
        endpoint: &'static str,
    ) -> Result<&dyn TokenSource, Error> {
        let source = self.by_kind.get(&kind);
        source
            .map(|source| &**source)
            .ok_or_else(|| Error::Credential {
                endpoint,
                reason: self.remedy(kind).into(),
            })
    }

    /// What to do when there is no source of this kind. Who speaks for a platform has its credential, but not that of
    /// the account for which it would act.
    fn remedy(&self, kind: TokenKind) -> &'static str {
        let has = |kind| self.by_kind.contains_key(&kind);
        match kind {
            TokenKind::Account if has(TokenKind::Component) => {
                "the call needs the access_token of an account that granted the platform, and this client speaks for \
                 the platform itself; take `client.with_authorizer(&component, appid)`"
            }
            TokenKind::Account if has(TokenKind::Suite) => {
                "the call needs the access_token of a corp that installed the application, and this client speaks for \
                 the application itself; take `client.with_corp(&suite, corpid)`"
            }
            TokenKind::Account if has(TokenKind::Provider) => {
                "the call needs a corp's access_token, and this client speaks for a provider; take a client made with \
                 `Client::of_corp`, or `client.with_corp(&suite, corpid)`"
            }
            kind => kind.remedy(),
        }
    }
}

/// A text of an answer.
pub(crate) fn text<'a>(
    endpoint: &'static str,
    answer: &'a Value,
    name: &str,
) -> Result<&'a str, Error> {
    let found = answer.get(name).and_then(Value::as_str);
    found.ok_or_else(|| missing(endpoint, name))
}

/// A token and its life in an answer.
fn read(endpoint: &'static str, answer: &Value, name: &str) -> Result<Fetched, Error> {
    let token = AccessToken::new(text(endpoint, answer, name)?);
    let lifetime = lifetime(endpoint, answer)?;
    Ok(Fetched { token, lifetime })
}

/// Seconds that what an answer holds will live.
pub(crate) fn lifetime(endpoint: &'static str, answer: &Value) -> Result<i64, Error> {
    let found = answer.get("expires_in").and_then(Value::as_i64);
    found.ok_or_else(|| missing(endpoint, "expires_in"))
}

fn missing(endpoint: &'static str, name: &str) -> Error {
    Error::Decode {
        endpoint,
        path: name.into(),
        source: "the field is missing".into(),
    }
}

/// Hands out tokens for one credential.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// The token to use now. `client` may be used for calls that need no token.
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>>;

    /// A token to use instead of `failed`, which the platform just refused; none if there is no other.
    ///
    /// If another call has renewed meanwhile, the current token differs from `failed` and is returned
    /// as it is.
    fn renew<'a>(
        &'a self,
        client: &'a Client,
        failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>>;
}

/// A token that somebody else keeps fresh. It is never renewed.
#[derive(Debug, Clone)]
pub struct StaticToken(AccessToken);

impl StaticToken {
    /// Uses this token for every call.
    pub fn new(token: impl Into<AccessToken>) -> Self {
        Self(token.into())
    }
}

impl TokenSource for StaticToken {
    fn token<'a>(&'a self, _client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn renew<'a>(
        &'a self,
        _client: &'a Client,
        _failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>> {
        (**self).token(client)
    }

    fn renew<'a>(
        &'a self,
        client: &'a Client,
        failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        (**self).renew(client, failed)
    }
}
