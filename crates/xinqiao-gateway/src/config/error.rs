//! Why a configuration cannot be used: where it is wrong, and what.

use std::path::PathBuf;

use super::is_plain_id;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, has an unknown key, or a value of a wrong type.
    #[error("{file}, line {line}, {table}: {reason}")]
    Form {
        /// The file, or `configuration`.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The table that the line belongs to.
        table: String,
        /// What is wrong; names the key and what is allowed.
        reason: String,
        /// The name of the diagnosis rule.
        rule: &'static str,
    },
    /// A value that reads but cannot be used.
    #[error("{file}: {key}: {reason}")]
    Value {
        /// The file, or `configuration`.
        file: String,
        /// The key, with the table's name or number.
        key: String,
        /// What is wrong, and what is allowed.
        reason: String,
        /// The name of the diagnosis rule.
        rule: &'static str,
    },
}

impl ConfigError {
    /// The name of the diagnosis rule, whose cause and remedy are there in Chinese too.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::File { .. } => "config.file",
            Self::Form { rule, .. } | Self::Value { rule, .. } => rule,
        }
    }

    /// Where it is: file, line, table and key; the same in every language.
    pub fn place(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Form {
                file,
                line,
                table,
                reason,
                ..
            } => {
                let table = Some(table.as_str()).filter(|table| table.starts_with('['));
                let key = reason.split_once(": ").map(|(key, _)| key);
                let key = key.filter(|key| is_plain_id(key));
                let names: Vec<_> = table.into_iter().chain(key).collect();
                let names = names.join(", ");
                let colon = if names.is_empty() { "" } else { ": " };
                format!("{file}:{line}{colon}{names}")
            }
            Self::Value { file, key, .. } => format!("{file}: {key}"),
        }
    }

    /// The names and values that it is about, and those that are allowed: whatever stands in backticks.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::File { .. } => Vec::new(),
            Self::Form { reason, .. } | Self::Value { reason, .. } => {
                reason.split('`').skip(1).step_by(2).collect()
            }
        }
    }
}
