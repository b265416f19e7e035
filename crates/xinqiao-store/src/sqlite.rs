//! The SQLite store: one writer thread with group commit, checkpoints on a thread of their own,
//! readers apart.
//!
//! All writes go through one bounded queue. The writer drains up to [`writer::BATCH`] of them into
//! one transaction, commits it with `synchronous = FULL`, and only then wakes the callers: full
//! durability at the price of one disk flush per batch. The writer never checkpoints; a second
//! connection does, so no caller waits for it.

mod checkpoint;
mod dedup;
mod deliveries;
#[cfg(feature = "bench")]
mod discard;
mod events;
mod migrations;
mod records;
mod vault;
mod writer;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
};

use aws_lc_rs::hmac;
use rusqlite::{Connection, OpenFlags};
use xinqiao_types::AppId;

#[cfg(feature = "bench")]
pub(crate) use self::discard::Discard;
use self::{checkpoint::Checkpointer, vault::Vault, writer::Writer};
use crate::{DedupKey, Location, MasterKey, OpenError, Options, StoreError};

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
}

static MEMORY_STORES: AtomicU64 = AtomicU64::new(0);

impl Opener {
    fn new(location: &Location) -> Result<Self, OpenError> {
        match location {
            Location::Memory => {
                let number = MEMORY_STORES.fetch_add(1, Ordering::Relaxed);
                Ok(Self {
                    path: format!("file:xinqiao-{number}?mode=memory"),
                    memory: true,
                })
            }
            Location::File(path) => {
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
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA foreign_keys = OFF;",
        )?;
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
}

impl Sqlite {
    pub(crate) fn open(options: Options) -> Result<Self, OpenError> {
        let opener = Opener::new(&options.location)?;
        let database = |source| OpenError::Database {
            path: opener.path.clone(),
            source,
        };
        let mut connection = opener.connect().map_err(database)?;
        let lock = writer::Lock::take(&opener)?;
        migrations::run(&mut connection, &opener.path, options.now)?;
        let vault = Vault::open(&connection, &options.master, &opener.path)?;
        deliveries::release_held(&connection, options.now).map_err(database)?;
        let checkpointer = Checkpointer::start(&opener).map_err(database)?;
        let writer = Writer::start(connection, checkpointer.signal(), lock).map_err(database)?;
        let dedup = hmac::Key::new(hmac::HMAC_SHA256, &options.master.derive("dedup"));
        Ok(Self(Arc::new(Inner {
            writer,
            checkpointer,
            readers: Readers {
                opener,
                idle: Mutex::new(Vec::new()),
            },
            vault,
            master: options.master,
            dedup,
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
            let result = work(&connection)?;
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

fn dedup_key(key: &hmac::Key, appid: &AppId, order: u64, recipe: &str) -> DedupKey {
    let mut context = hmac::Context::with_key(key);
    context.update(appid.as_str().as_bytes());
    context.update(b"\0");
    context.update(recipe.as_bytes());
    let tag = context.sign();
    let mut out = [0; 16];
    out[..8].copy_from_slice(&order.to_be_bytes());
    out[8..].copy_from_slice(&tag.as_ref()[..8]);
    DedupKey(out)
}
