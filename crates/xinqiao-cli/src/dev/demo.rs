//! The demo app on a port of its own, in this process.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use axum::middleware::from_fn_with_state;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use xinqiao_http::{ListenError, Listener, OriginGuard};
use xinqiao_simulator::SeededAccount;

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
        format!("{}{}", self.origin, xinqiao_demo::PATH)
    }

    /// Serves with the keys of an account; platform calls go to `endpoints`.
    pub(super) fn start(
        &mut self,
        account: &SeededAccount,
        secret: String,
        endpoints: BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let mut options = xinqiao_demo::Options::new(
            account.appid.as_str(),
            secret,
            account.token.as_str(),
            account.aes_key.as_str(),
        );
        options.endpoints = endpoints;
        // Whoever calls it is on this machine, and no page that a browser shows here.
        let router = xinqiao_demo::router(options)?.layer(from_fn_with_state(
            OriginGuard::default(),
            xinqiao_http::own_names_only,
        ));
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
