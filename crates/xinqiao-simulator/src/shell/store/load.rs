//! Reads the world that a file holds: the rows of this format or of format 2, or the document and the commands of format 1.

use std::{collections::BTreeMap, sync::mpsc};

use rusqlite::{Connection, OptionalExtension};

use super::{FORMAT, Shelf, WORLD_SEED};
use crate::kernel::{
    House, World,
    command::Entry,
    files::Place,
    packed::Packed,
    table::{AnyTable, Loading},
};

/// Bytes of rows that are handed over at once.
const PAGE: usize = 256 * 1024;
/// Pages that may be read before they are taken apart.
const AHEAD: usize = 4;

/// The tables of a file but [`FILES`], in place of those of format 1.
const TABLES: &str = "
    DROP TABLE IF EXISTS journal; DROP TABLE IF EXISTS snapshot;
    CREATE TABLE tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE rows (
        tbl INTEGER NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, row BLOB NOT NULL,
        PRIMARY KEY (tbl, key)) WITHOUT ROWID;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);";
/// Which file of the shelf is whose, in place of the table of format 2, which had the bytes in it.
const FILES: &str = "
    DROP TABLE IF EXISTS files;
    CREATE TABLE files (id TEXT PRIMARY KEY, name TEXT NOT NULL, length INTEGER NOT NULL);
    CREATE INDEX files_by_name ON files (name);
    PRAGMA user_version = 3;";

/// What makes the tables where there are none.
pub(super) const SCHEMA: &[&str] = &[TABLES, FILES];
/// The format of before files lay in a folder.
const BYTES_IN_TABLE: i64 = 2;

/// What a file holds. Nothing in it was changed.
pub(super) struct Loaded {
    pub(super) world: Option<World>,
    /// What makes the tables those of this format, where they are not.
    pub(super) schema: &'static [&'static str],
    /// Whether it has the rows of its world as this format has them.
    pub(super) has_rows: bool,
    /// Whether there was something in it.
    pub(super) kept_before: bool,
}

/// Why there is no world.
pub(super) enum LoadError {
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

/// Reads the world in a file.
pub(super) fn load(
    connection: &Connection,
    shelf: &Shelf,
    seed: u64,
    house: &'static House,
) -> Result<Loaded, LoadError> {
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
    let (kept, schema) = match (format, old) {
        (FORMAT, _) => (from_rows(connection, Some(shelf), seed, house)?, &[][..]),
        (BYTES_IN_TABLE, _) => (from_rows(connection, None, seed, house)?, &[FILES][..]),
        (_, Some(())) => (from_format_1(connection, seed, house)?, SCHEMA),
        _ => (None, SCHEMA),
    };
    let has_rows = format >= BYTES_IN_TABLE;
    Ok(Loaded {
        world: kept,
        schema,
        has_rows,
        kept_before: has_rows || old.is_some(),
    })
}

/// The files lie on a shelf, or are in the table.
fn from_rows(
    connection: &Connection,
    shelf: Option<&Shelf>,
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
    let Some(kept) = meta("seed")? else {
        // It is written in the transaction that makes the tables: without it nobody knows whose rows these are.
        return Err(LoadError::Content(
            "it does not say which seed it has (no `seed` in its table `meta`)".to_owned(),
        ));
    };
    if kept != seed.to_string() {
        tracing::info!("The kept world has another seed and is replaced.");
        return Ok(None);
    }
    let own = meta(WORLD_SEED)?.and_then(|text| text.parse().ok());
    let mut world = World::empty(own.unwrap_or(seed), house);
    for loading in rows(connection, house)? {
        loading.done(&mut world);
    }
    match shelf {
        Some(shelf) => name_files(connection, shelf, &mut world)?,
        None => take_files(connection, &mut world)?,
    }
    world.sound()?;
    world.index();
    Ok(Some(world))
}

/// Where the files lie. Nothing of them is read.
fn name_files(connection: &Connection, shelf: &Shelf, world: &mut World) -> Result<(), LoadError> {
    let mut files = connection.prepare("SELECT id, name, length FROM files")?;
    let mut files = files.query([])?;
    while let Some(row) = files.next()? {
        let (id, name, length): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let path = { shelf.path(&name) }
            .ok_or_else(|| format!("`{name}` is no name of a file of a world"))?;
        let length = length.cast_unsigned();
        world.files.load(id.into(), Place::Disk { path, length });
    }
    Ok(())
}

/// The files of format 2, whose bytes are in the table.
fn take_files(connection: &Connection, world: &mut World) -> Result<(), LoadError> {
    let mut files = connection.prepare("SELECT id, bytes FROM files")?;
    let mut files = files.query([])?;
    while let Some(row) = files.next()? {
        let (id, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        world.files.load(id.into(), Place::Memory(bytes.into()));
    }
    Ok(())
}

/// All rows, table by table: one thread reads what another takes apart.
fn rows(
    connection: &Connection,
    house: &'static House,
) -> Result<Vec<Box<dyn Loading>>, LoadError> {
    let mut tables = BTreeMap::new();
    let mut names = connection.prepare("SELECT id, name FROM tables ORDER BY id")?;
    let mut names = names.query([])?;
    while let Some(row) = names.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        if house.is_retired(&name) {
            connection.execute("DELETE FROM rows WHERE tbl = ?1", [id])?;
            continue;
        }
        let table = house
            .table(&name)
            .ok_or_else(|| format!("this program has no table {name}"))?;
        tables.insert(id, (table, table.loading()));
    }
    let (full, pages) = mpsc::sync_channel::<Page>(AHEAD);
    std::thread::scope(|scope| {
        let taking_apart = scope.spawn(move || {
            for page in pages {
                take_apart(&page, house, &mut tables)?;
            }
            Ok::<_, String>(tables.into_values().map(|(_, loading)| loading).collect())
        });
        let read = read(connection, &full);
        drop(full);
        let rows = { taking_apart.join() }.expect("reading a row does not panic")?;
        read?;
        Ok(rows)
    })
}

/// Fills pages with the rows in order, until nobody wants them.
fn read(connection: &Connection, full: &mpsc::SyncSender<Page>) -> Result<(), LoadError> {
    let mut rows = connection.prepare("SELECT tbl, key, version, row FROM rows")?;
    let mut rows = rows.query([])?;
    let mut page = Page::default();
    while let Some(row) = rows.next()? {
        let (key, content) = (row.get_ref(1)?, row.get_ref(3)?);
        let key = key.as_blob().map_err(|error| error.to_string())?;
        let content = content.as_blob().map_err(|error| error.to_string())?;
        let kept = Kept {
            table: row.get(0)?,
            version: row.get(2)?,
        };
        page.push(
            kept,
            |bytes| bytes.extend(key),
            |bytes| bytes.extend(content),
        );
        if page.size() >= PAGE && full.send(std::mem::take(&mut page)).is_err() {
            return Ok(());
        }
    }
    let _ = full.send(page);
    Ok(())
}

/// Many rows as they stand on disk.
type Page = Packed<Kept>;

/// Whose row it is.
#[derive(Clone, Copy)]
struct Kept {
    table: i64,
    version: u32,
}

type Tables = BTreeMap<i64, (&'static dyn AnyTable, Box<dyn Loading>)>;

fn take_apart(page: &Page, house: &House, tables: &mut Tables) -> Result<(), String> {
    for (kept, key, row) in page.iter() {
        let (table, loading) = tables
            .get_mut(&kept.table)
            .ok_or_else(|| format!("a row belongs to no table ({})", kept.table))?;
        if kept.version == table.version() {
            loading.row(key, row)?;
            continue;
        }
        let key = table
            .key_of(key)
            .ok_or_else(|| format!("a key of {} cannot be read", table.name()))?;
        let row = serde_json::from_slice(row)
            .map_err(|error| format!("a row of {} cannot be read: {error}", table.name()))?;
        let (key, row) = house.migrated(*table, kept.version, key, row)?;
        loading.migrated(&key, row)?;
    }
    Ok(())
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
