//! QR codes with a scene (带参数二维码): made by a call, scanned on the phone.
//!
//! Whoever scans a code and does not follow yet follows by it; the event says which scene it was. A temporary code ends at
//! its second; a permanent one of the same scene is the same code. Its picture is a page of the platform.
//!
//! Source: doc pages "生成带参数的二维码", "接收事件推送".

mod picture;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};
use xinqiao_message::names::event;
use xinqiao_types::percent;

use super::{
    KINDS,
    fans::{FAN_VIEW, fan_id},
    phone,
    push_xml::{Draft, elements},
};
use crate::{
    accounts,
    door::{
        Asked, Refusal, Reply, Verdict,
        asked::whole,
        pages::{Leaf, Shows, Visit, path_of},
        stateful,
    },
    kernel::{
        Effect, Id, Refused, Table, Turn, World,
        declared::{Card, Field, Holds, Shown, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
        row::Words,
    },
    people::{
        act::{Input, Scene},
        phone::{UNFOLLOWED, contact, follows},
    },
    products::Feature,
};

/// Codes by account and ticket.
static CODES: Table<(Id, Id), Code> = Table::new("official_account.qr_codes", 1);
/// The ticket of an account's permanent code, by its scene.
static PERMANENT: Table<(Id, Id), Id> = Table::memory("official_account.qr_codes_permanent");
/// How many permanent codes an account has.
static PERMANENT_COUNTS: Table<Id, usize> = Table::memory("official_account.qr_codes_counts");
/// Whose code a ticket is.
static TICKETS: Table<Id, Id> = Table::memory("official_account.qr_codes_tickets");
/// With which code a person came to follow, by account and openid.
static CAME: Table<(Id, Id), Came> = Table::new("official_account.qr_codes_came", 1);

/// The picture of a code.
const PICTURE: &str = "page.showqrcode";

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&CODES, &CAME],
    behaviours: &[stateful(oa::qr_code::CREATE, SCANNED, create)],
    pages: &[Shows {
        page: PICTURE,
        run: show,
    }],
    acts: &[phone::act("scan", said("扫码", "Scan"), FIELDS, scan)],
    routes: &[Route {
        method: "GET",
        path: PATH,
        run: Handler::Look(in_control),
    }],
    shows: &[Shown::Card(&CARD)],
    views: &[(FAN_VIEW, in_fan)],
    due: Some(due),
    topics: &[
        (UNFOLLOWED, unfollowed),
        (accounts::DELETED, account_deleted),
    ],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.qr_codes";
const PATH: &str = "/accounts/{appid}/qr_codes";
const SCANNED: &str = "a_code_is_scanned_and_the_event_says_its_scene";

const FIELDS: &[Field] = &[text(
    "ticket",
    "二维码的 ticket 或 url",
    "Ticket or url of the code",
)];

static CARD: Card = Card {
    name: "qr_codes",
    title: said("带参数二维码", "QR codes"),
    kinds: KINDS,
    path: PATH,
    fields: &[
        field("picture", "二维码", "Code", Holds::Picture),
        text("scene", "场景值", "Scene"),
        text("action", "类型", "Kind"),
        text("ticket", "ticket", "Ticket"),
        field("expires_at", "到期", "Ends", Holds::Number).optional(),
    ],
};

/// The catalog's limit of permanent codes of an account, of the numbers of their scenes, and of scenes that are texts.
pub(super) const PERMANENT_MOST: &str = "qr_code.permanent";
pub(super) const PERMANENT_SCENE: &str = "scenes.qr_limit_scene";
pub(super) const TEXT_SCENE: &str = "scenes.qr_str_scene";
/// How tickets begin.
const TICKET: &str = "gQ";
/// What a code says, before a word with which its ticket goes on.
const ADDRESS: &str = "http://weixin.qq.com/q/";
const WORD: usize = 24;
/// How many seconds a temporary code lives that nobody gave a time, and how many at most.
pub(super) const SHORT: &str = "qr_code.seconds";
pub(super) const LONG: &str = "scenes.qr_expire_seconds";

/// A code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Code {
    /// As the call named it: `QR_SCENE` …
    action: String,
    scene: String,
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// With which scene a person came to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Came {
    scene: String,
    /// Whether it is a number.
    number: bool,
}

impl Code {
    /// Permanent codes of numbers and of texts are two kinds.
    fn is_number(&self) -> bool {
        matches!(self.action.as_str(), "QR_SCENE" | "QR_LIMIT_SCENE")
    }
}

/// The scene that a call gives, in the form that its action takes.
fn scene(asked: &Asked, action: &str) -> Result<String, Refusal> {
    let given = &asked.group("action_info")?["scene"];
    let number = || given.get("scene_id").and_then(whole);
    let word = || given.get("scene_str").and_then(Value::as_str);
    let permanent = |id: &i64| {
        usize::try_from(*id).is_ok_and(|id| (1..=limit::count(PERMANENT_SCENE)).contains(&id))
    };
    let scene = match action {
        "QR_SCENE" => number()
            .filter(|id| *id != 0 && (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(id))
            .map(|id| id.to_string()),
        "QR_LIMIT_SCENE" => number().filter(permanent).map(|id| id.to_string()),
        "QR_STR_SCENE" | "QR_LIMIT_STR_SCENE" => word()
            .filter(|word| limit::fits(TEXT_SCENE, word))
            .map(ToOwned::to_owned),
        _ => None,
    };
    scene.ok_or_else(|| {
        Refusal::code(code::INVALID_ACTION_INFO).because(
            "qr_code.scene",
            Some(format!("{action}: {given}")),
            None,
        )
    })
}

fn told(ticket: &str, code: &Code, seconds: Option<i64>) -> Value {
    let mut told = json!({"ticket": ticket, "url": code.url});
    if let Some(seconds) = seconds {
        told["expire_seconds"] = json!(seconds);
    }
    told
}

fn permanent_key(appid: &Id, code: &Code) -> (Id, Id) {
    (
        appid.clone(),
        format!("{} {}", code.action, code.scene).into(),
    )
}

/// Where a browser finds the picture of a code.
fn picture_of(world: &World, ticket: &str) -> String {
    let ticket = percent::encode(ticket);
    let (pages, path) = (&world.origins.pages, path_of(PICTURE));
    format!("{pages}{path}?ticket={ticket}")
}

/// `showqrcode`: the picture of a code.
///
/// WECHAT: whoever has the ticket sees it, without a token; a ticket of no code is a 404.
fn show(turn: &mut Turn<'_>, visit: &Visit<'_>) -> Leaf {
    let ticket: Id = visit
        .query
        .get("ticket")
        .cloned()
        .unwrap_or_default()
        .into();
    let of = TICKETS.get(turn.world, &*ticket);
    let code = of.and_then(|appid| CODES.get(turn.world, &(appid.clone(), ticket.clone())));
    match code.and_then(|code| picture::of(&code.url)) {
        Some(bytes) => Leaf::Picture {
            content_type: "image/png",
            bytes,
        },
        None => Leaf::Missing,
    }
}

/// A permanent code is found by its scene.
fn enter(world: &mut World, key: (Id, Id), ticket: Id) {
    *PERMANENT_COUNTS.or_default(world, key.0.clone()) += 1;
    PERMANENT.put(world, key, ticket);
}

/// `qrcode/create`.
///
/// WECHAT: a time beyond thirty days is cut to them, and without one a code lives a minute. Tickets have characters that
/// an address must escape.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let action = asked.text("action_name")?.to_owned();
    let scene = scene(asked, &action)?;
    let seconds = (!action.contains("LIMIT")).then(|| {
        let wanted = asked.body.get("expire_seconds").and_then(whole);
        wanted
            .filter(|wanted| *wanted > 0)
            .unwrap_or_else(|| limit::seconds(SHORT))
            .min(limit::seconds(LONG))
    });
    let draw = turn.world.next("qr_code").media_id();
    let ticket: Id = format!("{TICKET}{draw}==").into();
    let code = Code {
        action,
        scene,
        url: format!("{ADDRESS}{}", &draw[..WORD]),
        expires_at: seconds.map(|seconds| turn.now.0 + seconds),
    };
    if let Some(at) = code.expires_at {
        let what = json!({"account": &*asked.appid, "ticket": &*ticket});
        turn.later(at, NAME, what);
    } else {
        let key = permanent_key(&asked.appid, &code);
        if let Some(ticket) = PERMANENT.get(turn.world, &key) {
            let same = CODES.get(turn.world, &(asked.appid.clone(), ticket.clone()));
            return Ok(Reply::Json(told(ticket, same.unwrap_or(&code), None)));
        }
        let have = PERMANENT_COUNTS.get(turn.world, &asked.appid).copied();
        if have.is_some_and(|have| have >= limit::count(PERMANENT_MOST)) {
            return Err(Refusal::code(code::QRCODE_LIMIT));
        }
        enter(turn.world, key, ticket.clone());
    }
    let answer = told(&ticket, &code, seconds);
    TICKETS.put(turn.world, ticket.clone(), asked.appid.clone());
    CODES.put(turn.world, (asked.appid.clone(), ticket), code);
    Ok(Reply::Json(answer))
}

/// A temporary code ends.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(appid), Some(ticket)) = (id_in(what, "account"), id_in(what, "ticket")) {
        TICKETS.remove(turn.world, &*ticket);
        CODES.remove(turn.world, &(appid, ticket));
    }
}

/// The code of the account that has this ticket, or leads to this address.
fn find<'w>(world: &'w World, appid: &Id, wanted: &str) -> Option<(&'w Id, &'w Code)> {
    let begins = match wanted.strip_prefix(ADDRESS) {
        Some(word) if word.len() == WORD => format!("{TICKET}{word}"),
        _ => wanted.to_owned(),
    };
    let from = (appid.clone(), Id::from(begins.as_str()));
    let ((of, ticket), code) = CODES.range(world, from..).next()?;
    let found = &**ticket == wanted || (begins != wanted && ticket.starts_with(&begins));
    (of == appid && found).then_some((ticket, code))
}

/// A person scans a code of the account.
fn scan(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let wanted = input.field::<String>("ticket")?;
    let wanted = wanted.ok_or_else(|| Refused::invalid("`ticket` is missing"))?;
    let Some((ticket, code)) = find(turn.world, &scene.appid, &wanted) else {
        return Err(Refused::unwilling(
            "the account has no such code: it ended, or it is another account's",
        ));
    };
    let (ticket, code) = (ticket.clone(), code.clone());
    let openid = contact(turn.world, scene.user, &scene.appid);
    phone::one_more_may_follow(turn, scene, &openid)?;
    let how: Id = "ADD_SCENE_QR_CODE".into();
    let news = follows(turn, scene.user, &scene.appid, &how);
    // WECHAT: who follows by a code is told with the prefix, who followed already without it.
    let (name, key) = if news {
        let came = Came {
            scene: code.scene.clone(),
            number: code.is_number(),
        };
        CAME.put(turn.world, (scene.appid.clone(), openid.clone()), came);
        (event::SUBSCRIBE, format!("qrscene_{}", code.scene))
    } else {
        (event::SCAN, code.scene.clone())
    };
    let fields = elements([("EventKey", json!(key)), ("Ticket", json!(&*ticket))]);
    let words = Words::new(
        format!(
            "{} 扫了{}的二维码“{}”",
            scene.nickname, scene.account_name, code.scene
        ),
        format!(
            "{} scans the code “{}” of {}",
            scene.nickname, code.scene, scene.account_name
        ),
    );
    turn.effects
        .extend([Effect::Users, Effect::Accounts, scene.chat()]);
    let draft = Draft::event(name, fields);
    Ok(phone::happen(turn, scene, &openid, words, &[draft]))
}

/// `qr_scene` and `qr_scene_str` of a fan.
fn in_fan(world: &World, id: &str, view: &mut Value) {
    if view["subscribe"] != 1 {
        return;
    }
    let Some((appid, openid)) = id.split_once(' ') else {
        return;
    };
    debug_assert_eq!(fan_id(appid, openid), id);
    let Some(came) = CAME.get(world, &(Id::from(appid), Id::from(openid))) else {
        return;
    };
    if came.number {
        view["qr_scene"] = json!(came.scene.parse::<i64>().unwrap_or_default());
    } else {
        view["qr_scene_str"] = json!(came.scene);
    }
}

/// `GET /accounts/{appid}/qr_codes`.
fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.after.clone().unwrap_or_default();
    let items = CODES
        .after(world, (appid, Id::from(after.as_str())))
        .map(|(ticket, code)| {
            let view = json!({
                "ticket": &**ticket, "action": code.action, "scene": code.scene,
                "url": code.url, "expires_at": code.expires_at, "picture": picture_of(world, ticket),
            });
            (ticket.to_string(), view)
        });
    Ok(page.answer(items))
}

/// Who follows anew came another way, until told otherwise.
fn unfollowed(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(appid), Some(openid)) = (id_in(what, "account"), id_in(what, "openid")) {
        CAME.remove(turn.world, &(appid, openid));
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        for (ticket, _) in CODES.remove_under(turn.world, &appid) {
            TICKETS.remove(turn.world, &*ticket);
        }
        PERMANENT.remove_under(turn.world, &appid);
        PERMANENT_COUNTS.remove(turn.world, &appid);
        CAME.remove_under(turn.world, &appid);
    }
}

fn index(world: &mut World) {
    let tickets: Vec<(Id, Id)> = CODES
        .all(world)
        .map(|((appid, ticket), _)| (ticket.clone(), appid.clone()))
        .collect();
    for (ticket, appid) in tickets {
        TICKETS.put(world, ticket, appid);
    }
    let all: Vec<((Id, Id), Id)> = CODES
        .all(world)
        .filter(|(_, code)| code.expires_at.is_none())
        .map(|((appid, ticket), code)| (permanent_key(appid, code), ticket.clone()))
        .collect();
    for (key, ticket) in all {
        enter(world, key, ticket);
    }
}
