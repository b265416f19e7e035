//! Reading and checking a configuration, with errors that say where and what.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use xinqiao_crypto::AesKey;
use xinqiao_types::{AppKey as AppKeyText, CallbackMode, CorpId};

use super::{AccountConfig, AdminListen, Config, StoreAt, Upstream, secret::Kind};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, has an unknown key, or a value of a wrong type.
    #[error("{file}, line {line}, {table}: {reason}")]
    Form {
        /// The file, or `configuration`.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The table that the line belongs to.
        table: String,
        /// What is wrong; names the key and what is allowed.
        reason: String,
    },
    /// A value that reads but cannot be used.
    #[error("{file}: {key}: {reason}")]
    Value {
        /// The file, or `configuration`.
        file: String,
        /// The key, with the table's name or number.
        key: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
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
        let mut config = Self::read(&text, &path.display().to_string())?;
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
                reason: with_key(text, at, error.message()),
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
        let fail = |key: String, reason: &str| {
            Err(ConfigError::Value {
                file: file.to_owned(),
                key,
                reason: reason.to_owned(),
            })
        };
        for (name, key) in [
            ("admin.key", &self.admin.key),
            ("admin.read_key", &self.admin.read_key),
        ] {
            if let Some(key) = key
                && let Err(reason) = key.fits()
            {
                return fail(name.to_owned(), &reason);
            }
        }
        if let (Some(key), Some(read)) = (&self.admin.key, &self.admin.read_key)
            && key.expose() == read.expose()
        {
            return fail("admin.read_key".into(), "must differ from admin.key");
        }
        if let Some(AdminListen::Tcp(address)) = self.admin.listen
            && !address.ip().to_canonical().is_loopback()
            && self.admin.key.is_none()
        {
            return fail(
                "admin.listen".into(),
                "without admin.key, allowed are loopback addresses (127.0.0.1:8615) and unix:/path",
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
                    "an appid is 1 to 64 letters, digits, - or _, like wx0123456789abcdef",
                );
            }
            if !appids.insert(&account.appid) {
                return fail(at("appid"), "is configured twice");
            }
            if let Some(path) = account.own_path() {
                let own = ["/v1", "/callback", "/healthz", "/readyz", "/metrics"];
                if !path.starts_with('/') || path.contains(['?', '#']) {
                    return fail(at("path"), "a path begins with / and has neither ? nor #");
                }
                if path.matches('$').count() > 2 || path.contains("{") {
                    return fail(
                        at("path"),
                        "one of $APPID$ and $CORPID$ may stand in a path, once",
                    );
                }
                if own
                    .iter()
                    .any(|own| path == *own || path.starts_with(&format!("{own}/")))
                {
                    return fail(
                        at("path"),
                        "the gateway uses this path itself; /v1, /callback, /healthz, /readyz and /metrics are taken",
                    );
                }
                if !paths.insert(path) {
                    return fail(
                        at("path"),
                        "two accounts have the same path; without an appid in it they cannot be told apart",
                    );
                }
            }
            check_keys(account, file)?;
        }
        let mut names = BTreeSet::new();
        let mut primaries = BTreeMap::new();
        for app in &self.apps {
            let at = |key: &str| format!("[[app]] {}, {key}", app.name);
            if !is_plain_id(&app.name) {
                return fail(at("name"), "a name is 1 to 64 letters, digits, - or _");
            }
            if !names.insert(&app.name) {
                return fail(at("name"), "is configured twice");
            }
            if !(app.url.starts_with("http://") || app.url.starts_with("https://")) {
                return fail(at("url"), "a URL begins with http:// or https://");
            }
            if let Err(reason) = app.token.fits() {
                return fail(at("token"), &reason);
            }
            if let Some(key) = &app.aes_key
                && let Err(error) = AesKey::parse(key.expose())
            {
                return fail(at("aes_key"), &error.to_string());
            }
            if !(100..=300_000).contains(&app.timeout_ms) {
                return fail(at("timeout_ms"), "allowed are 100 to 300000");
            }
            for appid in app.accounts.iter().chain(&app.watch) {
                if !appids.contains(appid) {
                    return fail(at("accounts"), &format!("{appid} is not an [[account]]"));
                }
            }
            for appid in &app.accounts {
                if let Some(other) = primaries.insert(appid, &app.name) {
                    let reason = format!(
                        "{appid} is answered by the app {other} already; let this one `watch` it"
                    );
                    return fail(at("accounts"), &reason);
                }
            }
        }
        let mut ids = BTreeSet::new();
        for key in &self.keys {
            let at = |name: &str| format!("[[key]] {}, {name}", key.id);
            if !ids.insert(&key.id) {
                return fail(at("id"), "is configured twice");
            }
            if !is_app_key(&key.key) {
                return fail(
                    at("key"),
                    "a key is xqk_ and at least 24 letters and digits",
                );
            }
            for appid in &key.accounts {
                if !appids.contains(appid) {
                    return fail(at("accounts"), &format!("{appid} is not an [[account]]"));
                }
            }
        }
        if let Upstream::Hosts(hosts) = &self.upstream {
            for (host, origin) in hosts {
                if !(origin.starts_with("http://") || origin.starts_with("https://")) {
                    return fail(
                        format!("upstream.\"{host}\""),
                        "an origin begins with http:// or https://",
                    );
                }
            }
        }
        if self.retention_days < 2 {
            return fail(
                "retention_days".into(),
                "allowed are 2 and more: a repeat is answered by what is kept",
            );
        }
        if !(300..=604_800).contains(&self.callback_window) {
            return fail(
                "callback_window".into(),
                "allowed are 300 to 604800 seconds, five minutes to a week",
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
    let fail = |key: &str, reason: &str| {
        Err(ConfigError::Value {
            file: file.to_owned(),
            key: format!("[[account]] {table}, {key}"),
            reason: reason.to_owned(),
        })
    };
    let ways = [
        account.corpid.is_some() || account.agentid.is_some(),
        account.suiteid.is_some() || account.provider.is_some() || account.personal,
        account.botid.is_some(),
    ];
    let ways = ways.iter().filter(|way| **way).count();
    let named = match (
        &account.corpid,
        account.agentid,
        &account.suiteid,
        &account.botid,
    ) {
        (Some(corpid), Some(agentid), ..) => Some(format!("{corpid}:{agentid}")),
        (.., Some(suite), None) => Some(suite.clone()),
        (.., None, Some(bot)) => Some(bot.clone()),
        _ => None,
    };
    if ways > 1
        || (ways == 1
            && named
                .as_deref()
                .is_some_and(|name| name != account.appid.as_str()))
    {
        return fail(
            "appid",
            "an account is named by one of: appid; corpid and agentid; suiteid; botid",
        );
    }
    if account.corpid.is_some() != account.agentid.is_some() {
        return fail("agentid", "an agent is named by both corpid and agentid");
    }
    if ways == 0 && account.appid.is_empty() {
        return fail(
            "appid",
            "is missing; WeCom's accounts are named by corpid and agentid, suiteid, or botid instead",
        );
    }
    if account.suiteid.is_some() && account.provider.is_some() == account.personal {
        return fail(
            "provider",
            "a suite has the corpid of its provider, or personal = true if it belongs to a person",
        );
    }
    if account.suiteid.is_none() && (account.provider.is_some() || account.personal) {
        return fail("suiteid", "provider and personal belong to a suite");
    }
    let ids = [
        account.corpid.as_ref().map(CorpId::as_str),
        account.suiteid.as_deref(),
        account.provider.as_ref().map(CorpId::as_str),
        account.botid.as_deref(),
    ];
    if let Some(id) = ids.into_iter().flatten().find(|id| !is_plain_id(id)) {
        return fail(id, "an id is 1 to 64 letters, digits, - or _");
    }
    if account.is_work() && (account.mode != CallbackMode::Safe || account.allow_plain) {
        return fail(
            "mode",
            "WeCom encrypts every callback; leave mode and allow_plain out",
        );
    }
    if account.botid.is_some() && account.secret.is_some() {
        return fail("secret", "a bot has none; leave it out");
    }
    Ok(())
}

fn check_keys(account: &AccountConfig, file: &str) -> Result<(), ConfigError> {
    let fail = |key: &str, reason: String| {
        let key = format!("[[account]] {}, {key}", account.appid);
        Err(ConfigError::Value {
            file: file.to_owned(),
            key,
            reason,
        })
    };
    let fits = [
        ("secret", account.secret.as_ref().map_or(Ok(()), Kind::fits)),
        ("token", account.token.as_ref().map_or(Ok(()), Kind::fits)),
    ];
    for (key, fits) in fits {
        if let Err(reason) = fits {
            return fail(key, reason);
        }
    }
    if let Some(key) = &account.aes_key
        && let Err(error) = AesKey::parse(key.expose())
    {
        return fail("aes_key", error.to_string());
    }
    if account.mode == CallbackMode::Plain && !account.allow_plain {
        let reason = "plain callbacks can be forged by whoever sees one; use safe, or set allow_plain = true";
        return fail("mode", reason.into());
    }
    if account.token.is_some() && account.mode != CallbackMode::Plain && account.aes_key.is_none() {
        return fail("aes_key", format!("is needed in {} mode", account.mode));
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

pub(crate) fn is_app_key(key: &AppKeyText) -> bool {
    key.expose()
        .strip_prefix(crate::APP_KEY_PREFIX)
        .is_some_and(|rest| {
            rest.len() >= 24 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// The reason with the key on whose line it arose, unless it names it already.
fn with_key(text: &str, at: usize, message: &str) -> String {
    let line = text[..at.min(text.len())].rsplit('\n').next().unwrap_or("");
    // The last key before the place: a line may hold an inline table with several.
    let key = line.rsplit_once('=').map_or("", |(before, _)| {
        let before = before.trim_end();
        let start = before.rfind([' ', '{', ',', '\t']).map_or(0, |at| at + 1);
        &before[start..]
    });
    if key.is_empty() || message.contains(&format!("`{key}`")) {
        return message.to_owned();
    }
    format!("{key}: {message}")
}

/// The header of the table that a place in the text belongs to.
fn table_of(text: &str, at: usize) -> String {
    let end = text[at.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |more| at + more);
    text[..end]
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['))
        .map_or_else(|| "top level".to_owned(), ToOwned::to_owned)
}

impl<'de> Deserialize<'de> for StoreAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" => Err(D::Error::custom("store is a path, or \":memory:\"")),
            ":memory:" => Ok(Self::Memory),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl<'de> Deserialize<'de> for AdminListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let allowed = "allowed are an address like 127.0.0.1:8615 and unix:/path";
        match text.strip_prefix("unix:") {
            Some("") => Err(D::Error::custom(allowed)),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| D::Error::custom(format!("`{text}` is no address; {allowed}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Upstream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "\"wechat\", or a table { \"api.weixin.qq.com\" = \"http://…\" }"
        )]
        enum Form {
            Name(String),
            Hosts(BTreeMap<String, String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Name(name) if name == "wechat" => Ok(Self::Wechat),
            Form::Name(name) => Err(D::Error::custom(format!(
                "upstream `{name}` is not known; allowed are \"wechat\" and a table of host = origin"
            ))),
            Form::Hosts(hosts) => Ok(Self::Hosts(hosts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AES: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    #[track_caller]
    fn refused(text: &str) -> String {
        Config::from_toml(text)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn a_whole_configuration_reads() {
        let config = Config::from_toml(&format!(
            r#"
            upstream = {{ "api.weixin.qq.com" = "http://127.0.0.1:8601" }}
            store = ":memory:"
            preflight = "enforce"
            [listen]
            port = 0
            [[account]]
            appid = "wx1"
            secret = "0123456789abcdef0123456789abcdef"
            kind = "subscription"
            token = "tok"
            aes_key = "{AES}"
            path = "/wx/entry"
            [[app]]
            name = "shop"
            url = "http://127.0.0.1:9000/wx/{{appid}}"
            token = "own"
            accounts = ["wx1"]
            [[key]]
            id = "ci"
            key = "xqk_0123456789abcdefghijklmn"
            app = "shop"
            "#
        ))
        .unwrap();
        assert_eq!(config.store, StoreAt::Memory);
        assert_eq!(config.apps[0].timeout_ms, 30_000);
        assert!(config.adopt && !config.dev);
    }

    #[test]
    fn an_unknown_key_names_line_table_and_what_is_allowed() {
        let error =
            refused("store = \":memory:\"\n[[account]]\nappid = \"wx1\"\napsecret = \"CANARY\"\n");
        assert!(
            error.starts_with("configuration, line 4, [[account]]: unknown field `apsecret`"),
            "{error}"
        );
        assert!(error.contains("`appid`, `secret`"), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
    }

    #[test]
    fn a_wrong_value_names_what_is_allowed() {
        let error = refused("preflight = \"maybe\"");
        assert!(
            error.contains("unknown variant `maybe`") && error.contains("`enforce`"),
            "{error}"
        );
        let error = refused("upstream = \"alipay\"");
        assert!(error.contains("\"wechat\""), "{error}");
        let error = refused("[[account]]\nappid=\"wx1\"\ntoken=\"tok\"\naes_key=\"CANARY\"\n");
        assert!(error.contains("[[account]]: aes_key:"), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
        let error =
            refused("[[account]]\nappid=\"wx1\"\nsecret = { env = \"XINQIAO_TEST_UNSET\" }");
        assert!(error.contains("XINQIAO_TEST_UNSET"), "{error}");
    }

    #[test]
    fn a_wrong_type_names_its_key() {
        let error = refused("[listen]\nport = \"many\"\n");
        assert!(
            error.contains("line 2, [listen]: port: invalid type"),
            "{error}"
        );
    }

    #[test]
    fn plain_mode_must_be_allowed() {
        let error = refused("[[account]]\nappid=\"wx1\"\ntoken=\"tok\"\nmode=\"plain\"\n");
        assert!(error.contains("allow_plain"), "{error}");
    }

    #[test]
    fn an_account_has_one_primary() {
        let error = refused(
            "[[account]]\nappid=\"wx1\"\n[[app]]\nname=\"a\"\nurl=\"http://a\"\ntoken=\"tok\"\naccounts=[\"wx1\"]\n\
             [[app]]\nname=\"b\"\nurl=\"http://b\"\ntoken=\"tok\"\naccounts=[\"wx1\"]\n",
        );
        assert!(error.contains("answered by the app a"), "{error}");
    }

    #[test]
    fn empty_and_impossible_secrets_do_not_start() {
        let folder = std::env::temp_dir().join(format!("xinqiao-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |text: &str| {
            let path = folder.join(format!("s{}", text.len()));
            std::fs::write(&path, text).unwrap();
            format!("{{ file = '{}' }}", path.display())
        };
        let (blank, short) = (file(" \n\t\n"), file("CA\n"));
        let account = "[[account]]\nappid = \"wx1\"\n";
        for (table, key) in [
            ("[admin]\n", "key"),
            ("[admin]\n", "read_key"),
            (account, "secret"),
            (account, "token"),
            (account, "aes_key"),
            ("[[app]]\nname = \"a\"\nurl = \"http://a\"\n", "token"),
            ("[[key]]\nid = \"a\"\napp = \"a\"\n", "key"),
        ] {
            for value in ["\"\"", "\"  \"", "\"CA\"", "\"CA NA\"", &blank, &short] {
                let error = refused(&format!("{table}{key} = {value}\n"));
                assert!(error.contains(key) && !error.contains("CA"), "{error}");
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn each_kind_of_secret_has_a_least_length() {
        for (key, least) in [("secret", 32), ("token", 3)] {
            let with = |length: usize| {
                let text = "a".repeat(length);
                format!(
                    "[[account]]\nappid = \"wx1\"\nmode = \"plain\"\nallow_plain = true\n{key} = \"{text}\"\n"
                )
            };
            let error = refused(&with(least - 1));
            assert!(error.contains(&format!("at least {least}")), "{error}");
            Config::from_toml(&with(least)).unwrap();
        }
        let admin = |length| format!("[admin]\nkey = \"{}\"\n", "a".repeat(length));
        assert!(refused(&admin(23)).contains("at least 24"));
        assert!(Config::from_toml(&admin(24)).is_ok());
    }

    #[test]
    fn a_secret_built_in_code_is_checked_too() {
        let mut config = Config::default();
        config.admin.key = Some(AppKeyText::from(""));
        let error = config.check("configuration").unwrap_err().to_string();
        assert!(error.contains("admin.key"), "{error}");
        let mut config = Config::default();
        let mut account = AccountConfig::new("wx1");
        account.secret = Some("short".into());
        config.accounts.push(account);
        let error = config.check("configuration").unwrap_err().to_string();
        assert!(error.contains("[[account]] wx1, secret"), "{error}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = refused("[admin]\nkey = { env = \"XINQIAO_TEST_UNSET\" }\n");
        let wanted = "key: the environment variable XINQIAO_TEST_UNSET is not set";
        assert!(error.contains(wanted), "{error}");
    }

    #[test]
    fn administration_without_a_key_is_for_this_machine_only() {
        for own in ["127.0.0.1:8615", "[::1]:1", "unix:admin.socket"] {
            Config::from_toml(&format!("[admin]\nlisten = \"{own}\"\n")).unwrap();
        }
        for open in ["0.0.0.0:8615", "[::]:8615", "192.0.2.1:80"] {
            let text = format!("[admin]\nlisten = \"{open}\"\n");
            assert!(refused(&text).contains("admin.listen"));
            let key = format!("{text}key = \"{}\"\n", "a".repeat(24));
            Config::from_toml(&key).unwrap();
        }
        for wrong in ["8615", "localhost:1", "unix:", "http://127.0.0.1:1"] {
            let error = refused(&format!("[admin]\nlisten = \"{wrong}\"\n"));
            assert!(error.contains("unix:/path"), "{error}");
        }
        assert_eq!(
            Config::default().admin_listen(),
            Some(AdminListen::Tcp(([127, 0, 0, 1], 8615).into()))
        );
        let mut keyed = Config::default();
        keyed.admin.key = Some(AppKeyText::from("a".repeat(24)));
        assert_eq!(keyed.admin_listen(), None, "the first port has it");
    }

    #[test]
    fn dev_cannot_be_switched_on_in_a_file() {
        assert!(refused("dev = true").contains("unknown field `dev`"));
    }
}
