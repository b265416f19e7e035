//! What a member does on the phone with an application, what is pushed because of it, and the passive reply.
//!
//! Not built: pictures, voices and videos of members, menus, and replies that name a file, since applications have no
//! files yet.
//!
//! Source: doc pages 90239 ("消息格式"), 90240 ("事件格式"), 90241 ("被动回复消息格式").

use serde_json::{Map, Value, json};
use xinqiao_message::{
    Message,
    inbound::{Head, Kind},
    names::msg_type,
    push::Speaker as Replier,
    reply::Reply,
};

use super::{KINDS, members};
use crate::{
    accounts::ACCOUNTS,
    kernel::{
        Id, Refused, Turn,
        declared::{Holds, field, said},
        row::{Plain, RowState, Words, diagnose},
    },
    people::{
        act::{Act, Input, Scene},
        bubbles::preview,
        causes,
        contact::Speaker,
        phone::{contact_as, seen},
    },
    products::Feature,
    push::{
        self, Content, Taken,
        attempts::numbers,
        envelope::{PushKind, Replied, sealed_for_corp},
        order::{Judged, PushOrder},
    },
};

static MESSAGE: PushKind = PushKind {
    name: "work.message",
    envelope: &sealed_for_corp::ENVELOPE,
    to_server: true,
    speaker: |_| Replier::Agent,
    replied,
    // WECHAT: a member is shown nothing when nobody answers.
    given_up: |_, _| {},
    of_format_1: false,
};

pub(super) static FEATURE: Feature = Feature {
    name: "work.phone",
    acts: &[
        Act {
            verb: "send",
            title: said("发消息", "Send"),
            kinds: KINDS,
            about: None,
            fields: &[field("message", "消息", "Message", Holds::Any)],
            check: None,
            run: send,
        },
        Act {
            verb: "enter",
            title: said("进入", "Enter"),
            kinds: KINDS,
            about: None,
            fields: &[],
            check: None,
            run: enter,
        },
    ],
    pushes: &[&MESSAGE],
    ..Feature::EMPTY
};

/// The event when a member opens an application.
const ENTER_AGENT: &str = "enter_agent";
/// Message ids are numbers of 19 digits.
const FIRST_MSG_ID: u64 = 7_000_000_000_000_000_000;
/// Most characters of a text that a phone sends.
const TEXT_CHARACTERS: usize = 20_000;

type Elements = Map<String, Value>;

fn elements<const N: usize>(list: [(&str, Value); N]) -> Elements {
    list.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The member who acts, known to the application from now on.
fn member(turn: &mut Turn<'_>, scene: &Scene) -> Result<Id, Refused> {
    let corp: Id = scene
        .appid
        .split_once(':')
        .map_or("", |(corp, _)| corp)
        .into();
    let Some(member) = members::of_person(turn.world, &corp, scene.user) else {
        return Err(Refused::unwilling(format!(
            "{} is no member of the corporation `{corp}`; POST /corps/{corp}/members lets somebody join",
            scene.nickname
        )));
    };
    if !member.is_reached() {
        return Err(Refused::unwilling(format!(
            "the member `{}` is disabled",
            member.userid
        )));
    }
    let userid = member.userid.clone();
    contact_as(turn.world, scene.user, &scene.appid, &userid);
    Ok(userid)
}

/// What a member sends: its type, the bubble, the elements of its push, and what a row calls it.
type Sent = (&'static str, Elements, Elements, String);

fn read(input: &Input) -> Result<Sent, Refused> {
    let message: Map<String, Value> = input
        .field("message")?
        .ok_or_else(|| Refused::invalid("`message` is missing"))?;
    let text = |name: &str| {
        let value = message.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let number = |name: &str, or: f64| message.get(name).and_then(Value::as_f64).unwrap_or(or);
    match text("type").as_str() {
        msg_type::TEXT => {
            let content = text("content");
            if content.is_empty() || content.chars().count() > TEXT_CHARACTERS {
                return Err(Refused::invalid(format!(
                    "`content` must have 1 to {TEXT_CHARACTERS} characters"
                )));
            }
            Ok((
                msg_type::TEXT,
                elements([("content", json!(content))]),
                elements([("Content", json!(content))]),
                content,
            ))
        }
        msg_type::LOCATION => {
            let (lat, lng, scale) = (
                number("lat", 29.563),
                number("lng", 106.551),
                number("scale", 15.0),
            );
            let label = text("label");
            let scale = scale as i64;
            Ok((
                msg_type::LOCATION,
                elements([
                    ("lat", json!(lat)),
                    ("lng", json!(lng)),
                    ("scale", json!(scale)),
                    ("label", json!(label)),
                ]),
                elements([
                    ("Location_X", json!(lat)),
                    ("Location_Y", json!(lng)),
                    ("Scale", json!(scale)),
                    ("Label", json!(label)),
                    ("AppType", json!("wxwork")),
                ]),
                format!("[位置] {label}"),
            ))
        }
        msg_type::LINK => {
            let (title, description, url) = (text("title"), text("description"), text("url"));
            Ok((
                msg_type::LINK,
                elements([
                    ("title", json!(title)),
                    ("description", json!(description)),
                    ("url", json!(url)),
                ]),
                elements([
                    ("Title", json!(title)),
                    ("Description", json!(description)),
                    ("Url", json!(url)),
                    ("PicUrl", json!("")),
                ]),
                format!("[链接] {title}"),
            ))
        }
        other => Err(Refused::not_built(&format!(
            "sending `{other}` to an application of a corporation; text, location and link are"
        ))),
    }
}

fn send(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let (kind, bubble, fields, spoken) = read(input)?;
    let userid = member(turn, scene)?;
    turn.say(&scene.appid, &userid, Speaker::User, "user", kind, bubble);
    let words = Words::new(
        format!("{} 说“{spoken}”", scene.nickname),
        format!("{} says “{spoken}”", scene.nickname),
    );
    let number = FIRST_MSG_ID + turn.world.serial("work.message") * 1009;
    let head = head(turn, scene, &userid, Some(number));
    let content = Content {
        plain: Message::new(head, Kind::Content, kind, fields).to_xml(),
        msg_type: kind.to_owned(),
        event: None,
        msg_id: Some(number.to_string()),
        notice: false,
        replyable: true,
    };
    Ok(happen(turn, scene, &userid, words, content))
}

/// WECHAT: the event is only pushed to applications that asked for it; the simulator takes each for one.
fn enter(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    let userid = member(turn, scene)?;
    seen(turn, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 进入{}", scene.nickname, scene.account_name),
        format!("{} enters {}", scene.nickname, scene.account_name),
    );
    let head = head(turn, scene, &userid, None);
    let fields = elements([("EventKey", json!(""))]);
    let content = Content {
        plain: Message::new(head, Kind::Event, ENTER_AGENT, fields).to_xml(),
        msg_type: msg_type::EVENT.to_owned(),
        event: Some(ENTER_AGENT.to_owned()),
        msg_id: None,
        notice: false,
        replyable: true,
    };
    Ok(happen(turn, scene, &userid, words, content))
}

fn head(turn: &Turn<'_>, scene: &Scene, userid: &Id, msg_id: Option<u64>) -> Head {
    let (corp, agent) = scene.appid.split_once(':').unwrap_or_default();
    Head {
        to: corp.to_owned(),
        from: userid.to_string(),
        time: turn.now,
        msg_id,
        agent_id: agent.parse().ok(),
        ..Head::default()
    }
}

/// Shows the act and pushes.
fn happen(
    turn: &mut Turn<'_>,
    scene: &Scene,
    userid: &Id,
    words: Words,
    content: Content,
) -> Value {
    causes::acted(turn, &scene.appid, userid);
    let server = ACCOUNTS
        .get(turn.world, &*scene.appid)
        .is_some_and(|account| !account.callback.url.is_empty());
    let mut row = scene.row(turn, userid, words);
    if server {
        row.subtitle = Words::new("平台推送给应用", "the platform pushes it to the app");
    } else {
        row.state = RowState::Warn;
        row.subtitle = Words::new(
            "没有推送：这个应用还没有服务器地址",
            "not pushed: the application has no server address yet",
        );
        row.label = Words::new("未连接", "no server");
        row.diagnosis = Some(diagnose("callback.no_server", None, None));
    }
    turn.show(row);
    let pushed = push::start(turn, &MESSAGE, &scene.appid, userid, content);
    let pushed: Vec<u64> = pushed.into_iter().collect();
    json!({"deliveries": numbers(&pushed)})
}

/// The bubble of a reply; none for what an application cannot reply.
fn bubble(reply: &Reply) -> Option<Elements> {
    match reply {
        Reply::Text { content } => Some(elements([("content", json!(content))])),
        Reply::News { articles } => {
            let articles: Vec<Value> = articles
                .iter()
                .map(|article| {
                    json!({
                        "title": article.title,
                        "description": article.description,
                        "url": article.url,
                        "picurl": article.pic_url,
                    })
                })
                .collect();
            Some(elements([("articles", json!(articles))]))
        }
        _ => None,
    }
}

/// Puts a legal reply on the phone.
fn replied(turn: &mut Turn<'_>, order: &PushOrder, replied: &Replied<'_>) -> Taken {
    let Some(fields) = bubble(replied.reply) else {
        let kind = replied.reply.msg_type();
        let named = match replied.reply {
            Reply::Image { media_id }
            | Reply::Voice { media_id }
            | Reply::Video { media_id, .. } => Some(media_id.clone()),
            _ => None,
        };
        let detail = match &named {
            Some(media_id) => format!("the reply names a file that does not exist: {media_id}"),
            None => format!("an application of a corporation does not reply with `{kind}`"),
        };
        let rule = if named.is_some() {
            "reply.media"
        } else {
            "reply.msg_type"
        };
        return Taken::Illegal {
            diagnosis: diagnose(rule, named.or_else(|| Some(kind.to_owned())), None),
            detail,
        };
    };
    let mut judged = Judged {
        state: RowState::Ok,
        label: Words::new("已回复", "replied"),
        subtitle: Words::default(),
        diagnosis: None,
        plain: Some(replied.xml.to_owned()),
    };
    if let Some(warning) = replied.warnings.first() {
        judged.state = RowState::Warn;
        judged.diagnosis = Some(diagnose(warning.rule, Some(warning.detail.clone()), None));
    }
    let kind = replied.reply.msg_type();
    let said = turn.say(
        &order.appid,
        &order.openid,
        Speaker::Account,
        "reply",
        kind,
        fields,
    );
    let Some(said) = said else {
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    };
    let preview = preview(turn.world.house, &said.item);
    judged.subtitle = Words::new(
        format!("应用回复：{preview}"),
        format!("The app replies: {preview}"),
    );
    let mut row = turn.row(&push::REPLY, judged.state);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = Some(order.openid.to_string());
    let (account, user) = (&order.account_name, order.user_name.clone());
    let user = user.unwrap_or_default();
    row.title = Words::new(
        format!("{account} 回复{user}“{preview}”"),
        format!("{account} replies “{preview}” to {user}"),
    );
    row.subtitle = Words::new("被动回复", "passive reply");
    row.label = Words::new("回复", "reply");
    row.diagnosis.clone_from(&judged.diagnosis);
    row.plain = Some(Plain {
        request: None,
        response: Some(replied.xml.to_owned()),
    });
    turn.show(row);
    Taken::Fine {
        judged,
        reply: said.item.view(said.number),
    }
}
