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
    /// A key of administration is one that was issued to an app: the app could administer.
    #[error(
        "{name} is the key {id}, which was issued to the app {app}; set another {name}, or revoke that key \
         (key.issued)"
    )]
    IssuedKey {
        /// `admin.key` or `admin.read_key`.
        name: &'static str,
        /// The issued key's id.
        id: String,
        /// Its app.
        app: String,
    },
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

impl StartError {
    /// The name of the diagnosis rule, whose cause and remedy are there in Chinese too.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Config(error) => error.rule(),
            Self::IssuedKey { .. } => "key.issued",
            Self::Listen(ListenError::InUse { .. }) => "config.listen.taken",
            Self::Listen(_) | Self::Socket { .. } => "config.listen",
            Self::MasterKey(_) | Self::MasterKeyVariable { .. } | Self::NoMasterKey { .. } => {
                "config.seal"
            }
            Self::Open(OpenError::WrongMasterKey { .. }) => "store.other_key",
            Self::Open(OpenError::InUse { .. }) => "store.in_use",
            Self::Open(_) | Self::Store(_) => "store.open",
        }
    }

    /// Where it is, or what it is about; the same in every language.
    pub fn place(&self) -> String {
        match self {
            Self::Config(error) => error.place(),
            Self::IssuedKey { name, id, app } => format!("{name} = {id} ({app})"),
            Self::Listen(
                ListenError::InUse { bind, port } | ListenError::Refused { bind, port, .. },
            ) => std::net::SocketAddr::new(*bind, *port).to_string(),
            Self::Socket { path, .. } => path.display().to_string(),
            Self::MasterKeyVariable { variable, .. } | Self::NoMasterKey { variable } => {
                variable.clone()
            }
            Self::Open(
                OpenError::WrongMasterKey { path, .. }
                | OpenError::InUse { path }
                | OpenError::Newer { path, .. },
            ) => path.clone(),
            Self::Open(OpenError::Folder { path, .. }) => path.display().to_string(),
            _ => String::new(),
        }
    }
}
