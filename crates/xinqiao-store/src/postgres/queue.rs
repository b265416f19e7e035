//! Group commit: what waits is written as one batch, while the batch before is on its way to the disk.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::link::Link;
use crate::StoreError;

/// Most jobs in one statement.
const BATCH: usize = 1024;
/// Most jobs waiting; beyond it the store sheds load rather than make callers wait past their time.
const WAITING: usize = 16 * 1024;

type Waiting<J, R> = (J, oneshot::Sender<Result<R, StoreError>>);

/// Jobs that are written in batches.
pub(super) struct Queue<J, R> {
    jobs: Mutex<Option<mpsc::Sender<Waiting<J, R>>>>,
    sender: mpsc::WeakSender<Waiting<J, R>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<J: Send + Sync + 'static, R: Send + 'static> Queue<J, R> {
    /// `write` carries out a batch in one statement and answers each job in order. Told that it is called again, for
    /// a batch that may have been carried out before the connection broke.
    pub(super) fn start<W, F>(link: Link, write: W) -> Self
    where
        W: Fn(Arc<Link>, Arc<Vec<J>>, bool) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<Result<R, StoreError>>, StoreError>> + Send + 'static,
    {
        let (jobs, mut waiting) = mpsc::channel::<Waiting<J, R>>(WAITING);
        let link = Arc::new(link);
        let task = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                let (jobs, callers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let jobs = Arc::new(jobs);
                let write = |again| ended(write(Arc::clone(&link), Arc::clone(&jobs), again));
                let mut written = write(false).await;
                if matches!(written, Err(StoreError::Unavailable(_))) {
                    written = write(true).await;
                }
                match written {
                    Ok(results) => {
                        for (caller, result) in callers.into_iter().zip(results) {
                            // The caller may be gone; the write stays.
                            drop(caller.send(result));
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "A batch of writes was not committed.");
                        for caller in callers {
                            drop(caller.send(Err(error.clone())));
                        }
                    }
                }
            }
        });
        Self {
            sender: jobs.downgrade(),
            jobs: Mutex::new(Some(jobs)),
            task: Mutex::new(Some(task)),
        }
    }

    /// Returns when the job's batch is on disk.
    pub(super) async fn put(&self, job: J) -> Result<R, StoreError> {
        let (tx, rx) = oneshot::channel();
        let sender = self.sender.upgrade().ok_or(StoreError::Closed)?;
        sender.try_send((job, tx)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        drop(sender);
        rx.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes what waits and takes no more.
    pub(super) async fn stop(&self) {
        self.jobs.lock().await.take();
        if let Some(task) = self.task.lock().await.take()
            && task.await.is_err()
        {
            tracing::error!("The store's writer panicked.");
        }
    }
}

/// What a batch came to. One that panics has failed like any other; the next ones are written all the same.
async fn ended<T: Send + 'static>(
    batch: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let ended = tokio::spawn(batch).await;
    ended.unwrap_or_else(|_| Err(StoreError::Database("its answer was not understood".into())))
}
