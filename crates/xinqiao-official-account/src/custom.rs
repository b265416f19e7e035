//! Customer service messages (客服消息) in one line each: `Send::text(openid, "你好")`.
//!
//! Only shortcuts for the common bodies; everything else is `Send::new(openid, Body::…)`.

use xinqiao_types::{MediaId, OpenId};

use crate::message::custom::Send;
use crate::message::{Article, Body, Image, News, Text, Voice};

impl Send {
    /// A text.
    #[must_use]
    pub fn text(touser: impl Into<OpenId>, content: impl Into<String>) -> Self {
        Send::new(touser, Body::Text(Text::new(content)))
    }

    /// A picture by its media id.
    #[must_use]
    pub fn image(touser: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Send::new(touser, Body::Image(Image::new(media_id)))
    }

    /// A voice message by its media id.
    #[must_use]
    pub fn voice(touser: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Send::new(touser, Body::Voice(Voice::new(media_id)))
    }

    /// One article that links out. The platform takes exactly one.
    #[must_use]
    pub fn article(
        touser: impl Into<OpenId>,
        title: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        Send::new(touser, Body::News(News::new(vec![Article::new(title, url)])))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn a_text_is_flat_on_the_wire() {
        assert_eq!(
            json::encode(&Send::text("o1", "你好")),
            r#"{"touser":"o1","msgtype":"text","text":{"content":"你好"}}"#
        );
    }

    #[test]
    fn an_unknown_body_survives() {
        let text = r#"{"touser":"o1","msgtype":"smell","smell":{"of":"tea"}}"#;
        let mut send = Send::default();
        json::decode(&mut send, text.as_bytes(), xinqiao_wire::Keep::Typed).expect("decodes");
        assert!(matches!(&send.body, Body::Other { tag, .. } if tag == "smell"));
        assert_eq!(json::encode(&send), text);
    }

    #[test]
    fn personal_data_does_not_print() {
        let shown = format!("{:?}", Send::text("oSecretOpenId", "hi"));
        assert!(!shown.contains("oSecretOpenId"), "{shown}");
        assert!(shown.contains("hi"), "{shown}");
    }
}
