//! `xinqiao.toml` beside the project, committed: the team's own accounts, people, and where their apps are.
//!
//! Read is its table `[dev]` alone; what else stands there is the gateway's. Accounts and people are bodies of the control
//! interface and are made where the world does not have them, so that everybody has the same from the first start on.

use std::net::IpAddr;
use std::path::Path;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_http::Cidr;
use xinqiao_simulator::SeededAccount;
use xinqiao_types::{AccountKind, CallbackMode, percent};

use super::app::{self, App, Named};
use super::browser::{self, PageHost};
use crate::args::BadValue;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::local::Local;
use crate::project::Via;
use crate::talk;

/// The file's name, in the folder in which `dev` starts.
const FILE: &str = "xinqiao.toml";

#[derive(Debug, Default, Deserialize)]
struct Whole {
    dev: Option<ProjectFile>,
}

/// The table `[dev]`. What the command line says goes before it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProjectFile {
    pub(super) app: Vec<String>,
    pub(super) via: Option<Via>,
    pub(super) seed: Option<u64>,
    pub(super) port: Option<u16>,
    pub(super) bind: Option<IpAddr>,
    pub(super) host: Vec<String>,
    pub(super) callback_allow: Vec<String>,
    pub(super) page_host: Vec<String>,
    account: Vec<Map<String, Value>>,
    user: Vec<Map<String, Value>>,
}

/// Reads the file, where there is one with such a table.
pub(super) fn read(lang: Lang) -> Result<ProjectFile, Fail> {
    let path = Path::new(FILE);
    if !path.is_file() {
        return Ok(ProjectFile::default());
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fail::usage(format!("{FILE}: {}", lang.io(&error))))?;
    parse(&text, lang)
}

fn parse(text: &str, lang: Lang) -> Result<ProjectFile, Fail> {
    let whole: Whole = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        Fail::usage(match lang {
            Lang::Zh => format!(
                "{FILE}:{line}：[dev] 里有写法不对的地方（{}）",
                error.message()
            ),
            Lang::En => format!("{FILE}:{line}: {}", error.message()),
        })
    })?;
    Ok(whole.dev.unwrap_or_default())
}

impl ProjectFile {
    /// The apps that `app` lists.
    pub(super) fn apps(&self, lang: Lang) -> Result<Vec<Named>, Fail> {
        let apps = self.app.iter().map(|text| {
            app::parse(text).map_err(|BadValue { zh, en }| {
                Fail::usage(format!("{FILE}: app = {text}: {}", lang.pick(zh, en)))
            })
        });
        apps.collect()
    }

    /// The hosts of pages that `page_host` lists.
    pub(super) fn page_hosts(&self, lang: Lang) -> Result<Vec<PageHost>, Fail> {
        let hosts = self.page_host.iter().map(|text| {
            browser::parse(text).map_err(|BadValue { zh, en }| {
                let words = lang.pick(zh, en);
                Fail::usage(format!("{FILE}: page_host = {text}: {words}"))
            })
        });
        hosts.collect()
    }

    /// The networks that `callback_allow` lists.
    pub(super) fn networks(&self) -> Result<Vec<Cidr>, Fail> {
        let networks = self.callback_allow.iter().map(|text| {
            text.parse()
                .map_err(|_| Fail::usage(format!("{FILE}: callback_allow = {text}")))
        });
        networks.collect()
    }

    /// Makes what the world lacks; gives the accounts, and an app for each that says where it is.
    pub(super) async fn furnish(
        &self,
        control: &str,
        lang: Lang,
    ) -> Result<(Vec<SeededAccount>, Vec<App>), Fail> {
        let local = Local::new(lang);
        let (mut accounts, mut apps) = (Vec::new(), Vec::new());
        for wanted in &self.account {
            let mut body = wanted.clone();
            let url = body.shift_remove("url");
            let Some(appid) = body.get("appid").and_then(Value::as_str) else {
                return Err(Fail::usage(lang.pick(
                    "xinqiao.toml：[[dev.account]] 要写 appid",
                    "xinqiao.toml: [[dev.account]] needs its appid",
                )));
            };
            let place = format!("{control}/accounts/{}", percent::encode(appid));
            let view = if let Ok(known) = local.call(Method::GET, &place, None).await {
                tell_differences(appid, &body, &known, lang);
                known
            } else {
                let all = format!("{control}/accounts");
                let body = Value::Object(body.clone());
                let made = local.call(Method::POST, &all, Some(&body)).await;
                made.map_err(|fail| {
                    let words = crate::chinese::refusal(&fail.message, lang);
                    Fail::usage(format!("{FILE}: [[dev.account]] {appid}: {words}"))
                })?
            };
            let account = account(&view);
            if let Some(url) = url {
                let url = url.as_str().unwrap_or_default().replace("{appid}", appid);
                let named = app::parse(&url).map_err(|BadValue { zh, en }| {
                    let words = lang.pick(zh, en);
                    Fail::usage(format!("{FILE}: [[dev.account]] {appid}, url: {words}"))
                })?;
                apps.push(App {
                    account: account.clone(),
                    url: named.url().to_owned(),
                    message_url: None,
                });
            }
            accounts.push(account);
        }
        self.make_people(&local, control, lang).await?;
        Ok((accounts, apps))
    }

    /// People are known by their nicknames: the same file makes nobody twice.
    async fn make_people(&self, local: &Local, control: &str, lang: Lang) -> Result<(), Fail> {
        if self.user.is_empty() {
            return Ok(());
        }
        let all = format!("{control}/users");
        let known = local.call(Method::GET, &all, None).await?;
        let known = known.get("items").and_then(Value::as_array).cloned();
        let known = known.unwrap_or_default();
        for wanted in &self.user {
            let mut body = wanted.clone();
            let follow = body.shift_remove("follow").unwrap_or_default();
            if known
                .iter()
                .any(|user| user.get("nickname") == body.get("nickname"))
            {
                continue;
            }
            let refused = |fail: Fail| {
                let words = crate::chinese::refusal(&fail.message, lang);
                Fail::usage(format!("{FILE}: [[dev.user]]: {words}"))
            };
            let body = Value::Object(body);
            let made = local.call(Method::POST, &all, Some(&body)).await;
            let made = made.map_err(refused)?;
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            for account in follow.as_array().into_iter().flatten() {
                let act = json!({"do": "follow", "account": account, "wait": false});
                let place = format!("{all}/{id}/actions");
                let acted = local.call(Method::POST, &place, Some(&act)).await;
                acted.map_err(refused)?;
            }
        }
        Ok(())
    }
}

/// A kept world is older than the file: what it has otherwise stays, and that is said.
fn tell_differences(appid: &str, wanted: &Map<String, Value>, known: &Value, lang: Lang) {
    let differs = wanted
        .iter()
        .filter(|(name, value)| known.get(name).is_some_and(|own| own != *value))
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>()
        .join(lang.pick("、", ", "));
    if !differs.is_empty() {
        talk::say(match lang {
            Lang::Zh => format!(
                "提示：保存的世界里，账号 {appid} 的 {differs} 与 {FILE} 不同；用 --fresh 重新建立"
            ),
            Lang::En => format!(
                "note: in the kept world {differs} of account {appid} differ from {FILE}; --fresh makes a new one"
            ),
        });
    }
}

/// An account as the control interface shows it.
fn account(view: &Value) -> SeededAccount {
    let text = |name: &str| view.get(name).and_then(Value::as_str).unwrap_or_default();
    let parsed = |name: &str| view.get(name).cloned().unwrap_or_default();
    SeededAccount {
        appid: text("appid").to_owned(),
        secret: text("secret").to_owned(),
        kind: serde_json::from_value(parsed("kind")).unwrap_or(AccountKind::Service),
        verified: view.get("verified").and_then(Value::as_bool) == Some(true),
        name: text("name").to_owned(),
        original_id: text("original_id").to_owned(),
        token: text("token").to_owned(),
        aes_key: text("aes_key").to_owned(),
        mode: serde_json::from_value(parsed("mode")).unwrap_or(CallbackMode::Safe),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_part_of_a_file_is_not_ours() {
        let file = parse("store = \"x\"\n[listen]\nport = 1\n", Lang::En).expect("fine");
        assert!(file.app.is_empty() && file.seed.is_none());
        let text = "store = \"x\"\n[dev]\nseed = 7\nvia = \"gateway\"\napp = [\"work=127.0.0.1:1\"]\n\
                    [[dev.account]]\nappid = \"wx1\"\n";
        let file = parse(text, Lang::En).expect("fine");
        assert_eq!((file.seed, file.via), (Some(7), Some(Via::Gateway)));
        assert_eq!(file.apps(Lang::En).expect("apps").len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for lang in [Lang::Zh, Lang::En] {
            let fail = parse("[dev]\nseed = 1\nprot = 2\n", lang).expect_err("a typo");
            assert_eq!(fail.code, 2);
            assert!(fail.message.contains("xinqiao.toml:3"), "{}", fail.message);
            assert!(fail.message.contains("prot"), "{}", fail.message);
        }
        let file = parse("[dev]\napp = [\"https://x\"]\n", Lang::En).expect("read");
        assert!(file.apps(Lang::En).is_err());
    }
}
