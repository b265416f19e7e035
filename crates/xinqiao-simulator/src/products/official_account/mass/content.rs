//! What is sent to many: the body of a call, held against the account's files and drafts, as a bubble.

use serde_json::{Map, Value, json};
use xinqiao_catalog::code;

use super::super::draft;
use crate::{
    accounts::files,
    door::{Asked, Refusal, fallback::made},
    kernel::{Turn, World},
};

/// A message to many.
#[derive(Debug, Clone)]
pub(super) struct Content {
    /// Kind of its bubble.
    pub(super) kind: &'static str,
    pub(super) fields: Map<String, Value>,
    /// The draft that it consists of.
    pub(super) draft: Option<String>,
    /// How many articles it has.
    pub(super) articles: usize,
}

/// Most pictures of one message.
const PICTURES: usize = 20;

fn object<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What a call wants to be sent.
pub(super) fn read(turn: &Turn<'_>, asked: &Asked) -> Result<Content, Refusal> {
    let kind = asked.body.get("msgtype").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let body = asked.body.get(kind).unwrap_or(&Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let told = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
    let plain = |kind, fields| Content {
        kind,
        fields,
        draft: None,
        articles: 0,
    };
    Ok(match kind {
        "text" => {
            if text("content").is_empty() {
                return Err(Refusal::code(code::EMPTY_CONTENT));
            }
            plain("text", object([("content", told("content"))]))
        }
        "image" => pictures(turn, asked)?,
        "voice" => {
            let media_id = file(turn, asked, text("media_id"))?;
            plain("voice", object([("media_id", json!(media_id))]))
        }
        // WECHAT: a video is called `video` in older descriptions of mass/send.
        "mpvideo" | "video" => {
            let media_id = file(turn, asked, text("media_id"))?;
            let fields = object([
                ("media_id", json!(media_id)),
                ("title", told("title")),
                ("description", told("description")),
            ]);
            plain("video", fields)
        }
        "mpnews" => articles(turn.world, asked, text("media_id"))?,
        "wxcard" => {
            if text("card_id").is_empty() {
                return Err(Refusal::code(code::INVALID_ARGS));
            }
            plain("wxcard", object([("card_id", told("card_id"))]))
        }
        _ => return Err(Refusal::code(code::INVALID_MESSAGE_TYPE)),
    })
}

/// The module whose uploads are for messages to many.
const UPLOADED: &str = "official_account.media";

fn unknown(media_id: &str) -> Refusal {
    Refusal::code(code::INVALID_MEDIA_ID).because("media.unknown", Some(media_id.to_owned()), None)
}

/// A file of the account: temporary or permanent material, or what a call made that only the schema answered.
fn file(turn: &Turn<'_>, asked: &Asked, media_id: &str) -> Result<String, Refusal> {
    let known = files::has(turn.world, &asked.appid, media_id, turn.now.0)
        || made::has(turn.world, &asked.appid, UPLOADED, "media_id", media_id);
    if known {
        Ok(media_id.to_owned())
    } else {
        Err(unknown(media_id))
    }
}

/// Pictures: one, or an album, which the phone shows as articles without a text.
fn pictures(turn: &Turn<'_>, asked: &Asked) -> Result<Content, Refusal> {
    let album = asked.body.get("images");
    let listed = album.and_then(|album| album.get("media_ids")?.as_array());
    let one = asked.body.get("image").and_then(|one| one.get("media_id"));
    let ids: Vec<&str> = match listed {
        Some(ids) => ids.iter().filter_map(Value::as_str).collect(),
        None => one.and_then(Value::as_str).into_iter().collect(),
    };
    if ids.is_empty() || ids.len() > PICTURES {
        return Err(Refusal::code(code::INVALID_MEDIA_ID));
    }
    for id in &ids {
        file(turn, asked, id)?;
    }
    let title = album.and_then(|album| album.get("recommend")?.as_str());
    // WECHAT: 分享图片 stands over an album without words of its own.
    let title = title.filter(|text| !text.is_empty()).unwrap_or("分享图片");
    let (kind, fields) = match ids[..] {
        [one] => ("image", object([("media_id", json!(one))])),
        _ => {
            let all: Vec<Value> = { ids.iter() }
                .map(|id| json!({"title": title, "picurl": format!("/_sim/v1/media/{id}")}))
                .collect();
            ("news", object([("articles", json!(all))]))
        }
    };
    Ok(Content {
        kind,
        fields,
        draft: None,
        articles: 0,
    })
}

/// Articles of a draft, or what was uploaded for this and only the schema answered.
fn articles(world: &World, asked: &Asked, media_id: &str) -> Result<Content, Refusal> {
    if let Some(cards) = draft::cards(world, &asked.appid, media_id) {
        return Ok(Content {
            kind: "news",
            articles: cards.len(),
            fields: object([("articles", json!(cards))]),
            draft: Some(media_id.to_owned()),
        });
    }
    if made::has(world, &asked.appid, UPLOADED, "media_id", media_id) {
        return Ok(Content {
            kind: "mpnews",
            articles: 1,
            fields: object([("media_id", json!(media_id))]),
            draft: None,
        });
    }
    Err(unknown(media_id))
}
