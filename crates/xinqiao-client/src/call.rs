//! Typed calls.

use std::{fmt, future::IntoFuture, time::Duration};

use xinqiao_catalog::rules::retry::Policy;
use xinqiao_types::AccessToken;
use xinqiao_wire::{Endpoint, Keep};

use crate::{client::Client, error::Error, execute::Options, transport::BoxFuture, typed};

/// A call that has not been sent yet. Awaiting it sends it.
///
/// Cancel safety: dropping the future abandons the call; whether the platform has seen it is unknown.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<E> {
    client: Client,
    request: E,
    options: Options,
    keep: Keep,
}

impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {:?})", E::INFO.id, self.request)
    }
}

impl<E: Endpoint> Call<E> {
    pub(crate) fn new(client: Client, request: E) -> Self {
        Self {
            client,
            request,
            options: Options::default(),
            keep: Keep::Typed,
        }
    }

    /// How long one attempt may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// How often and how fast to repeat what may be repeated.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = Some(policy);
        self
    }

    /// The token for this call: a user's (`/sns/*`), a robot's key, or any other instead of the
    /// client's. It is not renewed.
    pub fn token(mut self, token: impl Into<AccessToken>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// Keeps what the answer's type cannot hold, so that it can be written again without loss.
    pub const fn keep_raw(mut self) -> Self {
        self.keep = Keep::Raw;
        self
    }
}

impl<E: Endpoint + 'static> IntoFuture for Call<E>
where
    E::Response: 'static,
{
    type Output = Result<E::Response, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let entropy = &*self.client.inner.settings.entropy;
            let mut prepared = typed::prepare(&self.request, E::INFO, entropy)?;
            let merchant = self.client.inner.merchant.as_ref();
            if let Some(merchant) = merchant {
                merchant
                    .seal(&self.client, &self.request, &mut prepared)
                    .await?;
            }
            let mut answer = self.client.execute(&prepared, &self.options).await?;
            let mut response = E::Response::default();
            typed::read(&mut response, E::INFO, &answer, self.keep)?;
            if let Some(merchant) = merchant
                && let Some(body) = merchant.unseal(E::INFO.id, &response, &answer.body).await?
            {
                answer.body = body;
                response = E::Response::default();
                typed::read(&mut response, E::INFO, &answer, self.keep)?;
            }
            Ok(response)
        })
    }
}
