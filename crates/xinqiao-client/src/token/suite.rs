//! A WeCom third-party application (第三方应用, suite), its corps, and the provider behind it.
//!
//! The chain is a third-party platform's: a ticket every ten minutes (valid for thirty), the suite token,
//! a permanent code per corp, the corp's token. Ticket and codes live in a [`Vault`].
//!
//! Source: `work.service.*` of the catalog.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use xinqiao_catalog::id::work::service as id;
use xinqiao_types::{AppSecret, CorpId, SuiteId};

use super::{
    component::{load, save},
    flight::{Fetch, Fetched, Flies, Flight, Want},
    read,
    recover::{Arrivals, Recovery},
    text,
    vault::{MemoryVault, Vault, VaultKey},
};
use crate::{
    client::Client,
    error::{ApiError, Error},
};

/// A third-party application. Cheap to clone; clones share tokens.
#[derive(Debug, Clone)]
pub struct Suite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    flight: Flight,
    own: Own,
    arrivals: Arrivals,
    corps: Mutex<BTreeMap<CorpId, Arc<SuiteCorp>>>,
}

#[derive(Debug)]
struct Own {
    id: SuiteId,
    secret: AppSecret,
    vault: Arc<dyn Vault>,
}

impl Suite {
    /// An application whose tickets and codes live as long as the process.
    pub fn new(id: impl Into<SuiteId>, secret: impl Into<AppSecret>) -> Self {
        Self::with_vault(id, secret, MemoryVault::default())
    }

    /// An application with a vault of one's own.
    pub fn with_vault(
        id: impl Into<SuiteId>,
        secret: impl Into<AppSecret>,
        vault: impl Vault + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                flight: Flight::default(),
                own: Own {
                    id: id.into(),
                    secret: secret.into(),
                    vault: Arc::new(vault),
                },
                arrivals: Arrivals::default(),
                corps: Mutex::default(),
            }),
        }
    }

    /// The suite's id.
    pub fn id(&self) -> &SuiteId {
        &self.inner.own.id
    }

    /// Keeps the ticket of a `suite_ticket` push. Acknowledge the push after this.
    ///
    /// # Errors
    /// The vault cannot keep it.
    pub async fn set_ticket(&self, ticket: impl Into<AppSecret>) -> Result<(), Error> {
        let own = &self.inner.own;
        save(&*own.vault, &own.ticket_key(), &ticket.into()).await?;
        self.inner.arrivals.note();
        Ok(())
    }

    /// Gets the application going again after its ticket was lost or the pushes stopped: WeCom has no call for it, so
    /// this waits for the next push to arrive at [`Self::set_ticket`] here or in the vault, and proves it by a new suite
    /// token. A ticket that still works is not waited for. `patience` is how long to wait:
    /// [`TICKET_PATIENCE`](super::TICKET_PATIENCE); a push can be had at once from the provider's console (刷新 ticket).
    ///
    /// Cancel safety: nothing is lost; call it again.
    ///
    /// # Errors
    /// WeCom refuses the new ticket, or none came (`ticket.suite`).
    pub async fn recover(&self, client: &Client, patience: Duration) -> Result<Recovery, Error> {
        let own = &self.inner.own;
        let arrivals = &self.inner.arrivals;
        let before = arrivals.before(&*own.vault, own.ticket_key()).await?;
        let client = client.with_suite(self);
        let dead = |error: &ApiError| {
            tracing::info!(
                endpoint = error.endpoint, suite = %own.id, error = %error,
                "The ticket is dead, will wait for the next one."
            );
        };
        let found = before.recover(self, &client, patience, dead).await?;
        found.ok_or_else(|| Error::Credential {
                endpoint: id::GET_SUITE_TOKEN,
                reason: format!(
                    "ticket.suite: no suite_ticket came in {} s, and WeCom has no call that asks for one: press \
                     \"刷新 ticket\" on the application's page in the provider's console, check that its command \
                     callback URL (指令回调 URL) reaches this program, opens with the suite id and answers `success`, \
                     and that it hands the ticket to `Suite::set_ticket`",
                    patience.as_secs()
                )
                .into(),
            })
    }

    /// Keeps the permanent code of a corp, for instance one from another system.
    ///
    /// # Errors
    /// The vault cannot keep it.
    pub async fn set_permanent_code(
        &self,
        corp: impl Into<CorpId>,
        code: impl Into<AppSecret>,
    ) -> Result<(), Error> {
        let corp = self.corp(&corp.into());
        save(&*corp.own.vault, &corp.own.key(), &code.into()).await?;
        corp.flight.forget();
        Ok(())
    }

    /// Turns a corp's authorization code into a permanent code, keeps it with the first token, and tells
    /// the corp.
    pub async fn accept(&self, client: &Client, auth_code: &str) -> Result<CorpId, Error> {
        let endpoint = id::GET_PERMANENT_CODE;
        let client = client.with_suite(self);
        let answer = client
            .call(endpoint, json!({"auth_code": auth_code}))
            .await?;
        let info = answer.get("auth_corp_info").unwrap_or(&Value::Null);
        let corp = CorpId::from(text(endpoint, info, "corpid")?);
        let code = text(endpoint, &answer, "permanent_code")?;
        self.set_permanent_code(corp.clone(), code).await?;
        if let Ok(fetched) = read(endpoint, &answer, "access_token") {
            let now = client.clock().unix();
            self.corp(&corp).flight.keep(&fetched, now);
        }
        Ok(corp)
    }

    /// A code for the page on which an administrator installs the application.
    pub async fn pre_auth_code(&self, client: &Client) -> Result<String, Error> {
        let client = client.with_suite(self);
        let answer = client.call(id::GET_PRE_AUTH_CODE, json!({})).await?;
        text(id::GET_PRE_AUTH_CODE, &answer, "pre_auth_code").map(str::to_owned)
    }

    /// The corp's token; every client of the corp shares it.
    pub(crate) fn corp(&self, corp: &CorpId) -> Arc<SuiteCorp> {
        let own = &self.inner.own;
        let corps = &self.inner.corps;
        let mut corps = corps.lock().unwrap_or_else(PoisonError::into_inner);
        let made = corps.entry(corp.clone()).or_insert_with(|| {
            Arc::new(SuiteCorp {
                flight: Flight::default(),
                own: Installed {
                    suite: own.id.clone(),
                    corp: corp.clone(),
                    vault: Arc::clone(&own.vault),
                },
            })
        });
        Arc::clone(made)
    }
}

impl Own {
    fn ticket_key(&self) -> VaultKey {
        VaultKey::SuiteTicket {
            suite: self.id.as_str().into(),
        }
    }
}

impl Fetch for Own {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::GET_SUITE_TOKEN;
        let ticket = load(&*self.vault, &self.ticket_key()).await?;
        let ticket = ticket.ok_or_else(|| Error::Credential {
            endpoint,
            reason:
                "no suite_ticket yet: the platform pushes one every ten minutes; hand it over with \
                     `Suite::set_ticket`, or refresh it on the application's page; `Suite::recover` waits for it"
                    .into(),
        })?;
        let fields = json!({
            "suite_id": self.id.as_str(),
            "suite_secret": self.secret.expose(),
            "suite_ticket": ticket.expose(),
        });
        let answer = client.call(endpoint, fields).await?;
        read(endpoint, &answer, "suite_access_token")
    }
}

impl Flies for Suite {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.inner.flight, &self.inner.own)
    }
}

/// The token of one corp that installed the application.
#[derive(Debug)]
pub(crate) struct SuiteCorp {
    flight: Flight,
    own: Installed,
}

#[derive(Debug)]
struct Installed {
    suite: SuiteId,
    corp: CorpId,
    vault: Arc<dyn Vault>,
}

impl Installed {
    fn key(&self) -> VaultKey {
        VaultKey::PermanentCode {
            suite: self.suite.as_str().into(),
            corp: self.corp.as_str().into(),
        }
    }
}

impl Fetch for Installed {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::GET_CORP_TOKEN;
        let code = load(&*self.vault, &self.key()).await?;
        let code = code.ok_or_else(|| Error::Credential {
            endpoint,
            reason: format!(
                "no permanent code of {}: hand the code of the `create_auth` push to `Suite::accept`, or \
                 give a known one with `Suite::set_permanent_code`",
                self.corp
            )
            .into(),
        })?;
        let fields = json!({"auth_corpid": self.corp.as_str(), "permanent_code": code.expose()});
        let answer = client.call(endpoint, fields).await?;
        read(endpoint, &answer, "access_token")
    }
}

impl Flies for SuiteCorp {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.flight, &self.own)
    }
}

/// A WeCom service provider (服务商).
#[derive(Debug)]
pub struct Provider {
    flight: Flight,
    own: ProviderOwn,
}

#[derive(Debug)]
struct ProviderOwn {
    corp: CorpId,
    secret: AppSecret,
}

impl Provider {
    /// A provider by its own corpid and its `ProviderSecret`.
    pub fn new(corp: impl Into<CorpId>, secret: impl Into<AppSecret>) -> Self {
        Self {
            flight: Flight::default(),
            own: ProviderOwn {
                corp: corp.into(),
                secret: secret.into(),
            },
        }
    }
}

impl Fetch for ProviderOwn {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let fields = json!({
            "corpid": self.corp.as_str(),
            "provider_secret": self.secret.expose(),
        });
        let answer = client.call(id::GET_PROVIDER_TOKEN, fields).await?;
        read(id::GET_PROVIDER_TOKEN, &answer, "provider_access_token")
    }
}

impl Flies for Provider {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.flight, &self.own)
    }
}
