//! Deliveries: which app still has to get which event, and when.

use tokio_postgres::{Client, Row, types::Type};
use xinqiao_types::AppId;

use super::{
    Postgres,
    events::mark,
    link::{LIST_LIMIT, Link},
    plain,
};
use crate::{
    Claimed, Delivery, DeliveryState, EventRef, Fence, Finish, Held, Millis, NodeId, StoreError,
    Timing, Verdict, model::dedup_from,
};

/// The end of an attempt, its answer sealed.
pub(super) struct FinishJob {
    pub(super) finish: Finish,
    pub(super) sealed: Option<Vec<u8>>,
}

impl super::queue::Job for FinishJob {
    fn bytes(&self) -> usize {
        self.sealed.as_ref().map_or(0, Vec::len) + 512
    }
}

/// Enters a node under a number of its own. What it held when it ended is due now; what others hold is theirs until
/// their time is over.
pub(super) async fn enter(
    client: &Client,
    node: &NodeId,
    given: Option<i64>,
) -> Result<i32, tokio_postgres::Error> {
    let name = node.as_str();
    let sql = "INSERT INTO xinqiao.node (name, alive) VALUES ($1, xinqiao.at(NULL)) RETURNING id";
    let row = client.query_typed_one(sql, &[(&name, Type::TEXT)]).await?;
    let own: i32 = row.get(0);
    let sql = "WITH earlier AS (
             DELETE FROM xinqiao.node WHERE name = $1 AND id < $2 RETURNING id
         )
         UPDATE xinqiao.delivery SET held = 0, due = xinqiao.at($3)
         WHERE state = 0 AND held IN (SELECT id FROM earlier) RETURNING 1";
    let params: [super::Param<'_>; 3] = [
        (&name, Type::TEXT),
        (&own, Type::INT4),
        (&given, Type::INT8),
    ];
    let released = client.query_typed(sql, &params).await?.len();
    if released > 0 {
        tracing::info!(released, "Deliveries of the last run are taken up again.");
    }
    Ok(own)
}

/// Writes a batch of ends. Whether each counted.
pub(super) async fn write(
    link: &Link,
    jobs: &[FinishJob],
    time: Timing,
) -> Result<Vec<bool>, StoreError> {
    fn all<'a, T>(jobs: &'a [FinishJob], of: impl Fn(&'a Finish) -> T) -> Vec<T> {
        jobs.iter().map(|job| of(&job.finish)).collect()
    }
    let given = jobs.first().and_then(|job| time.given(job.finish.at));
    let ids = all(jobs, |end| end.held.id);
    let fences = all(jobs, |end| end.held.fence.0);
    let states = all(jobs, |end| state(&end.verdict).code() as i16);
    let attempts = all(jobs, |end| i32::try_from(end.attempts).unwrap_or(i32::MAX));
    let pauses = all(jobs, |end| match end.verdict {
        Verdict::Again(due) => due.0 - end.at.0,
        _ => 0,
    });
    let times = all(jobs, |end| end.at.0);
    let statuses = all(jobs, |end| end.status.map(u16::cast_signed));
    let elapsed = all(jobs, |end| end.elapsed_ms);
    let rules = all(jobs, |end| end.rule);
    let details = all(jobs, |end| end.detail.as_deref().map(plain));
    let details: Vec<Option<&str>> = details.iter().map(Option::as_deref).collect();
    let (days, seqs) = (
        all(jobs, |end| end.event.day),
        all(jobs, |end| end.event.seq),
    );
    let answers: Vec<Option<&[u8]>> = jobs.iter().map(|job| job.sealed.as_deref()).collect();
    let rows = link
        .rows(
            "SELECT xinqiao.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            &[
                (&given, Type::INT8),
                (&ids, Type::INT8_ARRAY),
                (&fences, Type::INT8_ARRAY),
                (&states, Type::INT2_ARRAY),
                (&attempts, Type::INT4_ARRAY),
                (&pauses, Type::INT8_ARRAY),
                (&times, Type::INT8_ARRAY),
                (&statuses, Type::INT2_ARRAY),
                (&elapsed, Type::INT8_ARRAY),
                (&rules, Type::TEXT_ARRAY),
                (&details, Type::TEXT_ARRAY),
                (&days, Type::INT4_ARRAY),
                (&seqs, Type::INT8_ARRAY),
                (&answers, Type::BYTEA_ARRAY),
            ],
        )
        .await?;
    let mut counted = vec![false; jobs.len()];
    for row in rows {
        let at = usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or(usize::MAX);
        if let Some(one) = counted.get_mut(at) {
            *one = true;
        }
    }
    Ok(counted)
}

fn state(verdict: &Verdict) -> DeliveryState {
    match verdict {
        Verdict::Delivered => DeliveryState::Delivered,
        Verdict::Late => DeliveryState::Late,
        Verdict::Again(_) => DeliveryState::Pending,
        Verdict::Dead => DeliveryState::Dead,
    }
}

impl Postgres {
    pub(crate) async fn claim(
        &self,
        now: Millis,
        limit: u32,
        held_until: Millis,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.0.watch.check()?;
        let (given, limit) = (self.0.time.given(now), i64::from(limit));
        let hold = held_until.0 - now.0;
        let rows = self
            .0
            .claims
            .rows(
                "WITH due AS MATERIALIZED (
                     SELECT id, due FROM xinqiao.delivery WHERE state = 0 AND due <= (SELECT xinqiao.at($1))
                     ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED
                 ), taken AS (
                     UPDATE xinqiao.delivery d
                     SET held = $3, fence = d.fence + 1, due = xinqiao.at($1) + $4
                     FROM due WHERE d.id = due.id
                     RETURNING d.id, d.fence, d.day, d.seq, d.appid, d.app, d.attempts, due.due
                 )
                 SELECT t.id, t.fence, t.day, t.seq, t.appid, t.app, t.attempts,
                     v.dedup, v.kind, v.received, v.key, v.body
                 FROM taken t LEFT JOIN xinqiao.event v ON v.seq = t.seq AND v.day = t.day
                 ORDER BY t.due, t.id",
                &[
                    (&given, Type::INT8),
                    (&limit, Type::INT8),
                    (&self.0.node, Type::INT4),
                    (&hold, Type::INT8),
                ],
            )
            .await?;
        let mut out = Vec::with_capacity(rows.len());
        for row in &rows {
            let held = Held {
                id: row.get(0),
                fence: Fence(row.get(1)),
            };
            match self.claimed(row, held).await {
                Ok(Some(claimed)) => out.push(claimed),
                Ok(None) => self.give_up(held, "store.retention").await,
                // The database did not answer: it stays held and is tried again.
                Err(error @ StoreError::Unavailable(_)) => {
                    tracing::warn!(%error, "A delivery could not be read.");
                }
                Err(error) => {
                    let event = EventRef {
                        day: row.get(2),
                        seq: row.get(3),
                    };
                    tracing::warn!(event_id = %event, %error, "A delivery is given up.");
                    self.give_up(held, "store.sealed").await;
                }
            }
        }
        Ok(out)
    }

    /// A claimed row with its body opened; `None` if its event is gone.
    async fn claimed(&self, row: &Row, held: Held) -> Result<Option<Claimed>, StoreError> {
        let Some(dedup) = row.get::<_, Option<&[u8]>>(7) else {
            return Ok(None);
        };
        let (dedup, appid) = (dedup_from(dedup), AppId::from(row.get::<_, String>(4)));
        let key = self.key(row.get(10)).await?;
        let body = key.open_body(&appid, dedup, row.get(11))?;
        Ok(Some(Claimed {
            held,
            event: EventRef {
                day: row.get(2),
                seq: row.get(3),
            },
            appid,
            app: row.get(5),
            attempts: u32::try_from(row.get::<_, i32>(6)).unwrap_or(0),
            dedup,
            kind: row.get(8),
            received: Millis(row.get(9)),
            body,
        }))
    }

    async fn give_up(&self, held: Held, rule: &str) {
        let sql = "UPDATE xinqiao.delivery SET state = 3, held = 0, rule = $3
             WHERE id = $1 AND fence = $2";
        let params: [super::Param<'_>; 3] = [
            (&held.id, Type::INT8),
            (&held.fence.0, Type::INT8),
            (&rule, Type::TEXT),
        ];
        if let Err(error) = self.0.quick.rows(sql, &params).await {
            tracing::error!(%error, "The end of a delivery could not be stored.");
        }
    }

    pub(crate) async fn next_due(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT min(due) - xinqiao.at($1) FROM xinqiao.delivery WHERE state = 0";
        let given = self.0.time.given(now);
        let rows = self.0.claims.rows(sql, &[(&given, Type::INT8)]).await?;
        let left = rows.first().and_then(|row| row.get::<_, Option<i64>>(0));
        Ok(left.map(|ms| now.plus(ms)))
    }

    pub(crate) async fn redeliver(&self, delivery: i64, at: Millis) -> Result<bool, StoreError> {
        let sql =
            "UPDATE xinqiao.delivery SET state = 0, held = 0, fence = fence + 1, attempts = 0,
             due = xinqiao.at($2), updated = $3 WHERE id = $1 RETURNING 1";
        let given = self.0.time.given(at);
        let params: [super::Param<'_>; 3] = [
            (&delivery, Type::INT8),
            (&given, Type::INT8),
            (&at.0, Type::INT8),
        ];
        Ok(self.0.quick.changed(sql, &params).await? > 0)
    }

    pub(crate) async fn deliveries(
        &self,
        after: i64,
        event: Option<EventRef>,
        account: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (seq, account) = (event.map(|event| event.seq), account.map(AppId::as_str));
        let limit = i64::from(limit);
        let of_event = if event.is_some() {
            "d.seq = $2"
        } else {
            "$2::bigint IS NULL"
        };
        let sql = format!(
            "SELECT d.id, d.day, d.seq, d.appid, app, state, attempts, due, updated, status, elapsed,
                 d.rule, detail, v.reading, v.rule
             FROM xinqiao.delivery d LEFT JOIN xinqiao.event v ON v.seq = d.seq AND v.day = d.day
             WHERE d.id > $1 AND {of_event} AND ($3 IS NULL OR d.appid = $3) ORDER BY d.id LIMIT $4"
        );
        let params: [super::Param<'_>; 4] = [
            (&after, Type::INT8),
            (&seq, Type::INT8),
            (&account, Type::TEXT),
            (&limit, Type::INT8),
        ];
        let rows = self.0.lists.rows_within(LIST_LIMIT, &sql, &params).await?;
        Ok(rows.iter().map(delivery).collect())
    }
}

fn delivery(row: &Row) -> Delivery {
    Delivery {
        id: row.get(0),
        event: EventRef {
            day: row.get(1),
            seq: row.get(2),
        },
        appid: AppId::from(row.get::<_, String>(3)),
        app: row.get(4),
        mark: mark(row, 13),
        state: DeliveryState::from_code(i64::from(row.get::<_, i16>(5))),
        attempts: u32::try_from(row.get::<_, i32>(6)).unwrap_or(0),
        due: Millis(row.get(7)),
        updated: Millis(row.get(8)),
        status: row.get::<_, Option<i16>>(9).map(i16::cast_unsigned),
        elapsed_ms: row.get(10),
        rule: row.get(11),
        detail: row.get(12),
    }
}
