//! Data keys: one per account seals its events and answers; the master key seals the data keys.
//!
//! Erasing an account's data keys makes everything that was sealed under them unreadable, in old
//! backups of the database too.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use xinqiao_types::{AppId, Entropy as _, SystemEntropy};

use crate::{
    Answer, DedupKey, EventRef, MasterKey, Millis, Sealer, StoreError, StoredToken,
    model::AccountSecrets,
};

const CHECK: &[u8] = b"xinqiao store";

/// Everything that seals and unseals what a database keeps.
pub(crate) struct Vault {
    fingerprint: String,
    master: Sealer,
    records: Sealer,
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    current: HashMap<AppId, Arc<DataKey>>,
    by_id: HashMap<i64, Arc<DataKey>>,
}

/// A data key with the number under which rows name it.
#[derive(Debug)]
pub(crate) struct DataKey {
    pub(crate) id: i64,
    sealer: Sealer,
}

/// The database was sealed under another master key, whose fingerprint this is.
pub(crate) struct WrongKey(pub(crate) String);

impl Vault {
    pub(crate) fn new(master_key: &MasterKey) -> Self {
        Self {
            fingerprint: master_key.fingerprint(),
            master: master_key.sealer("data keys"),
            records: master_key.sealer("records"),
            keys: RwLock::default(),
        }
    }

    /// The master key's fingerprint.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What is kept in a new database, so that the next start proves its master key.
    pub(crate) fn check(&self) -> Vec<u8> {
        self.master.seal(CHECK, CHECK)
    }

    /// Proves that the master key is the one under which `check` was made.
    pub(crate) fn prove(&self, check: &[u8], fingerprint: &[u8]) -> Result<(), WrongKey> {
        if self.master.open(CHECK, check).as_deref() == Ok(CHECK) {
            return Ok(());
        }
        let expected = String::from_utf8_lossy(fingerprint).into_owned();
        Err(WrongKey(expected))
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a stored key into use. The newest of an account seals from now on.
    pub(crate) fn load(&self, id: i64, appid: String, sealed: &[u8]) {
        let plain = self.master.open(appid.as_bytes(), sealed);
        match plain.map(<[u8; 32]>::try_from) {
            Ok(Ok(plain)) => drop(self.write().insert(AppId::from(appid), id, &plain)),
            _ => tracing::error!(
                appid,
                key = id,
                "A data key cannot be unsealed; its events stay closed."
            ),
        }
    }

    /// The key that seals what an account receives from now on.
    pub(crate) fn current(&self, appid: &AppId) -> Option<Arc<DataKey>> {
        self.read().current.get(appid).map(Arc::clone)
    }

    /// The key with this number, if it is known here.
    pub(crate) fn known(&self, id: i64) -> Option<Arc<DataKey>> {
        self.read().by_id.get(&id).map(Arc::clone)
    }

    /// The key with this number.
    pub(crate) fn by_id(&self, id: i64) -> Result<Arc<DataKey>, StoreError> {
        self.known(id)
            .ok_or(StoreError::Sealed("its data key was erased"))
    }

    /// A new random key, and what of it may be written down.
    pub(crate) fn generate(&self, appid: &AppId) -> ([u8; 32], Vec<u8>) {
        let mut plain = [0; 32];
        SystemEntropy.fill(&mut plain);
        let sealed = self.master.seal(appid.as_str().as_bytes(), &plain);
        (plain, sealed)
    }

    /// Takes a key into use that is on disk now; an earlier one of another task wins.
    pub(crate) fn adopt(&self, appid: &AppId, id: i64, plain: &[u8; 32]) -> Arc<DataKey> {
        let mut keys = self.write();
        if let Some(key) = keys.current.get(appid) {
            return Arc::clone(key);
        }
        keys.insert(appid.clone(), id, plain)
    }

    /// Forgets keys that were erased.
    pub(crate) fn forget(&self, ids: &[i64]) {
        let mut keys = self.write();
        keys.current.retain(|_, key| !ids.contains(&key.id));
        for id in ids {
            keys.by_id.remove(id);
        }
    }

    /// Forgets all keys but these.
    #[cfg(feature = "postgres")]
    pub(crate) fn forget_others(&self, there: &std::collections::HashSet<i64>) {
        let mut keys = self.write();
        keys.current.retain(|_, key| there.contains(&key.id));
        keys.by_id.retain(|id, _| there.contains(id));
    }

    pub(crate) fn seal_token(&self, credential: &str, token: &str) -> Vec<u8> {
        let context = format!("token {credential}");
        self.records.seal(context.as_bytes(), token.as_bytes())
    }

    pub(crate) fn open_token(
        &self,
        credential: &str,
        sealed: &[u8],
        (obtained, expires): (i64, i64),
    ) -> Result<StoredToken, StoreError> {
        let context = format!("token {credential}");
        let plain = { self.records.open(context.as_bytes(), sealed) }
            .map_err(|_| StoreError::Sealed("the token was altered"))?;
        let token =
            String::from_utf8(plain).map_err(|_| StoreError::Sealed("the token is not text"))?;
        Ok(StoredToken {
            token,
            obtained: Millis(obtained),
            expires: Millis(expires),
        })
    }

    pub(crate) fn seal_secrets(
        &self,
        appid: &AppId,
        secrets: &AccountSecrets,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(secrets)
            .map_err(|_| StoreError::Sealed("the account's secrets do not write"))?;
        let context = format!("account {appid}");
        Ok(self.records.seal(context.as_bytes(), &plain))
    }

    pub(crate) fn open_secrets(
        &self,
        appid: &AppId,
        sealed: &[u8],
    ) -> Result<AccountSecrets, StoreError> {
        let context = format!("account {appid}");
        let plain = { self.records.open(context.as_bytes(), sealed) }
            .map_err(|_| StoreError::Sealed("the account's secrets were altered"))?;
        serde_json::from_slice(&plain)
            .map_err(|_| StoreError::Sealed("the account's secrets do not read"))
    }
}

impl Keys {
    fn insert(&mut self, appid: AppId, id: i64, plain: &[u8; 32]) -> Arc<DataKey> {
        let key = Arc::new(DataKey {
            id,
            sealer: Sealer::new(plain),
        });
        self.by_id.insert(id, Arc::clone(&key));
        self.current.insert(appid, Arc::clone(&key));
        key
    }
}

impl DataKey {
    pub(crate) fn seal_body(&self, appid: &AppId, dedup: DedupKey, body: &[u8]) -> Vec<u8> {
        self.sealer.seal(&body_context(appid, dedup), body)
    }

    pub(crate) fn open_body(
        &self,
        appid: &AppId,
        dedup: DedupKey,
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        self.sealer
            .open(&body_context(appid, dedup), sealed)
            .map_err(|_| StoreError::Sealed("the body was altered"))
    }

    /// An answer as it is kept: empty for silence, sealed otherwise.
    pub(crate) fn seal_reply(&self, appid: &AppId, event: EventRef, xml: &[u8]) -> Vec<u8> {
        self.sealer
            .seal(format!("answer {appid} {event}").as_bytes(), xml)
    }

    pub(crate) fn open_reply(
        &self,
        appid: &AppId,
        event: EventRef,
        sealed: &[u8],
    ) -> Result<Answer, StoreError> {
        self.sealer
            .open(format!("answer {appid} {event}").as_bytes(), sealed)
            .map(Answer::Reply)
            .map_err(|_| StoreError::Sealed("the answer was altered"))
    }
}

/// What binds a body to its row: the account and the dedup key.
fn body_context(appid: &AppId, dedup: DedupKey) -> [u8; 64] {
    let mut context = [0; 64];
    context[..16].copy_from_slice(&dedup.0);
    let appid = appid.as_str().as_bytes();
    let length = appid.len().min(48);
    context[16..16 + length].copy_from_slice(&appid[..length]);
    context
}
