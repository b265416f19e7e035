//! The writer thread: drains the queue into one transaction, commits, wakes the callers.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    Opener,
    checkpoint::{Guard, Signal},
    events::EventWriter,
};
use crate::{Appended, OpenError, StoreError, sqlite::events::AppendJob};

/// Most writes in one transaction.
pub(super) const BATCH: usize = 1024;
/// Most writes waiting; beyond it the store sheds load rather than make callers wait past their
/// time.
const QUEUE: usize = 16 * 1024;

/// What a small write adds to the log, about.
const RUN_BYTES: u64 = 512;

/// Tells the caller how its write ended, once the transaction did.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs in a transaction, or learns why there is none.
type Work = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Reply + Send>;

pub(super) enum Job {
    Append(AppendJob, oneshot::Sender<Result<Appended, StoreError>>),
    Run(Work),
    Stop,
}

pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        checkpoint: Signal,
        lock: Lock,
    ) -> rusqlite::Result<Self> {
        let events = EventWriter::new(&connection)?;
        let waker = Waker::start();
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                write_loop(&connection, jobs, events, &Guard::new(checkpoint), &waker);
                drop(connection);
                drop(lock);
            })
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn append(&self, job: AppendJob) -> Result<Appended, StoreError> {
        let (tx, rx) = oneshot::channel();
        self.send(Job::Append(job, tx))?;
        rx.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (tx, rx) = oneshot::channel();
        self.send(Job::Run(Box::new(move |connection| {
            let result = connection.and_then(|connection| Ok(in_savepoint(connection, work)?));
            Box::new(move |committed| {
                let result = match (result, committed) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Err(error), _) => Err(error),
                    (_, Err(error)) => Err(error),
                };
                // The caller may be gone; the write stays.
                drop(tx.send(result));
            })
        })))?;
        rx.await.map_err(|_| StoreError::Closed)?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Writes what is queued and ends the thread. Blocks.
    pub(super) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        drop(self.queue.blocking_send(Job::Stop));
        if thread.join().is_err() {
            tracing::error!("The store's writer panicked.");
        }
    }
}

/// Several statements that stand or fall together, inside the batch's transaction.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

/// A caller of a batch, with what it waits for.
enum Waiting {
    Append(
        oneshot::Sender<Result<Appended, StoreError>>,
        Result<Appended, StoreError>,
    ),
    Run(Reply),
}

/// A batch that ended: its callers are to be woken.
struct Ended {
    waiting: Vec<Waiting>,
    committed: Result<(), StoreError>,
}

impl Ended {
    fn wake(self) {
        for caller in self.waiting {
            match (caller, &self.committed) {
                (Waiting::Append(tx, result), Ok(())) => drop(tx.send(result)),
                (Waiting::Append(tx, _), Err(error)) => drop(tx.send(Err(error.clone()))),
                (Waiting::Run(reply), committed) => reply(committed.clone()),
            }
        }
    }
}

/// Wakes callers from inside their runtime: one wake-up from this thread instead of hundreds.
struct Waker(Option<mpsc::UnboundedSender<Ended>>);

impl Waker {
    /// A handful is woken faster directly.
    const FEW: usize = 4;

    fn start() -> Self {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Self(None);
        };
        // Bounded by the queue: every ended batch was taken out of it.
        let (tx, mut ended) = mpsc::unbounded_channel::<Ended>();
        runtime.spawn(async move {
            while let Some(batch) = ended.recv().await {
                batch.wake();
            }
        });
        Self(Some(tx))
    }

    fn wake(&self, ended: Ended) {
        match &self.0 {
            Some(tx) if ended.waiting.len() > Self::FEW => {
                // The runtime may be gone, and its callers with it.
                if let Err(mpsc::error::SendError(ended)) = tx.send(ended) {
                    ended.wake();
                }
            }
            _ => ended.wake(),
        }
    }
}

fn write_loop(
    connection: &Connection,
    mut jobs: mpsc::Receiver<Job>,
    mut events: EventWriter,
    log: &Guard,
    waker: &Waker,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut stopping = false;
    while !stopping && jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        let mut waiting = Vec::with_capacity(batch.len());
        let mut bytes = 0;
        let mut begun = if log.is_full(connection) {
            Err(StoreError::Overloaded)
        } else {
            begin(connection)
        };
        for job in batch.drain(..) {
            match job {
                Job::Stop => stopping = true,
                Job::Append(job, tx) => {
                    bytes += job.bytes();
                    let result = match &begun {
                        Ok(()) => events.append(connection, job),
                        Err(error) => Err(error.clone()),
                    };
                    // Half an event, or its key alone, must not be committed: the repeat would be taken for known.
                    if let Err(error @ (StoreError::Database(_) | StoreError::Unavailable(_))) =
                        &result
                        && begun.is_ok()
                    {
                        begun = Err(error.clone());
                        drop(connection.execute_batch("ROLLBACK"));
                    }
                    waiting.push(Waiting::Append(tx, result));
                }
                Job::Run(work) => {
                    bytes += RUN_BYTES;
                    let transaction = begun.clone().map(|()| connection);
                    waiting.push(Waiting::Run(work(transaction)));
                }
            }
        }
        let committed = begun.and_then(|()| commit(connection));
        if let Err(error) = &committed {
            if !matches!(error, StoreError::Overloaded) {
                tracing::error!(%error, "A batch of writes was not committed.");
            }
            events.forget_days();
        }
        waker.wake(Ended { waiting, committed });
        log.written(bytes);
    }
    jobs.close();
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection
        .prepare_cached("BEGIN IMMEDIATE")?
        .execute([])
        .map(drop)?)
}

fn commit(connection: &Connection) -> Result<(), StoreError> {
    let committed = connection
        .prepare_cached("COMMIT")
        .and_then(|mut commit| commit.execute([]));
    if let Err(error) = committed {
        if !connection.is_autocommit() {
            drop(connection.execute_batch("ROLLBACK"));
        }
        return Err(error.into());
    }
    Ok(())
}

/// Keeps a second process away from the same file.
pub(super) struct Lock {
    _file: Option<std::fs::File>,
}

impl Lock {
    pub(super) fn take(opener: &Opener) -> Result<Self, OpenError> {
        if opener.memory {
            return Ok(Self { _file: None });
        }
        let path = PathBuf::from(format!("{}.lock", opener.path));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| OpenError::Folder { path, source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(_) => Err(OpenError::InUse {
                path: opener.path.clone(),
            }),
        }
    }
}
