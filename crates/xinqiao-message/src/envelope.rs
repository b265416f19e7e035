//! The wrapping of callbacks (消息加解密): plain, compatible and safe mode, in both directions.
//!
//! * An app, or the gateway in its place, calls [`verify_url`] once and [`open`] for every push, and
//!   answers with what [`seal_reply`] makes.
//! * A simulator, or the gateway towards its apps, calls [`seal_push`] ([`seal_work_push`] for WeCom), and
//!   [`open_reply`] for the answer.
//!
//! Invariants: the signature is checked before anything is decrypted, over the exact bytes; its timestamp
//! lies within [`Keys::window`] of now; what comes out carries a [`Verified`] that only this module can
//! make; the receiver id is always checked. Nothing (no header, no mode, no setting) turns a check off.
//! What a failing check costs does not depend on what a ciphertext holds: finding out which setting is
//! wrong is [`diagnose`]'s, which is for an operator. Whoever receives callbacks answers every
//! [`EnvelopeError`] alike, or the answers add up to an oracle for captured messages.
//!
//! Source: the platform's pages on message encryption; `Encrypt` is signed, not the body.

mod chance;
mod error;
mod explain;
mod keys;
mod open;
mod outer;
mod query;
mod seal;
mod work;

pub use chance::{chance, nonce};
pub use error::{Base64Fault, EnvelopeError, SignatureFault};
pub use explain::diagnose;
pub use keys::{DEFAULT_WINDOW, Generation, Keys};
pub use open::{Echo, Opened, OpenedReply, SUCCESS, Verified, open, open_reply, verify_url};
pub use outer::Wrapping;
pub use query::CallbackQuery;
pub use seal::{
    Push, SealedBytes, SealedPush, seal_bytes, seal_component_push, seal_push, seal_reply,
    seal_reply_as, url_query,
};
pub use work::{WorkReceiver, seal_work_push, work_url_query};

/// The largest body of a callback, in bytes.
pub const MAX_BODY: usize = xinqiao_wire::xml::MAX_BYTES;

/// `encrypt_type` of an encrypted push.
const AES: &str = "aes";
