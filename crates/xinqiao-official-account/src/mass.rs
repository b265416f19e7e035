//! Mass messages (群发) in one line each: to everybody, to a tag, or to a list of openids.
//!
//! A service account may list 2 to 10,000 openids; a message to everybody or to a tag needs a verified
//! account. Give a `clientmsgid`, at most 32 bytes: with it the platform sends at most once a day, and the
//! client may repeat a call whose answer was lost.

use xinqiao_types::{MediaId, OpenId};

use crate::message::mass::{Send, Sendall};
use crate::message::{Filter, Mpnews, Mpvideo, PreviewImage, Text, Voice};

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
            pub fn of_text($to: $audience, content: impl Into<String>) -> Self {
                $request::new($to, "text").text(Text::new(content))
            }

            /// Articles, by the media id of a draft.
            #[must_use]
            pub fn of_articles($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, "mpnews").mpnews(Mpnews::new(media_id))
            }

            /// Pictures, up to 20.
            #[must_use]
            pub fn of_images(
                $to: $audience,
                media_ids: impl IntoIterator<Item = impl Into<String>>,
            ) -> Self {
                let media_ids = media_ids.into_iter().map(Into::into).collect::<Vec<_>>();
                $request::new($to, "image").images(PreviewImage::new(media_ids))
            }

            /// A voice message.
            #[must_use]
            pub fn of_voice($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, "voice").voice(Voice::new(media_id))
            }

            /// A video, by the media id that `media.uploadvideo` gave.
            #[must_use]
            pub fn of_video($to: $audience, media_id: impl Into<MediaId>) -> Self {
                $request::new($to, "mpvideo").mpvideo(Mpvideo::new(media_id))
            }
        }
    };
}

bodies!(Send, openids: Vec<OpenId>);
bodies!(Sendall, filter: Filter);

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn the_audience_stands_beside_the_body() {
        assert_eq!(
            json::encode(&Sendall::of_text(Filter::tag(2), "早")),
            r#"{"filter":{"is_to_all":false,"tag_id":2},"msgtype":"text","text":{"content":"早"}}"#
        );
        let openids = vec![OpenId::new("o1"), OpenId::new("o2")];
        assert_eq!(
            json::encode(&Send::of_images(openids, ["m1", "m2"])),
            r#"{"touser":["o1","o2"],"msgtype":"image","images":{"media_ids":["m1","m2"]}}"#
        );
    }
}
