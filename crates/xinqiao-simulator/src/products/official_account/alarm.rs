//! Alarms (接口报警): an account whose server fails often is told so at an address of its own.
//!
//! Failed attempts are counted by kind over five minutes from the first; when these are over and there were enough, one
//! alarm says when it began, how often it was and how the first looked. A pause of pushing (MarkFail) is told at once.
//!
//! The platform writes its alarms into a group chat. Here they are posted as JSON: the lines of that message, and the
//! message as `text`. Failures to resolve a name are one kind; that it took too long is not told apart.
//!
//! Source: doc page "接口报警和排查指引"; the platform's notice of July 2014 for the usual threshold.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_message::push::Judgement;
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};

use crate::{
    accounts::{
        self, ACCOUNTS,
        callback::check_url,
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        command::no_other_fields,
        declared::{Said, said},
        feature::id_in,
        route::{Handler, Request, Route},
        row::{self, RowState, Words},
    },
    products::Feature,
    push::{
        self, Addressee, Content, FAILED, MARKED,
        deliveries::{DELIVERIES, Delivery},
        envelope::{Answered, Envelope, PushKind, Sealed, Sealer},
        order::PushOrder,
    },
};

const NAME: &str = "official_account.alarm";

/// Where alarms of an account go.
static ADDRESSES: Table<Id, String> = Table::new("official_account.alarm_addresses", 1);
/// What is being counted, by account and kind.
static COUNTING: Table<(Id, Id), Count> = Table::new("official_account.alarm_counts", 1);
/// Alarms by account, in their order.
static ALARMS: Table<(Id, u64), Alarm> = Table::traffic("official_account.alarms", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&ADDRESSES, &COUNTING, &ALARMS],
    pushes: &[&ALARM],
    rules: &[&AFTER],
    routes: &[
        Route {
            method: "PUT",
            path: "/accounts/{appid}/alarm",
            run: Handler::Change(set),
        },
        Route {
            method: "GET",
            path: "/accounts/{appid}/alarms",
            run: Handler::Look(listed),
        },
    ],
    due: Some(due),
    topics: &[
        (FAILED, failed),
        (MARKED, marked),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};

/// After how many failures of a kind within five minutes there is an alarm.
static AFTER: Rule = Rule {
    name: "alarm.after",
    default: Preset::Number(30, 1_000_000),
    about: (
        "五分钟内同一类推送失败多少次才报警；0 表示从不",
        "after how many failures of one kind within five minutes there is an alarm; 0 means never",
    ),
    source: "the platform's notice of July 2014: 30 in five minutes unless the account chooses another number; alarms seen \
             since tell 32 and more",
};

/// Over how many seconds failures are counted.
const SPAN: i64 = 300;
/// Most alarms of an account that are kept.
const KEPT: usize = 100;
/// Most characters of an answer in the sample.
const EXCERPT: usize = 500;

static ALARM: PushKind = PushKind {
    // That nobody takes an alarm is no failure of the account's server.
    to_server: false,
    ..PushKind::unanswered(NAME, &ENVELOPE)
};

static ENVELOPE: Envelope = Envelope {
    attempts: 1,
    pauses: &[],
    signed: false,
    seal,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "others need keys")]
fn seal(_: &World, order: &PushOrder) -> Result<Sealer, String> {
    let body = order.plain.clone();
    Ok(Sealer {
        mode: "plain".to_owned(),
        make: Box::new(move |_, _, _| {
            Ok(Sealed {
                body,
                content_type: "application/json",
                ..Sealed::default()
            })
        }),
    })
}

fn judge(_: &World, _: &PushKind, _: &PushOrder, answer: &Answered<'_>) -> Judgement {
    match answer.status {
        200..=299 => Judgement::Silent,
        status => Judgement::Failed {
            rule: "reply.status",
            detail: format!("status {status} instead of 200"),
        },
    }
}

/// What is the matter, as an alarm calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dns,
    Connect,
    Timeout,
    Illegal,
    MarkFail,
    TicketTimeout,
    Ticket,
    InfoTimeout,
    Info,
}

impl Kind {
    /// Of a failed attempt; none where it says nothing of the account's server.
    fn of(rule: &str, order: &PushOrder, component: bool) -> Option<Self> {
        let late = rule == "callback.timeout";
        // WECHAT: what a third-party platform is told of itself has alarms of its own.
        if component && order.receiver.is_none() {
            return Some(match (order.msg_type == "component_verify_ticket", late) {
                (true, true) => Self::TicketTimeout,
                (true, false) => Self::Ticket,
                (false, true) => Self::InfoTimeout,
                (false, false) => Self::Info,
            });
        }
        Some(match rule {
            "callback.dns" => Self::Dns,
            "callback.refused" | "callback.connection" => Self::Connect,
            "callback.timeout" => Self::Timeout,
            "callback.keys" | "callback.not_allowed" | "callback.url" => return None,
            _ => Self::Illegal,
        })
    }

    const ALL: [Self; 9] = [
        Self::Dns,
        Self::Connect,
        Self::Timeout,
        Self::Illegal,
        Self::MarkFail,
        Self::TicketTimeout,
        Self::Ticket,
        Self::InfoTimeout,
        Self::Info,
    ];

    /// Its name in the control interface.
    const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Illegal => "illegal",
            Self::MarkFail => "mark_fail",
            Self::TicketTimeout => "ticket_timeout",
            Self::Ticket => "ticket",
            Self::InfoTimeout => "info_timeout",
            Self::Info => "info",
        }
    }

    /// What the alarm says, in the platform's words; the platform has none in English.
    const fn said(self) -> Said {
        match self {
            Self::Dns => said(
                "微信服务器向公众号推送消息或事件时，解析DNS失败",
                "the name of the server is not resolved when messages or events are pushed",
            ),
            Self::Connect => said(
                "微信服务器连接公众号开发者服务器时发生超时",
                "connecting to the server takes too long",
            ),
            Self::Timeout => said(
                "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
                "the server does not answer a message or event within five seconds",
            ),
            Self::Illegal => said(
                "微信服务器向公众号推送消息或事件后，得到的回应不合法",
                "what the server answers to a message or event is not valid",
            ),
            Self::MarkFail => said(
                "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息",
                "pushing failed many times, and pauses",
            ),
            Self::TicketTimeout => said(
                "推送component_verify_ticket时，开发者5秒内没有返回",
                "the server does not answer component_verify_ticket within five seconds",
            ),
            Self::Ticket => said(
                "推送component_verify_ticket时，开发者没有返回success",
                "the server does not answer component_verify_ticket with success",
            ),
            Self::InfoTimeout => said(
                "推送第三方平台消息时，第三方平台5秒内没有返回",
                "the platform does not answer what it is pushed within five seconds",
            ),
            Self::Info => said(
                "推送第三方平台消息时，第三方平台没有返回success",
                "the platform does not answer what it is pushed with success",
            ),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Failures of a kind so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    since: i64,
    times: u64,
    /// Of the first.
    sample: String,
}

/// An alarm as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Alarm {
    kind: String,
    since: i64,
    times: u64,
    sample: String,
    text: String,
    /// Whether there was an address to post it to.
    posted: bool,
}

/// Applications of corporations have no such alarms.
fn has_alarms(kind: AccountKind) -> bool {
    kind.is_official_account() || matches!(kind, AccountKind::MiniProgram | AccountKind::Component)
}

/// An attempt failed: `{"account", "delivery", "rule"}`.
fn failed(turn: &mut Turn<'_>, what: &Value) {
    let Some((appid, delivery)) = failure(turn.world, what) else {
        return;
    };
    let kind = ACCOUNTS.get(turn.world, &*appid).map(|own| own.kind);
    if !kind.is_some_and(has_alarms) {
        return;
    }
    let component = kind == Some(AccountKind::Component);
    let rule = what["rule"].as_str().unwrap_or_default();
    let Some(kind) = Kind::of(rule, &delivery.order, component) else {
        return;
    };
    let sample = sample(kind, delivery, &appid);
    let key = (appid.clone(), Id::from(kind.name()));
    let now = turn.now.0;
    // A count from before the clock was set back would never come to its end.
    if let Some(count) = COUNTING.get_mut(turn.world, &key)
        && (0..SPAN).contains(&now.saturating_sub(count.since))
    {
        count.times = count.times.saturating_add(1);
        return;
    }
    let count = Count {
        since: turn.now.0,
        times: 1,
        sample,
    };
    COUNTING.put(turn.world, key, count);
    let what = json!({"account": &*appid, "kind": kind.name(), "since": now});
    turn.later(now + SPAN, NAME, what);
}

/// Nothing is pushed for a while: `{"account", "delivery", "times"}`.
fn marked(turn: &mut Turn<'_>, what: &Value) {
    let Some((appid, delivery)) = failure(turn.world, what) else {
        return;
    };
    let account = ACCOUNTS.get(turn.world, &*appid);
    if !account.is_some_and(|own| has_alarms(own.kind)) {
        return;
    }
    let count = Count {
        since: turn.now.0,
        times: what["times"].as_u64().unwrap_or(1),
        sample: sample(Kind::MarkFail, delivery, &appid),
    };
    tell(turn, &appid, Kind::MarkFail, count);
}

/// The account that is told, and what failed.
fn failure<'w>(world: &'w World, what: &Value) -> Option<(Id, &'w Delivery)> {
    let delivery = DELIVERIES.get(world, &what["delivery"].as_u64()?)?;
    Some((id_in(what, "account")?, delivery))
}

/// How a failure looked, as alarms write it.
///
/// WECHAT: alarms since 2020 name person and second too, and the status where it was not 200. What stands behind the
/// address's `?` is left out here: apps keep their keys there.
fn sample(kind: Kind, delivery: &Delivery, appid: &Id) -> String {
    let order = &delivery.order;
    let url = order.url.split('?').next().unwrap_or_default();
    let host = url.split("//").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let mut parts = vec![
        ("Stamp", order.time.to_string()),
        ("3rdUrl", url.to_owned()),
        ("IP", host.to_owned()),
    ];
    if order.openid.is_empty() {
        parts.insert(0, ("Appid", appid.to_string()));
    } else {
        parts.insert(0, ("OpenID", order.openid.to_string()));
    }
    match &order.event {
        Some(event) => parts.push(("Event", event.clone())),
        None => parts.push(("Msg", order.msg_type.clone())),
    }
    if matches!(kind, Kind::Illegal | Kind::Ticket | Kind::Info) {
        let status = delivery.response["status"].as_u64().unwrap_or_default();
        let body = delivery.response["body"].as_str().unwrap_or_default();
        if status == 200 {
            parts.push(("response_length", body.len().to_string()));
            parts.push(("response_content", body.chars().take(EXCERPT).collect()));
        } else {
            parts.push(("http code", status.to_string()));
        }
    }
    let parts = parts.into_iter();
    parts.fold(String::new(), |text, (name, value)| {
        text + "[" + name + "=" + &value + "]"
    })
}

/// Five minutes are over.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(kind)) = (id_in(what, "account"), what["kind"].as_str()) else {
        return;
    };
    let key = (appid.clone(), Id::from(kind));
    let own = |count: &Count| {
        what["since"]
            .as_i64()
            .is_none_or(|since| since == count.since)
    };
    if !COUNTING.get(turn.world, &key).is_some_and(own) {
        return;
    }
    let (Some(count), Some(kind)) = (COUNTING.remove(turn.world, &key), Kind::named(kind)) else {
        return;
    };
    let Some(account) = ACCOUNTS.get(turn.world, &*appid) else {
        return;
    };
    let fewest = AFTER.number(&account.rules);
    if i64::try_from(count.times).is_ok_and(|times| fewest > 0 && times >= fewest) {
        tell(turn, &appid, kind, count);
    }
}

fn tell(turn: &mut Turn<'_>, appid: &Id, kind: Kind, count: Count) {
    let Some(account) = ACCOUNTS.get(turn.world, &**appid) else {
        return;
    };
    let nickname = account.name.clone();
    let (name, content) = (kind.name(), kind.said());
    let time = shanghai::written(UnixSeconds(count.since), "%Y-%m-%d %H:%M:%S");
    let number_of_times = count.times;
    let times = format!("5分钟 {number_of_times}次");
    let text = format!(
        "Appid: {appid}\n昵称: {nickname}\n时间: {time}\n内容: {}\n次数: {times}\n错误样例: {}",
        content.zh, count.sample
    );
    let body = json!({
        "appid": &**appid, "nickname": nickname, "type": name, "time": time, "content": content.zh,
        "times": count.times, "seconds": SPAN, "sample": count.sample, "text": text,
    });
    let url = ADDRESSES.get(turn.world, appid).cloned();
    let alarm = Alarm {
        kind: name.to_owned(),
        since: count.since,
        times: count.times,
        sample: count.sample,
        text,
        posted: url.is_some(),
    };
    let number = turn.world.traffic_serial("alarm");
    ALARMS.put(turn.world, (appid.clone(), number), alarm);
    let old = ALARMS.under(turn.world, appid).count().saturating_sub(KEPT);
    let old: Vec<(Id, u64)> = { ALARMS.under(turn.world, appid).take(old) }
        .map(|(number, _)| (appid.clone(), *number))
        .collect();
    for key in old {
        ALARMS.remove(turn.world, &key);
    }
    let times = Words::new(times, format!("in five minutes: {number_of_times}"));
    show(turn, appid, &nickname, content, &times, url.is_some());
    if let Some(url) = url {
        let to = Addressee {
            id: appid.clone(),
            receiver: None,
            name: nickname,
            url,
        };
        let content = Content {
            plain: body.to_string(),
            msg_type: "alarm".to_owned(),
            event: Some(name.to_owned()),
            msg_id: None,
            notice: false,
            replyable: false,
        };
        push::start_to(turn, &ALARM, to, (0, &"".into()), content);
    }
}

fn show(turn: &mut Turn<'_>, appid: &Id, name: &str, content: Said, times: &Words, posted: bool) {
    let mut row = turn.row(&row::SYSTEM, RowState::Error);
    row.account = Some(appid.to_string());
    row.account_name = Some(name.to_owned());
    row.title = Words::new(
        format!("接口报警：{}", content.zh),
        format!("Alarm: {}", content.en),
    );
    row.subtitle = if posted {
        times.clone()
    } else {
        Words::new(
            format!(
                "{}；没有报警地址：PUT /_sim/v1/accounts/{appid}/alarm",
                times.zh
            ),
            format!(
                "{}; no address for alarms: PUT /_sim/v1/accounts/{appid}/alarm",
                times.en
            ),
        )
    };
    row.label = Words::new("报警", "alarm");
    turn.show(row);
}

/// `PUT /accounts/{appid}/alarm`: `{"url"}`, empty for none.
fn set(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    #[derive(Deserialize)]
    struct Wanted {
        url: String,
    }
    let appid = accounts::id(turn.world, request.part("appid"))?;
    if !has_alarms(accounts::account(turn.world, &appid)?.kind) {
        return Err(Refused::unwilling(
            "alarms come to official accounts, mini programs and third-party platforms",
        ));
    }
    let fields = request
        .body
        .as_object()
        .into_iter()
        .flat_map(|own| own.keys());
    no_other_fields(fields, &["url"])?;
    let Wanted { url } = request.body()?;
    if url.is_empty() {
        ADDRESSES.remove(turn.world, &appid);
    } else {
        check_url("url", &url)?;
        ADDRESSES.put(turn.world, appid, url.clone());
    }
    Ok(json!({"url": url}))
}

/// `GET /accounts/{appid}/alarms`.
fn listed(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.number("")?;
    let items = { ALARMS.after(world, (appid.clone(), after)) }.map(|(number, alarm)| {
        let view = json!({
            "type": alarm.kind, "since": alarm.since, "times": alarm.times,
            "sample": alarm.sample, "text": alarm.text, "posted": alarm.posted,
        });
        (number.to_string(), view)
    });
    let mut answer = page.answer(items);
    answer["url"] = json!(ADDRESSES.get(world, &appid));
    Ok(answer)
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        ADDRESSES.remove(turn.world, &appid);
        COUNTING.remove_under(turn.world, &appid);
        ALARMS.remove_under(turn.world, &appid);
    }
}
