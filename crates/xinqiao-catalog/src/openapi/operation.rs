//! One operation: an endpoint, or all endpoints that share a method and a path.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::answer::{answer, responses};
use super::both;
use super::components::Components;
use super::schema::{self, describe};
use crate::lookup::errors;
use crate::model::{Code, Content, Endpoint, Field, Method, Product, Shape, Spelling, When};

/// The operation of these endpoints, of which there is at least one, under that path template.
pub(super) fn operation(
    components: &mut Components,
    path: &'static str,
    group: &[&'static Endpoint],
) -> Value {
    let Some((first, others)) = group.split_first() else {
        return Value::Null;
    };
    let mut out = Map::new();
    out.insert("operationId".into(), first.id.into());
    let mut tags: Vec<String> = Vec::new();
    for endpoint in group {
        let tag = format!("{}.{}", endpoint.product, endpoint.module);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    out.insert("tags".into(), json!(tags));
    out.insert("summary".into(), summary(first).into());
    out.insert("description".into(), description(group).into());
    if let Some(url) = first.doc.first() {
        out.insert("externalDocs".into(), json!({"url": url}));
    }
    if group.iter().all(|endpoint| !endpoint.deprecated.is_empty()) {
        out.insert("deprecated".into(), true.into());
    }
    out.insert("security".into(), components.security(group));
    let parameters = parameters(components, path, group);
    if !parameters.is_empty() {
        out.insert("parameters".into(), Value::Array(parameters));
    }
    let requests: Vec<Value> = group
        .iter()
        .map(|endpoint| request(components, endpoint))
        .collect();
    let answers: Vec<Value> = group
        .iter()
        .map(|endpoint| answer(components, endpoint))
        .collect();
    if has_body(first) {
        out.insert("requestBody".into(), body(group, &requests));
    }
    out.insert(
        "responses".into(),
        responses(components, first, answers.clone()),
    );
    let mut extra = facts(first);
    extra.insert(
        "ids".into(),
        group.iter().map(|endpoint| endpoint.id).collect(),
    );
    if !others.is_empty() {
        let each = group.iter().zip(&requests).zip(&answers);
        let endpoints: Value = each
            .map(|((endpoint, request), answer)| shared(endpoint, request, answer))
            .collect();
        extra.insert("endpoints".into(), endpoints);
    }
    out.insert("x-xinqiao".into(), Value::Object(extra));
    Value::Object(out)
}

/// The title; where nobody has written one, the words of the verb.
fn summary(endpoint: &Endpoint) -> String {
    if endpoint.title.is_empty() {
        endpoint.verb.replace('_', " ")
    } else {
        both(endpoint.title)
    }
}

fn description(group: &[&'static Endpoint]) -> String {
    let mut out = String::new();
    for endpoint in group {
        let _ = write!(out, "`{}`", endpoint.id);
        if group.len() > 1 {
            let _ = write!(out, " {} (https://{}", summary(endpoint), endpoint.host);
            if let Some(when) = endpoint.when {
                let place = place(when);
                let _ = write!(out, ", {place} `{}` = `{}`", when.name, when.value);
            }
            out.push(')');
        }
        out.push_str("\n\n");
        if !endpoint.about.is_empty() {
            let _ = write!(out, "{}\n\n", both(endpoint.about));
        }
        match endpoint.deprecated {
            "" => {}
            "true" => out.push_str("已停用 · Shut down.\n\n"),
            date => {
                let _ = write!(out, "{date} 停用 · Shut down on {date}.\n\n");
            }
        }
        if endpoint.partial {
            out.push_str(
                "只知道路径，字段不详 · Only the path is known, not the fields: any JSON.\n\n",
            );
        }
        if endpoint.absolute_url {
            out.push_str(
                "完整地址来自先前的应答 · The whole URL comes from an earlier answer.\n\n",
            );
        }
    }
    out.truncate(out.trim_end().len());
    out
}

const fn place(when: When) -> &'static str {
    if when.in_body { "body" } else { "query" }
}

/// What OpenAPI has no words for.
fn facts(endpoint: &Endpoint) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("retry".into(), json!(endpoint.retry));
    for (name, values) in [
        ("permissions", &endpoint.permissions),
        ("quotas", &endpoint.quotas),
        ("roles", &endpoint.roles),
        ("path_alt", &endpoint.path_alt),
    ] {
        if !values.is_empty() {
            out.insert(name.into(), json!(values));
        }
    }
    let codes = known_codes(endpoint);
    if !codes.is_empty() {
        out.insert("errors".into(), codes.into_iter().collect());
    }
    for (name, value) in [
        ("partial", endpoint.partial),
        ("client_cert", endpoint.client_cert),
        ("method_assumed", endpoint.method_assumed),
    ] {
        if value {
            out.insert(name.into(), true.into());
        }
    }
    out
}

/// The codes that it is known to answer with, and those whose pages name its path.
fn known_codes(endpoint: &Endpoint) -> Vec<Value> {
    let named = errors(endpoint.product.errors())
        .iter()
        .filter(|error| error.paths.contains(&endpoint.path))
        .map(|error| error.code);
    let own = endpoint.errors.iter().map(|code| Code::Number(*code));
    let mut codes: Vec<Code<'_>> = own.chain(named).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
        .into_iter()
        .map(|code| match code {
            Code::Number(number) => number.into(),
            Code::Word(word) => word.into(),
        })
        .collect()
}

/// One of several endpoints on a route.
fn shared(endpoint: &Endpoint, request: &Value, answer: &Value) -> Value {
    let mut out = facts(endpoint);
    out.insert("id".into(), endpoint.id.into());
    out.insert("host".into(), endpoint.host.into());
    out.insert("path".into(), endpoint.path.into());
    if let Some(when) = endpoint.when {
        let when = json!({"in": place(when), "name": when.name, "value": when.value});
        out.insert("when".into(), when);
    }
    if has_body(endpoint) {
        out.insert("request".into(), request.clone());
    }
    out.insert("response".into(), answer.clone());
    Value::Object(out)
}

// --- Parameters ----------------------------------------------------------------------------------------------------

fn parameters(
    components: &mut Components,
    path: &'static str,
    group: &[&'static Endpoint],
) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for (at, name) in template_names(path).enumerate() {
        let own = group.iter().find_map(|endpoint| {
            let field = endpoint.path_params.field(name)?;
            Some((endpoint.product, field))
        });
        let mut schema = match own {
            Some((product, field)) => schema::schema(components, product, field),
            None => json!({"type": "string"}),
        };
        let mut other: Vec<&str> = group
            .iter()
            .filter_map(|endpoint| template_names(endpoint.path).nth(at))
            .filter(|other| *other != name)
            .collect();
        other.dedup();
        if !other.is_empty() {
            describe(&mut schema, &format!("or: {}", other.join(", ")));
        }
        out.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    for endpoint in group {
        let mut query: Vec<&Field> = endpoint.query.fields.iter().collect();
        // WECHAT: the few GETs that are described with a body carry it in the query.
        if endpoint.method == Method::Get {
            query.extend(&endpoint.request.fields);
        }
        let headers = endpoint.headers.fields.iter();
        let fields = query
            .into_iter()
            .map(|field| ("query", field))
            .chain(headers.map(|field| ("header", field)));
        for (place, field) in fields {
            let known =
                |parameter: &Value| parameter["name"] == field.name && parameter["in"] == place;
            if !out.iter().any(known) {
                out.push(parameter(components, group, endpoint.product, place, field));
            }
        }
    }
    for when in group.iter().filter_map(|endpoint| endpoint.when) {
        let known = |parameter: &Value| parameter["name"] == when.name;
        if !when.in_body && !out.iter().any(known) {
            out.push(json!({
                "name": when.name, "in": "query", "required": true,
                "schema": {"type": "string", "enum": telling(group, when.name)},
            }));
        }
    }
    out
}

fn parameter(
    components: &mut Components,
    group: &[&'static Endpoint],
    product: Product,
    place: &str,
    field: &Field,
) -> Value {
    let mut schema = schema::schema(components, product, field);
    let values = telling(group, field.name);
    if let (false, Value::Object(map)) = (values.is_empty(), &mut schema) {
        map.remove("const");
        map.insert("enum".into(), json!(values));
    }
    // Required only if every endpoint on the route wants it.
    let required = group.iter().all(|endpoint| {
        [&endpoint.query, &endpoint.headers, &endpoint.request]
            .into_iter()
            .find_map(|shape| shape.field(field.name))
            .is_some_and(|field| field.required)
    });
    let mut out = Map::new();
    out.insert("name".into(), field.name.into());
    out.insert("in".into(), place.into());
    if required {
        out.insert("required".into(), true.into());
    }
    out.insert("schema".into(), schema);
    Value::Object(out)
}

/// The values of a query parameter that tell endpoints apart.
fn telling(group: &[&'static Endpoint], name: &str) -> Vec<&'static str> {
    group
        .iter()
        .filter_map(|endpoint| endpoint.when)
        .filter(|when| !when.in_body && when.name == name)
        .map(|when| when.value)
        .collect()
}

fn template_names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

// --- Bodies --------------------------------------------------------------------------------------------------------

pub(super) fn media_type(content: Content) -> &'static str {
    match content {
        Content::None | Content::Json => "application/json",
        Content::Xml => "application/xml",
        Content::Multipart => "multipart/form-data",
        Content::Form => "application/x-www-form-urlencoded",
        Content::Raw => "text/plain",
        Content::Binary => "application/octet-stream",
        Content::Csv => "text/csv",
    }
}

fn has_body(endpoint: &Endpoint) -> bool {
    endpoint.content != Content::None && endpoint.method != Method::Get
}

/// One of several schemas; those that are equal count once.
pub(super) fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for schema in schemas {
        if !all.contains(&schema) {
            all.push(schema);
        }
    }
    if all.len() == 1 {
        all.swap_remove(0)
    } else {
        json!({"anyOf": all})
    }
}

fn request(components: &mut Components, endpoint: &Endpoint) -> Value {
    if !has_body(endpoint) {
        return Value::Null;
    }
    match endpoint.content {
        Content::Raw => json!({"type": "string"}),
        Content::Binary => json!({"type": "string", "format": "binary"}),
        _ if endpoint.partial => free(),
        _ if endpoint.request.is_empty() => json!({"type": "object"}),
        content => {
            let name = format!("{}.Request", endpoint.id);
            components.schema(&name, |components| {
                let mut out = schema::object(components, endpoint.product, &endpoint.request);
                if let (Content::Xml, Value::Object(map)) = (content, &mut out) {
                    map.insert("xml".into(), json!({"name": "xml"}));
                }
                out
            })
        }
    }
}

/// An object of which nothing is known.
pub(super) fn free() -> Value {
    json!({"type": "object", "additionalProperties": true})
}

fn body(group: &[&'static Endpoint], requests: &[Value]) -> Value {
    let mut content = Map::new();
    for endpoint in group {
        for form in std::iter::once(endpoint.content).chain(endpoint.content_alt) {
            let alike = group
                .iter()
                .zip(requests)
                .filter(|(other, _)| other.content == form || other.content_alt == Some(form));
            let schema = any_of(alike.map(|(_, request)| request.clone()));
            let mut media = Map::new();
            media.insert("schema".into(), schema);
            let example = endpoint
                .examples
                .iter()
                .find_map(|example| serde_json::from_str::<Value>(example.request).ok());
            if let Some(example) = example.filter(|_| form == Content::Json) {
                media.insert("example".into(), example);
            }
            let parts = json_parts(&endpoint.request);
            if let (Content::Multipart, false) = (form, parts.is_empty()) {
                media.insert("encoding".into(), Value::Object(parts));
            }
            content.insert(media_type(form).into(), Value::Object(media));
        }
    }
    let needed = group.iter().all(|endpoint| {
        !endpoint.partial && endpoint.request.fields.iter().any(|field| field.required)
    });
    let mut out = Map::new();
    out.insert("content".into(), Value::Object(content));
    if needed {
        out.insert("required".into(), true.into());
    }
    Value::Object(out)
}

/// The parts of a multipart body that hold JSON.
fn json_parts(shape: &Shape) -> Map<String, Value> {
    shape
        .fields
        .iter()
        .filter(|field| field.wire == Spelling::JsonPart)
        .map(|field| {
            let encoding = json!({"contentType": "application/json"});
            (field.name.to_owned(), encoding)
        })
        .collect()
}
