//! Secrets in a configuration: written out, or named by an environment variable or a file.
//!
//! ```toml
//! secret = "…"
//! secret = { env = "SHOP_SECRET" }
//! secret = { file = "/run/secrets/shop" }
//! ```

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de::Error as _};

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
    fn resolve(self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Env(Env { env }) => std::env::var(&env)
                .map_err(|_| format!("the environment variable {env} is not set")),
            Self::File(File { file }) => std::fs::read_to_string(&file)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("cannot read {}: {error}", file.display())),
        }
    }
}

pub(super) fn required<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    Source::deserialize(deserializer)?
        .resolve()
        .map(T::from)
        .map_err(D::Error::custom)
}

pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    required(deserializer).map(Some)
}
