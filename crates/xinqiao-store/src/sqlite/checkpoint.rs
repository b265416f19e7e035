//! Moves the write-ahead log into the database, on a thread and a connection of its own, so that no
//! write waits for it: it mostly copies beside the writer, and only now and then asks for a moment
//! alone to cut the log.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::Opener;

/// The log is copied once it has grown to this size …
const COPY_BYTES: u64 = 4 << 20;
/// … and cut at this one.
const CUT_BYTES: u64 = 48 << 20;

pub(super) struct Checkpointer {
    signal: Signal,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The writer's way to say that the log grew.
#[derive(Clone)]
pub(super) struct Signal(Option<Arc<SyncSender<Wake>>>);

enum Wake {
    Written,
    Stop,
}

impl Signal {
    pub(super) fn written(&self) {
        if let Some(tx) = &self.0
            && let Err(TrySendError::Disconnected(_)) = tx.try_send(Wake::Written)
        {
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
        let log = PathBuf::from(format!("{}-wal", opener.path));
        // One wake-up that waits is enough.
        let (tx, rx) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoint_loop(&connection, &rx, &log))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self {
            signal: Signal(Some(Arc::new(tx))),
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
        let (Some(thread), Some(tx)) = (thread, &self.signal.0) else {
            return;
        };
        drop(tx.send(Wake::Stop));
        if thread.join().is_err() {
            tracing::error!("The store's checkpointer panicked.");
        }
    }
}

fn checkpoint_loop(connection: &Connection, wakes: &Receiver<Wake>, log: &std::path::Path) {
    let mut copied = 0;
    while let Ok(wake) = wakes.recv() {
        let size = std::fs::metadata(log).map_or(0, |meta| meta.len());
        let result = match wake {
            Wake::Stop => connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"),
            Wake::Written if size >= CUT_BYTES => {
                copied = 0;
                connection.execute_batch(
                    "PRAGMA wal_checkpoint(PASSIVE); PRAGMA wal_checkpoint(TRUNCATE)",
                )
            }
            Wake::Written if size >= copied + COPY_BYTES => {
                copied = size;
                connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")
            }
            Wake::Written => {
                copied = copied.min(size);
                Ok(())
            }
        };
        if let Err(error) = result {
            tracing::warn!(%error, "A checkpoint failed and will be tried again.");
        }
        if matches!(wake, Wake::Stop) {
            return;
        }
    }
}
