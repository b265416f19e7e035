//! What other nodes did: looked at twice a second, so that it works behind a transaction pooler too.

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
            loop {
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

async fn look(link: &Link, node: i32, seen: &mut Seen) -> Result<(Vec<Change>, bool), StoreError> {
    let state = "SELECT xinqiao.at(NULL), NOT EXISTS (SELECT FROM xinqiao.node WHERE id = $1),
             (SELECT count(*) FROM xinqiao.app_key), (SELECT count(revoked) FROM xinqiao.app_key)";
    let rows = link.rows(state, &[(&node, Type::INT4)]).await?;
    let Some(row) = rows.first() else {
        return Ok((Vec::new(), false));
    };
    let (at, gone, keys) = (row.get(0), row.get(1), (row.get(2), row.get(3)));
    let mut changes = Vec::new();
    if seen.keys.replace(keys).is_some_and(|before| before != keys) {
        changes.push(Change::Keys);
    }
    let first = seen.at == 0;
    let since = if first { at } else { seen.at } - BACK_MS;
    let put = "SELECT credential, fence FROM xinqiao.token WHERE put >= $1";
    let params: [Param<'_>; 1] = [(&since, Type::INT8)];
    let mut tokens = HashMap::new();
    for row in link.rows(put, &params).await? {
        let (credential, fence): (String, i64) = (row.get(0), row.get(1));
        if !first && seen.tokens.get(&credential) != Some(&fence) {
            changes.push(Change::Token(credential.clone()));
        }
        tokens.insert(credential, fence);
    }
    (seen.at, seen.tokens) = (at, tokens);
    Ok((changes, gone))
}
