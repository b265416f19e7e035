//! The PostgreSQL store: many nodes on one database.
//!
//! Appends and ends of attempts go in batches, a statement each, over a connection of their own; everything else
//! shares three more: for what is quick, for claims and for lists. No statement is prepared and no setting of a session is
//! relied on, so a transaction pooler may stand in between.
//!
//! Times that decide who may act (leases, holds, retries) are the database's: callers' times only say how long.

mod deliveries;
mod events;
mod link;
mod queue;
mod records;
mod schema;
mod watch;

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, atomic::AtomicI32},
};

use aws_lc_rs::hmac;
use tokio::sync::broadcast;
use tokio_postgres::types::{ToSql, Type};
use xinqiao_types::AppId;

use self::{
    link::{Link, Server},
    queue::Queue,
    watch::Watch,
};
use crate::{
    Change, DedupKey, Finish, MasterKey, Millis, OpenError, Options, StoreError, Timing,
    store::dedup_key, vault::Vault,
};

/// An open PostgreSQL store.
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

struct Inner {
    server: Arc<Server>,
    appends: Queue<events::AppendJob, events::Written>,
    ends: Queue<deliveries::FinishJob, bool>,
    quick: Link,
    /// Claims may take long, and nobody is to wait behind them.
    claims: Link,
    lists: Link,
    watch: Watch,
    vault: Vault,
    master: MasterKey,
    dedup: hmac::Key,
    node: i32,
    time: Timing,
    /// Keys of days before this one were forgotten.
    forgotten: AtomicI32,
}

impl Timing {
    /// The caller's moment, if it is the one that counts.
    fn given(self, now: Millis) -> Option<i64> {
        match self {
            Self::Database => None,
            Self::Caller => Some(now.0),
        }
    }
}

/// A parameter and its type: nothing is prepared, so each statement says them.
type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A text as PostgreSQL takes one: it knows no NUL, which apps and senders may write.
fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: Options) -> Result<Self, OpenError> {
        let server = Arc::new(Server::parse(url)?);
        let time = options.timing;
        let mut client = server
            .connect()
            .await
            .map_err(|source| server.refused(source))?;
        schema::run(&mut client, server.name()).await?;
        let vault = Vault::new(&options.master);
        let database = |source: tokio_postgres::Error| server.refused(source);
        schema::prove(&client, &vault, server.name()).await?;
        let keys = client
            .query_typed(
                "SELECT id, appid, sealed FROM xinqiao.data_key ORDER BY id",
                &[],
            )
            .await
            .map_err(database)?;
        for row in keys {
            vault.load(row.get(0), row.get(1), row.get(2));
        }
        let node = deliveries::enter(&client, &options.node, time.given(options.now))
            .await
            .map_err(database)?;
        let given = time;
        let appends = {
            let days = Arc::new(Mutex::new(BTreeSet::new()));
            Queue::start(Link::new(&server), move |link, jobs, again| {
                let days = Arc::clone(&days);
                async move { events::write(&link, &jobs, (node, given), &days, again).await }
            })
        };
        let ends = Queue::start(Link::new(&server), move |link, jobs, _| async move {
            deliveries::write(&link, &jobs, given).await
        });
        let quick = Link::with(&server, client);
        Ok(Self(Arc::new(Inner {
            appends,
            ends,
            quick,
            claims: Link::new(&server),
            lists: Link::new(&server),
            watch: Watch::start(Link::new(&server), node, options.node.clone()),
            vault,
            dedup: hmac::Key::new(hmac::HMAC_SHA256, &options.master.derive("dedup")),
            master: options.master,
            node,
            time,
            forgotten: AtomicI32::new(i32::MIN),
            server,
        })))
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.0.master
    }

    pub(crate) fn dedup_key(&self, appid: &AppId, order: u64, recipe: &str) -> DedupKey {
        dedup_key(&self.0.dedup, appid, order, recipe)
    }

    pub(crate) async fn finish(&self, finish: Finish) -> Result<bool, StoreError> {
        let sealed = match &finish.answer {
            Some(answer) => Some(
                self.seal_answer(&finish.appid, finish.event, answer)
                    .await?,
            ),
            None => None,
        };
        let job = deliveries::FinishJob { finish, sealed };
        self.0.ends.put(job).await
    }

    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        // A standby answers reads only.
        let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'";
        let rows = self.0.quick.rows(sql, &[]).await?;
        match rows.first().map(|row| row.get::<_, bool>(0)) {
            Some(false) => Ok(()),
            _ => Err(StoreError::Unavailable("it takes no writes".into())),
        }
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.watch.changes()
    }

    pub(crate) async fn close(&self) {
        self.0.watch.stop().await;
        self.0.appends.stop().await;
        self.0.ends.stop().await;
        self.0.quick.close().await;
        self.0.claims.close().await;
        self.0.lists.close().await;
        tracing::debug!(store = self.0.server.name(), "The store is closed.");
    }
}
