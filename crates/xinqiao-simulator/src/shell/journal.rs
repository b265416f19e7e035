//! What survives a restart: snapshots of the world and the commands since, in one SQLite file.
//!
//! A command is written before it is carried out, with the time at which it is: carrying them out again from the
//! snapshot gives the same world, to the byte. A file of another version is read by its snapshot.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::world::{World, command::Command};

/// So many commands are carried out again at most after a crash.
const LONG: u64 = 5000;
/// The file's name.
const FILE: &str = "simulator.db";

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    connection: Connection,
    since_snapshot: u64,
}

/// Why the kept world could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The folder cannot be made.
    #[error("cannot make the folder {path}; choose another or use --memory")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be read or written.
    #[error("cannot use {path}; start with --fresh to make a new one, or with --memory")]
    Database {
        /// Which.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another simulator has it.
    #[error(
        "{path} is in use by another simulator; stop it, or start in another folder or with --memory"
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// What is in the file is no world.
    #[error("the world kept in {path} cannot be read; start with --fresh to make a new one")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Journal {
    /// Opens the journal of a folder, and the world that it keeps, if it keeps one of this seed.
    pub(crate) fn open(
        folder: &Path,
        fresh: bool,
        seed: u64,
    ) -> Result<(Self, Option<World>), JournalError> {
        std::fs::create_dir_all(folder).map_err(|source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join(FILE);
        if fresh {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.join(format!("{FILE}{end}")));
            }
        }
        let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                JournalError::InUse { path: path.clone() }
            }
            _ => JournalError::Database {
                path: path.clone(),
                source,
            },
        };
        let connection = Connection::open(&path).map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        let mut journal = Self {
            connection,
            since_snapshot: 0,
        };
        let world = journal.load(seed, &path).map_err(|error| match error {
            LoadError::Database(source) => failed(source),
            LoadError::Content(source) => JournalError::Content {
                path: path.clone(),
                source,
            },
        })?;
        if world.is_none() {
            journal.clear().map_err(failed)?;
        }
        Ok((journal, world))
    }

    fn load(&mut self, seed: u64, path: &Path) -> Result<Option<World>, LoadError> {
        let kept: Option<(i64, Vec<u8>)> = self
            .connection
            .query_row("SELECT seed, world FROM snapshot WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map(Some)
            .or_else(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(None),
                other => Err(other),
            })?;
        let Some((kept_seed, bytes)) = kept else {
            return Ok(None);
        };
        if kept_seed != seed.cast_signed() {
            tracing::info!(path = %path.display(), "The kept world has another seed and is replaced.");
            return Ok(None);
        }
        let mut world = World::from_snapshot(&bytes)?;
        let mut statement = self
            .connection
            .prepare("SELECT wall_ms, command FROM journal ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let wall_ms: i64 = row.get(0)?;
            let text: Vec<u8> = row.get(1)?;
            let command: Command = serde_json::from_slice(&text)?;
            let _ = world.apply(command, wall_ms);
            self.since_snapshot += 1;
        }
        Ok(Some(world))
    }

    fn clear(&self) -> Result<(), rusqlite::Error> {
        self.connection
            .execute_batch("DELETE FROM journal; DELETE FROM snapshot;")
    }

    /// Writes a command down before it is carried out.
    pub(crate) fn append(&mut self, wall_ms: i64, command: &Command) {
        if matches!(command, Command::Tick | Command::Resume) {
            return;
        }
        let written = serde_json::to_vec(command)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                self.connection
                    .prepare_cached("INSERT INTO journal (wall_ms, command) VALUES (?1, ?2)")
                    .and_then(|mut insert| insert.execute(params![wall_ms, text]))
                    .map_err(|error| error.to_string())
            });
        match written {
            Ok(_) => self.since_snapshot += 1,
            Err(error) => {
                tracing::error!(error, "A command could not be kept; it is lost on restart.");
            }
        }
    }

    /// Replaces the commands by what came of them.
    pub(crate) fn snapshot(&mut self, world: &World) {
        if let Err(error) = self.try_snapshot(world) {
            tracing::error!(error, "The world could not be kept.");
        }
    }

    /// Keeps the world as it starts, if the file has none yet; from then on commits are synced.
    pub(crate) fn begin(&mut self, world: &World, is_kept: bool) -> Result<(), JournalError> {
        if !is_kept {
            self.snapshot(world);
        }
        let path = self.connection.path().unwrap_or_default().into();
        settle(&self.connection).map_err(|source| JournalError::Database { path, source })
    }

    /// Writes the world down if there are commands that a start would have to carry out again.
    pub(crate) fn snapshot_if_behind(&mut self, world: &World) {
        if self.since_snapshot > 0 {
            self.snapshot(world);
        }
    }

    pub(crate) fn snapshot_if_long(&mut self, world: &World) {
        if self.since_snapshot >= LONG {
            self.snapshot(world);
        }
    }

    fn try_snapshot(&mut self, world: &World) -> Result<(), String> {
        let bytes = world.snapshot().map_err(|error| error.to_string())?;
        let seed = world.chance.seed().cast_signed();
        let text = |error: rusqlite::Error| error.to_string();
        let both = self.connection.transaction().map_err(text)?;
        both.execute(
            "INSERT OR REPLACE INTO snapshot (id, seed, world) VALUES (1, ?1, ?2)",
            params![seed, bytes],
        )
        .map_err(text)?;
        both.execute("DELETE FROM journal", []).map_err(text)?;
        both.commit().map_err(text)?;
        self.since_snapshot = 0;
        Ok(())
    }
}

enum LoadError {
    Database(rusqlite::Error),
    Content(serde_json::Error),
}

impl From<rusqlite::Error> for LoadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<serde_json::Error> for LoadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Content(error)
    }
}

/// Opens the file for this process alone.
///
/// While it is made nothing is synced: a file that a power cut damages here holds nothing yet. Afterwards every
/// commit survives the end of the process, and the file survives the end of the power.
fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "cache_size", -512)?;
    connection.execute_batch(
        "BEGIN EXCLUSIVE;
         CREATE TABLE IF NOT EXISTS journal (
             id INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, command BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS snapshot (
             id INTEGER PRIMARY KEY CHECK (id = 1), seed INTEGER NOT NULL, world BLOB NOT NULL);
         COMMIT;",
    )
}

/// From here on what is kept counts.
fn settle(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "synchronous", "NORMAL")
}
