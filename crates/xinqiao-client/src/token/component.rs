//! A third-party platform (第三方平台) and the accounts that granted it.
//!
//! The chain: the platform pushes a verify ticket every ten minutes; ticket and secret give the component
//! token; an account's grant gives a refresh token; component and refresh token give the account's token.
//! Ticket and refresh tokens live in a [`Vault`]; a changed refresh token is saved before the new access
//! token is used.
//!
//! Invariants: a ticket is used until a newer one comes, whatever its age (a local expiry only turns a
//! late push into an outage); tokens of different accounts never mix; a refresh token that is refused is looked up once
//! with the platform before the failure is given out.
//!
//! Source: `open_platform.component.*` of the catalog.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::open_platform::component as id};
use xinqiao_types::{AppId, AppSecret, ErrCode};

use super::{
    flight::{Fetch, Fetched, Flies, Flight, Want},
    read,
    recover::{Arrivals, Recovery},
    text,
    vault::{MemoryVault, Vault, VaultKey},
};
use crate::{
    client::Client,
    error::{ApiError, BoxError, Error},
};

/// A third-party platform. Cheap to clone; clones share tokens.
#[derive(Debug, Clone)]
pub struct Component {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    flight: Flight,
    own: Own,
    arrivals: Arrivals,
    authorizers: Mutex<BTreeMap<AppId, Arc<Authorizer>>>,
}

#[derive(Debug)]
struct Own {
    appid: AppId,
    secret: AppSecret,
    vault: Arc<dyn Vault>,
}

/// What an account granted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The account.
    pub appid: AppId,
    /// The permission sets (权限集) that it granted.
    pub permission_sets: Vec<i64>,
}

impl Component {
    /// A platform whose tickets and refresh tokens live as long as the process.
    pub fn new(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Self {
        Self::with_vault(appid, secret, MemoryVault::default())
    }

    /// A platform with a vault of one's own.
    pub fn with_vault(
        appid: impl Into<AppId>,
        secret: impl Into<AppSecret>,
        vault: impl Vault + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                flight: Flight::default(),
                own: Own {
                    appid: appid.into(),
                    secret: secret.into(),
                    vault: Arc::new(vault),
                },
                arrivals: Arrivals::default(),
                authorizers: Mutex::default(),
            }),
        }
    }

    /// The platform's own appid.
    pub fn appid(&self) -> &AppId {
        &self.inner.own.appid
    }

    /// Keeps the ticket of a `component_verify_ticket` push. Acknowledge the push after this.
    ///
    /// # Errors
    /// The vault cannot keep it.
    pub async fn set_ticket(&self, ticket: impl Into<AppSecret>) -> Result<(), Error> {
        let own = &self.inner.own;
        save(&*own.vault, &own.ticket_key(), &ticket.into()).await?;
        self.inner.arrivals.note();
        Ok(())
    }

    /// Gets the platform going again after its ticket was lost or the pushes stopped: asks for the pushes to start
    /// (api_start_push_ticket), waits for the ticket to arrive at [`Self::set_ticket`] here or in the vault, and proves it
    /// by a new component token. A ticket that still works is not waited for. `patience` is how long to wait:
    /// [`TICKET_PATIENCE`](super::TICKET_PATIENCE).
    ///
    /// ```no_run
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// # async fn f(client: xinqiao_client::Client, component: xinqiao_client::Component) {
    /// use xinqiao::token::TICKET_PATIENCE;
    ///
    /// // The callback must be running: it is what hands the ticket to `set_ticket`.
    /// match component.recover(&client, TICKET_PATIENCE).await {
    ///     Ok(how) => println!("{how:?}"),
    ///     Err(error) => eprintln!("{error}"), // what to check, in a line
    /// }
    /// # }
    /// ```
    ///
    /// Cancel safety: the pushes go on; call it again.
    ///
    /// # Errors
    /// The platform refuses to push, or the new ticket; or no ticket came (`ticket.stale`).
    pub async fn recover(&self, client: &Client, patience: Duration) -> Result<Recovery, Error> {
        let (endpoint, own) = (id::API_START_PUSH_TICKET, &self.inner.own);
        let arrivals = &self.inner.arrivals;
        let before = arrivals.before(&*own.vault, own.ticket_key()).await?;
        let client = client.with_component(self);
        let fields = json!({
            "component_appid": own.appid.as_str(),
            "component_secret": own.secret.expose(),
        });
        client.call(endpoint, fields).await?;
        let dead = |error: &ApiError| {
            tracing::info!(
                endpoint = error.endpoint, appid = %own.appid, error = %error,
                "The ticket is dead, will wait for the next one."
            );
        };
        let found = before.recover(self, &client, patience, dead).await?;
        found.ok_or_else(|| Error::Credential {
                endpoint,
                reason: format!(
                    "ticket.stale: the platform was asked to push its component_verify_ticket, and none came in {} s: \
                     check that the URL for authorization events (授权事件接收 URL) reaches this program, that its \
                     callback opens (token, AES key) and answers `success`, and that it hands the ticket to \
                     `Component::set_ticket`",
                    patience.as_secs()
                )
                .into(),
            })
    }

    /// Keeps the refresh token of an account, for instance one from another system.
    ///
    /// # Errors
    /// The vault cannot keep it.
    pub async fn set_refresh_token(
        &self,
        authorizer: impl Into<AppId>,
        token: impl Into<AppSecret>,
    ) -> Result<(), Error> {
        let authorizer = self.authorizer(&authorizer.into());
        let key = authorizer.own.key();
        save(&*self.inner.own.vault, &key, &token.into()).await?;
        authorizer.flight.forget();
        Ok(())
    }

    /// A code for an authorization page (预授权码). `client` is the platform's own.
    pub async fn pre_auth_code(&self, client: &Client) -> Result<String, Error> {
        let fields = json!({"component_appid": self.appid().as_str()});
        let client = client.with_component(self);
        let answer = client.call(id::API_CREATE_PRE_AUTH_CODE, fields).await?;
        text(id::API_CREATE_PRE_AUTH_CODE, &answer, "pre_auth_code").map(str::to_owned)
    }

    /// Turns an authorization code (from the redirect, or from the `authorized` event) into a grant, and
    /// keeps its tokens.
    ///
    /// WECHAT: event and redirect bring the same code, and it works for both until it expires.
    pub async fn accept(&self, client: &Client, code: &str) -> Result<Grant, Error> {
        let fields = json!({
            "component_appid": self.appid().as_str(),
            "authorization_code": code,
        });
        let client = client.with_component(self);
        let answer = client.call(id::API_QUERY_AUTH, fields).await?;
        let info = answer.get("authorization_info").unwrap_or(&Value::Null);
        let appid = AppId::from(text(id::API_QUERY_AUTH, info, "authorizer_appid")?);
        // WECHAT: without the right to act for the account the answer has no refresh token.
        if let Some(refresh) = info
            .get("authorizer_refresh_token")
            .and_then(Value::as_str)
            .filter(|refresh| !refresh.is_empty())
        {
            let authorizer = self.authorizer(&appid);
            let refresh = AppSecret::new(refresh);
            save(&*self.inner.own.vault, &authorizer.own.key(), &refresh).await?;
            match read(id::API_QUERY_AUTH, info, "authorizer_access_token") {
                Ok(fetched) => authorizer.flight.keep(&fetched, client.clock().unix()),
                Err(_) => authorizer.flight.forget(),
            }
        }
        let sets = info.get("func_info").and_then(Value::as_array);
        let permission_sets = sets
            .into_iter()
            .flatten()
            .filter_map(|set| set.pointer("/funcscope_category/id")?.as_i64())
            .collect();
        Ok(Grant {
            appid,
            permission_sets,
        })
    }

    /// Forgets an account's token after `unauthorized`. The vault keeps its refresh token, which is dead.
    pub fn forget(&self, authorizer: &AppId) {
        self.accounts(|accounts| accounts.remove(authorizer));
    }

    fn accounts<T>(&self, work: impl FnOnce(&mut BTreeMap<AppId, Arc<Authorizer>>) -> T) -> T {
        let accounts = &self.inner.authorizers;
        work(&mut accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The account's token; every client of the account shares it.
    pub(crate) fn authorizer(&self, appid: &AppId) -> Arc<Authorizer> {
        let own = &self.inner.own;
        self.accounts(|accounts| {
            let made = accounts.entry(appid.clone()).or_insert_with(|| {
                Arc::new(Authorizer {
                    flight: Flight::default(),
                    own: Grantee {
                        component: own.appid.clone(),
                        appid: appid.clone(),
                        vault: Arc::clone(&own.vault),
                    },
                })
            });
            Arc::clone(made)
        })
    }
}

impl Own {
    fn ticket_key(&self) -> VaultKey {
        VaultKey::ComponentTicket {
            component: self.appid.as_str().into(),
        }
    }
}

impl Fetch for Own {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::API_COMPONENT_TOKEN;
        let ticket = load(&*self.vault, &self.ticket_key()).await?;
        let ticket = ticket.ok_or_else(|| Error::Credential {
            endpoint,
            reason: "no component_verify_ticket yet: the platform pushes one every ten minutes; hand it \
                     over with `Component::set_ticket`; after a loss, or if none comes, `Component::recover` asks for one"
                .into(),
        })?;
        let fields = json!({
            "component_appid": self.appid.as_str(),
            "component_appsecret": self.secret.expose(),
            "component_verify_ticket": ticket.expose(),
        });
        let answer = client.call(endpoint, fields).await?;
        read(endpoint, &answer, "component_access_token")
    }
}

impl Flies for Component {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.inner.flight, &self.inner.own)
    }
}

/// The token of one account that granted the platform.
#[derive(Debug)]
pub(crate) struct Authorizer {
    flight: Flight,
    own: Grantee,
}

#[derive(Debug)]
struct Grantee {
    component: AppId,
    appid: AppId,
    vault: Arc<dyn Vault>,
}

impl Grantee {
    fn key(&self) -> VaultKey {
        VaultKey::AuthorizerRefresh {
            component: self.component.as_str().into(),
            authorizer: self.appid.as_str().into(),
        }
    }

    /// The refresh token as the platform knows it: another program may have let the account grant anew.
    async fn look_up(&self, client: &Client) -> Option<AppSecret> {
        let fields = json!({
            "component_appid": self.component.as_str(),
            "authorizer_appid": self.appid.as_str(),
        });
        match client.call(id::API_GET_AUTHORIZER_INFO, fields).await {
            Ok(answer) => answer
                .pointer("/authorization_info/authorizer_refresh_token")
                .and_then(Value::as_str)
                .filter(|token| !token.is_empty())
                .map(AppSecret::new),
            Err(error) => {
                tracing::warn!(
                    endpoint = id::API_GET_AUTHORIZER_INFO, appid = %self.appid, error = %error,
                    "The refresh token could not be looked up."
                );
                None
            }
        }
    }
}

impl Fetch for Grantee {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::API_AUTHORIZER_TOKEN;
        let key = self.key();
        let refresh = load(&*self.vault, &key).await?;
        let refresh = refresh.ok_or_else(|| Error::Credential {
            endpoint,
            reason: format!(
                "no refresh token of {}: let the account grant the platform and hand the code to \
                 `Component::accept`, or give a known one with `Component::set_refresh_token`",
                self.appid
            )
            .into(),
        })?;
        let ask = async |refresh: &AppSecret| {
            let fields = json!({
                "component_appid": self.component.as_str(),
                "authorizer_appid": self.appid.as_str(),
                "authorizer_refresh_token": refresh.expose(),
            });
            client.call(endpoint, fields).await
        };
        let mut answer = ask(&refresh).await;
        if is_dead(&answer)
            && let Some(other) = self.look_up(client).await
            && other.expose() != refresh.expose()
        {
            answer = ask(&other).await;
            if answer.is_ok() {
                save(&*self.vault, &key, &other).await?;
            }
        }
        let answer = answer.map_err(explained)?;
        let fetched = read(endpoint, &answer, "authorizer_access_token")?;
        let changed = answer
            .get("authorizer_refresh_token")
            .and_then(Value::as_str)
            .filter(|new| !new.is_empty() && *new != refresh.expose());
        if let Some(new) = changed {
            save(&*self.vault, &key, &AppSecret::new(new)).await?;
        }
        Ok(fetched)
    }
}

fn is_dead(answer: &Result<Value, Error>) -> bool {
    let code = answer.as_ref().err().and_then(Error::code);
    code.is_some_and(|code| code.0 == code::COMPONENT_REFRESH_TOKEN_INVALID)
}

/// Says of a dead refresh token that it was looked up in vain.
fn explained(mut error: Error) -> Error {
    if let Error::Api(failure) = &mut error
        && failure.code.number() == Some(ErrCode(code::COMPONENT_REFRESH_TOKEN_INVALID))
    {
        failure.hint = Some(
            "the refresh token is dead, and api_get_authorizer_info gave no other that works: let the account \
             authorize the platform again and hand the code to `Component::accept`",
        );
    }
    error
}

impl Flies for Authorizer {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.flight, &self.own)
    }
}

pub(super) async fn load(vault: &dyn Vault, key: &VaultKey) -> Result<Option<AppSecret>, Error> {
    let found = vault.load(key).await;
    found.map_err(|error| vault_failed("load", key, &error))
}

pub(super) async fn save(
    vault: &dyn Vault,
    key: &VaultKey,
    secret: &AppSecret,
) -> Result<(), Error> {
    let saved = vault.save(key, secret).await;
    saved.map_err(|error| vault_failed("save", key, &error))
}

fn vault_failed(what: &str, key: &VaultKey, error: &BoxError) -> Error {
    Error::Config(format!("the vault cannot {what} {key}: {error}").into())
}
