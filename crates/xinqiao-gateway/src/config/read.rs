//! Reading and checking a configuration, with errors that say where and what.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use xinqiao_crypto::AesKey;
use xinqiao_types::{AccountKind, AppKey, CallbackMode, CorpId};

use super::{
    AccountConfig, AdminListen, Config, ConfigError, StoreAt, Upstream,
    place::{table_of, with_key, without_texts},
    secret::{self, Kind},
    slow,
};
use crate::{directory::PLACEHOLDERS, issued_key::is_issued_id, outbound::app_address};

/// The rule that a text breaks which does not read, by what serde, TOML's parser or [`secret`] says of it.
fn rule_of(message: &str, text: &str) -> &'static str {
    let begins = |beginning: &str| message.starts_with(beginning);
    if secret::is_complaint(message) {
        "config.secret"
    } else if begins("unknown field") {
        "config.key.unknown"
    } else if begins("missing field") {
        "config.key.missing"
    } else if begins("duplicate") {
        "config.twice"
    } else if begins("invalid type") {
        "config.type"
    } else if toml::from_str::<toml::Table>(text).is_ok() {
        "config.value"
    } else {
        "config.syntax"
    }
}

impl Config {
    /// Reads a configuration from text.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, "configuration")
    }

    /// Reads a configuration file. Relative paths in it count from its folder.
    pub fn from_path(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = || Self::read(&text, &path.display().to_string());
        let mut config = secret::within(folder, read)?;
        if let Some(folder) = path.parent() {
            if let StoreAt::File(file) = &mut config.store {
                *file = folder.join(&*file);
            }
            if let Some(file) = &mut config.seal.key_file {
                *file = folder.join(&*file);
            }
            if let Some(AdminListen::Unix(path)) = &mut config.admin.listen {
                *path = folder.join(&*path);
            }
        }
        Ok(config)
    }

    fn read(text: &str, file: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            // Only the message: toml's own display quotes the line, which may hold a secret.
            let at = error.span().map_or(0, |span| span.start);
            let before = &text[..at.min(text.len())];
            ConfigError::Form {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                table: table_of(text, at),
                reason: with_key(text, at, &without_texts(error.message())),
                rule: rule_of(error.message(), text),
            }
        })?;
        config.name_accounts();
        config.check(file)?;
        Ok(config)
    }

    /// Gives WeCom's accounts the names that they have in lists, addresses and other tables.
    pub(crate) fn name_accounts(&mut self) {
        for account in &mut self.accounts {
            account.name_by_ids();
        }
    }

    /// Checks what types cannot. `Gateway::start` does it too, for configurations built in code.
    pub(crate) fn check(&self, file: &str) -> Result<(), ConfigError> {
        let fail = |key: String, rule: &'static str, reason: &str| {
            Err(ConfigError::Value {
                file: file.to_owned(),
                key,
                reason: reason.to_owned(),
                rule,
            })
        };
        for (name, key) in [
            ("admin.key", &self.admin.key),
            ("admin.read_key", &self.admin.read_key),
        ] {
            if let Some(key) = key
                && let Err(reason) = key.fits()
            {
                return fail(name.to_owned(), "config.secret", &reason);
            }
        }
        if let (Some(key), Some(read)) = (&self.admin.key, &self.admin.read_key)
            && key.expose() == read.expose()
        {
            return fail(
                "admin.read_key".into(),
                "config.admin",
                "must differ from admin.key",
            );
        }
        if let Some(AdminListen::Tcp(address)) = self.admin.listen
            && !address.ip().to_canonical().is_loopback()
            && self.admin.key.is_none()
        {
            return fail(
                "admin.listen".into(),
                "config.admin",
                "without admin.key, allowed are loopback addresses (127.0.0.1:8615) and unix:/path",
            );
        }
        let is_name = |name: &str| {
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if self.node.as_deref().is_some_and(|name| !is_name(name)) {
            return fail(
                "node".into(),
                "config.value",
                "a node's name has 1 to 64 visible ASCII characters and no blanks",
            );
        }
        let mut appids = BTreeSet::new();
        let mut paths = BTreeSet::new();
        for account in &self.accounts {
            let at = |key: &str| format!("[[account]] {}, {key}", account.appid);
            check_names(account, file)?;
            if !account.is_work() && !is_plain_id(account.appid.as_str()) {
                return fail(
                    at("appid"),
                    "config.name",
                    "an appid is 1 to 64 letters, digits, - or _, like wx0123456789abcdef",
                );
            }
            if !appids.insert(&account.appid) {
                return fail(at("appid"), "config.twice", "is configured twice");
            }
            if let Some(path) = account.own_path() {
                let own = ["/v1", "/callback", "/healthz", "/readyz", "/metrics"];
                if !path.starts_with('/') || path.contains(['?', '#']) {
                    return fail(
                        at("path"),
                        "config.path",
                        "a path begins with / and has neither ? nor #",
                    );
                }
                let ids = PLACEHOLDERS.map(|id| path.matches(id).count());
                if path == "/" || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return fail(
                        at("path"),
                        "config.path",
                        "a path has more than /, and visible ASCII characters only",
                    );
                }
                if !xinqiao_catalog::route::candidates(None, &path).is_empty() {
                    return fail(
                        at("path"),
                        "config.path",
                        "the platform's interface has this path",
                    );
                }
                if ids.iter().sum::<usize>() > 1 {
                    return fail(
                        at("path"),
                        "config.path",
                        "one of $APPID$ and $CORPID$ may stand in a path, once",
                    );
                }
                if own
                    .iter()
                    .any(|own| path == *own || path.starts_with(&format!("{own}/")))
                {
                    return fail(
                        at("path"),
                        "config.path",
                        "the gateway uses this path itself; /v1, /callback, /healthz, /readyz and /metrics are taken",
                    );
                }
                if !paths.insert(path) {
                    return fail(
                        at("path"),
                        "config.path",
                        "two accounts have the same path; without an appid in it they cannot be told apart",
                    );
                }
            }
            check_keys(account, file)?;
        }
        let with_others: BTreeSet<_> = { self.accounts.iter() }
            .filter(|account| account.has_others())
            .map(|account| &account.appid)
            .collect();
        let mut names = BTreeSet::new();
        let mut primaries = BTreeMap::new();
        for app in &self.apps {
            let at = |key: &str| format!("[[app]] {}, {key}", app.name);
            if !is_plain_id(&app.name) {
                return fail(
                    at("name"),
                    "config.name",
                    "a name is 1 to 64 letters, digits, - or _",
                );
            }
            if !names.insert(&app.name) {
                return fail(at("name"), "config.twice", "is configured twice");
            }
            let urls = [
                ("url", Some(&app.url)),
                ("message_url", app.message_url.as_ref()),
            ];
            for (name, url) in urls {
                if url.is_some_and(|url| !is_http(url)) {
                    return fail(
                        at(name),
                        "config.url",
                        "a URL begins with http:// or https://",
                    );
                }
            }
            let example = app.url.replace("{appid}", "a").replace("{account}", "a");
            if app_address(&example).is_none() {
                return fail(
                    at("url"),
                    "config.url",
                    "a URL names a host that can be called; one in Chinese is written as xn--…",
                );
            }
            if let Err(reason) = app.token.fits() {
                return fail(at("token"), "config.secret", &reason);
            }
            if let Some(key) = &app.aes_key
                && let Err(error) = AesKey::parse(key.expose())
            {
                return fail(at("aes_key"), "config.secret", &error.to_string());
            }
            if !(100..=300_000).contains(&app.timeout_ms) {
                return fail(
                    at("timeout_ms"),
                    "config.range",
                    "allowed are `100` to `300000`",
                );
            }
            for appid in app.accounts.iter().chain(&app.watch) {
                if !appids.contains(appid) {
                    return fail(
                        at("accounts"),
                        "config.unknown_name",
                        &format!("`{appid}` is not an [[account]]"),
                    );
                }
            }
            let mut named = app.accounts.iter().chain(&app.watch);
            if app.message_url.is_some() && !named.any(|appid| with_others.contains(appid)) {
                return fail(
                    at("message_url"),
                    "config.url",
                    "is for an app of a third-party platform or a suite; others have `url` only",
                );
            }
            for appid in &app.accounts {
                if let Some(other) = primaries.insert(appid, &app.name) {
                    let reason = format!(
                        "{appid} is answered by the app `{other}` already; let this one `watch` it"
                    );
                    return fail(at("accounts"), "config.primary", &reason);
                }
            }
            let mut answered =
                { self.accounts.iter() }.filter(|account| app.accounts.contains(&account.appid));
            if let Some(reason) = answered.find_map(|account| slow::misfit(app, account)) {
                return fail(at("slow_reply"), "config.slow_reply", &reason);
            }
        }
        let mut ids = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for key in &self.keys {
            let at = |name: &str| format!("[[key]] {}, {name}", key.id);
            if !ids.insert(&key.id) {
                return fail(at("id"), "config.twice", "is configured twice");
            }
            if !is_plain_id(&key.id) || is_issued_id(&key.id) {
                return fail(
                    at("id"),
                    "config.name",
                    "an id is 1 to 64 letters, digits, - or _, and not key_ and 12 letters as issued keys have it",
                );
            }
            if [&self.admin.key, &self.admin.read_key]
                .into_iter()
                .flatten()
                .any(|admin| admin.expose() == key.key.expose())
            {
                return fail(
                    at("key"),
                    "config.admin",
                    "is administration's key; an app needs another",
                );
            }
            if !texts.insert(key.key.expose()) {
                return fail(
                    at("key"),
                    "config.twice",
                    "another [[key]] has the same key",
                );
            }
            if !is_plain_id(&key.app) || !self.has_app(&key.app) {
                return fail(
                    at("app"),
                    "config.unknown_name",
                    &format!("`{}` is not an [[app]]", key.app),
                );
            }
            if !is_app_key(&key.key) {
                return fail(
                    at("key"),
                    "config.secret",
                    "a key is `xqk_` and at least 24 letters and digits",
                );
            }
            for appid in &key.accounts {
                if !appids.contains(appid) {
                    return fail(
                        at("accounts"),
                        "config.unknown_name",
                        &format!("`{appid}` is not an [[account]]"),
                    );
                }
            }
        }
        if let Upstream::Hosts(hosts) = &self.upstream {
            for (host, origin) in hosts {
                if xinqiao_catalog::host(host).is_none_or(|known| known.name != host) {
                    return fail(
                        format!("upstream.\"{host}\""),
                        "config.unknown_name",
                        "is not a host of the platform, like `api.weixin.qq.com`",
                    );
                }
                if !is_http(origin) {
                    return fail(
                        format!("upstream.\"{host}\""),
                        "config.url",
                        "an origin begins with http:// or https://",
                    );
                }
            }
        }
        if self.retention_days < 2 {
            return fail(
                "retention_days".into(),
                "config.range",
                "allowed are `2` and more: a repeat is answered by what is kept",
            );
        }
        if !(300..=604_800).contains(&self.callback_window) {
            return fail(
                "callback_window".into(),
                "config.range",
                "allowed are `300` to `604800` seconds, five minutes to a week",
            );
        }
        Ok(())
    }
}

/// An account is named in one way, and has what that way needs.
fn check_names(account: &AccountConfig, file: &str) -> Result<(), ConfigError> {
    let table = match (&account.corpid, &account.suiteid, &account.botid) {
        _ if !account.appid.is_empty() => account.appid.as_str(),
        (Some(id), ..) => id.as_str(),
        (_, Some(id), _) | (_, _, Some(id)) => id,
        _ => "without a name",
    };
    let fail = |key: &str, rule: &'static str, reason: &str| {
        Err(ConfigError::Value {
            file: file.to_owned(),
            key: format!("[[account]] {table}, {key}"),
            reason: reason.to_owned(),
            rule,
        })
    };
    let ways = [
        account.corpid.is_some() || account.agentid.is_some(),
        account.suiteid.is_some() || account.provider.is_some() || account.personal,
        account.botid.is_some(),
    ];
    let ways = ways.iter().filter(|way| **way).count();
    let named = account.name_of_ids();
    if ways > 1
        || (ways == 1
            && named
                .as_deref()
                .is_some_and(|name| name != account.appid.as_str()))
    {
        return fail(
            "appid",
            "config.account",
            "an account is named by one of: appid; corpid and agentid; suiteid; botid",
        );
    }
    if account.corpid.is_some() != account.agentid.is_some() {
        return fail(
            "agentid",
            "config.account",
            "an agent is named by both corpid and agentid",
        );
    }
    if ways == 0 && account.appid.is_empty() {
        return fail(
            "appid",
            "config.account",
            "is missing; WeCom's accounts are named by corpid and agentid, suiteid, or botid instead",
        );
    }
    if account.suiteid.is_some() && account.provider.is_some() == account.personal {
        return fail(
            "provider",
            "config.account",
            "a suite has the corpid of its provider, or personal = true if it belongs to a person",
        );
    }
    if account.suiteid.is_none() && (account.provider.is_some() || account.personal) {
        return fail(
            "suiteid",
            "config.account",
            "provider and personal belong to a suite",
        );
    }
    let ids = [
        ("corpid", account.corpid.as_ref().map(CorpId::as_str)),
        ("suiteid", account.suiteid.as_deref()),
        ("provider", account.provider.as_ref().map(CorpId::as_str)),
        ("botid", account.botid.as_deref()),
    ];
    let is_wrong = |id: Option<&str>| id.is_some_and(|id| !is_plain_id(id));
    if let Some((key, _)) = ids.into_iter().find(|(_, id)| is_wrong(*id)) {
        return fail(
            key,
            "config.name",
            "an id is 1 to 64 letters, digits, - or _",
        );
    }
    if account.is_work() && (account.mode != CallbackMode::Safe || account.allow_plain) {
        return fail(
            "mode",
            "config.mode",
            "WeCom encrypts every callback; leave mode and allow_plain out",
        );
    }
    if account.botid.is_some() && account.secret.is_some() {
        return fail("secret", "config.account", "a bot has none; leave it out");
    }
    Ok(())
}

fn check_keys(account: &AccountConfig, file: &str) -> Result<(), ConfigError> {
    let fail = |key: &str, rule: &'static str, reason: String| {
        let key = format!("[[account]] {}, {key}", account.appid);
        Err(ConfigError::Value {
            file: file.to_owned(),
            key,
            reason,
            rule,
        })
    };
    let fits = [
        ("secret", account.secret.as_ref().map_or(Ok(()), Kind::fits)),
        ("token", account.token.as_ref().map_or(Ok(()), Kind::fits)),
        (
            "aes_key",
            account.aes_key.as_ref().map_or(Ok(()), Kind::fits),
        ),
    ];
    for (key, fits) in fits {
        if let Err(reason) = fits {
            return fail(key, "config.secret", reason);
        }
    }
    if let Some(key) = &account.aes_key
        && let Err(error) = AesKey::parse(key.expose())
    {
        return fail("aes_key", "config.secret", error.to_string());
    }
    if account.kind == AccountKind::Component
        && (account.mode == CallbackMode::Plain || account.allow_plain)
    {
        let reason = "a third-party platform's callbacks are encrypted, and bring tickets; leave mode and allow_plain out";
        return fail("mode", "config.mode", reason.into());
    }
    if account.mode == CallbackMode::Plain && !account.allow_plain {
        let reason = "plain callbacks can be forged by whoever sees one; use safe, or set allow_plain = true";
        return fail("mode", "config.mode", reason.into());
    }
    if account.token.is_some() && account.mode != CallbackMode::Plain && account.aes_key.is_none() {
        return fail(
            "aes_key",
            "config.mode",
            format!("is needed in `{}` mode", account.mode),
        );
    }
    Ok(())
}

/// Letters, digits, `-` and `_`, 1 to 64 of them.
pub(crate) fn is_plain_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

pub(crate) fn is_app_key(key: &AppKey) -> bool {
    key.expose()
        .strip_prefix(crate::APP_KEY_PREFIX)
        .is_some_and(|rest| {
            rest.len() >= 24 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

#[cfg(test)]
mod tests;
