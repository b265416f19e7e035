//! Serves a router on a listener until told to stop, then drains.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    cidr::CidrList,
    listen::Listener,
    peer::{self, Vouched},
};

/// What one connection may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest time until a request's headers are complete.
    pub header_time: Duration,
    /// Most bytes of request line and headers together; at least 8 KiB.
    pub header_bytes: usize,
    /// Most headers in a request.
    pub headers: usize,
    /// How long a stop waits for requests that are still open.
    pub drain: Duration,
    /// Most connections at once; further ones wait in the system's queue.
    pub connections: usize,
    /// Reverse proxies whose word about the peer is taken, see [`crate::peer_of`].
    pub trusted_proxies: CidrList,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(15),
            header_bytes: 64 * 1024,
            headers: 128,
            drain: Duration::from_secs(5),
            connections: 4096,
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

/// Serves until `stop` is cancelled, then lets open requests finish for at most [`Limits::drain`].
///
/// Every request carries `ConnectInfo<SocketAddr>`, the other end of its connection; whom it counts for says
/// [`crate::peer_of`].
pub async fn serve_with(
    listener: Listener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> ServeReport {
    let limits = std::sync::Arc::new(limits);
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(limits.connections));
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => {
                place.expect("the semaphore is never closed")
            }
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.tcp.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A peer that vanished, or no file handles left: neither ends the server.
                tracing::warn!(%error, "Accepting a connection failed.");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (router, limits) = (router.clone(), std::sync::Arc::clone(&limits));
        let (stop, abort) = (stop.clone(), abort.clone());
        connections.spawn(async move {
            let _place = place;
            connection(stream, peer, router, limits, stop, abort).await;
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait())
        .await
        .is_ok()
    {
        return ServeReport { dropped: 0 };
    }
    let dropped = connections.len();
    abort.cancel();
    connections.wait().await;
    tracing::warn!(dropped, "Connections were still open after the drain time.");
    ServeReport { dropped }
}

async fn connection(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: std::sync::Arc<Limits>,
    stop: CancellationToken,
    abort: CancellationToken,
) {
    let trusted = limits.trusted_proxies.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        if let Some(named) = peer::vouched(peer.ip(), request.headers(), &trusted) {
            request.extensions_mut().insert(Vouched(named));
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let Ok(response) = router.call(request).await;
            if response.extensions().get::<DropConnection>().is_some() {
                return Err(std::io::Error::other("dropped on purpose"));
            }
            Ok(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8 * 1024))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let mut stopping = false;
    loop {
        tokio::select! {
            result = served.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, %peer, "A connection ended with an error.");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                served.as_mut().graceful_shutdown();
            }
            () = abort.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::listen::listen;

    #[tokio::test]
    async fn a_stop_lets_the_open_request_finish() {
        let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
        let address = listener.address();
        let (started_tx, started) = tokio::sync::oneshot::channel::<()>();
        let started_tx = std::sync::Arc::new(std::sync::Mutex::new(Some(started_tx)));
        let release = CancellationToken::new();
        let held = release.clone();
        let router = Router::new().route(
            "/",
            get(move || {
                let (held, started) = (held.clone(), started_tx.clone());
                async move {
                    let started = started.lock().unwrap().take();
                    if let Some(started) = started {
                        let _ = started.send(());
                    }
                    held.cancelled().await;
                    "done"
                }
            }),
        );
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, router, stop.clone()));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        started.await.unwrap();
        stop.cancel();
        release.cancel();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        assert_eq!(server.await.unwrap(), ServeReport { dropped: 0 });
    }

    #[tokio::test]
    async fn headers_beyond_the_limit_are_refused() {
        let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
        let address = listener.address();
        let stop = CancellationToken::new();
        let limits = Limits {
            header_bytes: 8192,
            ..Limits::default()
        };
        let router = Router::new().route("/", get(|| async { "ok" }));
        let server = tokio::spawn(serve_with(listener, router, limits, stop.clone()));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
            "a".repeat(20_000)
        );
        let _ = client.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 431"));
        stop.cancel();
        server.await.unwrap();
    }
}
