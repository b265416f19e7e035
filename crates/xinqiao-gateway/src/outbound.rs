//! Calls that the gateway makes: to the platform (or what stands for it), and to apps.
//!
//! No redirect is followed and no proxy variable is obeyed: a callback goes where the configuration
//! says, a platform call to the platform. A platform call's path and query go out byte for byte: what
//! the front looked at is what the platform gets. Every answer is read within a size or as it comes,
//! and within a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::{Upstream, platform};

/// Longest time to wait for the platform, and for each piece of its answer.
pub(crate) const PLATFORM_TIME: Duration = Duration::from_mins(1);
/// Longest time that an app may take to send a large body through us. Uploads of videos need it.
const UPLOAD_TIME: Duration = Duration::from_mins(15);

type Platform = Client<HttpsConnector<HttpConnector>, Body>;

/// Says of a push that its message was not well-formed, and how it was read.
const READING_HEADER: &str = "x-xinqiao-reading";

/// Both clients. Made on first use, so that a start pays for neither.
#[derive(Debug)]
pub(crate) struct Outbound {
    upstream: Option<BTreeMap<String, String>>,
    platform: OnceLock<Platform>,
    apps: OnceLock<reqwest::Client>,
}

/// A call did not get an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum OutboundError {
    /// The configured upstream has no such host.
    #[error("no upstream is configured for {0}")]
    NoHost(String),
    /// No connection: nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u128),
    /// The answer is larger than its limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// A key of ours was found in what was being sent; it did not leave.
    #[error(transparent)]
    Key(#[from] KeyFound),
    /// Anything else on the way.
    #[error("the connection failed: {0}")]
    Failed(String),
}

/// A body on its way to the platform has a key of ours in it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a key of the gateway stands in the body")]
pub(crate) struct KeyFound;

impl OutboundError {
    /// From reqwest's error; without its URL, which may hold a token.
    pub(crate) fn from_reqwest(error: reqwest::Error, limit: Duration) -> Self {
        let error = error.without_url();
        if error.is_connect() {
            return Self::Connect(innermost(&error));
        }
        if error.is_timeout() {
            return Self::Timeout(limit.as_millis());
        }
        Self::Failed(innermost(&error))
    }
}

fn from_hyper(error: &hyper_util::client::legacy::Error) -> OutboundError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<KeyFound>() {
            return KeyFound.into();
        }
        cause = error.source();
    }
    if error.is_connect() {
        OutboundError::Connect(innermost(error))
    } else {
        OutboundError::Failed(innermost(error))
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    pub(crate) fn content_type(&self) -> &str {
        content_type(&self.headers)
    }
}

pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .http1_only()
        .build()
        .expect("a client without options that can fail")
}

/// A client for the platform: TLS as the operating system judges it.
fn platform_client() -> Platform {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3");
    let config = match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)),
        Err(error) => {
            // Without roots every certificate is refused: the platform is unreachable, and said so.
            tracing::error!(%error, "The system's root certificates cannot be used.");
            config.with_root_certificates(rustls::RootCertStore::empty())
        }
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(Duration::from_secs(5)));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(HttpsConnector::from((tcp, config.with_no_client_auth())))
}

impl Outbound {
    pub(crate) fn new(upstream: &Upstream) -> Self {
        let upstream = match upstream {
            Upstream::Wechat => None,
            Upstream::Hosts(hosts) => Some(
                hosts
                    .iter()
                    .map(|(host, origin)| (host.clone(), origin.trim_end_matches('/').to_owned()))
                    .collect(),
            ),
        };
        Self {
            upstream,
            platform: OnceLock::new(),
            apps: OnceLock::new(),
        }
    }

    /// The origin that answers for a platform host.
    pub(crate) fn origin(&self, host: &str) -> Result<String, OutboundError> {
        match &self.upstream {
            None if platform::platform_host(host).is_some() => Ok(format!("https://{host}")),
            None => Err(OutboundError::NoHost(host.to_owned())),
            Some(hosts) => hosts
                .get(host)
                .cloned()
                .ok_or_else(|| OutboundError::NoHost(host.to_owned())),
        }
    }

    /// Calls the platform. The answer's body is not read yet; each piece of it comes in time or ends
    /// it.
    pub(crate) async fn platform(
        &self,
        host: &str,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<http::Response<Body>, OutboundError> {
        let uri: Uri = format!("{}{path_and_query}", self.origin(host)?)
            .parse()
            .map_err(|_| OutboundError::Failed("the address cannot be used".to_owned()))?;
        let time = match hyper::body::Body::size_hint(&body).exact() {
            Some(_) => PLATFORM_TIME,
            None => UPLOAD_TIME,
        };
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let client = self.platform.get_or_init(platform_client);
        let response = tokio::time::timeout(time, client.request(request))
            .await
            .map_err(|_| OutboundError::Timeout(time.as_millis()))?
            .map_err(|error| from_hyper(&error))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(OutboundError::Failed(
                "the answer changes the protocol, which nobody asked for".to_owned(),
            ));
        }
        Ok(response.map(in_time))
    }

    /// Calls the platform and reads the whole answer.
    pub(crate) async fn platform_whole(
        &self,
        host: &str,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
        limit: usize,
    ) -> Result<Answered, OutboundError> {
        let response = self
            .platform(host, method, path_and_query, headers, body.into())
            .await?;
        let (parts, body) = response.into_parts();
        Ok(Answered {
            status: parts.status,
            headers: parts.headers,
            body: whole_body(body, limit).await?,
        })
    }

    /// Posts a callback to an app and reads the whole answer.
    pub(crate) async fn app(
        &self,
        url: &str,
        content_type: &str,
        reading: Option<&str>,
        body: Bytes,
        limit: usize,
        time: Duration,
    ) -> Result<Answered, OutboundError> {
        let mut request = self.apps.get_or_init(client).post(url);
        if let Some(reading) = reading {
            request = request.header(READING_HEADER, reading);
        }
        let response = request
            .header(header::CONTENT_TYPE, content_type)
            // WECHAT: pushes name this agent; some frameworks' filters refuse requests without one.
            .header(header::USER_AGENT, "Mozilla/4.0")
            .header(header::ACCEPT, "*/*")
            .body(body)
            .timeout(time)
            .send()
            .await
            .map_err(|error| OutboundError::from_reqwest(error, time))?;
        whole(response, limit, time).await
    }
}

/// The body, each piece within a time.
fn in_time(body: hyper::body::Incoming) -> Body {
    let size = hyper::body::Body::size_hint(&body).exact();
    if size == Some(0) {
        return Body::empty();
    }
    let pieces = Body::new(body).into_data_stream();
    let timed = stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        match tokio::time::timeout(PLATFORM_TIME, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => Some((Err(axum::Error::new("no more of the answer in time")), None)),
        }
    });
    Body::from_stream(timed)
}

/// The whole body, if it is not larger than `limit`.
pub(crate) async fn whole_body(body: Body, limit: usize) -> Result<Bytes, OutboundError> {
    let collected = Limited::new(body, limit).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                OutboundError::TooLarge(limit)
            } else {
                OutboundError::Failed(innermost(&*error))
            }
        })
}

async fn whole(
    mut response: reqwest::Response,
    limit: usize,
    time: Duration,
) -> Result<Answered, OutboundError> {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| OutboundError::from_reqwest(error, time))?
    {
        if body.len() + chunk.len() > limit {
            return Err(OutboundError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answered {
        status,
        headers,
        body: body.freeze(),
    })
}
