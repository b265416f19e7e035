//! The verbs that act on a running simulator through its control interface: `status`, `open`, `say`, `trigger`, `clock`,
//! `fault`, `logs`. They hold no state: each is one or a few calls, and says in a sentence what came back, or gives it
//! whole with `--json`.

mod delivery;
mod fault;
mod logs;
mod resend;
mod status;

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};

pub(crate) use self::fault::{FaultOptions, fault};
pub(crate) use self::logs::{FALLBACK, known as known_rows, line as row_line, logs, schema_only};
pub(crate) use self::resend::{ResendOptions, resend};
pub(crate) use self::status::{StatusOptions, status};
use crate::args::BadValue;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::local::{self, Local};
use crate::project::{self, Ready};
use crate::{chinese, talk};

/// `xinqiao open`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OpenOptions {
    /// Print the address only
    #[arg(long)]
    print: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao say`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SayOptions {
    /// What the person writes
    #[arg(required = true)]
    text: Vec<String>,
    /// Account (appid or name; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// Who writes (id or name; default: the first)
    #[arg(long)]
    user: Option<String>,
    /// As JSON: the deliveries
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao clock`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ClockOptions {
    /// Move forward by this long: 7201, 90m, 48h, 2d
    #[arg(long, value_name = "TIME", value_parser = seconds, group = "change")]
    advance: Option<i64>,
    /// Jump to this time, seconds since 1970
    #[arg(long, value_name = "SECOND", group = "change")]
    now: Option<i64>,
    /// Stop the clock
    #[arg(long, group = "change")]
    freeze: bool,
    /// Let it run again
    #[arg(long, group = "change")]
    run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao trigger`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TriggerOptions {
    /// The event, by its catalog id or its name on the wire
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::events))]
    event: String,
    /// Account (appid or name; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// User that causes it
    #[arg(long)]
    user: Option<String>,
    /// Set a field: name=value, may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// As JSON: the deliveries
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao logs`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogsOptions {
    /// Keep printing what happens
    #[arg(short, long)]
    follow: bool,
    /// Only this account
    #[arg(long)]
    account: Option<String>,
    /// Only this user
    #[arg(long)]
    user: Option<String>,
    /// Rows as JSON, one a line
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Reads or moves the clock and says what it shows then.
pub(crate) async fn clock(options: ClockOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let change = if let Some(advance) = options.advance {
        Some(json!({ "advance": advance }))
    } else if let Some(now) = options.now {
        Some(json!({ "now": now }))
    } else if options.freeze || options.run {
        Some(json!({ "freeze": options.freeze }))
    } else {
        None
    };
    let method = if change.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let answer = control.call(method, "/clock", change).await?;
    if options.json {
        talk::data(answer);
        return Ok(());
    }
    talk::data(clock_line(&answer, lang));
    Ok(())
}

/// The clock in a sentence.
fn clock_line(answer: &Value, lang: Lang) -> String {
    let now = answer
        .get("now")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let frozen = answer.get("frozen").and_then(Value::as_bool) == Some(true);
    let time = shanghai::written(UnixSeconds(now), "%Y-%m-%d %H:%M:%S");
    match (lang, frozen) {
        (Lang::Zh, false) => format!("模拟时钟：{time}（北京时间），正在走；秒数 {now}"),
        (Lang::Zh, true) => format!("模拟时钟：{time}（北京时间），已停住；秒数 {now}"),
        (Lang::En, false) => format!("simulated clock: {time} in Shanghai, running; second {now}"),
        (Lang::En, true) => format!("simulated clock: {time} in Shanghai, stopped; second {now}"),
    }
}

/// Opens the console in a browser.
pub(crate) async fn open(options: OpenOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let url = &control.ready.console;
    talk::data(url);
    if options.print {
        return Ok(());
    }
    let program = if cfg!(target_os = "macos") {
        ("open", &[][..])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start", ""][..])
    } else {
        ("xdg-open", &[][..])
    };
    let opened = tokio::process::Command::new(program.0)
        .args(program.1)
        .arg(url)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .await;
    if opened.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Fail::failed(lang.pick(
        "没有能打开网页的程序：请自己在浏览器里打开上面的地址",
        "nothing here opens a page: open the address above in a browser yourself",
    )))
}

/// Writes to the app as a person.
pub(crate) async fn say(options: SayOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let account = control.account(options.account.as_deref(), lang)?;
    let user = control.user(options.user.as_deref(), lang)?;
    let message = json!({"type": "text", "content": options.text.join(" ")});
    let act = json!({"do": "send", "account": account, "message": message});
    let path = format!("/users/{user}/actions");
    let answer = control.call(Method::POST, &path, Some(act)).await?;
    control.tell(&account, answer, options.json).await
}

/// Pushes an event and says how each delivery went.
pub(crate) async fn trigger(options: TriggerOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let account = control.account(options.account.as_deref(), lang)?;
    let mut body = json!({ "account": account, "event": options.event });
    if let Some(user) = &options.user {
        body["user"] = control.user(Some(user), lang)?.into();
    }
    if !options.set.is_empty() {
        body["set"] = options
            .set
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    let answer = control.call(Method::POST, "/trigger", Some(body)).await?;
    control.tell(&account, answer, options.json).await
}

/// How many of the latest rows are looked through for what warns of a delivery.
const LATEST: usize = 100;

/// A running simulator's control interface.
pub(crate) struct Control {
    pub(crate) ready: Ready,
    local: Local,
    lang: Lang,
}

impl Control {
    /// That of the running dev.
    pub(crate) async fn open(ready_file: Option<PathBuf>, lang: Lang) -> Result<Self, Fail> {
        let (ready, _) = project::find_running(ready_file.as_deref(), lang).await?;
        Ok(Self::of(ready, lang))
    }

    /// That of which a ready file tells.
    pub(crate) fn of(ready: Ready, lang: Lang) -> Self {
        Self {
            ready,
            local: Local::new(lang),
            lang,
        }
    }

    /// One call; a refusal is said in the reader's language.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Fail> {
        let url = format!("{}{path}", self.ready.control);
        let answer = self.local.call(method, &url, body.as_ref()).await;
        answer.map_err(|mut fail| {
            fail.message = chinese::refusal(&fail.message, self.lang);
            fail
        })
    }

    /// Says how the deliveries went that an answer lists, with what is known beside them.
    async fn tell(&self, account: &str, answer: Value, as_json: bool) -> Outcome {
        let app = self.ready.app_of(account);
        let is_down = match app {
            Some(url) => !local::accepts(url).await,
            None => false,
        };
        let path = format!("/timeline?account={account}&limit={LATEST}");
        let rows = self.call(Method::GET, &path, None).await?;
        let beside = delivery::Beside {
            app,
            is_down,
            via: self.ready.via,
            warnings: delivery::warnings(&answer, &rows),
        };
        delivery::tell(answer, &beside, as_json, self.lang)
    }

    /// The appid of an account, by itself or by name; the first without either. Accounts that were made later are
    /// known to the simulator alone.
    pub(crate) fn account(&self, wanted: Option<&str>, lang: Lang) -> Result<String, Fail> {
        let known = self.ready.accounts.iter();
        let known = known.map(|account| (account.appid.as_str(), account.name.as_str()));
        named(known, wanted).ok_or_else(|| {
            Fail::usage(lang.pick(
                "世界里没有预置账号，请用 --account 指定 appid",
                "the world has no seeded account; name an appid with --account",
            ))
        })
    }

    /// The same about a user.
    pub(crate) fn user(&self, wanted: Option<&str>, lang: Lang) -> Result<String, Fail> {
        let known = self.ready.users.iter();
        let known = known.map(|user| (user.id.as_str(), user.nickname.as_str()));
        named(known, wanted).ok_or_else(|| {
            Fail::usage(lang.pick(
                "世界里没有预置用户，请用 --user 指定 id",
                "the world has no seeded user; name an id with --user",
            ))
        })
    }
}

/// The id of what has that name, else what was wanted itself; the first id where nothing was, none if there is none.
fn named<'a>(
    mut known: impl Iterator<Item = (&'a str, &'a str)>,
    wanted: Option<&str>,
) -> Option<String> {
    let Some(wanted) = wanted else {
        return known.next().map(|(id, _)| id.to_owned());
    };
    let found = known.find(|(_, name)| *name == wanted);
    Some(found.map_or(wanted, |(id, _)| id).to_owned())
}

/// A number of seconds, or one with a unit.
pub(crate) fn seconds(text: &str) -> Result<i64, BadValue> {
    let (number, unit) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 3_600),
        Some('d') => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    number
        .trim_start_matches('+')
        .parse::<i64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or(BadValue {
            zh: "要写成秒数，或带单位 s、m、h、d，如 7201、48h",
            en: "a number of seconds, or one with s, m, h or d",
        })
}

fn pair(text: &str) -> Result<(String, String), BadValue> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or(BadValue {
            zh: "要写成 名字=值",
            en: "write it as name=value",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(seconds("7201"), Ok(7201));
        assert_eq!(seconds("+48h"), Ok(172_800));
        assert_eq!(seconds("2d"), Ok(172_800));
        assert!(seconds("soon").is_err());
        assert!(seconds("").is_err());
    }

    #[test]
    fn the_clock_is_said_as_people_read_it() {
        let answer = json!({"now": 1_796_039_687, "frozen": true});
        let said = clock_line(&answer, Lang::En);
        assert!(said.contains("2026-11-30 19:54:47"), "{said}");
        assert!(clock_line(&answer, Lang::Zh).contains("已停住"));
    }
}
