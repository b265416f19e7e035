//! `xinqiao env`: the redirection as settings to paste, for apps that no wrapper starts.
//!
//! Through the gateway the secret is a key that it issued, as in `exec`: what is pasted somewhere is never the real one.

mod sdk;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;
use xinqiao_client::Environment;

use crate::exec::environment::{Identity, WXJAVA_HOSTS, account_variables};
use crate::fail::Outcome;
use crate::lang::Lang;
use crate::project::{self, Account, Ready, Via};
use crate::{exec, talk};

/// In which form.
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
    #[arg(long, visible_alias = "easywechat")]
    dotenv: bool,
    /// Lines for docker --env-file, with this machine as host.docker.internal
    #[arg(long)]
    docker: bool,
    /// Python code for wechatpy
    #[arg(long)]
    python: bool,
    /// Node code for co-wechat-api
    #[arg(long)]
    node: bool,
    /// Go code for silenceper/wechat
    #[arg(long)]
    go: bool,
    /// Variables that the Rust SDK reads
    #[arg(long)]
    rust: bool,
    /// How to use the port of `dev --tls`: trusting its authority and leading the hosts there, in each language
    #[arg(long)]
    tls: bool,
    /// As JSON: the variables, and what stands for each host
    #[arg(long)]
    json: bool,
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
    if options.form.tls {
        for line in tls::lines(&ready, lang)? {
            talk::data(line);
        }
        return Ok(());
    }
    let via = options.via.unwrap_or(ready.via);
    let endpoints = ready.endpoints(via, lang)?;
    let account = exec::choose(&ready, options.account.as_deref(), lang)?;
    let identity = exec::identity(&ready, account, via, "env").await?;
    let mut plain = plain(&ready, &identity, endpoints);
    // A container has neither this address nor this file.
    if let Some(tls) = ready.tls.as_ref().filter(|_| !options.form.docker) {
        plain.push(("XINQIAO_TLS".to_owned(), tls.near().to_string()));
        plain.push(("XINQIAO_CA_FILE".to_owned(), tls.ca.display().to_string()));
    }
    let key = identity.key;
    let form = &options.form;
    if form.json {
        let variables: BTreeMap<&str, &str> = plain
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        talk::data(json!({ "via": via, "variables": variables, "endpoints": endpoints }));
        return Ok(());
    }
    // What code and properties name is one account with the secret that it is to use.
    let account = account.map(|account| Account {
        secret: key.clone().unwrap_or_else(|| account.secret.clone()),
        ..account.clone()
    });
    let account = account.as_ref();
    let lines = if form.spring {
        sdk::spring(account, endpoints)
    } else if form.dotenv {
        sdk::dotenv(account, endpoints, lang)
    } else if form.python {
        sdk::python(account, endpoints, lang)
    } else if form.node {
        sdk::node(account, endpoints, lang)
    } else if form.go {
        sdk::go(account, endpoints, lang)
    } else if form.rust {
        sdk::rust(account, endpoints)
    } else if form.docker {
        plain
            .into_iter()
            .map(|(name, value)| format!("{name}={}", from_a_container(&value)))
            .collect()
    } else {
        plain
            .into_iter()
            .map(|(name, value)| format!("export {name}={}", shell_quote(&value)))
            .collect()
    };
    for line in lines {
        talk::data(line);
    }
    if key.is_some() {
        talk::say(lang.pick(
            "# 上面的密钥是网关刚签发的，不是真正的 AppSecret；再次运行会签发另一个",
            "# the secret above is a key that the gateway just issued, not the real AppSecret; another run issues another",
        ));
    }
    if form.docker {
        talk::say(lang.pick(
            "# 容器要能连到本机：xinqiao dev --bind 0.0.0.0 --host host.docker.internal --callback-allow 172.16.0.0/12，docker run --add-host host.docker.internal:host-gateway",
            "# containers must reach this machine: xinqiao dev --bind 0.0.0.0 --host host.docker.internal --callback-allow 172.16.0.0/12, docker run --add-host host.docker.internal:host-gateway",
        ));
    }
    Ok(())
}

/// The account's variables, `XINQIAO_HOST_API_WEIXIN_QQ_COM` and so on, and those that WxJava reads.
fn plain(
    ready: &Ready,
    identity: &Identity<'_>,
    endpoints: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = account_variables(ready, identity)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
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
