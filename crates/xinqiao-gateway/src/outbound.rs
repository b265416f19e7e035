//! Calls that the gateway makes: to the platform (or what stands for it), and to apps.
//!
//! No redirect is followed and no proxy variable is obeyed: a callback goes where the configuration
//! says, a platform call to the platform. Every answer is read within a size.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};

use crate::{Upstream, platform};

/// Longest time to wait for the platform. Uploads of videos need it.
pub(crate) const PLATFORM_TIME: Duration = Duration::from_mins(1);

/// Both clients. Made on first use, so that a start pays for neither.
/// Says of a push that its message was not well-formed, and how it was read.
const READING_HEADER: &str = "x-xinqiao-reading";

#[derive(Debug)]
pub(crate) struct Outbound {
    upstream: Option<BTreeMap<String, String>>,
    platform: OnceLock<reqwest::Client>,
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
    /// Anything else on the way.
    #[error("the connection failed: {0}")]
    Failed(String),
}

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

    /// Calls the platform. The answer's body is not read yet.
    pub(crate) async fn platform(
        &self,
        host: &str,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: reqwest::Body,
    ) -> Result<reqwest::Response, OutboundError> {
        let url = format!("{}{path_and_query}", self.origin(host)?);
        self.platform
            .get_or_init(client)
            .request(method, url)
            .headers(headers)
            .body(body)
            .timeout(PLATFORM_TIME)
            .send()
            .await
            .map_err(|error| OutboundError::from_reqwest(error, PLATFORM_TIME))
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
        whole(response, limit, PLATFORM_TIME).await
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
