//! Mass messages (群发): by tag, to all, to a list of people; preview, state, deleting, speed.
//!
//! A call only takes the message in. A second later it is sent, piece by piece ([`job`]), and `MASSSENDJOBFINISH` tells
//! how it went. A verified subscription account sends once a day, a service account to all four times a month, and each
//! person gets at most four of its messages a month.
//!
//! Source: doc page "群发接口和原创校验".

mod content;
mod job;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use xinqiao_catalog::{code, id::official_account as oa};
use xinqiao_crypto::Hex;
use xinqiao_types::{AccountKind, shanghai::DAY};

use super::{articles, custom_message::TO_WRITE, draft, fans, quota, sent, tags};
use crate::{
    accounts::{
        self,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    people::{self, broadcast, contact::Speaker},
    products::Feature,
};

use self::{content::Content, job::Audience};

/// Mass messages by account and `msg_id`.
static MESSAGES: Table<(Id, u64), Mass> = Table::new("official_account.mass", 1);
/// `clientmsgid`s of an account, with their message and when it was sent.
static CLIENT_IDS: Table<(Id, Id), (u64, i64)> = Table::new("official_account.mass_client_ids", 1);
/// How fast an account sends: 0 to 4.
static SPEEDS: Table<Id, usize> = Table::new("official_account.mass_speed", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&MESSAGES, &CLIENT_IDS, &SPEEDS],
    behaviours: &[
        stateful(oa::message::mass::SEND_ALL, TO_ALL, send_all),
        stateful(oa::message::mass::SEND, TO_LIST, send),
        stateful(oa::message::mass::PREVIEW, PREVIEW, preview),
        stateful(oa::message::mass::GET, TO_ALL, get),
        stateful(oa::message::mass::DELETE, DELETED, delete),
        stateful(oa::message::mass::speed::GET, SPEED, get_speed),
        stateful(oa::message::mass::speed::SET, SPEED, set_speed),
    ],
    rules: &[&REVIEW, &ORIGINAL, &REPEAT, &CLIENT_ID_BYTES],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.mass";
const TO_ALL: &str = "a_mass_message_reaches_all_and_its_event_counts_them";
const TO_LIST: &str = "a_mass_message_to_a_list_of_people";
const PREVIEW: &str = "a_preview_reaches_one_person";
const DELETED: &str = "a_deleted_mass_message_loses_its_content";
const SPEED: &str = "the_speed_of_mass_messages_is_set_and_told";

static REVIEW: Rule = Rule {
    name: "mass.review",
    default: Preset::Word(
        "pass",
        &[
            "pass",
            "send fail",
            "err(10001)",
            "err(20001)",
            "err(20002)",
            "err(20004)",
            "err(20006)",
            "err(20008)",
            "err(20013)",
            "err(21000)",
            "err(22000)",
            "err(30001)",
            "err(40001)",
            "err(40002)",
        ],
    ),
    about: (
        "群发审核的结果：pass 通过，其他为 MASSSENDJOBFINISH 的 Status",
        "what review says of mass messages: `pass`, or the Status of MASSSENDJOBFINISH",
    ),
    source: "the page lists the values of Status",
};
static ORIGINAL: Rule = Rule {
    name: "mass.original",
    default: Preset::Word("own", &["own", "reprint", "barred"]),
    about: (
        "原创校验：own 非转载，reprint 转载且允许，barred 不允许群发",
        "the check for reprints: `own`, a `reprint` that is allowed, or `barred`",
    ),
    source: "the page's CheckState 1, 2 and 3",
};
static REPEAT: Rule = Rule {
    name: "mass.repeat",
    default: Preset::Word("documented", &["documented", "exists", "sent"]),
    about: (
        "重复的 clientmsgid：documented 一分钟内 45066、之后 45065；exists 总是 45065；sent 照常发送",
        "a clientmsgid again: `documented` is 45066 within a minute and 45065 after it, `exists` always 45065, `sent` \
         sends it",
    ),
    source: "documented; that the minute counts from the first message is inferred",
};
static CLIENT_ID_BYTES: Rule = Rule {
    name: "mass.client_id_bytes",
    default: Preset::Number(64, 1024),
    about: ("clientmsgid 最多多少字节", "most bytes of a clientmsgid"),
    source: "the page says 64; a report has 36 refused",
};

/// `msg_id` of messages.
const FIRST_ID: u64 = 1_000_000_000;
/// `msg_data_id` of articles.
const FIRST_DATA_ID: u64 = 2_247_483_000;
/// Fewest and most people of a list.
const LIST: std::ops::RangeInclusive<usize> = 2..=10_000;
/// For how long a `clientmsgid` is remembered.
const REMEMBERED: i64 = DAY;
/// In so many seconds a repeat is too fast.
const TOO_FAST: i64 = 60;
/// Ten thousands a minute, by speed.
const REAL_SPEEDS: [u64; 5] = [80, 60, 45, 30, 10];
/// The rows that count what was taken in.
const DAILY_ROW: &str = "mass.sub.day";
const MONTHLY_ROW: &str = "mass.svc.is_to_all";

/// A mass message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mass {
    audience: Audience,
    kind: String,
    fields: Map<String, Value>,
    /// `msg_data_id`.
    data_id: u64,
    articles: usize,
    /// Whether it goes on though it is a reprint.
    goes_on: bool,
    state: State,
    /// Its bubble, once it began.
    item: Option<u64>,
    total: u64,
    sent: u64,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Sending,
    Sent,
    /// With the event's words.
    Failed(String),
    Deleted,
}

/// `message/mass/sendall`.
fn send_all(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let filter = asked.group("filter")?;
    let to_all = filter.get("is_to_all").is_some_and(is_on);
    let tag = { filter.get("tag_id").or_else(|| filter.get("group_id")) }.and_then(whole);
    let audience = match (to_all, tag.and_then(|tag| u64::try_from(tag).ok())) {
        (true, _) => Audience::All,
        (false, Some(tag)) if tags::exists(turn.world, &asked.appid, tag) => Audience::Tag(tag),
        _ => return Err(Refusal::code(code::INVALID_TAG_ID)),
    };
    take_in(turn, asked, audience)
}

fn is_on(value: &Value) -> bool {
    value.as_bool().or_else(|| Some(whole(value)? == 1)) == Some(true)
}

/// `message/mass/send`: two people at least.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let list = asked.texts("touser")?;
    if list.len() < *LIST.start() {
        return Err(Refusal::code(code::TOO_FEW_OPENIDS));
    }
    if list.len() > *LIST.end() {
        return Err(Refusal::code(code::INVALID_OPENID_LIST_SIZE));
    }
    let people = list
        .into_iter()
        .map(|openid| {
            Ok(fans::contact(turn.world, &asked.appid, openid)?
                .openid
                .clone())
        })
        .collect::<Result<_, Refusal>>()?;
    take_in(turn, asked, Audience::People(people))
}

/// Takes a message in; it is sent a second later.
fn take_in(turn: &mut Turn<'_>, asked: &Asked, audience: Audience) -> Verdict {
    let content = content::read(turn, asked)?;
    let client_id = client_id(turn, asked)?;
    spend(turn, asked, &audience)?;
    let number = FIRST_ID + turn.world.serial("mass");
    if let Some(client_id) = client_id {
        turn.later(
            turn.now.0 + REMEMBERED,
            NAME,
            json!({"account": &*asked.appid, "forget": &*client_id}),
        );
        let sent = (number, turn.now.0);
        CLIENT_IDS.put(turn.world, (asked.appid.clone(), client_id), sent);
    }
    let Content {
        kind,
        mut fields,
        draft,
        articles,
    } = content;
    let data_id = FIRST_DATA_ID + turn.world.serial("mass_data");
    give_addresses(turn.world, data_id, &mut fields);
    if let Some(media_id) = draft
        && audience == Audience::All
    {
        // WECHAT: what was sent to all stands in the history, and its draft is gone.
        draft::use_up(turn.world, &asked.appid, &media_id);
    }
    let mass = Mass {
        total: job::total(turn.world, &asked.appid, &audience),
        audience,
        kind: kind.to_owned(),
        fields,
        data_id,
        articles,
        goes_on: asked.body.get("send_ignore_reprint").is_some_and(is_on),
        state: State::Sending,
        item: None,
        sent: 0,
    };
    MESSAGES.put(turn.world, (asked.appid.clone(), number), mass);
    let begin = json!({"account": &*asked.appid, "message": number});
    turn.later(turn.now.0 + 1, NAME, begin);
    let mut answer = json!({
        "errcode": 0, "errmsg": "send job submission success", "msg_id": number,
    });
    if articles > 0 {
        answer["msg_data_id"] = json!(data_id);
    }
    Ok(Reply::Json(answer))
}

/// Articles are read under an address that the message gives them.
fn give_addresses(world: &World, data_id: u64, fields: &mut Map<String, Value>) {
    let articles = fields.get_mut("articles").and_then(Value::as_array_mut);
    for (article, at) in articles.into_iter().flatten().zip(1..) {
        article["url"] = json!(job::url(world, data_id, at));
    }
}

/// The `clientmsgid` to remember, unless it was used already.
///
/// WECHAT: without one the digest of range and content stands for it.
fn client_id(turn: &Turn<'_>, asked: &Asked) -> Result<Option<Id>, Refusal> {
    let rules = &asked.account(turn.world)?.rules;
    let given = asked.given("clientmsgid").filter(|id| !id.is_empty());
    let most = CLIENT_ID_BYTES.number(rules);
    if given.is_some_and(|id| i64::try_from(id.len()).unwrap_or(i64::MAX) > most) {
        return Err(Refusal::code(code::CLIENT_MSG_ID_TOO_LONG));
    }
    let policy = REPEAT.word(Some(rules));
    if policy == "sent" {
        return Ok(None);
    }
    let id: Id = match given {
        Some(id) => id.into(),
        None => digest(asked).into(),
    };
    let Some((number, at)) = CLIENT_IDS.get(turn.world, &(asked.appid.clone(), id.clone())) else {
        return Ok(Some(id));
    };
    let too_fast = policy == "documented" && turn.now.0 - at < TOO_FAST;
    let code = if too_fast {
        code::CLIENT_MSG_ID_TOO_FAST
    } else {
        code::CLIENT_MSG_ID_EXISTS
    };
    let mut refusal = Refusal::code(code).because("mass.repeat", Some(id.to_string()), None);
    refusal.extra.push(("msg_id", json!(number)));
    Err(refusal)
}

fn digest(asked: &Asked) -> String {
    let mut hash = Sha256::new();
    hash.update(asked.endpoint.id);
    hash.update(asked.body.to_string());
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    Hex::from(half).to_string()
}

/// Counts a message that is taken in.
fn spend(turn: &mut Turn<'_>, asked: &Asked, audience: &Audience) -> Result<(), Refusal> {
    let kind = asked.account(turn.world)?.kind;
    let row = match (kind, audience) {
        (AccountKind::Subscription, Audience::All | Audience::Tag(_)) => DAILY_ROW,
        (AccountKind::Service, Audience::All) => MONTHLY_ROW,
        _ => return Ok(()),
    };
    quota::spend(turn, asked, row)
}

/// `message/mass/preview`: to one person who follows, by openid or by WeChat name.
///
/// WECHAT: the name wins. A simulated person's name is the nickname or the id.
fn preview(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let named = asked.given("towxname").filter(|name| !name.is_empty());
    let openid = match named {
        Some(name) => of_name(turn.world, &asked.appid, name)
            .ok_or_else(|| Refusal::code(code::INVALID_USERNAME))?,
        None => {
            let openid = asked.given("touser").unwrap_or_default();
            fans::contact(turn.world, &asked.appid, openid)?
                .openid
                .clone()
        }
    };
    if !fans::contact(turn.world, &asked.appid, &openid)?.followed {
        return Err(Refusal::code(code::NOT_FOLLOWING));
    }
    let whom = json!({"account": &*asked.appid, "openid": &*openid});
    let house = turn.world.house;
    if let Some(code) = house.objection(turn.world, TO_WRITE, &whom) {
        return Err(Refusal::code(code));
    }
    let Content { kind, fields, .. } = content::read(turn, asked)?;
    let said = turn.say(
        &asked.appid,
        &openid,
        Speaker::Account,
        "mass",
        kind,
        fields,
    );
    if let Some(said) = said {
        sent::show(turn, asked, &openid, &said.item, ("群发预览", "preview"));
    }
    Ok(Reply::Acknowledged)
}

/// Who is called so: by id at once, by nickname among those who follow.
fn of_name(world: &World, appid: &Id, name: &str) -> Option<Id> {
    let by_id = people::user::number(name).and_then(|user| people::openid(world, user, appid));
    let by_nickname = || {
        people::CONTACTS
            .under(world, appid)
            .find(|(user, contact)| {
                let user = people::USERS.get(world, *user);
                contact.followed && user.is_some_and(|user| &*user.nickname == name)
            })
            .map(|(_, contact)| &contact.openid)
    };
    by_id.or_else(by_nickname).cloned()
}

fn named(asked: &Asked) -> Result<(Id, u64), Refusal> {
    let number = u64::try_from(asked.number("msg_id")?).unwrap_or_default();
    Ok((asked.appid.clone(), number))
}

fn unknown(number: u64) -> Refusal {
    Refusal::code(code::INVALID_ARGS).because("mass.unknown", Some(number.to_string()), None)
}

/// `message/mass/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let key = named(asked)?;
    let mass = MESSAGES
        .get(turn.world, &key)
        .ok_or_else(|| unknown(key.1))?;
    let status = match mass.state {
        State::Sending => "SENDING",
        State::Sent => "SEND_SUCCESS",
        State::Failed(_) => "SEND_FAIL",
        State::Deleted => "DELETE",
    };
    Ok(Reply::Json(json!({"msg_id": key.1, "msg_status": status})))
}

/// `message/mass/delete`: its articles, or one of them.
///
/// WECHAT: only the content goes; the card stays on the phones.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    const GONE: &str = "该内容已被发布者删除";
    let key = named(asked)?;
    let mass = MESSAGES
        .get(turn.world, &key)
        .ok_or_else(|| unknown(key.1))?;
    let (item, articles, data) = (mass.item, mass.articles, mass.data_id);
    let at = asked.body.get("article_idx").and_then(whole).unwrap_or(0);
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    if at > articles.max(1) {
        return Err(Refusal::code(code::INVALID_ARTICLE_INDEX));
    }
    let bubble = item.and_then(|item| broadcast::bubble_mut(turn.world, &asked.appid, item));
    let list = bubble.and_then(|bubble| bubble.fields.get_mut("articles")?.as_array_mut());
    for (article, own) in list.into_iter().flatten().zip(1..) {
        if at == 0 || at == own {
            article["description"] = json!(GONE);
            article.as_object_mut().map(|article| article.remove("url"));
        }
    }
    let which = at.checked_sub(1).map(|at| at as u64);
    articles::take_back(turn.world, &key.0, data, which);
    if (at == 0 || articles <= 1)
        && let Some(mass) = MESSAGES.get_mut(turn.world, &key)
    {
        mass.state = State::Deleted;
    }
    Ok(Reply::Acknowledged)
}

/// `message/mass/speed/get`.
fn get_speed(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let speed = SPEEDS.get(turn.world, &*asked.appid).copied().unwrap_or(0);
    let real = REAL_SPEEDS.get(speed).copied().unwrap_or_default();
    Ok(Reply::Json(json!({"speed": speed, "realspeed": real})))
}

/// `message/mass/speed/set`.
fn set_speed(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let given = asked.body.get("speed").and_then(whole);
    let given = given.ok_or_else(|| Refusal::code(code::NO_MASS_SPEED))?;
    let speed = usize::try_from(given).ok();
    let Some(speed) = speed.filter(|speed| *speed < REAL_SPEEDS.len()) else {
        return Err(Refusal::code(code::INVALID_MASS_SPEED));
    };
    SPEEDS.put(turn.world, asked.appid.clone(), speed);
    Ok(Reply::Acknowledged)
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    if let Some(id) = id_in(what, "forget") {
        CLIENT_IDS.remove(turn.world, &(appid, id));
        return;
    }
    if let Some(number) = what["message"].as_u64() {
        job::go_on(turn, &appid, number, what);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    MESSAGES.remove_under(turn.world, &appid);
    CLIENT_IDS.remove_under(turn.world, &appid);
    SPEEDS.remove(turn.world, &*appid);
}
