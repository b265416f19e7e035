//! Secrets: they never print themselves, and they wipe their bytes.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Declares a secret text.
macro_rules! secret {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes the secret into custody.
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// The secret itself. Call this only in crypto and where a request leaves the process.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Whether there is nothing in it.
            pub fn is_empty(&self) -> bool {
                self.expose().is_empty()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::new)
            }
        }
    )+};
}

secret! {
    /// The secret of an account (`AppSecret`).
    AppSecret,
    /// An interface credential (`access_token`), real or virtual.
    AccessToken,
    /// The Token of a server URL: what callback signatures are made with.
    CallbackToken,
    /// An `EncodingAESKey`: 43 characters, not yet decoded.
    AesKeyText,
    /// The key of the payment interface's second generation (APIv2 密钥).
    ApiV2Key,
    /// The key of the payment interface's third generation (APIv3 密钥).
    ApiV3Key,
    /// A key that the gateway issued to an app.
    AppKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", AppSecret::new("hunter2")), "AppSecret(***)");
        assert_eq!(
            format!("{:#?}", Some(AppKey::from("xqk_1"))),
            "Some(\n    AppKey(***),\n)"
        );
    }
}
