//! Official accounts (公众号): endpoints, web log-in, JS-SDK.

pub use xinqiao_client::{jssdk, oauth};
pub use xinqiao_official_account::*;

/// Templates of subscription messages (订阅通知), as mini programs have them.
#[cfg(feature = "mini-program")]
pub use xinqiao_mini_program::wxaapi::newtmpl;
/// Calls with a user's own token.
#[cfg(feature = "open-platform")]
pub use xinqiao_open_platform::sns;

/// Messages.
#[cfg(feature = "mini-program")]
pub mod message {
    /// Subscription messages (订阅通知).
    pub mod subscribe {
        pub use xinqiao_mini_program::message::subscribe::Bizsend;
    }
    pub use xinqiao_official_account::message::*;
}
