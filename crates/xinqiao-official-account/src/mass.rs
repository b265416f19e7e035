//! Mass messages (群发) in one line each: to everybody, to a tag, to a list of openids, or as a preview.
//!
//! A service account may list 2 to 10,000 openids; a message to everybody or to a tag needs a verified
//! account. Give a `clientmsgid`, at most 32 bytes: with it the platform sends at most once a day, and the
//! client may repeat a call whose answer was lost.

use xinqiao_types::{MediaId, OpenId};

use crate::message::mass::{Preview, Send, SendAll};
use crate::message::{
    Filter, Image, MassBody, MpNews, MpVideo, PreviewBody, PreviewImage, PreviewWxCard, Text, Voice,
};

impl Filter {
    /// Every follower. The message enters the account's history.
    #[must_use]
    pub fn everybody() -> Self {
        Filter::new().is_to_all(true)
    }

    /// The followers with a tag.
    #[must_use]
    pub fn tag(tag: i64) -> Self {
        Filter::new().is_to_all(false).tag_id(tag)
    }
}

macro_rules! bodies {
    ($request:ident, $to:ident: $audience:ty) => {
        impl $request {
            /// A text.
            #[must_use]
            pub fn text($to: $audience, content: impl Into<String>) -> Self {
                $request::new($to, MassBody::Text(Text::new(content)))
            }

            /// Articles, by the media id of a draft.
            #[must_use]
            pub fn articles($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, MassBody::MpNews(MpNews::new(media_id)))
            }

            /// Pictures, up to 20.
            #[must_use]
            pub fn images(
                $to: $audience,
                media_ids: impl IntoIterator<Item = impl Into<MediaId>>,
            ) -> Self {
                let media_ids = media_ids.into_iter().map(Into::into).collect::<Vec<_>>();
                $request::new($to, MassBody::Image(PreviewImage::new(media_ids)))
            }

            /// A voice message.
            #[must_use]
            pub fn voice($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, MassBody::Voice(Voice::new(media_id)))
            }

            /// A video, by the media id that `media.uploadvideo` gave.
            #[must_use]
            pub fn video($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, MassBody::MpVideo(MpVideo::new(media_id)))
            }

            /// A card (卡券).
            #[must_use]
            pub fn card($to: $audience, card_id: impl Into<String>) -> Self {
                $request::new($to, MassBody::WxCard(PreviewWxCard::new(card_id)))
            }
        }
    };
}

bodies!(Send, openids: Vec<OpenId>);
bodies!(SendAll, filter: Filter);

/// A preview goes to one person: by openid with these, by WeChat name with [`Preview::new`] and `towxname`.
impl Preview {
    fn to(openid: impl Into<OpenId>, body: PreviewBody) -> Self {
        Preview::new(body).to_user(openid.into())
    }

    /// A text.
    #[must_use]
    pub fn text(openid: impl Into<OpenId>, content: impl Into<String>) -> Self {
        Preview::to(openid, PreviewBody::Text(Text::new(content)))
    }

    /// Articles, by the media id of a draft.
    #[must_use]
    pub fn articles(openid: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Preview::to(openid, PreviewBody::MpNews(MpNews::new(media_id)))
    }

    /// One picture: a preview takes no more.
    #[must_use]
    pub fn image(openid: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Preview::to(openid, PreviewBody::Image(Image::new(media_id)))
    }

    /// A voice message.
    #[must_use]
    pub fn voice(openid: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Preview::to(openid, PreviewBody::Voice(Voice::new(media_id)))
    }

    /// A video, by the media id that `media.uploadvideo` gave.
    #[must_use]
    pub fn video(openid: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Preview::to(openid, PreviewBody::MpVideo(MpVideo::new(media_id)))
    }

    /// A card (卡券).
    #[must_use]
    pub fn card(openid: impl Into<OpenId>, card_id: impl Into<String>) -> Self {
        Preview::to(openid, PreviewBody::WxCard(PreviewWxCard::new(card_id)))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn the_audience_stands_beside_the_body() {
        assert_eq!(
            json::encode(&SendAll::text(Filter::tag(2), "早")),
            r#"{"filter":{"is_to_all":false,"tag_id":2},"msgtype":"text","text":{"content":"早"}}"#
        );
        assert_eq!(
            json::encode(&SendAll::articles(Filter::everybody(), "m1").client_msg_id("d1")),
            "{\"filter\":{\"is_to_all\":true},\"clientmsgid\":\"d1\",\
             \"msgtype\":\"mpnews\",\"mpnews\":{\"media_id\":\"m1\"}}"
        );
    }

    #[test]
    fn pictures_of_a_mass_message_stand_under_images_that_of_a_preview_under_image() {
        let openids = vec![OpenId::new("o1"), OpenId::new("o2")];
        assert_eq!(
            json::encode(&Send::images(openids, ["m1", "m2"])),
            r#"{"touser":["o1","o2"],"msgtype":"image","images":{"media_ids":["m1","m2"]}}"#
        );
        assert_eq!(
            json::encode(&Preview::image("o1", "m1")),
            r#"{"touser":"o1","msgtype":"image","image":{"media_id":"m1"}}"#
        );
    }

    #[test]
    fn every_other_body_has_the_name_of_its_type() {
        let filter = Filter::everybody;
        let cases = [
            (json::encode(&SendAll::voice(filter(), "m1")), "voice"),
            (json::encode(&SendAll::video(filter(), "m1")), "mpvideo"),
            (json::encode(&SendAll::card(filter(), "c1")), "wxcard"),
            (json::encode(&Preview::text("o1", "hi")), "text"),
            (json::encode(&Preview::articles("o1", "m1")), "mpnews"),
            (json::encode(&Preview::voice("o1", "m1")), "voice"),
            (json::encode(&Preview::video("o1", "m1")), "mpvideo"),
            (json::encode(&Preview::card("o1", "c1")), "wxcard"),
        ];
        for (text, kind) in cases {
            let pair = format!("\"msgtype\":\"{kind}\",\"{kind}\":{{");
            assert!(text.contains(&pair), "{text}");
        }
    }
}
