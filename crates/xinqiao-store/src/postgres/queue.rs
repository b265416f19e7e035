//! Group commit: what waits is written as one batch, while the batch before is on its way to the disk.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use super::link::Link;
use crate::StoreError;

/// Most jobs in one statement, and about how many bytes.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 8 << 20;
/// Most jobs waiting; beyond it the store sheds load rather than make callers wait past their time.
const WAITING: usize = 16 * 1024;

/// Something to be written.
pub(super) trait Job: Send + Sync + 'static {
    /// How large it is, about.
    fn bytes(&self) -> usize;
}

type Waiting<J, R> = (J, oneshot::Sender<Result<R, StoreError>>);

/// Jobs that are written in batches.
pub(super) struct Queue<J, R> {
    jobs: Mutex<Option<mpsc::Sender<Waiting<J, R>>>>,
    sender: mpsc::WeakSender<Waiting<J, R>>,
    task: Mutex<Option<JoinHandle<()>>>,
    stopping: Arc<AtomicBool>,
}

impl<J: Job, R: Send + 'static> Queue<J, R> {
    /// `write` carries out a batch in one statement and answers each job in order. Told that it is called again, for
    /// a batch that may have been carried out before the connection broke.
    pub(super) fn start<W, F>(link: Link, write: W) -> Self
    where
        W: Fn(Arc<Link>, Arc<Vec<J>>, bool) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<R>, StoreError>> + Send + 'static,
    {
        let (jobs, mut waiting) = mpsc::channel::<Waiting<J, R>>(WAITING);
        let (link, stopping) = (Arc::new(link), Arc::new(AtomicBool::new(false)));
        let is_stopping = Arc::clone(&stopping);
        let task = tokio::spawn(async move {
            let mut taken = Vec::with_capacity(BATCH);
            while waiting.recv_many(&mut taken, BATCH).await > 0 {
                let mut left: VecDeque<Vec<Waiting<J, R>>> = parts(taken.drain(..)).into();
                while let Some(part) = left.pop_front() {
                    let (jobs, callers): (Vec<_>, Vec<_>) = part.into_iter().unzip();
                    let jobs = Arc::new(jobs);
                    let write = |again| ended(write(Arc::clone(&link), Arc::clone(&jobs), again));
                    let mut written = write(false).await;
                    if matches!(written, Err(StoreError::Unavailable(_)))
                        && !is_stopping.load(Ordering::Relaxed)
                    {
                        written = write(true).await;
                    }
                    match written {
                        Ok(results) => {
                            for (caller, result) in callers.into_iter().zip(results) {
                                // The caller may be gone; the write stays.
                                drop(caller.send(Ok(result)));
                            }
                        }
                        // One that the database does not take is not to cost the others theirs.
                        Err(StoreError::Database(_) | StoreError::Sealed(_))
                            if callers.len() > 1 =>
                        {
                            let Some(jobs) = Arc::into_inner(jobs) else {
                                tracing::error!("A batch of writes was not committed.");
                                continue;
                            };
                            let mut one: Vec<_> = jobs.into_iter().zip(callers).collect();
                            let two = one.split_off(one.len() / 2);
                            left.push_front(two);
                            left.push_front(one);
                        }
                        Err(error) => {
                            tracing::error!(%error, "A batch of writes was not committed.");
                            for caller in callers {
                                drop(caller.send(Err(error.clone())));
                            }
                        }
                    }
                }
            }
        });
        Self {
            sender: jobs.downgrade(),
            jobs: Mutex::new(Some(jobs)),
            task: Mutex::new(Some(task)),
            stopping,
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

    /// Writes what waits, each batch once, and takes no more.
    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.jobs.lock().await.take();
        if let Some(task) = self.task.lock().await.take()
            && task.await.is_err()
        {
            tracing::error!("The store's writer panicked.");
        }
    }
}

/// What was taken, in batches that are not too large.
fn parts<J: Job, R>(taken: impl Iterator<Item = Waiting<J, R>>) -> Vec<Vec<Waiting<J, R>>> {
    let mut parts: Vec<Vec<Waiting<J, R>>> = Vec::with_capacity(1);
    let mut bytes = 0;
    for one in taken {
        bytes += one.0.bytes();
        match parts.last_mut() {
            Some(part) if bytes <= BATCH_BYTES => part.push(one),
            _ => {
                bytes = one.0.bytes();
                parts.push(vec![one]);
            }
        }
    }
    parts
}

/// What a batch came to. One that panics has failed like any other; the next ones are written all the same.
async fn ended<T: Send + 'static>(
    batch: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let ended = tokio::spawn(batch).await;
    ended.unwrap_or_else(|_| Err(StoreError::Database("its answer was not understood".into())))
}
