//! Where a client's token comes from.
//!
//! A [`TokenSource`] hands out the current token and renews it when the platform refuses it. It never
//! decides whether a failure is about the token: the catalog's class does, before `renew` is called.

use std::fmt;

use xinqiao_types::AccessToken;

use crate::{client::Client, error::Error, transport::BoxFuture};

mod own;

pub use self::own::{Kind, OwnTokens};

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

/// No token at all: for clients that only make calls which need none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoToken;

impl TokenSource for NoToken {
    fn token<'a>(&'a self, _client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>> {
        let reason = "the client has neither a secret nor a token source; give it one";
        Box::pin(async move {
            Err(Error::Credential {
                endpoint: "",
                reason: reason.into(),
            })
        })
    }

    fn renew<'a>(
        &'a self,
        _client: &'a Client,
        _failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        Box::pin(async { Ok(None) })
    }
}
