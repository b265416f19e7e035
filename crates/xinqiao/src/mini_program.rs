//! Mini programs (小程序) and mini games: endpoints, log-in and what a session key opens.

/// Customer messages and their staff, pictures that are read, city services, temporary media: the same
/// calls as official accounts have.
pub use xinqiao_official_account::{cityservice, customservice, cv, media};

pub use xinqiao_client::session;
pub use xinqiao_mini_program::*;

/// Tokens, quotas, and what stands in no module.
pub mod base {
    pub use xinqiao_mini_program::base::*;
    pub use xinqiao_official_account::base::{
        ClearQuota, StableToken, StableTokenResponse, Token, TokenResponse, openapi,
    };
}

/// Messages.
pub mod message {
    pub use xinqiao_mini_program::message::*;
    /// Customer messages (客服消息).
    pub use xinqiao_official_account::message::custom;
}
