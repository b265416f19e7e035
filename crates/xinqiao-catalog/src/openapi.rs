//! OpenAPI 3.1 from the catalog: an export, never a source.
//!
//! One document for any set of products. Where two hosts have the same path, the later product's key carries its name
//! behind a `#`; endpoints that share a route and are told apart by a value become one operation whose request and
//! answer are `oneOf`. What OpenAPI has no words for stands in `x-xinqiao`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::lookup::{endpoints, hosts, modules, types};
use crate::model::{
    AuthKind, Content, Endpoint, Field, Product, Shape, Spelling, TypeDef, TypeRef, Union,
};

/// The document for these products; all of them if the list is empty.
#[must_use]
pub fn document(products: &[Product]) -> Value {
    let products: Vec<Product> = if products.is_empty() {
        Product::ALL.to_vec()
    } else {
        products.to_vec()
    };
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut owners: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut schemas = Map::new();
    let mut used_hosts = Vec::new();
    for product in &products {
        for def in types(*product) {
            schemas.insert(type_name(*product, def), object(*product, &def.shape));
        }
        let mut routes: BTreeMap<(&str, &str), Vec<&'static Endpoint>> = BTreeMap::new();
        for endpoint in endpoints(*product) {
            routes
                .entry((endpoint.path, endpoint.method.name()))
                .or_default()
                .push(endpoint);
        }
        for ((path, method), group) in routes {
            let Some(first) = group.first() else { continue };
            if !used_hosts.contains(&first.host) {
                used_hosts.push(first.host);
            }
            let mut key = path.to_owned();
            let owner = owners.entry(key.clone()).or_insert(first.host);
            let taken = paths
                .get(&key)
                .is_some_and(|item| item.contains_key(&method.to_ascii_lowercase()));
            if *owner != first.host || taken {
                key = format!("{path}#{}", product.name());
            }
            let item = paths.entry(key).or_default();
            item.insert(method.to_ascii_lowercase(), operation(*product, &group));
        }
    }
    let mut tags = Vec::new();
    for module in modules()
        .iter()
        .filter(|module| products.contains(&module.product))
    {
        let mut tag = Map::new();
        tag.insert(
            "name".into(),
            format!("{}.{}", module.product, module.name).into(),
        );
        if !module.title.is_empty() {
            tag.insert("description".into(), title(module.title));
        }
        tags.push(Value::Object(tag));
    }
    let servers: Vec<Value> = hosts()
        .iter()
        .filter(|host| used_hosts.contains(&host.name))
        .map(|host| json!({"url": format!("https://{}", host.name)}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "WeChat platform interfaces",
            "description": "Exported from the Xinqiao catalog. Independent of Tencent.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": servers,
        "tags": tags,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security_schemes()},
    })
}

fn title(text: crate::model::Text) -> Value {
    match (text.zh, text.en) {
        ("", en) => en.into(),
        (zh, "") => zh.into(),
        (zh, en) => format!("{zh} · {en}").into(),
    }
}

fn type_name(product: Product, def: &TypeDef) -> String {
    if def.module.is_empty() {
        format!("{product}.{}", def.name)
    } else {
        format!("{product}.{}.{}", def.module, def.name)
    }
}

fn security_schemes() -> Value {
    let query = |name: &str| json!({"type": "apiKey", "in": "query", "name": name});
    json!({
        "access_token": query("access_token"),
        "component_access_token": query("component_access_token"),
        "suite_access_token": query("suite_access_token"),
        "provider_access_token": query("provider_access_token"),
        "device_access_token": query("device_access_token"),
        "model_access_token": query("model_access_token"),
        "webhook_key": query("key"),
        "merchant": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "openai": {"type": "apiKey", "in": "header", "name": "X-OPENAI-TOKEN"},
    })
}

fn security(endpoint: &Endpoint) -> Option<&'static str> {
    Some(match endpoint.auth.kind {
        AuthKind::None | AuthKind::Chatbot => return None,
        AuthKind::AccessToken | AuthKind::Sns => "access_token",
        AuthKind::ComponentAccessToken => "component_access_token",
        AuthKind::SuiteAccessToken => "suite_access_token",
        AuthKind::ProviderAccessToken => "provider_access_token",
        AuthKind::DeviceAccessToken => "device_access_token",
        AuthKind::ModelAccessToken => "model_access_token",
        AuthKind::WebhookKey => "webhook_key",
        AuthKind::Merchant => "merchant",
        AuthKind::Openai => "openai",
    })
}

fn media_type(content: Content) -> &'static str {
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

fn one_of(mut schemas: Vec<Value>) -> Value {
    schemas.dedup();
    if schemas.len() == 1 {
        schemas.swap_remove(0)
    } else {
        json!({"oneOf": schemas})
    }
}

fn operation(product: Product, group: &[&'static Endpoint]) -> Value {
    let mut out = Map::new();
    let Some(first) = group.first() else {
        return Value::Null;
    };
    out.insert("operationId".into(), first.id.into());
    out.insert(
        "tags".into(),
        json!([format!("{product}.{}", first.module)]),
    );
    if !first.title.is_empty() {
        out.insert("summary".into(), title(first.title));
    }
    if let Some(url) = first.doc.first() {
        out.insert("externalDocs".into(), json!({"url": url}));
    }
    if !first.deprecated.is_empty() {
        out.insert("deprecated".into(), true.into());
    }
    out.insert(
        "servers".into(),
        json!([{"url": format!("https://{}", first.host)}]),
    );
    if let Some(scheme) = security(first) {
        out.insert("security".into(), json!([{scheme: []}]));
    }
    let mut parameters: Vec<Value> = Vec::new();
    for (place, shapes) in [
        (
            "path",
            group
                .iter()
                .map(|endpoint| &endpoint.path_params)
                .collect::<Vec<_>>(),
        ),
        (
            "query",
            group.iter().map(|endpoint| &endpoint.query).collect(),
        ),
        (
            "header",
            group.iter().map(|endpoint| &endpoint.headers).collect(),
        ),
    ] {
        for field in shapes.into_iter().flat_map(|shape| &shape.fields) {
            let mut parameter = Map::new();
            parameter.insert("name".into(), field.name.into());
            parameter.insert("in".into(), place.into());
            parameter.insert(
                "required".into(),
                (place == "path" || field.required).into(),
            );
            let mut schema = schema(product, field);
            let values: Vec<&str> = group
                .iter()
                .filter_map(|endpoint| endpoint.when)
                .filter(|when| !when.in_body && when.name == field.name)
                .map(|when| when.value)
                .collect();
            if let (false, Value::Object(map)) = (values.is_empty(), &mut schema) {
                map.insert("enum".into(), json!(values));
            }
            parameter.insert("schema".into(), schema);
            let known = |other: &Value| {
                other.get("name") == parameter.get("name") && other.get("in") == parameter.get("in")
            };
            if !parameters.iter().any(known) {
                parameters.push(Value::Object(parameter));
            }
        }
    }
    for name in template_names(first.path) {
        let known = |parameter: &Value| {
            parameter["in"] == "path" && parameter["name"].as_str() == Some(name)
        };
        if !parameters.iter().any(known) {
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": {"type": "string"},
            }));
        }
    }
    if !parameters.is_empty() {
        out.insert("parameters".into(), Value::Array(parameters));
    }
    if first.content != Content::None {
        let body = |endpoint: &&'static Endpoint| {
            if endpoint.partial {
                json!({"type": "object"})
            } else {
                object(product, &endpoint.request)
            }
        };
        let schema = one_of(group.iter().map(body).collect());
        let mut content = Map::new();
        for form in std::iter::once(first.content).chain(first.content_alt) {
            content.insert(media_type(form).into(), json!({"schema": schema}));
        }
        out.insert("requestBody".into(), json!({"content": content}));
    }
    let answers: Vec<Value> = group
        .iter()
        .map(|endpoint| answer(product, endpoint))
        .collect();
    let mut content = Map::new();
    match first.answer {
        Content::Binary | Content::Csv | Content::Raw => {
            let form = media_type(first.answer);
            content.insert(form.into(), json!({"schema": {"type": "string"}}));
            content.insert(
                "application/json".into(),
                json!({"schema": one_of(answers)}),
            );
        }
        form => {
            content.insert(media_type(form).into(), json!({"schema": one_of(answers)}));
        }
    }
    out.insert(
        "responses".into(),
        json!({"200": {"description": "The answer; failures of the classic products too.", "content": content}}),
    );
    let ids: Vec<&str> = group.iter().map(|endpoint| endpoint.id).collect();
    out.insert(
        "x-xinqiao".into(),
        json!({
            "ids": ids,
            "retry": first.retry,
            "permissions": first.permissions,
            "quotas": first.quotas,
            "errors": first.errors,
            "partial": first.partial,
            "client_cert": first.client_cert,
        }),
    );
    Value::Object(out)
}

fn template_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

fn answer(product: Product, endpoint: &Endpoint) -> Value {
    let mut schema = object(product, &endpoint.response);
    let [code, message] = match (endpoint.envelope, product) {
        (Some(names), _) => names,
        (None, Product::PayV3 | Product::PayGlobal | Product::PayV2 | Product::PayBusiness) => {
            return schema;
        }
        (None, _) => ["errcode", "errmsg"],
    };
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties
            .entry(code)
            .or_insert_with(|| json!({"type": "integer"}));
        properties
            .entry(message)
            .or_insert_with(|| json!({"type": "string"}));
    }
    schema
}

fn object(product: Product, shape: &Shape) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &shape.fields {
        properties.insert(field.name.into(), schema(product, field));
        if field.required && !field.numbered {
            required.push(field.name);
        }
    }
    if let Some(union) = &shape.union {
        flatten(product, union, &mut properties, &mut required);
    }
    let mut out = Map::new();
    out.insert("type".into(), "object".into());
    out.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        out.insert("required".into(), json!(required));
    }
    if let Some(open) = &shape.open {
        out.insert("additionalProperties".into(), of_type(product, open));
    }
    Value::Object(out)
}

fn flatten(
    product: Product,
    union: &Union,
    properties: &mut Map<String, Value>,
    required: &mut Vec<&'static str>,
) {
    let values: Vec<&str> = union.cases.iter().map(|case| case.value).collect();
    properties.insert(union.tag.into(), json!({"type": "string", "enum": values}));
    required.push(union.tag);
    for case in &union.cases {
        if let Some(ty) = &case.ty {
            properties.insert(case.field.into(), of_type(product, ty));
        }
    }
}

fn schema(product: Product, field: &Field) -> Value {
    let mut out = match field.wire {
        Spelling::BoolInt => json!({"type": "integer", "enum": [0, 1]}),
        Spelling::BoolYn => json!({"type": "string", "enum": ["Y", "N"]}),
        Spelling::BoolText => json!({"type": "string", "enum": ["true", "false"]}),
        Spelling::NumericText => json!({"type": "string", "pattern": "^-?[0-9.]*$"}),
        Spelling::NumberOrText | Spelling::TextOrNumber => match &field.ty {
            TypeRef::List(_) => of_type(product, &field.ty),
            _ => json!({"type": ["string", "number"]}),
        },
        Spelling::JsonText => json!({
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": of_type(product, &field.ty),
        }),
        Spelling::Comma | Spelling::Pipe | Spelling::Semicolon | Spelling::EncryptedXml => {
            json!({"type": "string"})
        }
        _ if !field.alternatives.is_empty() => json!({}),
        _ => of_type(product, &field.ty),
    };
    let Value::Object(map) = &mut out else {
        return out;
    };
    if !field.allowed.is_empty() && map.get("type") == Some(&json!("string")) {
        map.insert("enum".into(), json!(field.allowed));
    }
    if field.format == "rfc3339" {
        map.insert("format".into(), "date-time".into());
    }
    if !field.constant.is_empty() && map.get("type") == Some(&json!("string")) {
        map.insert("const".into(), field.constant.into());
    }
    if field.max > 0 && matches!(field.ty, TypeRef::List(_)) && map.contains_key("items") {
        map.insert("maxItems".into(), field.max.into());
    }
    let about: Vec<String> = [
        (!field.about.is_empty()).then(|| field.about.zh.to_owned()),
        (!field.unit.is_empty()).then(|| format!("unit: {}", field.unit)),
        (!field.format.is_empty()).then(|| format!("format: {}", field.format)),
        field.encrypted.then(|| "encrypted".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !about.is_empty() {
        map.insert("description".into(), about.join("; ").into());
    }
    out
}

fn of_type(product: Product, ty: &TypeRef) -> Value {
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
        TypeRef::List(inner) => json!({"type": "array", "items": of_type(product, inner)}),
        TypeRef::Map(inner) => {
            json!({"type": "object", "additionalProperties": of_type(product, inner)})
        }
        TypeRef::Named(id) => match types(product).get(id.0 as usize) {
            Some(def) => json!({
                "$ref": format!("#/components/schemas/{}", type_name(product, def))
            }),
            None => json!({}),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_a_product_is_in_its_document() {
        let document = document(&[Product::OfficialAccount]);
        let paths = document["paths"].as_object().expect("paths");
        let ids: Vec<&str> = paths
            .values()
            .flat_map(|item| item.as_object().expect("an item").values())
            .flat_map(|operation| operation["x-xinqiao"]["ids"].as_array().expect("ids"))
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(ids.len(), endpoints(Product::OfficialAccount).len());
        assert_eq!(
            paths["/cgi-bin/menu/create"]["post"]["requestBody"]["content"]["application/json"]["schema"]
                ["properties"]["button"]["items"]["$ref"],
            "#/components/schemas/official_account.menu.Button"
        );
    }

    #[test]
    fn references_lead_somewhere() {
        let document = document(&[]);
        let schemas = document["components"]["schemas"]
            .as_object()
            .expect("schemas");
        let mut todo = vec![&document];
        while let Some(value) = todo.pop() {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(target)) = map.get("$ref") {
                        let name = target.strip_prefix("#/components/schemas/").expect("local");
                        assert!(schemas.contains_key(name), "{target}");
                    }
                    todo.extend(map.values());
                }
                Value::Array(items) => todo.extend(items),
                _ => {}
            }
        }
    }
}
