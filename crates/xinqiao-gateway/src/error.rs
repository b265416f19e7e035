//! Why a gateway did not start.

use xinqiao_http::ListenError;
use xinqiao_store::{MasterKeyError, OpenError, StoreError};

use crate::ConfigError;

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port could not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The master key could not be loaded.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// No master key was given, and this is no development run.
    #[error(
        "the store needs a master key: set {variable} to 64 hexadecimal digits (openssl rand -hex 32), \
         or seal.key_file to a file with them that only its owner may read"
    )]
    NoMasterKey {
        /// The environment variable that was looked at.
        variable: String,
    },
    /// The store did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store opened but refused a call.
    #[error("the store refused while starting")]
    Store(#[from] StoreError),
}
