//! What `dev` and `sim` print when everything listens: where the phone is, and what to paste.

use crate::lang::Lang;
use crate::project::{Account, Ready, Via};
use crate::talk;
use crate::{assets, width};

/// Prints addresses, the connected account's keys, and how to point an app.
pub(crate) fn print(ready: &Ready, demo: bool, lang: Lang) {
    for line in lines(ready, demo, lang) {
        talk::data(line);
    }
    if !assets::built() {
        talk::say(lang.pick(
            "提示：这个程序不含网页；在源码目录运行 make run，或 cd web && npm ci && npm run build 后重新构建",
            "note: this binary carries no pages; run `make run` in the source folder, or `cd web && npm ci && npm run build` and build again",
        ));
    }
}

fn lines(ready: &Ready, demo: bool, lang: Lang) -> Vec<String> {
    let zh = lang == Lang::Zh;
    let mut lines = vec![
        String::new(),
        format!("  {}  {}", lang.pick("信桥", "Xinqiao"), ready.version),
        String::new(),
        row(
            lang.pick("手机与控制台", "Phone and console"),
            &ready.console,
        ),
        row(lang.pick("控制接口", "Control interface"), &ready.control),
    ];
    if let Some(tls) = &ready.tls {
        let address = format!(
            "{}{}",
            tls.near(),
            lang.pick("（平台的每个域名）", " (every host of the platform)")
        );
        lines.push(row(lang.pick("TLS 端口", "TLS port"), &address));
        let ca = tls.ca.display().to_string();
        lines.push(row(lang.pick("TLS 根证书", "Its authority"), &ca));
        let how = lang.pick("怎么使用", "How to use it");
        lines.push(row(how, "xinqiao env --tls"));
    }
    if let Some(gateway) = &ready.gateway {
        lines.push(row(lang.pick("网关", "Gateway"), gateway));
    }
    if let Some(url) = &ready.app {
        let name = match (demo, zh) {
            (true, true) => "演示应用",
            (true, false) => "Demo app",
            (false, true) => "你的应用",
            (false, false) => "Your app",
        };
        lines.push(row(name, &format!("{url}{}", how(ready.via, lang))));
    }
    if let Some(account) = ready.accounts.first() {
        lines.push(String::new());
        lines.extend(account_rows(account, lang));
        for (appid, url) in &ready.apps {
            let account = ready
                .accounts
                .iter()
                .find(|account| account.appid == *appid);
            let Some(account) = account else { continue };
            let name = lang.pick("你的应用", "Your app");
            lines.push(String::new());
            lines.push(row(name, &format!("{url}{}", how(ready.via, lang))));
            lines.extend(account_rows(account, lang));
        }
        lines.push(String::new());
        lines.extend(pointers(demo, lang));
    }
    lines.push(String::new());
    lines
}

/// How an app's callbacks go, where that is to be told.
fn how(via: Via, lang: Lang) -> &'static str {
    match via {
        Via::Gateway => lang.pick("（经网关）", " (through the gateway)"),
        Via::Direct => "",
    }
}

fn account_rows(account: &Account, lang: Lang) -> Vec<String> {
    let zh = match account.kind.as_str() {
        "component" => "第三方平台",
        "corp" => "企业微信应用",
        _ => "公众号",
    };
    let ids = match account.appid.split_once(':') {
        None => vec![row("appid", &account.appid)],
        Some((corp, agent)) => vec![row("corpid", corp), row("agentid", agent)],
    };
    let mut lines = vec![row(lang.pick(zh, "Account"), &account.name)];
    lines.extend(ids);
    lines.extend([
        row("secret", &account.secret),
        row("Token", &account.token),
        row("EncodingAESKey", &account.aes_key),
    ]);
    lines
}

fn pointers(demo: bool, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    if demo {
        lines.push(row(
            lang.pick("接入你的应用", "Connect your app"),
            "xinqiao dev --app http://127.0.0.1:3000/wx",
        ));
    }
    lines.push(row(
        lang.pick("不改代码运行", "Run it unchanged"),
        lang.pick("xinqiao exec -- <命令>", "xinqiao exec -- <command>"),
    ));
    lines.push(row(
        lang.pick("打印配置", "Print settings"),
        "xinqiao env --shell | --spring | --dotenv | --docker",
    ));
    lines
}

/// A name and a value, values below each other; a Chinese character is two columns wide.
fn row(name: &str, value: &str) -> String {
    format!("  {}{value}", width::padded(name, 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other_in_both_languages() {
        assert_eq!(row("appid", "x").find('x'), Some(22));
        let chinese = row("公众号", "x");
        let columns: usize = chinese
            .chars()
            .map(|c| if c.is_ascii() { 1 } else { 2 })
            .sum();
        assert_eq!(columns, 23);
    }
}
