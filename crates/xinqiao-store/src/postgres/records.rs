//! Tokens with their leases, app keys, accounts' secrets.

use tokio_postgres::types::Type;
use xinqiao_types::AppId;

use super::{Param, Postgres};
use crate::{
    AccountSecrets, Fence, Millis, NewStoredKey, NodeId, StoreError, StoredKey, StoredToken,
    store::key_hash,
};

impl Postgres {
    pub(crate) async fn token(&self, credential: &str) -> Result<Option<StoredToken>, StoreError> {
        let sql = "SELECT sealed, obtained, expires FROM xinqiao.token
             WHERE credential = $1 AND sealed IS NOT NULL";
        let rows = self.0.quick.rows(sql, &[(&credential, Type::TEXT)]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let times = (row.get(1), row.get(2));
        self.0
            .vault
            .open_token(credential, row.get(0), times)
            .map(Some)
    }

    pub(crate) async fn lease(
        &self,
        credential: &str,
        owner: &NodeId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<Fence>, StoreError> {
        let sql = "INSERT INTO xinqiao.token AS t (credential, fence, owner, leased_until)
             VALUES ($1, 1, $2, xinqiao.at($3) + $4)
             ON CONFLICT (credential) DO UPDATE
             SET fence = t.fence + 1, owner = $2, leased_until = xinqiao.at($3) + $4
             WHERE t.owner = $2 OR t.leased_until <= xinqiao.at($3)
             RETURNING fence";
        self.0.watch.check()?;
        let (given, hold) = (self.0.time.given(now), until.0 - now.0);
        // Two processes under one name do not refresh at once.
        let owner = format!("{}#{}", owner.as_str(), self.0.node);
        let params: [Param<'_>; 4] = [
            (&credential, Type::TEXT),
            (&owner, Type::TEXT),
            (&given, Type::INT8),
            (&hold, Type::INT8),
        ];
        let rows = self.0.quick.rows(sql, &params).await?;
        Ok(rows.first().map(|row| Fence(row.get(0))))
    }

    pub(crate) async fn release(&self, credential: &str, fence: Fence) -> Result<bool, StoreError> {
        let sql = "UPDATE xinqiao.token SET leased_until = 0 WHERE credential = $1 AND fence = $2
             RETURNING 1";
        let params: [Param<'_>; 2] = [(&credential, Type::TEXT), (&fence.0, Type::INT8)];
        Ok(self.0.quick.changed(sql, &params).await? > 0)
    }

    pub(crate) async fn put_token(
        &self,
        credential: &str,
        fence: Fence,
        token: StoredToken,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE xinqiao.token SET sealed = $3, obtained = $4, expires = $5,
                 leased_until = 0, put = xinqiao.at(NULL)
             WHERE credential = $1 AND fence = $2 RETURNING 1";
        let sealed = self.0.vault.seal_token(credential, &token.token);
        let params: [Param<'_>; 5] = [
            (&credential, Type::TEXT),
            (&fence.0, Type::INT8),
            (&sealed, Type::BYTEA),
            (&token.obtained.0, Type::INT8),
            (&token.expires.0, Type::INT8),
        ];
        Ok(self.0.quick.changed(sql, &params).await? > 0)
    }

    pub(crate) async fn put_key(&self, key: NewStoredKey<'_>) -> Result<StoredKey, StoreError> {
        let stored = StoredKey {
            id: key.id.to_owned(),
            hash: key_hash(key.text),
            app: key.app.to_owned(),
            accounts: key.accounts,
            created: key.at,
        };
        let accounts: Vec<&str> = stored.accounts.iter().map(AppId::as_str).collect();
        let (accounts, hash) = (accounts.join(" "), stored.hash.as_slice());
        let sql = "INSERT INTO xinqiao.app_key (id, hash, app, accounts, created)
             VALUES ($1, $2, $3, $4, $5)";
        let params: [Param<'_>; 5] = [
            (&stored.id, Type::TEXT),
            (&hash, Type::BYTEA),
            (&stored.app, Type::TEXT),
            (&accounts, Type::TEXT),
            (&stored.created.0, Type::INT8),
        ];
        self.0.quick.rows(sql, &params).await?;
        Ok(stored)
    }

    pub(crate) async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let sql = "SELECT id, hash, app, accounts, created FROM xinqiao.app_key
             WHERE revoked IS NULL ORDER BY created, id";
        let rows = self.0.quick.rows(sql, &[]).await?;
        let key = |row: &tokio_postgres::Row| StoredKey {
            id: row.get(0),
            hash: row.get::<_, &[u8]>(1).try_into().unwrap_or([0; 32]),
            app: row.get(2),
            accounts: { row.get::<_, &str>(3).split_ascii_whitespace() }
                .map(AppId::from)
                .collect(),
            created: Millis(row.get(4)),
        };
        Ok(rows.iter().map(key).collect())
    }

    pub(crate) async fn revoke_key(&self, id: &str, at: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE xinqiao.app_key SET revoked = $2 WHERE id = $1 AND revoked IS NULL
             RETURNING 1";
        let params: [Param<'_>; 2] = [(&id, Type::TEXT), (&at.0, Type::INT8)];
        Ok(self.0.quick.changed(sql, &params).await? > 0)
    }

    pub(crate) async fn account_secrets(
        &self,
        appid: &AppId,
    ) -> Result<Option<AccountSecrets>, StoreError> {
        let sql = "SELECT sealed FROM xinqiao.account WHERE appid = $1";
        let name = (&appid.as_str() as _, Type::TEXT);
        let rows = self.0.quick.rows(sql, &[name]).await?;
        let opened = { rows.first() }.map(|row| self.0.vault.open_secrets(appid, row.get(0)));
        opened.transpose()
    }

    pub(crate) async fn put_account_secrets(
        &self,
        appid: &AppId,
        secrets: &AccountSecrets,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO xinqiao.account (appid, sealed) VALUES ($1, $2)
             ON CONFLICT (appid) DO UPDATE SET sealed = $2";
        let sealed = self.0.vault.seal_secrets(appid, secrets)?;
        let params: [Param<'_>; 2] = [(&appid.as_str(), Type::TEXT), (&sealed, Type::BYTEA)];
        self.0.quick.rows(sql, &params).await.map(drop)
    }
}
