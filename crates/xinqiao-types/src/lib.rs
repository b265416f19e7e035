//! The vocabulary of Xinqiao: identifiers, units, time and Shanghai's calendar, chance, secrets, and percent-encoding.
//!
//! Everything here is small, owned and cheap to clone. Nothing here talks to a network, and only
//! [`SystemClock`] and [`SystemEntropy`] ask the machine for the time and for random bytes: everybody
//! else is handed a `&dyn Clock` or a `&dyn Entropy`.
//!
//! Invariant: a secret never prints itself. Its `Debug` shows the type's name and `***`, it has no
//! `Display` and no `Serialize`, and its bytes are wiped when the last copy goes.

mod account;
mod entropy;
mod error;
mod id;
pub mod percent;
mod secret;
pub mod shanghai;
mod time;

pub use account::{AccountKind, CallbackMode, UnknownName};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::{ErrCode, Rid};
pub use id::{
    AppId, CorpId, EventId, ExternalUserId, MchId, MediaId, OpenId, SuiteId, UnionId, UserId,
};
pub use secret::{AccessToken, AesKeyText, ApiV2Key, ApiV3Key, AppKey, AppSecret, CallbackToken};
pub use time::{Clock, Fen, ManualClock, SystemClock, UnixSeconds};
