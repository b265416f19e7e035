//! Subscription messages (订阅消息) field by field: `.field("thing1", "手冲")`.

use xinqiao_types::OpenId;

use crate::message::subscribe::{BizSend, Send};
use crate::message::{BizSendData, TemplateValue};

impl Send {
    /// A message to fill with [`Send::field`].
    #[must_use]
    pub fn to(touser: impl Into<OpenId>, template_id: impl Into<String>) -> Self {
        let mut send = Self::default();
        send.to_user = touser.into();
        send.template_id = template_id.into();
        send
    }

    /// Fills one field of the template.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.data.insert(name.into(), TemplateValue::new(value));
        self
    }
}

impl BizSend {
    /// A notification of a service account (订阅通知) to fill with [`BizSend::field`].
    #[must_use]
    pub fn to(touser: impl Into<OpenId>, template_id: impl Into<String>) -> Self {
        let mut send = Self::default();
        send.to_user = touser.into();
        send.template_id = template_id.into();
        send
    }

    /// Fills one field of the template.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.data.insert(name.into(), BizSendData::new(value));
        self
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn fields_are_filled_one_by_one() {
        let send = BizSend::to("o1", "t1")
            .field("thing1", "手冲")
            .field("time2", "10:00");
        assert_eq!(
            json::encode(&send),
            "{\"touser\":\"o1\",\"template_id\":\"t1\",\
             \"data\":{\"thing1\":{\"value\":\"手冲\"},\"time2\":{\"value\":\"10:00\"}}}"
        );
    }
}
