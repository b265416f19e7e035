//! The schema, as steps forward. A step that was released is never edited.

use rusqlite::Connection;

use crate::OpenError;

/// Step n brings schema n to n + 1. Event tables are made per day, by [`super::events`].
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
"];

/// Brings the database to the newest schema.
pub(super) fn run(connection: &mut Connection, path: &str) -> Result<(), OpenError> {
    let database = |source| OpenError::Database {
        path: path.to_owned(),
        source,
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
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(database)?;
    }
    transaction
        .execute_batch(&format!("PRAGMA user_version = {known}"))
        .map_err(database)?;
    transaction.commit().map_err(database)
}
