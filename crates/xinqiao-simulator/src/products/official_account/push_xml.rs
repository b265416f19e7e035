//! Writes what is pushed, element by element in the platform's order: strings in CDATA, numbers bare.

use serde_json::{Map, Value};
use xinqiao_message::{
    Message,
    inbound::{Head, Kind},
    names::msg_type,
};
use xinqiao_types::UnixSeconds;

/// What is pushed, before it knows to whom.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) msg_type: String,
    /// The event's name, if it is an event.
    pub(crate) event: Option<String>,
    /// Elements after the head, in order.
    pub(crate) fields: Map<String, Value>,
    /// Whether the phone shows a notice when all attempts fail.
    pub(crate) notice: bool,
    /// Whether a reply may come back.
    pub(crate) replyable: bool,
}

impl Draft {
    /// Something that the user said.
    pub(crate) fn message(msg_type: &str, fields: Map<String, Value>) -> Self {
        Self {
            msg_type: msg_type.to_owned(),
            event: None,
            fields,
            notice: true,
            replyable: true,
        }
    }

    /// Something that happened.
    pub(crate) fn event(event: &str, fields: Map<String, Value>) -> Self {
        Self {
            msg_type: msg_type::EVENT.to_owned(),
            event: Some(event.to_owned()),
            fields,
            notice: true,
            replyable: true,
        }
    }

    /// The same, where nobody waits for an answer on the phone.
    pub(crate) fn quiet(mut self) -> Self {
        self.notice = false;
        self
    }

    /// The same, where the platform only tells: no notice, and no reply is taken.
    pub(crate) fn told(mut self) -> Self {
        self.notice = false;
        self.replyable = false;
        self
    }

    /// The XML.
    pub(crate) fn write(
        &self,
        to: &str,
        from: &str,
        time: UnixSeconds,
        msg_id: Option<u64>,
    ) -> String {
        let head = Head {
            to: to.to_owned(),
            from: from.to_owned(),
            time,
            msg_id,
            ..Head::default()
        };
        let (kind, name) = match &self.event {
            Some(event) => (Kind::Event, event),
            None => (Kind::Content, &self.msg_type),
        };
        Message::new(head, kind, name, self.fields.clone()).to_xml()
    }
}

/// Elements in order.
pub(crate) fn elements<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_stand_in_the_platforms_order() {
        let text = Draft::message("text", elements([("Content", json!("你好"))]));
        assert_eq!(
            text.write("gh_1", "o1", UnixSeconds(9), Some(7)),
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
             <CreateTime>9</CreateTime><MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[你好]]></Content><MsgId>7</MsgId></xml>"
        );
        let click = Draft::event("CLICK", elements([("EventKey", json!("K"))]));
        assert_eq!(
            click.write("gh_1", "o1", UnixSeconds(9), None),
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
             <CreateTime>9</CreateTime><MsgType><![CDATA[event]]></MsgType>\
             <Event><![CDATA[CLICK]]></Event><EventKey><![CDATA[K]]></EventKey></xml>"
        );
    }
}
