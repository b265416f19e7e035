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
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use xinqiao_types::percent;

use crate::{Upstream, platform};

/// Longest time to wait for the platform, and for each piece of its answer.
pub(crate) const PLATFORM_TIME: Duration = Duration::from_mins(1);
/// Longest time that an app may take to send a large body through us. Uploads of videos need it.
const UPLOAD_TIME: Duration = Duration::from_mins(15);

type Http = Client<HttpsConnector<HttpConnector>, Body>;

/// Says of a push that its message was not well-formed, and how it was read.
const READING_HEADER: &str = "x-xinqiao-reading";

/// The client for both, made on first use, so that a start does not pay for it.
#[derive(Debug)]
pub(crate) struct Outbound {
    upstream: Option<BTreeMap<String, String>>,
    client: OnceLock<Http>,
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

/// TLS as the operating system judges it.
fn client() -> Http {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3");
    let config = match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)),
        Err(error) => {
            // Without roots every certificate is refused: what speaks TLS is unreachable, and said so.
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
            client: OnceLock::new(),
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
            .map_err(|_| unusable())?;
        let time = match hyper::body::Body::size_hint(&body).exact() {
            Some(_) => PLATFORM_TIME,
            None => UPLOAD_TIME,
        };
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let response = tokio::time::timeout(time, self.send(request))
            .await
            .map_err(|_| OutboundError::Timeout(time.as_millis()))??;
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
        let (uri, user) = app_address(url).ok_or_else(unusable)?;
        let mut request = http::Request::post(uri)
            .header(header::CONTENT_TYPE, content_type)
            // WECHAT: pushes name this agent; some frameworks' filters refuse requests without one.
            .header(header::USER_AGENT, "Mozilla/4.0")
            .header(header::ACCEPT, "*/*");
        if let Some(reading) = reading {
            request = request.header(READING_HEADER, reading);
        }
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, user);
        }
        let request = request.body(body.into()).map_err(|_| unusable())?;
        let exchange = async {
            let (parts, body) = self.send(request).await?.into_parts();
            Ok(Answered {
                status: parts.status,
                headers: parts.headers,
                body: whole_body(Body::new(body), limit).await?,
            })
        };
        tokio::time::timeout(time, exchange)
            .await
            .map_err(|_| OutboundError::Timeout(time.as_millis()))?
    }

    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<hyper::body::Incoming>, OutboundError> {
        let client = self.client.get_or_init(client);
        client
            .request(request)
            .await
            .map_err(|error| from_hyper(&error))
    }
}

fn unusable() -> OutboundError {
    OutboundError::Failed("the address cannot be used".to_owned())
}

/// An app's address as it is called: what a person may write into it escaped, user and password in a header. `None` if
/// it cannot be called; a host must be of ASCII.
pub(crate) fn app_address(url: &str) -> Option<(Uri, Option<HeaderValue>)> {
    let mut written = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>`{}".contains(&byte) {
            written.push(byte.into());
        } else {
            percent::escape_into(byte, &mut written);
        }
    }
    let uri: Uri = written.parse().ok()?;
    let authority = uri.authority()?;
    let whole = authority.as_str();
    let (user, place) = match whole.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, whole),
    };
    let host = authority.host();
    let is_complete = place == host || authority.port_u16().is_some();
    if host.is_empty() || host.contains('%') || !is_complete {
        return None;
    }
    let user = match user {
        None => None,
        Some(user) => {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let pair = format!("{}:{}", percent::decode(name), percent::decode(password));
            let encoded = base64_simd::STANDARD.encode_to_string(pair);
            let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        }
    };
    Some((uri, user))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn called(url: &str) -> (String, Option<String>) {
        let (uri, user) = app_address(url).expect("an address");
        let user = user.map(|user| user.to_str().expect("ASCII").to_owned());
        (uri.to_string(), user)
    }

    #[test]
    fn what_a_person_writes_into_an_address_is_escaped() {
        let (uri, user) = called("http://127.0.0.1:9000/微信 1/<wx>?a=%41&b=好");
        let want = "http://127.0.0.1:9000/%E5%BE%AE%E4%BF%A1%201/%3Cwx%3E?a=%41&b=%E5%A5%BD";
        assert_eq!((uri.as_str(), user), (want, None));
    }

    #[test]
    fn user_and_password_go_into_a_header() {
        let (_, user) = called("http://me:a%40b@127.0.0.1:9000/wx");
        assert_eq!(user.as_deref(), Some("Basic bWU6YUBi"));
    }

    #[test]
    fn an_address_that_cannot_be_called_is_none() {
        for url in [
            "http://",
            "http:///wx",
            "http://微信.cn/wx",
            "/wx",
            "http://a:b/wx",
        ] {
            assert!(app_address(url).is_none(), "{url}");
        }
    }
}
