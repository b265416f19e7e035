//! What survives a restart: the rows of the world's tables in one SQLite file and its files in a folder beside it, written
//! by a thread of its own.
//!
//! The owner of the world hands over what changed since the last time, at the end of a turn; the writer puts all that
//! waits into one transaction. So the file always holds the world as it was between two turns.
//!
//! What a killed process loses: the turns since the latest commit. While nothing is being written, a command of the
//! control interface is answered when it is committed; otherwise, and after any call of an app, the answer comes at once
//! and the change is handed over after 20 ms, and who makes much at once waits for the writer. So it is at most what was
//! acknowledged in the last 50 ms, on a disk that keeps up. The file itself survives the end of the power.
//!
//! A file is on the disk, whole and under its name, before the transaction that names it is committed; from then on the
//! world no longer holds its bytes. It is taken away after the transaction that forgets it. What a killed process leaves in
//! between is swept at the next start.
//!
//! Format 1 (one document and the commands since) is read and replaced by rows; of format 2, which had the bytes of files
//! in a table, the files move to the folder.

mod load;
mod shelf;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Transaction, hooks::Wal, params};

use self::{
    load::{LoadError, load},
    shelf::{Shelf, Swept},
};
use super::breath::Breath;
use crate::kernel::{
    House, Id, World,
    files::{Place, Slot},
    packed::Packed,
    table::Change,
};

/// The seed of the world that is kept, which may come from elsewhere.
const WORLD_SEED: &str = "world_seed";
/// The file's name.
const FILE: &str = "simulator.db";
/// What the file's frame is called in its header; its tables have versions of their own.
const FORMAT: i64 = 3;
/// How soon what could not be written is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// Rows that wait to be written: who makes many at once waits below it, so that little is lost with the process.
const MANY: usize = 20_000;
/// So many pages are written beside the file before they are taken into it.
const BESIDE: usize = 1000;

/// The way to the thread that writes.
#[derive(Debug)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
    backlog: Backlog,
}

/// How many rows wait to be written, or are being taken into the file.
#[derive(Debug, Clone, Default)]
struct Backlog(Arc<AtomicUsize>);

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
    rows: Packed<Change>,
    files: Vec<(Id, Option<Arc<Slot>>)>,
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
    /// The files of the world cannot be written.
    #[error("cannot write the files of the world in {path}; choose another folder or use --memory")]
    Files {
        /// Where they lie.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The thread could not be started.
    #[error("the system does not start a thread")]
    Thread(#[source] std::io::Error),
}

/// Where a world is kept.
#[derive(Debug)]
struct Disk {
    connection: Connection,
    /// Whose folder it is: the seed that a start with it asks for, whatever world was brought in since.
    seed: u64,
    shelf: Shelf,
}

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error("a file cannot be written: {0}")]
    Files(#[from] std::io::Error),
}

/// An opened file, before its thread runs.
#[derive(Debug)]
pub(crate) struct Opened {
    disk: Disk,
    path: PathBuf,
    /// The world that was kept in it.
    pub(crate) world: Option<World>,
    /// Whether its rows must be written anew.
    rewrite: bool,
    /// What makes its tables those of this format, where they are not.
    schema: &'static [&'static str],
    /// Whether something was kept in it.
    kept_before: bool,
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
    let shelf = Shelf::of(folder);
    let loaded = load(&connection, &shelf, seed, house).map_err(failed)?;
    Ok(Opened {
        disk: Disk {
            connection,
            seed,
            shelf,
        },
        path,
        rewrite: !loaded.has_rows || loaded.world.is_none(),
        world: loaded.world,
        schema: loaded.schema,
        kept_before: loaded.kept_before,
    })
}

impl Opened {
    /// Keeps this world from here on: all of it at once if the file does not hold it, then what changes.
    pub(crate) fn keep(mut self, world: &mut World) -> Result<Store, StoreError> {
        if self.rewrite {
            world.touch();
            world.replaced = true;
        }
        if !self.schema.is_empty() {
            world.files.touch();
        }
        let failed = |source| StoreError::Database {
            path: self.path.clone(),
            source,
        };
        let disk = &mut self.disk;
        // While a file is made nothing is synced: one that a power cut damages here holds nothing yet. What was kept before
        // goes in the transaction that writes its successor.
        if self.kept_before {
            disk.connection
                .pragma_update(None, "synchronous", "FULL")
                .map_err(failed)?;
        }
        write(disk, &[take(world)], self.schema).map_err(|error| match error {
            WriteError::Database(source) => failed(source),
            WriteError::Files(source) => StoreError::Files {
                path: disk.shelf.folder().to_owned(),
                source,
            },
        })?;
        if self.kept_before && !self.schema.is_empty() {
            // The room of what has moved. Where that fails the file is whole, and larger than it must be.
            let _ = disk.connection.execute_batch("VACUUM");
        }
        disk.connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(failed)?;
        let named = all_named(&disk.connection).map_err(failed)?;
        match disk.shelf.sweep(named) {
            Ok(swept) => tell(&swept, disk.shelf.folder()),
            Err(error) => {
                tracing::warn!(%error, "Files that no world names could not be taken away.");
            }
        }
        let (jobs, waiting) = mpsc::channel();
        let backlog = Backlog::default();
        let written = backlog.clone();
        let disk = self.disk;
        std::thread::Builder::new()
            .name("xinqiao-store".to_owned())
            .spawn(move || run(disk, &waiting, &written))
            .map_err(StoreError::Thread)?;
        Ok(Store { jobs, backlog })
    }
}

impl Store {
    /// Whether something is being written: what changes meanwhile is better written together.
    pub(crate) fn is_busy(&self) -> bool {
        self.backlog.0.load(Ordering::Relaxed) > 0
    }

    /// Whether so much waits that more should not be made at once.
    pub(crate) fn is_behind(&self) -> bool {
        self.backlog.0.load(Ordering::Relaxed) > MANY
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
        self.jobs
            .send(Job::Write(batch))
            .expect("the thread that writes lives as long as the world");
    }

    /// Waits until everything that was handed over is written.
    pub(crate) fn stop(self) {
        let (done, ended) = mpsc::channel();
        if self.jobs.send(Job::Stop(done)).is_ok() {
            let _ = ended.recv();
        }
    }
}

fn tell(swept: &Swept, path: &Path) {
    let (path, taken) = (path.display(), swept.taken);
    if taken > 0 {
        tracing::info!(%path, taken, "Files that no world names were taken away.");
    }
    if let Some(first) = swept.missing.first() {
        let missing = swept.missing.len();
        tracing::warn!(%path, missing, first, "Files of the kept world are not on the disk; who asks for one is told that it is unknown.");
    }
}

/// Takes what changed out of the world.
fn take(world: &mut World) -> Batch {
    let mut batch = Batch {
        replaced: std::mem::take(&mut world.replaced),
        seed: world.seed,
        rows: Packed::default(),
        files: world.files.changes(),
        then: None,
    };
    for table in world.house.tables() {
        table.changes(&mut world.tables, &mut batch.rows);
    }
    world.tables.settled();
    batch
}

/// What cannot be written is tried again, together with what came since: the file never has a hole. Who waits for it is
/// answered after the first attempt, and the log says that it is not on the disk yet.
fn run(mut disk: Disk, jobs: &mpsc::Receiver<Job>, backlog: &Backlog) {
    let mut batches: Vec<Batch> = Vec::new();
    let mut failing = false;
    let beside = Arc::new(AtomicUsize::new(0));
    let counted = beside.clone();
    let count = move |_: &mut Wal, pages: i32| {
        counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    };
    // In place of SQLite's own way to tidy up, which is a part of the commit for which somebody may wait. Where this is not
    // to be had, SQLite does it.
    let _ = disk.connection.wal_hook(Some(count));
    loop {
        let first = if batches.is_empty() {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(AGAIN)
        };
        let mut end = None;
        let first = match first {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for job in first.into_iter().chain(jobs.try_iter()) {
            match job {
                Job::Write(batch) => batches.push(batch),
                Job::Stop(done) => end = Some(done),
            }
        }
        let written = write(&mut disk, &batches, &[]);
        let mut rows = 0;
        let then: Vec<_> = { batches.iter_mut() }
            .filter_map(|batch| batch.then.take())
            .collect();
        match written {
            Ok(()) => {
                rows = batches.iter().map(|batch| batch.rows.len()).sum();
                batches.clear();
                if std::mem::take(&mut failing) {
                    tracing::info!("What changed is kept again.");
                }
            }
            Err(error) if end.is_some() => {
                tracing::error!(%error, "What changed could not be kept; it is lost on restart.");
            }
            Err(error) if !failing => {
                failing = true;
                tracing::error!(%error, "What changed could not be kept yet; it is tried again.");
            }
            Err(_) => {}
        }
        let untidy = beside.load(Ordering::Relaxed) > BESIDE;
        if !untidy {
            backlog.0.fetch_sub(rows, Ordering::Relaxed);
        }
        for then in then {
            then();
        }
        if untidy {
            // Longer than a commit: it counts as busy, so that nobody waits for it. What fails is done with the next.
            let _ = disk
                .connection
                .execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
            beside.store(0, Ordering::Relaxed);
            backlog.0.fetch_sub(rows, Ordering::Relaxed);
        }
        if let Some(done) = end {
            // The file stands alone when it is closed.
            drop(disk);
            let _ = done.send(());
            return;
        }
    }
}

/// Writes batches in one transaction; `first` is done before them.
fn write(disk: &mut Disk, batches: &[Batch], first: &[&str]) -> Result<(), WriteError> {
    let all = disk.connection.transaction()?;
    let mut breath = Breath::new();
    let mut moved = Moved::default();
    for first in first {
        all.execute_batch(first)?;
    }
    for batch in batches {
        if batch.replaced {
            moved.dropped.extend(all_named(&all)?);
            all.execute_batch("DELETE FROM rows; DELETE FROM files;")?;
            put_meta(&all, "seed", &disk.seed.to_string())?;
            put_meta(&all, WORLD_SEED, &batch.seed.to_string())?;
        }
        let mut put = all.prepare_cached(
            "INSERT INTO rows (tbl, key, version, row) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tbl, key) DO UPDATE SET version = ?3, row = ?4",
        )?;
        let mut remove = all.prepare_cached("DELETE FROM rows WHERE tbl = ?1 AND key = ?2")?;
        let mut ids: BTreeMap<&str, i64> = BTreeMap::new();
        for (change, key, row) in batch.rows.iter() {
            breath.take();
            let id = match ids.get(change.table) {
                Some(id) => *id,
                None => {
                    let id = table_id(&all, change.table)?;
                    ids.insert(change.table, id);
                    id
                }
            };
            if change.gone {
                remove.execute(params![id, key])?;
            } else {
                put.execute(params![id, key, change.version, row])?;
            }
        }
        for (id, slot) in &batch.files {
            breath.take();
            write_file(&all, &disk.shelf, id, slot.as_ref(), &mut moved)?;
        }
    }
    if !moved.put.is_empty() {
        disk.shelf.settle()?;
    }
    let mut dropped = Vec::new();
    for name in moved.dropped {
        if !is_named(&all, &name)? {
            dropped.push(name);
        }
    }
    all.commit()?;
    for (slot, path, length) in moved.put {
        slot.lies(path, length);
    }
    for name in dropped {
        disk.shelf.remove(&name);
    }
    Ok(())
}

/// What a transaction does with files, as far as it shows once it is committed.
#[derive(Default)]
struct Moved {
    /// What is on the disk now.
    put: Vec<(Arc<Slot>, Arc<Path>, u64)>,
    /// Names that somebody no longer uses.
    dropped: BTreeSet<String>,
}

/// Puts a file on the disk where it is not there, and names it; one that is gone is named no more.
fn write_file(
    all: &Transaction<'_>,
    shelf: &Shelf,
    id: &str,
    slot: Option<&Arc<Slot>>,
    moved: &mut Moved,
) -> Result<(), WriteError> {
    let before = { all.prepare_cached("SELECT name FROM files WHERE id = ?1")? }
        .query_row(params![id], |row| row.get(0))
        .optional()?;
    moved.dropped.extend(before);
    let Some(slot) = slot else {
        all.prepare_cached("DELETE FROM files WHERE id = ?1")?
            .execute(params![id])?;
        return Ok(());
    };
    let (path, length) = match slot.place() {
        Place::Disk { path, length } => (path, length),
        Place::Memory(bytes) => {
            let (path, length) = (shelf.put(&bytes)?, bytes.len() as u64);
            moved.put.push((slot.clone(), path.clone(), length));
            (path, length)
        }
    };
    all.prepare_cached("INSERT OR REPLACE INTO files (id, name, length) VALUES (?1, ?2, ?3)")?
        .execute(params![id, shelf::name(&path), length.cast_signed()])?;
    Ok(())
}

/// Every name of a file that is in use.
fn all_named(connection: &Connection) -> Result<BTreeSet<String>, rusqlite::Error> {
    connection
        .prepare("SELECT name FROM files")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn is_named(all: &Transaction<'_>, name: &str) -> Result<bool, rusqlite::Error> {
    all.prepare_cached("SELECT 1 FROM files WHERE name = ?1")?
        .exists(params![name])
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

#[cfg(test)]
mod tests;
