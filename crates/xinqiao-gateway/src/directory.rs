//! Which account a callback is for, and which apps get it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use xinqiao_crypto::AesKey;
use xinqiao_message::{envelope::Keys, inbound::Message, push::Speaker};
use xinqiao_store::{AccountSecrets, Millis, Store};
use xinqiao_types::{AccountKind, AppId, CallbackMode};

use crate::{AccountConfig, AppConfig, Config, ConfigError, StartError};

/// Accounts by appid and by the path that their callbacks come in on.
#[derive(Debug)]
pub(crate) struct Directory {
    accounts: HashMap<AppId, Arc<Account>>,
    paths: HashMap<String, Arc<Account>>,
    order: Vec<AppId>,
}

/// One account with the keys of its callbacks.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) config: AccountConfig,
    /// `None` when no Token is configured: its callbacks are refused.
    pub(crate) keys: Option<Keys>,
    /// The one that answers first, then the watchers.
    pub(crate) routes: Vec<Arc<Route>>,
    /// Whether the first route is a primary.
    pub(crate) has_primary: bool,
    /// The last callback that was refused.
    pub(crate) last_problem: Mutex<Option<LastProblem>>,
    /// When the last callback was accepted.
    pub(crate) last_callback: Mutex<Option<Millis>>,
}

/// The last callback of an account that was refused.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LastProblem {
    pub(crate) time: Millis,
    pub(crate) rule: &'static str,
    pub(crate) cause: String,
}

/// One account's way to one app.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) app: Box<str>,
    pub(crate) url: String,
    pub(crate) keys: Keys,
    pub(crate) timeout: Duration,
    pub(crate) primary: bool,
}

impl Directory {
    pub(crate) async fn new(config: &Config, store: &Store) -> Result<Self, StartError> {
        let mut directory = Self {
            accounts: HashMap::new(),
            paths: HashMap::new(),
            order: Vec::new(),
        };
        for account in &config.accounts {
            let secrets = remember(account, store).await?;
            let account = Arc::new(Account::new(account, &config.apps, &secrets)?);
            if let Some(path) = &account.config.path {
                directory.paths.insert(path.clone(), Arc::clone(&account));
            }
            directory.order.push(account.config.appid.clone());
            directory
                .accounts
                .insert(account.config.appid.clone(), account);
        }
        Ok(directory)
    }

    pub(crate) fn account(&self, appid: &str) -> Option<&Arc<Account>> {
        self.accounts.get(appid)
    }

    pub(crate) fn by_path(&self, path: &str) -> Option<&Arc<Account>> {
        self.paths.get(path)
    }

    /// In the order of the configuration.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.order
            .iter()
            .filter_map(|appid| self.accounts.get(appid))
    }
}

/// Keeps the account's secrets and, after a change, the AES key from before it: the platform goes
/// on with the old one for a while.
async fn remember(account: &AccountConfig, store: &Store) -> Result<AccountSecrets, StartError> {
    let kept = store.account_secrets(&account.appid).await?;
    let aes_key = account.aes_key.as_ref().map(|key| key.expose().to_owned());
    let mut secrets = AccountSecrets {
        secret: account
            .secret
            .as_ref()
            .map(|secret| secret.expose().to_owned()),
        token: account
            .token
            .as_ref()
            .map(|token| token.expose().to_owned()),
        previous_aes_key: None,
        aes_key,
    };
    if let Some(kept) = &kept {
        secrets.previous_aes_key = if kept.aes_key == secrets.aes_key {
            kept.previous_aes_key.clone()
        } else {
            kept.aes_key.clone()
        };
    }
    if kept.as_ref() != Some(&secrets) {
        store.put_account_secrets(&account.appid, &secrets).await?;
    }
    Ok(secrets)
}

/// An AES key out of a configuration that was checked.
fn aes_key(text: &str, key: impl Fn() -> String) -> Result<AesKey, ConfigError> {
    AesKey::parse(text).map_err(|error| ConfigError::Value {
        file: "configuration".into(),
        key: key(),
        reason: error.to_string(),
    })
}

impl Account {
    fn new(
        config: &AccountConfig,
        apps: &[AppConfig],
        secrets: &AccountSecrets,
    ) -> Result<Self, ConfigError> {
        let keys = match &config.token {
            None => None,
            Some(token) => {
                let mut keys = Keys::new(token.clone(), config.appid.as_str());
                if let Some(text) = &config.aes_key {
                    let name = || format!("[[account]] {}, aes_key", config.appid);
                    keys = keys.with_aes_key(&aes_key(text.expose(), name)?);
                }
                let previous = secrets.previous_aes_key.as_deref().map(AesKey::parse);
                if let Some(Ok(previous)) = previous {
                    keys = keys.with_previous(None, Some(&previous));
                }
                // The least that is accepted.
                if config.allow_plain {
                    keys = keys.with_mode(CallbackMode::Plain);
                }
                Some(keys)
            }
        };
        let mut routes = Vec::new();
        let primary = apps
            .iter()
            .filter(|app| app.accounts.contains(&config.appid));
        let watchers = apps.iter().filter(|app| {
            app.watch.contains(&config.appid) && !app.accounts.contains(&config.appid)
        });
        for app in primary {
            routes.push(Arc::new(Route::new(config, app, true)?));
        }
        let has_primary = !routes.is_empty();
        for app in watchers {
            routes.push(Arc::new(Route::new(config, app, false)?));
        }
        Ok(Self {
            config: config.clone(),
            keys,
            routes,
            has_primary,
            last_problem: Mutex::default(),
            last_callback: Mutex::default(),
        })
    }

    /// Who an app's reply speaks for.
    pub(crate) fn speaker(&self, message: &Message) -> Speaker {
        match self.config.kind {
            AccountKind::MiniProgram => Speaker::MiniProgram,
            AccountKind::Component => Speaker::Component,
            _ if message.event().is_some() => Speaker::OfficialAccountToEvent,
            _ => Speaker::OfficialAccountToMessage,
        }
    }

    pub(crate) fn route(&self, app: &str) -> Option<&Arc<Route>> {
        self.routes.iter().find(|route| &*route.app == app)
    }

    pub(crate) fn note_problem(&self, problem: LastProblem) {
        *self
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    pub(crate) fn note_callback(&self, at: Millis) {
        *self
            .last_callback
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

impl Route {
    fn new(account: &AccountConfig, app: &AppConfig, primary: bool) -> Result<Self, ConfigError> {
        let mut keys = Keys::new(app.token.clone(), account.appid.as_str());
        keys = match &app.aes_key {
            Some(text) => {
                let name = || format!("[[app]] {}, aes_key", app.name);
                // The app gets what the platform would send it: compat stays compat.
                let mode = match account.mode {
                    CallbackMode::Compat => CallbackMode::Compat,
                    _ => CallbackMode::Safe,
                };
                keys.with_aes_key(&aes_key(text.expose(), name)?)
                    .with_mode(mode)
            }
            None => keys.with_mode(CallbackMode::Plain),
        };
        Ok(Self {
            app: app.name.as_str().into(),
            url: app.url.replace("{appid}", account.appid.as_str()),
            keys,
            timeout: app.timeout(),
            primary,
        })
    }
}
