//! Customer messages (客服消息), and where 45015 and 45047 are decided for them.
//!
//! Each act of a user allows so many messages for so long; [`send`] spends from these allowances by
//! `catalog::rules::interaction`. Typing asks but does not spend.
//!
//! Source: doc page "客服接口-发消息".

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::interaction};

use super::{bubble, customer_service, fans, kf_session, sent};
use crate::{
    accounts::files,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Effect, Turn, World},
    people::{
        self,
        bubbles::{STAFF, preview},
        contact::Speaker,
        phone,
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.custom_message",
    behaviours: &[
        stateful(
            oa::message::custom::SEND,
            "the_interaction_window_decides",
            send,
        ),
        stateful(
            oa::message::custom::TYPING,
            "the_interaction_window_decides",
            typing,
        ),
    ],
    ..Feature::EMPTY
};

/// Features may object to an account writing to a person: `{"account", "openid"}`.
pub(super) const TO_WRITE: &str = "official_account.write";

/// How old the latest message may be for typing to be shown.
const EXCHANGE_SECONDS: i64 = 30;
/// For how long typing is shown.
const TYPING_SECONDS: i64 = 15;

fn refuse(refused: interaction::Barred) -> Refusal {
    Refusal::code(refused.code()).because(refused.rule(), None, Some(refused.to_string()))
}

/// `message/custom/send`.
pub(crate) fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked
        .body
        .get("touser")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let kind = asked
        .body
        .get("msgtype")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let body = asked.body.get(&kind).cloned().unwrap_or(Value::Null);
    check_body(&kind, &body)?;
    check_files(turn.world, asked, turn.now.0, &kind, &body)?;
    let staff = staff(turn.world, asked)?;
    let now = turn.now;
    let whom = json!({"account": &*asked.appid, "openid": openid});
    let house = turn.world.house;
    if let Some(code) = house.objection(turn.world, TO_WRITE, &whom) {
        return Err(Refusal::code(code));
    }
    // Here 45015 and 45047 are decided.
    let openid = fans::contact(turn.world, &asked.appid, &openid)?
        .openid
        .clone();
    let Some(person) = people::contact_mut(turn.world, &asked.appid, &openid) else {
        return Err(Refusal::code(code::INVALID_OPENID));
    };
    let relation = person.relation();
    person.allowances.spend(relation, now).map_err(refuse)?;
    let (kind, mut fields) = bubble::of_custom(&kind, &body);
    if let Some(nick) = staff {
        fields.insert(STAFF.to_owned(), json!(nick));
    }
    let said = turn.say(
        &asked.appid,
        &openid,
        Speaker::Account,
        "custom",
        &kind,
        fields,
    );
    if let Some(said) = said {
        if let Some(name) = named_staff(asked) {
            let text = preview(turn.world.house, &said.item);
            kf_session::staff_said(turn, &asked.appid, &openid, name, &text);
        }
        sent::show(
            turn,
            asked,
            &openid,
            &said.item,
            ("客服消息", "customer message"),
        );
    }
    Ok(Reply::Acknowledged)
}

/// What a body must have besides its schema.
fn check_body(kind: &str, body: &Value) -> Result<(), Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| body.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let fine = match kind {
        "text" => {
            if text("content").is_empty() {
                return Err(Refusal::code(code::EMPTY_CONTENT));
            }
            if text("content").len() > 2048 {
                return Err(Refusal::code(code::CONTENT_TOO_LONG));
            }
            true
        }
        "image" | "voice" | "mpnews" => !text("media_id").is_empty(),
        "video" => !text("media_id").is_empty(),
        "music" => !text("thumb_media_id").is_empty(),
        "news" => {
            // WECHAT: since 2018-10-12 one article; more is an error here, not a cut.
            if list("articles") != 1 {
                return Err(Refusal::code(code::TOO_MANY_ARTICLES));
            }
            true
        }
        "mpnewsarticle" => !text("article_id").is_empty(),
        "msgmenu" => list("list") > 0,
        "wxcard" => !text("card_id").is_empty(),
        "miniprogrampage" => !text("appid").is_empty() && !text("pagepath").is_empty(),
        "link" => !text("title").is_empty(),
        _ => return Err(Refusal::code(code::INVALID_MESSAGE_TYPE)),
    };
    if fine {
        return Ok(());
    }
    let code = match kind {
        "image" | "voice" | "video" | "music" | "mpnews" => code::INVALID_MEDIA_ID,
        _ => code::INVALID_ARGS,
    };
    Err(Refusal::code(code))
}

/// The files that a body names must be the account's.
fn check_files(
    world: &World,
    asked: &Asked,
    now: i64,
    kind: &str,
    body: &Value,
) -> Result<(), Refusal> {
    let names: &[&str] = match kind {
        "image" | "voice" => &["media_id"],
        "video" => &["media_id", "thumb_media_id"],
        "music" | "miniprogrampage" => &["thumb_media_id"],
        _ => &[],
    };
    for name in names {
        let Some(media_id) = body.get(*name).and_then(Value::as_str) else {
            continue;
        };
        if media_id.is_empty() {
            continue;
        }
        let known = files::has(world, &asked.appid, media_id, now);
        if !known {
            return Err(Refusal::code(code::INVALID_MEDIA_ID).because(
                "media.unknown",
                Some(media_id.to_owned()),
                None,
            ));
        }
    }
    Ok(())
}

/// The full name of the staff member that a call names.
fn named_staff(asked: &Asked) -> Option<&str> {
    asked.body.get("customservice")?.get("kf_account")?.as_str()
}

/// The nickname of the staff member that a message goes out under.
fn staff(world: &World, asked: &Asked) -> Result<Option<String>, Refusal> {
    let Some(named) = named_staff(asked) else {
        return Ok(None);
    };
    let account = asked.account(world)?;
    let member = customer_service::find(world, account, named)
        .ok_or_else(|| Refusal::code(code::INVALID_KF_ACCOUNT))?;
    Ok(Some(member.nickname.clone()))
}

/// `message/custom/typing`: needs a message of either side in the last thirty seconds; spends no allowance.
pub(crate) fn typing(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked
        .body
        .get("touser")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let command = asked
        .body
        .get("command")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let typing = match command {
        "Typing" => true,
        "CancelTyping" => false,
        _ => return Err(Refusal::code(code::INVALID_COMMAND)),
    };
    let now = turn.now;
    let person = fans::contact(turn.world, &asked.appid, &openid)?;
    let (openid, still) = (person.openid.clone(), person.typing_until);
    let exchanged = phone::chat(turn.world, &asked.appid, &openid)
        .rev()
        .find(|(_, item)| item.from != Speaker::System)
        .is_some_and(|(_, item)| now.0 - item.time <= EXCHANGE_SECONDS);
    if typing && !exchanged {
        return Err(Refusal::code(code::TYPING_NEEDS_EXCHANGE));
    }
    if typing && still.is_some_and(|until| now.0 < until) {
        return Err(Refusal::code(code::ALREADY_TYPING));
    }
    if let Some(person) = people::contact_mut(turn.world, &asked.appid, &openid) {
        person.typing_until = typing.then_some(now.0 + TYPING_SECONDS);
    }
    if let Some(user) = people::person(turn.world, &asked.appid, &openid) {
        turn.effects.push(Effect::Chat {
            user: people::user::name(user),
            account: asked.appid.to_string(),
        });
    }
    Ok(Reply::Acknowledged)
}
