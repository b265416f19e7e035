//! One-time subscription messages (一次性订阅消息): a person agrees on a page of the platform, and then gets one message of
//! that scene, whether following or not.
//!
//! Source: doc page "一次性订阅消息".

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};
use xinqiao_types::percent;

use super::{KINDS, fans, push_xml::elements, sent, template::is_text};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Holds, field, said, text},
        feature::id_in,
        row::Words,
    },
    people::{
        act::{Act, Input, Scene},
        contact::Speaker,
        phone,
    },
    products::Feature,
};

/// Who agreed to one message, by account and `openid scene`.
static CONSENTS: Table<(Id, Id), ()> = Table::new("official_account.once_consents", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.once",
    tables: &[&CONSENTS],
    behaviours: &[stateful(
        oa::message::template::SUBSCRIBE,
        "one_message_follows_one_consent",
        send,
    )],
    acts: &[Act {
        verb: "confirm_once",
        title: said("确认一次性订阅", "Confirm a one-time subscription"),
        kinds: KINDS,
        about: None,
        fields: &[
            field("scene", "场景", "Scene", Holds::Number),
            text("redirect_url", "回到", "Back to").optional(),
            text("reserved", "reserved", "reserved").optional(),
            field("consent", "同意", "Agrees", Holds::Flag).optional(),
        ],
        check: None,
        run: confirm,
    }],
    views: &[(accounts::VIEW, in_account)],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};

/// Most characters of the title.
const TITLE: usize = 15;
/// Most characters of the content.
const CONTENT: usize = 200;
/// The scenes of an account.
const SCENES: std::ops::RangeInclusive<i64> = 0..=10_000;

/// The one template of an account, as its console shows it.
fn template_of(world: &World, appid: &str) -> String {
    world.named("once_template", appid).template_id()
}

fn in_account(world: &World, appid: &str, view: &mut Value) {
    let kind = accounts::account(world, appid).map(|account| account.kind);
    if kind.is_ok_and(|kind| KINDS.contains(&kind)) {
        view["once_template_id"] = json!(template_of(world, appid));
    }
}

fn consent(appid: &Id, openid: &str, scene: i64) -> (Id, Id) {
    (appid.clone(), format!("{openid} {scene}").into())
}

/// `message/template/subscribe`.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (appid, id) = (&asked.appid, asked.text("template_id")?);
    let own = template_of(turn.world, appid);
    if id != own {
        return Err(Refusal::code(code::INVALID_TEMPLATE_ID).because(
            "template.unknown",
            Some(id.to_owned()),
            Some(own),
        ));
    }
    let openid = fans::contact(turn.world, appid, asked.text("touser")?)?
        .openid
        .clone();
    let title = asked.text("title")?;
    if title.chars().count() > TITLE {
        return Err(Refusal::code(code::TITLE_TOO_LONG));
    }
    let content = asked.body.get("data").and_then(|data| data.get("content"));
    let content = content.and_then(|content| content.get("value")?.as_str());
    let content = content.unwrap_or_default();
    if content.chars().count() > CONTENT {
        return Err(Refusal::code(code::CONTENT_TOO_LONG));
    }
    let scene = asked.body.get("scene").and_then(whole).unwrap_or_default();
    if CONSENTS
        .remove(turn.world, &consent(appid, &openid, scene))
        .is_none()
    {
        return Err(Refusal::code(code::USER_NOT_SUBSCRIBED).because(
            "subscription.missing",
            Some(format!("{openid}, scene {scene}")),
            None,
        ));
    }
    let mut fields = elements([
        ("title", json!(title)),
        ("data", json!({"content": {"value": content}})),
        ("lines", json!([{"name": "", "value": content}])),
    ]);
    let program = asked.body.get("miniprogram").unwrap_or(&Value::Null);
    for (name, value) in [
        ("url", asked.body.get("url")),
        ("appid", program.get("appid")),
        ("pagepath", program.get("pagepath")),
    ] {
        if let Some(value) = value.filter(|value| is_text(value)) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let said = turn.say(
        appid,
        &openid,
        Speaker::Account,
        "subscribe",
        "template",
        fields,
    );
    if let Some(said) = said {
        let manner = ("一次性订阅消息", "one-time subscription");
        sent::show(turn, asked, &openid, &said.item, manner);
    }
    Ok(Reply::Acknowledged)
}

/// What the page `subscribemsg?action=get_confirm` does: the answer is where it leads back to.
fn confirm(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let number: i64 = input
        .field("scene")?
        .ok_or_else(|| Refused::invalid("`scene` is missing"))?;
    if !SCENES.contains(&number) {
        return Err(Refused::invalid("`scene` is not between 0 and 10000"));
    }
    let agrees = input.field("consent")?.unwrap_or(true);
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    if agrees {
        CONSENTS.put(turn.world, consent(&scene.appid, &openid, number), ());
    }
    let (name, account) = (&scene.nickname, &scene.account_name);
    let words = if agrees {
        Words::new(
            format!("{name} 同意接收{account}的一条消息"),
            format!("{name} agrees to one message of {account}"),
        )
    } else {
        Words::new(
            format!("{name} 不接收{account}的消息"),
            format!("{name} refuses a message of {account}"),
        )
    };
    let row = scene.row(turn, &openid, words);
    turn.show(row);
    let mut done = json!({"deliveries": []});
    if let Some(back) = input.field::<String>("redirect_url")? {
        let template = template_of(turn.world, &scene.appid);
        let number = number.to_string();
        let reserved: String = input.field("reserved")?.unwrap_or_default();
        let action = if agrees { "confirm" } else { "cancel" };
        let query: Vec<String> = [
            ("openid", &*openid),
            ("template_id", &template),
            ("action", action),
            ("scene", &number),
            ("reserved", &reserved),
        ]
        .iter()
        .map(|(name, value)| format!("{name}={}", percent::encode(value)))
        .collect();
        done["final_url"] = json!(percent::with_query(&back, &query.join("&")));
    }
    Ok(done)
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        CONSENTS.remove_under(turn.world, &appid);
    }
}
