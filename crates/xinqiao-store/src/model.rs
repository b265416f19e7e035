//! What goes into the store and comes out of it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use xinqiao_message::envelope::Verified;
use xinqiao_types::{AppId, UnixSeconds, shanghai};

/// Milliseconds since 1970, by whatever clock the caller uses.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This moment and `ms` milliseconds more.
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The Shanghai day that it belongs to.
    pub(crate) fn day(self) -> i32 {
        let day = shanghai::day(UnixSeconds(self.0.div_euclid(1000)));
        i32::try_from(day).unwrap_or(i32::MAX)
    }
}

/// Where an event is: its day and its place in the log. Never changes; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventRef {
    /// The Shanghai day, counted from 1970-01-01.
    pub day: i32,
    /// The place in the log over all days; grows, with gaps.
    pub seq: i64,
}

impl fmt::Display for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt-{}-{}", self.day, self.seq)
    }
}

/// The text is not an event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event id looks like evt-20778-42")]
pub struct EventRefError;

impl FromStr for EventRef {
    type Err = EventRefError;

    fn from_str(text: &str) -> Result<Self, EventRefError> {
        let (day, seq) = text
            .strip_prefix("evt-")
            .and_then(|rest| rest.split_once('-'))
            .ok_or(EventRefError)?;
        let day = day.parse().map_err(|_| EventRefError)?;
        let seq = seq.parse().map_err(|_| EventRefError)?;
        Ok(Self { day, seq })
    }
}

/// What makes a callback the same callback: eight bytes that grow with time, and a keyed hash of
/// eight. Safe to keep, says nothing about the user.
///
/// Growing matters: the index of random keys would write a page of its own for every event.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey(pub [u8; 16]);

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DedupKey({:032x})", u128::from_be_bytes(self.0))
    }
}

/// A key as databases keep it.
pub(crate) fn dedup_from(bytes: &[u8]) -> DedupKey {
    let mut key = [0; 16];
    let length = bytes.len().min(16);
    key[..length].copy_from_slice(&bytes[..length]);
    DedupKey(key)
}

/// What proves that an event came from the platform. Whoever has none cannot append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// A callback's envelope was opened.
    Callback(Verified),
}

impl From<Verified> for Proof {
    fn from(verified: Verified) -> Self {
        Self::Callback(verified)
    }
}

/// A verified, decrypted callback on its way into the log.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// That it was verified.
    pub proof: Proof,
    /// The account that received it.
    pub appid: &'a AppId,
    /// From [`Store::dedup_key`](crate::Store::dedup_key).
    pub dedup: DedupKey,
    /// Message or event type, for lists; nothing personal.
    pub kind: &'a str,
    /// When it arrived.
    pub received: Millis,
    /// The decrypted body. Sealed before it is written.
    pub body: &'a [u8],
    /// How it was read, if not simply so.
    pub mark: Option<Mark<&'a str>>,
    /// The apps that get it. With none, the answer is settled at once: silence.
    pub apps: &'a [&'a str],
    /// When somebody else may take up its deliveries, should this process hang.
    pub held_until: Millis,
}

/// How a body was read that is not well-formed: nothing personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mark<T = String> {
    /// One word.
    pub reading: T,
    /// The diagnosis rule.
    pub rule: T,
}

/// What the platform is, or was, answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// `success`: nothing is shown to the user.
    Silent,
    /// A passive reply, as plain XML.
    Reply(Vec<u8>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("Silent"),
            Self::Reply(xml) => write!(f, "Reply({} bytes)", xml.len()),
        }
    }
}

/// What became of an appended event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is new, and on disk.
    New {
        /// Where it is.
        event: EventRef,
        /// Its deliveries, in the order of [`NewEvent::apps`].
        deliveries: Vec<Held>,
    },
    /// It was stored before.
    Repeat {
        /// Where the first one is.
        event: EventRef,
        /// The settled answer, if there is one by now.
        answer: Option<Answer>,
    },
}

/// A stored event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where it is.
    pub event: EventRef,
    /// The account that received it.
    pub appid: AppId,
    /// Message or event type.
    pub kind: String,
    /// When it arrived.
    pub received: Millis,
    /// The decrypted body; `None` in lists.
    pub body: Option<Vec<u8>>,
    /// How the body was read, if not simply so.
    pub mark: Option<Mark>,
    /// When the answer was settled.
    pub answered: Option<Millis>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not taken by the app yet.
    Pending,
    /// The app took it in time.
    Delivered,
    /// The app took it, too late for its reply to be shown.
    Late,
    /// Every attempt failed.
    Dead,
}

impl DeliveryState {
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Late => 2,
            Self::Dead => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Pending,
            1 => Self::Delivered,
            2 => Self::Late,
            _ => Self::Dead,
        }
    }
}

/// One event on its way to one app.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// The event.
    pub event: EventRef,
    /// The account that received the event.
    pub appid: AppId,
    /// The app that gets it.
    pub app: String,
    /// How the event's body was read, if not simply so.
    pub mark: Option<Mark>,
    /// How it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due, while pending.
    pub due: Millis,
    /// When this row last changed.
    pub updated: Millis,
    /// HTTP status of the last attempt.
    pub status: Option<u16>,
    /// Duration of the last attempt.
    pub elapsed_ms: Option<i64>,
    /// Rule that the last attempt broke.
    pub rule: Option<String>,
    /// What was wrong, in words.
    pub detail: Option<String>,
}

/// A delivery that the caller holds. Whoever takes it up later does so under a newer fence, and the end of an attempt
/// under an older one counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The delivery.
    pub id: i64,
    /// Under which it is held.
    pub fence: Fence,
}

/// A delivery that this node now holds, with what it needs to carry it out.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Which, and under which fence.
    pub held: Held,
    /// The event.
    pub event: EventRef,
    /// The account that received the event.
    pub appid: AppId,
    /// The app that gets it.
    pub app: String,
    /// Attempts so far.
    pub attempts: u32,
    /// The event's dedup key.
    pub dedup: DedupKey,
    /// Message or event type.
    pub kind: String,
    /// When the event arrived.
    pub received: Millis,
    /// The decrypted body.
    pub body: Vec<u8>,
}

/// What the attempt came to.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Taken; with this answer, if it settles one.
    Delivered,
    /// Taken after the platform had to be answered.
    Late,
    /// Failed; again at this time.
    Again(Millis),
    /// Failed for good.
    Dead,
}

/// The end of one attempt.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The delivery, as it was held.
    pub held: Held,
    /// Its event.
    pub event: EventRef,
    /// The account.
    pub appid: AppId,
    /// Now.
    pub at: Millis,
    /// Attempts so far, this one included.
    pub attempts: u32,
    /// What it came to.
    pub verdict: Verdict,
    /// Settles the event's answer, unless it is settled already.
    pub answer: Option<Answer>,
    /// HTTP status of the attempt.
    pub status: Option<u16>,
    /// Duration of the attempt.
    pub elapsed_ms: i64,
    /// Rule that it broke.
    pub rule: Option<&'static str>,
    /// What was wrong, in words. Never a body, never a secret.
    pub detail: Option<String>,
}

/// A platform token as it is kept.
#[derive(Clone)]
pub struct StoredToken {
    /// The token itself. Sealed on disk.
    pub token: String,
    /// When it was obtained.
    pub obtained: Millis,
    /// When it ends.
    pub expires: Millis,
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredToken")
            .field("token", &"***")
            .field("obtained", &self.obtained)
            .field("expires", &self.expires)
            .finish()
    }
}

/// A node's name: a process that shares a store with others, the same name after each start.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeId(String);

impl NodeId {
    /// A node of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NodeId {
    /// The name of a node that shares its store with nobody.
    fn default() -> Self {
        Self::new("node")
    }
}

/// Whose clock says when a lease or a hold is over, and when a retry is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// The database's, for all nodes alike; callers' times say only how long. An embedded database has no clock of
    /// its own and goes by its caller's.
    #[default]
    Database,
    /// The callers', as tests need it.
    Caller,
}

/// What another node did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It put a token or a ticket under this name.
    Token(String),
    /// It issued or revoked an app key.
    Keys,
    /// It is gone, and deliveries that it held are due.
    Due,
}

/// A fencing number: a write with an older one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

/// An app key about to be stored.
#[derive(Clone)]
pub struct NewStoredKey<'a> {
    /// The key's public id.
    pub id: &'a str,
    /// The key itself; only its hash is kept.
    pub text: &'a str,
    /// The app that it belongs to.
    pub app: &'a str,
    /// The accounts it opens; empty means all.
    pub accounts: Vec<AppId>,
    /// Now.
    pub at: Millis,
}

impl fmt::Debug for NewStoredKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewStoredKey")
            .field("id", &self.id)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// A stored app key, without the key.
#[derive(Debug, Clone, Serialize)]
pub struct StoredKey {
    /// The key's public id.
    pub id: String,
    /// SHA-256 of the key.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// The app that it belongs to.
    pub app: String,
    /// The accounts it opens; empty means all.
    pub accounts: Vec<AppId>,
    /// When it was made.
    pub created: Millis,
}

/// The secrets of an account that must outlive its configuration: what it had before a change.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSecrets {
    /// AppSecret.
    pub secret: Option<String>,
    /// The callback Token.
    pub token: Option<String>,
    /// The EncodingAESKey.
    pub aes_key: Option<String>,
    /// The EncodingAESKey before the last change: the platform goes on with it for a while.
    pub previous_aes_key: Option<String>,
}

impl fmt::Debug for AccountSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountSecrets(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_read_back() {
        let event = EventRef {
            day: 20_778,
            seq: 42,
        };
        assert_eq!(event.to_string().parse(), Ok(event));
        assert_eq!("evt-1".parse::<EventRef>(), Err(EventRefError));
        assert_eq!("x-1-2".parse::<EventRef>(), Err(EventRefError));
    }

    #[test]
    fn secrets_do_not_print() {
        let token = StoredToken {
            token: "CANARY".into(),
            obtained: Millis(0),
            expires: Millis(1),
        };
        let secrets = AccountSecrets {
            secret: Some("CANARY".into()),
            ..AccountSecrets::default()
        };
        assert!(!format!("{token:?} {secrets:?}").contains("CANARY"));
    }
}
