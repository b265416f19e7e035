//! Messages of customer service (微信客服) in one line each: `kf::SendMsg::text(kfid, user, "您好")`.
//!
//! The platform takes five messages within 48 hours after the customer wrote. `SendMsgOnEvent` answers an event with
//! its code: a text or a menu only.

use xinqiao_types::{AppId, MediaId, UserId};

use crate::kf::{
    Body, BusinessCard, CaLink, Click, EventBody, File, Image, ListMiniProgram, ListText, Location,
    MenuItem, MsgMenu, MsgMenuList, SendMsg, SendMsgLink, SendMsgMiniProgram, SendMsgOnEvent,
    SendMsgVideo, Text, View, Voice,
};

impl SendMsg {
    /// A text, at most 2048 bytes.
    #[must_use]
    pub fn text(
        kfid: impl Into<String>,
        user: impl Into<String>,
        content: impl Into<String>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::Text(Text::new(content)))
    }

    /// A picture by its media id.
    #[must_use]
    pub fn image(
        kfid: impl Into<String>,
        user: impl Into<String>,
        media_id: impl Into<MediaId>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::Image(Image::new(media_id)))
    }

    /// A voice message by its media id.
    #[must_use]
    pub fn voice(
        kfid: impl Into<String>,
        user: impl Into<String>,
        media_id: impl Into<MediaId>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::Voice(Voice::new(media_id)))
    }

    /// A video by its media id.
    #[must_use]
    pub fn video(
        kfid: impl Into<String>,
        user: impl Into<String>,
        media_id: impl Into<MediaId>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::Video(SendMsgVideo::new(media_id)))
    }

    /// A file by its media id.
    #[must_use]
    pub fn file(
        kfid: impl Into<String>,
        user: impl Into<String>,
        media_id: impl Into<MediaId>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::File(File::new(media_id)))
    }

    /// A link with its picture.
    #[must_use]
    pub fn link(kfid: impl Into<String>, user: impl Into<String>, link: SendMsgLink) -> Self {
        SendMsg::new(kfid, user, Body::Link(link))
    }

    /// A page of a mini program.
    #[must_use]
    pub fn mini_program(
        kfid: impl Into<String>,
        user: impl Into<String>,
        page: SendMsgMiniProgram,
    ) -> Self {
        SendMsg::new(kfid, user, Body::MiniProgram(page))
    }

    /// A menu (菜单消息).
    #[must_use]
    pub fn menu(kfid: impl Into<String>, user: impl Into<String>, menu: MsgMenu) -> Self {
        SendMsg::new(kfid, user, Body::MsgMenu(menu))
    }

    /// A place.
    #[must_use]
    pub fn location(kfid: impl Into<String>, user: impl Into<String>, place: Location) -> Self {
        SendMsg::new(kfid, user, Body::Location(place))
    }

    /// The card of a member (名片).
    #[must_use]
    pub fn business_card(
        kfid: impl Into<String>,
        user: impl Into<String>,
        member: impl Into<UserId>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::BusinessCard(BusinessCard::new(member)))
    }

    /// A customer acquisition link (获客链接).
    #[must_use]
    pub fn acquisition_link(
        kfid: impl Into<String>,
        user: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        SendMsg::new(kfid, user, Body::CaLink(CaLink::new(url)))
    }
}

impl SendMsgOnEvent {
    /// A text, at most 2048 bytes.
    #[must_use]
    pub fn text(code: impl Into<String>, content: impl Into<String>) -> Self {
        SendMsgOnEvent::new(code, EventBody::Text(Text::new(content)))
    }

    /// A menu (菜单消息).
    #[must_use]
    pub fn menu(code: impl Into<String>, menu: MsgMenu) -> Self {
        SendMsgOnEvent::new(code, EventBody::MsgMenu(menu))
    }
}

/// An entry of a menu.
impl MsgMenuList {
    /// A choice that comes back as the customer's text, with its id.
    #[must_use]
    pub fn click(id: impl Into<String>, content: impl Into<String>) -> Self {
        MsgMenuList::new(MenuItem::Click(Click::new(id, content)))
    }

    /// A link to a page.
    #[must_use]
    pub fn view(url: impl Into<String>, content: impl Into<String>) -> Self {
        MsgMenuList::new(MenuItem::View(View::new(url, content)))
    }

    /// A link to a page of a mini program.
    #[must_use]
    pub fn mini_program(
        appid: impl Into<AppId>,
        page: impl Into<String>,
        content: impl Into<String>,
    ) -> Self {
        let page = ListMiniProgram::new(appid, page, content);
        MsgMenuList::new(MenuItem::MiniProgram(page))
    }

    /// Words between the choices.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        MsgMenuList::new(MenuItem::Text(ListText::new(content)))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::{Keep, json};

    use super::*;
    use crate::kf::{MsgBody, SyncMsgResponse};

    #[test]
    fn a_text_is_flat() {
        assert_eq!(
            json::encode(&SendMsg::text("wk1", "wm1", "您好").msg_id("id1")),
            "{\"open_kfid\":\"wk1\",\"touser\":\"wm1\",\"msgid\":\"id1\",\
             \"msgtype\":\"text\",\"text\":{\"content\":\"您好\"}}"
        );
    }

    #[test]
    fn every_kind_stands_under_the_name_of_its_type() {
        let cases = [
            (SendMsg::image("k", "u", "m"), "image"),
            (SendMsg::voice("k", "u", "m"), "voice"),
            (SendMsg::video("k", "u", "m"), "video"),
            (SendMsg::file("k", "u", "m"), "file"),
            (
                SendMsg::link("k", "u", SendMsgLink::new("https://a.cn", "t", "m")),
                "link",
            ),
            (
                SendMsg::mini_program("k", "u", SendMsgMiniProgram::new("wx1", "p", "t", "m")),
                "miniprogram",
            ),
            (
                SendMsg::location("k", "u", Location::new(30.2, 120.1, "西湖")),
                "location",
            ),
            (
                SendMsg::business_card("k", "u", "zhangsan"),
                "business_card",
            ),
            (
                SendMsg::acquisition_link("k", "u", "https://a.cn"),
                "ca_link",
            ),
        ];
        for (request, kind) in cases {
            let text = json::encode(&request);
            let pair = format!("\"msgtype\":\"{kind}\",\"{kind}\":{{");
            assert!(text.contains(&pair), "{text}");
        }
    }

    #[test]
    fn a_menu_answers_an_event() {
        let menu = MsgMenu::new(vec![
            MsgMenuList::click("1", "满意"),
            MsgMenuList::view("https://a.cn", "官网"),
            MsgMenuList::mini_program("wx1", "p", "下单"),
            MsgMenuList::text("谢谢"),
        ]);
        assert_eq!(
            json::encode(&SendMsgOnEvent::menu("c1", menu)),
            "{\"code\":\"c1\",\"msgtype\":\"msgmenu\",\"msgmenu\":{\"list\":[\
             {\"type\":\"click\",\"click\":{\"id\":\"1\",\"content\":\"满意\"}},\
             {\"type\":\"view\",\"view\":{\"url\":\"https://a.cn\",\"content\":\"官网\"}},\
             {\"type\":\"miniprogram\",\"miniprogram\":{\"appid\":\"wx1\",\"pagepath\":\"p\",\"content\":\"下单\"}},\
             {\"type\":\"text\",\"text\":{\"content\":\"谢谢\"}}]}}"
        );
    }

    #[test]
    fn messages_come_in_with_their_bodies() {
        let page = "{\"has_more\":0,\"msg_list\":[\
            {\"msgid\":\"1\",\"origin\":3,\"send_time\":1,\"msgtype\":\"text\",\"text\":{\"content\":\"在吗\",\"menu_id\":\"7\"}},\
            {\"msgid\":\"2\",\"origin\":4,\"send_time\":2,\"msgtype\":\"event\",\"event\":{\"event_type\":\"enter_session\"}},\
            {\"msgid\":\"3\",\"origin\":3,\"send_time\":3,\"msgtype\":\"smell\",\"smell\":{\"of\":\"tea\"}}]}";
        let mut answer = SyncMsgResponse::default();
        json::decode(&mut answer, page.as_bytes(), Keep::Typed).expect("decodes");
        let bodies: Vec<&MsgBody> = answer
            .msg_list
            .iter()
            .map(|message| &message.body)
            .collect();
        assert!(
            matches!(bodies[0], MsgBody::Text(text) if text.menu_id.as_deref() == Some("7")),
            "{bodies:?}"
        );
        assert!(matches!(bodies[1], MsgBody::Event(event) if event.event_type == "enter_session"));
        assert!(matches!(bodies[2], MsgBody::Other { tag, .. } if tag == "smell"));
    }
}
