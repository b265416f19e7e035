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
use crate::{Change, StoreError};

const PAUSE: Duration = Duration::from_millis(500);
/// A node shows that it lives every so many looks.
const SHOWN_EVERY: u32 = 4;
/// A node that has not shown itself for so long holds nothing more.
const DEAD_AFTER_MS: i64 = 8000;
/// Rows are dated before they are committed: a look reaches back so far.
const BACK_MS: i64 = 10_000;

/// The task that looks.
pub(super) struct Watch {
    changes: broadcast::Sender<Change>,
    superseded: Arc<AtomicBool>,
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
    pub(super) fn start(link: Link, node: i32) -> Self {
        let (changes, _) = broadcast::channel(256);
        let superseded = Arc::new(AtomicBool::new(false));
        let (tx, flag) = (changes.clone(), Arc::clone(&superseded));
        let task = tokio::spawn(async move {
            let mut seen = Seen::default();
            for turn in (0..SHOWN_EVERY).cycle() {
                if turn == 0 {
                    match show(&link, node).await {
                        Ok(0) => {}
                        Ok(released) => {
                            tracing::warn!(released, "A node is gone; what it held is taken up.");
                            drop(tx.send(Change::Due));
                        }
                        Err(error) => {
                            tracing::debug!(%error, "This node cannot show that it lives.")
                        }
                    }
                }
                // What cannot be seen now is seen when the database is back.
                match look(&link, node, &mut seen).await {
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
                        tracing::debug!(%error, "What other nodes did could not be seen.")
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self {
            changes,
            superseded,
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

/// Shows that this node lives, and releases what others hold that do not. Returns how much.
async fn show(link: &Link, node: i32) -> Result<usize, StoreError> {
    let sql = "WITH own AS (UPDATE xinqiao.node SET alive = xinqiao.at(NULL) WHERE id = $1),
         dead AS MATERIALIZED (
             SELECT id FROM xinqiao.node WHERE id <> $1 AND alive < xinqiao.at(NULL) - $2
         )
         UPDATE xinqiao.delivery SET held = 0, due = xinqiao.at(NULL)
         WHERE state = 0 AND held IN (SELECT id FROM dead) RETURNING 1";
    link.changed(sql, &[(&node, Type::INT4), (&DEAD_AFTER_MS, Type::INT8)])
        .await
}

async fn look(link: &Link, node: i32, seen: &mut Seen) -> Result<(Vec<Change>, bool), StoreError> {
    let state = "SELECT xinqiao.at(NULL), EXISTS (
                 SELECT FROM xinqiao.node o, xinqiao.node n WHERE o.id = $1 AND n.name = o.name AND n.id > o.id
             ) OR NOT EXISTS (SELECT FROM xinqiao.node WHERE id = $1),
             (SELECT count(*) FROM xinqiao.app_key), (SELECT count(revoked) FROM xinqiao.app_key)";
    let rows = link.rows(state, &[(&node, Type::INT4)]).await?;
    let Some(row) = rows.first() else {
        return Ok((Vec::new(), false));
    };
    let (at, gone, keys) = (row.get(0), row.get(1), (row.get(2), row.get(3)));
    let mut changes = Vec::new();
    // The first look tells of everything: what was read before it may be old already.
    if seen.keys.replace(keys) != Some(keys) {
        changes.push(Change::Keys);
    }
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
    (seen.at, seen.tokens) = (at, tokens);
    Ok((changes, gone))
}
