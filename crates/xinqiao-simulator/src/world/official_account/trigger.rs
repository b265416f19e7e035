//! Pushes any event of the catalog, also those that no act causes.

use serde_json::{Map, Value, json};
use xinqiao_catalog::{Event, EventKind, EventWire, Field, Product, Shape, TypeRef};

use super::{act, push, push_xml::Draft};
use crate::world::{
    Turn,
    command::{Answer, Refused},
    people,
    row::{RowKind, RowState, Words, diagnose},
};

/// Elements that the head writes of every callback.
const HEAD: &[&str] = &[
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Event",
];
/// The element that only messages have in their head; some events have one of their own (`MsgID`).
const MESSAGE_ID: &str = "MsgId";

pub(crate) fn push(
    turn: &mut Turn<'_>,
    appid: &str,
    user: Option<&str>,
    wanted: &str,
    set: Map<String, Value>,
) -> Result<Answer, Refused> {
    let account = turn.world.account(appid)?;
    if !account.kind.is_official_account() {
        return Err(Refused::not_built(&format!(
            "triggering events of a {}",
            account.kind
        )));
    }
    let name = account.name.clone();
    let event = find(wanted)?;
    if event.wire == EventWire::Json {
        return Err(Refused::not_built("pushing JSON"));
    }
    let user = match user {
        Some(user) => Some(turn.world.user(user)?.id.clone()),
        None => account
            .contacts
            .values()
            .find(|contact| contact.followed)
            .map(|contact| contact.user.clone()),
    };
    turn.cause = turn.world.traffic.new_act();
    let openid = match &user {
        Some(user) => people::contact(turn.world, user, appid),
        // Events about no user come from an openid of the platform's own.
        None => turn.world.chance.named("openid", "platform").openid(),
    };
    let mut fields = sample(event.product, &event.shape, turn.now.0);
    if event.kind == EventKind::Message {
        fields.remove(MESSAGE_ID);
    }
    for (name, value) in set {
        fields.insert(name, value);
    }
    let mut draft = match event.kind {
        EventKind::Message => Draft::message(event.msg_type, fields),
        _ => Draft::event(event.event, fields),
    };
    draft.replyable = event.reply.is_empty() || event.reply.contains("allowed");
    draft.notice = false;
    act::open_allowance(turn, appid, &openid, &draft);
    let delivery = push::start(turn, appid, &openid, &draft);
    let state = if delivery.is_some() {
        RowState::Ok
    } else {
        RowState::Warn
    };
    let mut row = turn.row(RowKind::Act, state);
    row.account = Some(appid.to_owned());
    row.account_name = Some(name);
    row.user = user;
    row.openid = Some(openid);
    row.title = Words::new(
        format!("触发事件 {}", event.id),
        format!("Triggers {}", event.id),
    );
    row.subtitle = Words::same(event.trigger);
    row.label = Words::new("触发", "trigger");
    if delivery.is_none() {
        row.diagnosis = Some(diagnose("callback.no_server", None, None));
    }
    turn.show(row);
    let deliveries: Vec<u64> = delivery.into_iter().collect();
    Turn::json(json!({"deliveries": push::numbers(&deliveries)}))
}

fn find(wanted: &str) -> Result<&'static Event, Refused> {
    let pushable = |event: &&'static Event| {
        event.product == Product::OfficialAccount
            && matches!(event.kind, EventKind::Event | EventKind::Message)
    };
    xinqiao_catalog::event(wanted)
        .filter(pushable)
        .or_else(|| {
            xinqiao_catalog::events()
                .filter(pushable)
                .find(|event| event.event == wanted || event.msg_type == wanted)
        })
        .ok_or_else(|| {
            Refused::invalid(format!(
                "the catalog has no event `{wanted}` of official accounts"
            ))
        })
}

/// Values for an event's own elements; what is optional is left out.
fn sample(product: Product, shape: &Shape, now: i64) -> Map<String, Value> {
    shape
        .fields
        .iter()
        .filter(|field| !HEAD.contains(&field.name) && field.required)
        .map(|field| (field.name.to_owned(), value(product, field, &field.ty, now)))
        .collect()
}

fn value(product: Product, field: &Field, ty: &TypeRef, now: i64) -> Value {
    match ty {
        TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => {
            json!(
                field
                    .allowed
                    .first()
                    .and_then(|text| text.parse::<i64>().ok())
                    .unwrap_or(1)
            )
        }
        TypeRef::Timestamp => json!(now),
        TypeRef::Float => json!(1.5),
        TypeRef::Bool => json!(1),
        TypeRef::List(inner) => json!([value(product, field, inner, now)]),
        TypeRef::Named(id) => xinqiao_catalog::type_def(product, *id)
            .map_or(Value::Null, |known| {
                Value::Object(sample(product, &known.shape, now))
            }),
        TypeRef::Map(_) | TypeRef::Any => json!({}),
        _ => json!(field.allowed.first().copied().unwrap_or(field.name)),
    }
}
