//! What can go wrong with the store, by what the caller would do differently.

use std::path::PathBuf;

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database was sealed under another master key. Nothing was changed.
    #[error(
        "the store {path} was sealed under another master key (its fingerprint is {expected}, the \
         given key's is {given}); bring the original key, or move the store away to begin anew"
    )]
    WrongMasterKey {
        /// Where the store is.
        path: String,
        /// Fingerprint of the key that sealed the store.
        expected: String,
        /// Fingerprint of the key that was given.
        given: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the store {path} has schema {found}, this program knows up to {known}; use the newer program"
    )]
    Newer {
        /// Where the store is.
        path: String,
        /// Schema found in the file.
        found: i64,
        /// Newest schema that this program knows.
        known: i64,
    },
    /// Another process holds the store.
    #[error("the store {path} is in use by another process; stop that one first")]
    InUse {
        /// Where the store is.
        path: String,
    },
    /// The folder or file could not be made.
    #[error("cannot create the store's folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("cannot open the store {path}")]
    Database {
        /// Where the store is.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database's address cannot be read. It is not shown: it may hold a password.
    #[error(
        "the store's address is not one of PostgreSQL ({reason}); \
         it looks like postgres://user:password@host:5432/database?sslmode=require"
    )]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The master key could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// The text is not 32 bytes in hexadecimal.
    #[error("a master key is 64 hexadecimal digits (32 bytes); this one has {length} characters")]
    Form {
        /// Length of the given text.
        length: usize,
    },
    /// All zeros: nobody's key.
    #[error("a master key of zeros only seals nothing; make one with openssl rand -hex 32")]
    Zero,
    /// The key file could not be read or written.
    #[error("cannot use the master key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the key file.
    #[error(
        "the master key file {} can be read by others (mode {mode:o}); run chmod 600 on it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// A call on an open store failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The write queue or the log is full: shed load, ask the platform to repeat.
    #[error("the store's write queue or its log is full")]
    Overloaded,
    /// The store was closed, or its writer stopped.
    #[error("the store is closed")]
    Closed,
    /// The database cannot be reached, is starting or stopping, is full or takes no writes: it passes, try again.
    /// Whether the call was carried out is open.
    #[error("the database does not answer: {0}")]
    Unavailable(Box<str>),
    /// Another process was started under this node's name, and is the one that acts in it.
    #[error("another process was started under this node's name")]
    Superseded,
    /// The database refused; nothing of the call was kept.
    #[error("the database refused: {0}")]
    Database(Box<str>),
    /// A sealed value could not be opened: damaged, or its key was erased.
    #[error("a sealed value could not be opened: {0}")]
    Sealed(&'static str),
}

impl StoreError {
    /// Whether the same call may succeed a moment later, without anybody's doing.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Unavailable(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let text = error.to_string().into();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OperationInterrupted
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure,
            ) => Self::Unavailable(text),
            _ => Self::Database(text),
        }
    }
}
