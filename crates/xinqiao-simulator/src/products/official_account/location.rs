//! Reports of where people are (上报地理位置): on entering a chat, or every five seconds while it is open.
//!
//! The account chooses which, in its console; the switch stands for it. A person agrees by the first report, which says
//! where the phone is, and is asked no more. A phone shows one chat: entering another, leaving, and a minute without an
//! act end the reports.
//!
//! Source: doc page "获取用户地理位置"; the reports every five seconds stood in its older versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_message::names::event;

use super::{
    phone,
    push_xml::{Draft, elements},
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Field, Holds, field, said},
        feature::id_in,
        row::Words,
    },
    people::{
        self,
        act::{Input, Scene},
        phone::UNFOLLOWED,
    },
    products::Feature,
};

/// Where the phones of those are who agreed, by account and person.
static PLACES: Table<(Id, u64), Place> = Table::new("official_account.places", 1);
/// Which chat a person has open that reports go on from, and the number of its opening.
static OPEN: Table<u64, (Id, u64)> = Table::new("official_account.places_open", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&PLACES, &OPEN],
    acts: &[
        phone::act(
            "report_location",
            said("上报位置", "Report the place"),
            FIELDS,
            report,
        ),
        phone::act("leave", said("离开会话", "Leave the chat"), &[], leave),
    ],
    rules: &[&REPORTS],
    due: Some(due),
    topics: &[
        (UNFOLLOWED, unfollowed),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.location";

/// When an account is told where people are.
static REPORTS: Rule = Rule {
    name: "location.reports",
    default: Preset::Word("never", &["never", "on_entering", "every_5_seconds"]),
    about: (
        "公众平台网站里的“获取用户地理位置”：never 未开通，on_entering 进入会话时上报一次，every_5_seconds 进入后每 5 秒上报一次",
        "when the account is told where people are: `never`, `on_entering` the chat, or `every_5_seconds` from then on",
    ),
    source: "doc page 获取用户地理位置: the account chooses; that it must be switched on first is documented too",
};

const FIELDS: &[Field] = &[
    field("lat", "纬度", "Latitude", Holds::Number).optional(),
    field("lng", "经度", "Longitude", Holds::Number).optional(),
    field("precision", "精度", "Precision", Holds::Number).optional(),
];

/// Between two reports of an open chat.
const PAUSE: i64 = 5;
/// So many follow an act at most: nobody looks at a phone for ever.
const MOST: u64 = 12;
/// Metres, where a report does not say how exact it is.
const PRECISION: f64 = 65.0;

/// Where a phone is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Place {
    lat: f64,
    lng: f64,
    precision: f64,
}

fn chosen<'w>(world: &'w World, appid: &Id) -> &'w str {
    let rules = ACCOUNTS.get(world, appid).map(|account| &account.rules);
    REPORTS.word(rules)
}

/// A person reports where the phone is, and agrees to further reports.
fn report(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let key = (scene.appid.clone(), scene.user);
    let contact = people::CONTACTS.get(turn.world, &key);
    if !contact.is_some_and(|contact| contact.followed) {
        return Err(Refused::unwilling(format!(
            "{} does not follow {}: follow first",
            scene.nickname, scene.account_name
        )));
    }
    if chosen(turn.world, &scene.appid) == "never" {
        return Err(Refused::unwilling(format!(
            "{} does not ask where people are: set its rule `{}`",
            scene.account_name, REPORTS.name
        )));
    }
    let number = |name| input.field::<f64>(name);
    let before = PLACES.get(turn.world, &key).copied();
    let place = match (number("lat")?, number("lng")?, before) {
        (Some(lat), Some(lng), _) => Place {
            lat,
            lng,
            precision: number("precision")?.unwrap_or(PRECISION),
        },
        (None, None, Some(before)) => before,
        _ => return Err(Refused::invalid("`lat` or `lng` is missing")),
    };
    let on_earth = (-90.0..=90.0).contains(&place.lat)
        && (-180.0..=180.0).contains(&place.lng)
        && place.precision >= 0.0;
    if !on_earth {
        return Err(Refused::invalid(
            "`lat`, `lng` and `precision` are no place on earth",
        ));
    }
    PLACES.put(turn.world, key, place);
    let openid = people::phone::contact(turn.world, scene.user, &scene.appid);
    let drafts = entered(turn, scene);
    let words = Words::new(
        format!("{} 上报位置给{}", scene.nickname, scene.account_name),
        format!(
            "{} tells {} where the phone is",
            scene.nickname, scene.account_name
        ),
    );
    Ok(phone::happen(turn, scene, &openid, words, &drafts))
}

/// A chat is open from now on: the report of it, if the account wants one and the person agreed.
pub(super) fn entered(turn: &mut Turn<'_>, scene: &Scene) -> Vec<Draft> {
    OPEN.remove(turn.world, &scene.user);
    let key = (scene.appid.clone(), scene.user);
    let chosen = chosen(turn.world, &scene.appid);
    let Some(place) = PLACES.get(turn.world, &key).copied() else {
        return Vec::new();
    };
    match chosen {
        "never" => return Vec::new(),
        "every_5_seconds" => {
            let opening = turn.world.serial(NAME);
            OPEN.put(turn.world, scene.user, (scene.appid.clone(), opening));
            go_on(turn, scene.user, opening, MOST);
        }
        _ => {}
    }
    vec![told(place)]
}

/// WECHAT: the app may only accept it: nothing is replied to a report.
fn told(place: Place) -> Draft {
    let fields = elements([
        ("Latitude", json!(place.lat)),
        ("Longitude", json!(place.lng)),
        ("Precision", json!(place.precision)),
    ]);
    Draft::event(event::LOCATION, fields).told()
}

fn go_on(turn: &mut Turn<'_>, user: u64, opening: u64, left: u64) {
    if left > 0 {
        let what = json!({"user": user, "opening": opening, "left": left});
        turn.later(turn.now.0 + PAUSE, NAME, what);
    }
}

/// Five seconds went by in an open chat.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let number = |name: &str| what[name].as_u64().unwrap_or_default();
    let (user, opening, left) = (number("user"), number("opening"), number("left"));
    let Some((appid, of)) = OPEN.get(turn.world, &user).cloned() else {
        return;
    };
    if of != opening {
        return;
    }
    let left = left.min(MOST);
    if left <= 1 {
        OPEN.remove(turn.world, &user);
    }
    let place = PLACES.get(turn.world, &(appid.clone(), user)).copied();
    let name = { ACCOUNTS.get(turn.world, &*appid) }.map(|account| account.name.clone());
    let nickname = people::user(turn.world, user).map(|user| user.nickname.to_string());
    let (Some(place), Some(account_name), Ok(nickname)) = (place, name, nickname) else {
        return;
    };
    if chosen(turn.world, &appid) != "every_5_seconds" {
        return;
    }
    let scene = Scene {
        user,
        nickname,
        appid,
        account_name,
    };
    let openid = people::phone::contact(turn.world, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 还在{}", scene.nickname, scene.account_name),
        format!("{} is still in {}", scene.nickname, scene.account_name),
    );
    turn.cause = format!("a{}", turn.world.traffic_serial("act"));
    phone::happen(turn, &scene, &openid, words, &[told(place)]);
    go_on(turn, user, opening, left.saturating_sub(1));
}

/// A person closes the chat.
fn leave(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    OPEN.remove(turn.world, &scene.user);
    Ok(json!({"deliveries": []}))
}

fn unfollowed(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(openid)) = (id_in(what, "account"), id_in(what, "openid")) else {
        return;
    };
    if let Some(user) = people::person(turn.world, &appid, &openid) {
        PLACES.remove(turn.world, &(appid, user));
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        PLACES.remove_under(turn.world, &appid);
        let open: Vec<u64> = { OPEN.all(turn.world) }
            .filter(|(_, (of, _))| *of == appid)
            .map(|(user, _)| *user)
            .collect();
        for user in open {
            OPEN.remove(turn.world, &user);
        }
    }
}
