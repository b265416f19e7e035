//! What a person does on the phone with an official account, and what the platform pushes because of it.

use serde_json::{Map, Value, json};
use xinqiao_message::names::{event, msg_type};

use super::{
    KINDS, auto_reply,
    data_cube::messages,
    kf_session, location, media, menu, message,
    push_xml::{Draft, elements},
};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{Preset, Rule},
    },
    kernel::{
        Effect, Id, Refused, Turn,
        command::no_other_fields,
        declared::{Field, Holds, Said, Sheet, Shown, field, said, text},
        row::{RowState, Words, diagnose},
    },
    people::{
        self,
        act::{Act, Input, Scene},
        causes,
        contact::Speaker,
        phone::{contact, follows, mark_unfollowed, may_follow, seen},
    },
    products::Feature,
    push::attempts::numbers,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.phone",
    acts: &[
        act("follow", said("关注", "Follow"), &[], follow),
        act("unfollow", said("取消关注", "Unfollow"), &[], unfollow),
        act("enter", said("进入", "Enter"), &[], enter),
        Act {
            check: Some(check_message),
            ..act("send", said("发消息", "Send"), SENT, send)
        },
        act("click", said("点菜单", "Press a button"), CLICKED, click),
    ],
    rules: &[&STRANGERS],
    shows: &[Shown::Sheet(&PAGE)],
    ..Feature::EMPTY
};

/// Whether people write to an account, and are answered, who do not follow it.
pub(super) static STRANGERS: Rule = Rule {
    name: "chat.strangers",
    default: Preset::Word("refused", &["refused", "served"]),
    about: (
        "没有关注的人能否给公众号发消息、收到回复：refused 不能，served 能",
        "whether people who do not follow write to an account and are answered: `refused` or `served`",
    ),
    source: "inferred: a phone shows no chat with an account that is not followed",
};

/// The kind of view for a chat on the phone, by `appid openid`; by the appid alone where account and person have not met.
pub(crate) const CHAT_VIEW: &str = "chat";

/// Most characters of a text that a phone sends.
const TEXT_CHARACTERS: usize = 20_000;

const SENT: &[Field] = &[field("message", "消息", "Message", Holds::Any)];
const CLICKED: &[Field] = &[
    text("key", "按钮的 key", "Key of the button").optional(),
    text("url", "按钮的链接", "Link of the button").optional(),
    text("result", "扫码结果", "What was scanned").optional(),
    field("count", "图片数", "Pictures", Holds::Number).optional(),
    field("lat", "纬度", "Latitude", Holds::Number).optional(),
    field("lng", "经度", "Longitude", Holds::Number).optional(),
    text("label", "地点", "Place").optional(),
    field("precision", "精度", "Precision", Holds::Number).optional(),
];

/// A page that a menu, an article or a link leads to.
static PAGE: Sheet = Sheet {
    name: "page",
    title: said("网页", "Page"),
    kinds: &[],
    tray: false,
    fields: &[
        text("url", "链接", "Link"),
        text("title", "标题", "Title"),
        text("from", "从哪里打开", "Opened from").optional(),
    ],
};

pub(super) type Run = fn(&mut Turn<'_>, &Scene, &Input) -> Result<Value, Refused>;

pub(super) const fn act(
    verb: &'static str,
    title: Said,
    fields: &'static [Field],
    run: Run,
) -> Act {
    Act {
        verb,
        title,
        kinds: KINDS,
        about: None,
        fields,
        check: None,
        run,
    }
}

fn follow(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    let openid = contact(turn.world, scene.user, &scene.appid);
    one_more_may_follow(turn, scene, &openid)?;
    let how: Id = "ADD_SCENE_SEARCH".into();
    let news = follows(turn, scene.user, &scene.appid, &how);
    if !news {
        return Ok(json!({"deliveries": [], "already": true}));
    }
    // WECHAT: EventKey is there and empty for a plain follow.
    let draft = Draft::event(event::SUBSCRIBE, elements([("EventKey", json!(""))]));
    let words = Words::new(
        format!("{} 关注了{}", scene.nickname, scene.account_name),
        format!("{} follows {}", scene.nickname, scene.account_name),
    );
    turn.effects
        .extend([Effect::Users, Effect::Accounts, scene.chat()]);
    let done = happen(turn, scene, &openid, words, &[draft]);
    auto_reply::answer(turn, &scene.appid, &openid, None);
    Ok(done)
}

/// Whether this person may come to follow the account, or does already.
pub(super) fn one_more_may_follow(
    turn: &Turn<'_>,
    scene: &Scene,
    openid: &Id,
) -> Result<(), Refused> {
    let known = people::contact(turn.world, &scene.appid, openid);
    if known.is_some_and(|contact| contact.followed) {
        return Ok(());
    }
    may_follow(turn.world, &scene.appid, 1)
}

fn unfollow(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    let openid = contact(turn.world, scene.user, &scene.appid);
    if !mark_unfollowed(turn, &openid, &scene.appid) {
        return Ok(json!({"deliveries": [], "already": true}));
    }
    let draft = Draft::event(event::UNSUBSCRIBE, elements([("EventKey", json!(""))])).quiet();
    let words = Words::new(
        format!("{} 取消关注{}", scene.nickname, scene.account_name),
        format!("{} unfollows {}", scene.nickname, scene.account_name),
    );
    turn.effects
        .extend([Effect::Users, Effect::Accounts, scene.chat()]);
    Ok(happen(turn, scene, &openid, words, &[draft]))
}

/// Entering the chat pushes nothing by itself: a place is reported only where the account has asked for it.
fn enter(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    let openid = contact(turn.world, scene.user, &scene.appid);
    seen(turn, scene.user, &scene.appid);
    let reports = location::entered(turn, scene);
    let words = Words::new(
        format!("{} 进入{}", scene.nickname, scene.account_name),
        format!("{} enters {}", scene.nickname, scene.account_name),
    );
    if !reports.is_empty() {
        return Ok(happen(turn, scene, &openid, words, &reports));
    }
    let mut row = scene.row(turn, &openid, words);
    row.subtitle = Words::new("不推送事件", "pushes nothing");
    turn.show(row);
    Ok(json!({"deliveries": []}))
}

/// A message as the phone sends it: its bubble and its push.
struct Message {
    kind: &'static str,
    bubble: Map<String, Value>,
    elements: Map<String, Value>,
    spoken: String,
}

fn send(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let message = read_message(turn, &scene.appid, input)?;
    let openid = contact(turn.world, scene.user, &scene.appid);
    may_write(turn, scene, &openid)?;
    turn.say(
        &scene.appid,
        &openid,
        Speaker::User,
        "user",
        message.kind,
        message.bubble,
    );
    kf_session::person_said(turn, &scene.appid, &openid, &message.spoken);
    messages::person_said(turn, &scene.appid, scene.user, message.kind);
    let words = Words::new(
        format!("{} 说“{}”", scene.nickname, message.spoken),
        format!("{} says “{}”", scene.nickname, message.spoken),
    );
    let draft = Draft::message(message.kind, message.elements);
    let done = happen(turn, scene, &openid, words, &[draft]);
    auto_reply::answer(turn, &scene.appid, &openid, Some(&message.spoken));
    Ok(done)
}

/// Only who follows has a chat to write in.
fn may_write(turn: &Turn<'_>, scene: &Scene, openid: &Id) -> Result<(), Refused> {
    let rules = { ACCOUNTS.get(turn.world, &*scene.appid) }.map(|account| &account.rules);
    let contact = people::contact(turn.world, &scene.appid, openid);
    if contact.is_some_and(|contact| contact.followed) || STRANGERS.word(rules) == "served" {
        return Ok(());
    }
    Err(Refused::unwilling(format!(
        "{} does not follow {}: follow first",
        scene.nickname, scene.account_name
    )))
}

/// Refuses a message with a field that its kind does not have.
fn check_message(fields: &Map<String, Value>) -> Result<(), Refused> {
    let Some(Value::Object(message)) = fields.get("message") else {
        return Ok(());
    };
    let known: &[&str] = match message.get("type").and_then(Value::as_str) {
        Some(msg_type::TEXT) => &["type", "content", "bizmsgmenuid"],
        Some(msg_type::IMAGE) => &["type", "media_id", "data", "url"],
        Some(msg_type::VOICE) => &["type", "media_id", "data", "recognition"],
        Some(msg_type::VIDEO | msg_type::SHORT_VIDEO) => &["type", "media_id", "data"],
        Some(msg_type::LOCATION) => &["type", "lat", "lng", "scale", "label"],
        Some(msg_type::LINK) => &["type", "url", "title", "description"],
        // What is wrong with it is said where it is read.
        _ => return Ok(()),
    };
    no_other_fields(message.keys(), known)
}

fn read_message(turn: &mut Turn<'_>, appid: &str, input: &Input) -> Result<Message, Refused> {
    let Some(message) = &input.field::<Map<String, Value>>("message")? else {
        return Err(Refused::invalid("`message` is missing"));
    };
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let number = |name: &str| message.get(name).and_then(Value::as_f64);
    let kind = text("type").ok_or_else(|| Refused::invalid("`message.type` is missing"))?;
    Ok(match kind {
        msg_type::TEXT => {
            let content = text("content")
                .filter(|content| !content.is_empty())
                .ok_or_else(|| Refused::invalid("`message.content` is missing or empty"))?;
            if content.chars().count() > TEXT_CHARACTERS {
                return Err(Refused::unwilling("a phone does not send so long a text"));
            }
            let mut fields = elements([("Content", json!(content))]);
            // WECHAT: a tap on an item of a menu message is a text with the item's id beside it.
            if let Some(id) = text("bizmsgmenuid") {
                fields.insert("bizmsgmenuid".to_owned(), json!(id));
            }
            Message {
                kind: msg_type::TEXT,
                bubble: elements([("content", json!(content))]),
                elements: fields,
                spoken: content.chars().take(40).collect(),
            }
        }
        msg_type::IMAGE => {
            let file = media::from_phone(turn, appid, "image", message)?;
            let pic_url = text("url").map_or_else(
                || format!("{}/mmbiz/{}/0", turn.world.origins.pages, file),
                str::to_owned,
            );
            Message {
                kind: msg_type::IMAGE,
                bubble: elements([
                    ("media_id", json!(&*file)),
                    ("url", json!(format!("/_sim/v1/media/{file}"))),
                ]),
                elements: elements([("PicUrl", json!(pic_url)), ("MediaId", json!(&*file))]),
                spoken: "[图片]".to_owned(),
            }
        }
        msg_type::VOICE => {
            let file = media::from_phone(turn, appid, "voice", message)?;
            let mut fields = elements([("MediaId", json!(&*file)), ("Format", json!("amr"))]);
            let mut bubble = elements([("media_id", json!(&*file))]);
            if let Some(recognition) = text("recognition") {
                fields.insert("Recognition".to_owned(), json!(recognition));
                bubble.insert("recognition".to_owned(), json!(recognition));
            }
            Message {
                kind: msg_type::VOICE,
                bubble,
                elements: fields,
                spoken: "[语音]".to_owned(),
            }
        }
        msg_type::VIDEO | msg_type::SHORT_VIDEO => {
            let file = media::from_phone(turn, appid, "video", message)?;
            let thumb = media::from_phone(turn, appid, "thumb", &Map::new())?;
            let kind = if kind == msg_type::VIDEO {
                msg_type::VIDEO
            } else {
                msg_type::SHORT_VIDEO
            };
            Message {
                kind,
                bubble: elements([
                    ("media_id", json!(&*file)),
                    ("thumb_media_id", json!(&*thumb)),
                ]),
                elements: elements([("MediaId", json!(&*file)), ("ThumbMediaId", json!(&*thumb))]),
                spoken: "[视频]".to_owned(),
            }
        }
        msg_type::LOCATION => {
            let (Some(lat), Some(lng)) = (number("lat"), number("lng")) else {
                return Err(Refused::invalid(
                    "`message.lat` or `message.lng` is missing",
                ));
            };
            if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lng) {
                return Err(Refused::invalid("`lat` and `lng` are not a place on earth"));
            }
            let scale = message.get("scale").and_then(Value::as_i64).unwrap_or(15);
            let label = text("label").unwrap_or_default();
            Message {
                kind: msg_type::LOCATION,
                bubble: elements([
                    ("lat", json!(lat)),
                    ("lng", json!(lng)),
                    ("scale", json!(scale)),
                    ("label", json!(label)),
                ]),
                elements: elements([
                    ("Location_X", json!(lat)),
                    ("Location_Y", json!(lng)),
                    ("Scale", json!(scale)),
                    ("Label", json!(label)),
                ]),
                spoken: format!("[位置] {label}"),
            }
        }
        msg_type::LINK => {
            let url = text("url").ok_or_else(|| Refused::invalid("`message.url` is missing"))?;
            let (title, description) = (
                text("title").unwrap_or_default(),
                text("description").unwrap_or_default(),
            );
            Message {
                kind: msg_type::LINK,
                bubble: elements([
                    ("title", json!(title)),
                    ("description", json!(description)),
                    ("url", json!(url)),
                ]),
                elements: elements([
                    ("Title", json!(title)),
                    ("Description", json!(description)),
                    ("Url", json!(url)),
                ]),
                spoken: format!("[链接] {title}"),
            }
        }
        other => {
            return Err(Refused::invalid(format!(
                "a phone does not send `{other}`; it sends text, image, voice, video, shortvideo, location, link"
            )));
        }
    })
}

fn click(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let known = people::openid(turn.world, scene.user, &scene.appid).cloned();
    let known = known.unwrap_or_default();
    let Some(current) = menu::seen_by(turn.world, &scene.appid, &known) else {
        return Err(Refused::unwilling("the account has no menu"));
    };
    let (key, url) = (input.field::<String>("key")?, input.field::<String>("url")?);
    let button = menu::find_button(current.buttons, key.as_deref(), url.as_deref())
        .ok_or_else(|| Refused::unwilling("the menu that this person sees has no such button"))?
        .clone();
    let menu_id = current.id;
    let text = |name: &str| {
        button
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (name, kind, key) = (text("name"), text("type"), text("key"));
    let words = Words::new(
        format!("{} 点击菜单“{name}”", scene.nickname),
        format!("{} taps the menu “{name}”", scene.nickname),
    );
    let event_key = |key: &str| elements([("EventKey", json!(key))]);
    let drafts = match kind.as_str() {
        "click" => vec![Draft::event(event::CLICK, event_key(&key))],
        "view" => {
            let fields = elements([("EventKey", json!(text("url"))), ("MenuId", json!(menu_id))]);
            vec![Draft::event(event::VIEW, fields).quiet()]
        }
        "miniprogram" => {
            let fields = elements([
                ("EventKey", json!(text("pagepath"))),
                ("MenuId", json!(menu_id)),
            ]);
            vec![Draft::event(event::VIEW_MINIPROGRAM, fields).quiet()]
        }
        event::SCANCODE_PUSH | event::SCANCODE_WAITMSG => {
            let result: Option<String> = input.field("result")?;
            let result = result.unwrap_or_else(|| "https://example.com/".to_owned());
            let fields = elements([
                ("EventKey", json!(key)),
                (
                    "ScanCodeInfo",
                    json!({"ScanType": "qrcode", "ScanResult": result}),
                ),
            ]);
            vec![Draft::event(&kind, fields)]
        }
        event::PIC_SYSPHOTO | event::PIC_PHOTO_OR_ALBUM | event::PIC_WEIXIN => {
            let count = input.field::<u32>("count")?.unwrap_or(1).clamp(1, 9);
            pictures(turn, scene, &kind, &key, count)?
        }
        event::LOCATION_SELECT => {
            let place = |name| input.field::<f64>(name);
            let (lat, lng) = (
                place("lat")?.unwrap_or(29.563),
                place("lng")?.unwrap_or(106.551),
            );
            let label = input.field::<String>("label")?.unwrap_or_default();
            let chosen = json!({
                "Location_X": lat.to_string(), "Location_Y": lng.to_string(), "Scale": "15",
                "Label": label, "Poiname": "",
            });
            let event = Draft::event(
                &kind,
                elements([("EventKey", json!(key)), ("SendLocationInfo", chosen)]),
            );
            let message = elements([
                ("Location_X", json!(lat)),
                ("Location_Y", json!(lng)),
                ("Scale", json!(15)),
                ("Label", json!(label)),
            ]);
            vec![event, Draft::message(msg_type::LOCATION, message)]
        }
        // WECHAT: media_id and view_limited buttons push nothing.
        _ => Vec::new(),
    };
    let openid = contact(turn.world, scene.user, &scene.appid);
    Ok(happen(turn, scene, &openid, words, &drafts))
}

/// The event, then one ordinary message a picture.
fn pictures(
    turn: &mut Turn<'_>,
    scene: &Scene,
    kind: &str,
    key: &str,
    count: u32,
) -> Result<Vec<Draft>, Refused> {
    let mut list = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..count {
        let sum = turn.world.next("picture").hex(32);
        list.push(json!({"PicMd5Sum": sum}));
        let file = media::from_phone(turn, &scene.appid, "image", &Map::new())?;
        let pic_url = format!("{}/mmbiz/{file}/0", turn.world.origins.pages);
        messages.push(Draft::message(
            msg_type::IMAGE,
            elements([("PicUrl", json!(pic_url)), ("MediaId", json!(&*file))]),
        ));
    }
    let info = json!({"Count": count, "PicList": {"item": list}});
    let mut drafts = vec![Draft::event(
        kind,
        elements([("EventKey", json!(key)), ("SendPicsInfo", info)]),
    )];
    drafts.append(&mut messages);
    Ok(drafts)
}

/// Opens what the acts allow, shows the act, pushes.
pub(super) fn happen(
    turn: &mut Turn<'_>,
    scene: &Scene,
    openid: &Id,
    words: Words,
    drafts: &[Draft],
) -> Value {
    causes::acted(turn, &scene.appid, openid);
    for draft in drafts {
        message::open_allowance(turn, &scene.appid, openid, draft);
    }
    let server = ACCOUNTS
        .get(turn.world, &*scene.appid)
        .is_some_and(|account| !account.callback.url.is_empty());
    let mut row = scene.row(turn, openid, words);
    if drafts.is_empty() {
        row.subtitle = Words::new("平台不推送", "the platform pushes nothing");
    } else if { drafts.iter() }.all(|draft| message::denied(turn, &scene.appid, draft).is_some()) {
        row.state = RowState::Warn;
        row.subtitle = Words::new(
            "没有推送：账号没有这个事件的权限",
            "not pushed: the account has no right to this event",
        );
        row.label = Words::new("无权限", "no right");
    } else if server {
        row.subtitle = Words::new("平台推送给应用", "the platform pushes it to the app");
    } else {
        row.state = RowState::Warn;
        row.subtitle = Words::new(
            "没有推送：这个账号还没有服务器地址",
            "not pushed: the account has no server address yet",
        );
        row.label = Words::new("未连接", "no server");
        row.diagnosis = Some(diagnose("callback.no_server", None, None));
    }
    turn.show(row);
    let deliveries: Vec<u64> = drafts
        .iter()
        .filter_map(|draft| message::push(turn, &scene.appid, openid, draft))
        .collect();
    json!({"deliveries": numbers(&deliveries)})
}
