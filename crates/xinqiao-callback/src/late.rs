//! What a handler says after its budget.

use serde_json::{Value, json};
use xinqiao_message::Reply;
use xinqiao_types::OpenId;

/// A reply that came too late to be one. It can still reach the user as a customer message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LateReply {
    /// Whom it is for.
    pub openid: OpenId,
    /// The original id (`gh_…`) of the account that should say it.
    pub account: String,
    /// What was to be said.
    pub reply: Reply,
}

impl LateReply {
    /// The fields of `message.custom.send` that say the same; none if a customer message cannot.
    ///
    /// Of several articles only the first goes out: a customer message carries one.
    pub fn customer_message(&self) -> Option<Value> {
        let (kind, body) = match &self.reply {
            Reply::Text { content } => ("text", json!({"content": content})),
            Reply::Image { media_id } => ("image", json!({"media_id": media_id})),
            Reply::Voice { media_id } => ("voice", json!({"media_id": media_id})),
            Reply::Video {
                media_id,
                title,
                description,
            } => {
                let body =
                    json!({"media_id": media_id, "title": title, "description": description});
                ("video", body)
            }
            Reply::Music(music) => {
                let body = json!({
                    "title": music.title,
                    "description": music.description,
                    "musicurl": music.music_url,
                    "hqmusicurl": music.hq_music_url,
                    "thumb_media_id": music.thumb_media_id,
                });
                ("music", body)
            }
            Reply::News { articles } => {
                let article = articles.first()?;
                let article = json!({
                    "title": article.title,
                    "description": article.description,
                    "url": article.url,
                    "picurl": article.pic_url,
                });
                ("news", json!({"articles": [article]}))
            }
            _ => return None,
        };
        let mut fields = json!({"touser": self.openid.as_str(), "msgtype": kind});
        fields[kind] = body;
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(reply: Reply) -> LateReply {
        LateReply {
            openid: OpenId::new("o1"),
            account: "gh_1".to_owned(),
            reply,
        }
    }

    #[test]
    fn a_text_becomes_a_customer_message() {
        let fields = late(Reply::text("好了")).customer_message();
        let want = json!({"touser": "o1", "msgtype": "text", "text": {"content": "好了"}});
        assert_eq!(fields, Some(want));
    }

    #[test]
    fn what_a_customer_message_cannot_say_is_none() {
        assert_eq!(late(Reply::transfer()).customer_message(), None);
        assert_eq!(late(Reply::news([])).customer_message(), None);
    }
}
