//! The transport over HTTP and TLS.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use xinqiao_crypto::pay_v3::Identity;

use super::{BoxFuture, Incoming, Outgoing, Transport, TransportError};
use crate::error::{Error, TransportReason};

/// Options of [`HttpTransport`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// `User-Agent` header; empty = `xinqiao/<version>`.
    pub user_agent: String,
    /// Proxy for everything, for instance `http://127.0.0.1:3128`.
    pub proxy: Option<String>,
    /// Ignore the proxies that the environment names.
    pub ignore_environment: bool,
    /// Further root certificates in PEM.
    pub roots: Vec<Vec<u8>>,
    /// Trust the given roots only, not those of the system. Without any root no TLS connection comes
    /// about, which is enough where everything stands in on this machine.
    pub only_roots: bool,
    /// A client certificate to show where one is asked for.
    pub identity: Option<Identity>,
    /// How long a connection may take to come about; none = 5 s.
    pub connect_timeout: Option<Duration>,
}

/// The transport over HTTP and TLS, with one pool of connections. Cheap to clone.
///
/// With default options the connections' machinery is made at the first call, so that making a client
/// costs nothing and cannot fail.
#[derive(Debug, Clone, Default)]
pub struct HttpTransport {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    options: HttpOptions,
    client: OnceLock<Result<reqwest::Client, Box<str>>>,
}

impl HttpTransport {
    /// Makes a transport.
    ///
    /// # Errors
    /// The proxy's address or a root certificate cannot be read.
    pub fn new(options: &HttpOptions) -> Result<Self, Error> {
        let inner = Inner {
            options: options.clone(),
            client: OnceLock::new(),
        };
        let transport = Self {
            inner: Arc::new(inner),
        };
        // What the caller chose is tried at once, so that a mistake is told where it is made.
        if options.proxy.is_some() || !options.roots.is_empty() || options.identity.is_some() {
            transport
                .client()
                .map_err(|reason| Error::Config(reason.into()))?;
        }
        Ok(transport)
    }

    fn client(&self) -> Result<&reqwest::Client, &str> {
        let made = self.inner.client.get_or_init(|| make(&self.inner.options));
        made.as_ref().map_err(|reason| &**reason)
    }

    async fn exchange(&self, request: Outgoing) -> Result<Incoming, TransportError> {
        let length = request.body_len();
        let Outgoing {
            method,
            url,
            mut headers,
            mut body,
            timeout,
            max_answer,
        } = request;
        let body = match body.len() {
            0 => None,
            1 => body.pop().map(reqwest::Body::from),
            _ => {
                // WECHAT: an upload without a length is refused (41005), so it must not be chunked.
                headers.insert(CONTENT_LENGTH, length.into());
                let pieces = body.into_iter().map(Ok::<Bytes, std::convert::Infallible>);
                Some(reqwest::Body::wrap_stream(stream::iter(pieces)))
            }
        };
        let client = self.client().map_err(|reason| TransportError {
            reason: TransportReason::Connect,
            sent: false,
            source: reason.into(),
        })?;
        let mut builder = client
            .request(method, url)
            .headers(headers)
            .timeout(timeout);
        if let Some(body) = body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > max_answer {
                return Err(TransportError {
                    reason: TransportReason::TooLarge,
                    sent: true,
                    source: format!("more than {max_answer} bytes").into(),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

fn make(options: &HttpOptions) -> Result<reqwest::Client, Box<str>> {
    let failed = |what: &str, error: reqwest::Error| -> Box<str> {
        format!("{what}: {}", error.without_url()).into()
    };
    let agent = match options.user_agent.as_str() {
        "" => concat!("xinqiao/", env!("CARGO_PKG_VERSION")),
        agent => agent,
    };
    // A redirect would carry the token in the query to wherever it points.
    let mut builder = reqwest::Client::builder()
        .user_agent(agent)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout.unwrap_or(Duration::from_secs(5)))
        .pool_idle_timeout(Duration::from_mins(1))
        .tcp_nodelay(true);
    if options.ignore_environment {
        builder = builder.no_proxy();
    }
    if let Some(proxy) = &options.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| failed("the proxy's address cannot be read", error))?;
        builder = builder.proxy(proxy);
    }
    if let Some(identity) = &options.identity {
        let identity = reqwest::Identity::from_pem(identity.to_pem().as_bytes());
        let identity =
            identity.map_err(|error| failed("the client certificate is unusable", error))?;
        builder = builder.identity(identity);
    }
    let mut roots = Vec::with_capacity(options.roots.len());
    for pem in &options.roots {
        let root = reqwest::Certificate::from_pem(pem);
        roots.push(root.map_err(|error| failed("a root certificate is not PEM", error))?);
    }
    builder = if options.only_roots {
        builder.tls_certs_only(roots)
    } else {
        builder.tls_certs_merge(roots)
    };
    builder
        .build()
        .map_err(|error| failed("the HTTP client cannot start", error))
}

fn failure(error: reqwest::Error) -> TransportError {
    let reason = if error.is_connect() {
        TransportReason::Connect
    } else if error.is_timeout() {
        TransportReason::Timeout
    } else {
        TransportReason::Broken
    };
    let sent = !(error.is_connect() || error.is_builder());
    TransportError {
        reason,
        sent,
        source: error.without_url().into(),
    }
}
