//! The event log.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use tokio_postgres::{Row, types::Type};
use xinqiao_types::AppId;

use super::{
    Postgres,
    link::{LIST_LIMIT, Link},
};
use crate::{
    Answer, Appended, DedupKey, Event, EventRef, Fence, Held, Mark, Millis, NewEvent, StoreError,
    Timing,
    model::dedup_from,
    vault::{DataKey, Vault},
};

/// What the database answers if a batch holds an event that was sealed under a key that is gone.
pub(super) const KEY_ERASED: &str = "XQ001";

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
    vault: &Vault,
    days: &Days,
    again: bool,
) -> Result<Vec<Result<Appended, StoreError>>, StoreError> {
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
    let mut results: HashMap<DedupKey, Result<Appended, StoreError>> =
        HashMap::with_capacity(rows.len());
    for row in &rows {
        let number: i64 = row.get(0);
        let job = { usize::try_from(number - 1).ok() }.and_then(|at| written.get(at));
        let Some(job) = job else {
            return Err(StoreError::Database("it answers another batch".into()));
        };
        results.insert(job.dedup, appended(row, job, node, vault, again));
    }
    let taken = |at: usize, job: &AppendJob| match results.get(&job.dedup) {
        None => Err(StoreError::Database("it left out an event".into())),
        Some(result) if places[at] == at => result.clone(),
        Some(Ok(Appended::New { event, .. })) => Ok(Appended::Repeat {
            event: *event,
            answer: job.apps.is_empty().then_some(Answer::Silent),
        }),
        Some(repeat) => repeat.clone(),
    };
    Ok({ jobs.iter().enumerate() }
        .map(|(at, job)| taken(at, job))
        .collect())
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
fn appended(
    row: &Row,
    job: &AppendJob,
    node: i32,
    vault: &Vault,
    again: bool,
) -> Result<Appended, StoreError> {
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
        return Ok(Appended::New { event, deliveries });
    }
    let key: Option<i64> = row.get(7);
    let answer = match (key, row.get::<_, Option<Vec<u8>>>(8)) {
        // The event is there, its answer is not.
        (Some(_), None) => None,
        // The callback's account has the key of the one that is stored, which is its own or nobody's.
        (Some(key), Some(sealed)) if !sealed.is_empty() => match vault.known(key) {
            Some(key) => Some(key.open_reply(&job.appid, event, &sealed)?),
            None => Some(Answer::Silent),
        },
        // Past its retention it was answered long ago.
        _ => Some(Answer::Silent),
    };
    Ok(Appended::Repeat { event, answer })
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
            kind: event.kind.into(),
            received: event.received,
            body: key.seal_body(event.appid, event.dedup, event.body),
            key,
            mark: event.mark.map(|mark| Mark {
                reading: mark.reading.to_owned(),
                rule: mark.rule.to_owned(),
            }),
            apps,
            hold: event.held_until.0 - event.received.0,
        };
        self.0.appends.put(job).await
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

    pub(crate) async fn drop_days_before(&self, before: Millis) -> Result<usize, StoreError> {
        let first = before.day();
        let sql = "SELECT substring(relname FROM 8)::int FROM pg_class c, pg_inherits i
             WHERE i.inhparent = 'xinqiao.event'::regclass AND c.oid = i.inhrelid
             AND substring(relname FROM 8)::int < $1";
        let lists = &self.0.lists;
        let old = lists.rows(sql, &[(&first, Type::INT4)]).await?;
        for row in &old {
            let day: i32 = row.get(0);
            // A day that is being dropped by another node is gone or will be.
            let sql = format!("DROP TABLE IF EXISTS xinqiao.event_d{day}");
            lists.rows_within(LIST_LIMIT, &sql, &[]).await?;
        }
        let sql = "DELETE FROM xinqiao.delivery WHERE day < $1";
        let params = [(&first as _, Type::INT4)];
        lists.rows_within(LIST_LIMIT, sql, &params).await?;
        Ok(old.len())
    }

    pub(crate) async fn forget_repeats(&self, before: Millis) -> Result<usize, StoreError> {
        let before = before.day();
        if self.0.forgotten.load(Ordering::Relaxed) >= before {
            return Ok(0);
        }
        let mut after: Vec<u8> = Vec::new();
        let mut gone = 0;
        loop {
            let rows = self
                .0
                .lists
                .rows_within(
                    LIST_LIMIT,
                    "WITH step AS MATERIALIZED (
                         SELECT key, day FROM xinqiao.dedup WHERE key > $1 ORDER BY key LIMIT 5000
                     ), gone AS (
                         DELETE FROM xinqiao.dedup d USING step s
                         WHERE d.key = s.key AND s.day < $2 RETURNING 1
                     )
                     SELECT (SELECT key FROM step ORDER BY key DESC LIMIT 1), (SELECT count(*) FROM gone)",
                    &[(&after, Type::BYTEA), (&before, Type::INT4)],
                )
                .await?;
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

fn place(event: &EventRef) -> [super::Param<'_>; 2] {
    [(&event.seq, Type::INT8), (&event.day, Type::INT4)]
}
