//! Which account a callback is for, and which apps get it.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{EnvelopeError, Keys},
    inbound::Message,
    push::Speaker,
};
use xinqiao_store::{AccountSecrets, Millis, Store};
use xinqiao_types::{AccountKind, AppId, CallbackMode, CallbackToken, Entropy};

use crate::{
    AccountConfig, AppConfig, Config, ConfigError, SlowReply, StartError, config::is_plain_id,
};

/// What stands for an other's id in the path of an account that has others behind it.
pub(crate) const PLACEHOLDERS: [&str; 2] = ["$APPID$", "$CORPID$"];

/// Accounts by appid and by the path that their callbacks come in on.
#[derive(Debug)]
pub(crate) struct Directory {
    accounts: HashMap<AppId, Arc<Account>>,
    paths: HashMap<String, Arc<Account>>,
    /// Paths with an other's id in them: what stands before it, what behind.
    patterns: Vec<(String, String, Arc<Account>)>,
    order: Vec<AppId>,
    /// Stands for every address that is nobody's.
    nobody: Arc<Account>,
}

/// Whose callback it is: an account's own, or that of one of the others behind it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) account: Arc<Account>,
    /// An authorizer's appid, or the corpid of a corp that installed a suite.
    pub(crate) other: Option<Box<str>>,
}

/// One account with the keys of its callbacks.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) config: AccountConfig,
    /// What its callbacks are opened with; keys that nobody has where none are configured, so that being
    /// refused costs the same everywhere.
    pub(crate) keys: Keys,
    /// The rule by which all its callbacks are refused, if they are.
    pub(crate) closed: Option<&'static str>,
    /// How much explaining its refused callbacks may still cost.
    pub(crate) explaining: Budget,
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

/// A few at once, then one now and then: whoever sends what is refused must not be able to buy work with it.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    since: Millis,
    count: i64,
}

impl Budget {
    const AT_ONCE: i64 = 5;
    const EVERY_MS: i64 = 2_000;

    /// Takes one, if there is one.
    pub(crate) fn take(&self, now: Millis) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let back = (now.0.saturating_sub(spent.since.0) / Self::EVERY_MS).max(0);
        if back > 0 {
            spent.since = now;
            spent.count = spent.count.saturating_sub(back).max(0);
        }
        let has = spent.count < Self::AT_ONCE;
        if has {
            spent.count += 1;
        }
        has
    }
}

/// One account's way to one app.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) app: Box<str>,
    /// For the account's own callbacks.
    pub(crate) url: String,
    /// For the others behind the account; with `{appid}` still in it.
    template: String,
    pub(crate) keys: Keys,
    pub(crate) timeout: Duration,
    pub(crate) primary: bool,
    pub(crate) slow: SlowReply,
}

impl Directory {
    pub(crate) async fn new(
        config: &Config,
        store: &Store,
        entropy: &dyn Entropy,
    ) -> Result<Self, StartError> {
        let window = Duration::from_secs(config.callback_window);
        let unset = || lost_keys(entropy).with_window(window);
        let mut nobody = Account::new(
            &AccountConfig::new("unknown"),
            &[],
            &AccountSecrets::default(),
            unset(),
        )?;
        nobody.closed = Some("callback.account.unknown");
        let mut directory = Self {
            accounts: HashMap::new(),
            paths: HashMap::new(),
            patterns: Vec::new(),
            order: Vec::new(),
            nobody: Arc::new(nobody),
        };
        for account in &config.accounts {
            let secrets = remember(account, store).await?;
            let account = Arc::new(Account::new(account, &config.apps, &secrets, unset())?);
            if let Some(path) = account.config.own_path() {
                directory.add_path(path, &account);
            }
            directory.order.push(account.config.appid.clone());
            directory
                .accounts
                .insert(account.config.appid.clone(), account);
        }
        Ok(directory)
    }

    fn add_path(&mut self, path: String, account: &Arc<Account>) {
        for placeholder in PLACEHOLDERS {
            if let Some((before, after)) = path.split_once(placeholder) {
                let account = Arc::clone(account);
                self.patterns
                    .push((before.to_owned(), after.to_owned(), account));
                return;
            }
        }
        self.paths.insert(path, Arc::clone(account));
    }

    pub(crate) fn account(&self, appid: &str) -> Option<&Arc<Account>> {
        self.accounts.get(appid)
    }

    /// The place that an event's account or the end of a callback address names:
    /// `account`, or `account/other`.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        if let Some(account) = self.accounts.get(name) {
            return Some(Place::of(account));
        }
        let (account, other) = name.split_once('/')?;
        let account = self.accounts.get(account)?;
        Place::behind(account, other)
    }

    /// [`Directory::place`] of the end of an address. One that is nobody's is a place like any other, so that
    /// nobody learns from an answer which accounts there are.
    pub(crate) fn addressed(&self, name: &str) -> Place {
        let name = name.trim_end_matches('/');
        // A colon may come encoded.
        let place = if name.contains('%') {
            self.place(&name.replace("%3A", ":").replace("%3a", ":"))
        } else {
            self.place(name)
        };
        place.unwrap_or_else(|| Place::of(&self.nobody))
    }

    /// The place with this path of its own.
    pub(crate) fn by_path(&self, path: &str) -> Option<Place> {
        if let Some(account) = self.paths.get(path) {
            return Some(Place::of(account));
        }
        self.patterns.iter().find_map(|(before, after, account)| {
            let other = path.strip_prefix(&**before)?.strip_suffix(&**after)?;
            Place::behind(account, other)
        })
    }

    /// In the order of the configuration.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.order
            .iter()
            .filter_map(|appid| self.accounts.get(appid))
    }
}

/// Keys that nobody has.
fn lost_keys(entropy: &dyn Entropy) -> Keys {
    let mut token = [0; 16];
    let mut key = [0; 32];
    entropy.fill(&mut token);
    entropy.fill(&mut key);
    let token = format!("{:032x}", u128::from_be_bytes(token));
    Keys::new(CallbackToken::from(token), "").with_aes_key(&AesKey::from_bytes(key))
}

impl Place {
    fn of(account: &Arc<Account>) -> Self {
        Self {
            account: Arc::clone(account),
            other: None,
        }
    }

    fn behind(account: &Arc<Account>, other: &str) -> Option<Self> {
        (account.config.has_others() && is_plain_id(other)).then(|| Self {
            account: Arc::clone(account),
            other: Some(other.into()),
        })
    }

    /// What events of this place are stored under.
    pub(crate) fn appid(&self) -> Cow<'_, AppId> {
        match &self.other {
            None => Cow::Borrowed(&self.account.config.appid),
            Some(other) => Cow::Owned(AppId::from(format!(
                "{}/{other}",
                self.account.config.appid
            ))),
        }
    }

    /// Becomes the place of a callback that was opened: whom it is sealed for and what is in it decide, the
    /// address only where these say nothing.
    ///
    /// # Errors
    /// It is sealed for another corp than the address names.
    pub(crate) fn settle(
        &mut self,
        receiver: Option<&str>,
        message: &Message,
    ) -> Result<(), EnvelopeError> {
        if self.account.config.suiteid.is_some() {
            if let (Some(found), Some(expected)) = (receiver, &self.other)
                && found != &**expected
            {
                return Err(EnvelopeError::ReceiverId {
                    found: found.to_owned(),
                    expected: expected.to_string(),
                });
            }
            self.other = receiver.map(Into::into);
        } else if message.info_type().is_some() {
            // WECHAT: what a third-party platform is told about itself names its authorizer inside.
            self.other = None;
        }
        Ok(())
    }

    /// What the app's copy is sealed for, where that is not the account's own id.
    pub(crate) fn receiver(&self) -> Option<&str> {
        self.account.config.suiteid.as_ref()?;
        self.other.as_deref()
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
        rule: "config.secret",
        reason: error.to_string(),
    })
}

impl Account {
    fn new(
        config: &AccountConfig,
        apps: &[AppConfig],
        secrets: &AccountSecrets,
        unset: Keys,
    ) -> Result<Self, ConfigError> {
        let closed = config.token.is_none().then_some("callback.token.missing");
        let keys = match &config.token {
            None => unset,
            Some(token) => {
                let mut keys =
                    Keys::new(token.clone(), config.receiver_id()).with_window(unset.window());
                if let Some(provider) = &config.provider {
                    keys = keys.with_provider(provider.as_str());
                }
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
                keys
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
            closed,
            explaining: Budget::default(),
            routes,
            has_primary,
            last_problem: Mutex::default(),
            last_callback: Mutex::default(),
        })
    }

    /// Who an app's reply speaks for.
    pub(crate) fn speaker(&self, message: &Message) -> Speaker {
        match self.config.kind {
            // Of a third-party platform only what it is told about itself: the rest is its authorizers'.
            _ if message.info_type().is_some() => Speaker::Component,
            AccountKind::MiniProgram => Speaker::MiniProgram,
            AccountKind::Corp => Speaker::Agent,
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
        let mut keys = Keys::new(app.token.clone(), account.receiver_id());
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
            url: filled(&app.url, account, account.appid.as_str()),
            template: app.message_url.as_ref().unwrap_or(&app.url).clone(),
            keys,
            timeout: app.timeout(),
            primary,
            slow: app.slow_reply,
        })
    }

    /// Where a place's callbacks go.
    pub(crate) fn url_for(&self, place: &Place) -> Cow<'_, str> {
        match &place.other {
            None => Cow::Borrowed(&self.url),
            Some(other) => Cow::Owned(filled(&self.template, &place.account.config, other)),
        }
    }
}

fn filled(template: &str, account: &AccountConfig, appid: &str) -> String {
    let filled = template
        .replace("{appid}", appid)
        .replace("{account}", account.appid.as_str());
    PLACEHOLDERS
        .iter()
        .fold(filled, |filled, id| filled.replace(id, appid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_few_at_once_and_one_now_and_then() {
        let budget = Budget::default();
        let taken = |at: i64| (0..100).filter(|_| budget.take(Millis(at))).count();
        assert_eq!(taken(1_700_000_000_000), 5);
        assert_eq!(taken(1_700_000_001_999), 0);
        assert_eq!(taken(1_700_000_004_000), 2);
        assert_eq!(
            taken(1_700_000_003_000),
            0,
            "a clock that goes back buys nothing"
        );
        assert_eq!(taken(1_700_000_900_000), 5);
    }
}
