//! Connections: plain, over TLS, and through a proxy.
//!
//! A platform over TLS is reached through a tunnel of the proxy; the proxy sees its name and nothing else.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::{
    legacy::connect::{Connected, Connection},
    proxy::matcher::{Intercept, Matcher},
};
use tower_service::Service;

use super::{BoxFuture, tls::Tls};
use crate::error::BoxError;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    tls: Tls,
    pub(super) proxies: Arc<Matcher>,
    timeout: Duration,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    pub(super) fn new(tls: Tls, proxies: Matcher, timeout: Duration) -> Self {
        Self {
            tls,
            proxies: Arc::new(proxies),
            timeout,
        }
    }

    async fn connect(mut self, to: Uri) -> Result<Stream, BoxError> {
        match self.proxies.intercept(&to) {
            None => self.tls.connect(to).await.map(Stream::direct),
            Some(proxy) => self.through(&proxy, to).await,
        }
    }

    async fn through(&mut self, proxy: &Intercept, to: Uri) -> Result<Stream, BoxError> {
        let address = proxy.uri().clone();
        if !matches!(address.scheme_str(), Some("http" | "https")) {
            return Err("the proxy is no HTTP proxy".into());
        }
        if to.scheme_str() == Some("https") {
            let credentials = proxy.basic_auth().cloned();
            let tunnel = self.tls.connect_through(address, credentials, to);
            return tunnel.await.map(Stream::direct);
        }
        let io = self.tls.connect(address).await?;
        Ok(Stream { io, proxied: true })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Stream, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tls.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let within = connector.timeout;
            match tokio::time::timeout(within, connector.connect(to)).await {
                Ok(connected) => connected,
                Err(_) => Err(format!("no connection within {within:?}").into()),
            }
        })
    }
}

/// What bytes go over.
pub(super) trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

pub(super) fn boxed(io: impl Io + 'static) -> Box<dyn Io> {
    Box::new(io)
}

/// A connection of any kind.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// Whether requests must name the host that the proxy forwards them to.
    proxied: bool,
}

impl Stream {
    fn direct(io: Box<dyn Io>) -> Self {
        Self { io, proxied: false }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, buffers)
    }
}
