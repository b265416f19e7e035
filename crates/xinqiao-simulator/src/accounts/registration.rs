//! Makes, changes and removes accounts, by the platform's rules of registration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{QuotaWindow, code, rules::quota::Limit};
use xinqiao_crypto::AesKey;
use xinqiao_types::{AccountKind, CallbackMode, ErrCode};

use super::{
    ACCOUNTS, BY_ORIGINAL_ID, DELETED, QUOTAS, account,
    account::{Account, Callback, SecretState},
    account_mut,
    callback::check_mode,
    emails::{self, Holder},
    forget, id, insert, note, open_accounts, rules,
    subjects::{self, Subject},
    verification, view,
};
use crate::kernel::{Command, Effect, Id, Refused, Turn};

/// `POST /accounts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// Given or drawn.
    pub(crate) appid: Option<String>,
    /// Given or drawn.
    pub(crate) secret: Option<String>,
    /// `service` if missing.
    pub(crate) kind: Option<AccountKind>,
    /// Yes if missing.
    pub(crate) verified: Option<bool>,
    /// When the verification ends.
    pub(crate) verified_until: Option<i64>,
    /// A test account of the sandbox page.
    pub(crate) test: bool,
    /// Given or made up.
    pub(crate) name: Option<String>,
    /// Given or drawn.
    pub(crate) alias: Option<String>,
    /// Given or drawn.
    pub(crate) original_id: Option<String>,
    /// Given or drawn.
    pub(crate) token: Option<String>,
    /// Given or drawn.
    pub(crate) aes_key: Option<String>,
    /// `safe` if missing.
    pub(crate) mode: Option<CallbackMode>,
    /// Kept without a handshake only if empty.
    pub(crate) callback_url: Option<String>,
    /// Accounts with the same one share UnionIDs.
    pub(crate) open_account: Option<String>,
    /// One account an address.
    pub(crate) email: Option<String>,
    /// Who registers it.
    pub(crate) subject: Option<Subject>,
    /// Domain for web authorization.
    pub(crate) oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    pub(crate) js_domain: Option<String>,
    /// Addresses that may fetch tokens.
    pub(crate) ip_whitelist: Vec<String>,
    /// Rights switched by hand.
    pub(crate) permissions: BTreeMap<String, bool>,
    /// Switches for disputed behaviour.
    pub(crate) rules: BTreeMap<String, Value>,
}

/// `PATCH /accounts/{appid}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccountPatch {
    /// Verified or not.
    pub(crate) verified: Option<bool>,
    /// When the verification ends.
    pub(crate) verified_until: Option<i64>,
    /// Name.
    pub(crate) name: Option<String>,
    /// E-mail.
    pub(crate) email: Option<String>,
    /// Who registered it.
    pub(crate) subject: Option<Subject>,
    /// Domain for web authorization.
    pub(crate) oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    pub(crate) js_domain: Option<String>,
    /// Addresses that may fetch tokens.
    pub(crate) ip_whitelist: Option<Vec<String>>,
    /// Whether the secret works.
    pub(crate) secret_state: Option<SecretState>,
    /// Rights to switch.
    pub(crate) permissions: BTreeMap<String, bool>,
    /// Switches to set.
    pub(crate) rules: BTreeMap<String, Value>,
}

/// `PATCH /accounts/{appid}/quotas`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaSetting {
    /// Calls in the window.
    pub(crate) limit: u64,
    /// Calls that count already.
    pub(crate) used: Option<u64>,
    /// In which window: by the day if missing.
    pub(crate) window: Option<QuotaWindow>,
}

/// Most calls that a counter or a limit is set to.
const MOST_CALLS: u64 = 1_000_000_000_000;

/// Makes an account.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Create(pub(crate) NewAccount);

impl Command for Create {
    const NAME: &'static str = "accounts.create";
    const WAS: &'static str = "create_account";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let account = build(turn, self.0)?;
        let appid = account.appid.clone();
        if let Some(open) = account.open_account.as_deref().map(Into::into) {
            open_accounts::may_bind(turn.world, turn.now, &open, &account)?;
            open_accounts::count(turn.world, turn.now, &open, &account);
        }
        if let Some(until) = account.verified_until {
            verification::set_alarm(turn.world, "account", &appid, until, turn.now.0);
        }
        insert(turn.world, account);
        with_secret(turn, &appid)
    }
}

/// The account, as it is now.
fn answered(turn: &mut Turn<'_>, appid: &str) -> Result<Value, Refused> {
    turn.effects.push(Effect::Accounts);
    Ok(view(turn.world, account(turn.world, appid)?))
}

/// The same with the secret, which may be shown this once only.
fn with_secret(turn: &mut Turn<'_>, appid: &str) -> Result<Value, Refused> {
    let mut view = answered(turn, appid)?;
    view["secret"] = json!(account(turn.world, appid)?.secret);
    Ok(view)
}

/// Checks the fields of an account that stands for itself, and draws the others.
pub(crate) fn build(turn: &mut Turn<'_>, new: NewAccount) -> Result<Account, Refused> {
    let kind = new.kind.unwrap_or(AccountKind::Service);
    if matches!(kind, AccountKind::Corp | AccountKind::Merchant) {
        return Err(Refused::invalid(
            "corporations are made by POST /corps, merchants by POST /merchants",
        ));
    }
    check_mode(kind, new.mode.unwrap_or(CallbackMode::Safe))?;
    if new.test && !kind.is_official_account() {
        return Err(Refused::invalid(
            "`test` makes a test account of the sandbox page: an official account, of kind `service` or `subscription`",
        ));
    }
    if let Some(appid) = &new.appid {
        check_text("appid", appid, 64)?;
    }
    complete(turn, new)
}

/// An application of a corporation, which has its id from there.
pub(crate) fn build_application(
    turn: &mut Turn<'_>,
    corp: &str,
    agent: u64,
    new: NewAccount,
) -> Result<Account, Refused> {
    let id = format!("{corp}:{agent}");
    let new = NewAccount {
        kind: Some(AccountKind::Corp),
        alias: Some(String::new()),
        original_id: Some(id.clone()),
        appid: Some(id),
        ..new
    };
    complete(turn, new)
}

fn complete(turn: &mut Turn<'_>, new: NewAccount) -> Result<Account, Refused> {
    let kind = new.kind.unwrap_or(AccountKind::Service);
    if let Some(email) = new.email.as_deref().filter(|email| !email.is_empty()) {
        emails::check(turn.world, email, None)?;
    }
    let subject = new.subject.as_ref();
    subjects::check(turn.world, None, kind, new.test, subject)?;
    let person = can_be_verified(kind) && subject.is_some_and(Subject::is_person);
    if person && new.verified == Some(true) {
        verification::person_is_not_verified(subject)?;
    }
    if let Some(appid) = &new.appid
        && ACCOUNTS.has(turn.world, appid.as_str())
    {
        return Err(Refused::conflict(format!("the appid `{appid}` is in use")));
    }
    let draw = turn.world.next("account");
    let number = ACCOUNTS.len(turn.world) + 1;
    let original_id = new.original_id.unwrap_or_else(|| draw.original_id());
    if BY_ORIGINAL_ID.has(turn.world, original_id.as_str()) {
        return Err(Refused::conflict(format!(
            "the original id `{original_id}` is in use"
        )));
    }
    if new.callback_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return Err(Refused::invalid(
            "`callback_url` is stored after a handshake only: PUT /accounts/{appid}/callback",
        ));
    }
    let (token, aes_key) = (new.token, new.aes_key);
    check_keys(token.as_deref(), aes_key.as_deref())?;
    check_permissions(&new.permissions)?;
    rules::check(turn.world, &new.rules)?;
    check_addresses(&new.ip_whitelist)?;
    Ok(Account {
        appid: new.appid.unwrap_or_else(|| draw.appid()).into(),
        secret: new.secret.unwrap_or_else(|| draw.secret()),
        kind,
        verified: new.verified.unwrap_or(!person),
        verified_until: new.verified_until,
        review: None,
        test: new.test,
        name: new
            .name
            .unwrap_or_else(|| format!("{} {number}", kind_name(kind))),
        alias: new.alias.unwrap_or_else(|| format!("sim_{}", draw.word(8))),
        original_id: original_id.into(),
        open_account: new.open_account,
        email: new.email.filter(|email| !email.is_empty()),
        subject: new.subject,
        oauth_domain: new.oauth_domain,
        js_domain: new.js_domain,
        ip_whitelist: new.ip_whitelist,
        secret_state: SecretState::Active,
        permissions: new.permissions,
        rules: new.rules,
        created_at: turn.now.0,
        callback: Callback {
            url: String::new(),
            token: token.unwrap_or_else(|| draw.callback_token()),
            aes_key: aes_key.unwrap_or_else(|| draw.aes_key()),
            message_url: None,
            mode: new.mode.unwrap_or(CallbackMode::Safe),
            format: "xml".to_owned(),
            failures: 0,
            paused_until: None,
        },
    })
}

fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Subscription => "订阅号",
        AccountKind::Service => "服务号",
        AccountKind::MiniProgram => "小程序",
        AccountKind::Website => "网站应用",
        AccountKind::MobileApp => "移动应用",
        AccountKind::Component => "第三方平台",
        _ => "账号",
    }
}

/// The kinds to which being verified gives rights.
fn can_be_verified(kind: AccountKind) -> bool {
    kind.is_official_account() || kind == AccountKind::MiniProgram
}

pub(crate) fn check_text(name: &str, text: &str, most: usize) -> Result<(), Refused> {
    let fine = !text.is_empty()
        && text.len() <= most
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-@.".contains(&byte));
    if fine {
        Ok(())
    } else {
        Err(Refused::invalid(format!(
            "`{name}` must be 1 to {most} letters, digits, `_` or `-`"
        )))
    }
}

/// WECHAT: a key may end in a character whose two spare bits are set; it is accepted.
pub(super) fn check_keys(token: Option<&str>, aes_key: Option<&str>) -> Result<(), Refused> {
    if let Some(token) = token {
        let fine = (3..=32).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fine {
            return Err(Refused::invalid(
                "`token` must be 3 to 32 letters and digits",
            ));
        }
    }
    if let Some(key) = aes_key {
        let fine = key.len() == 43 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fine || AesKey::parse(key).is_err() {
            return Err(Refused::invalid(format!(
                "`aes_key` must be 43 letters and digits, this one has {} characters",
                key.chars().count()
            )));
        }
    }
    Ok(())
}

fn check_permissions(permissions: &BTreeMap<String, bool>) -> Result<(), Refused> {
    for right in permissions.keys() {
        if xinqiao_catalog::permission(right).is_none() {
            return Err(Refused::invalid(format!(
                "no row `{right}` in the permission table; rows look like `msg.custom`"
            )));
        }
    }
    Ok(())
}

fn check_addresses(list: &[String]) -> Result<(), Refused> {
    for entry in list {
        entry
            .parse::<xinqiao_http::Cidr>()
            .map_err(|error| Refused::invalid(format!("`ip_whitelist`: {error}")))?;
    }
    Ok(())
}

/// Changes an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Patch {
    pub(crate) appid: String,
    pub(crate) patch: AccountPatch,
}

impl Command for Patch {
    const NAME: &'static str = "accounts.patch";
    const WAS: &'static str = "patch_account";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let Self { appid, patch } = self;
        let (appid, now) = (id(turn.world, &appid)?, turn.now.0);
        check_patch(turn, &appid, &patch)?;
        let before = account(turn.world, &appid)?.clone();
        let mut own = before.clone();
        change(&mut own, patch, now);
        let until = own.verified_until;
        forget(turn.world, &before);
        note(turn.world, &own);
        ACCOUNTS.put(turn.world, appid.clone(), own);
        if let Some(until) = until.filter(|_| until != before.verified_until) {
            verification::set_alarm(turn.world, "account", &appid, until, now);
        }
        answered(turn, &appid)
    }
}

fn check_patch(turn: &Turn<'_>, appid: &Id, patch: &AccountPatch) -> Result<(), Refused> {
    let own = account(turn.world, appid)?;
    if let Some(email) = patch.email.as_deref().filter(|email| !email.is_empty()) {
        let holder = Holder::Account(appid.clone());
        emails::check(turn.world, email, Some(&holder))?;
    }
    let (kind, subject) = (own.kind, patch.subject.as_ref());
    subjects::check(turn.world, Some(appid), kind, own.test, subject)?;
    if patch.verified == Some(true) && can_be_verified(kind) {
        verification::person_is_not_verified(subject.or(own.subject.as_ref()))?;
    }
    check_permissions(&patch.permissions)?;
    rules::check(turn.world, &patch.rules)?;
    check_addresses(patch.ip_whitelist.as_deref().unwrap_or_default())
}

fn change(account: &mut Account, patch: AccountPatch, now: i64) {
    let has_ended = |until: Option<i64>| until.is_some_and(|until| until <= now);
    let ended = has_ended(account.verified_until);
    account.verified_until = patch.verified_until.or(account.verified_until);
    match patch.verified {
        Some(verified) => {
            account.verified = verified;
            // Verified by hand without an end: the old one does not count any more.
            if verified && ended && patch.verified_until.is_none() {
                account.verified_until = None;
            }
        }
        None if ended && !has_ended(account.verified_until) => account.verified = true,
        None => {}
    }
    // Who becomes a person's loses its verification.
    if can_be_verified(account.kind) && patch.subject.as_ref().is_some_and(Subject::is_person) {
        account.verified = false;
    }
    if let Some(name) = patch.name {
        account.name = name;
    }
    if let Some(state) = patch.secret_state {
        account.secret_state = state;
    }
    if let Some(list) = patch.ip_whitelist {
        account.ip_whitelist = list;
    }
    let optional = [
        (&mut account.email, patch.email),
        (&mut account.oauth_domain, patch.oauth_domain),
        (&mut account.js_domain, patch.js_domain),
    ];
    for (slot, value) in optional {
        if let Some(value) = value {
            *slot = (!value.is_empty()).then_some(value);
        }
    }
    if patch.subject.is_some() {
        account.subject = patch.subject;
    }
    account.permissions.extend(patch.permissions);
    account.rules.extend(patch.rules);
}

/// Removes an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delete {
    pub(crate) appid: String,
}

impl Command for Delete {
    const NAME: &'static str = "accounts.delete";
    const WAS: &'static str = "delete_account";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        account(turn.world, &self.appid)?;
        turn.publish(DELETED, &json!({"account": self.appid}));
        QUOTAS.remove(turn.world, self.appid.as_str());
        if let Some(account) = ACCOUNTS.remove(turn.world, self.appid.as_str()) {
            forget(turn.world, &account);
        }
        turn.effects.extend([Effect::Accounts, Effect::Users]);
        Ok(())
    }
}

/// Gives an account a new secret.
///
/// WECHAT: a new secret works at once, the old one no more; tokens already issued live on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NewSecret {
    pub(crate) appid: String,
}

impl Command for NewSecret {
    const NAME: &'static str = "accounts.new_secret";
    const WAS: &'static str = "new_secret";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        account(turn.world, &self.appid)?;
        let secret = turn.world.next("secret").secret();
        account_mut(turn.world, &self.appid)?.secret = secret;
        with_secret(turn, &self.appid)
    }
}

/// Sets limits of calls, by path.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetQuotas {
    pub(crate) appid: String,
    pub(crate) quotas: BTreeMap<String, QuotaSetting>,
}

impl Command for SetQuotas {
    const NAME: &'static str = "accounts.set_quotas";
    const WAS: &'static str = "set_quotas";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let appid = id(turn.world, &self.appid)?;
        let mut rows = Vec::new();
        for (path, setting) in &self.quotas {
            let windows = [QuotaWindow::Minute, QuotaWindow::Day, QuotaWindow::Month];
            if setting.window.is_some_and(|own| !windows.contains(&own)) {
                return Err(Refused::invalid(
                    "`window` is `minute`, `day` or `month`; without one it is the day",
                ));
            }
            // A path means the first product that has it: an account's own calls stand before those of others.
            let routes = xinqiao_catalog::route::candidates(None, path);
            let Some(first) = routes.iter().map(|route| route.product).min() else {
                return Err(Refused::invalid(format!(
                    "no endpoint has the path `{path}`"
                )));
            };
            let own = routes.iter().filter(|route| route.product == first);
            rows.extend(own.map(|route| (route.id, *setting)));
        }
        let beyond = |setting: &QuotaSetting| {
            [setting.limit, setting.used.unwrap_or(0)]
                .iter()
                .any(|number| *number > MOST_CALLS)
        };
        if rows.iter().any(|(_, setting)| beyond(setting)) {
            return Err(Refused::invalid(format!(
                "`limit` and `used` are numbers up to {MOST_CALLS}"
            )));
        }
        let now = turn.now;
        let ledger = QUOTAS.or_default(turn.world, appid);
        for (id, setting) in rows {
            let window = setting.window.unwrap_or(QuotaWindow::Day);
            let code = match window {
                QuotaWindow::Minute => code::MINUTE_QUOTA_REACHED,
                QuotaWindow::Month => code::MONTH_QUOTA_REACHED,
                _ => code::DAILY_QUOTA_REACHED,
            };
            let limit = Limit {
                max: setting.limit,
                window,
                code: ErrCode::from(code),
            };
            // A day's limit has the endpoint's name, others the window's behind it.
            let counter = match window {
                QuotaWindow::Minute => format!("{id}/minute"),
                QuotaWindow::Month => format!("{id}/month"),
                _ => id.to_owned(),
            };
            ledger.set_used(&counter, window, setting.used.unwrap_or(0), now);
            ledger.set_limit(counter, limit);
        }
        Ok(json!({"quotas": self.quotas}))
    }
}
