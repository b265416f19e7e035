//! The store as callers see it: one type, semantic calls, a variant per database.

use std::{fmt, path::PathBuf};

use tokio::sync::broadcast;
use xinqiao_types::AppId;

#[cfg(feature = "postgres")]
use crate::postgres::Postgres;
use crate::{
    AccountSecrets, Answer, Appended, Change, Claimed, DedupKey, Delivery, Event, EventRef, Fence,
    Finish, MasterKey, Millis, NewEvent, NewStoredKey, NodeId, OpenError, Sealer, StoreError,
    StoredKey, StoredToken, Timing, sqlite::Sqlite,
};

/// Where the data lives.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file; its folder is made if it is missing.
    File(PathBuf),
    /// In memory; gone when the store is closed.
    Memory,
    /// A PostgreSQL 14 or newer, which other nodes may share:
    /// `postgres://user:password@host:5432/database?sslmode=require`. Everything is in its schema `xinqiao`.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Memory => f.write_str("Memory"),
            // The address may hold a password.
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => f.write_str("Postgres(***)"),
        }
    }
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data lives.
    pub location: Location,
    /// Seals what is stored.
    pub master: MasterKey,
    /// Who opens it: what this node held when it ended is its own to take up again, nobody else's.
    pub node: NodeId,
    /// Now: what this node held is due again from here on.
    pub now: Millis,
    /// Whose clock counts.
    pub timing: Timing,
}

/// An open store. Cheap to clone; all clones share one writer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Store {
    /// An embedded SQLite database.
    Sqlite(Sqlite),
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
    /// Keeps dedup keys in memory and nothing else: the bench's "without store".
    #[cfg(feature = "bench")]
    Discard(crate::sqlite::Discard),
}

/// Calls `$method` on whichever database this is; `$bench` is what the forgetting store answers.
macro_rules! on {
    ($store:expr, $method:ident($($arg:expr),*), $bench:expr) => {
        match $store {
            Store::Sqlite(db) => db.$method($($arg),*).await,
            #[cfg(feature = "postgres")]
            Store::Postgres(db) => db.$method($($arg),*).await,
            #[cfg(feature = "bench")]
            Store::Discard(_) => $bench,
        }
    };
}

impl Store {
    /// Opens, migrates forward, and releases what this node was holding when it ended.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        match &options.location {
            Location::File(path) => {
                let path = path.clone();
                Sqlite::open(Some(&path), options).map(Self::Sqlite)
            }
            Location::Memory => Sqlite::open(None, options).map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => {
                let url = url.clone();
                Postgres::open(&url, options).await.map(Self::Postgres)
            }
        }
    }

    /// A store that forgets everything but dedup keys.
    #[cfg(feature = "bench")]
    pub fn discard(master: MasterKey) -> Self {
        Self::Discard(crate::sqlite::Discard::new(master))
    }

    /// The key under which a callback is known, from the account and the recipe's text.
    ///
    /// `order` is equal for repeats and grows with time where it can: the MsgId of a message, the time
    /// of an event.
    pub fn dedup_key(&self, appid: &AppId, order: u64, recipe: &str) -> DedupKey {
        match self {
            Self::Sqlite(db) => db.dedup_key(appid, order, recipe),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.dedup_key(appid, order, recipe),
            #[cfg(feature = "bench")]
            Self::Discard(db) => db.dedup_key(appid, order, recipe),
        }
    }

    /// A sealer for a purpose of the caller's, under the store's master key.
    pub fn sealer(&self, label: &str) -> Sealer {
        match self {
            Self::Sqlite(db) => db.master().sealer(label),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.master().sealer(label),
            #[cfg(feature = "bench")]
            Self::Discard(db) => db.master().sealer(label),
        }
    }

    /// Writes the event and its deliveries; returns when they are on disk, or says that the event
    /// was stored before. Deliveries are held by the caller until [`NewEvent::held_until`].
    ///
    /// Cancel safety: dropping the future does not undo the write.
    pub async fn append(&self, event: NewEvent<'_>) -> Result<Appended, StoreError> {
        match self {
            Self::Sqlite(db) => db.append(event).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.append(event).await,
            #[cfg(feature = "bench")]
            Self::Discard(db) => Ok(db.append(event)),
        }
    }

    /// Settles the answer of an event that no delivery settles. The first answer stays.
    pub async fn set_answer(
        &self,
        appid: &AppId,
        event: EventRef,
        answer: Answer,
        at: Millis,
    ) -> Result<(), StoreError> {
        on!(self, set_answer(appid, event, answer, at), Ok(()))
    }

    /// The settled answer of an event, if there is one.
    pub async fn answer(
        &self,
        appid: &AppId,
        event: EventRef,
    ) -> Result<Option<Answer>, StoreError> {
        on!(self, answer(appid, event), Ok(None))
    }

    /// Records the end of an attempt and, with it, the event's answer. Returns whether it counted: not if somebody
    /// took the delivery up since, or an operator wanted it sent again.
    pub async fn finish(&self, finish: Finish) -> Result<bool, StoreError> {
        on!(self, finish(finish), Ok(true))
    }

    /// Takes up to `limit` due deliveries and holds them until `held_until`.
    pub async fn claim(
        &self,
        now: Millis,
        limit: u32,
        held_until: Millis,
    ) -> Result<Vec<Claimed>, StoreError> {
        on!(self, claim(now, limit, held_until), Ok(Vec::new()))
    }

    /// When the next delivery is due, by the caller's clock.
    pub async fn next_due(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        on!(self, next_due(now), Ok(None))
    }

    /// Makes a delivery due now, whatever became of it.
    pub async fn redeliver(&self, delivery: i64, at: Millis) -> Result<bool, StoreError> {
        on!(self, redeliver(delivery, at), Ok(false))
    }

    /// Events after a place in the log, oldest first, without bodies.
    pub async fn events(
        &self,
        after: Option<EventRef>,
        appid: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        on!(self, events(after, appid, limit), Ok(Vec::new()))
    }

    /// One event with its body.
    pub async fn event(&self, event: EventRef) -> Result<Option<Event>, StoreError> {
        on!(self, event(event), Ok(None))
    }

    /// Deliveries after an id, oldest first; of one event, if given.
    pub async fn deliveries(
        &self,
        after: i64,
        event: Option<EventRef>,
        account: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        on!(
            self,
            deliveries(after, event, account, limit),
            Ok(Vec::new())
        )
    }

    /// Forgets the dedup keys of all Shanghai days before that of `before`, in small steps beside the
    /// writer's work; how long ago that is counts, not what the caller's clock says. Returns how many went. Does nothing if that day was asked for already.
    pub async fn forget_repeats(&self, before: Millis, now: Millis) -> Result<usize, StoreError> {
        on!(self, forget_repeats(before, now), Ok(0))
    }

    /// Drops the events of all Shanghai days before that of `before`, with their finished
    /// deliveries; how long ago that is counts, not what the caller's clock says. Returns how many days went.
    pub async fn drop_days_before(&self, before: Millis, now: Millis) -> Result<usize, StoreError> {
        on!(self, drop_days_before(before, now), Ok(0))
    }

    /// The token kept for a credential.
    pub async fn token(&self, credential: &str) -> Result<Option<StoredToken>, StoreError> {
        on!(self, token(credential), Ok(None))
    }

    /// Becomes the one refresher of a credential until `until`, or learns that another one is.
    pub async fn lease(
        &self,
        credential: &str,
        owner: &NodeId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<Fence>, StoreError> {
        on!(
            self,
            lease(credential, owner, now, until),
            Ok(Some(Fence(1)))
        )
    }

    /// Gives a lease back before its time, so that another refresher may begin at once. Returns whether it was
    /// still this fence's.
    pub async fn release(&self, credential: &str, fence: Fence) -> Result<bool, StoreError> {
        on!(self, release(credential, fence), Ok(true))
    }

    /// Keeps a token, unless a refresher with a newer fence has been there. Returns whether it was
    /// kept.
    pub async fn put_token(
        &self,
        credential: &str,
        fence: Fence,
        token: StoredToken,
    ) -> Result<bool, StoreError> {
        on!(self, put_token(credential, fence, token), Ok(true))
    }

    /// Keeps an app key's hash.
    pub async fn put_key(&self, key: NewStoredKey<'_>) -> Result<StoredKey, StoreError> {
        match self {
            Self::Sqlite(db) => db.put_key(key).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.put_key(key).await,
            #[cfg(feature = "bench")]
            Self::Discard(_) => Err(StoreError::Closed),
        }
    }

    /// All app keys that were not revoked.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        on!(self, keys(), Ok(Vec::new()))
    }

    /// Revokes an app key. Returns whether it was there.
    pub async fn revoke_key(&self, id: &str, at: Millis) -> Result<bool, StoreError> {
        on!(self, revoke_key(id, at), Ok(false))
    }

    /// What is kept of an account's secrets.
    pub async fn account_secrets(
        &self,
        appid: &AppId,
    ) -> Result<Option<AccountSecrets>, StoreError> {
        on!(self, account_secrets(appid), Ok(None))
    }

    /// Keeps an account's secrets, sealed.
    pub async fn put_account_secrets(
        &self,
        appid: &AppId,
        secrets: &AccountSecrets,
    ) -> Result<(), StoreError> {
        on!(self, put_account_secrets(appid, secrets), Ok(()))
    }

    /// Erases the keys that sealed an account's events: the events stay unreadable, in backups too.
    pub async fn erase_account(&self, appid: &AppId) -> Result<(), StoreError> {
        on!(self, erase_account(appid), Ok(()))
    }

    /// What other nodes do from now on, within a second of its commit; `None` where there are no others. A receiver
    /// that lagged has missed something and looks at everything.
    pub fn changes(&self) -> Option<broadcast::Receiver<Change>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => Some(db.changes()),
            _ => None,
        }
    }

    /// Whether a write goes through right now.
    pub async fn probe(&self) -> Result<(), StoreError> {
        on!(self, probe(), Ok(()))
    }

    /// Writes what is queued, checkpoints and closes. Later calls answer [`StoreError::Closed`].
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.close().await,
            #[cfg(feature = "bench")]
            Self::Discard(_) => {}
        }
    }
}

/// The key under which a callback is known.
pub(crate) fn dedup_key(
    key: &aws_lc_rs::hmac::Key,
    appid: &AppId,
    order: u64,
    recipe: &str,
) -> DedupKey {
    let mut context = aws_lc_rs::hmac::Context::with_key(key);
    context.update(appid.as_str().as_bytes());
    context.update(b"\0");
    context.update(recipe.as_bytes());
    let tag = context.sign();
    let mut out = [0; 16];
    out[..8].copy_from_slice(&order.to_be_bytes());
    out[8..].copy_from_slice(&tag.as_ref()[..8]);
    DedupKey(out)
}

/// SHA-256 of an app key: the keys are random and long, so a plain hash is enough.
pub(crate) fn key_hash(text: &str) -> [u8; 32] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut out = [0; 32];
    out.copy_from_slice(hash.as_ref());
    out
}

impl StoredKey {
    /// Whether `text` is this key. In constant time.
    pub fn is(&self, text: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.hash, &key_hash(text)).is_ok()
    }

    /// The hash under which a key's text is found.
    pub fn hash_of(text: &str) -> [u8; 32] {
        key_hash(text)
    }
}
