//! The demo app on a port of its own, in this process.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use xinqiao_http::{ListenError, Listener};
use xinqiao_simulator::SeededAccount;

/// Where the demo app takes callbacks.
const PATH: &str = "/wx";

/// A demo app that listens, and later serves.
#[derive(Debug)]
pub(super) struct Demo {
    origin: String,
    listener: Option<Listener>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Demo {
    /// Takes a free port, so that the address is known before anything is served.
    pub(super) async fn listen() -> Result<Self, ListenError> {
        let listener = xinqiao_http::listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await?;
        Ok(Self {
            origin: listener.origin(),
            listener: Some(listener),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Its callback address.
    pub(super) fn url(&self) -> String {
        format!("{}{PATH}", self.origin)
    }

    /// Serves with the keys of an account; platform calls go to `endpoints`.
    pub(super) fn start(
        &mut self,
        account: &SeededAccount,
        secret: String,
        endpoints: BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let router = xinqiao_demo::router(xinqiao_demo::Options {
            appid: account.appid.clone(),
            secret,
            token: account.token.clone(),
            aes_key: account.aes_key.clone(),
            endpoints,
        })?;
        if let Some(listener) = self.listener.take() {
            let serving = xinqiao_http::serve(listener, router, self.stop.clone());
            self.tasks.spawn(async move {
                serving.await;
            });
        }
        Ok(())
    }

    /// Answers what it took and ends.
    pub(super) async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
