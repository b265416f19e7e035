//! The one place that fetches platform tokens (中控): single flight, early refresh, the last valid
//! token served meanwhile.
//!
//! Of an official account or mini program it uses the stable token, which is a credential of its own: fetching
//! it disturbs nobody who uses the classic one, and a call that is not forced never ends another holder's token.
//! A forced refresh is the last resort, has a budget, and is announced. A WeCom agent's token is the same for
//! whoever asks. That of a third-party platform or a suite is fetched with the ticket that was pushed last, and
//! only when an app needs it: a new one ends the one before.
//!
//! Invariants: one refresh per credential at a time, guarded by a lease with a fence in the store, and whoever has
//! lost the lease uses the token of its newer holder, never the own one; a token that the platform refused is
//! refreshed only if it is the current one.

mod refresh;
mod tickets;
mod virtual_token;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
};

use arc_swap::ArcSwapOption;
use http::StatusCode;
use serde::Serialize;
use tokio::time::Instant;
use xinqiao_store::StoreError;
use xinqiao_types::{AccessToken, AppId, AppSecret, UnixSeconds};

use self::tickets::Tickets;
pub(crate) use self::virtual_token::{EXPIRES_IN, VirtualToken, VirtualTokens, looks_virtual};
use crate::{AccountConfig, Config, held::Held, shared::Shared};

/// A token this close to its end is refreshed, while it is still served: the platform hands out a
/// new one beside the old one during the last five minutes.
const EARLY_SECONDS: i64 = 300;
/// A token this close to its end is not handed out any more.
const LAST_SECONDS: i64 = 10;

/// The tokens of all accounts.
#[derive(Debug)]
pub(crate) struct TokenCenter {
    cells: HashMap<AppId, Arc<Cell>>,
    /// The agents of a corp: a secret tells which.
    agents: HashMap<Box<str>, Vec<AppId>>,
    /// Of every account, those of which no token is held too: none may leave.
    secrets: HashMap<AppId, AppSecret>,
    owners: Owners,
}

/// Whose current token a text is: the look-up costs the same for one account and for ten thousand.
#[derive(Clone, Default)]
struct Owners(Arc<RwLock<HashMap<String, AppId>>>);

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owners(***)")
    }
}

impl Owners {
    fn get(&self, text: &str) -> Option<AppId> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(text)
            .cloned()
    }

    fn replace(&self, before: Option<&Token>, now: &Token, appid: &AppId) {
        let mut owners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = before {
            owners.remove(before.text.expose());
        }
        owners.insert(now.text.expose().to_owned(), appid.clone());
    }
}

/// One credential.
#[derive(Debug)]
struct Cell {
    appid: AppId,
    held: Held,
    /// By which the platform knows it: the appid, the corpid, the suite id.
    id: String,
    secret: Option<AppSecret>,
    tickets: Tickets,
    current: ArcSwapOption<Token>,
    /// Whether the current one is not in the store, which refused it.
    unkept: AtomicBool,
    gate: tokio::sync::Mutex<Gate>,
    status: Mutex<TokenStatus>,
    owners: Owners,
}

/// What only the refresher touches.
#[derive(Debug, Default)]
struct Gate {
    /// Whether the store was looked at.
    loaded: bool,
    /// The last refresh because the platform refused a token.
    healed: Option<Instant>,
    /// The last early refresh, whatever it brought.
    early: Option<Instant>,
    /// The last failure; repeated for a moment instead of asking again.
    failed: Option<(Instant, TokenError)>,
    /// When refreshes were forced, by real time.
    forced: VecDeque<UnixSeconds>,
}

/// A platform token.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: AccessToken,
    pub(crate) obtained: UnixSeconds,
    pub(crate) expires: UnixSeconds,
}

/// How a credential stands, for people.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct TokenStatus {
    /// When the current token ends, by the platform's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<UnixSeconds>,
    /// Refreshes so far.
    pub(crate) refreshes: u64,
    /// Tokens that died long before their end without our doing.
    pub(crate) foreign_refreshes: u64,
    /// Rule and cause of the last failure, until the next success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<TokenProblem>,
}

impl TokenStatus {
    /// In one word: whether a token was asked for, and came.
    pub(crate) fn state(&self) -> &'static str {
        match (&self.problem, self.expires) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "ok",
            (None, None) => "untried",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct TokenProblem {
    pub(crate) rule: &'static str,
    pub(crate) cause: String,
}

/// No token could be had.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TokenError {
    /// Not an account of ours, or one without a secret.
    #[error("no AppSecret is configured for {0}")]
    NoSecret(AppId),
    /// The token is given for a ticket, and none was pushed yet.
    #[error("no ticket was pushed for {appid} yet")]
    NoTicket { appid: AppId, rule: &'static str },
    /// The platform answered, and refused.
    #[error("the platform refused with {code}")]
    Refused {
        code: i64,
        status: StatusCode,
        content_type: String,
        body: bytes::Bytes,
    },
    /// The platform did not answer.
    #[error("the platform did not answer: {0}")]
    Unreachable(String),
    /// Refreshed a moment ago: another refresh would only feed a storm.
    #[error("the token was replaced less than {0} s ago and is refused again")]
    Storm(u64),
    /// The forced refreshes of today are used up, or the last one was a moment ago.
    #[error("the budget of forced refreshes is used up")]
    Budget,
    /// Another node refreshes, and did not finish in time.
    #[error("another node holds the refresh lease")]
    Leased,
    /// The store refused.
    #[error("the store refused: {0}")]
    Store(#[from] xinqiao_store::StoreError),
}

impl TokenError {
    /// The diagnosis rule.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Self::NoSecret(_) => "token.no_secret",
            Self::NoTicket { rule, .. } => rule,
            Self::Refused { .. } => "token.refused",
            Self::Unreachable(_) => "upstream.unreachable",
            Self::Storm(_) => "token.storm",
            Self::Budget => "token.force_budget",
            Self::Leased => "token.conflict",
            Self::Store(_) => "store.refused",
        }
    }
}

impl Cell {
    /// The cell of an account whose token is held here.
    fn new(account: &AccountConfig, owners: Owners) -> Option<Self> {
        let id = match &account.corpid {
            Some(corp) => corp.as_str(),
            None => account.appid.as_str(),
        };
        Some(Self {
            appid: account.appid.clone(),
            held: Held::of(account)?,
            id: id.to_owned(),
            secret: account.secret.clone(),
            tickets: Tickets::default(),
            current: ArcSwapOption::empty(),
            unkept: AtomicBool::default(),
            gate: tokio::sync::Mutex::default(),
            status: Mutex::default(),
            owners,
        })
    }

    fn has_secret(&self, secret: &str) -> bool {
        self.secret.as_ref().is_some_and(|own| {
            xinqiao_crypto::constant_time_eq(own.expose().as_bytes(), secret.as_bytes())
        })
    }
}

impl TokenCenter {
    pub(crate) fn new(config: &Config) -> Self {
        let owners = Owners::default();
        let mut agents: HashMap<Box<str>, Vec<AppId>> = HashMap::new();
        for account in &config.accounts {
            if let Some(corp) = &account.corpid {
                let of_corp = agents.entry(corp.as_str().into()).or_default();
                of_corp.push(account.appid.clone());
            }
        }
        let cells = config
            .accounts
            .iter()
            .filter_map(|account| {
                let cell = Cell::new(account, owners.clone())?;
                Some((account.appid.clone(), Arc::new(cell)))
            })
            .collect();
        let secret = |account: &AccountConfig| {
            let secret = account.secret.clone()?;
            Some((account.appid.clone(), secret))
        };
        Self {
            cells,
            agents,
            secrets: config.accounts.iter().filter_map(secret).collect(),
            owners,
        }
    }

    fn cell(&self, appid: &str) -> Result<&Arc<Cell>, TokenError> {
        match self.cells.get(appid) {
            Some(cell) if cell.secret.is_some() => Ok(cell),
            _ => Err(TokenError::NoSecret(AppId::from(appid))),
        }
    }

    /// The account's token: from memory as long as it is good, refreshed in the background near its
    /// end.
    pub(crate) async fn token(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
    ) -> Result<Arc<Token>, TokenError> {
        let cell = self.cell(appid)?;
        if let Some(token) = cell.current.load_full() {
            let left = token.expires.since(shared.world());
            if left > EARLY_SECONDS {
                return Ok(token);
            }
            if left > LAST_SECONDS {
                let (cell, shared) = (Arc::clone(cell), Arc::clone(shared));
                let tasks = shared.tasks.clone();
                tasks.spawn(async move { cell.refresh_early(&shared).await });
                return Ok(token);
            }
        }
        cell.fetch_beyond(shared, LAST_SECONDS).await
    }

    /// The account's token for an app that will keep it: never one that ends soon, if a newer can
    /// be had.
    pub(crate) async fn fresh(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
    ) -> Result<Arc<Token>, TokenError> {
        let cell = self.cell(appid)?;
        if let Some(token) = cell.current.load_full()
            && token.expires.since(shared.world()) > EARLY_SECONDS
        {
            return Ok(token);
        }
        cell.fetch_beyond(shared, EARLY_SECONDS).await
    }

    /// The platform refused `used` as invalid: heals it, once, if it is the current token.
    pub(crate) async fn refused(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
        used: &str,
        code: i64,
    ) -> Result<Arc<Token>, TokenError> {
        self.cell(appid)?.heal(shared, used, code).await
    }

    /// A refresh that ends the old token at once, within the budget.
    pub(crate) async fn force(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
    ) -> Result<Arc<Token>, TokenError> {
        self.cell(appid)?.force(shared).await
    }

    /// The account whose current token `text` is.
    pub(crate) fn owner(&self, text: &str) -> Option<AppId> {
        self.owners.get(text)
    }

    /// What is held for an account.
    pub(crate) fn held(&self, appid: &str) -> Option<Held> {
        self.cells.get(appid).map(|cell| cell.held)
    }

    /// The account that the platform knows by `id`, and whose configured secret is `secret`; compared in constant
    /// time. Of the agents of a corp the secret tells which.
    pub(crate) fn holder(&self, held: Held, id: &str, secret: &str) -> Option<&AppId> {
        let agents = self.agents.get(id).into_iter().flatten();
        let named = agents.filter_map(|appid| self.cells.get(appid));
        let mut cells = self.cells.get(id).into_iter().chain(named);
        cells
            .find(|cell| cell.held == held && cell.has_secret(secret))
            .map(|cell| &cell.appid)
    }

    /// Another node put a token or a ticket under this name, or under any.
    pub(crate) async fn changed(
        &self,
        shared: &Arc<Shared>,
        name: Option<&str>,
    ) -> Result<(), StoreError> {
        // A name ends with the account's.
        let appid = name.and_then(|name| name.rsplit_once(' '));
        let of_name = appid.and_then(|(_, appid)| self.cells.get(appid));
        let all = self.cells.values().filter(|_| name.is_none());
        for cell in all.chain(of_name) {
            if name.is_none_or(|name| name == cell.credential()) {
                cell.renewed(shared).await?;
            }
            if name.is_none_or(|name| name == cell.ticket_name()) {
                cell.ticket_kept(shared).await?;
            }
        }
        Ok(())
    }

    /// A verified callback brought a ticket of the account's.
    pub(crate) async fn keep_ticket(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
        ticket: &str,
        time: UnixSeconds,
    ) {
        if let Some(cell) = self.cells.get(appid) {
            cell.keep_ticket(shared, ticket, time).await;
        }
    }

    /// Whether whoever calls with `ticket` has it from the platform's last pushes, as far as they came through here.
    pub(crate) async fn knows_ticket(
        &self,
        shared: &Arc<Shared>,
        appid: &str,
        ticket: &str,
    ) -> bool {
        match self.cells.get(appid) {
            Some(cell) => cell.is_ticket(shared, ticket).await,
            None => false,
        }
    }

    /// Everything of an account that must not leave on an app's face: the secret, the current token and the
    /// tickets.
    pub(crate) fn secrets(&self, appid: &str) -> Vec<String> {
        let secret = self.secrets.get(appid);
        let cell = self.cells.get(appid);
        let token = cell.and_then(|cell| cell.current.load_full());
        let tickets = cell.map(|cell| cell.tickets_in_memory());
        let secret = secret.map(|secret| secret.expose().to_owned());
        secret
            .into_iter()
            .chain(token.map(|token| token.text.expose().to_owned()))
            .chain(tickets.into_iter().flatten())
            .collect()
    }

    pub(crate) fn status(&self, appid: &str) -> TokenStatus {
        self.cells
            .get(appid)
            .map_or_else(TokenStatus::default, |cell| {
                cell.status
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            })
    }
}
