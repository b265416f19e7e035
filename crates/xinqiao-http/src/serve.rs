//! Serves a router on a listener until told to stop, then drains.

mod arriving;
mod places;
mod watched;

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use bytes::Bytes;
use http::header::EXPECT;
use hyper::{
    body::{Body as _, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

pub(crate) use self::arriving::Stopped;
pub use self::places::BodyBudget;
use self::{
    arriving::{Arriving, Left},
    places::{Place, Places, Taken, Told},
    watched::Watched,
};
use crate::{
    cidr::CidrList,
    listen::Listener,
    peer::{self, Vouched, peer_network},
};

/// What peers may take.
///
/// When all connections are taken, the one that has kept us waiting longest makes room for a new one; so idle
/// and slow peers starve nobody.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest time from a request's first byte until its headers are complete.
    pub header_time: Duration,
    /// Most bytes of request line and headers together; at least 8 KiB.
    pub header_bytes: usize,
    /// Most headers in a request.
    pub headers: usize,
    /// How long a connection may be idle, before its first request and between two.
    pub keep_alive: Duration,
    /// Longest time in which no byte of a body comes.
    pub body_idle: Duration,
    /// Longest time that a body may take besides what its bytes take at `body_rate`.
    pub body_time: Duration,
    /// Bytes a second that a body has to come with in the long run.
    pub body_rate: u64,
    /// Longest time in which nothing of an answer is read that waits to be.
    pub answer_stall: Duration,
    /// How long a stop waits for requests that are still open.
    pub drain: Duration,
    /// Most connections at once.
    pub connections: usize,
    /// Most connections of one peer at once; loopback and trusted proxies may have all.
    pub connections_per_peer: usize,
    /// Most bodies of one peer that are waited for at once; loopback may send as many as it likes.
    pub bodies_per_peer: usize,
    /// The memory that bodies take together. Clone it into the limits of several servers to share it.
    pub body_budget: BodyBudget,
    /// Most bytes of one body that are in memory at once: what comes after them is streamed.
    pub body_kept: usize,
    /// How long a body waits for room in the budget before it is refused.
    pub body_wait: Duration,
    /// Reverse proxies whose word about the peer is taken, see [`crate::peer_of`].
    pub trusted_proxies: CidrList,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            header_bytes: 64 * 1024,
            headers: 128,
            keep_alive: Duration::from_secs(75),
            body_idle: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
            body_rate: 16 * 1024,
            answer_stall: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            connections: 4096,
            connections_per_peer: 512,
            bodies_per_peer: 64,
            body_budget: BodyBudget::default(),
            body_kept: usize::MAX,
            body_wait: Duration::from_secs(1),
            trusted_proxies: CidrList::default(),
        }
    }
}

/// Put into a response's extensions, it closes the connection without an answer: for faults that a test orders.
#[derive(Debug, Clone, Copy)]
pub struct DropConnection;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeReport {
    /// Connections that were still open when the drain time was over.
    pub dropped: usize,
}

/// Serves with the default limits until `stop` is cancelled.
pub async fn serve(listener: Listener, router: Router, stop: CancellationToken) -> ServeReport {
    serve_with(listener, router, Limits::default(), stop).await
}

/// What answers requests: an axum `Router`, or a service without routes.
pub trait Respond:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Respond for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Serves until `stop` is cancelled, then lets open requests finish for at most [`Limits::drain`].
///
/// Every request carries `ConnectInfo<SocketAddr>`, the other end of its connection; whom it counts for says
/// [`crate::peer_of`].
pub async fn serve_with(
    listener: Listener,
    responder: impl Respond,
    limits: Limits,
    stop: CancellationToken,
) -> ServeReport {
    let drain = limits.drain;
    let places = Places::new(limits);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.tcp.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A peer that vanished, or no file handles left: neither ends the server.
                let pause = if places.evict_one() { 1 } else { 20 };
                tracing::debug!(%error, "Accepting a connection failed.");
                tokio::time::sleep(Duration::from_millis(pause)).await;
                continue;
            }
        };
        let Some(taken) = places.take(counted(&places, peer.ip(), None)) else {
            turn_away(&stream);
            continue;
        };
        let _ = stream.set_nodelay(true);
        connections.spawn(connection(stream, peer, responder.clone(), taken));
    }
    drop(listener);
    places.tell_all(Told::Finish);
    connections.close();
    if tokio::time::timeout(drain, connections.wait())
        .await
        .is_ok()
    {
        return ServeReport { dropped: 0 };
    }
    let dropped = connections.len();
    places.tell_all(Told::End);
    connections.wait().await;
    tracing::warn!(dropped, "Connections were still open after the drain time.");
    ServeReport { dropped }
}

/// What a request or a connection counts as; none where the number is not limited.
fn counted(places: &Places, connected: IpAddr, vouched: Option<IpAddr>) -> Option<IpAddr> {
    if let Some(vouched) = vouched {
        return Some(peer_network(vouched));
    }
    let free =
        connected.to_canonical().is_loopback() || places.limits.trusted_proxies.contains(connected);
    (!free).then(|| peer_network(connected))
}

/// Every connection's request is being worked on: says so, if the system takes it at once.
fn turn_away(stream: &TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
        content-length: 0\r\nconnection: close\r\n\r\n";
    let _ = stream.try_write(FULL);
    tracing::debug!("A connection was turned away: all are at work.");
}

async fn connection(stream: TcpStream, peer: SocketAddr, responder: impl Respond, taken: Taken) {
    let place = &taken.0;
    let limits = &place.all.limits;
    let service = service_fn(|request: http::Request<Incoming>| {
        let mut responder = responder.clone();
        place.request_began();
        let answered = Answered(Arc::clone(place));
        let vouched = peer::vouched(peer.ip(), request.headers(), &limits.trusted_proxies);
        let left = if request.headers().contains_key(EXPECT) {
            Left::Unsent
        } else {
            Left::ReadAway
        };
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                return Body::empty();
            }
            let network = counted(&place.all, peer.ip(), vouched);
            Body::new(Arriving::new(body, Arc::clone(place), network, left))
        });
        if let Some(vouched) = vouched {
            request.extensions_mut().insert(Vouched(vouched));
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let Ok(response) = responder.call(request).await;
            answered.0.discharge();
            if response.extensions().get::<DropConnection>().is_some() {
                return Err(std::io::Error::other("dropped on purpose"));
            }
            Ok(response.map(|body| Answer {
                body,
                _answered: answered,
            }))
        }
    });
    let served = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8 * 1024))
        .serve_connection(
            TokioIo::new(Watched::new(stream, Arc::clone(place))),
            service,
        )
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let mut finishing = false;
    let ended = std::future::poll_fn(|cx| {
        match place.told(cx) {
            Told::GoOn => {}
            Told::Finish if finishing => {}
            Told::Finish => {
                finishing = true;
                served.as_mut().graceful_shutdown();
            }
            Told::End => return Poll::Ready(Ok(())),
        }
        served.as_mut().poll(cx)
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, %peer, "A connection ended with an error.");
    }
}

/// Dropped when a request was answered.
struct Answered(Arc<Place>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

/// An answer that says when all of it was handed over.
struct Answer {
    body: Body,
    _answered: Answered,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
