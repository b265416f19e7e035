//! Moves the write-ahead log into the database, on a thread and a connection of its own, so that no
//! write waits for it: it mostly copies beside the writer, and only now and then asks for a moment
//! alone, so that the log begins anew.
//!
//! The log's file is overwritten in place and not cut while it has its ordinary size: a flush of a file
//! that does not change its length is the cheapest there is.
//!
//! Must always hold: the log stays below [`Bounds::most`] and one batch, whoever reads for however long.
//! A reader keeps everything that was written since it began in the log. Our own are interrupted
//! when they take long; another program's (a backup, a shell) cannot be, so writes are refused at
//! the bound until it ends: the platform sends callbacks again, a full disk would take no more at
//! all.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{Opener, Reads};

/// The log is copied after so many bytes of new bodies …
const COPY_BYTES: u64 = 12 << 20;
/// … and begun anew when it has so many pages (of 4 KiB).
const RESTART_PAGES: i64 = 12_000;
/// How long a checkpoint that needs a moment alone waits for readers. The writer waits with it.
const ALONE: Duration = Duration::from_millis(100);
/// A read that is older than this is interrupted when the log has to be cut.
const READ_TIME: Duration = Duration::from_secs(5);

/// How large the log may become, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// To this size it is cut when it begins anew.
    pub(super) kept: u64,
    /// From here on it is urgent that it begins anew.
    pub(super) urgent: u64,
    /// From here on nothing is written until it was cut.
    pub(super) most: u64,
    /// Time between two attempts at that.
    pub(super) again: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            kept: 64 << 20,
            urgent: 96 << 20,
            most: 256 << 20,
            again: Duration::from_millis(250),
        }
    }
}

pub(super) struct Checkpointer {
    signal: Signal,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The writer's way to say that the log grew.
#[derive(Clone)]
pub(super) struct Signal(Option<Arc<Grown>>);

struct Grown {
    bytes: AtomicU64,
    wake: SyncSender<Wake>,
    file: PathBuf,
    bounds: Bounds,
}

enum Wake {
    Copy,
    /// Copy, and begin the log anew.
    Cut,
    Stop,
}

/// The writer's part in keeping the log small.
pub(super) struct Guard {
    signal: Signal,
    tried: Cell<Option<Instant>>,
    /// Whether writes are being refused.
    refusing: Cell<bool>,
}

impl Signal {
    /// So many bytes were committed.
    pub(super) fn written(&self, bytes: u64) {
        let Some(grown) = &self.0 else { return };
        if grown.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes < COPY_BYTES {
            return;
        }
        grown.bytes.store(0, Ordering::Relaxed);
        grown.wake(Wake::Copy);
    }
}

impl Grown {
    fn wake(&self, wake: Wake) {
        if let Err(TrySendError::Disconnected(_)) = self.wake.try_send(wake) {
            tracing::debug!("The checkpointer has stopped.");
        }
    }

    fn size(&self) -> u64 {
        size(&self.file)
    }
}

fn size(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |file| file.len())
}

impl Guard {
    pub(super) fn new(signal: Signal) -> Self {
        Self {
            signal,
            tried: Cell::new(None),
            refusing: Cell::new(false),
        }
    }

    pub(super) fn written(&self, bytes: u64) {
        self.signal.written(bytes);
    }

    /// Whether the log has no room for another batch, though it was tried to make some.
    pub(super) fn is_full(&self, connection: &Connection) -> bool {
        let Some(grown) = &self.signal.0 else {
            return false;
        };
        if grown.size() <= grown.bounds.urgent {
            self.refuse(false);
            return false;
        }
        grown.wake(Wake::Cut);
        if grown.size() <= grown.bounds.most {
            self.refuse(false);
            return false;
        }
        // The checkpointer did not get its turn.
        let due = |tried: Instant| tried.elapsed() >= grown.bounds.again;
        if self.tried.get().is_none_or(due) {
            self.tried.set(Some(Instant::now()));
            if let Err(error) = cut(connection) {
                tracing::warn!(%error, "The store's log could not be cut.");
            }
            self.refuse(grown.size() > grown.bounds.most);
        }
        self.refusing.get()
    }

    fn refuse(&self, refuse: bool) {
        match (self.refusing.replace(refuse), refuse) {
            (false, true) => tracing::error!(
                "The store's log is full and cannot be cut, because another program has been \
                 reading the database for too long; nothing is written until it ends."
            ),
            (true, false) => tracing::info!("The store's log was cut; writing goes on."),
            _ => {}
        }
    }
}

impl Checkpointer {
    pub(super) fn start(opener: &Opener, reads: Arc<Reads>) -> rusqlite::Result<Self> {
        if opener.memory {
            return Ok(Self {
                signal: Signal(None),
                thread: Mutex::new(None),
            });
        }
        let connection = opener.connect()?;
        // One wake-up that waits is enough.
        let (wake, wakes) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoint_loop(&connection, &wakes, &reads))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let grown = Grown {
            bytes: AtomicU64::new(0),
            wake,
            file: PathBuf::from(format!("{}-wal", opener.path)),
            bounds: opener.bounds,
        };
        Ok(Self {
            signal: Signal(Some(Arc::new(grown))),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn signal(&self) -> Signal {
        self.signal.clone()
    }

    /// Copies and cuts once more, then ends the thread. Blocks.
    pub(super) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (Some(thread), Some(grown)) = (thread, &self.signal.0) else {
            return;
        };
        drop(grown.wake.send(Wake::Stop));
        if thread.join().is_err() {
            tracing::error!("The store's checkpointer panicked.");
        }
    }
}

fn checkpoint_loop(connection: &Connection, wakes: &Receiver<Wake>, reads: &Reads) {
    while let Ok(wake) = wakes.recv() {
        let result = match wake {
            Wake::Stop => checkpoint(connection, "TRUNCATE").map(drop),
            Wake::Copy => checkpoint(connection, "PASSIVE").and_then(|log| {
                if log.pages >= RESTART_PAGES {
                    alone(connection, "RESTART").map(drop)
                } else {
                    Ok(())
                }
            }),
            Wake::Cut => checkpoint(connection, "PASSIVE")
                .and_then(|_| alone(connection, "RESTART"))
                .map(|log| {
                    if log.busy {
                        reads.interrupt(READ_TIME);
                        // The writer waits with every attempt; it shall not do so all the time.
                        std::thread::sleep(10 * ALONE);
                    }
                }),
        };
        if let Err(error) = result {
            tracing::warn!(%error, "A checkpoint failed and will be tried again.");
        }
        if matches!(wake, Wake::Stop) {
            return;
        }
    }
}

struct Log {
    /// Whether readers were in the way.
    busy: bool,
    pages: i64,
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok(Log {
            busy: row.get::<_, i64>(0)? != 0,
            pages: row.get(1)?,
        })
    })
}

/// A checkpoint that waits for readers, but not long: writers wait with it.
fn alone(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.busy_timeout(ALONE)?;
    let log = checkpoint(connection, mode);
    connection.busy_timeout(super::BUSY)?;
    log
}

/// Cuts the log from the writer's side. If the checkpointer is at it just now, waits for that.
fn cut(connection: &Connection) -> rusqlite::Result<()> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let log = alone(connection, "TRUNCATE")?;
        // No number of pages: another checkpoint was running.
        if !log.busy || log.pages >= 0 {
            return Ok(());
        }
        std::thread::sleep(ALONE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Location, MasterKey, Millis, Options, StoreError, sqlite::Sqlite};

    const NOW: Millis = Millis(1_795_233_600_000);
    const BOUNDS: Bounds = Bounds {
        kept: 1 << 20,
        urgent: 2 << 20,
        most: 4 << 20,
        again: Duration::ZERO,
    };

    fn open(path: &Path) -> Sqlite {
        let options = Options {
            location: Location::File(path.to_owned()),
            master: MasterKey::parse(&"5a".repeat(32)).unwrap(),
            node: crate::NodeId::default(),
            now: NOW,
            timing: crate::Timing::Caller,
        };
        Sqlite::open_bounded(Some(path), options, BOUNDS).unwrap()
    }

    async fn append(store: &Sqlite) -> Result<(), StoreError> {
        let row = "CREATE TABLE IF NOT EXISTS filler (body BLOB);
                   INSERT INTO filler VALUES (randomblob(65536));";
        store
            .write(|connection| connection.execute_batch(row))
            .await
    }

    #[tokio::test]
    async fn a_reader_that_does_not_end_does_not_let_the_log_grow_without_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let log = folder.path().join("store.db-wal");
        let store = open(&path);
        append(&store).await.unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN").unwrap();
        let tables = "SELECT count(*) FROM sqlite_master";
        reader.query_row(tables, [], |_| Ok(())).unwrap();
        let mut stored = 0;
        let refused = loop {
            match append(&store).await {
                Ok(()) => stored += 1,
                Err(refused) => break refused,
            }
            assert!(stored < 200, "the log has {} bytes", size(&log));
        };
        assert!(matches!(refused, StoreError::Overloaded), "{refused}");
        assert!(size(&log) > BOUNDS.most && size(&log) < BOUNDS.most + (1 << 20));
        assert!(stored > 40, "refused only at the bound, not after {stored}");
        drop(reader);
        for _ in 0..100 {
            append(&store).await.unwrap();
        }
        assert!(size(&log) < BOUNDS.most, "{}", size(&log));
        store.close().await;
    }

    #[tokio::test]
    async fn the_log_is_cut_after_a_reader_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let log = folder.path().join("store.db-wal");
        let store = open(&path);
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN").unwrap();
        let tables = "SELECT count(*) FROM sqlite_master";
        reader.query_row(tables, [], |_| Ok(())).unwrap();
        let mut number = 0;
        while size(&log) < 3 << 20 {
            append(&store).await.unwrap();
            number += 1;
        }
        drop(reader);
        // Each is urgent: one of the checkpoints that they ask for begins the log anew, and the
        // next write cuts it.
        while size(&log) > BOUNDS.kept + (1 << 20) {
            append(&store).await.unwrap();
            number += 1;
            assert!(number < 10_000, "{}", size(&log));
        }
        store.close().await;
    }

    #[tokio::test]
    async fn our_own_reader_that_takes_long_is_interrupted() {
        let reads = Reads::default();
        let connection = Connection::open_in_memory().unwrap();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                       SELECT count(*) FROM n";
        std::thread::scope(|scope| {
            let reads = &reads;
            let running = scope.spawn(move || {
                reads.run(&connection, |connection| {
                    connection.query_row(endless, [], |_| Ok(()))
                })
            });
            while !running.is_finished() {
                reads.interrupt(Duration::ZERO);
                std::thread::yield_now();
            }
            running.join().unwrap().unwrap_err();
        });
    }
}
