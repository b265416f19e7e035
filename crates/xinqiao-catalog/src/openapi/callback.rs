//! Callbacks as webhooks: what the platform sends to an app's server URL, and what the app may answer.

use serde_json::{Map, Value, json};

use super::components::Components;
use super::schema;
use crate::lookup::events;
use crate::model::{Event, EventKind, EventWire, Product, Text};

/// The tag of a product's callbacks, behind the product's name.
pub(super) const TAG: &str = "callbacks";
pub(super) const TITLE: Text = Text {
    zh: "消息、事件与通知",
    en: "Messages, events and notices",
};

/// The webhook of a callback. Replies are no callbacks: they are answers of theirs.
pub(super) fn webhook(components: &mut Components, event: &'static Event) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), event.id.into());
    operation.insert("tags".into(), json!([format!("{}.{TAG}", event.product)]));
    let summary = if event.title.is_empty() {
        name(event).replace('_', " ")
    } else {
        super::both(event.title)
    };
    operation.insert("summary".into(), summary.into());
    operation.insert("description".into(), description(event).into());
    if let Some(url) = event.doc.first() {
        operation.insert("externalDocs".into(), json!({"url": url}));
    }
    operation.insert("security".into(), json!([]));
    let body = request(components, event);
    operation.insert("requestBody".into(), body);
    operation.insert("responses".into(), answers(components, event));
    json!({"post": operation})
}

fn name(event: &Event) -> &str {
    event.id.rsplit('.').next().unwrap_or(event.id)
}

fn description(event: &Event) -> String {
    let mut out = format!("`{}`", event.id);
    let pay = is_pay(event.product);
    if !pay {
        out.push_str(
            "\n\n明文模式下的正文；安全模式下整体加密在 Encrypt 里 · \
             The body in plain mode; in safe mode all of it is encrypted in `Encrypt`.",
        );
    }
    out
}

const fn is_pay(product: Product) -> bool {
    matches!(
        product,
        Product::PayV2 | Product::PayV3 | Product::PayGlobal | Product::PayBusiness
    )
}

/// The schema of the callback itself, with the values that tell it from others.
fn body(components: &mut Components, event: &Event) -> Value {
    components.schema(event.id, |components| {
        let mut out = schema::object(components, event.product, &event.shape);
        let when = event.when.unwrap_or_default();
        for (name, value) in [
            ("MsgType", event.msg_type),
            ("Event", event.event),
            ("InfoType", event.info_type),
            when,
        ] {
            let field = out.pointer_mut(&format!("/properties/{name}"));
            if let (false, Some(Value::Object(field))) = (value.is_empty(), field)
                && field.get("type") == Some(&json!("string"))
            {
                field.insert("const".into(), value.into());
            }
        }
        if let (false, Value::Object(map)) = (event.wire == EventWire::Json, &mut out) {
            map.insert("xml".into(), json!({"name": "xml"}));
        }
        out
    })
}

fn request(components: &mut Components, event: &Event) -> Value {
    let body = body(components, event);
    let schema = match event.product {
        Product::PayV3 | Product::PayGlobal => {
            let notice = components.schema("pay_v3.Notice", |_| notice());
            let sealed = json!({
                "type": "string",
                "description": "用 APIv3 密钥解开后是 contentSchema · Opened with the APIv3 key: contentSchema",
                "contentEncoding": "base64",
                "contentMediaType": "application/json",
                "contentSchema": body,
            });
            let resource = json!({"type": "object", "properties": {"ciphertext": sealed}});
            let own = json!({"event_type": event_type(event), "resource": resource});
            json!({"allOf": [notice, {"type": "object", "properties": own}]})
        }
        _ => body,
    };
    let mut content = Map::new();
    if event.wire != EventWire::Json {
        content.insert("application/xml".into(), json!({"schema": schema}));
    }
    if event.wire != EventWire::Xml {
        content.insert("application/json".into(), json!({"schema": schema}));
    }
    json!({"required": true, "content": content})
}

fn event_type(event: &Event) -> Value {
    if event.event_type.is_empty() {
        json!({"type": "string"})
    } else {
        json!({"type": "string", "const": event.event_type})
    }
}

/// WECHAT: what a v3 notice says is encrypted with the APIv3 key.
fn notice() -> Value {
    json!({
        "type": "object",
        "description": "通知的外层，内容加密在 resource 里 · The outside of a notice; what it says is encrypted in `resource`",
        "properties": {
            "id": {"type": "string"},
            "create_time": {"type": "string", "format": "date-time"},
            "event_type": {"type": "string"},
            "resource_type": {"type": "string"},
            "summary": {"type": "string"},
            "resource": {
                "type": "object",
                "properties": {
                    "algorithm": {"type": "string"}, "ciphertext": {"type": "string"},
                    "associated_data": {"type": "string"}, "nonce": {"type": "string"},
                    "original_type": {"type": "string"},
                },
                "required": ["algorithm", "ciphertext", "nonce"],
            },
        },
        "required": ["id", "event_type", "resource"],
    })
}

// --- Answers -------------------------------------------------------------------------------------------------------

fn answers(components: &mut Components, event: &Event) -> Value {
    let name = format!("{}.Received", event.product);
    match event.product {
        Product::PayV3 | Product::PayGlobal => {
            let done = components.response(
                "pay_v3.Received",
                |_| json!({"description": "收到 · Received"}),
            );
            let failed = components.response("pay_v3.NotReceived", |_| {
                json!({
                    "description": "没有收到，平台会再通知 · Not received; the platform notifies again",
                    "content": {"application/json": {"schema": {
                        "type": "object",
                        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                    }}},
                })
            });
            json!({"200": done, "4XX": failed})
        }
        Product::PayV2 => {
            let done = components.response(&name, |_| {
                json!({
                    "description": "收到或没有收到 · Received or not",
                    "content": {"application/xml": {"schema": {
                        "type": "object",
                        "properties": {
                            "return_code": {"type": "string", "enum": ["SUCCESS", "FAIL"]},
                            "return_msg": {"type": "string"},
                        },
                        "required": ["return_code"],
                        "xml": {"name": "xml"},
                    }}},
                })
            });
            json!({"200": done})
        }
        _ => json!({"200": reply(components, event, &name)}),
    }
}

/// `success`, nothing, or a passive reply where the platform takes one.
fn reply(components: &mut Components, event: &Event, name: &str) -> Value {
    let success = json!({"type": "string", "enum": ["success", ""]});
    let own = events().find(|other| {
        other.kind == EventKind::Reply
            && other.product == event.product
            && self::name(other) == self::name(event)
    });
    if let Some(own) = own.filter(|_| event.kind == EventKind::Event) {
        let schema = body(components, own);
        return json!({
            "description": "被动回复 · The reply",
            "content": content(own, &schema, &success),
        });
    }
    let general = event.reply.contains("passive reply")
        || event.reply.contains("transfer_customer_service")
        || event.reply == "free"
        || event.kind == EventKind::Message;
    let replies: Vec<&'static Event> = events()
        .filter(|reply| general && reply.kind == EventKind::Reply && reply.product == event.product)
        .filter(|reply| !answers_an_event(reply))
        .collect();
    if replies.is_empty() {
        return components.response(name, |_| {
            json!({
                "description": "收到 · Received",
                "content": {"text/plain": {"schema": success}},
            })
        });
    }
    let name = format!("{}.Reply", event.product);
    let all: Vec<Value> = replies
        .iter()
        .map(|reply| body(components, reply))
        .collect();
    components.response(&name, |components| {
        let schema = components.schema(&name, |_| json!({"anyOf": all}));
        json!({
            "description": "收到，或一条被动回复 · Received, or a passive reply",
            "content": {
                "text/plain": {"schema": success},
                "application/xml": {"schema": schema},
            },
        })
    })
}

fn answers_an_event(reply: &Event) -> bool {
    events().any(|event| {
        event.kind == EventKind::Event
            && event.product == reply.product
            && name(event) == name(reply)
    })
}

fn content(reply: &Event, schema: &Value, success: &Value) -> Value {
    let mut out = Map::new();
    if reply.wire != EventWire::Json {
        out.insert("application/xml".into(), json!({"schema": schema}));
    }
    if reply.wire != EventWire::Xml {
        out.insert("application/json".into(), json!({"schema": schema}));
    }
    out.insert("text/plain".into(), json!({"schema": success}));
    Value::Object(out)
}
