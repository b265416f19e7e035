//! App keys: what an app brings instead of the real AppSecret. Random, shown once, kept as a hash,
//! scoped to accounts.

use std::{collections::HashMap, fmt, sync::Arc};

use xinqiao_store::{Millis, NewStoredKey, StoreError, StoredKey};
use xinqiao_types::{AppId, AppKey};

use crate::{APP_KEY_PREFIX, KeyConfig, config::is_plain_id, shared::Shared};

/// A key that was just issued.
#[derive(Clone)]
pub struct IssuedKey {
    /// Its public id, for lists and revocation.
    pub id: String,
    /// The key. It cannot be shown again.
    pub key: AppKey,
    /// The app that it belongs to.
    pub app: String,
    /// The accounts that it opens; all if empty.
    pub accounts: Vec<AppId>,
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedKey")
            .field("id", &self.id)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// A key was not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The app's name cannot be used.
    #[error("an app's name is 1 to 64 letters, digits, - or _")]
    Name,
    /// An app that the gateway does not have.
    #[error("{app} is not an app of this gateway; its apps are {known}")]
    App {
        /// The name.
        app: String,
        /// The names of all apps.
        known: String,
    },
    /// An account that the gateway does not have.
    #[error("{appid} is not an account of this gateway; add it to the configuration first")]
    Account {
        /// The appid.
        appid: AppId,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn random_text(shared: &Shared, length: usize) -> String {
    (0..length)
        .map(|_| char::from(ALPHABET[shared.context.entropy.below(62) as usize]))
        .collect()
}

/// Ids of issued keys: this and so many random letters. No configured key has such an id.
const ID_PREFIX: &str = "key_";
const ID_LETTERS: usize = 12;

/// Whether an id is one that [`issue`] makes.
pub(crate) fn is_issued_id(id: &str) -> bool {
    id.strip_prefix(ID_PREFIX).is_some_and(|letters| {
        letters.len() == ID_LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A configured key as one of the gateway's keys.
pub(crate) fn configured(key: &KeyConfig) -> StoredKey {
    StoredKey {
        id: key.id.clone(),
        hash: StoredKey::hash_of(key.key.expose()),
        app: key.app.clone(),
        accounts: key.accounts.clone(),
        created: Millis(0),
    }
}

pub(crate) async fn issue(
    shared: &Arc<Shared>,
    app: &str,
    accounts: &[AppId],
) -> Result<IssuedKey, IssueError> {
    if !is_plain_id(app) {
        return Err(IssueError::Name);
    }
    if !shared.config.has_app(app) {
        let known: Vec<_> = shared.config.apps.iter().map(|app| &*app.name).collect();
        return Err(IssueError::App {
            app: app.to_owned(),
            known: known.join(", "),
        });
    }
    for appid in accounts {
        if shared.directory.account(appid.as_str()).is_none() {
            return Err(IssueError::Account {
                appid: appid.clone(),
            });
        }
    }
    let id = format!("{ID_PREFIX}{}", random_text(shared, ID_LETTERS));
    let text = format!("{APP_KEY_PREFIX}{}", random_text(shared, 32));
    let stored = NewStoredKey {
        id: &id,
        text: &text,
        app,
        accounts: accounts.to_vec(),
        at: shared.now(),
    };
    shared.store.put_key(stored).await?;
    shared.load_keys().await?;
    tracing::info!(key = id, app, "A key was issued.");
    Ok(IssuedKey {
        id,
        key: AppKey::from(text),
        app: app.to_owned(),
        accounts: accounts.to_vec(),
    })
}

/// All keys that are configured, or were issued and not revoked. Found by hash, at the same cost for one and for ten
/// thousand; what a look-up tells by its time is of the hash, not of the key.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_hash: HashMap<[u8; 32], Arc<StoredKey>>,
    /// By the half of the hash that virtual tokens hold.
    by_half: HashMap<[u8; 16], Arc<StoredKey>>,
}

impl FromIterator<StoredKey> for Keys {
    fn from_iter<I: IntoIterator<Item = StoredKey>>(keys: I) -> Self {
        let mut all = Self::default();
        for key in keys {
            let key = Arc::new(key);
            let half = key.hash.first_chunk::<16>().copied().unwrap_or_default();
            all.by_half.insert(half, Arc::clone(&key));
            all.by_hash.insert(key.hash, key);
        }
        all
    }
}

impl Keys {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<StoredKey>> {
        self.by_hash.values()
    }

    /// The key that a virtual token was made for.
    pub(crate) fn of_token(&self, half: &[u8; 16]) -> Option<&Arc<StoredKey>> {
        self.by_half.get(half)
    }
}

/// The key with this text, if it is configured, or was issued and not revoked.
pub(crate) fn find(shared: &Shared, text: &str) -> Option<Arc<StoredKey>> {
    if !text.starts_with(APP_KEY_PREFIX) {
        return None;
    }
    let keys = shared.keys.load();
    keys.by_hash.get(&StoredKey::hash_of(text)).map(Arc::clone)
}

/// Whether a key opens an account.
pub(crate) fn opens(key: &StoredKey, appid: &str) -> bool {
    key.accounts.is_empty() || key.accounts.iter().any(|account| account == appid)
}
