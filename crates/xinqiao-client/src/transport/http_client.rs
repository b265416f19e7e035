//! The transport over HTTP and TLS.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming as Arrived};
use hyper_util::{
    client::{legacy, proxy::matcher::Matcher},
    rt::{TokioExecutor, TokioTimer},
};
use xinqiao_crypto::pay_v3::Identity;

use super::{
    Arriving, Body, BoxFuture, Chunks, Incoming, Outgoing, Transport, TransportError,
    connector::Connector, tls::Tls,
};
use crate::error::{BoxError, Error, TransportReason};

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(1);
/// Bytes of a streamed body that are given a second.
const BYTES_A_SECOND: u64 = 64 << 10;

/// Options of [`HttpTransport`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// `User-Agent` header; empty = `xinqiao/<version>`.
    pub user_agent: String,
    /// Proxy for everything, for instance `http://127.0.0.1:3128`; with name and password
    /// `http://name:password@proxy.example.com:3128`.
    pub proxy: Option<String>,
    /// Ignore the proxies that the environment names (`HTTPS_PROXY`, `NO_PROXY` and the like).
    pub ignore_environment: bool,
    /// Further root certificates in PEM.
    pub roots: Vec<Vec<u8>>,
    /// Trust the given roots only, not those of the system. Without any root no TLS connection comes
    /// about, which is enough where everything stands in on this machine.
    pub only_roots: bool,
    /// Trust the public roots that came with this build, beside the given ones, instead of the system's: for
    /// images without any. Needs the feature `webpki-roots`.
    pub bundled_roots: bool,
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
    client: OnceLock<Result<Machinery, Box<str>>>,
}

type OutBody = UnsyncBoxBody<Bytes, BoxError>;

/// What sends requests.
struct Machinery {
    client: legacy::Client<Connector, OutBody>,
    proxies: Arc<Matcher>,
    user_agent: HeaderValue,
}

impl fmt::Debug for Machinery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machinery")
    }
}

impl HttpTransport {
    /// Makes a transport.
    ///
    /// # Errors
    /// The proxy's address, a root certificate or the client certificate cannot be used.
    pub fn new(options: &HttpOptions) -> Result<Self, Error> {
        let inner = Inner {
            options: options.clone(),
            client: OnceLock::new(),
        };
        let transport = Self {
            inner: Arc::new(inner),
        };
        // What the caller chose is tried at once, so that a mistake is told where it is made.
        let chosen = !options.user_agent.is_empty() || !options.roots.is_empty();
        if chosen || options.bundled_roots || options.proxy.is_some() || options.identity.is_some()
        {
            transport
                .machinery()
                .map_err(|reason| Error::Config(reason.into()))?;
        }
        Ok(transport)
    }

    fn machinery(&self) -> Result<&Machinery, &str> {
        let made = self.inner.client.get_or_init(|| make(&self.inner.options));
        made.as_ref().map_err(|reason| &**reason)
    }

    /// Sends a request and waits for the answer's head.
    async fn begin(&self, request: Outgoing) -> Result<http::Response<Arrived>, TransportError> {
        let unsent = |source: BoxError| TransportError {
            reason: TransportReason::Connect,
            sent: false,
            source,
        };
        let machinery = self
            .machinery()
            .map_err(|reason| unsent(reason.to_owned().into()))?;
        let uri: Uri = request
            .url
            .parse()
            .map_err(|_| unsent("the address is none".into()))?;
        let mut out = Request::new(out_body(&request.body));
        *out.method_mut() = request.method;
        *out.headers_mut() = request.headers;
        let headers = out.headers_mut();
        if !request.body.is_empty() {
            // WECHAT: an upload without a length is refused (41005), so it must not be chunked.
            headers.insert(header::CONTENT_LENGTH, request.body.size().into());
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| machinery.user_agent.clone());
        // Through a tunnel the credentials went with the tunnel; here they go with the request.
        if uri.scheme_str() != Some("https")
            && let Some(proxy) = machinery.proxies.intercept(&uri)
            && let Some(credentials) = proxy.basic_auth()
        {
            headers.insert(header::PROXY_AUTHORIZATION, credentials.clone());
        }
        *out.uri_mut() = uri;
        machinery.client.request(out).await.map_err(failure)
    }

    async fn exchange(&self, request: Outgoing) -> Result<Incoming, TransportError> {
        let limit = request.max_answer;
        let within = patience(&request);
        let whole = async {
            let (head, mut body) = self.begin(request).await?.into_parts();
            let mut taken = BytesMut::new();
            while let Some(chunk) = chunk(&mut body).await? {
                if taken.len() + chunk.len() > limit {
                    return Err(too_large(limit as u64));
                }
                taken.extend_from_slice(&chunk);
            }
            Ok(Incoming {
                status: head.status.as_u16(),
                headers: head.headers,
                body: taken.freeze(),
            })
        };
        timed(within, whole).await
    }

    async fn arrive(&self, request: Outgoing) -> Result<Arriving, TransportError> {
        let silence = request.timeout;
        let within = patience(&request);
        let (head, body) = timed(within, self.begin(request)).await?.into_parts();
        Ok(Arriving {
            status: head.status.as_u16(),
            headers: head.headers,
            body: Box::new(Rest { body, silence }),
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Arriving, TransportError>> {
        Box::pin(self.arrive(request))
    }
}

/// A body that arrives.
struct Rest {
    body: Arrived,
    silence: Duration,
}

impl Chunks for Rest {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(timed(self.silence, chunk(&mut self.body)))
    }
}

/// The next bytes of a body; none at its end.
async fn chunk(body: &mut Arrived) -> Result<Option<Bytes>, TransportError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(error.into()))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// How long an exchange may take: a large file needs its time.
fn patience(request: &Outgoing) -> Duration {
    let body = &request.body;
    let seconds = if body.is_streamed() {
        body.size() / BYTES_A_SECOND
    } else {
        0
    };
    request.timeout.saturating_add(Duration::from_secs(seconds))
}

async fn timed<T>(
    within: Duration,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match tokio::time::timeout(within, work).await {
        Ok(done) => done,
        Err(_) => Err(TransportError {
            reason: TransportReason::Timeout,
            sent: true,
            source: format!("no answer within {within:?}").into(),
        }),
    }
}

fn out_body(body: &Body) -> OutBody {
    if body.is_empty() {
        return Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    if !body.is_streamed() {
        let bytes = Bytes::from(body.concat());
        return Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync();
    }
    let frames = stream::try_unfold(body.chunks(), async |mut chunks| {
        let next = chunks.next().await.map_err(BoxError::from)?;
        Ok(next.map(|bytes| (Frame::data(bytes), chunks)))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn make(options: &HttpOptions) -> Result<Machinery, Box<str>> {
    let agent = match options.user_agent.as_str() {
        "" => concat!("xinqiao/", env!("CARGO_PKG_VERSION")),
        agent => agent,
    };
    let user_agent = HeaderValue::from_str(agent).map_err(|_| "the user agent is no header")?;
    let proxies = proxies(options)?;
    let connect = options.connect_timeout.unwrap_or(Duration::from_secs(5));
    let connector = Connector::new(Tls::new(options)?, proxies, connect);
    let proxies = Arc::clone(&connector.proxies);
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(connector);
    Ok(Machinery {
        client,
        proxies,
        user_agent,
    })
}

fn proxies(options: &HttpOptions) -> Result<Matcher, Box<str>> {
    let Some(proxy) = &options.proxy else {
        return Ok(if options.ignore_environment {
            Matcher::builder().build()
        } else {
            Matcher::from_env()
        });
    };
    let uri: Result<Uri, _> = proxy.parse();
    let known = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    if !uri.is_ok_and(|uri| known(&uri) && uri.host().is_some()) {
        return Err("the proxy's address is not of the form http://host:port".into());
    }
    Ok(Matcher::builder().all(proxy.clone()).build())
}

fn failure(error: legacy::Error) -> TransportError {
    let unsent = error.is_connect();
    TransportError {
        reason: if unsent {
            TransportReason::Connect
        } else {
            TransportReason::Broken
        },
        sent: !unsent,
        source: error.into(),
    }
}

fn broken(source: BoxError) -> TransportError {
    TransportError {
        reason: TransportReason::Broken,
        sent: true,
        source,
    }
}

pub(crate) fn too_large(limit: u64) -> TransportError {
    TransportError {
        reason: TransportReason::TooLarge,
        sent: true,
        source: format!("more than {limit} bytes").into(),
    }
}
