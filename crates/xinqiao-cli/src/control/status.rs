//! `xinqiao status`: what runs here, and how each app does.
//!
//! The simulator knows whether an app passed the handshake. Whether it is there now it cannot know, least of all behind
//! the gateway, which answers in the app's place: so each app's address is asked for a connection.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Control, clock_line};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::project::{Ready, Via};
use crate::{local, talk};

/// `xinqiao status`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StatusOptions {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Says what runs here, and how the apps do. An app that is not up is a failure.
pub(crate) async fn status(options: StatusOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let dev = control.call(Method::GET, "/dev", None).await?;
    let clock = control.call(Method::GET, "/clock", None).await?;
    let ready = &control.ready;
    let apps = apps(&control, &dev).await?;
    let all_fine = apps.iter().all(|app| app.state == State::Connected);
    let outcome = if all_fine {
        Ok(())
    } else {
        Err(Fail::silent(1))
    };
    if options.json {
        let apps: Vec<Value> = apps.iter().map(App::json).collect();
        talk::data(json!({
            "pid": ready.pid, "version": ready.version, "console": ready.console, "control": ready.control,
            "gateway": ready.gateway, "via": ready.via, "app": apps.first(), "apps": apps, "clock": clock,
        }));
        return outcome;
    }
    talk::data(match lang {
        Lang::Zh => format!(
            "信桥 {} 在运行：进程 {}，{}",
            ready.version, ready.pid, ready.console
        ),
        Lang::En => format!(
            "xinqiao {} runs: process {}, {}",
            ready.version, ready.pid, ready.console
        ),
    });
    if apps.is_empty() {
        talk::data(lang.pick("没有连接应用", "no app is connected"));
    }
    for app in &apps {
        talk::data(app.line(ready, lang));
    }
    talk::data(clock_line(&clock, lang));
    outcome
}

/// How an app does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its address is saved, and it is there.
    Connected,
    /// It did not pass the handshake yet.
    Waiting,
    /// Its address is saved, but nobody accepts connections there now.
    Down,
}

/// An app that `--app` named, or the demo app.
#[derive(Debug)]
struct App {
    account: String,
    url: String,
    /// Where the platform pushes to, if that is another address: the gateway's.
    callback: Option<String>,
    state: State,
    /// Why it does not answer, as the simulator says it, in both languages.
    cause: Value,
}

async fn apps(control: &Control, dev: &Value) -> Result<Vec<App>, Fail> {
    let ready = &control.ready;
    let first = ready.accounts.first().map(|account| account.appid.clone());
    let phones = first.zip(ready.app.clone());
    let others = ready.apps.clone();
    let mut apps = Vec::new();
    for (account, url) in phones.into_iter().chain(others) {
        let path = format!("/accounts/{account}");
        let known = control.call(Method::GET, &path, None).await?;
        let callback = known.get("callback_url").and_then(Value::as_str);
        let callback = callback.filter(|callback| !callback.is_empty());
        let dev = dev
            .get("app")
            .filter(|app| app.get("account").and_then(Value::as_str) == Some(account.as_str()));
        let waits =
            dev.is_some_and(|app| app.get("state").and_then(Value::as_str) != Some("connected"));
        let state = match callback {
            None => State::Waiting,
            Some(_) if waits && ready.via == Via::Direct => State::Waiting,
            Some(_) if local::accepts(&url).await => State::Connected,
            Some(_) => State::Down,
        };
        apps.push(App {
            callback: callback
                .filter(|callback| *callback != url)
                .map(str::to_owned),
            cause: dev
                .and_then(|app| app.get("cause"))
                .cloned()
                .unwrap_or_default(),
            account,
            url,
            state,
        });
    }
    Ok(apps)
}

impl App {
    fn json(&self) -> Value {
        let state = match self.state {
            State::Connected => "connected",
            State::Waiting => "waiting",
            State::Down => "down",
        };
        json!({
            "account": self.account, "url": self.url, "callback": self.callback, "state": state,
            "cause": self.cause,
        })
    }

    fn line(&self, ready: &Ready, lang: Lang) -> String {
        let (url, account) = (&self.url, &self.account);
        let how = match (self.state, ready.via) {
            (State::Connected, Via::Direct) => lang.pick("已接通", "connected"),
            (State::Connected, Via::Gateway) => {
                lang.pick("已接通，经过网关", "connected, through the gateway")
            }
            (State::Waiting, _) => lang.pick("还没有应答", "does not answer yet"),
            (State::Down, Via::Direct) => lang.pick("没有在运行", "is down"),
            (State::Down, Via::Gateway) => lang.pick(
                "没有在运行；网关先收着消息，应用启动后补投",
                "is down; the gateway keeps what arrives and delivers it when the app is up",
            ),
        };
        let cause = self
            .cause
            .get(lang.pick("zh", "en"))
            .and_then(Value::as_str);
        let cause = cause.filter(|_| self.state == State::Waiting);
        let cause = cause.map_or_else(String::new, |cause| {
            format!("{}{cause}", lang.pick("：", ": "))
        });
        match lang {
            Lang::Zh => format!("应用 {url}（账号 {account}）：{how}{cause}"),
            Lang::En => format!("app {url} (account {account}): {how}{cause}"),
        }
    }
}
