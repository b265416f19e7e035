//! Sessions of customer-service staff with people (客服会话): opened, closed, handed over by a passive reply, waiting; and the
//! record of what was said in them.
//!
//! Source: doc pages "会话控制", "获取聊天记录", "转发消息到客服"; error codes 65413 to 65417.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};
use xinqiao_message::names::event;
use xinqiao_types::shanghai::DAY;

use super::{
    customer_service, fans, message,
    push_xml::{Draft, elements},
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    people::phone::UNFOLLOWED,
    products::Feature,
};

/// Open sessions by account and openid.
static SESSIONS: Table<(Id, Id), Session> = Table::new("official_account.kf_sessions", 1);
/// Who waits for staff, and since when.
static WAITING: Table<(Id, Id), i64> = Table::new("official_account.kf_waiting", 1);
/// What was said, by account and `msgid`.
static RECORDS: Table<(Id, u64), Record> = Table::new("official_account.kf_records", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.kf_session",
    tables: &[&SESSIONS, &WAITING, &RECORDS],
    behaviours: &[
        stateful(oa::custom_service::kf_session::CREATE, OPENED, create),
        stateful(oa::custom_service::kf_session::CLOSE, OPENED, close),
        stateful(
            oa::custom_service::kf_session::GET_SESSION,
            OPENED,
            of_person,
        ),
        stateful(
            oa::custom_service::kf_session::GET_SESSION_LIST,
            OPENED,
            of_staff,
        ),
        stateful(oa::custom_service::kf_session::GET_WAIT_CASE, WAIT, waiting),
        stateful(
            oa::custom_service::msg_record::GET_MSG_LIST,
            RECORDED,
            records,
        ),
    ],
    topics: &[
        (UNFOLLOWED, unfollowed),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};
const OPENED: &str = "a_session_is_opened_told_and_closed";
const WAIT: &str = "a_passive_reply_hands_over_to_staff";
const RECORDED: &str = "what_is_said_in_a_session_is_recorded";

/// The longest time that one call asks for.
const SPAN: i64 = DAY;
/// Most records of one answer.
const PAGE: i64 = 10_000;
/// Most people of a waiting list.
const WAITING_MOST: usize = 100;
/// What records call who said it.
const BY_STAFF: u64 = 2002;
const BY_PERSON: u64 = 2003;

/// Somebody is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    /// Full name of the staff account.
    staff: String,
    since: i64,
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    openid: Id,
    staff: String,
    code: u64,
    text: String,
    time: i64,
}

/// The staff account that a call names; it must exist.
fn staff(turn: &Turn<'_>, asked: &Asked) -> Result<String, Refusal> {
    let full = asked.text("kf_account")?;
    let account = asked.account(turn.world)?;
    match customer_service::find(turn.world, account, full) {
        Some(_) => Ok(full.to_owned()),
        None => Err(Refusal::code(code::INVALID_KF_ACCOUNT).because(
            "kf_account.alias",
            Some(full.to_owned()),
            Some(format!("name@{}", account.alias)),
        )),
    }
}

/// `kfsession/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let staff = staff(turn, asked)?;
    let openid = fans::contact(turn.world, &asked.appid, asked.text("openid")?)?
        .openid
        .clone();
    let open = SESSIONS.get(turn.world, &(asked.appid.clone(), openid.clone()));
    match open {
        Some(open) if open.staff != staff => Err(Refusal::code(code::SERVED_BY_ANOTHER)),
        Some(_) => Ok(Reply::Acknowledged),
        None => {
            open_for(turn, &asked.appid, &openid, staff);
            Ok(Reply::Acknowledged)
        }
    }
}

fn open_for(turn: &mut Turn<'_>, appid: &Id, openid: &Id, staff: String) {
    let key = (appid.clone(), openid.clone());
    WAITING.remove(turn.world, &key);
    let fields = elements([("KfAccount", json!(staff))]);
    let since = turn.now.0;
    SESSIONS.put(turn.world, key, Session { staff, since });
    let draft = Draft::event(event::KF_CREATE_SESSION, fields).quiet();
    message::push(turn, appid, openid, &draft);
}

/// `kfsession/close`.
fn close(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let staff = staff(turn, asked)?;
    let openid = fans::contact(turn.world, &asked.appid, asked.text("openid")?)?
        .openid
        .clone();
    let key = (asked.appid.clone(), openid.clone());
    match SESSIONS.get(turn.world, &key) {
        None => return Err(Refusal::code(code::NO_KF_SESSION)),
        Some(open) if open.staff != staff => return Err(Refusal::code(code::SERVED_BY_ANOTHER)),
        Some(_) => drop(SESSIONS.remove(turn.world, &key)),
    }
    let fields = elements([("KfAccount", json!(staff)), ("CloseType", json!("KF"))]);
    let draft = Draft::event(event::KF_CLOSE_SESSION, fields).quiet();
    message::push(turn, &asked.appid, &openid, &draft);
    Ok(Reply::Acknowledged)
}

/// `kfsession/getsession`: an empty name where there is none.
fn of_person(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = fans::contact(turn.world, &asked.appid, asked.text("openid")?)?
        .openid
        .clone();
    let open = SESSIONS.get(turn.world, &(asked.appid.clone(), openid));
    let (staff, since) = open.map_or(("", 0), |open| (&*open.staff, open.since));
    Ok(Reply::Json(json!({
        "errcode": 0, "errmsg": "ok", "kf_account": staff, "createtime": since,
    })))
}

/// `kfsession/getsessionlist`.
fn of_staff(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let staff = staff(turn, asked)?;
    let list: Vec<Value> = SESSIONS
        .under(turn.world, &asked.appid)
        .filter(|(_, open)| open.staff == staff)
        .map(|(openid, open)| json!({"openid": &**openid, "createtime": open.since}))
        .collect();
    Ok(Reply::Json(json!({"sessionlist": list})))
}

/// `kfsession/getwaitcase`: the hundred that wait longest.
fn waiting(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mut all: Vec<(i64, &Id)> = WAITING
        .under(turn.world, &asked.appid)
        .map(|(openid, since)| (*since, openid))
        .collect();
    all.sort_unstable();
    let list: Vec<Value> = { all.iter().take(WAITING_MOST) }
        .map(|(since, openid)| json!({"openid": &***openid, "latest_time": since}))
        .collect();
    Ok(Reply::Json(
        json!({"count": all.len(), "waitcaselist": list}),
    ))
}

/// An app handed a person over, to a member of staff or to whoever is free.
///
/// WECHAT: a name that is none is ignored, and the person waits.
pub(super) fn hand_over(turn: &mut Turn<'_>, appid: &Id, openid: &Id, to: Option<&str>) {
    let key = (appid.clone(), openid.clone());
    if SESSIONS.has(turn.world, &key) {
        return;
    }
    let account = accounts::account(turn.world, appid).ok();
    let known = to.filter(|to| {
        account.is_some_and(|account| customer_service::find(turn.world, account, to).is_some())
    });
    match known {
        Some(staff) => open_for(turn, appid, openid, staff.to_owned()),
        None => drop(WAITING.put(turn.world, key, turn.now.0)),
    }
}

/// A person said something: it is recorded if somebody serves them.
pub(super) fn person_said(turn: &mut Turn<'_>, appid: &Id, openid: &Id, text: &str) {
    let open = SESSIONS.get(turn.world, &(appid.clone(), openid.clone()));
    if let Some(staff) = open.map(|open| open.staff.clone()) {
        record(turn, appid, openid, staff, BY_PERSON, text);
    }
}

/// A message went out under the name of a member of staff.
pub(super) fn staff_said(turn: &mut Turn<'_>, appid: &Id, openid: &Id, staff: &str, text: &str) {
    record(turn, appid, openid, staff.to_owned(), BY_STAFF, text);
}

fn record(turn: &mut Turn<'_>, appid: &Id, openid: &Id, staff: String, code: u64, text: &str) {
    let number = turn.world.serial(&format!("kf_record {appid}"));
    let record = Record {
        openid: openid.clone(),
        staff,
        code,
        text: text.to_owned(),
        time: turn.now.0,
    };
    RECORDS.put(turn.world, (appid.clone(), number), record);
}

/// `msgrecord/getmsglist`: from `msgid` on, which the answer gives for the next page.
fn records(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (start, end) = (asked.number("starttime")?, asked.number("endtime")?);
    let (first, number) = (asked.number("msgid")?, asked.number("number")?);
    if end < start || first < 0 || !(1..=PAGE).contains(&number) {
        return Err(Refusal::code(code::INVALID_KF_PARAMETER));
    }
    if end - start > SPAN {
        return Err(Refusal::code(code::RECORD_SPAN_TOO_LONG));
    }
    let after = u64::try_from(first - 1).unwrap_or_default();
    let page: Vec<(u64, &Record)> = RECORDS
        .after(turn.world, (asked.appid.clone(), after))
        .filter(|(_, record)| (start..=end).contains(&record.time))
        .take(usize::try_from(number).unwrap_or_default())
        .map(|(number, record)| (*number, record))
        .collect();
    let next = page.last().map_or(first, |(number, _)| {
        i64::try_from(*number).unwrap_or(i64::MAX).saturating_add(1)
    });
    let list: Vec<Value> = { page.iter() }
        .map(|(_, record)| {
            json!({
                "openid": &*record.openid, "worker": record.staff, "opercode": record.code,
                "text": record.text, "time": record.time,
            })
        })
        .collect();
    Ok(Reply::Json(
        json!({"recordlist": list, "number": page.len(), "msgid": next}),
    ))
}

fn unfollowed(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(appid), Some(openid)) = (id_in(what, "account"), id_in(what, "openid")) {
        let key = (appid, openid);
        SESSIONS.remove(turn.world, &key);
        WAITING.remove(turn.world, &key);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        SESSIONS.remove_under(turn.world, &appid);
        WAITING.remove_under(turn.world, &appid);
        RECORDS.remove_under(turn.world, &appid);
    }
}
