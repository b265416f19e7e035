//! What other nodes did: looked at twice a second, so that it works behind a transaction pooler too. And whether they
//! live: what a node held that has not shown itself for a while is due for the others.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex, broadcast},
    task::JoinHandle,
};
use tokio_postgres::types::Type;

use super::{Param, link::Link};
use crate::{Change, NodeId, StoreError};

const PAUSE: Duration = Duration::from_millis(500);
/// A node shows that it lives every so many looks.
const SHOWN_EVERY: u32 = 4;
/// A node that has not shown itself for so long holds nothing more.
const DEAD_AFTER_MS: i64 = 8000;
/// Who judges has shown itself so many times, each no later than this after the one before: after an outage of the
/// database all others have had the time to do so, too.
const STEADY: u32 = 4;
const LATELY_MS: i64 = 4000;
/// Rows are dated before they are committed: a look reaches back so far.
const BACK_MS: i64 = 10_000;

/// The task that looks.
pub(super) struct Watch {
    changes: broadcast::Sender<Change>,
    superseded: Arc<AtomicBool>,
    link: Arc<Link>,
    node: i32,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What was seen last.
#[derive(Default)]
struct Seen {
    /// The database's time.
    at: i64,
    /// Fences of tokens that were put lately.
    tokens: HashMap<String, i64>,
    /// How many app keys there are, and how many were revoked.
    keys: Option<(i64, i64)>,
}

impl Watch {
    pub(super) fn start(link: Link, node: i32, name: NodeId) -> Self {
        let (changes, _) = broadcast::channel(256);
        let superseded = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(link);
        let (tx, flag, link) = (
            changes.clone(),
            Arc::clone(&superseded),
            Arc::clone(&shared),
        );
        let task = tokio::spawn(async move {
            let (mut seen, mut steady) = (Seen::default(), 0);
            for turn in (0..SHOWN_EVERY).cycle() {
                if turn == 0 {
                    let judged = match show(&link, node, &name).await {
                        Ok(lately) => {
                            steady = if lately { steady + 1 } else { 0 };
                            if steady < STEADY {
                                Ok(0)
                            } else {
                                bury(&link, node).await
                            }
                        }
                        Err(error) => Err(error),
                    };
                    match judged {
                        Ok(0) => {}
                        Ok(released) => {
                            tracing::warn!(released, "A node is gone; what it held is taken up.");
                            drop(tx.send(Change::Due));
                        }
                        Err(error) => {
                            tracing::debug!(%error, "This node cannot show that it lives.");
                        }
                    }
                }
                // What cannot be seen now is seen when the database is back.
                match look(&link, node, &name, &mut seen).await {
                    Ok((changes, gone)) => {
                        for change in changes {
                            drop(tx.send(change));
                        }
                        if gone && !flag.swap(true, Ordering::Relaxed) {
                            tracing::error!(
                                rule = "store.node.superseded",
                                "Another process was started under this node's name; this one takes up nothing more. \
                                 Give every node a name of its own (`node` in the configuration)."
                            );
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "What other nodes did could not be seen.");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self {
            changes,
            superseded,
            link: shared,
            node,
            task: Mutex::new(Some(task)),
        }
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Whether this process may still act in its node's name.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.superseded.load(Ordering::Relaxed) {
            return Err(StoreError::Superseded);
        }
        Ok(())
    }

    pub(super) async fn stop(&self) {
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
            // What could not be finished need not wait until others are sure.
            let sql = "UPDATE xinqiao.node SET alive = 0 WHERE id = $1";
            drop(self.link.rows(sql, &[(&self.node, Type::INT4)]).await);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().take() {
            task.abort();
        }
    }
}

/// Shows that this node lives. Returns whether it had shown itself lately.
async fn show(link: &Link, node: i32, name: &NodeId) -> Result<bool, StoreError> {
    // A node that was paused for long was taken for dead, and its row is gone: it enters anew.
    let sql = "WITH before AS (SELECT alive FROM xinqiao.node WHERE id = $1)
         INSERT INTO xinqiao.node (id, name, alive) OVERRIDING SYSTEM VALUE
         VALUES ($1, $2, xinqiao.at(NULL))
         ON CONFLICT (id) DO UPDATE SET alive = excluded.alive
         RETURNING (SELECT alive FROM before) > xinqiao.at(NULL) - $3";
    let name = name.as_str();
    let params: [Param<'_>; 3] = [
        (&node, Type::INT4),
        (&name, Type::TEXT),
        (&LATELY_MS, Type::INT8),
    ];
    let rows = link.rows(sql, &params).await?;
    let lately: Option<bool> = rows.first().and_then(|row| row.get(0));
    Ok(lately.unwrap_or(false))
}

/// Releases what others hold that have not shown themselves for a while. Returns how much. Only a node that could show
/// itself judges others: when the database was away, nobody could.
async fn bury(link: &Link, node: i32) -> Result<usize, StoreError> {
    let sql = "WITH dead AS (
             DELETE FROM xinqiao.node WHERE id <> $1 AND alive < (SELECT xinqiao.at(NULL)) - $2
         ) SELECT 1";
    let params: [Param<'_>; 2] = [(&node, Type::INT4), (&DEAD_AFTER_MS, Type::INT8)];
    link.rows(sql, &params).await?;
    let sql = "UPDATE xinqiao.delivery SET held = 0, due = xinqiao.at(NULL)
         WHERE state = 0 AND held <> 0 AND NOT EXISTS (SELECT FROM xinqiao.node n WHERE n.id = held)
         RETURNING 1";
    link.changed(sql, &[]).await
}

async fn look(
    link: &Link,
    node: i32,
    name: &NodeId,
    seen: &mut Seen,
) -> Result<(Vec<Change>, bool), StoreError> {
    let state =
        "SELECT xinqiao.at(NULL), EXISTS (SELECT FROM xinqiao.node WHERE name = $2 AND id > $1),
             (SELECT count(*) FROM xinqiao.app_key), (SELECT count(revoked) FROM xinqiao.app_key)";
    let name = name.as_str();
    let params: [Param<'_>; 2] = [(&node, Type::INT4), (&name, Type::TEXT)];
    let rows = link.rows(state, &params).await?;
    let Some(row) = rows.first() else {
        return Ok((Vec::new(), false));
    };
    let (at, gone, keys) = (row.get(0), row.get(1), (row.get(2), row.get(3)));
    let mut changes = Vec::new();
    let since = if seen.at == 0 { at } else { seen.at } - BACK_MS;
    let put = "SELECT credential, fence FROM xinqiao.token WHERE put >= $1";
    let params: [Param<'_>; 1] = [(&since, Type::INT8)];
    let mut tokens = HashMap::new();
    for row in link.rows(put, &params).await? {
        let (credential, fence): (String, i64) = (row.get(0), row.get(1));
        if seen.tokens.get(&credential) != Some(&fence) {
            changes.push(Change::Token(credential.clone()));
        }
        tokens.insert(credential, fence);
    }
    // The first look tells of everything: what was read before it may be old already. Only now, when all was read, is
    // it seen.
    if seen.keys.replace(keys) != Some(keys) {
        changes.push(Change::Keys);
    }
    (seen.at, seen.tokens) = (at, tokens);
    Ok((changes, gone))
}
