//! What the platform says when it refuses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A numeric answer code of the platform (`errcode`). 0 is success.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ErrCode(pub i64);

impl ErrCode {
    /// The call succeeded.
    pub const OK: Self = Self(0);

    /// Whether the call succeeded.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ErrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for ErrCode {
    fn from(code: i64) -> Self {
        Self(code)
    }
}

impl FromStr for ErrCode {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Self)
    }
}

/// The platform's own trace id of a call (`rid`): its support asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rid(Box<str>);

impl Rid {
    /// Wraps a trace id.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The trace id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Splits `invalid credential … rid: 6312ba55-41a1d2b2-1bd3e2f4` into the message and its rid.
    ///
    /// The message comes back without the rid and without trailing spaces.
    pub fn split(message: &str) -> (&str, Option<Self>) {
        let Some(at) = message.rfind("rid:") else {
            return (message, None);
        };
        let id = message[at + "rid:".len()..].trim();
        let plausible = !id.is_empty()
            && id.len() <= 64
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if plausible {
            (message[..at].trim_end(), Some(Self::new(id)))
        } else {
            (message, None)
        }
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rid_is_split_off() {
        let (message, rid) = Rid::split("invalid openid rid: 6312ba55-41a1d2b2-1bd3e2f4");
        assert_eq!(message, "invalid openid");
        assert_eq!(rid.unwrap().as_str(), "6312ba55-41a1d2b2-1bd3e2f4");
    }

    #[test]
    fn a_message_without_a_rid_stays() {
        assert_eq!(Rid::split("ok"), ("ok", None));
        assert_eq!(Rid::split("grid: not one!"), ("grid: not one!", None));
    }

    #[test]
    fn codes_parse() {
        assert_eq!(" 40001".parse(), Ok(ErrCode(40001)));
        assert!(ErrCode::OK.is_ok());
    }
}
