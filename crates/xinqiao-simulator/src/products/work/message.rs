//! Messages of applications (应用消息) to members.
//!
//! Every member is within every application's range. Not built: tags (each is unknown), files (no media id is known),
//! recalling, and what happens after a tap on a card.
//!
//! Source: doc page 90236 ("发送应用消息").

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use xinqiao_catalog::{code::work as code, id::work as wecom};
use xinqiao_message::names::msg_type;

use super::{
    departments,
    members::{self, Member},
};
use crate::{
    accounts::ACCOUNTS,
    door::{Asked, Refusal, Reply, Verdict, credential::Caller, stateful},
    kernel::{
        Id, Turn, World,
        feature::id_in,
        row::{RowState, Words},
    },
    people::{bubbles, contact::Speaker, phone::contact_as},
    products::Feature,
    push,
};

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    behaviours: &[stateful(
        wecom::message::SEND,
        "an_agents_message_reaches_members_and_names_the_others",
        send,
    )],
    due: Some(deliver_some),
    ..Feature::EMPTY
};
const NAME: &str = "work.message";

/// WECHAT: a text is cut after so many bytes, not refused.
const TEXT_BYTES: usize = 2048;
/// So many phones show a message at once, every second.
const PIECE: usize = 2000;
/// Stands for everybody.
const ALL: &str = "@all";

/// Kinds whose body names a file.
const WITH_FILES: &[&str] = &["image", "voice", "video", "file", "mpnews"];
/// Kinds that are shown as they are.
const SHOWN: &[&str] = &[
    "textcard",
    "news",
    "markdown",
    "miniprogram_notice",
    "template_card",
    "interactive_taskcard",
    "template_msg",
];

/// Whom a call names.
#[derive(Debug, Default)]
struct Receivers {
    /// Those whom it reaches, by userid as it was given.
    members: BTreeSet<Id>,
    unknown_users: Vec<String>,
    unknown_parties: Vec<String>,
    unknown_tags: Vec<String>,
}

/// `message/send`.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (corp, account) = application(turn.world, asked)?;
    let (kind, fields) = bubble(asked)?;
    let found = receivers(turn.world, &corp, asked)?;
    if found.members.is_empty() {
        return Err(Refusal::code(code::ALL_RECEIVERS_INVALID));
    }
    let msgid = turn.world.next("work.msgid").media_id();
    let receivers: Vec<Id> = found.members.into_iter().collect();
    show(turn, &account, &kind, &fields, receivers.len());
    let now = turn.now.0;
    for (at, some) in (now..).zip(receivers.chunks(PIECE)) {
        let some: Vec<&str> = some.iter().map(|userid| &**userid).collect();
        let what = json!({
            "account": &*account, "members": some, "kind": kind, "fields": fields,
        });
        if at == now {
            deliver_some(turn, &what);
        } else {
            turn.later(at, NAME, what);
        }
    }
    let mut answer = json!({"msgid": msgid});
    let unknown = [
        ("invaliduser", found.unknown_users),
        ("invalidparty", found.unknown_parties),
        ("invalidtag", found.unknown_tags),
    ];
    for (name, list) in unknown {
        if !list.is_empty() {
            answer[name] = json!(list.join("|"));
        }
    }
    Ok(Reply::Json(answer))
}

/// The application that calls, which must be the one that the message is to come from.
fn application(world: &World, asked: &Asked) -> Result<(Id, Id), Refusal> {
    let agent = asked.number("agentid")?;
    let corp = super::corps::called(asked)?.clone();
    let wanted = format!("{corp}:{agent}");
    if !ACCOUNTS.has(world, wanted.as_str()) {
        return Err(Refusal::code(code::INVALID_AGENTID));
    }
    match &asked.caller {
        Caller::CorpApp { account, .. } if **account == *wanted => Ok((corp, account.clone())),
        _ => Err(Refusal::code(code::FOREIGN_AGENT)),
    }
}

/// What the phone shows: a type and flat fields.
fn bubble(asked: &Asked) -> Result<(String, Map<String, Value>), Refusal> {
    let kind = asked.body.get("msgtype").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let body = asked.body.get(kind).and_then(Value::as_object);
    let mut fields = body.cloned().unwrap_or_default();
    if kind == msg_type::TEXT || kind == "markdown" {
        let content = fields.get("content").and_then(Value::as_str);
        let content = content.unwrap_or_default();
        if content.is_empty() {
            return Err(Refusal::code(code::EMPTY_CONTENT));
        }
        let cut = &content[..content.floor_char_boundary(TEXT_BYTES)];
        let content = json!(cut);
        fields.insert("content".to_owned(), content);
        return Ok((kind.to_owned(), fields));
    }
    if WITH_FILES.contains(&kind) {
        return Err(Refusal::code(code::INVALID_MEDIA_ID).because("media.unknown", None, None));
    }
    if !SHOWN.contains(&kind) {
        return Err(Refusal::code(code::INVALID_MESSAGE_TYPE));
    }
    if fields.is_empty() {
        return Err(Refusal::code(code::EMPTY_CONTENT));
    }
    Ok((kind.to_owned(), fields))
}

/// The names of a list with bars between them.
fn names<'a>(asked: &'a Asked, name: &str) -> impl Iterator<Item = &'a str> {
    let list = asked.given(name).unwrap_or_default();
    list.split('|')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn receivers(world: &World, corp: &Id, asked: &Asked) -> Result<Receivers, Refusal> {
    let mut found = Receivers::default();
    let mut named = false;
    let reached = |member: &&Member| member.is_reached();
    for userid in names(asked, "touser") {
        named = true;
        if userid == ALL {
            let all = members::all(world, corp).filter(reached);
            found
                .members
                .extend(all.map(|member| member.userid.clone()));
            continue;
        }
        match members::member(world, corp, userid).filter(reached) {
            Some(member) => {
                found.members.insert(member.userid.clone());
            }
            None => found.unknown_users.push(userid.to_owned()),
        }
    }
    for party in names(asked, "toparty") {
        named = true;
        let id = party.parse().unwrap_or_default();
        if !departments::exists(world, corp, id) {
            found.unknown_parties.push(party.to_owned());
            continue;
        }
        for department in departments::tree(world, corp, id) {
            let inside = members::inside(world, corp, department).filter(reached);
            found
                .members
                .extend(inside.map(|member| member.userid.clone()));
        }
    }
    for tag in names(asked, "totag") {
        named = true;
        found.unknown_tags.push(tag.to_owned());
    }
    if named {
        Ok(found)
    } else {
        Err(Refusal::code(code::RECEIVER_MISSING))
    }
}

/// Shows a message on the phones of some members; who has not joined has none, and who left meanwhile neither.
fn deliver_some(turn: &mut Turn<'_>, what: &Value) {
    let (Some(account), Some(fields)) = (id_in(what, "account"), what["fields"].as_object()) else {
        return;
    };
    let Some((corp, _)) = account.split_once(':') else {
        return;
    };
    if !ACCOUNTS.has(turn.world, &*account) {
        return;
    }
    let corp: Id = corp.into();
    let kind = what["kind"].as_str().unwrap_or_default();
    for userid in what["members"].as_array().into_iter().flatten() {
        let userid = userid.as_str().unwrap_or_default();
        let member = members::member(turn.world, &corp, userid);
        let Some((userid, person)) = member.and_then(|own| Some((own.userid.clone(), own.person?)))
        else {
            continue;
        };
        contact_as(turn.world, person, &account, &userid);
        turn.say(
            &account,
            &userid,
            Speaker::Account,
            "custom",
            kind,
            fields.clone(),
        );
    }
}

fn show(turn: &mut Turn<'_>, account: &Id, kind: &str, fields: &Map<String, Value>, many: usize) {
    let Some(known) = ACCOUNTS.get(turn.world, &**account) else {
        return;
    };
    let name = known.name.clone();
    let said = bubbles::line(turn.world.house, kind, fields);
    let mut row = turn.row(&push::REPLY, RowState::Ok);
    row.account = Some(account.to_string());
    row.account_name = Some(name.clone());
    row.title = Words::new(
        format!("{name} 给 {many} 位成员发“{said}”"),
        format!("{name} sends “{said}” to {many} members"),
    );
    row.subtitle = Words::new("应用消息", "agent message");
    row.label = Words::new("应用消息", "agent");
    turn.show(row);
}
