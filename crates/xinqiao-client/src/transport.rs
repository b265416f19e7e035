//! How requests reach the platform.
//!
//! [`Transport`] is the seam for tests and for networks of one's own; [`HttpTransport`] is the one that
//! talks HTTP. A transport moves bytes: it knows no credential, repeats nothing and follows no redirect.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::{BoxError, TransportReason};

mod http_client;

pub use self::http_client::{HttpOptions, HttpTransport};

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
    /// Body, in pieces that are sent one after the other.
    pub body: Vec<Bytes>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// How many bytes of an answer are taken.
    pub max_answer: usize,
}

impl Outgoing {
    /// The URL without its query, which may hold secrets.
    pub fn address(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    /// The body's size in bytes.
    pub fn body_len(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({} bytes)",
            self.method,
            self.address(),
            self.body_len()
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
}
