//! Deliveries: which app still has to get which event, and when.

use rusqlite::{Connection, Row, params};
use xinqiao_types::AppId;

use super::{
    Sqlite,
    events::{has_day, mark, write_answer},
};
use crate::{
    Claimed, Delivery, DeliveryState, EventRef, Fence, Finish, Held, Millis, NodeId, StoreError,
    Verdict, model::dedup_from,
};

/// The number under which a node's deliveries are held.
pub(super) fn node_number(connection: &Connection, node: &NodeId) -> rusqlite::Result<i64> {
    let name = node.as_str();
    connection.execute("INSERT OR IGNORE INTO node (name) VALUES (?1)", [name])?;
    let sql = "SELECT id FROM node WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0))
}

/// What this node held when it ended is due now. What others hold is theirs until their time is over.
pub(super) fn release_held(
    connection: &Connection,
    node: i64,
    now: Millis,
) -> rusqlite::Result<()> {
    let released = connection.execute(
        "UPDATE delivery SET held = 0, due = ?1 WHERE state = 0 AND held = ?2",
        [now.0, node],
    )?;
    if released > 0 {
        tracing::info!(released, "Deliveries of the last run are taken up again.");
    }
    Ok(())
}

/// A claimed row before its body is opened.
struct Sealed {
    claimed: Claimed,
    key: i64,
}

impl Sqlite {
    pub(crate) async fn claim(
        &self,
        now: Millis,
        limit: u32,
        held_until: Millis,
    ) -> Result<Vec<Claimed>, StoreError> {
        let node = self.0.node;
        let rows = self
            .write(move |connection| {
                let due: Vec<(i64, EventRef, String, u32)> = connection
                    .prepare_cached(
                        "SELECT id, day, seq, app, attempts FROM delivery
                         WHERE state = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2",
                    )?
                    .query_map(params![now.0, limit], |row| {
                        let event = EventRef {
                            day: row.get(1)?,
                            seq: row.get(2)?,
                        };
                        Ok((row.get(0)?, event, row.get(3)?, row.get(4)?))
                    })?
                    .collect::<rusqlite::Result<_>>()?;
                let mut claimed = Vec::with_capacity(due.len());
                for (id, event, app, attempts) in due {
                    claimed.extend(claim_one(
                        connection,
                        id,
                        event,
                        (app, attempts),
                        (node, held_until),
                    )?);
                }
                Ok(claimed)
            })
            .await?;
        let mut out = Vec::with_capacity(rows.len());
        for Sealed { mut claimed, key } in rows {
            let opened = self
                .0
                .vault
                .by_id(key)
                .and_then(|key| key.open_body(&claimed.appid, claimed.dedup, &claimed.body));
            match opened {
                Ok(body) => {
                    claimed.body = body;
                    out.push(claimed);
                }
                Err(error) => {
                    tracing::warn!(event_id = %claimed.event, %error, "A delivery is given up.");
                    let held = claimed.held;
                    let given_up = self.write(move |connection| {
                        let sql = "UPDATE delivery SET state = 3, held = 0, rule = 'store.sealed'
                             WHERE id = ?1 AND fence = ?2";
                        connection.execute(sql, params![held.id, held.fence.0])
                    });
                    // It stays held and is tried again: the others are not to wait as long.
                    if let Err(error) = given_up.await {
                        tracing::error!(%error, "The end of a delivery could not be stored.");
                    }
                }
            }
        }
        Ok(out)
    }

    pub(crate) async fn next_due(&self, _now: Millis) -> Result<Option<Millis>, StoreError> {
        self.read(|connection| {
            let due: Option<i64> = connection
                .prepare_cached("SELECT min(due) FROM delivery WHERE state = 0")?
                .query_row([], |row| row.get(0))?;
            Ok(due.map(Millis))
        })
        .await
    }

    pub(crate) async fn redeliver(&self, delivery: i64, at: Millis) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let changed = connection.execute(
                "UPDATE delivery SET state = 0, held = 0, fence = fence + 1, attempts = 0, due = ?2,
                 updated = ?2 WHERE id = ?1",
                params![delivery, at.0],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    pub(crate) async fn finish(&self, finish: Finish) -> Result<bool, StoreError> {
        let sealed = match &finish.answer {
            Some(answer) => Some(
                self.seal_answer(&finish.appid, finish.event, answer)
                    .await?,
            ),
            None => None,
        };
        self.write(move |connection| {
            let (state, due) = match finish.verdict {
                Verdict::Delivered => (DeliveryState::Delivered, finish.at),
                Verdict::Late => (DeliveryState::Late, finish.at),
                Verdict::Again(at) => (DeliveryState::Pending, at),
                Verdict::Dead => (DeliveryState::Dead, finish.at),
            };
            let counted = connection
                .prepare_cached(
                    "UPDATE delivery SET state = ?2, held = 0, attempts = ?3, due = ?4, updated = ?5,
                     status = ?6, elapsed = ?7, rule = ?8, detail = ?9 WHERE id = ?1 AND fence = ?10",
                )?
                .execute(params![
                    finish.held.id,
                    state.code(),
                    finish.attempts,
                    due.0,
                    finish.at.0,
                    finish.status,
                    finish.elapsed_ms,
                    finish.rule,
                    finish.detail,
                    finish.held.fence.0,
                ])?;
            if let Some(sealed) = sealed.filter(|_| counted > 0) {
                write_answer(connection, finish.event, &sealed, finish.at)?;
            }
            Ok(counted > 0)
        })
        .await
    }

    pub(crate) async fn deliveries(
        &self,
        after: i64,
        event: Option<EventRef>,
        account: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let account = account.map(|account| account.as_str().to_owned());
        self.read(move |connection| {
            const COLUMNS: &str =
                "SELECT id, d.day, d.seq, appid, app, state, attempts, due, updated,
                status, elapsed, d.rule, detail, m.reading, m.rule
                FROM delivery d LEFT JOIN event_mark m ON m.day = d.day AND m.seq = d.seq";
            let rows: Vec<Delivery> = match event {
                Some(event) => connection
                    .prepare_cached(&format!(
                        "{COLUMNS} WHERE d.day = ?1 AND d.seq = ?2 AND id > ?3
                        AND (?4 IS NULL OR appid = ?4) ORDER BY id LIMIT ?5"
                    ))?
                    .query_map(
                        params![event.day, event.seq, after, account, limit],
                        delivery,
                    )?
                    .collect::<rusqlite::Result<_>>()?,
                None => connection
                    .prepare_cached(&format!(
                        "{COLUMNS} WHERE id > ?1 AND (?2 IS NULL OR appid = ?2)
                        ORDER BY id LIMIT ?3"
                    ))?
                    .query_map(params![after, account, limit], delivery)?
                    .collect::<rusqlite::Result<_>>()?,
            };
            Ok(rows)
        })
        .await
    }
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        event: EventRef {
            day: row.get(1)?,
            seq: row.get(2)?,
        },
        appid: AppId::from(row.get::<_, String>(3)?),
        app: row.get(4)?,
        mark: mark(row, 13)?,
        state: DeliveryState::from_code(row.get(5)?),
        attempts: row.get(6)?,
        due: Millis(row.get(7)?),
        updated: Millis(row.get(8)?),
        status: row.get(9)?,
        elapsed_ms: row.get(10)?,
        rule: row.get(11)?,
        detail: row.get(12)?,
    })
}

/// Holds one delivery; one whose event is gone is given up.
fn claim_one(
    connection: &Connection,
    id: i64,
    event: EventRef,
    (app, attempts): (String, u32),
    (node, held_until): (i64, Millis),
) -> rusqlite::Result<Option<Sealed>> {
    let mut row = if has_day(connection, event.day)? {
        let sql = format!(
            "SELECT appid, kind, received, dedup, key, body FROM event_d{} WHERE seq = ?1",
            event.day
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([event.seq])?;
        match rows.next()? {
            Some(row) => Some(Sealed {
                claimed: Claimed {
                    held: Held {
                        id,
                        fence: Fence(0),
                    },
                    event,
                    appid: AppId::from(row.get::<_, String>(0)?),
                    app,
                    attempts,
                    dedup: dedup_from(&row.get::<_, Vec<u8>>(3)?),
                    kind: row.get(1)?,
                    received: Millis(row.get(2)?),
                    body: row.get(5)?,
                },
                key: row.get(4)?,
            }),
            None => None,
        }
    } else {
        None
    };
    match &mut row {
        Some(Sealed { claimed, .. }) => {
            let fence = connection
                .prepare_cached(
                    "UPDATE delivery SET held = ?3, fence = fence + 1, due = ?2 WHERE id = ?1
                     RETURNING fence",
                )?
                .query_row(params![id, held_until.0, node], |row| row.get(0))?;
            claimed.held.fence = Fence(fence);
        }
        None => {
            let sql = "UPDATE delivery SET state = 3, held = 0, due = ?2, rule = 'store.retention'
                 WHERE id = ?1";
            connection
                .prepare_cached(sql)?
                .execute(params![id, held_until.0])?;
        }
    }
    Ok(row)
}
