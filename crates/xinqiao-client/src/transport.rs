//! How requests reach the platform.
//!
//! [`Transport`] is the seam for tests and for networks of one's own; [`HttpTransport`] is the one that
//! talks HTTP. A transport moves bytes: it knows no credential, repeats nothing and follows no redirect.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::{BoxError, TransportReason};

mod body;
mod connector;
mod http_client;
mod tls;

pub(crate) use self::{body::Piece, http_client::too_large};
pub use self::{
    body::{Body, BodyChunks},
    http_client::{HttpOptions, HttpTransport},
};

/// A future that a trait object can give.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request as it leaves. Its URL may carry a token: `Debug` shows it without its query.
#[derive(Clone)]
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Absolute URL.
    pub url: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
    /// How long the whole exchange may take. Where a file is streamed, either way: how long the platform
    /// may keep silent, and a streamed body gets a second more for every 64 KiB of it.
    pub timeout: Duration,
    /// How many bytes of an answer are taken.
    pub max_answer: usize,
}

impl Outgoing {
    /// The URL without its query, which may hold secrets.
    pub fn address(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({} bytes)",
            self.method,
            self.address(),
            self.body.size()
        )
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// An answer whose body is still arriving.
pub struct Arriving {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Box<dyn Chunks>,
}

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arriving({})", self.status)
    }
}

impl From<Incoming> for Arriving {
    fn from(whole: Incoming) -> Self {
        Self {
            status: whole.status,
            headers: whole.headers,
            body: Box::new(Some(whole.body)),
        }
    }
}

/// A body that arrives chunk by chunk.
pub trait Chunks: Send {
    /// The next chunk; none at the end. An end before the body is whole is an error.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransportError>>;
}

impl Chunks for Option<Bytes> {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async { Ok(self.take()) })
    }
}

/// No answer came.
#[derive(Debug)]
pub struct TransportError {
    /// What happened.
    pub reason: TransportReason,
    /// Whether bytes of the request may have left.
    pub sent: bool,
    /// The cause. It must not contain the URL's query.
    pub source: BoxError,
}

/// Moves one request to the platform and its answer back.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request once. Dropping the future abandons the exchange; whether the platform has seen
    /// the request is then unknown.
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>>;

    /// Sends a request once and gives the answer as soon as its head is there. Unless a transport does it
    /// better, the body is waited for. [`Outgoing::max_answer`] does not count here: who reads, counts.
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Arriving, TransportError>> {
        Box::pin(async { self.send(request).await.map(Arriving::from) })
    }
}
