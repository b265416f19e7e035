//! What an operation answers: the fields, the envelope of its product, and how it is refused.

use serde_json::{Map, Value, json};

use super::components::{Components, reference};
use super::operation::{any_of, free, media_type};
use super::schema;
use crate::lookup::errors;
use crate::model::{Content, Endpoint, Product};

/// What an answer with status 200 may hold.
pub(super) fn answer(components: &mut Components, endpoint: &Endpoint) -> Value {
    let empty = endpoint.partial || endpoint.response.is_empty();
    let name = format!("{}.Response", endpoint.id);
    match endpoint.product {
        Product::PayV3 | Product::PayGlobal | Product::PayBusiness => {
            if empty {
                free()
            } else {
                components.shape(&name, endpoint.product, &endpoint.response)
            }
        }
        Product::PayV2 => {
            let envelope = components.schema("pay_v2.Envelope", |_| pay_v2_envelope());
            if empty {
                return envelope;
            }
            components.schema(&name, |components| {
                let own = schema::object(components, endpoint.product, &endpoint.response);
                // A refusal carries none of the fields.
                json!({
                    "xml": {"name": "xml"},
                    "anyOf": [
                        {"allOf": [reference("pay_v2.Envelope"), own]},
                        reference("pay_v2.Envelope"),
                    ],
                })
            })
        }
        _ => classic(components, endpoint, &name, empty),
    }
}

/// WECHAT: a failure comes with status 200, `errcode` and `errmsg`, and none of the other fields.
fn classic(components: &mut Components, endpoint: &Endpoint, name: &str, empty: bool) -> Value {
    let [code, message] = endpoint.envelope.unwrap_or(["errcode", "errmsg"]);
    let failure = if endpoint.envelope.is_some() {
        format!("Failure.{code}.{message}")
    } else {
        "Failure".to_owned()
    };
    if empty && endpoint.envelope.is_none() {
        return components.schema("Answer", |_| {
            json!({
                "type": "object",
                "properties": {
                    "errcode": {"type": "integer", "description": "0 表示成功 · 0 is success"},
                    "errmsg": {"type": "string"},
                },
            })
        });
    }
    let mut needs = false;
    let schema = components.schema(name, |components| {
        let mut out = schema::object(components, endpoint.product, &endpoint.response);
        if let Value::Object(map) = &mut out {
            if let Some(Value::Array(required)) = map.get_mut("required") {
                required.retain(|name| name != code && name != message);
                needs = !required.is_empty();
            }
            if !needs {
                map.remove("required");
            }
            let properties = map.entry("properties").or_insert_with(|| json!({}));
            if let Value::Object(properties) = properties {
                properties
                    .entry(code)
                    .or_insert_with(|| json!({"type": "integer"}));
                properties
                    .entry(message)
                    .or_insert_with(|| json!({"type": "string"}));
            }
        }
        out
    });
    if !needs {
        return schema;
    }
    let failure = components.schema(&failure, |_| {
        json!({
            "type": "object",
            "description": "失败 · A failure",
            "properties": {code: {"type": "integer"}, message: {"type": "string"}},
            "required": [code],
        })
    });
    any_of([schema, failure])
}

fn pay_v2_envelope() -> Value {
    let state = json!({"type": "string", "enum": ["SUCCESS", "FAIL"]});
    json!({
        "type": "object",
        "description": "通信结果与业务结果 · Whether the call was understood, and whether it was carried out",
        "properties": {
            "return_code": state, "return_msg": {"type": "string"},
            "result_code": state, "err_code": {"type": "string"}, "err_code_des": {"type": "string"},
        },
        "required": ["return_code"],
        "xml": {"name": "xml"},
    })
}

/// The answers of an operation by status.
pub(super) fn responses(
    components: &mut Components,
    first: &Endpoint,
    answers: Vec<Value>,
) -> Value {
    let mut content = Map::new();
    let schema = any_of(answers);
    for form in std::iter::once(first.answer).chain(first.answer_alt) {
        let bytes = matches!(form, Content::Binary | Content::Csv | Content::Raw);
        if bytes {
            let bytes = if form == Content::Binary {
                json!({"type": "string", "format": "binary"})
            } else {
                json!({"type": "string"})
            };
            content.insert(media_type(form).into(), json!({"schema": bytes}));
            let refused = if first.product == Product::PayV2 {
                Content::Xml
            } else {
                Content::Json
            };
            content.insert(media_type(refused).into(), json!({"schema": schema}));
        } else {
            content.insert(media_type(form).into(), json!({"schema": schema}));
        }
    }
    let modern = matches!(
        first.product,
        Product::PayV3 | Product::PayGlobal | Product::PayBusiness
    );
    let mut out = Map::new();
    if !modern {
        let about = "应答；失败也是 200，看其中的错误码 · The answer; a failure is 200 too, with a code in it";
        out.insert(
            "200".into(),
            json!({"description": about, "content": content}),
        );
        return Value::Object(out);
    }
    if first.response.is_empty() && !first.partial && first.answer == Content::Json {
        let about = "已受理，没有正文 · Done; no body";
        out.insert("2XX".into(), json!({"description": about}));
    } else {
        out.insert(
            "200".into(),
            json!({"description": "应答 · The answer", "content": content}),
        );
    }
    let refusal = refusal(components, first.product);
    out.insert("4XX".into(), refusal.clone());
    out.insert("5XX".into(), refusal);
    Value::Object(out)
}

/// The answer to a call that was refused, in the products that use the status for it.
fn refusal(components: &mut Components, product: Product) -> Value {
    let (name, properties) = if product == Product::PayBusiness {
        let error = json!({
            "type": "object",
            "properties": {
                "code": {"type": "string"}, "desc": {"type": "string"},
                "detail": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        });
        (
            "pay_business.Refusal",
            json!({"trace_id": {"type": "string"}, "error": error}),
        )
    } else {
        let codes: Vec<String> = errors(product.errors())
            .iter()
            .map(|error| error.code.to_string())
            .collect();
        let about = format!("known: {}", codes.join(" "));
        let properties = json!({
            "code": {"type": "string", "description": about}, "message": {"type": "string"}, "detail": {},
        });
        ("pay_v3.Refusal", properties)
    };
    components.response(name, |components| {
        let schema = components.schema(
            name,
            |_| json!({"type": "object", "properties": properties}),
        );
        json!({
            "description": "平台拒绝了请求 · The platform refused the call",
            "content": {"application/json": {"schema": schema}},
        })
    })
}
