//! Typed calls.

use std::{fmt, future::IntoFuture, time::Duration};

use xinqiao_catalog::rules::retry::Policy;
use xinqiao_types::AccessToken;
use xinqiao_wire::{Endpoint, EndpointInfo, Keep, Record};

use crate::{
    client::Client,
    error::Error,
    execute::{Options, Prepared},
    file_stream::FileStream,
    pay_v3::Marks,
    transport::BoxFuture,
    typed,
};

/// A call that has not been sent yet. Awaiting it sends it.
///
/// Cancel safety: dropping the future abandons the call; whether the platform has seen it is unknown.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<E> {
    pub(crate) client: Client,
    pub(crate) request: E,
    pub(crate) options: Options,
    pub(crate) keep: Keep,
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

    /// Never repeats the call, except once with a new token. Without this it is repeated as the client is set to,
    /// where the catalog says that it may be: reads always, what carries its idempotency key with it, all else
    /// only if no byte left.
    pub const fn once(self) -> Self {
        self.policy(Policy::NEVER)
    }

    /// The token for this call: a user's (`/sns/*`), a robot's key, or any other instead of the
    /// client's. It is not renewed.
    pub fn token(mut self, token: impl Into<AccessToken>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// How many bytes of the answer are taken, instead of what the client is set to.
    pub const fn limit(mut self, bytes: u64) -> Self {
        self.options.limit = Some(bytes);
        self
    }

    /// Keeps what the answer's type cannot hold, so that it can be written again without loss.
    pub const fn keep_raw(mut self) -> Self {
        self.keep = Keep::Raw;
        self
    }
}

impl<E: Endpoint> Call<E> {
    /// Sends the call and gives the answer as a file that is still arriving, for an endpoint that answers
    /// with one.
    ///
    /// ```no_run
    /// # async fn f<E: xinqiao_client::Endpoint + 'static>(
    /// #     client: xinqiao_client::Client, request: E,
    /// # ) -> Result<(), xinqiao_client::Error> {
    /// let file = client.send(request).stream().await?;
    /// let name = file.file_name().unwrap_or_else(|| "voice.amr".to_owned());
    /// file.save(&name).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As awaiting the call; an answer that is an error in JSON is an [`Error::Api`], one that only says where the
    /// file lies an [`Error::Fields`].
    pub async fn stream(self) -> Result<FileStream, Error> {
        stream(&self.client, &self.request, E::INFO, &self.options).await
    }
}

// What follows is not generic and hands out boxed futures: a future that the caller's crate could see into would be
// compiled there, with everything behind it.

fn stream<'a>(
    client: &'a Client,
    request: &'a dyn Record,
    info: &'static EndpointInfo,
    options: &'a Options,
) -> BoxFuture<'a, Result<FileStream, Error>> {
    Box::pin(async move {
        let prepared = prepared(client, request, info).await?;
        client.execute_stream(&prepared, options).await
    })
}

/// Sends the request and reads the answer into `response`, which is as new.
pub(crate) fn answer<'a>(
    client: &'a Client,
    request: &'a dyn Record,
    info: &'static EndpointInfo,
    (options, keep): (&'a Options, Keep),
    response: &'a mut dyn Record,
) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move {
        let prepared = prepared(client, request, info).await?;
        let mut answer = client.execute(&prepared, options).await?;
        typed::read(response, info, &answer, keep)?;
        if let Some(merchant) = &client.inner.merchant
            && let marks = Marks::Record(&*response)
            && let Some(body) = merchant.unseal(info.id, marks, &answer).await?
        {
            answer.body = body;
            response.clear();
            typed::read(response, info, &answer, keep)?;
        }
        Ok(())
    })
}

/// A request that is ready to be sent, with what must be encrypted encrypted.
async fn prepared(
    client: &Client,
    record: &dyn Record,
    info: &'static EndpointInfo,
) -> Result<Prepared, Error> {
    let mut prepared = typed::prepare(record, info, &*client.inner.settings.entropy)?;
    if let Some(merchant) = &client.inner.merchant {
        merchant
            .seal(client, Marks::Record(record), &mut prepared)
            .await?;
    }
    client.seal_chatbot(&mut prepared)?;
    Ok(prepared)
}

impl<E: Endpoint + 'static> IntoFuture for Call<E>
where
    E::Response: 'static,
{
    type Output = Result<E::Response, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut response = E::Response::default();
            let how = (&self.options, self.keep);
            answer(&self.client, &self.request, E::INFO, how, &mut response).await?;
            Ok(response)
        })
    }
}
