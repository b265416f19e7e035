//! The apps that the command line names: whose callbacks go to which address.

use xinqiao_simulator::{Seeded, SeededAccount};
use xinqiao_types::AccountKind;

use crate::args::BadValue;
use crate::fail::Fail;
use crate::lang::Lang;

/// Stands in an address for the authorizer's appid: such an address takes the messages of authorizers.
const APPID: &str = "$APPID$";

/// `--app [ACCOUNT=]URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// `work`, `component`, an appid or `corpid:agentid`; the verified service account if nothing is said.
    account: Option<String>,
    url: String,
}

impl Named {
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// An app and the account that it answers for.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) account: SeededAccount,
    pub(super) url: String,
    /// Where a third-party platform takes the messages of its authorizers, if that is another address.
    pub(super) message_url: Option<String>,
}

/// The account that is meant where none is named: the verified service account.
pub(super) fn answers_messages(account: &SeededAccount) -> bool {
    account.kind == AccountKind::Service && account.verified
}

/// Finds the account of each app. Two addresses of one platform become one app.
pub(super) fn find(named: &[Named], seeded: &Seeded, lang: Lang) -> Result<Vec<App>, Fail> {
    let mut apps: Vec<App> = Vec::new();
    for one in named {
        let account = account_of(one, seeded, lang)?;
        let messages = one.url.contains(APPID);
        if messages && account.kind != AccountKind::Component {
            return Err(wrong(
                one,
                lang,
                (
                    "只有第三方平台的地址里可以有 $APPID$",
                    "only a third-party platform's address has $APPID$ in it",
                ),
            ));
        }
        let known = apps
            .iter_mut()
            .find(|app| app.account.appid == account.appid);
        match known {
            Some(app) if messages && app.message_url.is_none() => {
                app.message_url = Some(one.url.clone());
            }
            Some(app) if !messages && app.url.is_empty() => app.url.clone_from(&one.url),
            Some(_) => {
                return Err(wrong(
                    one,
                    lang,
                    (
                        "这个账号已有另一个应用",
                        "this account has another app already",
                    ),
                ));
            }
            None => apps.push(App {
                account: account.clone(),
                url: if messages {
                    String::new()
                } else {
                    one.url.clone()
                },
                message_url: messages.then(|| one.url.clone()),
            }),
        }
    }
    for app in &apps {
        if app.url.is_empty() {
            let appid = &app.account.appid;
            return Err(Fail::usage(match lang {
                Lang::Zh => format!(
                    "{appid} 还缺授权事件的地址：再写一个不含 $APPID$ 的 --app component=URL"
                ),
                Lang::En => format!(
                    "{appid} lacks the address for its events: add --app component=URL without $APPID$"
                ),
            }));
        }
    }
    Ok(apps)
}

fn wrong(named: &Named, lang: Lang, why: (&str, &str)) -> Fail {
    let url = &named.url;
    Fail::usage(format!("--app {url}: {}", lang.pick(why.0, why.1)))
}

fn account_of<'s>(
    named: &Named,
    seeded: &'s Seeded,
    lang: Lang,
) -> Result<&'s SeededAccount, Fail> {
    let mut all = seeded.accounts.iter().chain(&seeded.others);
    let found = match named.account.as_deref() {
        None => seeded
            .accounts
            .iter()
            .find(|account| answers_messages(account)),
        Some("work") => all.find(|account| account.kind == AccountKind::Corp),
        Some("component") => all.find(|account| account.kind == AccountKind::Component),
        Some(name) => all.find(|account| account.appid == name),
    };
    found.ok_or_else(|| {
        let ids = seeded.accounts.iter().chain(&seeded.others);
        let ids: Vec<&str> = ids.map(|account| account.appid.as_str()).collect();
        let ids = ids.join(" ");
        wrong(
            named,
            lang,
            (
                &format!("没有这个账号；可以写 work、component，或 {ids} 之一"),
                &format!("no such account; there are `work`, `component`, and {ids}"),
            ),
        )
    })
}

/// Reads `[ACCOUNT=]URL`.
pub(super) fn parse(text: &str) -> Result<Named, BadValue> {
    // What stands before the first `=` of an address that names no account has a slash or a colon and slashes in it.
    let (account, address) = match text.split_once('=') {
        Some((account, address)) if !account.contains(['/', '?']) => {
            (Some(account.to_owned()), address)
        }
        _ => (None, text),
    };
    Ok(Named {
        account,
        url: http_address(address)?,
    })
}

fn http_address(text: &str) -> Result<String, BadValue> {
    const WRONG: BadValue = BadValue {
        zh: "应用的地址写成 http://127.0.0.1:3000/wx 的样子，前面可以写账号：work=http://127.0.0.1:3000/wecom",
        en: "an app's address looks like http://127.0.0.1:3000/wx, or work=http://127.0.0.1:3000/wecom with its account",
    };
    // `127.0.0.1:3000/wx` is what people type.
    let whole = if text.contains("://") || !text.contains(':') {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    // `$` is a letter of paths, for all that it looks like.
    let uri: http::Uri = whole.parse().map_err(|_| WRONG)?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) if !host.is_empty() => Ok(whole),
        (Some("https"), Some(_)) => Err(BadValue {
            zh: "模拟器只用 http 调用；写应用自己的端口",
            en: "the simulator calls plain http only; give the app's own port",
        }),
        _ => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_types::CallbackMode;

    use super::*;

    #[test]
    fn an_app_is_an_http_address() {
        for fine in [
            "http://127.0.0.1:3000/wx",
            "127.0.0.1:3000/wx",
            "localhost:3000",
            "http://127.0.0.1:3000/wx?a=b",
        ] {
            let named = parse(fine).expect(fine);
            assert!(named.url.starts_with("http://"), "{named:?}");
            assert_eq!(named.account, None);
        }
        for wrong in [
            "https://example.com/wx",
            "wx",
            "/wx",
            ":3000",
            "ftp://a/wx",
            "work=wx",
            "work=",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_may_stand_before_the_address() {
        for (text, account) in [
            ("work=127.0.0.1:3000/wecom?a=b", "work"),
            ("ww1:1000002=http://127.0.0.1:3000", "ww1:1000002"),
            ("component=http://127.0.0.1:3000/$APPID$", "component"),
        ] {
            let named = parse(text).expect(text);
            assert_eq!(named.account.as_deref(), Some(account));
            assert!(named.url.starts_with("http://127.0.0.1:3000"), "{named:?}");
        }
    }

    fn seeded() -> Seeded {
        let account = |appid: &str, kind| SeededAccount {
            appid: appid.to_owned(),
            secret: String::new(),
            kind,
            verified: true,
            name: String::new(),
            original_id: String::new(),
            token: String::new(),
            aes_key: String::new(),
            mode: CallbackMode::Safe,
        };
        Seeded {
            accounts: vec![account("wx1", AccountKind::Service)],
            others: vec![
                account("wxopen", AccountKind::Component),
                account("ww1:1000002", AccountKind::Corp),
            ],
            ..Seeded::default()
        }
    }

    fn found(texts: &[&str]) -> Result<Vec<App>, Fail> {
        let named: Vec<Named> = texts.iter().map(|text| parse(text).unwrap()).collect();
        find(&named, &seeded(), Lang::En)
    }

    #[test]
    fn each_app_finds_its_account_and_a_platform_has_two_addresses() {
        let apps = found(&[
            "127.0.0.1:1/wx",
            "component=127.0.0.1:2/$APPID$/callback",
            "work=127.0.0.1:3",
            "component=127.0.0.1:2/events",
        ])
        .unwrap_or_else(|_| panic!("three apps"));
        let ids: Vec<&str> = apps.iter().map(|app| app.account.appid.as_str()).collect();
        assert_eq!(ids, ["wx1", "wxopen", "ww1:1000002"]);
        assert_eq!(apps[1].url, "http://127.0.0.1:2/events");
        let messages = apps[1].message_url.as_deref();
        assert_eq!(messages, Some("http://127.0.0.1:2/$APPID$/callback"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["wx2=127.0.0.1:1"][..],
            &["127.0.0.1:1", "wx1=127.0.0.1:2"],
            &["work=127.0.0.1:1/$APPID$"],
            &["component=127.0.0.1:1/$APPID$"],
        ] {
            assert!(found(wrong).is_err(), "{wrong:?}");
        }
    }
}
