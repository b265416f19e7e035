//! The dedup table: which callbacks are known, and where they are. One table for all days, so that a repeat
//! is recognised as long as its key is kept, over midnight and after the event's own table was dropped.
//!
//! Forgetting walks through the keys in their order, a step at a time: reading beside the writer, deleting
//! in its batches.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Sqlite;
use crate::{DedupKey, EventRef, Millis, StoreError};

/// Keys looked at in one step.
const STEP: usize = 500;

/// Enters a key for the event that is about to be written there. `false`: it is known already.
pub(super) fn enter(
    connection: &Connection,
    key: DedupKey,
    place: EventRef,
) -> rusqlite::Result<bool> {
    let entered = connection
        .prepare_cached(
            "INSERT INTO dedup (key, day, seq) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![key.0.as_slice(), place.day, place.seq])?;
    Ok(entered == 1)
}

/// Where the first event with this key is, or was.
pub(super) fn find(connection: &Connection, key: DedupKey) -> rusqlite::Result<Option<EventRef>> {
    connection
        .prepare_cached("SELECT day, seq FROM dedup WHERE key = ?1")?
        .query_row([key.0.as_slice()], |row| {
            Ok(EventRef {
                day: row.get(0)?,
                seq: row.get(1)?,
            })
        })
        .optional()
}

/// The keys of one step, and which of them are old.
struct Step {
    last: Option<Vec<u8>>,
    old: Vec<Vec<u8>>,
}

fn step(connection: &Connection, after: &[u8], before: i32) -> rusqlite::Result<Step> {
    let mut statement = connection
        .prepare_cached("SELECT key, day FROM dedup WHERE key > ?1 ORDER BY key LIMIT ?2")?;
    let mut rows = statement.query(params![after, STEP as i64])?;
    let mut step = Step {
        last: None,
        old: Vec::new(),
    };
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(0)?;
        if row.get::<_, i32>(1)? < before {
            step.old.push(key.clone());
        }
        step.last = Some(key);
    }
    Ok(step)
}

impl Sqlite {
    pub(crate) async fn forget_repeats(
        &self,
        before: Millis,
        _now: Millis,
    ) -> Result<usize, StoreError> {
        let before = before.day();
        if self.0.forgotten.load(Ordering::Relaxed) >= before {
            return Ok(0);
        }
        let mut after = Vec::new();
        let mut gone = 0;
        loop {
            let from = after.clone();
            let found = self
                .read(move |connection| step(connection, &from, before))
                .await?;
            if !found.old.is_empty() {
                gone += found.old.len();
                self.write(move |connection| {
                    let mut delete = connection
                        .prepare_cached("DELETE FROM dedup WHERE key = ?1 AND day < ?2")?;
                    for key in &found.old {
                        delete.execute(params![key, before])?;
                    }
                    Ok(())
                })
                .await?;
            }
            let Some(last) = found.last else { break };
            after = last;
        }
        self.0.forgotten.fetch_max(before, Ordering::Relaxed);
        Ok(gone)
    }
}
