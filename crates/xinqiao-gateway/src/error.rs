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
    /// The variable that should hold the master key holds something else.
    #[error("the environment variable {variable} holds no master key")]
    MasterKeyVariable {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        source: MasterKeyError,
    },
    /// The socket of the administration interface could not be opened.
    #[error("cannot open the socket {}", path.display())]
    Socket {
        /// The socket.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
