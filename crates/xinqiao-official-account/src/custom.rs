//! Customer service messages (客服消息) in one line each: `Send::text(openid, "你好")`.
//!
//! Only shortcuts for the common bodies; everything else is `Send::new(openid, Body::…)`.

use xinqiao_types::{AppId, MediaId, OpenId};

use crate::message::custom::{Send, Typing};
use crate::message::{
    Article, Body, CustomService, Image, MiniProgramPage, MpNews, MpNewsArticle, MsgMenu,
    MsgMenuItem, Music, News, Text, Video, Voice, WxCard,
};

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
        Send::new(
            touser,
            Body::News(News::new(vec![Article::new(title, url)])),
        )
    }

    /// An article that links out, with its description and picture.
    #[must_use]
    pub fn news(touser: impl Into<OpenId>, article: Article) -> Self {
        Send::new(touser, Body::News(News::new(vec![article])))
    }

    /// A video; give it a title and a picture with the setters of [`Video`].
    #[must_use]
    pub fn video(touser: impl Into<OpenId>, video: Video) -> Self {
        Send::new(touser, Body::Video(video))
    }

    /// Music by its address, with the media id of its picture.
    #[must_use]
    pub fn music(touser: impl Into<OpenId>, music: Music) -> Self {
        Send::new(touser, Body::Music(music))
    }

    /// An article among the materials, by its media id.
    #[must_use]
    pub fn material(touser: impl Into<OpenId>, media_id: impl Into<MediaId>) -> Self {
        Send::new(touser, Body::MpNews(MpNews::new(media_id)))
    }

    /// A published article (已发布的图文).
    #[must_use]
    pub fn published(touser: impl Into<OpenId>, article_id: impl Into<String>) -> Self {
        Send::new(touser, Body::MpNewsArticle(MpNewsArticle::new(article_id)))
    }

    /// A page of a mini program that is linked to the account.
    #[must_use]
    pub fn mini_program_page(
        touser: impl Into<OpenId>,
        appid: impl Into<AppId>,
        page: impl Into<String>,
        title: impl Into<String>,
        thumb: impl Into<String>,
    ) -> Self {
        let page = MiniProgramPage::new(appid, page);
        let page = page.title(title.into()).thumb_media_id(thumb.into());
        Send::new(touser, Body::MiniProgramPage(page))
    }

    /// A card (卡券).
    #[must_use]
    pub fn card(touser: impl Into<OpenId>, card_id: impl Into<String>) -> Self {
        Send::new(touser, Body::WxCard(WxCard::new(card_id)))
    }

    /// A menu of choices (菜单消息), each an id and a text. A tap comes back as a text message with
    /// `bizmsgmenuid`.
    #[must_use]
    pub fn menu<I, C>(
        touser: impl Into<OpenId>,
        head: impl Into<String>,
        choices: impl IntoIterator<Item = (I, C)>,
        tail: impl Into<String>,
    ) -> Self
    where
        I: Into<String>,
        C: Into<String>,
    {
        let list = choices
            .into_iter()
            .map(|(id, content)| MsgMenuItem::new(id, content))
            .collect::<Vec<_>>();
        let menu = MsgMenu::new(list);
        let menu = menu.head_content(head.into()).tail_content(tail.into());
        Send::new(touser, Body::MsgMenu(menu))
    }

    /// Shows the name of a customer-service account (`kf_account`) beside the message.
    #[must_use]
    pub fn from_staff(self, account: impl Into<String>) -> Self {
        self.custom_service(CustomService::new().kf_account(account.into()))
    }
}

impl Typing {
    /// Shows that somebody is typing. It costs none of the messages that an interaction allows.
    #[must_use]
    pub fn start(touser: impl Into<OpenId>) -> Self {
        Typing::new(touser, "Typing")
    }

    /// Takes it back.
    #[must_use]
    pub fn stop(touser: impl Into<OpenId>) -> Self {
        Typing::new(touser, "CancelTyping")
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
    fn a_menu_of_choices_and_a_page_are_flat_too() {
        let menu = Send::menu("o1", "满意吗？", [("1", "满意"), ("2", "不满意")], "谢谢");
        assert_eq!(
            json::encode(&menu.from_staff("a@b")),
            "{\"touser\":\"o1\",\"customservice\":{\"kf_account\":\"a@b\"},\"msgtype\":\"msgmenu\",\
             \"msgmenu\":{\"head_content\":\"满意吗？\",\"list\":[{\"id\":\"1\",\"content\":\"满意\"},\
             {\"id\":\"2\",\"content\":\"不满意\"}],\"tail_content\":\"谢谢\"}}"
        );
        assert_eq!(
            json::encode(&Send::mini_program_page(
                "o1",
                "wx1",
                "pages/index",
                "桥",
                "m1"
            )),
            "{\"touser\":\"o1\",\"msgtype\":\"miniprogrampage\",\"miniprogrampage\":{\
             \"thumb_media_id\":\"m1\",\"title\":\"桥\",\"appid\":\"wx1\",\"pagepath\":\"pages/index\"}}"
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
    fn the_body_that_the_tag_names_counts() {
        let text =
            r#"{"touser":"o1","msgtype":"text","image":{"media_id":"m"},"text":{"content":"hi"}}"#;
        for keep in [xinqiao_wire::Keep::Typed, xinqiao_wire::Keep::Raw] {
            let mut send = Send::default();
            json::decode(&mut send, text.as_bytes(), keep).expect("decodes");
            assert!(matches!(&send.body, Body::Text(text) if text.content == "hi"));
        }
        let mut send = Send::default();
        json::decode(&mut send, text.as_bytes(), xinqiao_wire::Keep::Raw).expect("decodes");
        let whole = json::encode_all(&send);
        assert!(whole.contains(r#""image":{"media_id":"m"}"#), "{whole}");
        assert!(whole.contains(r#""text":{"content":"hi"}"#), "{whole}");
        let stray = r#"{"touser":"o1","msgtype":"text","image":{"media_id":"m"}}"#;
        let mut send = Send::default();
        json::decode(&mut send, stray.as_bytes(), xinqiao_wire::Keep::Typed).expect("decodes");
        assert!(matches!(&send.body, Body::Other { tag, .. } if tag == "text"));
        assert_eq!(json::encode(&send), stray);
        let null = r#"{"touser":"o1","msgtype":"text","text":{"content":"hi"},"image":null}"#;
        let mut send = Send::default();
        json::decode(&mut send, null.as_bytes(), xinqiao_wire::Keep::Typed).expect("decodes");
        assert!(matches!(&send.body, Body::Text(_)));
    }

    #[test]
    fn personal_data_does_not_print() {
        let shown = format!("{:?}", Send::text("oSecretOpenId", "hi"));
        assert!(!shown.contains("oSecretOpenId"), "{shown}");
        assert!(shown.contains("hi"), "{shown}");
    }
}
