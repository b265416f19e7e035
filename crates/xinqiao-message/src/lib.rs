//! Messages, events, passive replies, envelopes and the push state machine.
//!
//! Everything between the bytes of a callback and a typed message, in both directions: an app opens
//! what the platform pushes and seals its reply; a simulator or a gateway seals pushes and judges
//! replies. Nothing here does I/O, reads a clock or makes random bytes.
//!
//! Invariants:
//! * What could not be verified cannot be looked at: [`envelope::open`] returns the message together
//!   with its proof, or an [`envelope::EnvelopeError`] that names a rule.
//! * An unknown message or event is data, not an error.
//! * What is written is well-formed, whatever the texts in it.

pub mod dedup;
pub mod envelope;
pub mod events;
#[rustfmt::skip]
mod generated;
pub mod inbound;
pub mod names;
pub mod push;
pub mod reply;

pub use inbound::Message;
pub use reply::Reply;
