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

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use xinqiao_types::{AesKeyText, AppKey, AppSecret, CallbackToken};

/// A kind of secret, and what is the least that it can be.
pub(super) trait Kind: From<String> {
    /// Fewest characters.
    const LEAST: usize;
    /// Most characters, if there is a most.
    const MOST: usize;
    /// Whether it is of letters, digits, `-` and `_` only.
    const PLAIN: bool;
    /// What it is, for people.
    const WHAT: &'static str;

    fn text(&self) -> &str;

    /// Whether it can be what it should be; the reason never quotes it.
    fn fits(&self) -> Result<(), String> {
        let (what, least, text) = (Self::WHAT, Self::LEAST, self.text());
        let length = text.chars().count();
        if Self::MOST == least && length != least {
            return Err(format!("{what} has exactly {least} characters"));
        }
        if length < least {
            return Err(format!("{what} has at least {least} characters"));
        }
        // What cannot be seen is typed by nobody, and what is the same letter all along, or stars, is
        // what stands for a secret in an example.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "{what} has visible ASCII characters only, and no blanks"
            ));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if Self::PLAIN && !text.bytes().all(plain) {
            return Err(format!("{what} has letters, digits, - and _ only"));
        }
        if Self::MOST == least
            && text
                .bytes()
                .all(|byte| Some(&byte) == text.as_bytes().first())
        {
            return Err(format!("{what} is not one character again and again"));
        }
        Ok(())
    }
}

macro_rules! kinds {
    ($($name:ident: $least:literal..=$most:expr, $plain:literal, $what:literal;)+) => {$(
        impl Kind for $name {
            const LEAST: usize = $least;
            const MOST: usize = $most;
            const PLAIN: bool = $plain;
            const WHAT: &'static str = $what;

            fn text(&self) -> &str {
                self.expose()
            }
        }
    )+};
}

kinds! {
    CallbackToken: 3..=usize::MAX, false, "a Token";
    AesKeyText: 43..=43, false, "an EncodingAESKey";
    AppSecret: 32..=usize::MAX, true, "an AppSecret";
    AppKey: 24..=usize::MAX, false, "a key";
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

thread_local! {
    /// Where relative paths count from while a configuration is read; serde hands nothing down.
    static FOLDER: RefCell<PathBuf> = RefCell::default();
}

/// Reads with relative paths of secrets counting from `folder`.
pub(super) fn within<T>(folder: &Path, read: impl FnOnce() -> T) -> T {
    FOLDER.set(folder.to_owned());
    let done = read();
    FOLDER.take();
    done
}

impl Source {
    /// The text, and where it is from.
    fn resolve(self) -> Result<(String, String), String> {
        match self {
            Self::Text(text) => Ok((text, "the value".to_owned())),
            Self::Env(Env { env }) => match std::env::var(&env) {
                Ok(text) => Ok((text, format!("the environment variable `{env}`"))),
                Err(std::env::VarError::NotPresent) => {
                    Err(format!("the environment variable `{env}` is not set"))
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(format!("the environment variable `{env}` is not UTF-8"))
                }
            },
            Self::File(File { file }) => {
                let file = FOLDER.with_borrow(|folder| folder.join(file));
                std::fs::read_to_string(&file)
                    .map(|text| (text, format!("the file `{}`", file.display())))
                    .map_err(|error| format!("cannot read `{}`: {error}", file.display()))
            }
        }
    }
}

/// Whether a reason why a configuration does not read is one of [`required`].
pub(super) fn is_complaint(message: &str) -> bool {
    let of = ["the environment variable `", "the file `", "the value "];
    let about = of.iter().any(|of| message.starts_with(of));
    let ends = ["is not set", "is not UTF-8", "is empty"];
    message.starts_with("cannot read `")
        || about
            && (ends.iter().any(|end| message.ends_with(end))
                || message.contains(" cannot be used: "))
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

/// A text of any length that may be named as a secret is.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let (text, _) = Source::deserialize(deserializer)?
        .resolve()
        .map_err(D::Error::custom)?;
    Ok(text.trim().to_owned())
}

pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Kind,
{
    required(deserializer).map(Some)
}
