//! Makes, changes and removes accounts, by the platform's rules of registration.

use std::collections::BTreeMap;

use serde_json::json;
use xinqiao_catalog::{QuotaWindow, code, rules::quota::Limit};
use xinqiao_crypto::AesKey;
use xinqiao_types::{AccountKind, CallbackMode, ErrCode};

use super::{
    Turn,
    account::{Account, Callback, SecretState, Subject},
    command::{AccountPatch, Answer, CallbackSettings, Effect, NewAccount, QuotaSetting, Refused},
    official_account::{stable_token::StableBook, token::TokenBook},
    rules,
};

/// The kind of subject that may not own a service account.
const PERSON: &str = "person";

pub(super) fn create(turn: &mut Turn<'_>, new: NewAccount) -> Result<Answer, Refused> {
    let account = build(turn, new)?;
    let view = account.view();
    turn.world.accounts.insert(account.appid.clone(), account);
    turn.effects.push(Effect::Accounts);
    Turn::json(view)
}

/// Checks the fields that were given and draws the others.
pub(super) fn build(turn: &mut Turn<'_>, new: NewAccount) -> Result<Account, Refused> {
    let kind = new.kind.unwrap_or(AccountKind::Service);
    match kind {
        AccountKind::Component => {
            return Err(Refused::not_built(
                "a third-party platform (kind `component`)",
            ));
        }
        AccountKind::Corp | AccountKind::Merchant => {
            return Err(Refused::invalid(
                "corporations are made by POST /corps, merchants by POST /merchants",
            ));
        }
        _ => {}
    }
    check_registration(turn, None, kind, new.email.as_deref(), new.subject.as_ref())?;
    if let Some(appid) = &new.appid {
        check_text("appid", appid, 64)?;
        if turn.world.accounts.contains_key(appid) {
            return Err(Refused::conflict(format!("the appid `{appid}` is in use")));
        }
    }
    let draw = turn.world.chance.next("account");
    let number = turn.world.accounts.len() + 1;
    let original_id = new.original_id.unwrap_or_else(|| draw.original_id());
    let taken = turn
        .world
        .accounts
        .values()
        .any(|account| account.original_id == original_id);
    if taken {
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
    for (name, value) in &new.rules {
        rules::check(name, value)?;
    }
    check_addresses(&new.ip_whitelist)?;
    Ok(Account {
        appid: new.appid.unwrap_or_else(|| draw.appid()),
        secret: new.secret.unwrap_or_else(|| draw.secret()),
        kind,
        verified: new.verified.unwrap_or(true),
        verified_until: new.verified_until,
        name: new
            .name
            .unwrap_or_else(|| format!("{} {number}", kind_name(kind))),
        alias: new.alias.unwrap_or_else(|| format!("sim_{}", draw.word(8))),
        original_id,
        open_account: new.open_account,
        email: new.email,
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
            mode: new.mode.unwrap_or(CallbackMode::Safe),
            format: "xml".to_owned(),
            failures: 0,
            paused_until: None,
        },
        tokens: TokenBook::default(),
        stable: StableBook::default(),
        quotas: xinqiao_catalog::rules::quota::Ledger::default(),
        menu: None,
        staff: BTreeMap::new(),
        contacts: BTreeMap::new(),
        followers: BTreeMap::new(),
    })
}

fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Subscription => "订阅号",
        AccountKind::Service => "服务号",
        AccountKind::MiniProgram => "小程序",
        AccountKind::Website => "网站应用",
        AccountKind::MobileApp => "移动应用",
        _ => "账号",
    }
}

/// One e-mail, one account; a person owns no service account.
fn check_registration(
    turn: &Turn<'_>,
    own: Option<&str>,
    kind: AccountKind,
    email: Option<&str>,
    subject: Option<&Subject>,
) -> Result<(), Refused> {
    if let Some(email) = email {
        let holder = turn.world.accounts.values().find(|account| {
            Some(account.appid.as_str()) != own
                && account
                    .email
                    .as_deref()
                    .is_some_and(|other| other.eq_ignore_ascii_case(email))
        });
        if let Some(holder) = holder {
            return Err(Refused::conflict(format!(
                "the e-mail `{email}` is in use by `{}`; one address registers one account",
                holder.name
            )));
        }
    }
    if kind == AccountKind::Service && subject.is_some_and(|subject| subject.kind == PERSON) {
        return Err(Refused::unwilling(
            "a person cannot own a service account; register a subscription account or give an organisation",
        ));
    }
    Ok(())
}

fn check_text(name: &str, text: &str, most: usize) -> Result<(), Refused> {
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
fn check_keys(token: Option<&str>, aes_key: Option<&str>) -> Result<(), Refused> {
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

pub(super) fn patch(
    turn: &mut Turn<'_>,
    appid: &str,
    patch: AccountPatch,
) -> Result<Answer, Refused> {
    let account = turn.world.account(appid)?;
    let subject = patch.subject.as_ref();
    check_registration(
        turn,
        Some(appid),
        account.kind,
        patch.email.as_deref(),
        subject,
    )?;
    check_permissions(&patch.permissions)?;
    for (name, value) in &patch.rules {
        rules::check(name, value)?;
    }
    check_addresses(patch.ip_whitelist.as_deref().unwrap_or_default())?;
    let account = turn.account_mut(appid)?;
    if let Some(verified) = patch.verified {
        account.verified = verified;
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
    account.verified_until = patch.verified_until.or(account.verified_until);
    if patch.subject.is_some() {
        account.subject = patch.subject;
    }
    account.permissions.extend(patch.permissions);
    account.rules.extend(patch.rules);
    let view = account.view();
    turn.effects.push(Effect::Accounts);
    Turn::json(view)
}

pub(super) fn delete(turn: &mut Turn<'_>, appid: &str) -> Result<Answer, Refused> {
    turn.world.account(appid)?;
    if let Some(account) = turn.world.accounts.remove(appid) {
        for contact in account.contacts.values() {
            if let Some(user) = turn.world.users.get_mut(&contact.user) {
                user.openids.remove(appid);
            }
        }
    }
    turn.world.token_owners.retain(|_, owner| owner != appid);
    turn.world.media.retain(|_, media| media.account != appid);
    turn.effects.extend([Effect::Accounts, Effect::Users]);
    Ok(Answer::Done)
}

/// WECHAT: a new secret works at once, the old one no more; tokens already issued live on.
pub(super) fn new_secret(turn: &mut Turn<'_>, appid: &str) -> Result<Answer, Refused> {
    turn.world.account(appid)?;
    let secret = turn.world.chance.next("secret").secret();
    let account = turn.account_mut(appid)?;
    account.secret = secret;
    let view = account.view();
    turn.effects.push(Effect::Accounts);
    Turn::json(view)
}

pub(super) fn set_quotas(
    turn: &mut Turn<'_>,
    appid: &str,
    quotas: &BTreeMap<String, QuotaSetting>,
) -> Result<Answer, Refused> {
    turn.world.account(appid)?;
    let mut rows = Vec::new();
    for (path, setting) in quotas {
        let routes = xinqiao_catalog::route::candidates(None, path);
        let own: Vec<_> = routes
            .iter()
            .filter(|route| route.product == xinqiao_catalog::Product::OfficialAccount)
            .collect();
        let routes: Vec<_> = if own.is_empty() {
            routes.iter().collect()
        } else {
            own
        };
        if routes.is_empty() {
            return Err(Refused::invalid(format!(
                "no endpoint has the path `{path}`"
            )));
        }
        rows.extend(routes.into_iter().map(|route| (route.id, *setting)));
    }
    let now = turn.now;
    let account = turn.account_mut(appid)?;
    for (id, setting) in rows {
        let window = QuotaWindow::Day;
        let code = ErrCode::from(code::DAILY_QUOTA_REACHED);
        account.quotas.set_limit(
            id,
            Limit {
                max: setting.limit,
                window,
                code,
            },
        );
        account
            .quotas
            .set_used(id, window, setting.used.unwrap_or(0), now);
    }
    Turn::json(json!({"quotas": quotas}))
}

/// Checks server settings before the handshake; gives them back complete.
pub(crate) fn complete_callback(
    account: &Account,
    settings: &CallbackSettings,
) -> Result<Callback, Refused> {
    if !settings.url.starts_with("http://") && !settings.url.starts_with("https://") {
        return Err(Refused::invalid(
            "`url` must begin with http:// or https://",
        ));
    }
    check_keys(settings.token.as_deref(), settings.aes_key.as_deref())?;
    let format = settings
        .format
        .clone()
        .unwrap_or_else(|| account.callback.format.clone());
    match format.as_str() {
        "xml" => {}
        "json" if account.kind == AccountKind::MiniProgram => {
            return Err(Refused::not_built("pushing JSON (format `json`)"));
        }
        "json" => return Err(Refused::unwilling("official accounts push XML only")),
        _ => return Err(Refused::invalid("`format` must be `xml` or `json`")),
    }
    let own = &account.callback;
    Ok(Callback {
        url: settings.url.clone(),
        token: settings.token.clone().unwrap_or_else(|| own.token.clone()),
        aes_key: settings
            .aes_key
            .clone()
            .unwrap_or_else(|| own.aes_key.clone()),
        mode: settings.mode.unwrap_or(own.mode),
        format,
        failures: 0,
        paused_until: None,
    })
}

pub(super) fn set_callback(
    turn: &mut Turn<'_>,
    appid: &str,
    settings: CallbackSettings,
) -> Result<Answer, Refused> {
    let callback = complete_callback(turn.world.account(appid)?, &settings)?;
    turn.account_mut(appid)?.callback = callback;
    turn.effects.push(Effect::Accounts);
    Turn::json(json!({"verified": true}))
}
