//! Secrets in a configuration: written out, or named by an environment variable or a file.
//!
//! ```toml
//! secret = "…"
//! secret = { env = "SHOP_SECRET" }
//! secret = { file = "/run/secrets/shop" }
//! ```
//!
//! An empty one, or one that is too short to be what it should be, is an error wherever it comes
//! from: an empty Token would be known to everybody. White space around it is no part of it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de::Error as _};
use xinqiao_types::{AesKeyText, AppKey, AppSecret, CallbackToken};

/// A kind of secret, and what is the least that it can be.
pub(super) trait Kind: From<String> {
    /// Fewest characters.
    const LEAST: usize;
    /// What it is, for people.
    const WHAT: &'static str;

    fn text(&self) -> &str;

    /// Whether it can be what it should be; the reason never quotes it.
    fn fits(&self) -> Result<(), String> {
        if self.text().chars().count() < Self::LEAST {
            return Err(format!(
                "{} has at least {} characters",
                Self::WHAT,
                Self::LEAST
            ));
        }
        if self
            .text()
            .contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(format!(
                "{} has no blank and no control character in it",
                Self::WHAT
            ));
        }
        Ok(())
    }
}

macro_rules! kinds {
    ($($name:ident: $least:literal, $what:literal;)+) => {$(
        impl Kind for $name {
            const LEAST: usize = $least;
            const WHAT: &'static str = $what;

            fn text(&self) -> &str {
                self.expose()
            }
        }
    )+};
}

kinds! {
    CallbackToken: 3, "a Token";
    AesKeyText: 43, "an EncodingAESKey";
    AppSecret: 32, "an AppSecret";
    AppKey: 24, "a key";
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a string, { env = \"NAME\" } or { file = \"path\" }"
)]
enum Source {
    Text(String),
    Env(Env),
    File(File),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Env {
    env: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file: PathBuf,
}

impl Source {
    /// The text, and where it is from.
    fn resolve(self) -> Result<(String, String), String> {
        match self {
            Self::Text(text) => Ok((text, "the value".to_owned())),
            Self::Env(Env { env }) => match std::env::var(&env) {
                Ok(text) => Ok((text, format!("the environment variable {env}"))),
                Err(std::env::VarError::NotPresent) => {
                    Err(format!("the environment variable {env} is not set"))
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(format!("the environment variable {env} is not UTF-8"))
                }
            },
            Self::File(File { file }) => std::fs::read_to_string(&file)
                .map(|text| (text, file.display().to_string()))
                .map_err(|error| format!("cannot read {}: {error}", file.display())),
        }
    }
}

pub(super) fn required<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Kind,
{
    let (text, from) = Source::deserialize(deserializer)?
        .resolve()
        .map_err(D::Error::custom)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(D::Error::custom(format!("{from} is empty")));
    }
    let secret = T::from(text.to_owned());
    match secret.fits() {
        Ok(()) => Ok(secret),
        Err(reason) => Err(D::Error::custom(format!("{from} cannot be used: {reason}"))),
    }
}

pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Kind,
{
    required(deserializer).map(Some)
}
