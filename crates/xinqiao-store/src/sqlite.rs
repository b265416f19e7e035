//! The SQLite store: one writer thread with group commit, checkpoints on a thread of their own,
//! readers apart.
//!
//! All writes go through one bounded queue. The writer drains up to [`writer::BATCH`] of them into
//! one transaction, commits it with `synchronous = FULL`, and only then wakes the callers: full
//! durability at the price of one disk flush per batch. A second connection checkpoints, so no caller
//! waits for it; the writer does so only when the log has reached its bound.

mod checkpoint;
mod dedup;
mod deliveries;
#[cfg(feature = "bench")]
mod discard;
mod events;
mod migrations;
mod records;
mod writer;

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension as _};
use xinqiao_types::AppId;

#[cfg(feature = "bench")]
pub(crate) use self::discard::Discard;
use self::{
    checkpoint::{Bounds, Checkpointer},
    writer::Writer,
};
use crate::{
    DedupKey, MasterKey, OpenError, Options, StoreError, store::dedup_key, vault::Vault,
    vault::WrongKey,
};

/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(5);

/// An open SQLite store.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    writer: Writer,
    checkpointer: Checkpointer,
    readers: Readers,
    vault: Vault,
    master: MasterKey,
    dedup: hmac::Key,
    /// The number of this node.
    node: i64,
    /// Keys of days before this one were forgotten.
    forgotten: AtomicI32,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

/// How connections to this database are made.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    path: String,
    memory: bool,
    bounds: Bounds,
}

static MEMORY_STORES: AtomicU64 = AtomicU64::new(0);

impl Opener {
    fn new(file: Option<&Path>, bounds: Bounds) -> Result<Self, OpenError> {
        match file {
            None => {
                let number = MEMORY_STORES.fetch_add(1, Ordering::Relaxed);
                Ok(Self {
                    path: format!("file:xinqiao-{number}?mode=memory"),
                    memory: true,
                    bounds,
                })
            }
            Some(path) => {
                if let Some(folder) = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder).map_err(|source| OpenError::Folder {
                        path: folder.to_owned(),
                        source,
                    })?;
                }
                private(path)?;
                Ok(Self {
                    path: path.to_string_lossy().into_owned(),
                    memory: false,
                    bounds,
                })
            }
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let flags = if self.memory {
            flags | OpenFlags::SQLITE_OPEN_URI
        } else {
            flags
        };
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA foreign_keys = OFF;",
        )?;
        connection.pragma_update(None, "journal_size_limit", self.bounds.kept.cast_signed())?;
        Ok(connection)
    }
}

/// Makes the file before SQLite does, so that nobody else may ever read it.
fn private(path: &std::path::Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
        .open(path)
        .map(drop)
        .map_err(|source| OpenError::Folder {
            path: path.to_owned(),
            source,
        })
}

/// Connections that only read. In memory there are none: reads go through the writer.
struct Readers {
    opener: Opener,
    idle: Mutex<Vec<Connection>>,
    running: Arc<Reads>,
}

/// The reads that are running, so that one that holds the log for too long can be interrupted.
#[derive(Default)]
struct Reads {
    next: AtomicU64,
    running: Mutex<HashMap<u64, (Instant, InterruptHandle)>>,
}

impl Reads {
    fn running(&self) -> MutexGuard<'_, HashMap<u64, (Instant, InterruptHandle)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let begun = (Instant::now(), connection.get_interrupt_handle());
        self.running().insert(number, begun);
        let result = work(connection);
        self.running().remove(&number);
        result
    }

    /// Interrupts reads that have been running for longer than this.
    fn interrupt(&self, time: Duration) {
        for (begun, handle) in self.running().values() {
            if begun.elapsed() >= time {
                tracing::warn!("A read of the store took too long and was interrupted.");
                handle.interrupt();
            }
        }
    }
}

impl Sqlite {
    /// Opens a file, or a database in memory.
    pub(crate) fn open(file: Option<&Path>, options: Options) -> Result<Self, OpenError> {
        Self::open_bounded(file, options, Bounds::default())
    }

    fn open_bounded(
        file: Option<&Path>,
        options: Options,
        bounds: Bounds,
    ) -> Result<Self, OpenError> {
        let opener = Opener::new(file, bounds)?;
        let database = |source: rusqlite::Error| OpenError::Database {
            path: opener.path.clone(),
            source: source.into(),
        };
        let mut connection = opener.connect().map_err(database)?;
        let lock = writer::Lock::take(&opener)?;
        migrations::run(&mut connection, &opener.path, options.now)?;
        let vault = open_vault(&connection, &options.master, &opener.path)?;
        let node = deliveries::node_number(&connection, &options.node).map_err(database)?;
        deliveries::release_held(&connection, node, options.now).map_err(database)?;
        let running = Arc::new(Reads::default());
        let checkpointer = Checkpointer::start(&opener, Arc::clone(&running)).map_err(database)?;
        let writer = Writer::start(connection, checkpointer.signal(), lock).map_err(database)?;
        let dedup = hmac::Key::new(hmac::HMAC_SHA256, &options.master.derive("dedup"));
        Ok(Self(Arc::new(Inner {
            writer,
            checkpointer,
            readers: Readers {
                opener,
                idle: Mutex::new(Vec::new()),
                running,
            },
            vault,
            master: options.master,
            dedup,
            node,
            forgotten: AtomicI32::new(i32::MIN),
        })))
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.0.master
    }

    pub(crate) fn dedup_key(&self, appid: &AppId, order: u64, recipe: &str) -> DedupKey {
        dedup_key(&self.0.dedup, appid, order, recipe)
    }

    /// Runs `work` in the writer's next transaction; returns when that is on disk.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.writer.run(work).await
    }

    /// Runs `work` on a connection that sees everything committed so far.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if self.0.readers.opener.memory {
            return self.write(work).await;
        }
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let idle = || {
                inner
                    .readers
                    .idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
            };
            let connection = idle().pop();
            let connection = match connection {
                Some(connection) => connection,
                None => inner.readers.opener.connect()?,
            };
            let result = inner.readers.running.run(&connection, work)?;
            let mut idle = idle();
            if idle.len() < 4 {
                idle.push(connection);
            }
            Ok(result)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        self.write(|connection| connection.execute_batch("SELECT 1"))
            .await
    }

    pub(crate) async fn close(&self) {
        let inner = Arc::clone(&self.0);
        let closed = tokio::task::spawn_blocking(move || {
            inner.writer.stop();
            inner
                .readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            inner.checkpointer.stop();
        });
        if closed.await.is_err() {
            tracing::warn!("The store's threads did not stop cleanly.");
        }
    }
}

/// Proves that the master key is the right one and unseals the data keys.
fn open_vault(connection: &Connection, master: &MasterKey, path: &str) -> Result<Vault, OpenError> {
    let database = |source: rusqlite::Error| OpenError::Database {
        path: path.to_owned(),
        source: source.into(),
    };
    let meta = |name: &str| {
        let sql = "SELECT value FROM meta WHERE name = ?";
        connection
            .query_row(sql, [name], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(database)
    };
    let vault = Vault::new(master);
    if let Some(check) = meta("key_check")? {
        let fingerprint = meta("key_fingerprint")?.unwrap_or_default();
        vault
            .prove(&check, &fingerprint)
            .map_err(|WrongKey(expected)| OpenError::WrongMasterKey {
                path: path.to_owned(),
                expected,
                given: vault.fingerprint().to_owned(),
            })?;
    } else {
        let sql =
            "INSERT INTO meta (name, value) VALUES ('key_check', ?1), ('key_fingerprint', ?2)";
        let values = rusqlite::params![vault.check(), vault.fingerprint().as_bytes()];
        connection.execute(sql, values).map_err(database)?;
    }
    let mut statement = connection
        .prepare("SELECT id, appid, sealed FROM data_key ORDER BY id")
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        let key = || Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?));
        let (id, appid, sealed) = key().map_err(database)?;
        vault.load(id, appid, &sealed);
    }
    Ok(vault)
}
