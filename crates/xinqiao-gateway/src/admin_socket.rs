//! Administration on a Unix socket: whoever may open the file may administer.

use std::path::Path;

use axum::body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use xinqiao_http::Respond;

use crate::StartError;

/// Most connections at once.
const CONNECTIONS: usize = 64;

/// In the extensions of every request that came over the socket: no page of a browser reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverSocket;

/// An open socket; its file goes with it.
#[derive(Debug)]
pub(crate) struct Socket {
    #[cfg(unix)]
    listener: tokio::net::UnixListener,
    #[cfg(unix)]
    path: std::path::PathBuf,
}

/// Opens the socket, for its owner only. A socket that a killed process left behind is replaced, nothing else.
#[cfg(unix)]
pub(crate) async fn listen(path: &Path) -> Result<Socket, StartError> {
    use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};

    let failed = |source| StartError::Socket {
        path: path.to_owned(),
        source,
    };
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            let other = "there is something else than a socket; it is not replaced";
            return Err(failed(std::io::Error::other(other)));
        }
        if tokio::net::UnixStream::connect(path).await.is_ok() {
            return Err(failed(std::io::ErrorKind::AddrInUse.into()));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    // Made in a folder that nobody else may enter, so that it is never open to others.
    let mut folder = path.as_os_str().to_owned();
    folder.push(format!(".{}", std::process::id()));
    let folder = std::path::PathBuf::from(folder);
    let made = (|| {
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let hidden = folder.join("s");
        let listener = tokio::net::UnixListener::bind(&hidden)?;
        let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&hidden, owner)?;
        std::fs::rename(&hidden, path)?;
        Ok(listener)
    })();
    let _ = std::fs::remove_dir_all(&folder);
    let listener = made.map_err(failed)?;
    Ok(Socket {
        listener,
        path: path.to_owned(),
    })
}

/// There are no Unix sockets here.
#[cfg(not(unix))]
pub(crate) async fn listen(path: &Path) -> Result<Socket, StartError> {
    Err(StartError::Socket {
        path: path.to_owned(),
        source: std::io::ErrorKind::Unsupported.into(),
    })
}

#[cfg(not(unix))]
pub(crate) async fn serve(_: Socket, _: impl Respond, _: CancellationToken) {}

/// Serves until `stop` is cancelled.
#[cfg(unix)]
pub(crate) async fn serve(socket: Socket, service: impl Respond, stop: CancellationToken) {
    let connections = tokio_util::task::TaskTracker::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let place = std::sync::Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async { (place.await, socket.listener.accept().await) } => accepted,
        };
        let (Ok(place), Ok((stream, _))) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let (service, stop) = (service.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(OverSocket);
                service.clone().call(request.map(Body::new))
            });
            let mut connection = std::pin::pin!(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(std::time::Duration::from_secs(10))
                    .serve_connection(TokioIo::new(stream), service)
            );
            tokio::select! {
                _ = connection.as_mut() => return,
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            drop(connection.await);
        });
    }
    let _ = std::fs::remove_file(&socket.path);
    connections.close();
    let drained = tokio::time::timeout(std::time::Duration::from_secs(5), connections.wait());
    drop(drained.await);
}
