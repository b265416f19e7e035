//! A reply that came too late to be the platform's answer, sent to its user as a customer message (客服消息).
//!
//! It is sent once or not at all: that sending has begun is on disk before it begins, and whoever takes a delivery up
//! later does not send. Only a refused token is tried again, because nothing was sent with it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{endpoint, error, id::official_account::message::custom, model::Product};
use xinqiao_message::reply::{self, Reply};
use xinqiao_types::percent;

use super::Parcel;
use crate::{
    outbound::OutboundError,
    platform::{self, Face},
    shared::Shared,
};

/// The answer is a code and a sentence.
const ANSWER_BYTES: usize = 64 << 10;

/// What is on disk while a message is being sent, and stays there if the gateway ends meanwhile.
pub(super) const BEGUN: &str = "delivery.push_unknown";

/// What came of sending: the rule that names it, and words.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    pub(super) rule: &'static str,
    pub(super) detail: String,
}

impl Pushed {
    fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
        }
    }
}

/// Sends the reply, with the account's token.
pub(super) async fn push(shared: &Arc<Shared>, parcel: &Parcel, xml: &[u8]) -> Pushed {
    let pushed = send(shared, parcel, xml).await;
    let (event_id, appid, rule) = (parcel.event, &parcel.appid, pushed.rule);
    if rule == "delivery.pushed" {
        shared.metrics.replies_pushed.add();
        tracing::info!(%event_id, %appid, rule, "A late reply was sent as a customer message.");
    } else {
        shared.metrics.replies_unpushed.add();
        let detail = &pushed.detail;
        tracing::warn!(%event_id, %appid, rule, detail, "A late reply did not become a customer message.");
    }
    pushed
}

async fn send(shared: &Arc<Shared>, parcel: &Parcel, xml: &[u8]) -> Pushed {
    let body = match reply::decode(xml) {
        Ok(addressed) => customer_message(&parcel.message.head.from, &addressed.reply)
            .ok_or_else(|| addressed.reply.msg_type().to_owned()),
        Err(error) => return Pushed::new("delivery.push_unfit", error.to_string()),
    };
    let body = match body {
        Ok(body) => Bytes::from(body.to_string()),
        Err(kind) => {
            let detail = format!("no customer message is like a reply of type {kind}");
            return Pushed::new("delivery.push_unfit", detail);
        }
    };
    let appid = parcel.appid.as_str();
    let mut token = match shared.tokens.token(shared, appid).await {
        Ok(token) => token,
        Err(error) => {
            let detail = format!("no token ({}): {error}", error.rule());
            return Pushed::new("delivery.push_refused", detail);
        }
    };
    let code = match ask(shared, token.text.expose(), &body).await {
        Ok(code) => code,
        Err(unknown) => return unknown,
    };
    let kind = shared.tokens.held(appid);
    if !kind.is_some_and(|kind| kind.refused_by(code)) {
        return judged(code);
    }
    let used = token.text.expose().to_owned();
    match shared.tokens.refused(shared, appid, &used, code).await {
        Ok(fresh) if fresh.text.expose() != used => token = fresh,
        Ok(_) => return judged(code),
        Err(error) => {
            let detail = format!(
                "a refused token was not replaced ({}): {error}",
                error.rule()
            );
            return Pushed::new("delivery.push_refused", detail);
        }
    }
    match ask(shared, token.text.expose(), &body).await {
        Ok(code) => judged(code),
        Err(unknown) => unknown,
    }
}

/// One call: the platform's code.
async fn ask(shared: &Shared, token: &str, body: &Bytes) -> Result<i64, Pushed> {
    let path = endpoint(custom::SEND).map_or("", |endpoint| endpoint.path);
    let target = format!("{path}?access_token={}", percent::encode(token));
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
    let host = Face::Native.default_host();
    let answered = shared
        .outbound
        .platform_whole(
            host,
            Method::POST,
            &target,
            headers,
            body.clone(),
            ANSWER_BYTES,
        )
        .await
        .map_err(|error| {
            let is_unsent = matches!(error, OutboundError::Connect(_) | OutboundError::NoHost(_));
            let rule = if is_unsent {
                "delivery.push_refused"
            } else {
                BEGUN
            };
            Pushed::new(rule, error.to_string())
        })?;
    match platform::errcode(&answered.body) {
        Some(code) if answered.status == StatusCode::OK => Ok(code),
        _ => {
            let detail = format!("the platform answered {} without a code", answered.status);
            Err(Pushed::new(BEGUN, detail))
        }
    }
}

/// What the platform's code means for the message, in the catalog's words.
fn judged(code: i64) -> Pushed {
    if code == 0 {
        return Pushed::new("delivery.pushed", "");
    }
    let known = error(Product::OfficialAccount, code);
    let meaning = known.map_or("", |known| known.meaning.en);
    let detail = match meaning {
        "" => format!("errcode {code}"),
        meaning => format!("errcode {code}: {meaning}"),
    };
    Pushed::new("delivery.push_refused", detail)
}

/// A passive reply in the shape of a customer message. None for those that no customer message is like: the transfer
/// to staff, the hardware ranking, a bot's.
///
/// Source: doc page "客服接口-发消息".
fn customer_message(openid: &str, reply: &Reply) -> Option<Value> {
    let body = match reply {
        Reply::Text { content } => json!({"content": content}),
        Reply::Image { media_id } | Reply::Voice { media_id } => json!({"media_id": media_id}),
        // A passive reply names no cover (`thumb_media_id`). If the platform insists on one, the delivery has its code.
        Reply::Video {
            media_id,
            title,
            description,
        } => json!({"media_id": media_id, "title": title, "description": description}),
        Reply::Music(music) => json!({
            "title": music.title,
            "description": music.description,
            "musicurl": music.music_url,
            "hqmusicurl": music.hq_music_url,
            "thumb_media_id": music.thumb_media_id,
        }),
        // More than one is refused with 45008: nothing is cut here that the app wanted shown.
        Reply::News { articles } => {
            let article = |article: &reply::Article| {
                json!({
                    "title": article.title,
                    "description": article.description,
                    "url": article.url,
                    "picurl": article.pic_url,
                })
            };
            json!({"articles": articles.iter().map(article).collect::<Vec<_>>()})
        }
        _ => return None,
    };
    let kind = reply.msg_type();
    let mut message = Map::new();
    message.insert("touser".into(), openid.into());
    message.insert("msgtype".into(), kind.into());
    message.insert(kind.into(), body);
    Some(message.into())
}

#[cfg(test)]
mod tests {
    use xinqiao_message::reply::{Article, Music};

    use super::*;

    #[test]
    fn every_reply_has_the_customer_messages_own_shape() {
        let shape = |reply: Reply| {
            let message = customer_message("o1", &reply)?;
            assert_eq!(message["touser"], "o1");
            let kind = message["msgtype"].as_str()?.to_owned();
            Some((kind.clone(), message[&kind].clone()))
        };
        let of = |kind: &str, body: Value| Some((kind.to_owned(), body));
        let text = of("text", json!({"content": "好"}));
        assert_eq!(shape(Reply::text("好")), text);
        let media = json!({"media_id": "m"});
        assert_eq!(shape(Reply::image("m")), of("image", media.clone()));
        assert_eq!(shape(Reply::voice("m")), of("voice", media));
        let video = Reply::Video {
            media_id: "m".into(),
            title: "t".into(),
            description: "d".into(),
        };
        let body = json!({"media_id": "m", "title": "t", "description": "d"});
        assert_eq!(shape(video), of("video", body));
        let music = Music {
            title: "t".into(),
            description: "d".into(),
            music_url: "u".into(),
            hq_music_url: "h".into(),
            thumb_media_id: "m".into(),
        };
        let body = json!({"title": "t", "description": "d", "musicurl": "u", "hqmusicurl": "h", "thumb_media_id": "m"});
        assert_eq!(shape(Reply::Music(music)), of("music", body));
        let article = Article {
            title: "t".into(),
            description: "d".into(),
            pic_url: "p".into(),
            url: "u".into(),
        };
        let body =
            json!({"articles": [{"title": "t", "description": "d", "url": "u", "picurl": "p"}]});
        assert_eq!(shape(Reply::news([article])), of("news", body));
        let transfer = Reply::TransferCustomerService { kf_account: None };
        assert_eq!(shape(transfer), None);
    }

    #[test]
    fn a_refusal_is_told_in_the_catalogs_words() {
        let pushed = judged(45015);
        assert_eq!(pushed.rule, "delivery.push_refused");
        assert!(
            pushed.detail.starts_with("errcode 45015: "),
            "{}",
            pushed.detail
        );
    }
}
