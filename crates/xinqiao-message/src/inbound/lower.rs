//! Messages with small letters: WeCom's bots (智能机器人) write `msgtype` and `from.userid` where everything
//! else writes `MsgType` and `FromUserName`.
//!
//! What the head and the common types need is written in the usual spelling beside the fields as they came;
//! nothing is lost, and everything else reads one spelling only.
//!
//! Source: doc pages 100719 and 101027 of WeCom (接收消息, 接收事件).

use serde_json::{Map, Value};

/// A message in the usual spelling; anything else comes back as it is.
pub(super) fn usual(value: Value) -> Value {
    match value {
        Value::Object(object) if is_lower(&object) => Value::Object(spelled(object)),
        other => other,
    }
}

fn is_lower(object: &Map<String, Value>) -> bool {
    object.get("msgtype").is_some_and(Value::is_string)
        && !object.contains_key("MsgType")
        && !object.contains_key("InfoType")
}

fn spelled(mut object: Map<String, Value>) -> Map<String, Value> {
    for (usual, path) in [
        ("MsgType", "/msgtype"),
        ("Event", "/event/eventtype"),
        ("FromUserName", "/from/userid"),
        ("ToUserName", "/aibotid"),
        ("CreateTime", "/create_time"),
        ("Content", "/text/content"),
        ("PicUrl", "/image/url"),
        ("Recognition", "/voice/content"),
    ] {
        let found = pointer(&object, path).filter(|value| !value.is_null());
        if let Some(value) = found.cloned() {
            object.entry(usual).or_insert(value);
        }
    }
    // Usually a word; then it stays where it is, and tells repeats all the same.
    if let Some(id) = object.get("msgid").and_then(Value::as_str)
        && id.parse::<u64>().is_ok()
    {
        let id = Value::from(id);
        object.entry("MsgId").or_insert(id);
    }
    object
}

fn pointer<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('/').skip(1);
    let first = object.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}
