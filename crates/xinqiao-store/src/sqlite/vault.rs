//! Data keys: one per account seals its events and answers; the master key seals the data keys.
//!
//! Erasing an account's data keys makes everything that was sealed under them unreadable, in old
//! backups of the database too.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use rusqlite::{Connection, OptionalExtension as _};
use xinqiao_types::{AppId, Entropy as _, SystemEntropy};

use crate::{MasterKey, OpenError, Sealer, StoreError};

const CHECK: &[u8] = b"xinqiao store";

pub(super) struct Vault {
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
pub(super) struct DataKey {
    pub(super) id: i64,
    pub(super) sealer: Sealer,
}

impl Vault {
    /// Proves that the master key is the right one and unseals the data keys.
    pub(super) fn open(
        connection: &Connection,
        master_key: &MasterKey,
        path: &str,
    ) -> Result<Self, OpenError> {
        let database = |source| OpenError::Database {
            path: path.to_owned(),
            source,
        };
        let master = master_key.sealer("data keys");
        let meta = |name: &str| {
            connection
                .query_row("SELECT value FROM meta WHERE name = ?", [name], |row| {
                    row.get::<_, Vec<u8>>(0)
                })
                .optional()
                .map_err(database)
        };
        let given = master_key.fingerprint();
        match (meta("key_check")?, meta("key_fingerprint")?) {
            (Some(sealed), fingerprint) => {
                if master.open(CHECK, &sealed).as_deref() != Ok(CHECK) {
                    let expected = fingerprint.unwrap_or_default();
                    let expected = String::from_utf8_lossy(&expected).into_owned();
                    return Err(OpenError::WrongMasterKey {
                        path: path.to_owned(),
                        expected,
                        given,
                    });
                }
            }
            (None, _) => {
                let sealed = master.seal(CHECK, CHECK);
                let insert = "INSERT INTO meta (name, value) VALUES ('key_check', ?1), ('key_fingerprint', ?2)";
                connection
                    .execute(insert, rusqlite::params![sealed, given.as_bytes()])
                    .map_err(database)?;
            }
        }
        let mut keys = Keys::default();
        let mut statement = connection
            .prepare("SELECT id, appid, sealed FROM data_key ORDER BY id")
            .map_err(database)?;
        let rows = statement
            .query_map([], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            })
            .map_err(database)?;
        for row in rows {
            let (id, appid, sealed) = row.map_err(database)?;
            let Ok(plain) = master.open(appid.as_bytes(), &sealed) else {
                tracing::error!(
                    appid,
                    key = id,
                    "A data key cannot be unsealed; its events stay closed."
                );
                continue;
            };
            let Ok(plain) = <[u8; 32]>::try_from(plain) else {
                continue;
            };
            keys.insert(AppId::from(appid), id, &plain);
        }
        Ok(Self {
            master,
            records: master_key.sealer("records"),
            keys: RwLock::new(keys),
        })
    }

    /// Seals tokens and accounts' secrets.
    pub(super) fn records(&self) -> &Sealer {
        &self.records
    }

    /// The key that seals what an account receives from now on.
    pub(super) fn current(&self, appid: &AppId) -> Option<Arc<DataKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.current.get(appid).map(Arc::clone)
    }

    /// The key with this number.
    pub(super) fn by_id(&self, id: i64) -> Result<Arc<DataKey>, StoreError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.by_id
            .get(&id)
            .map(Arc::clone)
            .ok_or(StoreError::Sealed("its data key was erased"))
    }

    /// A new random key, and what of it may be written down.
    pub(super) fn generate(&self, appid: &AppId) -> ([u8; 32], Vec<u8>) {
        let mut plain = [0; 32];
        SystemEntropy.fill(&mut plain);
        let sealed = self.master.seal(appid.as_str().as_bytes(), &plain);
        (plain, sealed)
    }

    /// Takes a key into use that is on disk now; an earlier one of another task wins.
    pub(super) fn adopt(&self, appid: &AppId, id: i64, plain: &[u8; 32]) -> Arc<DataKey> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.current.get(appid) {
            return Arc::clone(key);
        }
        keys.insert(appid.clone(), id, plain)
    }

    /// Forgets all keys of an account.
    pub(super) fn forget(&self, appid: &AppId, ids: &[i64]) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.current.remove(appid);
        for id in ids {
            keys.by_id.remove(id);
        }
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
