//! App keys: what an app brings instead of the real AppSecret. Random, shown once, kept as a hash,
//! scoped to accounts.

use std::{collections::HashMap, fmt, sync::Arc};

use xinqiao_store::{AppKey, NewAppKey, StoreError};
use xinqiao_types::{AppId, AppKey as AppKeyText};

use crate::{APP_KEY_PREFIX, config::is_plain_id, shared::Shared};

/// A key that was just issued.
#[derive(Clone)]
pub struct IssuedKey {
    /// Its public id, for lists and revocation.
    pub id: String,
    /// The key. It cannot be shown again.
    pub key: AppKeyText,
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

pub(crate) async fn issue(
    shared: &Arc<Shared>,
    app: &str,
    accounts: &[AppId],
) -> Result<IssuedKey, IssueError> {
    if !is_plain_id(app) {
        return Err(IssueError::Name);
    }
    for appid in accounts {
        if shared.directory.account(appid.as_str()).is_none() {
            return Err(IssueError::Account {
                appid: appid.clone(),
            });
        }
    }
    let id = format!("key_{}", random_text(shared, 12));
    let text = format!("{APP_KEY_PREFIX}{}", random_text(shared, 32));
    let stored = NewAppKey {
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
        key: AppKeyText::from(text),
        app: app.to_owned(),
        accounts: accounts.to_vec(),
    })
}

/// All keys that were issued and not revoked. Found by hash, at the same cost for one and for ten
/// thousand; what a look-up tells by its time is of the hash, not of the key.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_hash: HashMap<[u8; 32], Arc<AppKey>>,
    /// By the half of the hash that virtual tokens hold.
    by_half: HashMap<[u8; 16], Arc<AppKey>>,
}

impl FromIterator<AppKey> for Keys {
    fn from_iter<I: IntoIterator<Item = AppKey>>(keys: I) -> Self {
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<AppKey>> {
        self.by_hash.values()
    }

    /// The key that a virtual token was made for.
    pub(crate) fn of_token(&self, half: &[u8; 16]) -> Option<&Arc<AppKey>> {
        self.by_half.get(half)
    }
}

/// The key with this text, if it was issued and not revoked.
pub(crate) fn find(shared: &Shared, text: &str) -> Option<Arc<AppKey>> {
    if !text.starts_with(APP_KEY_PREFIX) {
        return None;
    }
    let keys = shared.keys.load();
    keys.by_hash.get(&AppKey::hash_of(text)).map(Arc::clone)
}

/// Whether a key opens an account.
pub(crate) fn opens(key: &AppKey, appid: &str) -> bool {
    key.accounts.is_empty() || key.accounts.iter().any(|account| account == appid)
}
