//! What survives a restart: the rows of the world's tables in one SQLite file, written by a thread of its own.
//!
//! The owner of the world hands over what changed since the last time, at the end of a turn; the writer puts all that
//! waits into one transaction. So the file always holds the world as it was between two turns.
//!
//! What a killed process loses: the turns since the latest commit. While nothing is being written, a command of the
//! control interface is answered when it is committed, and a call of an app is handed over at its end; otherwise both
//! are answered at once and handed over after 20 ms at the latest, and who makes much at once waits for the writer. So
//! it is at most what was acknowledged in the last 50 ms beside other work, on a disk that keeps up. The file itself
//! survives the end of the power.
//!
//! Files of format 1 (one document and the commands since) are read and replaced by rows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::kernel::{
    House, Id, World,
    command::Entry,
    table::{AnyTable, Change},
};

/// The file's name.
const FILE: &str = "simulator.db";
/// What the file's frame is called in its header; its tables have versions of their own.
const FORMAT: i64 = 2;
/// Rows that wait to be written: who makes many at once waits below it, so that little is lost with the process.
const MANY: usize = 20_000;

/// The way to the thread that writes.
#[derive(Debug)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
    backlog: Backlog,
}

/// How many rows wait to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    /// Whether so much waits that more should not be made at once.
    pub(crate) fn is_long(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MANY
    }
}

enum Job {
    Write(Batch),
    Stop(mpsc::Sender<()>),
}

/// What changed since the last batch.
#[derive(Default)]
struct Batch {
    /// Nothing that was kept so far counts any more.
    replaced: bool,
    seed: u64,
    rows: Vec<Change>,
    files: Vec<(Id, Option<Bytes>)>,
    /// What waits for it to be written.
    then: Option<Box<dyn FnOnce() + Send>>,
}

/// Why the kept world could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
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
    /// What is in the file is no world that this program reads.
    #[error(
        "the world kept in {path} cannot be read: {reason}; start with --fresh to make a new one"
    )]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong, with the name of the table.
        reason: String,
    },
    /// The thread could not be started.
    #[error("the system does not start a thread")]
    Thread(#[source] std::io::Error),
}

/// An opened file, before its thread runs.
#[derive(Debug)]
pub(crate) struct Opened {
    connection: Connection,
    path: PathBuf,
    /// The world that was kept in it.
    pub(crate) world: Option<World>,
    /// Whether its rows must be written anew.
    rewrite: bool,
}

/// Opens the file of a folder, and reads the world in it if it is of this seed.
pub(crate) fn open(
    folder: &Path,
    fresh: bool,
    seed: u64,
    house: &'static House,
) -> Result<Opened, StoreError> {
    std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    let path = folder.join(FILE);
    if fresh {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{FILE}{end}")));
        }
    }
    let failed = |error: LoadError| match error {
        LoadError::Database(source) => match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StoreError::InUse { path: path.clone() }
            }
            _ => StoreError::Database {
                path: path.clone(),
                source,
            },
        },
        LoadError::Content(reason) => StoreError::Content {
            path: path.clone(),
            reason,
        },
    };
    let connection = Connection::open(&path)
        .map_err(LoadError::from)
        .map_err(failed)?;
    let (world, rewrite) = load(&connection, seed, house).map_err(failed)?;
    Ok(Opened {
        connection,
        path,
        world,
        rewrite,
    })
}

impl Opened {
    /// Keeps this world from here on: all of it at once if the file does not hold it, then what changes.
    pub(crate) fn keep(mut self, world: &mut World) -> Result<Store, StoreError> {
        if self.rewrite {
            world.touch();
            world.replaced = true;
        }
        let failed = |source| StoreError::Database {
            path: self.path.clone(),
            source,
        };
        // While it is made nothing is synced: a file that a power cut damages here holds nothing yet.
        write(&mut self.connection, &[take(world)]).map_err(failed)?;
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(failed)?;
        let (jobs, waiting) = mpsc::channel();
        let backlog = Backlog::default();
        let written = backlog.clone();
        let connection = self.connection;
        std::thread::Builder::new()
            .name("xinqiao-store".to_owned())
            .spawn(move || run(connection, &waiting, &written))
            .map_err(StoreError::Thread)?;
        Ok(Store { jobs, backlog })
    }
}

impl Store {
    pub(crate) fn backlog(&self) -> Backlog {
        self.backlog.clone()
    }

    /// Whether something is being written: what changes meanwhile is better written together.
    pub(crate) fn is_busy(&self) -> bool {
        self.backlog.0.load(Ordering::Relaxed) > 0
    }

    /// Hands over what changed. Never waits.
    pub(crate) fn hand_over(&self, world: &mut World) {
        self.send(take(world));
    }

    /// The same, and does something once it is written.
    pub(crate) fn hand_over_and(&self, world: &mut World, then: Box<dyn FnOnce() + Send>) {
        let mut batch = take(world);
        batch.then = Some(then);
        self.send(batch);
    }

    fn send(&self, batch: Batch) {
        let rows = batch.rows.len();
        self.backlog.0.fetch_add(rows, Ordering::Relaxed);
        let _ = self.jobs.send(Job::Write(batch));
    }

    /// Waits until everything that was handed over is written.
    pub(crate) fn stop(self) {
        let (done, ended) = mpsc::channel();
        if self.jobs.send(Job::Stop(done)).is_ok() {
            let _ = ended.recv();
        }
    }
}

/// Takes what changed out of the world.
fn take(world: &mut World) -> Batch {
    let mut batch = Batch {
        replaced: std::mem::take(&mut world.replaced),
        seed: world.seed,
        rows: Vec::with_capacity(world.tables.changed()),
        files: world.files.changes(),
        then: None,
    };
    for table in world.house.tables() {
        table.changes(&mut world.tables, &mut batch.rows);
    }
    world.tables.settled();
    batch
}

fn run(mut connection: Connection, jobs: &mpsc::Receiver<Job>, backlog: &Backlog) {
    while let Ok(first) = jobs.recv() {
        let mut batches = Vec::new();
        let mut end = None;
        for job in std::iter::once(first).chain(jobs.try_iter()) {
            match job {
                Job::Write(batch) => batches.push(batch),
                Job::Stop(done) => end = Some(done),
            }
        }
        if let Err(error) = write(&mut connection, &batches) {
            tracing::error!(%error, "What changed could not be kept; it is lost on restart.");
        }
        let rows = batches.iter().map(|batch| batch.rows.len()).sum();
        backlog.0.fetch_sub(rows, Ordering::Relaxed);
        for then in batches.into_iter().filter_map(|batch| batch.then) {
            then();
        }
        if let Some(done) = end {
            // The file stands alone when it is closed.
            drop(connection);
            let _ = done.send(());
            return;
        }
    }
}

fn write(connection: &mut Connection, batches: &[Batch]) -> Result<(), rusqlite::Error> {
    let all = connection.transaction()?;
    for batch in batches {
        if batch.replaced {
            all.execute_batch("DELETE FROM rows; DELETE FROM files;")?;
            put_meta(&all, "seed", &batch.seed.to_string())?;
        }
        let mut put = all.prepare_cached(
            "INSERT INTO rows (tbl, key, version, row) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tbl, key) DO UPDATE SET version = ?3, row = ?4",
        )?;
        let mut remove = all.prepare_cached("DELETE FROM rows WHERE tbl = ?1 AND key = ?2")?;
        let mut ids: BTreeMap<&str, i64> = BTreeMap::new();
        for change in &batch.rows {
            let id = match ids.get(change.table) {
                Some(id) => *id,
                None => {
                    let id = table_id(&all, change.table)?;
                    ids.insert(change.table, id);
                    id
                }
            };
            match &change.row {
                Some(row) => put.execute(params![id, change.key, change.version, row])?,
                None => remove.execute(params![id, change.key])?,
            };
        }
        for (id, bytes) in &batch.files {
            match bytes {
                Some(bytes) => all.execute(
                    "INSERT OR REPLACE INTO files (id, bytes) VALUES (?1, ?2)",
                    params![&**id, &bytes[..]],
                )?,
                None => all.execute("DELETE FROM files WHERE id = ?1", params![&**id])?,
            };
        }
    }
    all.commit()
}

fn put_meta(all: &Transaction<'_>, name: &str, value: &str) -> Result<(), rusqlite::Error> {
    all.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?
        .execute(params![name, value])
        .map(|_| ())
}

fn table_id(all: &Transaction<'_>, name: &str) -> Result<i64, rusqlite::Error> {
    all.prepare_cached("INSERT OR IGNORE INTO tables (name) VALUES (?1)")?
        .execute(params![name])?;
    all.prepare_cached("SELECT id FROM tables WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
}

enum LoadError {
    Database(rusqlite::Error),
    Content(String),
}

impl From<rusqlite::Error> for LoadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<String> for LoadError {
    fn from(reason: String) -> Self {
        Self::Content(reason)
    }
}

/// The world in a file, and whether the file must be written anew.
fn load(
    connection: &Connection,
    seed: u64,
    house: &'static House,
) -> Result<(Option<World>, bool), LoadError> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "cache_size", -8192)?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format > FORMAT {
        return Err(LoadError::Content(format!(
            "it was made by a newer program (format {format}, this program reads {FORMAT})"
        )));
    }
    let old = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'snapshot'",
            [],
            |_| Ok(()),
        )
        .optional()?;
    let kept = match (format, old) {
        (FORMAT, _) => from_rows(connection, seed, house)?,
        (_, Some(())) => from_format_1(connection, seed, house)?,
        _ => None,
    };
    if format != FORMAT {
        connection.execute_batch(
            "BEGIN EXCLUSIVE;
             DROP TABLE IF EXISTS journal; DROP TABLE IF EXISTS snapshot;
             CREATE TABLE tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE rows (
                 tbl INTEGER NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, row BLOB NOT NULL,
                 PRIMARY KEY (tbl, key)) WITHOUT ROWID;
             CREATE TABLE files (id TEXT PRIMARY KEY, bytes BLOB NOT NULL);
             CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
             PRAGMA user_version = 2;
             COMMIT;",
        )?;
    }
    let rewrite = format != FORMAT || kept.is_none();
    Ok((kept, rewrite))
}

fn from_rows(
    connection: &Connection,
    seed: u64,
    house: &'static House,
) -> Result<Option<World>, LoadError> {
    let meta = |name: &str| -> Result<Option<String>, rusqlite::Error> {
        connection
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()
    };
    if meta("seed")? != Some(seed.to_string()) {
        tracing::info!("The kept world has another seed and is replaced.");
        return Ok(None);
    }
    let mut world = World::empty(seed, house);
    let mut tables: BTreeMap<i64, &'static dyn AnyTable> = BTreeMap::new();
    let mut names = connection.prepare("SELECT id, name FROM tables ORDER BY id")?;
    let mut names = names.query([])?;
    while let Some(row) = names.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let table = house
            .table(&name)
            .ok_or_else(|| format!("this program has no table {name}"))?;
        tables.insert(id, table);
    }
    let mut rows = connection.prepare("SELECT tbl, key, version, row FROM rows")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let table = tables
            .get(&id)
            .ok_or_else(|| format!("a row belongs to no table ({id})"))?;
        let version: u32 = row.get(2)?;
        let (key, content) = (row.get_ref(1)?, row.get_ref(3)?);
        let key = key.as_blob().map_err(|error| error.to_string())?;
        let content = content.as_blob().map_err(|error| error.to_string())?;
        if version == table.version() {
            table.load(&mut world, key, content)?;
            continue;
        }
        let key = table
            .key_of(key)
            .ok_or_else(|| format!("a key of {} cannot be read", table.name()))?;
        let content = serde_json::from_slice(content)
            .map_err(|error| format!("a row of {} cannot be read: {error}", table.name()))?;
        let (key, content) = house.migrated(*table, version, key, content)?;
        table.import(&mut world, &key, content)?;
    }
    let mut files = connection.prepare("SELECT id, bytes FROM files")?;
    let mut files = files.query([])?;
    while let Some(row) = files.next()? {
        let (id, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        world.files.load(id.into(), bytes.into());
    }
    world.index();
    Ok(Some(world))
}

/// Format 1: a document of the whole world, and the commands since it was written.
fn from_format_1(
    connection: &Connection,
    seed: u64,
    house: &'static House,
) -> Result<Option<World>, LoadError> {
    let kept: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT seed, world FROM snapshot WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((kept_seed, document)) = kept else {
        return Ok(None);
    };
    if kept_seed != seed.cast_signed() {
        tracing::info!("The kept world has another seed and is replaced.");
        return Ok(None);
    }
    let document = serde_json::from_slice(&document)
        .map_err(|error| format!("its document is broken: {error}"))?;
    let mut world = World::from_format_1(&document, house)?;
    let mut commands = connection.prepare("SELECT wall_ms, command FROM journal ORDER BY id")?;
    let mut commands = commands.query([])?;
    while let Some(row) = commands.next()? {
        let wall_ms: i64 = row.get(0)?;
        let text: Vec<u8> = row.get(1)?;
        let entry = entry_of_format_1(&text, house)?;
        world.replay(&entry, wall_ms)?;
    }
    Ok(Some(world))
}

/// Format 1 wrote a command as an object with one field, its name.
fn entry_of_format_1(text: &[u8], house: &House) -> Result<Entry, String> {
    let command: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text)
        .map_err(|error| format!("a command in its journal is broken: {error}"))?;
    let (name, input) = { command.into_iter() }
        .next()
        .ok_or("a command in its journal is empty")?;
    let verb = house
        .verbs()
        .find(|verb| verb.was == name)
        .ok_or_else(|| format!("this program has no command `{name}`"))?;
    Ok(Entry {
        name: verb.name.to_owned(),
        version: verb.version,
        input,
    })
}
