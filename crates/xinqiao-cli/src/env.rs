//! `xinqiao env`: the redirection as settings to paste, for apps that no wrapper starts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use xinqiao_client::Environment;

use crate::exec::environment::WXJAVA_HOSTS;
use crate::fail::Outcome;
use crate::lang::Lang;
use crate::project::{self, Account, Via};
use crate::{exec, talk};

/// The host whose origin most SDKs call their base URL.
const API_HOST: &str = "api.weixin.qq.com";

/// Which form, and about which account.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "form", multiple = false)]
pub(crate) struct Form {
    /// Lines for a POSIX shell (the default)
    #[arg(long)]
    shell: bool,
    /// application.properties for WxJava's Spring Boot starter
    #[arg(long)]
    spring: bool,
    /// Lines of a .env file for EasyWeChat (Laravel), with the settings that need code
    #[arg(long)]
    dotenv: bool,
    /// Lines for docker --env-file, with this machine as host.docker.internal
    #[arg(long)]
    docker: bool,
}

/// Which form, and about which account.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    form: Form,
    /// Point at the simulator or at the gateway; default: as `dev` was started
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Account to configure (appid or name; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Prints the settings.
pub(crate) async fn run(options: Options, lang: Lang) -> Outcome {
    let (ready, _) = project::find_running(options.ready_file.as_deref(), lang).await?;
    let via = options.via.unwrap_or(ready.via);
    let endpoints = ready.endpoints(via, lang)?;
    let account = exec::choose(&ready, options.account.as_deref(), lang)?;
    let lines = if options.form.spring {
        spring(account, endpoints)
    } else if options.form.dotenv {
        dotenv(account, endpoints, lang)
    } else if options.form.docker {
        plain(account, endpoints)
            .into_iter()
            .map(|(name, value)| format!("{name}={}", from_a_container(&value)))
            .collect()
    } else {
        plain(account, endpoints)
            .into_iter()
            .map(|(name, value)| format!("export {name}={}", shell_quote(&value)))
            .collect()
    };
    for line in lines {
        talk::data(line);
    }
    if options.form.docker {
        talk::say(lang.pick(
            "# 容器要能连到本机：xinqiao dev --bind 0.0.0.0 --host host.docker.internal --callback-allow 172.16.0.0/12，docker run --add-host host.docker.internal:host-gateway",
            "# containers must reach this machine: xinqiao dev --bind 0.0.0.0 --host host.docker.internal --callback-allow 172.16.0.0/12, docker run --add-host host.docker.internal:host-gateway",
        ));
    }
    Ok(())
}

/// `XINQIAO_HOST_API_WEIXIN_QQ_COM` and so on, and the account.
fn plain(account: Option<&Account>, endpoints: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if let Some(account) = account {
        for (name, value) in [
            ("XINQIAO_APPID", &account.appid),
            ("XINQIAO_SECRET", &account.secret),
            ("XINQIAO_TOKEN", &account.token),
            ("XINQIAO_AES_KEY", &account.aes_key),
        ] {
            lines.push((name.to_owned(), value.clone()));
        }
    }
    for (host, origin) in endpoints {
        lines.push((Environment::host_variable(host), origin.clone()));
    }
    for (name, host) in WXJAVA_HOSTS {
        if let Some(origin) = endpoints.get(host) {
            lines.push((name.to_owned(), origin.clone()));
        }
    }
    lines
}

/// All three hosts: with the first alone, OAuth and QR-code addresses go to the real platform.
fn spring(account: Option<&Account>, endpoints: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(account) = account {
        lines.push(format!("wx.mp.app-id={}", account.appid));
        lines.push(format!("wx.mp.secret={}", account.secret));
        lines.push(format!("wx.mp.token={}", account.token));
        lines.push(format!("wx.mp.aes-key={}", account.aes_key));
    }
    for (property, (_, host)) in ["api-host", "open-host", "mp-host"]
        .iter()
        .zip(WXJAVA_HOSTS)
    {
        if let Some(origin) = endpoints.get(host) {
            lines.push(format!("wx.mp.hosts.{property}={origin}"));
        }
    }
    lines
}

fn dotenv(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
    lang: Lang,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(account) = account {
        lines.push(format!("WECHAT_OFFICIAL_ACCOUNT_APPID={}", account.appid));
        lines.push(format!("WECHAT_OFFICIAL_ACCOUNT_SECRET={}", account.secret));
        lines.push(format!("WECHAT_OFFICIAL_ACCOUNT_TOKEN={}", account.token));
        lines.push(format!(
            "WECHAT_OFFICIAL_ACCOUNT_AES_KEY={}",
            account.aes_key
        ));
    }
    if let Some(origin) = endpoints.get(API_HOST) {
        lines.push(format!("WECHAT_BASE_URI={origin}/"));
    }
    lines.push(
        lang.pick(
            "# EasyWeChat 6 不读 WECHAT_BASE_URI，需要在账号配置里写：",
            "# EasyWeChat 6 does not read WECHAT_BASE_URI; the account's configuration needs:",
        )
        .to_owned(),
    );
    lines.push("#   'http' => ['base_uri' => env('WECHAT_BASE_URI')],".to_owned());
    lines.push("#   'use_stable_access_token' => false,".to_owned());
    lines.push(
        lang.pick(
            "# 网页授权地址写死在 overtrue/socialite 里：请改用 xinqiao exec",
            "# web login addresses are fixed in overtrue/socialite: use `xinqiao exec` for those",
        )
        .to_owned(),
    );
    lines
}

/// This machine as seen from a container.
fn from_a_container(value: &str) -> String {
    value
        .replace("//127.0.0.1:", "//host.docker.internal:")
        .replace("//localhost:", "//host.docker.internal:")
}

fn shell_quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> BTreeMap<String, String> {
        ["api", "open", "mp"]
            .iter()
            .enumerate()
            .map(|(i, name)| {
                (
                    format!("{name}.weixin.qq.com"),
                    format!("http://127.0.0.1:{}", 8601 + i),
                )
            })
            .collect()
    }

    #[test]
    fn spring_gets_all_three_hosts() {
        let lines = spring(None, &endpoints());
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[1], "wx.mp.hosts.open-host=http://127.0.0.1:8602");
    }

    #[test]
    fn a_container_sees_this_machine_under_another_name() {
        assert_eq!(
            from_a_container("http://127.0.0.1:8601"),
            "http://host.docker.internal:8601"
        );
    }

    #[test]
    fn shells_get_quotes_only_where_needed() {
        assert_eq!(
            shell_quote("http://127.0.0.1:8601"),
            "http://127.0.0.1:8601"
        );
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
        assert_eq!(shell_quote(""), "''");
    }
}
