//! The local proxy of `exec`: platform hosts end here, everything else passes untouched.
//!
//! Two listeners on loopback. The *proxy* speaks HTTP proxying (CONNECT and absolute addresses).
//! The *door* takes connections that were meant for a platform host and says by SNI or `Host` which
//! one; the Node preload leads there, and `--tls` of `dev` is a door alone. Behind both, TLS ends with
//! the project's own certificate and the request goes on as plain HTTP to the origin that stands for
//! the host: method, path, query, header order, header case, `Host` and body unchanged. The simulator
//! is told of TLS, and of the certificate that was shown, in a header that nobody else can write.
//!
//! A platform host that nothing stands for is refused, never passed on to the real platform.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;
use xinqiao_http::remove_hop_by_hop;
use xinqiao_simulator::TLS_HEADER;

use super::authority::Authority;
use super::came::{Came, Voucher};
use super::hosts::{Hosts, Origin, Place};
use super::upstream::Upstream;
use crate::lang::{Lang, either};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, BoxError>;

/// How long a connection to another host, or a TLS handshake, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What proxies tell an app of the scheme.
const FORWARDED_SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// First byte of a TLS record that begins a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// What happens to connections that are none of the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// They pass untouched.
    Open,
    /// They are refused with a text that says so (`--offline`).
    Closed,
}

/// Everything that a connection needs.
pub(crate) struct Proxy {
    hosts: Hosts,
    authority: Authority,
    upstream: Upstream,
    outside: Outside,
    platform: Client<HttpConnector, Incoming>,
    elsewhere: reqwest::Client,
    voucher: Voucher,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("hosts", &self.hosts)
            .field("outside", &self.outside)
            .finish_non_exhaustive()
    }
}

/// Where a running proxy listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) proxy: SocketAddr,
    pub(crate) door: SocketAddr,
}

impl Proxy {
    /// Puts the parts together.
    pub(crate) fn new(
        hosts: Hosts,
        authority: Authority,
        upstream: Upstream,
        outside: Outside,
        voucher: Voucher,
    ) -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let platform = Client::builder(TokioExecutor::new())
            .http1_preserve_header_case(true)
            .build(connector);
        let elsewhere = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .build()
            .context(either("访问其他主机的客户端", "client for other hosts"))?;
        Ok(Self {
            hosts,
            authority,
            upstream,
            outside,
            platform,
            elsewhere,
            voucher,
        })
    }

    /// Listens on two free loopback ports until `stop`.
    pub(crate) async fn listen(self, stop: CancellationToken) -> io::Result<Addresses> {
        let shared = Arc::new(self);
        let proxy = TcpListener::bind(("127.0.0.1", 0)).await?;
        let door = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addresses = Addresses {
            proxy: proxy.local_addr()?,
            door: door.local_addr()?,
        };
        let at_proxy = shared.clone();
        tokio::spawn(accept(proxy, stop.clone(), move |stream| {
            let shared = at_proxy.clone();
            async move { shared.serve_proxy(stream).await }
        }));
        tokio::spawn(accept(door, stop, move |stream| {
            let shared = shared.clone();
            async move { shared.serve_platform(stream, None).await }
        }));
        Ok(addresses)
    }

    /// Listens at `address` for what is meant for platform hosts, and for nothing else, until `stop`.
    pub(crate) async fn listen_door(
        self,
        address: SocketAddr,
        stop: CancellationToken,
    ) -> io::Result<SocketAddr> {
        let shared = Arc::new(self);
        let door = TcpListener::bind(address).await?;
        let address = door.local_addr()?;
        tokio::spawn(accept(door, stop, move |stream| {
            let shared = shared.clone();
            async move { shared.serve_platform(stream, None).await }
        }));
        Ok(address)
    }

    async fn serve_proxy(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |request| {
            let shared = self.clone();
            async move { Ok::<_, Infallible>(shared.answer_proxy(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .preserve_header_case(true)
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "Connection to the proxy ended early.");
        }
    }

    async fn answer_proxy(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.answer_connect(request).await;
        }
        let Some(host) = request.uri().host().map(str::to_owned) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                either(
                    "这是 `xinqiao exec` 的代理，不是网站\n",
                    "this is the proxy of `xinqiao exec`, not a web site\n",
                ),
            );
        };
        match self.hosts.place(&host) {
            Place::Platform(origin) => {
                let secure = request.uri().scheme() == Some(&Scheme::HTTPS);
                let came = if secure { Came::Named } else { Came::Plain };
                self.forward(origin, request, &came).await
            }
            Place::Missing => missing(&host),
            Place::Elsewhere if self.outside == Outside::Closed => offline(&host),
            Place::Loopback | Place::Elsewhere => self.fetch_elsewhere(request).await,
        }
    }

    async fn answer_connect(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some(authority) = request.uri().authority().cloned() else {
            let text = either("CONNECT 缺少 host:port\n", "CONNECT without host:port\n");
            return refuse(StatusCode::BAD_REQUEST, text);
        };
        let host = authority.host().to_owned();
        let port = authority.port_u16().unwrap_or(443);
        match self.hosts.place(&host) {
            Place::Platform(_) => {
                let shared = self.clone();
                tokio::spawn(async move {
                    match hyper::upgrade::on(request).await {
                        Ok(tunnel) => {
                            shared
                                .serve_platform(TokioIo::new(tunnel), Some(host))
                                .await;
                        }
                        Err(error) => tracing::debug!(%error, "Tunnel was not opened."),
                    }
                });
                Response::new(empty())
            }
            Place::Missing => missing(&host),
            Place::Elsewhere if self.outside == Outside::Closed => offline(&host),
            Place::Loopback | Place::Elsewhere => self.tunnel(request, &host, port).await,
        }
    }

    /// Joins the client with a host that is none of the platform's; nothing is looked at.
    async fn tunnel(&self, request: Request<Incoming>, host: &str, port: u16) -> Response<Body> {
        let connecting = tokio::time::timeout(PATIENCE, self.upstream.connect(host, port)).await;
        let mut target = match connecting {
            Ok(Ok(target)) => target,
            Ok(Err(error)) => {
                return refuse(
                    StatusCode::BAD_GATEWAY,
                    unreachable(&format!("{host}:{port}"), &Lang::settled().io(&error)),
                );
            }
            Err(_) => {
                return refuse(
                    StatusCode::GATEWAY_TIMEOUT,
                    either(
                        format!("{host}:{port} 在 {} 秒内没有接受连接\n", PATIENCE.as_secs()),
                        format!(
                            "{host}:{port} did not accept within {} s\n",
                            PATIENCE.as_secs()
                        ),
                    ),
                );
            }
        };
        tokio::spawn(async move {
            if let Ok(client) = hyper::upgrade::on(request).await {
                let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut target).await;
            }
        });
        Response::new(empty())
    }

    /// Serves one connection that was meant for a platform host, encrypted or not.
    async fn serve_platform<S>(self: Arc<Self>, mut stream: S, host: Option<String>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(Ok(first)) = tokio::time::timeout(PATIENCE, stream.read_u8()).await else {
            return;
        };
        let stream = Replay {
            first: Some(first),
            stream,
        };
        if first != TLS_HANDSHAKE {
            self.serve_requests(stream, host, Came::Plain).await;
            return;
        }
        match tokio::time::timeout(PATIENCE, self.accept_tls(stream, host)).await {
            Ok(Ok((stream, host))) => {
                let came = Came::over_tls(stream.get_ref().1);
                self.serve_requests(stream, host, came).await;
            }
            Ok(Err(error)) => tracing::debug!(error = %format!("{error:#}"), "TLS was not agreed."),
            Err(_) => tracing::debug!("TLS handshake took too long."),
        }
    }

    async fn accept_tls<S>(
        &self,
        stream: S,
        host: Option<String>,
    ) -> anyhow::Result<(tokio_rustls::server::TlsStream<S>, Option<String>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let host = start
            .client_hello()
            .server_name()
            .map(str::to_owned)
            .or(host);
        let config = self.authority.server_config(host.as_deref())?;
        Ok((start.into_stream(config).await?, host))
    }

    async fn serve_requests<S>(self: Arc<Self>, stream: S, host: Option<String>, came: Came)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let shared = self.clone();
            let (host, came) = (host.clone(), came.clone());
            async move {
                let host = host
                    .or_else(|| host_of(request.headers()))
                    .unwrap_or_default();
                Ok::<_, Infallible>(match shared.hosts.place(&host) {
                    Place::Platform(origin) => shared.forward(origin, request, &came).await,
                    Place::Missing => missing(&host),
                    Place::Loopback | Place::Elsewhere => no_host_of_the_platform(&host),
                })
            }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "Connection for a platform host ended early.");
        }
    }

    /// Sends a platform call to the origin that stands for its host.
    async fn forward(
        &self,
        origin: &Origin,
        request: Request<Incoming>,
        came: &Came,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(HOST)
            && let Some(host) = parts.uri.authority()
            && let Ok(value) = HeaderValue::from_str(host.as_str())
        {
            parts.headers.insert(HOST, value);
        }
        parts.uri = match origin.uri(parts.uri.path_and_query()) {
            Ok(uri) => uri,
            Err(error) => {
                tracing::debug!(%error, "A path that no address can have.");
                let text = either("路径不能用\n", "the path cannot be used\n");
                return refuse(StatusCode::BAD_REQUEST, text);
            }
        };
        remove_hop_by_hop(&mut parts.headers);
        if origin.tells_scheme() {
            let scheme = HeaderValue::from_static(came.scheme());
            parts.headers.insert(FORWARDED_SCHEME, scheme);
        }
        // Whatever the caller wrote there is not for it to say.
        parts.headers.remove(TLS_HEADER);
        if let Some(told) = self.voucher.header(origin, came) {
            parts.headers.insert(TLS_HEADER, told);
        }
        let target = parts.uri.clone();
        match self
            .platform
            .request(Request::from_parts(parts, body))
            .await
        {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                remove_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, body.map_err(Into::into).boxed())
            }
            Err(error) => {
                let error = reason(&error);
                let origin = target.authority().map_or("", |origin| origin.as_str());
                refuse(
                    StatusCode::BAD_GATEWAY,
                    either(
                        format!(
                            "xinqiao exec: {origin} 没有应答（{error}）；`xinqiao dev` 还在运行吗？\n"
                        ),
                        format!(
                            "xinqiao exec: {origin} does not answer ({error}); is `xinqiao dev` still running?\n"
                        ),
                    ),
                )
            }
        }
    }

    /// An absolute address outside the platform: some clients (axios among them) ask a proxy for
    /// `https://…` this way instead of with CONNECT.
    async fn fetch_elsewhere(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        remove_hop_by_hop(&mut parts.headers);
        let host = parts.uri.host().unwrap_or_default().to_owned();
        let sent = self
            .elsewhere
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(reqwest::Body::wrap(body))
            .send()
            .await;
        match sent {
            Ok(response) => {
                let (mut parts, body) = Response::<reqwest::Body>::from(response).into_parts();
                remove_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, body.map_err(Into::into).boxed())
            }
            Err(error) => refuse(
                StatusCode::BAD_GATEWAY,
                unreachable(&host, &reason(&error.without_url())),
            ),
        }
    }
}

/// Most connections to a door at once; more wait.
const CONNECTIONS: usize = 1024;

/// Accepts until `stop`, each connection in a task of its own.
async fn accept<F>(
    listener: TcpListener,
    stop: CancellationToken,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let serving = serve(stream);
                    tokio::spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "Cannot accept a connection.");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

fn host_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(HOST)?.to_str().ok()?;
    let uri: Uri = format!("http://{value}/").parse().ok()?;
    uri.host().map(str::to_owned)
}

fn no_host_of_the_platform(host: &str) -> Response<Body> {
    refuse(
        StatusCode::MISDIRECTED_REQUEST,
        either(
            format!("这里只替平台的域名应答；Host 是 {host}\n"),
            format!("only hosts of the platform are answered for here; the Host is {host}\n"),
        ),
    )
}

fn missing(host: &str) -> Response<Body> {
    let what = either("不在模拟范围内，已拒绝", "is not simulated, refused");
    crate::talk::say(format_args!("xinqiao: {host} {what}"));
    refuse(
        StatusCode::BAD_GATEWAY,
        either(
            format!("xinqiao: {host} 是平台的域名，但不在模拟范围内；调用没有转给真实平台\n"),
            format!(
                "xinqiao: {host} is a platform host that is not simulated; the call was not passed on to the real platform\n"
            ),
        ),
    )
}

/// Why there was no answer, in the reader's language: what the system says stands at the end of the chain of causes.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let lang = Lang::settled();
    let mut chain = std::iter::successors(Some(error), |error| error.source());
    let from_system = chain.find_map(|error| error.downcast_ref::<io::Error>());
    match from_system {
        Some(system) => lang.io(system),
        None if lang == Lang::Zh => "连接中断".to_owned(),
        None => error.to_string(),
    }
}

fn unreachable(place: &str, why: &str) -> String {
    either(
        format!("连不上 {place}：{why}\n"),
        format!("cannot reach {place}: {why}\n"),
    )
}

fn offline(host: &str) -> Response<Body> {
    let what = either("已拒绝（--offline）", "refused (--offline)");
    crate::talk::say(format_args!("xinqiao exec: {host} {what}"));
    refuse(
        StatusCode::FORBIDDEN,
        either(
            format!("xinqiao exec: {host} 在外网；--offline 只放行平台和本机\n"),
            format!(
                "xinqiao exec: {host} is outside, and --offline refuses everything but the platform and this machine\n"
            ),
        ),
    )
}

fn refuse(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let body = Full::new(Bytes::from(text.into()))
        .map_err(|never| match never {})
        .boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn empty() -> Body {
    Full::new(Bytes::new())
        .map_err(|never| match never {})
        .boxed()
}

/// A stream whose first byte was read already.
struct Replay<S> {
    first: Option<u8>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Replay<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buf.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replay<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
