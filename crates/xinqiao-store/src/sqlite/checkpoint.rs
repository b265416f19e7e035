//! Moves the write-ahead log into the database, on a thread and a connection of its own, so that no
//! write waits for it: it mostly copies beside the writer, and only now and then asks for a moment
//! alone, so that the log begins anew.
//!
//! The log's file is overwritten in place and never cut while the store is open: a flush of a file that
//! does not change its length is the cheapest there is.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::Opener;

/// The log is copied after so many bytes of new bodies …
const COPY_BYTES: u64 = 12 << 20;
/// … and begun anew when it has so many pages (of 4 KiB).
const RESTART_PAGES: i64 = 12_000;

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
}

enum Wake {
    Copy,
    Stop,
}

impl Signal {
    /// So many bytes were committed.
    pub(super) fn written(&self, bytes: u64) {
        let Some(grown) = &self.0 else { return };
        if grown.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes < COPY_BYTES {
            return;
        }
        grown.bytes.store(0, Ordering::Relaxed);
        if let Err(TrySendError::Disconnected(_)) = grown.wake.try_send(Wake::Copy) {
            tracing::debug!("The checkpointer has stopped.");
        }
    }
}

impl Checkpointer {
    pub(super) fn start(opener: &Opener) -> rusqlite::Result<Self> {
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
            .spawn(move || checkpoint_loop(&connection, &wakes))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let bytes = AtomicU64::new(0);
        Ok(Self {
            signal: Signal(Some(Arc::new(Grown { bytes, wake }))),
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

fn checkpoint_loop(connection: &Connection, wakes: &Receiver<Wake>) {
    while let Ok(wake) = wakes.recv() {
        let result = match wake {
            Wake::Stop => checkpoint(connection, "TRUNCATE").map(drop),
            Wake::Copy => checkpoint(connection, "PASSIVE").and_then(|pages| {
                if pages >= RESTART_PAGES {
                    checkpoint(connection, "RESTART").map(drop)
                } else {
                    Ok(())
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

/// Returns how many pages the log has.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        row.get(1)
    })
}
