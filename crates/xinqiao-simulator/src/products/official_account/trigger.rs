//! Pushes any event of the catalog, also those that no act causes.
//!
//! Every element has the name and the type that the catalog knows: what a caller sets replaces the sample in its
//! place, whichever of its names it was called by, and a number is one although it came as text.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{Event, EventKind, EventWire, Field, Product, Shape, Spelling, TypeRef};

use super::{message, push_xml::Draft};
use crate::{
    accounts,
    kernel::{
        Command, Id, Refused, Turn,
        command::verb,
        row::{self, RowState, Words, diagnose},
    },
    people::{self, FOLLOWERS, causes, phone::contact},
    products::Feature,
    push::attempts::numbers,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.trigger",
    verbs: &[verb::<Trigger>()],
    ..Feature::EMPTY
};

/// `POST /_sim/v1/trigger`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trigger {
    /// To which account.
    pub(crate) account: String,
    /// About whom.
    pub(crate) user: Option<String>,
    /// The event's id or name.
    pub(crate) event: String,
    /// Elements to set.
    #[serde(default)]
    pub(crate) set: Map<String, Value>,
}

impl Command for Trigger {
    const NAME: &'static str = "official_account.trigger.push";
    const WAS: &'static str = "trigger";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        push(
            turn,
            &self.account,
            self.user.as_deref(),
            &self.event,
            self.set,
        )
    }
}

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

fn push(
    turn: &mut Turn<'_>,
    reference: &str,
    user: Option<&str>,
    wanted: &str,
    set: Map<String, Value>,
) -> Result<Value, Refused> {
    let account = accounts::account(turn.world, reference)?;
    if !account.kind.is_official_account() {
        return Err(Refused::not_built(&format!(
            "triggering events of a {}",
            account.kind
        )));
    }
    let (appid, name) = (account.appid.clone(), account.name.clone());
    let event = find(wanted)?;
    if event.wire == EventWire::Json {
        return Err(Refused::not_built("pushing JSON"));
    }
    let user = match user {
        Some(user) => Some(people::find(turn.world, user)?),
        None => FOLLOWERS
            .under(turn.world, &appid)
            .next()
            .and_then(|(_, openid)| people::person(turn.world, &appid, openid)),
    };
    turn.cause = format!("a{}", turn.world.traffic_serial("act"));
    let openid: Id = match user {
        Some(user) => contact(turn.world, user, &appid),
        // Events about no user come from an openid of the platform's own.
        None => turn.world.named("openid", "platform").openid().into(),
    };
    let fields = filled(event, set, turn.now.0)?;
    let mut draft = match event.kind {
        EventKind::Message => Draft::message(event.msg_type, fields),
        _ => Draft::event(event.event, fields),
    };
    draft.replyable = event.reply.is_empty() || event.reply.contains("allowed");
    draft.notice = false;
    causes::acted(turn, &appid, &openid);
    message::open_allowance(turn, &appid, &openid, &draft);
    let lacks = message::denied(turn, &appid, &draft).is_some();
    let delivery = message::push(turn, &appid, &openid, &draft);
    let state = if delivery.is_some() {
        RowState::Ok
    } else {
        RowState::Warn
    };
    let mut row = turn.row(&row::ACT, state);
    row.account = Some(appid.to_string());
    row.account_name = Some(name);
    row.user = user.map(people::user::name);
    row.openid = Some(openid.to_string());
    row.title = Words::new(
        format!("触发事件 {}", event.id),
        format!("Triggers {}", event.id),
    );
    row.subtitle = Words::same(event.trigger);
    row.label = Words::new("触发", "trigger");
    if delivery.is_none() && !lacks {
        row.diagnosis = Some(diagnose("callback.no_server", None, None));
    }
    turn.show(row);
    let deliveries: Vec<u64> = delivery.into_iter().collect();
    Ok(json!({"deliveries": numbers(&deliveries)}))
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

/// What an element is called in XML.
fn xml_name(field: &Field) -> &'static str {
    if field.xml_name.is_empty() {
        field.name
    } else {
        field.xml_name
    }
}

fn is_head(event: &Event, field: &Field) -> bool {
    HEAD.contains(&field.name) || (event.kind == EventKind::Message && field.name == MESSAGE_ID)
}

/// An event's own elements in their order: what is set, else a sample of what is required.
fn filled(
    event: &'static Event,
    set: Map<String, Value>,
    now: i64,
) -> Result<Map<String, Value>, Refused> {
    let mut chosen = Map::new();
    for (name, value) in set {
        let field = named(event, &name)?;
        if chosen
            .insert(
                xml_name(field).to_owned(),
                typed(event.product, field, &field.ty, &name, value)?,
            )
            .is_some()
        {
            return Err(Refused::invalid(format!("`{name}` is set twice")));
        }
    }
    let mut fields = Map::new();
    for field in event
        .shape
        .fields
        .iter()
        .filter(|field| !is_head(event, field))
    {
        let name = xml_name(field);
        if let Some(value) = chosen.remove(name) {
            fields.insert(name.to_owned(), value);
        } else if field.required {
            fields.insert(name.to_owned(), value(event.product, field, &field.ty, now));
        }
    }
    Ok(fields)
}

/// The element that a caller means: by its name in XML or JSON, in capitals or not.
fn named(event: &'static Event, wanted: &str) -> Result<&'static Field, Refused> {
    let fields = &event.shape.fields;
    let exact = |field: &&Field| field.name == wanted || field.xml_name == wanted;
    let alike = |field: &&Field| {
        field.name.eq_ignore_ascii_case(wanted) || field.xml_name.eq_ignore_ascii_case(wanted)
    };
    let found = fields
        .iter()
        .find(exact)
        .or_else(|| fields.iter().find(alike));
    match found {
        Some(field) if is_head(event, field) => Err(Refused::invalid(format!(
            "`{wanted}` stands in the head, which the platform writes: choose account and user, or set the clock"
        ))),
        Some(field) => Ok(field),
        None => {
            let own = fields.iter().filter(|field| !is_head(event, field));
            let nearest = own.map(xml_name).min_by_key(|name| distance(name, wanted));
            let hint = nearest.map_or_else(
                || "it has none of its own".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            Err(Refused::invalid(format!(
                "`{wanted}` is no element of {}: {hint}",
                event.id
            )))
        }
    }
}

/// How many letters must be changed to get from one name to the other, capitals aside.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.to_lowercase().chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (column, counterpart) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *counterpart);
            before = row[column + 1];
            row[column + 1] = changed.min(before + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A value as its element has it: numbers bare, although a command line has texts only.
fn typed(
    product: Product,
    field: &Field,
    ty: &TypeRef,
    name: &str,
    value: Value,
) -> Result<Value, Refused> {
    let wrong = |what: &str| Refused::invalid(format!("`{name}` is {what}"));
    Ok(match (ty, value) {
        (TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64, Value::String(text)) => {
            let text = text.trim();
            let number = text.parse::<i64>().map(Value::from);
            number
                .or_else(|_| text.parse::<u64>().map(Value::from))
                .map_err(|_| wrong("a whole number"))?
        }
        (TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64, Value::Number(number)) => {
            if number.is_f64() {
                return Err(wrong("a whole number"));
            }
            Value::Number(number)
        }
        (TypeRef::Float, Value::String(text)) => {
            // As it was written: `1.50` stays so.
            let number: serde_json::Number = text.trim().parse().map_err(|_| wrong("a number"))?;
            Value::Number(number)
        }
        (TypeRef::Bool, Value::Bool(flag)) => json!(u8::from(flag)),
        (TypeRef::Bool, Value::String(text)) => match text.trim() {
            "1" | "true" => json!(1),
            "0" | "false" => json!(0),
            _ => return Err(wrong("0 or 1")),
        },
        (TypeRef::Timestamp, Value::String(text)) => {
            let number = text.trim().parse::<i64>().map(Value::from);
            number.unwrap_or(Value::String(text))
        }
        (TypeRef::Named(_) | TypeRef::List(_), Value::String(text)) if looks_like_json(&text) => {
            let inner = serde_json::from_str(&text).map_err(|_| wrong("JSON that is broken"))?;
            typed(product, field, ty, name, inner)?
        }
        (TypeRef::List(_), Value::String(text)) if field.wire != Spelling::Plain => {
            Value::String(text)
        }
        (TypeRef::List(inner), Value::Array(items)) => {
            let items = items
                .into_iter()
                .map(|item| typed(product, field, inner, name, item));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        (TypeRef::List(inner), one) => Value::Array(vec![typed(product, field, inner, name, one)?]),
        (TypeRef::Named(id), Value::Object(object)) => {
            let Some(known) = xinqiao_catalog::type_def(product, *id) else {
                return Ok(Value::Object(object));
            };
            let mut out = Map::new();
            for (key, value) in object {
                let inner = known.shape.fields.iter().find(|field| {
                    field.name.eq_ignore_ascii_case(&key)
                        || field.xml_name.eq_ignore_ascii_case(&key)
                });
                let Some(inner) = inner else {
                    return Err(Refused::invalid(format!(
                        "`{key}` is no element of `{name}`"
                    )));
                };
                let value = typed(product, inner, &inner.ty, &key, value)?;
                out.insert(xml_name(inner).to_owned(), value);
            }
            Value::Object(out)
        }
        (TypeRef::Named(_), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            return Err(wrong("a group: give it as JSON"));
        }
        (TypeRef::String, Value::Number(number)) => Value::String(number.to_string()),
        (_, value) => value,
    })
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Values for a group's elements; what is optional is left out.
fn sample(product: Product, shape: &Shape, now: i64) -> Map<String, Value> {
    shape
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| {
            (
                xml_name(field).to_owned(),
                value(product, field, &field.ty, now),
            )
        })
        .collect()
}

fn value(product: Product, field: &Field, ty: &TypeRef, now: i64) -> Value {
    match ty {
        TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => {
            json!(
                first_value(product, field)
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
        _ => json!(first_value(product, field).unwrap_or(field.name)),
    }
}

fn first_value(product: Product, field: &Field) -> Option<&'static str> {
    let known = xinqiao_catalog::values(product, field);
    known.first().map(|known| known.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(event: &str, fields: Value) -> Result<Map<String, Value>, Refused> {
        let Value::Object(fields) = fields else {
            panic!()
        };
        filled(find(event).unwrap(), fields, 1_700_000_000)
    }

    #[test]
    fn an_element_has_its_name_in_xml_and_stands_once() {
        for name in ["MsgID", "MsgId", "msgid"] {
            let fields = set(
                "TEMPLATESENDJOBFINISH",
                json!({ name: "3512345678901234567" }),
            )
            .unwrap();
            let want = json!({"MsgID": 3_512_345_678_901_234_567_u64, "Status": "Status"});
            assert_eq!(Value::Object(fields), want, "{name}");
        }
        let fields = set("VIEW", json!({"EventKey": "http://a", "MenuId": 7})).unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({"EventKey": "http://a", "MenuId": 7})
        );
    }

    #[test]
    fn what_is_set_has_the_type_of_the_catalog() {
        let fields = set(
            "LOCATION",
            json!({"Latitude": "23.137466", "Longitude": 113.5, "Precision": "119"}),
        );
        let fields = fields.unwrap();
        assert!(fields.values().all(Value::is_number), "{fields:?}");
        let items = r#"{"Count":"2","PicList":{"item":[{"PicMd5Sum":"a"},{"PicMd5Sum":"b"}]}}"#;
        let fields = set(
            "pic_weixin",
            json!({"EventKey": "k", "SendPicsInfo": items}),
        )
        .unwrap();
        let want =
            json!({"Count": 2, "PicList": {"item": [{"PicMd5Sum": "a"}, {"PicMd5Sum": "b"}]}});
        assert_eq!(fields["SendPicsInfo"], want);
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        let why = |event: &str, fields: Value| format!("{:?}", set(event, fields).unwrap_err());
        assert!(why("TEMPLATESENDJOBFINISH", json!({"Statos": "x"})).contains("`Status`"));
        assert!(why("TEMPLATESENDJOBFINISH", json!({"MsgID": "many"})).contains("whole number"));
        assert!(why("TEMPLATESENDJOBFINISH", json!({"MsgID": 1, "MsgId": 2})).contains("twice"));
        assert!(why("CLICK", json!({"CreateTime": 1})).contains("head"));
        assert!(why("text", json!({"MsgId": 1})).contains("head"));
        assert!(why("pic_weixin", json!({"SendPicsInfo": {"Coumt": 1}})).contains("Coumt"));
    }

    #[test]
    fn every_event_can_be_sampled_with_numbers_bare() {
        let events = xinqiao_catalog::events().filter(|event| {
            event.product == Product::OfficialAccount
                && matches!(event.kind, EventKind::Event | EventKind::Message)
        });
        for event in events {
            let fields = filled(event, Map::new(), 1_700_000_000).unwrap();
            for field in event
                .shape
                .fields
                .iter()
                .filter(|field| field.required && !is_head(event, field))
            {
                let value = &fields[xml_name(field)];
                let number = matches!(field.ty, TypeRef::Int32 | TypeRef::Int64 | TypeRef::Float);
                assert_eq!(
                    value.is_number(),
                    number || field.ty == TypeRef::Timestamp || field.ty == TypeRef::Bool,
                    "{} {}",
                    event.id,
                    field.name
                );
            }
        }
    }
}
