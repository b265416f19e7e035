//! The schema, as steps forward. A step that was released is never edited.

use rusqlite::Connection;

use crate::{Millis, OpenError};

/// Step n brings schema n to n + 1. Event tables are made per day, by [`super::events`].
///
/// `delivery.held` is the number of the node that holds it, or 0; before there were nodes it was 1.
const STEPS: &[&str] = &["
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE event_day (day INTEGER PRIMARY KEY);
    CREATE TABLE data_key (
        id INTEGER PRIMARY KEY,
        appid TEXT NOT NULL,
        sealed BLOB NOT NULL
    );
    CREATE INDEX data_key_appid ON data_key (appid);
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        day INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        appid TEXT NOT NULL,
        app TEXT NOT NULL,
        state INTEGER NOT NULL,
        held INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        due INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        status INTEGER,
        elapsed INTEGER,
        rule TEXT,
        detail TEXT
    );
    CREATE INDEX delivery_due ON delivery (due) WHERE state = 0;
    CREATE INDEX delivery_event ON delivery (day, seq);
    CREATE TABLE token (
        credential TEXT PRIMARY KEY,
        sealed BLOB,
        obtained INTEGER NOT NULL DEFAULT 0,
        expires INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        leased_until INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE app_key (
        id TEXT PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE,
        app TEXT NOT NULL,
        accounts TEXT NOT NULL,
        created INTEGER NOT NULL,
        revoked INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE account (appid TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
", "
    CREATE TABLE dedup (key BLOB PRIMARY KEY, day INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
", "
    CREATE TABLE event_mark (
        day INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        reading TEXT NOT NULL,
        rule TEXT NOT NULL,
        PRIMARY KEY (day, seq)
    ) WITHOUT ROWID;
", "
    CREATE TABLE node (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    INSERT INTO node (id, name) VALUES (1, 'node');
    ALTER TABLE delivery ADD COLUMN fence INTEGER NOT NULL DEFAULT 1;
"];

/// The step that makes the dedup table.
const DEDUP: usize = 1;
/// Keys are taken over from so many days: twice the longest window that a gateway can be set to, and one.
const DEDUP_DAYS: i32 = 15;

/// Brings the database to the newest schema.
pub(super) fn run(connection: &mut Connection, path: &str, now: Millis) -> Result<(), OpenError> {
    let database = |source: rusqlite::Error| OpenError::Database {
        path: path.to_owned(),
        source: source.into(),
    };
    let known = STEPS.len() as i64;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(database)?;
    let found: i64 = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(database)?;
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found == known {
        // Nothing to write, nothing to flush: the usual start.
        return Ok(());
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (number, step) in STEPS.iter().enumerate().skip(done) {
        transaction.execute_batch(step).map_err(database)?;
        if number == DEDUP {
            take_over_keys(&transaction, now.day()).map_err(database)?;
        }
    }
    transaction
        .execute_batch(&format!("PRAGMA user_version = {known}"))
        .map_err(database)?;
    transaction.commit().map_err(database)
}

/// Fills the dedup table from the events' own tables, which told repeats apart before.
fn take_over_keys(connection: &Connection, today: i32) -> rusqlite::Result<()> {
    for day in super::events::days(connection)? {
        if day >= today.saturating_sub(DEDUP_DAYS) {
            connection.execute_batch(&format!(
                "INSERT OR IGNORE INTO dedup (key, day, seq)
                 SELECT dedup, {day}, seq FROM event_d{day} ORDER BY dedup"
            ))?;
        }
    }
    Ok(())
}
