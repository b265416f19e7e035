//! The environment of a child of `exec`: which variables lead which runtime to the proxy.
//!
//! Pure: takes the parent's environment and the facts, returns what to set and what to take away.
//! What each variable is for, and which clients need more, is in `docs/exec.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::hosts::within;
use super::proxy::Addresses;
use crate::project::{Account, Ready, Via};

/// What the variables are made from.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) addresses: Addresses,
    /// Platform hosts, sorted.
    pub(crate) hosts: &'a [String],
    /// System roots and the project's authority in one file.
    pub(crate) bundle: &'a Path,
    /// The authority alone.
    pub(crate) authority: &'a Path,
    pub(crate) preload: &'a Path,
    pub(crate) php_folder: &'a Path,
    /// The JDK's own roots and the authority, where a JDK was found.
    pub(crate) java_trust: Option<PathBuf>,
    pub(crate) ready: &'a Ready,
    pub(crate) via: Via,
    pub(crate) endpoints: &'a BTreeMap<String, String>,
    pub(crate) identity: &'a Identity<'a>,
}

/// Whom a program is told that it is.
#[derive(Debug, Default)]
pub(crate) struct Identity<'a> {
    pub(crate) account: Option<&'a Account>,
    /// The key of the gateway that stands where a secret stood, where calls go through it.
    pub(crate) key: Option<String>,
    /// A member of the corporation whose application it is told about.
    pub(crate) userid: Option<String>,
}

/// What to set in the child, sorted by name.
pub(crate) fn variables(
    facts: &Facts<'_>,
    parent: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    proxies(facts, &parent, &mut set);
    certificates(facts, &mut set);
    node(facts, &parent, &mut set);
    java(facts, &parent, &mut set);
    php(facts, &parent, &mut set);
    wxjava(facts, &mut set);
    scripts(facts, &mut set);
    set
}

fn proxies(
    facts: &Facts<'_>,
    parent: &impl Fn(&str) -> Option<String>,
    set: &mut BTreeMap<String, String>,
) {
    let proxy = format!("http://{}", facts.addresses.proxy);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        set.insert(name.to_owned(), proxy.clone());
    }
    let existing = parent("no_proxy")
        .filter(|value| !value.is_empty())
        .or_else(|| parent("NO_PROXY"))
        .unwrap_or_default();
    let exceptions = exceptions(&existing, facts.hosts);
    set.insert("NO_PROXY".to_owned(), exceptions.clone());
    set.insert("no_proxy".to_owned(), exceptions);
}

/// This machine, and what the parent excepted unless that would except a platform host.
fn exceptions(existing: &str, hosts: &[String]) -> String {
    let mut list = vec!["localhost", "127.0.0.1", "::1"];
    for entry in existing
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        let hides = entry == "*" || hosts.iter().any(|host| within(host, domain));
        if !hides && !list.contains(&entry) {
            list.push(entry);
        }
    }
    list.join(",")
}

fn certificates(facts: &Facts<'_>, set: &mut BTreeMap<String, String>) {
    let bundle = facts.bundle.display().to_string();
    for name in [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ] {
        set.insert(name.to_owned(), bundle.clone());
    }
    set.insert(
        "XINQIAO_CA_FILE".to_owned(),
        facts.authority.display().to_string(),
    );
}

fn node(
    facts: &Facts<'_>,
    parent: &impl Fn(&str) -> Option<String>,
    set: &mut BTreeMap<String, String>,
) {
    let path = facts.preload.display().to_string();
    let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
    let ours = format!("--require \"{quoted}\"");
    set.insert(
        "NODE_OPTIONS".to_owned(),
        joined(parent("NODE_OPTIONS"), " ", &ours),
    );
    set.insert(
        "XINQIAO_EXEC_DOOR".to_owned(),
        facts.addresses.door.port().to_string(),
    );
    set.insert("XINQIAO_EXEC_HOSTS".to_owned(), facts.hosts.join(","));
}

fn java(
    facts: &Facts<'_>,
    parent: &impl Fn(&str) -> Option<String>,
    set: &mut BTreeMap<String, String>,
) {
    let Some(trust) = &facts.java_trust else {
        return;
    };
    let (host, port) = (facts.addresses.proxy.ip(), facts.addresses.proxy.port());
    let trust = trust.display().to_string();
    // The virtual machine splits at blanks and takes either kind of quotes.
    let trust = if trust.contains(' ') {
        format!("\"{trust}\"")
    } else {
        trust
    };
    let ours = format!(
        "-Dhttps.proxyHost={host} -Dhttps.proxyPort={port} -Dhttp.proxyHost={host} -Dhttp.proxyPort={port} \
         -Dhttp.nonProxyHosts=localhost|127.*|[::1] \
         -Djavax.net.ssl.trustStore={trust} -Djavax.net.ssl.trustStorePassword={}",
        super::java::PASSWORD
    );
    set.insert(
        "JAVA_TOOL_OPTIONS".to_owned(),
        joined(parent("JAVA_TOOL_OPTIONS"), " ", &ours),
    );
}

fn php(
    facts: &Facts<'_>,
    parent: &impl Fn(&str) -> Option<String>,
    set: &mut BTreeMap<String, String>,
) {
    // An empty first entry stands for the folder that PHP was built with.
    let before = parent("PHP_INI_SCAN_DIR").unwrap_or_default();
    let separator = if cfg!(windows) { ';' } else { ':' };
    set.insert(
        "PHP_INI_SCAN_DIR".to_owned(),
        format!("{before}{separator}{}", facts.php_folder.display()),
    );
}

/// WxJava's Apache client ignores the proxy properties of the virtual machine; its Spring starter
/// reads these by relaxed binding.
fn wxjava(facts: &Facts<'_>, set: &mut BTreeMap<String, String>) {
    for (name, host) in WXJAVA_HOSTS {
        if let Some(origin) = facts.endpoints.get(host) {
            set.insert(name.to_owned(), origin.clone());
        }
    }
}

/// Variables of WxJava's Spring starter and the platform host that each replaces.
pub(crate) const WXJAVA_HOSTS: [(&str, &str); 3] = [
    ("WX_MP_HOSTS_APIHOST", "api.weixin.qq.com"),
    ("WX_MP_HOSTS_OPENHOST", "open.weixin.qq.com"),
    ("WX_MP_HOSTS_MPHOST", "mp.weixin.qq.com"),
];

fn scripts(facts: &Facts<'_>, set: &mut BTreeMap<String, String>) {
    set.insert("XINQIAO_CONTROL".to_owned(), facts.ready.control.clone());
    set.insert("XINQIAO_CONSOLE".to_owned(), facts.ready.console.clone());
    set.insert("XINQIAO_VIA".to_owned(), facts.via.name().to_owned());
    if let Some(gateway) = &facts.ready.gateway {
        set.insert("XINQIAO_GATEWAY".to_owned(), gateway.clone());
    }
    let of_accounts = account_variables(facts.ready, facts.identity);
    set.extend(of_accounts.map(|(name, value)| (name.to_owned(), value)));
}

/// The account that programs are told about, and an application of WeCom: the account itself if it is one, else the first
/// that there is, because a program for WeCom names nothing by an appid.
pub(crate) fn account_variables(
    ready: &Ready,
    identity: &Identity<'_>,
) -> impl Iterator<Item = (&'static str, String)> {
    let mut set = Vec::new();
    let secret = |account: &Account| identity.key.clone().unwrap_or(account.secret.clone());
    if let Some(account) = identity.account {
        set.push(("XINQIAO_APPID", account.appid.clone()));
        set.push(("XINQIAO_SECRET", secret(account)));
        set.push(("XINQIAO_TOKEN", account.token.clone()));
        set.push(("XINQIAO_AES_KEY", account.aes_key.clone()));
        let mut users = ready.users.iter();
        let follower = users.find_map(|user| user.openids.get(&account.appid));
        if let Some(openid) = follower {
            set.push(("XINQIAO_OPENID", openid.clone()));
        }
    }
    if let Some((agent, corpid, agentid)) = agent(ready, identity.account) {
        set.push(("XINQIAO_CORPID", corpid.to_owned()));
        set.push(("XINQIAO_AGENTID", agentid.to_owned()));
        set.push(("XINQIAO_CORPSECRET", secret(agent)));
        set.push(("XINQIAO_WORK_TOKEN", agent.token.clone()));
        set.push(("XINQIAO_WORK_AES_KEY", agent.aes_key.clone()));
        if let Some(userid) = &identity.userid {
            set.push(("XINQIAO_USERID", userid.clone()));
        }
    }
    set.into_iter()
}

/// The application of WeCom that programs are told about, with its corp and number.
pub(crate) fn agent<'r>(
    ready: &'r Ready,
    account: Option<&'r Account>,
) -> Option<(&'r Account, &'r str, &'r str)> {
    let all = account.into_iter().chain(&ready.accounts);
    let mut agents = all.filter_map(|account| {
        let (corpid, agentid) = account.appid.split_once(':')?;
        Some((account, corpid, agentid))
    });
    agents.next()
}

fn joined(before: Option<String>, separator: &str, ours: &str) -> String {
    match before.filter(|text| !text.is_empty()) {
        Some(before) => format!("{before}{separator}{ours}"),
        None => ours.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(parent: &[(&str, &str)], check: impl Fn(&BTreeMap<String, String>)) {
        let ready: Ready = serde_json::from_value(serde_json::json!({
            "pid": 1, "control": "http://127.0.0.1:8600/_sim/v1", "console": "http://127.0.0.1:8600",
            "endpoints": {"api.weixin.qq.com": "http://127.0.0.1:8601"},
            "accounts": [
                {"appid": "wx01", "secret": "s3", "token": "t", "aes_key": "k"},
                {"appid": "ww01:1000002", "secret": "s4", "token": "t2", "aes_key": "k2"},
            ],
            "users": [{"id": "u1", "openids": {"wx01": "openid-1"}}],
        }))
        .expect("a ready file");
        let identity = Identity {
            account: ready.accounts.first(),
            key: None,
            userid: Some("lin".to_owned()),
        };
        let hosts = vec!["api.weixin.qq.com".to_owned()];
        let facts = Facts {
            addresses: Addresses {
                proxy: ([127, 0, 0, 1], 4001).into(),
                door: ([127, 0, 0, 1], 4002).into(),
            },
            hosts: &hosts,
            bundle: Path::new("/p/bundle.pem"),
            authority: Path::new("/p/ca.pem"),
            preload: Path::new("/p q/preload.cjs"),
            php_folder: Path::new("/p/php"),
            java_trust: Some(PathBuf::from("/p/trust.p12")),
            ready: &ready,
            via: Via::Direct,
            endpoints: &ready.endpoints,
            identity: &identity,
        };
        check(&variables(&facts, |name| {
            parent
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        }));
    }

    #[test]
    fn every_runtime_gets_its_variables() {
        with(&[], |set| {
            assert_eq!(set["HTTPS_PROXY"], "http://127.0.0.1:4001");
            assert_eq!(set["https_proxy"], set["HTTPS_PROXY"]);
            assert_eq!(set["SSL_CERT_FILE"], "/p/bundle.pem");
            assert_eq!(set["NODE_OPTIONS"], "--require \"/p q/preload.cjs\"");
            assert_eq!(set["PHP_INI_SCAN_DIR"], ":/p/php");
            assert_eq!(set["WX_MP_HOSTS_APIHOST"], "http://127.0.0.1:8601");
            assert_eq!(set["XINQIAO_OPENID"], "openid-1");
            assert!(set["JAVA_TOOL_OPTIONS"].contains("-Dhttps.proxyPort=4001"));
        });
    }

    #[test]
    fn programs_for_wecom_find_an_application_beside_the_account() {
        with(&[], |set| {
            assert_eq!(set["XINQIAO_APPID"], "wx01");
            assert_eq!(set["XINQIAO_SECRET"], "s3");
            assert_eq!(set["XINQIAO_CORPID"], "ww01");
            assert_eq!(set["XINQIAO_AGENTID"], "1000002");
            assert_eq!(set["XINQIAO_CORPSECRET"], "s4");
            assert_eq!(set["XINQIAO_USERID"], "lin");
        });
    }

    #[test]
    fn what_the_parent_had_is_kept() {
        let parent = [
            ("NODE_OPTIONS", "--max-old-space-size=512"),
            ("PHP_INI_SCAN_DIR", "/etc/php"),
            ("JAVA_TOOL_OPTIONS", "-Xmx64m"),
        ];
        with(&parent, |set| {
            assert!(set["NODE_OPTIONS"].starts_with("--max-old-space-size=512 --require "));
            assert_eq!(set["PHP_INI_SCAN_DIR"], "/etc/php:/p/php");
            assert!(set["JAVA_TOOL_OPTIONS"].starts_with("-Xmx64m -D"));
        });
    }

    #[test]
    fn exceptions_never_hide_a_platform_host() {
        let parent = [(
            "NO_PROXY",
            "*,.qq.com,weixin.qq.com,.corp.example,api.weixin.qq.com",
        )];
        with(&parent, |set| {
            assert_eq!(set["NO_PROXY"], "localhost,127.0.0.1,::1,.corp.example");
            assert_eq!(set["no_proxy"], set["NO_PROXY"]);
        });
    }
}
