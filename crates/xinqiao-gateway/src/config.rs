//! What the gateway is told: where to listen, where the platform is, which accounts and apps there
//! are.
//!
//! Read from TOML, or built in code by `dev`. Unknown keys are errors. A wrong value names the
//! file, the line, the key, and what would be right; it never repeats a secret.

mod error;
mod forms;
mod place;
mod read;
mod secret;
mod slow;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;
use xinqiao_http::Cidr;
use xinqiao_message::envelope::DEFAULT_WINDOW;
use xinqiao_types::{
    AccountKind, AesKeyText, AppId, AppKey, AppSecret, CallbackMode, CallbackToken, CorpId,
};

pub(crate) use self::read::is_plain_id;
pub use self::{error::ConfigError, slow::SlowReply};

/// How far above the first port administration listens unless the configuration says where.
const ADMIN_PORTS: u16 = 5;

/// First port of a gateway when none is configured: that of `dev` plus ten.
pub const DEFAULT_PORT: u16 = 8610;

/// Everything that the gateway is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Where apps call the platform through us.
    pub proxy: Proxy,
    /// Where platform calls go.
    pub upstream: Upstream,
    /// Where events, tokens and keys are kept.
    pub store: StoreAt,
    /// The name of this node among those that share the store. Without one it is the host's, or `node` where nobody
    /// shares it.
    pub node: Option<String>,
    /// The key that seals them.
    pub seal: Seal,
    /// Who may use the administration interface.
    pub admin: Admin,
    /// The accounts whose callbacks and tokens the gateway takes care of.
    #[serde(rename = "account")]
    pub accounts: Vec<AccountConfig>,
    /// The apps that get the callbacks.
    #[serde(rename = "app")]
    pub apps: Vec<AppConfig>,
    /// App keys that are configured rather than issued.
    #[serde(rename = "key")]
    pub keys: Vec<KeyConfig>,
    /// Whether SDKs that bring the real appid and secret are served with the real stable token.
    pub adopt: bool,
    /// What to do with a call that the permission rules would refuse.
    pub preflight: Preflight,
    /// Days that events are kept.
    pub retention_days: u32,
    /// Seconds that a callback's timestamp may be from now, in both directions. Repeats are recognised for
    /// twice as long.
    pub callback_window: u64,
    /// Development: makes a sealing key on the first start. Cannot be set in a file.
    #[serde(skip)]
    pub dev: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            proxy: Proxy::default(),
            upstream: Upstream::default(),
            store: StoreAt::default(),
            node: None,
            seal: Seal::default(),
            admin: Admin::default(),
            accounts: Vec::new(),
            apps: Vec::new(),
            keys: Vec::new(),
            adopt: true,
            preflight: Preflight::default(),
            retention_days: 30,
            callback_window: DEFAULT_WINDOW.as_secs(),
            dev: false,
        }
    }
}

impl Config {
    /// Whether keys can be for an app of this name: in development, or if no app is configured, for
    /// any.
    pub(crate) fn has_app(&self, name: &str) -> bool {
        self.dev || self.apps.is_empty() || self.apps.iter().any(|app| app.name == name)
    }

    /// Where administration listens without a key on the network: as configured; else on loopback
    /// beside the other ports; with `admin.key` and nothing configured, nowhere but the first port.
    pub(crate) fn admin_listen(&self) -> Option<AdminListen> {
        if self.admin.listen.is_some() || self.admin.key.is_some() {
            return self.admin.listen.clone();
        }
        let port = match self.listen.port {
            0 => 0,
            first => first.saturating_add(ADMIN_PORTS),
        };
        Some(AdminListen::Tcp((Ipv4Addr::LOCALHOST, port).into()))
    }
}

/// Where to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// The first port's address; loopback unless told otherwise. The first port may face the
    /// internet.
    pub bind: IpAddr,
    /// The first of five ports in a row: callbacks, then the proxy's api, qyapi, pay, pages. 0: five
    /// random ones.
    pub port: u16,
    /// Names, besides loopback ones, under which browsers may reach the administration interface.
    pub hosts: Vec<String>,
    /// Reverse proxies, as address ranges, whose `X-Forwarded-For` is believed about the peer: for
    /// limits and logs, never for rights.
    pub trusted_proxies: Vec<Cidr>,
}

/// Where apps call the platform through us: four ports, for the apps' network only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// The address of the four ports; loopback unless told otherwise.
    pub bind: IpAddr,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: DEFAULT_PORT,
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// Where platform calls go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Upstream {
    /// The real platform.
    #[default]
    Wechat,
    /// What stands for each real host: host name → origin. Hosts that are missing are refused.
    Hosts(BTreeMap<String, String>),
}

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAt {
    /// An SQLite file.
    File(PathBuf),
    /// In memory; for tests and trials.
    Memory,
    /// A PostgreSQL that other nodes may share. Its address may hold a password.
    Postgres(DatabaseUrl),
    /// Nothing is kept. Only a bench build has it.
    #[cfg(feature = "bench")]
    Discard,
}

/// The address of a database. It is not shown: it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The address as it was written.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(***)")
    }
}

impl Default for StoreAt {
    fn default() -> Self {
        Self::File(PathBuf::from("xinqiao.db"))
    }
}

/// The key that seals the store.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seal {
    /// A file with 64 hexadecimal digits that only its owner may read.
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds them; `XINQIAO_MASTER_KEY` unless told otherwise.
    pub key_env: Option<String>,
}

/// Who may use the administration interface.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// The key to send as `Authorization: Bearer …`; at least 24 characters. With one, the first
    /// port serves administration to whoever brings it; without one, only `listen` does.
    #[serde(deserialize_with = "secret::optional")]
    pub key: Option<AppKey>,
    /// A second key that reads metrics, readiness and lists, and changes nothing.
    #[serde(deserialize_with = "secret::optional")]
    pub read_key: Option<AppKey>,
    /// A port or socket of its own. An address that is not loopback needs `key`.
    pub listen: Option<AdminListen>,
}

/// Where administration listens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListen {
    /// An address; port 0: a random one.
    Tcp(SocketAddr),
    /// A Unix socket, for its owner only.
    Unix(PathBuf),
}

/// What to do with a call that the permission rules would refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preflight {
    /// Nothing.
    Off,
    /// Pass it on, say so in the log and in a header.
    #[default]
    Warn,
    /// Refuse it with the platform's own error.
    Enforce,
}

/// One account: something that has a callback address of its own.
///
/// It is named by one of four: `appid` (official account, mini program, third-party platform), `corpid` and
/// `agentid` (an agent of one's own WeCom corp), `suiteid` (a WeCom provider's application), `botid` (a WeCom
/// bot). What it is called everywhere, its `appid`, follows from that.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// Its appid. Of WeCom's accounts, made from what names them: `corpid:agentid`, the suite id, the bot's
    /// id.
    #[serde(default = "unnamed")]
    pub appid: AppId,
    /// Its AppSecret; without it the gateway cannot fetch tokens.
    #[serde(default, deserialize_with = "secret::optional")]
    pub secret: Option<AppSecret>,
    /// What it is.
    #[serde(default = "service")]
    pub kind: AccountKind,
    /// Whether it is verified (认证); unknown unless told.
    #[serde(default)]
    pub verified: Option<bool>,
    /// Its name, for lists.
    #[serde(default)]
    pub name: String,
    /// The callback Token.
    #[serde(default, deserialize_with = "secret::optional")]
    pub token: Option<CallbackToken>,
    /// The EncodingAESKey; not needed in plain mode.
    #[serde(default, deserialize_with = "secret::optional")]
    pub aes_key: Option<AesKeyText>,
    /// The callback mode (明文, 兼容, 安全).
    #[serde(default = "safe")]
    pub mode: CallbackMode,
    /// Takes callbacks in plain mode, whose bodies are neither encrypted nor signed.
    #[serde(default)]
    pub allow_plain: bool,
    /// A path, besides `/callback/{appid}`, on which callbacks arrive: the one that the console has
    /// today. `$APPID$` and `$CORPID$` stand in it as they do in the console.
    #[serde(default)]
    pub path: Option<String>,
    /// The corp of an agent (自建应用): what its callbacks are sealed for.
    #[serde(default)]
    pub corpid: Option<CorpId>,
    /// The agent's number in the corp.
    #[serde(default)]
    pub agentid: Option<u32>,
    /// The suite of a provider's application (第三方应用, 代开发).
    #[serde(default)]
    pub suiteid: Option<String>,
    /// The corp of the suite's provider: what the checks of its URLs are sealed for.
    #[serde(default)]
    pub provider: Option<CorpId>,
    /// The suite belongs to a person, not to a company: its callbacks are sealed for nobody.
    #[serde(default)]
    pub personal: bool,
    /// The id of a bot (智能机器人), whose callbacks are sealed for nobody.
    #[serde(default)]
    pub botid: Option<String>,
}

fn unnamed() -> AppId {
    AppId::from(String::new())
}

fn service() -> AccountKind {
    AccountKind::Service
}

fn safe() -> CallbackMode {
    CallbackMode::Safe
}

impl AccountConfig {
    /// An account with nothing but its appid.
    pub fn new(appid: impl Into<AppId>) -> Self {
        Self {
            appid: appid.into(),
            secret: None,
            kind: service(),
            verified: None,
            name: String::new(),
            token: None,
            aes_key: None,
            mode: safe(),
            allow_plain: false,
            path: None,
            corpid: None,
            agentid: None,
            suiteid: None,
            provider: None,
            personal: false,
            botid: None,
        }
    }

    /// Whether it is one of WeCom's.
    pub(crate) fn is_work(&self) -> bool {
        self.corpid.is_some() || self.suiteid.is_some() || self.botid.is_some()
    }

    /// Whether others stand behind it, each with callbacks of its own: the authorizers of a third-party
    /// platform, the corps that installed a suite.
    pub(crate) fn has_others(&self) -> bool {
        self.kind == AccountKind::Component || (self.suiteid.is_some() && !self.personal)
    }

    /// What its callbacks are sealed for, unless they are for one of the others.
    pub(crate) fn receiver_id(&self) -> &str {
        if self.personal || self.botid.is_some() {
            return "";
        }
        match (&self.corpid, &self.suiteid) {
            (Some(corpid), _) => corpid.as_str(),
            (None, Some(suite)) => suite,
            (None, None) => self.appid.as_str(),
        }
    }

    /// [`AccountConfig::path`] with the account's own id in it; `None` if it has none. With others behind
    /// the account the placeholder stays: it stands for theirs.
    pub(crate) fn own_path(&self) -> Option<String> {
        let path = self.path.as_ref()?;
        if self.has_others() {
            return Some(path.clone());
        }
        let corpid = self.corpid.as_ref().map_or("", CorpId::as_str);
        Some(
            path.replace("$APPID$", self.appid.as_str())
                .replace("$CORPID$", corpid),
        )
    }

    /// Gives a WeCom account its name.
    fn name_by_ids(&mut self) {
        if !self.appid.is_empty() {
            return;
        }
        if let Some(name) = self.name_of_ids() {
            self.appid = AppId::from(name);
            self.kind = AccountKind::Corp;
        }
    }

    /// The name that the ids of a WeCom account give it, if they are of one way.
    fn name_of_ids(&self) -> Option<String> {
        match (&self.corpid, self.agentid, &self.suiteid, &self.botid) {
            (Some(corpid), Some(agentid), None, None) => Some(format!("{corpid}:{agentid}")),
            (None, None, Some(id), None) | (None, None, None, Some(id)) => Some(id.clone()),
            _ => None,
        }
    }
}

/// One app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Its name.
    pub name: String,
    /// Where it takes callbacks; `{appid}` stands for the account's.
    pub url: String,
    /// Where it takes those of the others behind an account (authorizers, corps that installed a suite), if that
    /// is another address; `$APPID$` and `$CORPID$` stand in it as they do in the console.
    #[serde(default)]
    pub message_url: Option<String>,
    /// The Token that it checks signatures with.
    #[serde(deserialize_with = "secret::required")]
    pub token: CallbackToken,
    /// Its EncodingAESKey; without one it gets plain callbacks.
    #[serde(default, deserialize_with = "secret::optional")]
    pub aes_key: Option<AesKeyText>,
    /// Accounts that it answers for.
    #[serde(default)]
    pub accounts: Vec<AppId>,
    /// Accounts that it only watches: it gets copies, its replies are not used.
    #[serde(default)]
    pub watch: Vec<AppId>,
    /// How long one delivery may take, in milliseconds. The platform is answered in time in any
    /// case.
    #[serde(default = "thirty_seconds")]
    pub timeout_ms: u64,
    /// What becomes of a reply that is not ready when the platform must be answered.
    #[serde(default)]
    pub slow_reply: SlowReply,
}

fn thirty_seconds() -> u64 {
    30_000
}

impl AppConfig {
    /// An app that answers for no account yet.
    pub fn new(name: impl Into<String>, url: impl Into<String>, token: CallbackToken) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            message_url: None,
            token,
            aes_key: None,
            accounts: Vec::new(),
            watch: Vec::new(),
            timeout_ms: thirty_seconds(),
            slow_reply: SlowReply::default(),
        }
    }

    /// How long one delivery may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// An app key that is configured rather than issued: it is there as long as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Its name.
    pub id: String,
    /// The key: `xqk_` and at least 24 letters and digits.
    #[serde(deserialize_with = "secret::required")]
    pub key: AppKey,
    /// The app that uses it.
    pub app: String,
    /// The accounts that it opens; all if empty.
    #[serde(default)]
    pub accounts: Vec<AppId>,
}
