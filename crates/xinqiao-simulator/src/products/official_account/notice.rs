//! Subscription notices (订阅通知) of service accounts: templates of the public library, a person's consent, sending, and
//! the events about all of it.
//!
//! Each consent is for one message. The templates are those of mini programs too, since both call the same endpoints.
//!
//! Source: doc pages "订阅通知接口", "订阅消息"; types of values: guide "订阅消息参数值内容限制说明".

mod library;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{code, id::mini_program as mini};
use xinqiao_message::names::event;

use super::{
    KINDS, fans, message,
    push_xml::{Draft, elements},
    sent,
    template::{self, is_text},
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, asked::whole, modelled, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Holds, field, said},
        feature::id_in,
        row::Words,
    },
    people::{
        act::{Act, Input, Scene},
        causes,
        contact::Speaker,
        phone,
    },
    products::Feature,
    push::attempts::numbers,
};

use self::library::{Keyword, Title};

/// Templates by account and id.
static TEMPLATES: Table<(Id, Id), Template> = Table::new("official_account.notice_templates", 1);
/// How many messages a person agreed to, by account and `openid template`.
static CONSENTS: Table<(Id, Id), u64> = Table::new("official_account.notice_consents", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TEMPLATES, &CONSENTS],
    behaviours: &[
        stateful(mini::wxa_api::new_tmpl::ADD_TEMPLATE, ADDED, add),
        stateful(mini::wxa_api::new_tmpl::DEL_TEMPLATE, ADDED, delete),
        stateful(mini::wxa_api::new_tmpl::GET_TEMPLATE, ADDED, list),
        modelled(mini::wxa_api::new_tmpl::GET_CATEGORY, LIBRARY, categories),
        modelled(
            mini::wxa_api::new_tmpl::GET_PUB_TEMPLATE_TITLES,
            LIBRARY,
            titles,
        ),
        modelled(
            mini::wxa_api::new_tmpl::GET_PUB_TEMPLATE_KEYWORDS,
            LIBRARY,
            keywords,
        ),
        stateful(mini::message::subscribe::BIZ_SEND, SENT, send),
    ],
    acts: &[Act {
        verb: "subscribe",
        title: said("答复订阅弹窗", "Answer the sheet that asks for notices"),
        kinds: KINDS,
        about: None,
        fields: &[
            field(
                "templates",
                "各模板的答复",
                "Answer by template",
                Holds::Any,
            ),
            field(
                "settings",
                "在设置里改",
                "Changed in the settings",
                Holds::Flag,
            )
            .optional(),
        ],
        check: None,
        run: answer,
    }],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.notice";
const ADDED: &str = "templates_of_notices_are_added_listed_and_deleted";
const LIBRARY: &str = "the_library_of_notices_is_told";
const SENT: &str = "a_notice_needs_a_consent_and_uses_it_up";

/// Most templates of an account.
const MOST: usize = 50;
/// Fewest and most lines of a template.
const LINES: std::ops::RangeInclusive<usize> = 2..=5;
/// The sheet came up on a page, not in an article.
const ON_A_PAGE: u8 = 1;

/// A template of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Template {
    tid: u64,
    /// Its lines, in the account's order.
    kids: Vec<u64>,
    order: u64,
}

impl Template {
    fn title(&self) -> &'static str {
        library::title(self.tid).map_or("", |title| title.words)
    }

    fn lines(&self) -> Vec<&'static Keyword> {
        let all = library::title(self.tid).map_or(&[][..], |title| title.keywords);
        { self.kids.iter() }
            .filter_map(|kid| all.iter().find(|keyword| keyword.kid == *kid))
            .collect()
    }

    fn told(&self, id: &Id) -> Value {
        let lines = self.lines();
        let content: Vec<String> = { lines.iter() }
            .map(|line| format!("{}:{{{{{}.DATA}}}}\n", line.name, line.key()))
            .collect();
        let example: Vec<String> = { lines.iter() }
            .map(|line| format!("{}:{}\n", line.name, line.example))
            .collect();
        json!({
            "priTmplId": &**id, "title": self.title(), "content": content.concat(), "example": example.concat(),
            "type": library::ONCE,
        })
    }
}

fn titled(asked: &Asked) -> Result<&'static Title, Refusal> {
    let tid = u64::try_from(asked.number("tid")?).unwrap_or_default();
    library::title(tid).ok_or_else(|| Refusal::code(code::INVALID_TEMPLATE_TID))
}

/// `newtmpl/addtemplate`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let title = titled(asked)?;
    let kids = asked.body.get("kidList").and_then(Value::as_array);
    let kids: Vec<u64> = { kids.into_iter().flatten() }
        .filter_map(|kid| u64::try_from(whole(kid)?).ok())
        .collect();
    let known = |kid: &u64| title.keywords.iter().any(|keyword| keyword.kid == *kid);
    if !LINES.contains(&kids.len()) || !kids.iter().all(known) {
        return Err(Refusal::code(code::INVALID_KEYWORD_LIST));
    }
    if TEMPLATES.under(turn.world, &asked.appid).count() >= MOST {
        return Err(Refusal::code(code::PRIVATE_TEMPLATE_LIMIT));
    }
    let id: Id = turn.world.next("notice_template").template_id().into();
    let template = Template {
        tid: title.tid,
        kids,
        order: turn.world.serial("notice_template_order"),
    };
    TEMPLATES.put(turn.world, (asked.appid.clone(), id.clone()), template);
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "priTmplId": &*id}),
    ))
}

/// `newtmpl/deltemplate`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = asked.text("priTmplId")?;
    match TEMPLATES.remove(turn.world, &(asked.appid.clone(), id.into())) {
        Some(_) => Ok(Reply::Acknowledged),
        None => Err(unknown(turn.world, &asked.appid, id)),
    }
}

fn listed<'w>(world: &'w World, appid: &Id) -> Vec<(&'w Id, &'w Template)> {
    let mut all: Vec<_> = TEMPLATES.under(world, appid).collect();
    all.sort_by_key(|(_, template)| template.order);
    all
}

fn unknown(world: &World, appid: &Id, id: &str) -> Refusal {
    let own = listed(world, appid).into_iter();
    template::unknown(own.map(|(id, _)| id), id)
}

/// `newtmpl/gettemplate`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let data: Vec<Value> = { listed(turn.world, &asked.appid).into_iter() }
        .map(|(id, template)| template.told(id))
        .collect();
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "data": data}),
    ))
}

/// `newtmpl/getcategory`.
fn categories(_: &mut Turn<'_>, _: &Asked) -> Verdict {
    let (id, name) = library::CATEGORY;
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "data": [{"id": id, "name": name}]}),
    ))
}

/// `newtmpl/getpubtemplatetitles`: the page that is asked for.
fn titles(_: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let wanted = asked.text("ids")?;
    let (start, limit) = (asked.number("start")?, asked.number("limit")?);
    let own = wanted
        .split(',')
        .any(|id| id.trim().parse() == Ok(library::CATEGORY.0));
    let all: Vec<&Title> = library::TITLES.iter().filter(|_| own).collect();
    let page: Vec<Value> = { all.iter() }
        .skip(usize::try_from(start).unwrap_or_default())
        .take(usize::try_from(limit).unwrap_or_default())
        .map(|title| {
            json!({
                "tid": title.tid, "title": title.words, "type": library::ONCE,
                "categoryId": library::CATEGORY.0,
            })
        })
        .collect();
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "count": all.len(), "data": page}),
    ))
}

/// `newtmpl/getpubtemplatekeywords`.
fn keywords(_: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let title = titled(asked)?;
    let data: Vec<Value> = { title.keywords.iter() }
        .map(|keyword| {
            json!({
                "kid": keyword.kid, "name": keyword.name, "example": keyword.example,
                "rule": keyword.rule,
            })
        })
        .collect();
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "data": data}),
    ))
}

fn consent(appid: &Id, openid: &str, template: &str) -> (Id, Id) {
    (appid.clone(), format!("{openid} {template}").into())
}

/// `message/subscribe/bizsend`.
///
/// WECHAT: a value that does not fit the type of its line is 47003, and names the line.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (appid, id) = (&asked.appid, asked.text("template_id")?);
    let openid = fans::contact(turn.world, appid, asked.text("touser")?)?
        .openid
        .clone();
    let Some(template) = TEMPLATES
        .get(turn.world, &(appid.clone(), id.into()))
        .cloned()
    else {
        return Err(unknown(turn.world, appid, id));
    };
    let data = asked.group("data")?;
    let mut lines = Vec::new();
    for line in template.lines() {
        let key = line.key();
        let value = data.get(&key).and_then(|value| value.get("value"));
        let value = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        if !line.takes(&value) {
            let text = format!("argument invalid! data.{key}.value invalid");
            return Err(Refusal::text(code::ARGUMENT_INVALID, text).because(
                "call.parameter",
                Some(value),
                Some(line.rule.to_owned()),
            ));
        }
        lines.push((line.name, key, value));
    }
    let key = consent(appid, &openid, id);
    match CONSENTS.get(turn.world, &key).copied() {
        None | Some(0) => {
            return Err(Refusal::code(code::USER_NOT_SUBSCRIBED).because(
                "subscription.missing",
                Some(openid.to_string()),
                None,
            ));
        }
        Some(1) => drop(CONSENTS.remove(turn.world, &key)),
        Some(many) => drop(CONSENTS.put(turn.world, key, many - 1)),
    }
    let fields = bubble(template.title(), &lines, &asked.body);
    let said = turn.say(
        appid,
        &openid,
        Speaker::Account,
        "subscribe",
        "template",
        fields,
    );
    if let Some(said) = said {
        sent::show(
            turn,
            asked,
            &openid,
            &said.item,
            ("订阅通知", "subscription notice"),
        );
    }
    let msgid = turn.world.serial("notice").to_string();
    let told = json!({"account": &**appid, "openid": &*openid, "template": id, "msgid": msgid});
    turn.later(turn.now.0 + 1, NAME, told);
    Ok(Reply::Acknowledged)
}

/// A message of lines as the phone shows it.
fn bubble(title: &str, lines: &[(&str, String, String)], body: &Value) -> Map<String, Value> {
    let data: Map<String, Value> = { lines.iter() }
        .map(|(_, key, value)| (key.clone(), json!({"value": value})))
        .collect();
    let lines: Vec<Value> = { lines.iter() }
        .map(|(name, _, value)| json!({"name": name, "value": value}))
        .collect();
    let mut fields = elements([
        ("title", json!(title)),
        ("data", Value::Object(data)),
        ("lines", json!(lines)),
    ]);
    let program = body.get("miniprogram").unwrap_or(&Value::Null);
    for (name, value) in [
        ("url", body.get("page")),
        ("appid", program.get("appid")),
        ("pagepath", program.get("pagepath")),
    ] {
        if let Some(value) = value.filter(|value| is_text(value)) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    fields
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(openid)) = (id_in(what, "account"), id_in(what, "openid")) else {
        return;
    };
    let one = json!({
        "TemplateId": what["template"], "MsgID": what["msgid"], "ErrorCode": 0,
        "ErrorStatus": "success",
    });
    let fields = elements([("SubscribeMsgSentEvent", json!({"List": [one]}))]);
    let draft = Draft::event(event::SUBSCRIBE_MSG_SENT_EVENT, fields).quiet();
    message::push(turn, &appid, &openid, &draft);
}

/// The person agrees or refuses, on the sheet or in the settings.
///
/// WECHAT: of the settings only refusals are pushed.
fn answer(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let answers: Map<String, Value> = input
        .field("templates")?
        .ok_or_else(|| Refused::invalid("`templates` is missing"))?;
    let in_settings = input.field("settings")?.unwrap_or(false);
    for (id, answer) in &answers {
        if !TEMPLATES.has(turn.world, &(scene.appid.clone(), id.as_str().into())) {
            return Err(Refused::unknown("template", id));
        }
        if answer != "accept" && answer != "reject" {
            return Err(Refused::invalid(
                "a template's answer is `accept` or `reject`",
            ));
        }
    }
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    causes::acted(turn, &scene.appid, &openid);
    let mut list = Vec::new();
    for (id, answer) in &answers {
        let key = consent(&scene.appid, &openid, id);
        match (answer == "accept", in_settings) {
            (true, false) => *CONSENTS.or_default(turn.world, key) += 1,
            (true, true) => continue,
            (false, _) => drop(CONSENTS.remove(turn.world, &key)),
        }
        let mut one = json!({"TemplateId": id, "SubscribeStatusString": answer});
        if !in_settings {
            one["PopupScene"] = json!(ON_A_PAGE);
        }
        list.push(one);
    }
    let (name, account) = (&scene.nickname, &scene.account_name);
    let words = Words::new(
        format!("{name} 答复{account}的订阅通知"),
        format!("{name} answers {account}'s question for notices"),
    );
    let row = scene.row(turn, &openid, words);
    turn.show(row);
    let (event, group) = if in_settings {
        (event::SUBSCRIBE_MSG_CHANGE_EVENT, "SubscribeMsgChangeEvent")
    } else {
        (event::SUBSCRIBE_MSG_POPUP_EVENT, "SubscribeMsgPopupEvent")
    };
    let draft = Draft::event(event, elements([(group, json!({"List": list}))])).quiet();
    let delivery = if list.is_empty() {
        None
    } else {
        message::push(turn, &scene.appid, &openid, &draft)
    };
    Ok(json!({"deliveries": numbers(delivery.as_slice())}))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        TEMPLATES.remove_under(turn.world, &appid);
        CONSENTS.remove_under(turn.world, &appid);
    }
}
