//! The event log.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use tokio_postgres::{Row, types::Type};
use xinqiao_types::AppId;

use super::{
    Param, Postgres,
    link::{LIST_LIMIT, Link},
    plain,
};
use crate::{
    Answer, Appended, DedupKey, Event, EventRef, Fence, Held, Mark, Millis, NewEvent, StoreError,
    Timing, model::dedup_from, vault::DataKey,
};

/// What the database answers if a batch holds an event that was sealed under a key that is gone.
pub(super) const KEY_ERASED: &str = "XQ001";

impl super::queue::Job for AppendJob {
    fn bytes(&self) -> usize {
        self.body.len() + 512
    }
}

/// An append, sealed and ready.
pub(super) struct AppendJob {
    day: i32,
    appid: AppId,
    dedup: DedupKey,
    kind: Box<str>,
    received: Millis,
    key: Arc<DataKey>,
    body: Vec<u8>,
    mark: Option<Mark>,
    /// The names of the apps, and what stands between them.
    apps: String,
    hold: i64,
}

/// Between two names of apps.
const BETWEEN: char = '\x1f';

/// Days whose partition is known to be there.
pub(super) type Days = Arc<Mutex<BTreeSet<i32>>>;

/// Writes a batch.
pub(super) async fn write(
    link: &Link,
    jobs: &[AppendJob],
    (node, time): (i32, Timing),
    days: &Days,
    again: bool,
) -> Result<Vec<Written>, StoreError> {
    // The same callback twice in one batch: the first is written, the other one is told of it.
    let mut first_of = HashMap::with_capacity(jobs.len());
    let places: Vec<usize> = { jobs.iter().enumerate() }
        .map(|(at, job)| *first_of.entry(job.dedup).or_insert(at))
        .collect();
    let written: Vec<&AppendJob> = { jobs.iter().zip(&places).enumerate() }
        .filter(|(at, (_, first))| at == *first)
        .map(|(_, (job, _))| job)
        .collect();
    prepare_days(link, &written, days).await?;
    let rows = match append(link, &written, node, time).await {
        // Somebody dropped the day meanwhile, or erased a key: the callers try again with what there is.
        Err(error @ (StoreError::Database(_) | StoreError::Sealed(_))) => {
            days.lock().unwrap_or_else(PoisonError::into_inner).clear();
            return Err(error);
        }
        rows => rows?,
    };
    let mut results: HashMap<DedupKey, Written> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let number: i64 = row.get(0);
        let job = { usize::try_from(number - 1).ok() }.and_then(|at| written.get(at));
        let Some(job) = job else {
            return Err(StoreError::Database("it answers another batch".into()));
        };
        results.insert(job.dedup, appended(row, job, node, again));
    }
    let taken = |at: usize, job: &AppendJob| match results.get(&job.dedup) {
        None => Err(StoreError::Database("it left out an event".into())),
        Some(Written::New { event, .. }) if places[at] != at => Ok(Written::Repeat {
            event: *event,
            answer: if job.apps.is_empty() {
                Kept::Silent
            } else {
                Kept::None
            },
        }),
        Some(written) => Ok(written.clone()),
    };
    { jobs.iter().enumerate() }
        .map(|(at, job)| taken(at, job))
        .collect()
}

/// What became of an event in a batch.
#[derive(Clone)]
pub(super) enum Written {
    New {
        event: EventRef,
        deliveries: Vec<Held>,
    },
    Repeat {
        event: EventRef,
        answer: Kept,
    },
}

/// The answer of an event that is known.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    None,
    Silent,
    Reply,
}

async fn prepare_days(link: &Link, jobs: &[&AppendJob], days: &Days) -> Result<(), StoreError> {
    let known = || days.lock().unwrap_or_else(PoisonError::into_inner);
    let missing: BTreeSet<i32> = {
        let known = known();
        let of_batch = jobs.iter().map(|job| job.day);
        of_batch.filter(|day| !known.contains(day)).collect()
    };
    for day in missing {
        let sql = "SELECT xinqiao.prepare_day($1)";
        link.rows(sql, &[(&day, Type::INT4)]).await?;
        known().insert(day);
    }
    Ok(())
}

async fn append(
    link: &Link,
    jobs: &[&AppendJob],
    node: i32,
    time: Timing,
) -> Result<Vec<Row>, StoreError> {
    fn all<'a, T>(jobs: &[&'a AppendJob], of: impl Fn(&'a AppendJob) -> T) -> Vec<T> {
        jobs.iter().map(|job| of(job)).collect()
    }
    let given = jobs.first().and_then(|job| time.given(job.received));
    let (days, times) = (all(jobs, |job| job.day), all(jobs, |job| job.received.0));
    let keys = all(jobs, |job| job.key.id);
    let dedups = all(jobs, |job| job.dedup.0.as_slice());
    let (appids, kinds) = (
        all(jobs, |job| job.appid.as_str()),
        all(jobs, |job| &*job.kind),
    );
    let bodies = all(jobs, |job| job.body.as_slice());
    let readings = all(jobs, |job| job.mark.as_ref().map(|mark| &*mark.reading));
    let rules = all(jobs, |job| job.mark.as_ref().map(|mark| &*mark.rule));
    let (apps, holds) = (
        all(jobs, |job| job.apps.as_str()),
        all(jobs, |job| job.hold),
    );
    link.rows(
        "SELECT * FROM xinqiao.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            (&node, Type::INT4),
            (&given, Type::INT8),
            (&days, Type::INT4_ARRAY),
            (&dedups, Type::BYTEA_ARRAY),
            (&appids, Type::TEXT_ARRAY),
            (&kinds, Type::TEXT_ARRAY),
            (&times, Type::INT8_ARRAY),
            (&keys, Type::INT8_ARRAY),
            (&bodies, Type::BYTEA_ARRAY),
            (&readings, Type::TEXT_ARRAY),
            (&rules, Type::TEXT_ARRAY),
            (&apps, Type::TEXT_ARRAY),
            (&holds, Type::INT8_ARRAY),
        ],
    )
    .await
}

/// One row of `append`.
fn appended(row: &Row, job: &AppendJob, node: i32, again: bool) -> Written {
    let event = EventRef {
        day: row.get(2),
        seq: row.get(3),
    };
    let deliveries = row.get::<_, Option<Vec<i64>>>(4).unwrap_or_default();
    let held = |id| Held {
        id,
        fence: Fence(1),
    };
    let (holder, received): (Option<i32>, Option<i64>) = (row.get(5), row.get(6));
    // The connection broke after this very event was committed: whoever appended it goes on.
    let ours = again && received == Some(job.received.0) && holder == Some(node);
    if row.get(1) || ours {
        let deliveries = deliveries.into_iter().map(held).collect();
        return Written::New { event, deliveries };
    }
    let answer = match row.get::<_, Option<i32>>(7) {
        None => Kept::None,
        // Past its retention it was answered long ago.
        Some(0) => Kept::Silent,
        Some(_) => Kept::Reply,
    };
    Written::Repeat { event, answer }
}

const EVENT: &str = "seq, day, appid, kind, received, answered, reading, rule";

fn event(row: &Row) -> Event {
    Event {
        event: EventRef {
            seq: row.get(0),
            day: row.get(1),
        },
        appid: AppId::from(row.get::<_, String>(2)),
        kind: row.get(3),
        received: Millis(row.get(4)),
        body: None,
        answered: row.get::<_, Option<i64>>(5).map(Millis),
        mark: mark(row, 6),
    }
}

/// The mark in two columns of a row, if there is one.
pub(super) fn mark(row: &Row, first: usize) -> Option<Mark> {
    let (reading, rule) = (
        row.get::<_, Option<String>>(first),
        row.get::<_, Option<String>>(first + 1),
    );
    reading
        .zip(rule)
        .map(|(reading, rule)| Mark { reading, rule })
}

impl Postgres {
    /// The account's data key; made, and on disk, the first time. Another node's is taken up.
    pub(super) async fn data_key(&self, appid: &AppId) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.0.vault.current(appid) {
            return Ok(key);
        }
        let (plain, sealed) = self.0.vault.generate(appid);
        let rows = self
            .0
            .quick
            .rows(
                "INSERT INTO xinqiao.data_key AS k (appid, sealed) VALUES ($1, $2)
                 ON CONFLICT (appid) DO UPDATE SET sealed = k.sealed RETURNING id, sealed",
                &[(&appid.as_str(), Type::TEXT), (&sealed, Type::BYTEA)],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Err(StoreError::Database("it kept no data key".into()));
        };
        let (id, kept): (i64, &[u8]) = (row.get(0), row.get(1));
        if kept == sealed {
            return Ok(self.0.vault.adopt(appid, id, &plain));
        }
        self.0.vault.load(id, appid.to_string(), kept);
        self.0.vault.by_id(id)
    }

    /// The key with this number, which another node may have made. Only the database knows whether it was erased.
    pub(super) async fn key(&self, id: i64) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.0.vault.known(id) {
            return Ok(key);
        }
        let sql = "SELECT appid, sealed FROM xinqiao.data_key WHERE id = $1";
        let rows = self.0.quick.rows(sql, &[(&id, Type::INT8)]).await?;
        if let Some(row) = rows.first() {
            self.0.vault.load(id, row.get(0), row.get(1));
        }
        self.0.vault.by_id(id)
    }

    pub(crate) async fn append(&self, event: NewEvent<'_>) -> Result<Appended, StoreError> {
        match self.append_once(event).await {
            // Another node erased the account's key; what comes after that has a new one.
            Err(StoreError::Sealed(_)) => {
                self.forget_erased().await?;
                self.append_once(event).await
            }
            // Another node dropped the day's partition after it was prepared here.
            Err(StoreError::Database(_)) => self.append_once(event).await,
            appended => appended,
        }
    }

    async fn append_once(&self, event: NewEvent<'_>) -> Result<Appended, StoreError> {
        // A repeat makes no key: what was captured once, sent to many addresses, must not fill the disk.
        if self.0.vault.current(event.appid).is_none()
            && let Some(repeat) = self.known(event).await?
        {
            return Ok(repeat);
        }
        let key = self.data_key(event.appid).await?;
        let mut apps = String::new();
        for app in event.apps {
            if !apps.is_empty() {
                apps.push(BETWEEN);
            }
            apps.push_str(app);
        }
        let job = AppendJob {
            day: event.received.day(),
            appid: event.appid.clone(),
            dedup: event.dedup,
            kind: plain(event.kind).into(),
            received: event.received,
            body: key.seal_body(event.appid, event.dedup, event.body),
            key,
            mark: event.mark.map(|mark| Mark {
                reading: plain(mark.reading).into_owned(),
                rule: plain(mark.rule).into_owned(),
            }),
            apps,
            hold: event.held_until.0 - event.received.0,
        };
        match self.0.appends.put(job).await? {
            Written::New { event, deliveries } => Ok(Appended::New { event, deliveries }),
            Written::Repeat {
                event: place,
                answer,
            } => {
                let answer = match answer {
                    Kept::None => None,
                    Kept::Silent => Some(Answer::Silent),
                    Kept::Reply => self.reply(event.appid, place).await?,
                };
                let event = place;
                Ok(Appended::Repeat { event, answer })
            }
        }
    }

    /// The reply that a repeat is told. One whose key was erased, or that is another account's, is silence.
    async fn reply(&self, appid: &AppId, event: EventRef) -> Result<Option<Answer>, StoreError> {
        match self.answer(appid, event).await {
            Err(StoreError::Sealed(_)) => Ok(Some(Answer::Silent)),
            answer => answer,
        }
    }

    /// What is told of a callback that is known, by a node that has no key of the account yet.
    async fn known(&self, new: NewEvent<'_>) -> Result<Option<Appended>, StoreError> {
        let sql = "SELECT d.day, d.seq, v.appid, v.key, v.answer FROM xinqiao.dedup d
             LEFT JOIN xinqiao.event v ON v.seq = d.seq AND v.day = d.day WHERE d.key = $1";
        let key = new.dedup.0.as_slice();
        let rows = self.0.quick.rows(sql, &[(&key, Type::BYTEA)]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let event = EventRef {
            day: row.get(0),
            seq: row.get(1),
        };
        let (appid, answer): (Option<&str>, Option<&[u8]>) = (row.get(2), row.get(4));
        let answer = match (appid, answer) {
            (Some(_), None) => None,
            (Some(appid), Some(sealed)) if !sealed.is_empty() && appid == new.appid.as_str() => {
                let key = self.key(row.get(3)).await?;
                Some(key.open_reply(new.appid, event, sealed)?)
            }
            _ => Some(Answer::Silent),
        };
        Ok(Some(Appended::Repeat { event, answer }))
    }

    async fn forget_erased(&self) -> Result<(), StoreError> {
        let sql = "SELECT id FROM xinqiao.data_key";
        let rows = self.0.quick.rows(sql, &[]).await?;
        let there = rows.iter().map(|row| row.get(0)).collect();
        self.0.vault.forget_others(&there);
        Ok(())
    }

    /// An answer as it is kept: empty for silence, sealed otherwise.
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

    pub(crate) async fn set_answer(
        &self,
        appid: &AppId,
        event: EventRef,
        answer: Answer,
        at: Millis,
    ) -> Result<(), StoreError> {
        let sealed = self.seal_answer(appid, event, &answer).await?;
        let [seq, day] = place(&event);
        let sql = "UPDATE xinqiao.event SET answer = $3, answered = $4
             WHERE seq = $1 AND day = $2 AND answer IS NULL";
        let at = (&at.0 as _, Type::INT8);
        self.0
            .quick
            .rows(sql, &[seq, day, (&sealed, Type::BYTEA), at])
            .await
            .map(drop)
    }

    pub(crate) async fn answer(
        &self,
        appid: &AppId,
        event: EventRef,
    ) -> Result<Option<Answer>, StoreError> {
        let sql = "SELECT key, answer FROM xinqiao.event
             WHERE seq = $1 AND day = $2 AND answer IS NOT NULL";
        let rows = self.0.quick.rows(sql, &place(&event)).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let sealed: Vec<u8> = row.get(1);
        if sealed.is_empty() {
            return Ok(Some(Answer::Silent));
        }
        let key = self.key(row.get(0)).await?;
        key.open_reply(appid, event, &sealed).map(Some)
    }

    pub(crate) async fn events(
        &self,
        after: Option<EventRef>,
        appid: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let after = after.map_or(0, |event| event.seq);
        let (appid, limit) = (appid.map(AppId::as_str), i64::from(limit));
        let sql = format!(
            "SELECT {EVENT} FROM xinqiao.event WHERE seq > $1 AND ($2 IS NULL OR appid = $2)
             ORDER BY seq LIMIT $3"
        );
        let params = [
            (&after as _, Type::INT8),
            (&appid as _, Type::TEXT),
            (&limit as _, Type::INT8),
        ];
        let rows = self.0.lists.rows_within(LIST_LIMIT, &sql, &params).await?;
        Ok(rows.iter().map(event).collect())
    }

    pub(crate) async fn event(&self, at: EventRef) -> Result<Option<Event>, StoreError> {
        let sql = format!(
            "SELECT {EVENT}, dedup, key, body FROM xinqiao.event WHERE seq = $1 AND day = $2"
        );
        let rows = self.0.quick.rows(&sql, &place(&at)).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mut stored = event(row);
        let key = self.key(row.get(9)).await?;
        let dedup = dedup_from(row.get(8));
        stored.body = Some(key.open_body(&stored.appid, dedup, row.get(10))?);
        Ok(Some(stored))
    }

    pub(crate) async fn drop_days_before(
        &self,
        before: Millis,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let (given, age) = (self.0.time.given(now), now.0 - before.0);
        let sql = "SELECT day, xinqiao.day_of(xinqiao.at($1) - $2) FROM xinqiao.event_day
             WHERE day < xinqiao.day_of(xinqiao.at($1) - $2)";
        let params: [Param<'_>; 2] = [(&given, Type::INT8), (&age, Type::INT8)];
        let old = self.0.lists.rows(sql, &params).await?;
        let Some(first) = old.first().map(|row| row.get::<_, i32>(1)) else {
            return Ok(0);
        };
        let mut dropped = 0;
        for row in &old {
            let day: i32 = row.get(0);
            let sql = "SELECT xinqiao.drop_day($1)";
            let gone = self.0.lists.rows(sql, &[(&day, Type::INT4)]).await?;
            dropped += usize::from(gone.first().is_some_and(|row| row.get(0)));
        }
        self.drop_deliveries(first).await?;
        Ok(dropped)
    }

    /// Deletes the deliveries of days before this one, in steps from the oldest on, to the first step that has none.
    async fn drop_deliveries(&self, first: i32) -> Result<(), StoreError> {
        let mut after = 0i64;
        loop {
            let sql = "WITH step AS MATERIALIZED (
                     SELECT id, day FROM xinqiao.delivery WHERE id > $1 ORDER BY id LIMIT 5000
                 ), gone AS (
                     DELETE FROM xinqiao.delivery d USING step s
                     WHERE d.id = s.id AND s.day < $2 RETURNING 1
                 )
                 SELECT (SELECT max(id) FROM step), (SELECT count(*) FROM gone)";
            let params: [Param<'_>; 2] = [(&after, Type::INT8), (&first, Type::INT4)];
            let rows = self.0.lists.rows_within(LIST_LIMIT, sql, &params).await?;
            let step = rows.first().map(|row| (row.get(0), row.get::<_, i64>(1)));
            match step {
                Some((Some(last), gone)) if gone > 0 => after = last,
                _ => return Ok(()),
            }
        }
    }

    pub(crate) async fn forget_repeats(
        &self,
        before: Millis,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let (given, age) = (self.0.time.given(now), now.0 - before.0);
        let sql = "SELECT xinqiao.day_of(xinqiao.at($1) - $2)";
        let params: [Param<'_>; 2] = [(&given, Type::INT8), (&age, Type::INT8)];
        let rows = self.0.lists.rows(sql, &params).await?;
        let before: i32 = rows.first().map_or(i32::MIN, |row| row.get(0));
        if self.0.forgotten.load(Ordering::Relaxed) >= before {
            return Ok(0);
        }
        let mut after: Vec<u8> = Vec::new();
        let mut gone = 0;
        loop {
            let sql = "WITH step AS MATERIALIZED (
                     SELECT key, day FROM xinqiao.dedup WHERE key > $1 ORDER BY key LIMIT 5000
                 ), gone AS (
                     DELETE FROM xinqiao.dedup d USING step s
                     WHERE d.key = s.key AND s.day < $2 RETURNING 1
                 )
                 SELECT (SELECT key FROM step ORDER BY key DESC LIMIT 1), (SELECT count(*) FROM gone)";
            let params: [Param<'_>; 2] = [(&after, Type::BYTEA), (&before, Type::INT4)];
            let rows = self.0.lists.rows_within(LIST_LIMIT, sql, &params).await?;
            let Some(row) = rows.first() else { break };
            gone += usize::try_from(row.get::<_, i64>(1)).unwrap_or(0);
            match row.get(0) {
                Some(last) => after = last,
                None => break,
            }
        }
        self.0.forgotten.fetch_max(before, Ordering::Relaxed);
        Ok(gone)
    }

    pub(crate) async fn erase_account(&self, appid: &AppId) -> Result<(), StoreError> {
        let sql = "DELETE FROM xinqiao.data_key WHERE appid = $1 RETURNING id";
        let name = (&appid.as_str() as _, Type::TEXT);
        let rows = self.0.quick.rows(sql, &[name]).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        self.0.vault.forget(&ids);
        Ok(())
    }
}

fn place(event: &EventRef) -> [Param<'_>; 2] {
    [(&event.seq, Type::INT8), (&event.day, Type::INT4)]
}
