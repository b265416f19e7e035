//! Shapes, fields and types of the catalog as JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::both;
use super::components::Components;
use crate::lookup::{meaning, values};
use crate::model::{EnumValue, Field, Meaning, Origin, Product, Shape, Spelling, TypeRef, Union};

/// An object with these fields.
pub(super) fn object(components: &mut Components, product: Product, shape: &Shape) -> Value {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    let mut required = Vec::new();
    for field in &shape.fields {
        let schema = schema(components, product, field);
        if field.numbered {
            patterns.insert(pattern(field.name), schema);
            continue;
        }
        properties.insert(field.name.into(), schema);
        if field.required {
            required.push(field.name);
        }
    }
    let mut out = Map::new();
    out.insert("type".into(), "object".into());
    if let Some(union) = &shape.union {
        required.push(union.tag);
        out.insert("oneOf".into(), cases(components, product, union));
    }
    if !properties.is_empty() {
        out.insert("properties".into(), Value::Object(properties));
    }
    if !patterns.is_empty() {
        out.insert("patternProperties".into(), Value::Object(patterns));
    }
    if !required.is_empty() {
        out.insert("required".into(), json!(required));
    }
    if let Some(open) = &shape.open {
        out.insert(
            "additionalProperties".into(),
            of_type(components, product, open),
        );
    }
    Value::Object(out)
}

/// WECHAT: pay v2 numbers the elements of a list in their names, from 0: `coupon_id_0`, `coupon_fee_0_1`.
fn pattern(name: &str) -> String {
    format!("^{}$", name.replace("$n", "[0-9]+").replace("$m", "[0-9]+"))
}

fn cases(components: &mut Components, product: Product, union: &Union) -> Value {
    let mut out = Vec::new();
    for case in &union.cases {
        let mut properties = Map::new();
        properties.insert(
            union.tag.into(),
            json!({"type": "string", "const": case.value}),
        );
        let mut required = vec![union.tag];
        if let Some(ty) = &case.ty {
            properties.insert(case.field.into(), of_type(components, product, ty));
            required.push(case.field);
        }
        let mut schema = json!({"type": "object", "properties": properties, "required": required});
        if let (false, Value::Object(map)) = (case.title.is_empty(), &mut schema) {
            map.insert("title".into(), both(case.title).into());
        }
        out.push(schema);
    }
    Value::Array(out)
}

/// The schema of a field's value.
pub(super) fn schema(components: &mut Components, product: Product, field: &Field) -> Value {
    let mut out = match field.wire {
        Spelling::BoolInt => json!({"type": "integer", "enum": [0, 1]}),
        Spelling::BoolYn => json!({"type": "string", "enum": ["Y", "N"]}),
        Spelling::BoolText => json!({"type": "string", "enum": ["true", "false"]}),
        Spelling::NumericText => json!({"type": "string", "pattern": "^-?[0-9.]*$"}),
        Spelling::NumberOrText | Spelling::TextOrNumber => match &field.ty {
            TypeRef::List(_) => of_type(components, product, &field.ty),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => {
                json!({"type": ["integer", "string"]})
            }
            _ => json!({"type": ["number", "string"]}),
        },
        Spelling::JsonText => json!({
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": of_type(components, product, &field.ty),
        }),
        Spelling::Comma | Spelling::Pipe | Spelling::Semicolon | Spelling::EncryptedXml => {
            json!({"type": "string"})
        }
        _ if !field.alternatives.is_empty() => json!({}),
        _ => of_type(components, product, &field.ty),
    };
    let known = values(product, field);
    let said = meaning(product, field.meaning);
    limit(&mut out, field, known);
    describe(&mut out, &remarks(product, field, said, known));
    show(&mut out, field, said);
    out
}

/// Allowed values, limits and formats.
fn limit(schema: &mut Value, field: &Field, known: &[EnumValue]) {
    let Value::Object(map) = schema else { return };
    if field.secret && map.get("type") == Some(&json!("string")) {
        map.insert("format".into(), "password".into());
    }
    if field.format == "rfc3339" {
        map.insert("format".into(), "date-time".into());
    }
    if field.max > 0 {
        if map.contains_key("items") {
            map.insert("maxItems".into(), field.max.into());
        } else if map.get("type") == Some(&json!("string")) && !map.contains_key("enum") {
            map.insert("maxLength".into(), field.max.into());
        }
    }
    if !field.xml_name.is_empty() && !map.contains_key("$ref") {
        map.insert("xml".into(), json!({"name": field.xml_name}));
    }
    if !field.constant.is_empty() && map.get("type") == Some(&json!("string")) {
        map.insert("const".into(), field.constant.into());
    }
    if !known.is_empty() {
        allow(map, known);
    }
}

/// The allowed values, in the type of the schema; within a list, those of its items.
fn allow(map: &mut Map<String, Value>, allowed: &[EnumValue]) {
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
    let values: Option<Vec<Value>> = match kind {
        "string" => Some(allowed.iter().map(|known| json!(known.value)).collect()),
        "integer" => allowed
            .iter()
            .map(|known| known.value.parse::<i64>().ok().map(Value::from))
            .collect(),
        "array" => {
            if let Some(Value::Object(items)) = map.get_mut("items") {
                allow(items, allowed);
            }
            None
        }
        _ => None,
    };
    if let (Some(values), false) = (
        values,
        map.contains_key("enum") || map.contains_key("const"),
    ) {
        map.insert("enum".into(), Value::Array(values));
    }
}

/// A made-up value, where the schema is a plain text or number that it fits.
fn show(schema: &mut Value, field: &Field, said: &Meaning) {
    let Value::Object(map) = schema else { return };
    if said.example.is_empty() || map.contains_key("enum") || map.contains_key("const") {
        return;
    }
    let example = match map.get("type").and_then(Value::as_str) {
        Some("string") if field.max == 0 || said.example.chars().count() <= field.max as usize => {
            Some(json!(said.example))
        }
        Some("integer") => said.example.parse::<i64>().ok().map(Value::from),
        Some("number") => said.example.parse::<f64>().ok().map(Value::from),
        _ => None,
    };
    if let Some(example) = example {
        map.insert("examples".into(), json!([example]));
    }
}

/// What each value means, a line each.
fn lines(product: Product, known: &[EnumValue]) -> Vec<String> {
    let all = known.iter().map(|known| {
        let text = meaning(product, known.meaning).text;
        (known.value, both(text))
    });
    all.filter(|(_, text)| !text.is_empty())
        .map(|(value, text)| format!("- `{value}`: {text}"))
        .collect()
}

fn remarks(product: Product, field: &Field, said: &Meaning, known: &[EnumValue]) -> String {
    let mut notes: Vec<String> = Vec::new();
    if !said.text.is_empty() {
        notes.push(both(said.text));
    }
    match field.origin {
        Origin::Caller | Origin::Constant => {}
        Origin::Credential => notes.push("取自账号配置 · from the account's settings".into()),
        Origin::Auto => notes.push("由客户端计算 · made by the client".into()),
    }
    if field.required_by_docs && !field.required {
        notes.push("视情况必填 · required in some cases".into());
    }
    if field.encrypted {
        notes.push("加密传输 · encrypted on the wire".into());
    }
    if field.pii {
        notes.push("个人信息 · personal data".into());
    }
    let separator = match field.wire {
        Spelling::Comma => Some("逗号连接 · joined with commas"),
        Spelling::Pipe => Some("竖线连接 · joined with pipes"),
        Spelling::Semicolon => Some("分号连接 · joined with semicolons"),
        Spelling::EncryptedXml => Some("加密的 XML · encrypted XML"),
        _ => None,
    };
    notes.extend(separator.map(str::to_owned));
    if field.xml_only {
        notes.push("仅 XML · XML only".into());
    }
    if field.max_bytes > 0 {
        notes.push(format!("≤ {} UTF-8 bytes", field.max_bytes));
    }
    for (name, own, further) in [
        ("unit", field.unit, said.unit),
        ("format", field.format, said.format),
    ] {
        let shown = if own.is_empty() { further } else { own };
        if !shown.is_empty() && shown != "rfc3339" {
            notes.push(format!("{name}: {shown}"));
        }
    }
    if !said.from.is_empty() {
        notes.push(format!("来源 from: {}", both(said.from)));
    }
    let mut out = notes.join("; ");
    let lines = lines(product, known);
    if !lines.is_empty() {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&lines.join("\n"));
    }
    out
}

/// Adds a description, if there is anything to say.
pub(super) fn describe(schema: &mut Value, text: &str) {
    if let (false, Value::Object(map)) = (text.is_empty(), schema) {
        map.insert("description".into(), text.into());
    }
}

fn of_type(components: &mut Components, product: Product, ty: &TypeRef) -> Value {
    match ty {
        TypeRef::String | TypeRef::Timestamp => json!({"type": "string"}),
        TypeRef::Int32 => json!({"type": "integer", "format": "int32"}),
        TypeRef::Int64 => json!({"type": "integer", "format": "int64"}),
        TypeRef::Uint64 => json!({"type": "integer", "minimum": 0}),
        TypeRef::Float => json!({"type": "number"}),
        TypeRef::Bool => json!({"type": "boolean"}),
        TypeRef::File | TypeRef::Bytes => {
            json!({"type": "string", "contentMediaType": "application/octet-stream"})
        }
        TypeRef::Any => json!({}),
        TypeRef::List(inner) => {
            json!({"type": "array", "items": of_type(components, product, inner)})
        }
        TypeRef::Map(inner) => {
            json!({"type": "object", "additionalProperties": of_type(components, product, inner)})
        }
        TypeRef::Named(id) => components.named(product, *id),
    }
}
