//! Template messages (模板消息): the industries and templates of a service account, sending, and the event that tells what
//! became of a message.
//!
//! A message is on the phone at once; `TEMPLATESENDJOBFINISH` follows a second later. A person may switch the account's
//! template messages off: the call still succeeds, and the event says `failed:user block`.
//!
//! Source: doc page "模板消息接口".

mod industries;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::quota};
use xinqiao_message::names::event;

use super::{
    KINDS,
    custom_message::TO_WRITE,
    fans, message,
    push_xml::{Draft, elements},
    sent,
};
use crate::{
    accounts::{
        self,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Card, Holds, Shown, field, said, text as text_field},
        feature::id_in,
        route::{Handler, Request, Route},
        row::Words,
    },
    people::{
        act::{Act, Input, Scene},
        contact::Speaker,
        phone,
    },
    products::Feature,
};

use self::text::{Display, LIBRARY};

/// Templates by account and id.
static TEMPLATES: Table<(Id, Id), Template> = Table::new("official_account.templates", 1);
/// The two industries of an account.
static INDUSTRIES: Table<Id, (u64, u64)> = Table::new("official_account.industries", 1);
/// Who switched off an account's template messages.
static BLOCKED: Table<(Id, Id), ()> = Table::new("official_account.templates_blocked", 1);
/// Messages by account and `openid client_msg_id`, while they are remembered.
static ONCE: Table<(Id, Id), u64> = Table::new("official_account.template_messages", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TEMPLATES, &INDUSTRIES, &BLOCKED, &ONCE],
    behaviours: &[
        stateful(oa::template::API_SET_INDUSTRY, INDUSTRY, set_industry),
        stateful(oa::template::GET_INDUSTRY, INDUSTRY, get_industry),
        stateful(oa::template::API_ADD_TEMPLATE, ADDED, add),
        stateful(oa::template::GET_ALL_PRIVATE_TEMPLATE, ADDED, list),
        stateful(oa::template::DEL_PRIVATE_TEMPLATE, ADDED, delete),
        stateful(oa::message::template::SEND, SENT, send),
    ],
    acts: &[Act {
        verb: "block_templates",
        title: said("拒收模板消息", "Block template messages"),
        kinds: KINDS,
        about: None,
        fields: &[field("allow", "恢复接收", "Allow again", Holds::Flag).optional()],
        check: None,
        run: block,
    }],
    rules: &[&DISPLAY, &OUTCOME],
    routes: &[
        Route {
            method: "GET",
            path: PATH,
            run: Handler::Look(in_control),
        },
        Route {
            method: "POST",
            path: PATH,
            run: Handler::Change(made_by_hand),
        },
    ],
    shows: &[Shown::Card(&CARD)],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.template";
const PATH: &str = "/accounts/{appid}/templates";
const INDUSTRY: &str = "industries_are_chosen_once_a_month";
const ADDED: &str = "templates_are_added_listed_and_deleted";
const SENT: &str = "a_template_message_arrives_and_its_event_follows";

static CARD: Card = Card {
    name: "templates",
    title: said("消息模板", "Message templates"),
    kinds: KINDS,
    path: PATH,
    fields: &[
        text_field("template_id", "模板编号", "template_id"),
        text_field("title", "标题", "Title"),
        text_field("content", "内容", "Content"),
    ],
};

static DISPLAY: Rule = Rule {
    name: "template.display",
    default: Preset::Word("since_2023", &["since_2023", "before_2023"]),
    about: (
        "模板消息的显示：since_2023 不显示 first 和 remark，每个值最多 20 字；before_2023 全部显示",
        "how template messages are shown: `since_2023` drops first and remark and cuts values after 20 characters, \
         `before_2023` shows all",
    ),
    source: "announcement of the platform, in force from 2023-05-04",
};
static OUTCOME: Rule = Rule {
    name: "template.outcome",
    default: Preset::Word(SUCCESS, &[SUCCESS, SYSTEM_FAILED]),
    about: (
        "没有被用户拒收的模板消息的结果",
        "what becomes of template messages that the user has not blocked",
    ),
    source: "the page names the three states of TEMPLATESENDJOBFINISH",
};
const SUCCESS: &str = "success";
const SYSTEM_FAILED: &str = "failed: system failed";
const USER_BLOCK: &str = "failed:user block";

/// The row of the quota table that counts the templates of an account.
const MOST: &str = "template.count";
/// The same person gets a message of one `client_msg_id` once in so many seconds.
const REMEMBERED: i64 = 600;
/// `msgid` of messages: below 2^53, since JavaScript reads them.
const FIRST_ID: u64 = 400_000_000;

/// A template of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Template {
    title: String,
    content: String,
    example: String,
    /// What comes first in lists.
    order: u64,
}

/// `template/api_set_industry`.
///
/// WECHAT: once a month; the door counts it. A number that is no industry is 40102.
fn set_industry(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let number = |name| {
        let number = u64::try_from(asked.number(name)?).unwrap_or_default();
        match industries::classes(number) {
            Some(_) => Ok(number),
            None => Err(Refusal::code(code::INVALID_INDUSTRY_ID)),
        }
    };
    let chosen = (number("industry_id1")?, number("industry_id2")?);
    INDUSTRIES.put(turn.world, asked.appid.clone(), chosen);
    Ok(Reply::Acknowledged)
}

fn classes_of(world: &World, appid: &Id) -> [(&'static str, &'static str); 2] {
    let (first, second) = INDUSTRIES.get(world, appid).copied().unwrap_or_default();
    [first, second].map(|number| industries::classes(number).unwrap_or_default())
}

/// `template/get_industry`.
fn get_industry(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let [primary, secondary] = classes_of(turn.world, &asked.appid)
        .map(|(first, second)| json!({"first_class": first, "second_class": second}));
    Ok(Reply::Json(
        json!({"primary_industry": primary, "secondary_industry": secondary}),
    ))
}

/// `template/api_add_template`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let short = asked.text("template_id_short")?;
    let Some(kept) = LIBRARY.iter().find(|kept| kept.short == short) else {
        let known: Vec<&str> = LIBRARY.iter().map(|kept| kept.short).collect();
        return Err(Refusal::code(code::INVALID_TEMPLATE_ID).because(
            "template.library",
            Some(short.to_owned()),
            Some(known.join(", ")),
        ));
    };
    let most = quota::row(MOST).map_or(u64::MAX, |row| row.max);
    let have = TEMPLATES.under(turn.world, &asked.appid).count();
    if u64::try_from(have).is_ok_and(|have| have >= most) {
        return Err(Refusal::code(code::TEMPLATE_LIMIT));
    }
    let content = match asked
        .body
        .get("keyword_name_list")
        .and_then(Value::as_array)
    {
        Some(names) if !names.is_empty() => chosen_lines(kept.content, names),
        _ => kept.content.to_owned(),
    };
    let id = put(turn, &asked.appid, kept.title, &content, kept.example);
    // WECHAT: the code stands there, too: clients read it before the id.
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "template_id": &*id}),
    ))
}

/// Of a category's template an account takes the lines that it wants, in its order.
fn chosen_lines(content: &str, names: &[Value]) -> String {
    let line = |name: &str| content.lines().find(|line| line.starts_with(name));
    let chosen: Vec<&str> = names
        .iter()
        .filter_map(|name| line(name.as_str()?))
        .collect();
    if chosen.is_empty() {
        content.to_owned()
    } else {
        chosen.join("\n")
    }
}

fn put(turn: &mut Turn<'_>, appid: &Id, title: &str, content: &str, example: &str) -> Id {
    let id: Id = turn.world.next("template").template_id().into();
    let template = Template {
        title: title.to_owned(),
        content: content.to_owned(),
        example: example.to_owned(),
        order: turn.world.serial("template_order"),
    };
    TEMPLATES.put(turn.world, (appid.clone(), id.clone()), template);
    id
}

/// Templates of an account, the first that was added first.
fn listed<'w>(world: &'w World, appid: &Id) -> Vec<(&'w Id, &'w Template)> {
    let mut all: Vec<_> = TEMPLATES.under(world, appid).collect();
    all.sort_by_key(|(_, template)| template.order);
    all
}

/// `template/get_all_private_template`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let [(primary, deputy), _] = classes_of(turn.world, &asked.appid);
    let list: Vec<Value> = listed(turn.world, &asked.appid)
        .into_iter()
        .map(|(id, template)| {
            json!({
                "template_id": &**id, "title": template.title, "primary_industry": primary,
                "deputy_industry": deputy, "content": template.content, "example": template.example,
            })
        })
        .collect();
    Ok(Reply::Json(json!({"template_list": list})))
}

/// There is no such template; these are the account's own.
pub(super) fn unknown<'i>(own: impl Iterator<Item = &'i Id>, id: &str) -> Refusal {
    let own: Vec<&str> = own.map(|id| &**id).collect();
    Refusal::code(code::INVALID_TEMPLATE_ID).because(
        "template.unknown",
        Some(id.to_owned()),
        Some(own.join(", ")),
    )
}

fn not_own(world: &World, appid: &Id, id: &str) -> Refusal {
    let own = listed(world, appid).into_iter();
    unknown(own.map(|(id, _)| id), id)
}

/// `template/del_private_template`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = asked.text("template_id")?;
    match TEMPLATES.remove(turn.world, &(asked.appid.clone(), id.into())) {
        Some(_) => Ok(Reply::Acknowledged),
        None => Err(not_own(turn.world, &asked.appid, id)),
    }
}

/// `message/template/send`.
///
/// WECHAT: a mini program wins over an address; a repeat of a `client_msg_id` to one person is not sent again for ten
/// minutes and gets the first message's number.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (appid, id) = (&asked.appid, asked.text("template_id")?);
    let contact = fans::contact(turn.world, appid, asked.text("touser")?)?;
    let (openid, followed) = (contact.openid.clone(), contact.followed);
    let Some(template) = TEMPLATES
        .get(turn.world, &(appid.clone(), id.into()))
        .cloned()
    else {
        return Err(not_own(turn.world, appid, id));
    };
    if !followed {
        return Err(Refusal::code(code::NOT_FOLLOWING).because(
            "interaction.not_following",
            Some(openid.to_string()),
            None,
        ));
    }
    let whom = json!({"account": &**appid, "openid": &*openid});
    let house = turn.world.house;
    if let Some(code) = house.objection(turn.world, TO_WRITE, &whom) {
        return Err(Refusal::code(code));
    }
    let once = asked.given("client_msg_id").filter(|id| !id.is_empty());
    let once = once.map(|id| (appid.clone(), Id::from(format!("{openid} {id}"))));
    let before = once.as_ref().and_then(|once| ONCE.get(turn.world, once));
    if let Some(before) = before {
        return Ok(Reply::Json(
            json!({"errcode": 0, "errmsg": "ok", "msgid": before}),
        ));
    }
    let msgid = FIRST_ID + turn.world.serial("template_message");
    if let Some(once) = once {
        let until = turn.now.0 + REMEMBERED;
        turn.later(
            until,
            NAME,
            json!({"account": &*once.0, "forget": &*once.1}),
        );
        ONCE.put(turn.world, once, msgid);
    }
    let rules = asked.account(turn.world)?.rules.clone();
    let blocked = BLOCKED.has(turn.world, &(appid.clone(), openid.clone()));
    let status = match OUTCOME.word(Some(&rules)) {
        _ if blocked => USER_BLOCK,
        SYSTEM_FAILED => SYSTEM_FAILED,
        _ => SUCCESS,
    };
    if status == SUCCESS {
        let display = match DISPLAY.word(Some(&rules)) {
            "before_2023" => Display::Whole,
            _ => Display::Cut,
        };
        let fields = bubble(&template, &asked.body, display);
        let said = turn.say(
            appid,
            &openid,
            Speaker::Account,
            "template",
            "template",
            fields,
        );
        if let Some(said) = said {
            sent::show(turn, asked, &openid, &said.item, MESSAGE);
        }
    }
    let finished = json!({
        "account": &**appid, "openid": &*openid, "msgid": msgid, "status": status,
    });
    turn.later(turn.now.0 + 1, NAME, finished);
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "msgid": msgid}),
    ))
}
const MESSAGE: (&str, &str) = ("模板消息", "template message");

/// What the phone shows of a message.
fn bubble(template: &Template, body: &Value, display: Display) -> Map<String, Value> {
    let none = Map::new();
    let data = body.get("data").and_then(Value::as_object).unwrap_or(&none);
    let shown = text::shown(&template.content, data, display);
    let lines: Vec<Value> = { shown.iter() }
        .map(|(label, _, value)| json!({"name": label, "value": value}))
        .collect();
    let data: Map<String, Value> = { shown.into_iter() }
        .map(|(_, name, value)| (name.to_owned(), json!({"value": value})))
        .collect();
    let mut fields = elements([
        ("title", json!(template.title)),
        ("data", Value::Object(data)),
        ("lines", json!(lines)),
    ]);
    let given = |from: &Value, name: &str| from.get(name).filter(|text| is_text(text)).cloned();
    let program = body.get("miniprogram").unwrap_or(&Value::Null);
    let jump = [
        ("url", given(body, "url")),
        ("appid", given(program, "appid")),
        ("pagepath", given(program, "pagepath")),
    ];
    fields.extend(
        jump.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    fields
}

/// WECHAT: some SDKs send what they leave out as an empty text.
pub(super) fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    if let Some(once) = id_in(what, "forget") {
        ONCE.remove(turn.world, &(appid, once));
        return;
    }
    let Some(openid) = id_in(what, "openid") else {
        return;
    };
    let fields = elements([
        ("MsgID", what["msgid"].clone()),
        ("Status", what["status"].clone()),
    ]);
    let draft = Draft::event(event::TEMPLATE_SEND_JOB_FINISH, fields).told();
    message::push(turn, &appid, &openid, &draft);
}

fn block(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let allow: bool = input.field("allow")?.unwrap_or_default();
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    let key = (scene.appid.clone(), openid.clone());
    let (name, account) = (&scene.nickname, &scene.account_name);
    let words = if allow {
        BLOCKED.remove(turn.world, &key);
        Words::new(
            format!("{name} 恢复接收{account}的模板消息"),
            format!("{name} allows template messages of {account} again"),
        )
    } else {
        BLOCKED.put(turn.world, key, ());
        Words::new(
            format!("{name} 拒收{account}的模板消息"),
            format!("{name} blocks template messages of {account}"),
        )
    };
    let row = scene.row(turn, &openid, words);
    turn.show(row);
    Ok(json!({"deliveries": []}))
}

fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let items: Vec<Value> = listed(world, &appid)
        .into_iter()
        .map(|(id, template)| told(id, template))
        .collect();
    Ok(json!({"items": items}))
}

fn told(id: &Id, template: &Template) -> Value {
    json!({
        "template_id": &**id, "title": template.title, "content": template.content,
        "example": template.example,
    })
}

/// A template of one's own, as a test account's page makes them: `title`, `content` with `{{name.DATA}}`, `example`.
fn made_by_hand(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    #[derive(Deserialize)]
    struct Given {
        title: String,
        content: String,
        #[serde(default)]
        example: String,
    }
    let appid = accounts::id(turn.world, request.part("appid"))?;
    let kind = accounts::account(turn.world, &appid)?.kind;
    if !KINDS.contains(&kind) {
        return Err(Refused::unwilling(format!(
            "a {kind} has no template messages"
        )));
    }
    let given: Given = request.body()?;
    if text::lines(&given.content).is_empty() {
        return Err(Refused::invalid(
            "`content` has no value; one is written `{{name.DATA}}`",
        ));
    }
    let id = put(turn, &appid, &given.title, &given.content, &given.example);
    let template = TEMPLATES.get(turn.world, &(appid, id.clone()));
    template
        .map(|template| told(&id, template))
        .ok_or_else(|| Refused::unknown("template", &id))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    TEMPLATES.remove_under(turn.world, &appid);
    INDUSTRIES.remove(turn.world, &appid);
    BLOCKED.remove_under(turn.world, &appid);
    ONCE.remove_under(turn.world, &appid);
}
