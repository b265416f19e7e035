//! Tokens with their leases, app keys, and accounts' secrets.

use rusqlite::{OptionalExtension as _, params};
use xinqiao_types::AppId;

use super::Sqlite;
use crate::{
    AccountSecrets, Fence, Millis, NewStoredKey, NodeId, StoreError, StoredKey, StoredToken,
    store::key_hash,
};

impl Sqlite {
    pub(crate) async fn token(&self, credential: &str) -> Result<Option<StoredToken>, StoreError> {
        let name = credential.to_owned();
        let row = self
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT sealed, obtained, expires FROM token
                         WHERE credential = ?1 AND sealed IS NOT NULL",
                    )?
                    .query_row([name], |row| {
                        Ok((
                            row.get::<_, Vec<u8>>(0)?,
                            row.get::<_, i64>(1)?,
                            row.get::<_, i64>(2)?,
                        ))
                    })
                    .optional()
            })
            .await?;
        let Some((sealed, obtained, expires)) = row else {
            return Ok(None);
        };
        let times = (obtained, expires);
        self.0
            .vault
            .open_token(credential, &sealed, times)
            .map(Some)
    }

    pub(crate) async fn lease(
        &self,
        credential: &str,
        owner: &NodeId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<Fence>, StoreError> {
        let (credential, owner) = (credential.to_owned(), owner.as_str().to_owned());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO token (credential, fence, owner, leased_until)
                     VALUES (?1, 1, ?2, ?4)
                     ON CONFLICT (credential) DO UPDATE
                     SET fence = fence + 1, owner = ?2, leased_until = ?4
                     WHERE owner = ?2 OR leased_until <= ?3
                     RETURNING fence",
                )?
                .query_row(params![credential, owner, now.0, until.0], |row| {
                    row.get(0).map(Fence)
                })
                .optional()
        })
        .await
    }

    pub(crate) async fn release(&self, credential: &str, fence: Fence) -> Result<bool, StoreError> {
        let credential = credential.to_owned();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE token SET leased_until = 0 WHERE credential = ?1 AND fence = ?2",
                )?
                .execute(params![credential, fence.0])?;
            Ok(changed > 0)
        })
        .await
    }

    pub(crate) async fn put_token(
        &self,
        credential: &str,
        fence: Fence,
        token: StoredToken,
    ) -> Result<bool, StoreError> {
        let sealed = self.0.vault.seal_token(credential, &token.token);
        let credential = credential.to_owned();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE token SET sealed = ?3, obtained = ?4, expires = ?5, leased_until = 0
                     WHERE credential = ?1 AND fence = ?2",
                )?
                .execute(params![
                    credential,
                    fence.0,
                    sealed,
                    token.obtained.0,
                    token.expires.0
                ])?;
            Ok(changed > 0)
        })
        .await
    }

    pub(crate) async fn put_key(&self, key: NewStoredKey<'_>) -> Result<StoredKey, StoreError> {
        let stored = StoredKey {
            id: key.id.to_owned(),
            hash: key_hash(key.text),
            app: key.app.to_owned(),
            accounts: key.accounts,
            created: key.at,
        };
        let row = stored.clone();
        self.write(move |connection| {
            let accounts = row
                .accounts
                .iter()
                .map(AppId::as_str)
                .collect::<Vec<_>>()
                .join(" ");
            connection.execute(
                "INSERT INTO app_key (id, hash, app, accounts, created) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    row.id,
                    row.hash.as_slice(),
                    row.app,
                    accounts,
                    row.created.0
                ],
            )
        })
        .await?;
        Ok(stored)
    }

    pub(crate) async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, hash, app, accounts, created FROM app_key
                     WHERE revoked IS NULL ORDER BY created, id",
                )?
                .query_map([], |row| {
                    let hash: Vec<u8> = row.get(1)?;
                    let accounts: String = row.get(3)?;
                    Ok(StoredKey {
                        id: row.get(0)?,
                        hash: hash.try_into().unwrap_or([0; 32]),
                        app: row.get(2)?,
                        accounts: accounts.split_ascii_whitespace().map(AppId::from).collect(),
                        created: Millis(row.get(4)?),
                    })
                })?
                .collect()
        })
        .await
    }

    pub(crate) async fn revoke_key(&self, id: &str, at: Millis) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE app_key SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL";
            Ok(connection.execute(sql, params![id, at.0])? > 0)
        })
        .await
    }

    pub(crate) async fn account_secrets(
        &self,
        appid: &AppId,
    ) -> Result<Option<AccountSecrets>, StoreError> {
        let name = appid.to_string();
        let sealed = self
            .read(move |connection| {
                connection
                    .query_row(
                        "SELECT sealed FROM account WHERE appid = ?1",
                        [name],
                        |row| row.get::<_, Vec<u8>>(0),
                    )
                    .optional()
            })
            .await?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        self.0.vault.open_secrets(appid, &sealed).map(Some)
    }

    pub(crate) async fn put_account_secrets(
        &self,
        appid: &AppId,
        secrets: &AccountSecrets,
    ) -> Result<(), StoreError> {
        let sealed = self.0.vault.seal_secrets(appid, secrets)?;
        let name = appid.to_string();
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO account (appid, sealed) VALUES (?1, ?2)
                 ON CONFLICT (appid) DO UPDATE SET sealed = ?2",
                params![name, sealed],
            )
        })
        .await
        .map(drop)
    }
}
