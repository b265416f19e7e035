//! What kinds of account the platform has, and how it wraps what it pushes to them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that is not on the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a known {what}, use one of: {allowed}")]
pub struct UnknownName {
    /// What was being named, for instance `account kind`.
    pub what: &'static str,
    /// What was found instead.
    pub found: Box<str>,
    /// The names that exist, separated by spaces.
    pub allowed: &'static str,
}

macro_rules! named {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal, $allowed:literal:
        $($(#[$variant_meta:meta])* $variant:ident = $wire:literal),+ $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $wire)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire, in configuration files and in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($wire => Ok(Self::$variant),)+
                    _ => Err(UnknownName { what: $what, found: text.into(), allowed: $allowed }),
                }
            }
        }
    };
}

named! {
    /// The kind of an account: anything that has a credential of its own.
    AccountKind, "account kind",
    "subscription service miniprogram website mobileapp component corp merchant":
    /// Subscription account (订阅号).
    Subscription = "subscription",
    /// Service account (服务号).
    Service = "service",
    /// Mini program (小程序) or mini game.
    MiniProgram = "miniprogram",
    /// Website application (网站应用).
    Website = "website",
    /// Mobile application (移动应用).
    MobileApp = "mobileapp",
    /// Third-party platform (第三方平台).
    Component = "component",
    /// WeCom corporation (企业微信).
    Corp = "corp",
    /// Merchant (商户号).
    Merchant = "merchant",
}

impl AccountKind {
    /// Subscription and service accounts: those that users follow and chat with.
    pub const fn is_official_account(self) -> bool {
        matches!(self, Self::Subscription | Self::Service)
    }
}

named! {
    /// How the platform wraps a callback (消息加解密方式).
    CallbackMode, "callback mode", "plain compat safe":
    /// Plain text mode (明文模式): signed, not encrypted.
    Plain = "plain",
    /// Compatible mode (兼容模式): plain elements and the ciphertext side by side.
    Compat = "compat",
    /// Safe mode (安全模式): ciphertext only.
    Safe = "safe",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in AccountKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for mode in CallbackMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(*mode));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "mini".parse::<AccountKind>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`mini` is not a known account kind, use one of: ")
        );
        for kind in AccountKind::ALL {
            assert!(error.allowed.split(' ').any(|name| name == kind.as_str()));
        }
    }
}
