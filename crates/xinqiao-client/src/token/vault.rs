//! Where what the platform pushes or hands out once is kept: tickets, refresh tokens, permanent codes.
//!
//! A verify ticket that is lost with the process stops a third-party platform for ten minutes; a lost
//! refresh token stops an authorizer until its administrator grants again. So a [`Vault`] of one's own
//! should keep them on disk.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use xinqiao_types::AppSecret;

use crate::{error::BoxError, transport::BoxFuture};

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum VaultKey {
    /// The newest `component_verify_ticket` of a third-party platform.
    ComponentTicket {
        /// The platform's appid.
        component: Box<str>,
    },
    /// The refresh token of an account that granted a third-party platform.
    AuthorizerRefresh {
        /// The platform's appid.
        component: Box<str>,
        /// The account's appid.
        authorizer: Box<str>,
    },
    /// The newest `suite_ticket` of a WeCom third-party application.
    SuiteTicket {
        /// The suite.
        suite: Box<str>,
    },
    /// The newest `model_ticket` of a model of WeCom's smart hardware.
    ModelTicket {
        /// The model.
        model: Box<str>,
    },
    /// The permanent code of a corp that installed a WeCom third-party application.
    PermanentCode {
        /// The suite.
        suite: Box<str>,
        /// The corp.
        corp: Box<str>,
    },
}

impl fmt::Display for VaultKey {
    /// A name that is stable, for instance as a database key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ComponentTicket { component } => write!(f, "component_ticket/{component}"),
            Self::AuthorizerRefresh {
                component,
                authorizer,
            } => write!(f, "authorizer_refresh/{component}/{authorizer}"),
            Self::SuiteTicket { suite } => write!(f, "suite_ticket/{suite}"),
            Self::ModelTicket { model } => write!(f, "model_ticket/{model}"),
            Self::PermanentCode { suite, corp } => write!(f, "permanent_code/{suite}/{corp}"),
        }
    }
}

/// Keeps secrets under keys. What is saved replaces what was there; nothing expires.
pub trait Vault: fmt::Debug + Send + Sync {
    /// What is kept under a key.
    fn load<'a>(&'a self, key: &'a VaultKey) -> BoxFuture<'a, Result<Option<AppSecret>, BoxError>>;

    /// Keeps a secret. When it returns, the secret must survive the process, if it is meant to.
    fn save<'a>(
        &'a self,
        key: &'a VaultKey,
        secret: &'a AppSecret,
    ) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// Keeps secrets as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryVault {
    kept: Mutex<BTreeMap<VaultKey, AppSecret>>,
}

impl Vault for MemoryVault {
    fn load<'a>(&'a self, key: &'a VaultKey) -> BoxFuture<'a, Result<Option<AppSecret>, BoxError>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn save<'a>(
        &'a self,
        key: &'a VaultKey,
        secret: &'a AppSecret,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key.clone(), secret.clone());
        Box::pin(async { Ok(()) })
    }
}
