//! Callbacks: the union of two descriptions. Element order and CDATA come from the rules, breadth from the API facts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};
use xinqiao_catalog::Product;

use super::types::{Around, Types};
use super::{Titles, flag, jsonl, text, texts};
use crate::names::{camel, snake};
use crate::source::{EventSpec, File, Prose};

/// Adds the events of a product.
pub(crate) fn add(product: Product, facts: &Path, file: &mut File, titles: &Titles) -> Result<()> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let family = product.name().replace('_', "-");
    for fact in jsonl(&facts.join("api/events.jsonl"))? {
        if text(&fact, "product") == family {
            let id = text(&fact, "id")
                .split_once('.')
                .map(|(_, id)| id.to_owned())
                .unwrap_or_default();
            let id = id.split('.').map(snake).collect::<Vec<_>>();
            all.insert(flatten(&id), fact);
        }
    }
    for rule in jsonl(&facts.join("rules/events.jsonl"))? {
        let info = text(&rule, "channel") == "auth-event";
        if of(&text(&rule, "product")) == Some(product) {
            let kind = if info { "info" } else { "event" };
            merge(&mut all, kind, &text(&rule, "event"), &rule, product);
        }
    }
    for rule in jsonl(&facts.join("rules/messages.jsonl"))? {
        let kind = match text(&rule, "kind").as_str() {
            "inbound" => "message",
            "passive_reply" => "reply",
            _ => continue,
        };
        if of(&text(&rule, "product")) == Some(product) {
            merge(&mut all, kind, &text(&rule, "msg_type"), &rule, product);
        }
    }
    let known: Vec<String> = file.event.iter().map(|event| event.id.clone()).collect();
    let fresh: Vec<(String, Value)> = all
        .into_iter()
        .filter(|(id, _)| !known.contains(id))
        .collect();
    let reserved: Vec<String> = fresh
        .iter()
        .map(|(id, _)| id.clone())
        .chain(known)
        .map(|id| camel(id.split_once('.').map_or(id.as_str(), |(_, verb)| verb)))
        .collect();
    let mut types = Types::of(file, reserved);
    let mut added = Vec::new();
    for (id, fact) in &fresh {
        added.push(event(product, id, fact, titles, &mut types));
    }
    types.into_file(file);
    file.event.append(&mut added);
    Ok(())
}

/// `event.change_contact.create_user` → `event.change_contact_create_user`; a repeated last part goes.
fn flatten(id: &[String]) -> String {
    let Some((kind, rest)) = id.split_first() else {
        return String::new();
    };
    let mut parts: Vec<&str> = rest.iter().map(String::as_str).collect();
    parts.dedup();
    format!("{kind}.{}", parts.join("_"))
}

fn of(product: &str) -> Option<Product> {
    Some(match product {
        "oa" => Product::OfficialAccount,
        "mini" => Product::MiniProgram,
        "channels" => Product::Channels,
        "component" | "open-app" => Product::OpenPlatform,
        "wecom" => Product::Work,
        _ => return None,
    })
}

fn merge(
    all: &mut BTreeMap<String, Value>,
    kind: &str,
    name: &str,
    rule: &Value,
    product: Product,
) {
    let key = match kind {
        "info" => "info_type",
        "event" => "event",
        _ => "msg_type",
    };
    let found = all
        .iter()
        .find(|(id, fact)| {
            let base = text(fact, key);
            id.starts_with(&format!("{kind}.")) && base.eq_ignore_ascii_case(name)
        })
        .map(|(id, _)| id.clone());
    let id = found.unwrap_or_else(|| {
        let name = snake(&name.replace(['(', ')', '/', ' '], "_"));
        format!("{kind}.{name}")
    });
    let fact = all.entry(id).or_insert_with(|| {
        let wire = if matches!(product, Product::OfficialAccount) || kind == "reply" {
            json!(["xml"])
        } else {
            json!(["xml", "json"])
        };
        let mut fact = Map::new();
        fact.insert("kind".into(), json!(kind));
        fact.insert("wire".into(), wire);
        fact.insert(key.into(), json!(name));
        if kind == "event" {
            fact.insert("msg_type".into(), json!("event"));
        }
        fact.insert("fields".into(), json!([]));
        Value::Object(fact)
    });
    let fields = fact.get("fields").cloned().unwrap_or_default();
    let merged = elements(rule.get("elements"), &fields);
    if let Some(map) = fact.as_object_mut() {
        map.insert("fields".into(), merged);
        map.insert("whole".into(), json!(true));
        for key in ["trigger", "reply", "confidence"] {
            map.insert(key.into(), json!(text(rule, key)));
        }
    }
}

/// Elements of the rules, each with what the API facts know more, then the facts' further fields.
fn elements(rules: Option<&Value>, facts: &Value) -> Value {
    let mut out = Vec::new();
    let facts: Vec<&Value> = facts.as_array().into_iter().flatten().collect();
    let mut used = Vec::new();
    for rule in rules.and_then(Value::as_array).into_iter().flatten() {
        let name = text(rule, "name");
        let matching = facts.iter().position(|fact| {
            let names = [text(fact, "name"), text(fact, "xml_name")];
            names.contains(&name)
        });
        let fact = matching.map(|at| facts[at]);
        used.extend(matching);
        let children = rule.get("children");
        let mut field = fact.and_then(Value::as_object).cloned().unwrap_or_default();
        if fact.is_none() {
            let plain = match text(rule, "type").as_str() {
                "integer" => "int64",
                "float" => "float",
                "group" if children.is_none() => "any",
                "group" => "object",
                _ => "string",
            };
            let ty = if flag(rule, "repeated") {
                format!("list<{plain}>")
            } else {
                plain.into()
            };
            field.insert("name".into(), json!(name));
            field.insert("type".into(), json!(ty));
            field.insert("required".into(), json!(!flag(rule, "optional")));
        } else if flag(rule, "optional") {
            field.insert("required".into(), json!(false));
        }
        if flag(rule, "json_only") {
            field.insert("json_only".into(), json!(true));
        }
        if rule.get("cdata") == Some(&Value::Bool(false)) && text(rule, "type") == "string" {
            field.insert("no_cdata".into(), json!(true));
        }
        if children.is_some() {
            let inner = field.get("fields").cloned().unwrap_or_default();
            field.insert("fields".into(), elements(children, &inner));
        }
        out.push(Value::Object(field));
    }
    for (at, fact) in facts.iter().enumerate() {
        if !used.contains(&at) {
            out.push((*fact).clone());
        }
    }
    Value::Array(out)
}

/// The envelope of an event that only the API facts describe.
fn envelope(fact: &Value) -> Vec<Value> {
    let field = |name: &str, ty: &str, required: bool| json!({"name": name, "type": ty, "required": required});
    match text(fact, "kind").as_str() {
        "event" | "message" | "reply" if !text(fact, "msg_type").is_empty() => vec![
            field("ToUserName", "string", true),
            field("FromUserName", "string", true),
            field("CreateTime", "int64", true),
            field("MsgType", "string", true),
        ],
        _ => Vec::new(),
    }
}

fn event(
    product: Product,
    id: &str,
    fact: &Value,
    titles: &Titles,
    types: &mut Types,
) -> EventSpec {
    let verb = id.split_once('.').map_or(id, |(_, verb)| verb);
    let around = Around {
        names: vec![camel(verb)],
        ancestors: vec![(String::new(), String::new())],
    };
    let mut fields: Vec<Value> = fact
        .get("fields")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if !flag(fact, "whole") {
        let mut all = envelope(fact);
        if !text(fact, "event").is_empty() {
            all.push(json!({"name": "Event", "type": "string", "required": true}));
        }
        if text(fact, "kind") == "info" {
            all.push(json!({"name": "InfoType", "type": "string", "required": true}));
        }
        all.append(&mut fields);
        fields = all;
    }
    for field in &mut fields {
        let name = text(field, "name");
        if let Some(map) = field.as_object_mut()
            && matches!(name.as_str(), "CreateTime")
        {
            map.insert("format".into(), json!("unix"));
        }
    }
    let wire = texts(fact, "wire");
    let mut when = BTreeMap::new();
    for field in &fields {
        let value = text(field, "const");
        if !value.is_empty()
            && !matches!(
                text(field, "name").as_str(),
                "MsgType" | "Event" | "InfoType"
            )
        {
            when.insert(text(field, "name"), value);
        }
    }
    let event_type = match fact.get("event_type") {
        Some(Value::Array(_)) => texts(fact, "event_type").join(" "),
        _ => text(fact, "event_type"),
    };
    let title = titles
        .get(&format!("{}.{id}", product.name()))
        .cloned()
        .unwrap_or_default();
    EventSpec {
        id: id.to_owned(),
        title: Prose {
            zh: title.0,
            en: title.1,
        },
        wire: match (
            wire.iter().any(|w| w == "xml"),
            wire.iter().any(|w| w == "json"),
        ) {
            (true, true) => "both".into(),
            (false, true) => "json".into(),
            _ => "xml".into(),
        },
        msg_type: text(fact, "msg_type"),
        event: text(fact, "event"),
        info_type: text(fact, "info_type"),
        presence: false,
        rust: String::new(),
        event_type,
        when,
        trigger: text(fact, "trigger"),
        reply: text(fact, "reply"),
        confidence: text(fact, "confidence"),
        doc: texts(fact, "doc"),
        fields: types.fields(Some(&Value::Array(fields)), &around),
    }
}
