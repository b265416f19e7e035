//! Turns a message into what the phone shows: a type and flat fields.

use serde_json::{Map, Value, json};
use xinqiao_message::reply::{Article, Reply};

/// A type and its flat fields.
pub(crate) type Bubble = (String, Map<String, Value>);

/// The bubble of a passive reply; none for what the phone does not show.
pub(crate) fn of_reply(reply: &Reply) -> Option<Bubble> {
    let fields = match reply {
        Reply::Text { content } => fields([("content", json!(content))]),
        Reply::Image { media_id } | Reply::Voice { media_id } => {
            fields([("media_id", json!(media_id))])
        }
        Reply::Video {
            media_id,
            title,
            description,
        } => fields([
            ("media_id", json!(media_id)),
            ("title", json!(title)),
            ("description", json!(description)),
        ]),
        Reply::Music(music) => fields([
            ("title", json!(music.title)),
            ("description", json!(music.description)),
            ("url", json!(music.music_url)),
            ("hq_url", json!(music.hq_music_url)),
            ("thumb_media_id", json!(music.thumb_media_id)),
        ]),
        Reply::News { articles } => fields([("articles", of_articles(articles))]),
        Reply::Hardware {
            message_view,
            message_action,
        } => fields([
            ("message_view", json!(message_view)),
            ("message_action", json!(message_action)),
        ]),
        _ => return None,
    };
    Some((reply.msg_type().to_owned(), fields))
}

fn of_articles(articles: &[Article]) -> Value {
    articles
        .iter()
        .map(|article| {
            json!({
                "title": article.title,
                "description": article.description,
                "url": article.url,
                "picurl": article.pic_url,
            })
        })
        .collect()
}

/// The bubble of a customer message: the body under its own type, flattened.
pub(crate) fn of_custom(kind: &str, body: &Value) -> Bubble {
    let text = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
    let flat = match kind {
        "music" => fields([
            ("title", text("title")),
            ("description", text("description")),
            ("url", text("musicurl")),
            ("hq_url", text("hqmusicurl")),
            ("thumb_media_id", text("thumb_media_id")),
        ]),
        "news" => {
            let articles = body.get("articles").and_then(Value::as_array);
            let articles: Vec<Value> = articles
                .into_iter()
                .flatten()
                .map(|article| {
                    let text = |name: &str| article.get(name).cloned().unwrap_or(json!(""));
                    json!({
                        "title": text("title"),
                        "description": text("description"),
                        "url": text("url"),
                        "picurl": text("picurl"),
                    })
                })
                .collect();
            fields([("articles", json!(articles))])
        }
        _ => body.as_object().cloned().unwrap_or_default(),
    };
    (kind.to_owned(), flat)
}

fn fields<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
