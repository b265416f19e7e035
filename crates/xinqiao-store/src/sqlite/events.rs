//! The event log: a table per Shanghai day, so that retention is dropping a table.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use xinqiao_types::AppId;

use super::{Sqlite, dedup};
use crate::{
    Answer, Appended, DedupKey, Event, EventRef, Fence, Held, Mark, Millis, NewEvent, StoreError,
    model::dedup_from, vault::DataKey,
};

/// An append, sealed and ready for the writer.
pub(super) struct AppendJob {
    day: i32,
    appid: AppId,
    dedup: DedupKey,
    kind: Box<str>,
    received: Millis,
    key: Arc<DataKey>,
    body: Vec<u8>,
    apps: Vec<Box<str>>,
    /// The node that holds its deliveries, and until when.
    node: i64,
    held_until: Millis,
    /// What it waited for the writer is no part of its hold.
    queued: Instant,
    mark: Option<Mark>,
}

impl AppendJob {
    /// What it adds to the log, about.
    pub(super) fn bytes(&self) -> u64 {
        self.body.len() as u64 + 128
    }
}

/// The writer's side of the log: which days have a table, and the next place.
pub(super) struct EventWriter {
    days: BTreeSet<i32>,
    next: i64,
    /// The day that is being written, and its statement: no text is built per event.
    insert: Option<(i32, String)>,
}

impl EventWriter {
    pub(super) fn new(connection: &Connection) -> rusqlite::Result<Self> {
        let days = days(connection)?.into_iter().collect::<BTreeSet<_>>();
        let mut next = 1;
        for day in &days {
            let last: Option<i64> =
                connection.query_row(&format!("SELECT max(seq) FROM event_d{day}"), [], |row| {
                    row.get(0)
                })?;
            next = next.max(last.unwrap_or(0) + 1);
        }
        let delivered: Option<i64> =
            connection.query_row("SELECT max(seq) FROM delivery", [], |row| row.get(0))?;
        Ok(Self {
            days,
            next: next.max(delivered.unwrap_or(0) + 1),
            insert: None,
        })
    }

    /// A transaction was rolled back: tables made in it may be gone.
    pub(super) fn forget_days(&mut self) {
        self.days.clear();
        self.insert = None;
    }

    pub(super) fn append(
        &mut self,
        connection: &Connection,
        job: AppendJob,
    ) -> Result<Appended, StoreError> {
        self.prepare_day(connection, job.day)?;
        let Some((_, insert)) = &self.insert else {
            return Err(StoreError::Closed);
        };
        let seq = self.next;
        let event = EventRef { day: job.day, seq };
        if !dedup::enter(connection, job.dedup, event)? {
            let first = dedup::find(connection, job.dedup)?
                .ok_or(StoreError::Sealed("a repeated event vanished"))?;
            let kept = kept(connection, first)?;
            return repeat(first, kept, &job.appid, Some(&job.key));
        }
        let answer: Option<&[u8]> = if job.apps.is_empty() { Some(&[]) } else { None };
        connection.prepare_cached(insert)?.execute(params![
            seq,
            job.dedup.0.as_slice(),
            job.appid.as_str(),
            job.kind,
            job.received.0,
            job.key.id,
            job.body,
            answer,
            answer.map(|_| job.received.0),
        ])?;
        self.next += 1;
        if let Some(mark) = &job.mark {
            connection
                .prepare_cached(
                    "INSERT INTO event_mark (day, seq, reading, rule) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![job.day, seq, mark.reading, mark.rule])?;
        }
        let waited = i64::try_from(job.queued.elapsed().as_millis()).unwrap_or(0);
        let mut deliveries = Vec::with_capacity(job.apps.len());
        for app in &job.apps {
            let mut insert = connection.prepare_cached(
                "INSERT INTO delivery (day, seq, appid, app, state, held, attempts, due, updated)
                 VALUES (?1, ?2, ?3, ?4, 0, ?7, 0, ?5, ?6)",
            )?;
            let id = insert.insert(params![
                job.day,
                seq,
                job.appid.as_str(),
                app,
                job.held_until.plus(waited).0,
                job.received.0,
                job.node,
            ])?;
            let fence = Fence(1);
            deliveries.push(Held { id, fence });
        }
        Ok(Appended::New { event, deliveries })
    }

    fn prepare_day(&mut self, connection: &Connection, day: i32) -> rusqlite::Result<()> {
        if self
            .insert
            .as_ref()
            .is_some_and(|(current, _)| *current == day)
        {
            return Ok(());
        }
        if !self.days.contains(&day) {
            connection.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS event_d{day} (
                    seq INTEGER PRIMARY KEY,
                    dedup BLOB NOT NULL,
                    appid TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    received INTEGER NOT NULL,
                    key INTEGER NOT NULL,
                    body BLOB NOT NULL,
                    answer BLOB,
                    answered INTEGER
                 );
                 INSERT OR IGNORE INTO event_day (day) VALUES ({day});"
            ))?;
            self.days = days(connection)?.into_iter().collect();
        }
        let insert = format!(
            "INSERT INTO event_d{day}
             (seq, dedup, appid, kind, received, key, body, answer, answered)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        );
        self.insert = Some((day, insert));
        Ok(())
    }
}

/// What a repeat is told: where the first one is, and its answer. An event that is past its retention was
/// answered long ago.
/// What is kept of an event's answer: its key, and the answer if there is one already.
fn kept(
    connection: &Connection,
    event: EventRef,
) -> rusqlite::Result<Option<(i64, Option<Vec<u8>>)>> {
    if !has_day(connection, event.day)? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT key, answer FROM event_d{} WHERE seq = ?1",
        event.day
    );
    connection
        .prepare_cached(&sql)?
        .query_row([event.seq], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

fn repeat(
    event: EventRef,
    kept: Option<(i64, Option<Vec<u8>>)>,
    appid: &AppId,
    current: Option<&DataKey>,
) -> Result<Appended, StoreError> {
    let answer = match (kept, current) {
        (Some((_, None)), _) => None,
        // A repeat under the account's current key, as nearly all are, costs no look-up.
        (Some((key, Some(sealed))), Some(current)) if !sealed.is_empty() && key == current.id => {
            Some(current.open_reply(appid, event, &sealed)?)
        }
        _ => Some(Answer::Silent),
    };
    Ok(Appended::Repeat { event, answer })
}

pub(super) fn days(connection: &Connection) -> rusqlite::Result<Vec<i32>> {
    let mut statement = connection.prepare("SELECT day FROM event_day ORDER BY day")?;
    let days = statement.query_map([], |row| row.get(0))?;
    days.collect()
}

impl Sqlite {
    /// The account's data key; made, and on disk, the first time.
    pub(super) async fn data_key(&self, appid: &AppId) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.0.vault.current(appid) {
            return Ok(key);
        }
        let (plain, sealed) = self.0.vault.generate(appid);
        let name = appid.to_string();
        let id = self
            .write(move |connection| {
                connection
                    .prepare_cached("INSERT INTO data_key (appid, sealed) VALUES (?1, ?2)")?
                    .insert(params![name, sealed])
            })
            .await?;
        Ok(self.0.vault.adopt(appid, id, &plain))
    }

    pub(crate) async fn append(&self, event: NewEvent<'_>) -> Result<Appended, StoreError> {
        let queued = Instant::now();
        // A repeat makes no key: what was captured once, sent to many addresses, must not fill the disk.
        if self.0.vault.current(event.appid).is_none() {
            let key = event.dedup;
            let known = self
                .read(move |connection| match dedup::find(connection, key)? {
                    Some(first) => Ok(Some((first, kept(connection, first)?))),
                    None => Ok(None),
                })
                .await?;
            if let Some((first, kept)) = known {
                return repeat(first, kept, event.appid, None);
            }
        }
        let key = self.data_key(event.appid).await?;
        let body = key.seal_body(event.appid, event.dedup, event.body);
        let job = AppendJob {
            day: event.received.day(),
            appid: event.appid.clone(),
            dedup: event.dedup,
            kind: event.kind.into(),
            received: event.received,
            key,
            body,
            apps: event.apps.iter().map(|&app| app.into()).collect(),
            node: self.0.node,
            held_until: event.held_until,
            queued,
            mark: event.mark.map(|mark| Mark {
                reading: mark.reading.to_owned(),
                rule: mark.rule.to_owned(),
            }),
        };
        self.0.writer.append(job).await
    }

    pub(crate) async fn set_answer(
        &self,
        appid: &AppId,
        event: EventRef,
        answer: Answer,
        at: Millis,
    ) -> Result<(), StoreError> {
        let sealed = self.seal_answer(appid, event, &answer).await?;
        self.write(move |connection| write_answer(connection, event, &sealed, at))
            .await
    }

    /// An answer as it is kept: empty for silence, sealed otherwise, with the number of its key.
    pub(super) async fn seal_answer(
        &self,
        appid: &AppId,
        event: EventRef,
        answer: &Answer,
    ) -> Result<Vec<u8>, StoreError> {
        Ok(match answer {
            Answer::Silent => Vec::new(),
            Answer::Reply(xml) => self.data_key(appid).await?.seal_reply(appid, event, xml),
        })
    }

    pub(crate) async fn answer(
        &self,
        appid: &AppId,
        event: EventRef,
    ) -> Result<Option<Answer>, StoreError> {
        let row = self
            .read(move |connection| {
                if !has_day(connection, event.day)? {
                    return Ok(None);
                }
                let sql = format!(
                    "SELECT key, answer FROM event_d{} WHERE seq = ?1",
                    event.day
                );
                connection
                    .prepare_cached(&sql)?
                    .query_row([event.seq], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
                    })
                    .optional()
            })
            .await?;
        match row {
            Some((_, Some(sealed))) if sealed.is_empty() => Ok(Some(Answer::Silent)),
            Some((key, Some(sealed))) => {
                let key = self.0.vault.by_id(key)?;
                key.open_reply(appid, event, &sealed).map(Some)
            }
            Some((_, None)) | None => Ok(None),
        }
    }

    pub(crate) async fn events(
        &self,
        after: Option<EventRef>,
        appid: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let appid = appid.map(ToString::to_string);
        self.read(move |connection| {
            let mut found = Vec::new();
            let from = after.map_or(i32::MIN, |event| event.day);
            for day in days(connection)?.into_iter().filter(|day| *day >= from) {
                let left = i64::from(limit) - found.len() as i64;
                if left <= 0 {
                    break;
                }
                let mut statement = connection.prepare(&format!(
                    "SELECT e.seq, appid, kind, received, answered, reading, rule FROM event_d{day} e
                     LEFT JOIN event_mark m ON m.day = {day} AND m.seq = e.seq
                     WHERE e.seq > ?1 AND (?2 IS NULL OR appid = ?2) ORDER BY e.seq LIMIT ?3"
                ))?;
                let rows = statement.query_map(
                    params![after.map_or(0, |event| event.seq), appid, left],
                    |row| {
                        Ok(Event {
                            event: EventRef {
                                day,
                                seq: row.get(0)?,
                            },
                            appid: AppId::from(row.get::<_, String>(1)?),
                            kind: row.get(2)?,
                            received: Millis(row.get(3)?),
                            body: None,
                            answered: row.get::<_, Option<i64>>(4)?.map(Millis),
                            mark: mark(row, 5)?,
                        })
                    },
                )?;
                for row in rows {
                    found.push(row?);
                }
            }
            Ok(found)
        })
        .await
    }

    pub(crate) async fn event(&self, event: EventRef) -> Result<Option<Event>, StoreError> {
        let row = self
            .read(move |connection| {
                if !has_day(connection, event.day)? {
                    return Ok(None);
                }
                let sql = format!(
                    "SELECT appid, kind, received, answered, dedup, key, body, reading, rule
                     FROM event_d{0} e LEFT JOIN event_mark m ON m.day = {0} AND m.seq = e.seq
                     WHERE e.seq = ?1",
                    event.day
                );
                connection
                    .prepare_cached(&sql)?
                    .query_row([event.seq], |row| {
                        let stored = Event {
                            event,
                            appid: AppId::from(row.get::<_, String>(0)?),
                            kind: row.get(1)?,
                            received: Millis(row.get(2)?),
                            body: None,
                            answered: row.get::<_, Option<i64>>(3)?.map(Millis),
                            mark: mark(row, 7)?,
                        };
                        let dedup: Vec<u8> = row.get(4)?;
                        Ok((
                            stored,
                            dedup,
                            row.get::<_, i64>(5)?,
                            row.get::<_, Vec<u8>>(6)?,
                        ))
                    })
                    .optional()
            })
            .await?;
        let Some((mut stored, dedup, key, sealed)) = row else {
            return Ok(None);
        };
        let key = self.0.vault.by_id(key)?;
        stored.body = Some(key.open_body(&stored.appid, dedup_from(&dedup), &sealed)?);
        Ok(Some(stored))
    }

    pub(crate) async fn drop_days_before(
        &self,
        before: Millis,
        _now: Millis,
    ) -> Result<usize, StoreError> {
        let first = before.day();
        self.write(move |connection| {
            let old: Vec<i32> = days(connection)?
                .into_iter()
                .filter(|day| *day < first)
                .collect();
            for day in &old {
                connection.execute_batch(&format!(
                    "DROP TABLE event_d{day}; DELETE FROM event_day WHERE day = {day};
                     DELETE FROM delivery WHERE day = {day};
                     DELETE FROM event_mark WHERE day = {day};"
                ))?;
            }
            Ok(old.len())
        })
        .await
    }

    pub(crate) async fn erase_account(&self, appid: &AppId) -> Result<(), StoreError> {
        let name = appid.to_string();
        let ids = self
            .write(move |connection| {
                let ids = connection
                    .prepare("SELECT id FROM data_key WHERE appid = ?1")?
                    .query_map([&name], |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<i64>>>()?;
                connection.execute("DELETE FROM data_key WHERE appid = ?1", [&name])?;
                Ok(ids)
            })
            .await?;
        self.0.vault.forget(&ids);
        Ok(())
    }
}

/// The mark in two columns of a row, if there is one.
pub(super) fn mark(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Mark>> {
    let (reading, rule) = (
        row.get::<_, Option<_>>(first)?,
        row.get::<_, Option<_>>(first + 1)?,
    );
    Ok(reading
        .zip(rule)
        .map(|(reading, rule)| Mark { reading, rule }))
}

pub(super) fn has_day(connection: &Connection, day: i32) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM event_day WHERE day = ?1")?
        .exists([day])
}

pub(super) fn write_answer(
    connection: &Connection,
    event: EventRef,
    sealed: &[u8],
    at: Millis,
) -> rusqlite::Result<()> {
    if !has_day(connection, event.day)? {
        return Ok(());
    }
    let sql = format!(
        "UPDATE event_d{} SET answer = ?1, answered = ?2 WHERE seq = ?3 AND answer IS NULL",
        event.day
    );
    connection
        .prepare_cached(&sql)?
        .execute(params![sealed, at.0, event.seq])?;
    Ok(())
}
