//! Calls out: to callback addresses, and nowhere else.
//!
//! Connections are kept alive. Redirects are not followed, because WeChat does not follow them. The address is
//! checked after the name is resolved, so a name that points elsewhere does not get around the list.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};

use crate::cidr::CidrList;

/// One call.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// An absolute `http://` address.
    pub url: String,
    /// Sent as they are; `host` and `content-length` are added.
    pub headers: HeaderMap,
    /// Empty for none.
    pub body: Bytes,
    /// From the first byte sent to the last received.
    pub timeout: Duration,
    /// Most bytes of the answer's body.
    pub max_response: usize,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// The status as sent.
    pub status: StatusCode,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Until the headers were there.
    pub first_byte: Duration,
    /// Until the body was there.
    pub total: Duration,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// Not an absolute `http://` address.
    #[error("`{url}` is not an http:// address")]
    Url {
        /// The text given.
        url: String,
    },
    /// TLS is not spoken towards callback addresses of a laptop.
    #[error(
        "`{url}` is an https address; callbacks go out over plain http, put the http port of the app here"
    )]
    Https {
        /// The text given.
        url: String,
    },
    /// The address is not on the list.
    #[error(
        "{address} is not an address that may be called ({allowed}); start with --callback-allow to add its range"
    )]
    Forbidden {
        /// Where the name points.
        address: IpAddr,
        /// The list.
        allowed: String,
    },
    /// The name does not resolve.
    #[error("the name {host} does not resolve")]
    Dns {
        /// The name.
        host: String,
    },
    /// Nobody listens there.
    #[error("nothing listens at {authority}: connection refused")]
    Refused {
        /// Host and port.
        authority: String,
    },
    /// The connection did not come about, or broke.
    #[error("the connection to {authority} broke: {reason}")]
    Connection {
        /// Host and port.
        authority: String,
        /// What the system said.
        reason: String,
    },
    /// The answer is not HTTP, or ended early.
    #[error("the answer of {authority} is not complete HTTP: {reason}")]
    Protocol {
        /// Host and port.
        authority: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No complete answer in time.
    #[error("no complete answer within {milliseconds} ms")]
    Timeout {
        /// The limit.
        milliseconds: u64,
    },
    /// The answer is larger than the limit.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// A client for callback addresses. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client<HttpConnector<GuardedResolver>, Full<Bytes>>,
    allowed: Arc<CidrList>,
}

impl Outbound {
    /// A client that calls only addresses in the list.
    pub fn new(allowed: CidrList) -> Self {
        Self::resolving(allowed, Arc::new(System))
    }

    /// One that asks `resolve` where a name points, and believes it no more than the system.
    fn resolving(allowed: CidrList, resolve: Arc<dyn Resolve>) -> Self {
        let allowed = Arc::new(allowed);
        let mut connector = HttpConnector::new_with_resolver(GuardedResolver {
            allowed: allowed.clone(),
            resolve,
        });
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(32)
            .retry_canceled_requests(true)
            .build(connector);
        Self { client, allowed }
    }

    /// Sends and reads the whole answer. Dropping the future closes the connection.
    ///
    /// # Errors
    /// [`OutboundError`] names what did not come about; an answer with any status is not an error.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let uri: Uri = request.url.parse().map_err(|_| OutboundError::Url {
            url: request.url.clone(),
        })?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(OutboundError::Https { url: request.url }),
            _ => return Err(OutboundError::Url { url: request.url }),
        }
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        self.check_literal(&uri)?;
        let mut message = http::Request::builder().method(request.method).uri(uri);
        if let Some(headers) = message.headers_mut() {
            *headers = request.headers;
        }
        let message = message
            .body(Full::new(request.body))
            .map_err(|_| OutboundError::Url { url: request.url })?;
        let limit = request.max_response;
        let exchange = async {
            let start = Instant::now();
            let answer = self
                .client
                .request(message)
                .await
                .map_err(|error| explain(&error, &authority))?;
            let first_byte = start.elapsed();
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, limit).collect().await.map_err(|error| {
                if error.downcast_ref::<LengthLimitError>().is_some() {
                    OutboundError::TooLarge { limit }
                } else {
                    OutboundError::Protocol {
                        authority: authority.clone(),
                        reason: chain(&*error),
                    }
                }
            })?;
            Ok(OutboundResponse {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
                first_byte,
                total: start.elapsed(),
            })
        };
        let milliseconds = u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX);
        tokio::time::timeout(request.timeout, exchange)
            .await
            .map_err(|_| OutboundError::Timeout { milliseconds })?
    }

    /// The connector does not ask its resolver about literal addresses.
    fn check_literal(&self, uri: &Uri) -> Result<(), OutboundError> {
        let host = uri.host().unwrap_or_default();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match literal {
            Ok(address) if !self.allowed.contains(address) => Err(OutboundError::Forbidden {
                address,
                allowed: self.allowed.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Posts a body and returns what came back.
///
/// # Errors
/// As [`Outbound::send`].
pub async fn post_callback(
    outbound: &Outbound,
    url: &str,
    content_type: &str,
    body: Bytes,
    timeout: Duration,
) -> Result<OutboundResponse, OutboundError> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = content_type.parse() {
        headers.insert(http::header::CONTENT_TYPE, value);
    }
    outbound
        .send(OutboundRequest {
            method: Method::POST,
            url: url.to_owned(),
            headers,
            body,
            timeout,
            max_response: 1024 * 1024,
        })
        .await
}

fn explain(error: &hyper_util::client::legacy::Error, authority: &str) -> OutboundError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<ResolveError>() {
            return refused.0.clone();
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            if let Some(refused) = io
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<ResolveError>())
            {
                return refused.0.clone();
            }
            if io.kind() == std::io::ErrorKind::ConnectionRefused {
                return OutboundError::Refused {
                    authority: authority.to_owned(),
                };
            }
        }
        source = cause.source();
    }
    let reason = chain(error);
    if error.is_connect() {
        OutboundError::Connection {
            authority: authority.to_owned(),
            reason,
        }
    } else {
        OutboundError::Protocol {
            authority: authority.to_owned(),
            reason,
        }
    }
}

/// The innermost causes, without the wrappers' repetition.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Says where a name points.
trait Resolve: fmt::Debug + Send + Sync {
    fn resolve(&self, host: &str) -> Found;
}

#[derive(Debug)]
struct System;

impl Resolve for System {
    fn resolve(&self, host: &str) -> Found {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves a name and drops every address that is not on the list. The connection goes to what is left: the
/// name is not resolved again, so that it cannot point elsewhere in between.
#[derive(Debug, Clone)]
struct GuardedResolver {
    allowed: Arc<CidrList>,
    resolve: Arc<dyn Resolve>,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct ResolveError(OutboundError);

impl tower::Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.allowed.clone();
        let host = name.as_str().to_owned();
        let found = self.resolve.resolve(&host);
        Box::pin(async move {
            let Ok(found) = found.await else {
                return Err(ResolveError(OutboundError::Dns { host }));
            };
            let usable: Vec<SocketAddr> = found
                .iter()
                .filter(|address| allowed.contains(**address))
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            match (usable.is_empty(), found.first()) {
                (false, _) => Ok(usable.into_iter()),
                (true, Some(address)) => Err(ResolveError(OutboundError::Forbidden {
                    address: *address,
                    allowed: allowed.to_string(),
                })),
                (true, None) => Err(ResolveError(OutboundError::Dns { host })),
            }
        })
    }
}

#[cfg(test)]
mod tests;
