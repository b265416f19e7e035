//! The gateway's memory: events, deliveries, tokens, app keys and accounts' secrets, on disk: in an SQLite file of
//! one node, or in a PostgreSQL that many nodes share.
//!
//! It stores and finds; it never talks to the network, reads no clock (callers bring the time) and
//! knows nothing of WeChat's formats: a body is bytes. All it asks is the proof that they were verified.
//!
//! Invariants:
//! * Nothing is appended without a [`Proof`], which only a verification makes.
//! * [`Store::append`] returns only after the event is on disk. What it acknowledged survives a
//!   kill −9.
//! * A repeat is recognised as long as [`Store::forget_repeats`] leaves its key, whatever became of the
//!   event's own table.
//! * An event, its dedup key and its deliveries are written in one transaction, or not at all.
//! * Bodies, answers, tokens and secrets are sealed with AES-256-GCM before they reach the
//!   database; app keys are kept as hashes. A store that was sealed under another master key
//!   refuses to open.
//! * Every call says what it means (`append`, `claim`, `finish` …), never how: another database is
//!   another variant of [`Store`], and no caller changes.

mod error;
mod master;
mod model;
#[cfg(feature = "postgres")]
mod postgres;
mod seal;
mod sqlite;
mod store;
mod vault;

pub use error::{MasterKeyError, OpenError, StoreError};
pub use master::MasterKey;
pub use model::{
    AccountSecrets, Answer, Appended, Change, Claimed, DedupKey, Delivery, DeliveryState, Event,
    EventRef, EventRefError, Fence, Finish, Held, Mark, Millis, NewEvent, NewStoredKey, NodeId,
    Proof, StoredKey, StoredToken, Timing, Verdict,
};
pub use seal::{SealError, Sealer};
pub use store::{Location, Options, Store};
