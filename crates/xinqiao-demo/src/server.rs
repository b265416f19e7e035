//! Runs the app on a port of its own.

use std::net::SocketAddr;

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use xinqiao_callback::SetupError;

use crate::{
    app::{Options, PATH, parts},
    menu,
};

/// The app did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The port cannot be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// The app at work. Dropping it stops it at once; [`Demo::shutdown`] lets it finish.
#[derive(Debug)]
pub struct Demo {
    url: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Demo {
    /// The address for the platform's server URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops accepting, answers what was accepted, and ends.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(error = %error, "Demo app did not end in order.");
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// Starts the app at an address; port 0 = any.
///
/// # Errors
/// A setting cannot be used, or the port cannot be opened.
pub async fn start(options: Options, listen: SocketAddr) -> Result<Demo, StartError> {
    let (router, client) = parts(options)?;
    let failed = |source| StartError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let task = tokio::spawn(async move {
        let menu = tokio::spawn(menu::create(client));
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stopped.cancelled_owned())
            .await;
        menu.abort();
        if let Err(error) = served {
            tracing::error!(error = %error, "Demo app ended.");
        }
    });
    Ok(Demo {
        url: format!("http://{address}{PATH}"),
        stop,
        task,
    })
}
