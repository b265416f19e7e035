//! Calls that wait, for programs without an async runtime.
//!
//! One thread of its own drives the connections. Inside an async runtime these calls are refused: await the
//! [`Client`]'s there.

use std::{future::IntoFuture, sync::Arc};

use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use xinqiao_wire::Endpoint;

use crate::{client::Client, error::Error};

/// A client whose calls wait for their answers. Cheap to clone; clones share the thread.
#[derive(Debug, Clone)]
pub struct Blocking {
    client: Client,
    thread: Arc<Thread>,
}

#[derive(Debug)]
struct Thread(Option<Runtime>);

impl Drop for Thread {
    fn drop(&mut self) {
        // Dropped as it is, a runtime panics inside another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Blocking {
    /// A client that waits, with this one's account and settings.
    ///
    /// # Errors
    /// The machine gives no thread.
    pub fn new(client: Client) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime =
            runtime.map_err(|error| Error::Config(format!("no thread: {error}").into()))?;
        let thread = Arc::new(Thread(Some(runtime)));
        Ok(Self { client, thread })
    }

    /// The client, for calls with options: give them to [`Self::wait`].
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// As awaiting [`Client::send`].
    pub fn send<E: Endpoint>(&self, request: E) -> Result<E::Response, Error> {
        self.wait(self.client.send(request))
    }

    /// Makes a call with free JSON and waits for its answer.
    ///
    /// # Errors
    /// As awaiting [`Client::call`].
    pub fn call(&self, endpoint: &str, fields: Value) -> Result<Value, Error> {
        self.wait(self.client.call(endpoint, fields))
    }

    /// Waits for anything that is to be awaited: a call with options, all items of a list, a helper's work.
    ///
    /// # Errors
    /// Its own, or the thread is one of an async runtime.
    pub fn wait<T>(&self, work: impl IntoFuture<Output = Result<T, Error>>) -> Result<T, Error> {
        match &self.thread.0 {
            Some(runtime) if Handle::try_current().is_err() => runtime.block_on(work.into_future()),
            _ => Err(Error::Config(
                "a call that waits would stop the async runtime: await it".into(),
            )),
        }
    }
}
