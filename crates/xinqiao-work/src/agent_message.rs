//! Messages of an agent (应用消息) in one line each: `message::Send::text(agent, "十点开会").user("zhangsan")`.
//!
//! The same shortcuts exist for group chats of agents, linked corps and parents of a school; each takes who sends (or
//! where to) first. Everything else is `Send::new(agent, Body::…)`.

use xinqiao_types::{AppId, MediaId};

macro_rules! bodies {
    ($module:path, $request:ident, $to:ident: $sender:ty, $article:ident, $full:ident, $video:ident) => {
        const _: () = {
            use $module::{
                Body, File, Image, MpNews, News, Text, TextCard, Voice, $article, $full, $request,
                $video,
            };

            impl $request {
                /// A text, at most 2048 bytes.
                #[must_use]
                pub fn text($to: $sender, content: impl Into<String>) -> Self {
                    $request::new($to, Body::Text(Text::new(content)))
                }

                /// A picture by its media id.
                #[must_use]
                pub fn image($to: $sender, media_id: impl Into<MediaId>) -> Self {
                    $request::new($to, Body::Image(Image::new(media_id)))
                }

                /// A voice message by its media id.
                #[must_use]
                pub fn voice($to: $sender, media_id: impl Into<MediaId>) -> Self {
                    $request::new($to, Body::Voice(Voice::new(media_id)))
                }

                /// A video; give it a title and a description with its setters.
                #[must_use]
                pub fn video($to: $sender, video: $video) -> Self {
                    $request::new($to, Body::Video(video))
                }

                /// A file by its media id.
                #[must_use]
                pub fn file($to: $sender, media_id: impl Into<MediaId>) -> Self {
                    $request::new($to, Body::File(File::new(media_id)))
                }

                /// A text card (文本卡片) that links out.
                #[must_use]
                pub fn text_card(
                    $to: $sender,
                    title: impl Into<String>,
                    description: impl Into<String>,
                    url: impl Into<String>,
                ) -> Self {
                    let card = TextCard::new(url, title, description);
                    $request::new($to, Body::TextCard(card))
                }

                /// Articles that link out, one to eight.
                #[must_use]
                pub fn news($to: $sender, articles: impl Into<Vec<$article>>) -> Self {
                    $request::new($to, Body::News(News::new(articles.into())))
                }

                /// Articles whose text WeCom keeps, one to eight.
                #[must_use]
                pub fn articles($to: $sender, articles: impl Into<Vec<$full>>) -> Self {
                    $request::new($to, Body::MpNews(MpNews::new(articles.into())))
                }
            }
        };
    };
}

#[cfg(feature = "message")]
bodies!(crate::message, Send, agent: i64, Article, MpNewsArticle, Video);
#[cfg(feature = "app-chat")]
bodies!(crate::app_chat, Send, chat: impl Into<String>, Article, MpNewsArticle, Video);
#[cfg(feature = "linked-corp")]
bodies!(crate::linked_corp, MessageSend, agent: i64, Article, MpNewsArticle, Video);
#[cfg(feature = "external-contact")]
bodies!(crate::external_contact, MessageSend, agent: i64, Article, MpNewsArticle, MessageSendVideo);

#[cfg(feature = "message")]
impl crate::message::Send {
    /// Markdown, in the part of it that WeCom shows.
    #[must_use]
    pub fn markdown(agent: i64, content: impl Into<String>) -> Self {
        use crate::message::{Body, Markdown, Send};
        Send::new(agent, Body::Markdown(Markdown::new(content)))
    }

    /// A mini program's notice (小程序通知) with its lines of name and value.
    #[must_use]
    pub fn mini_program_notice(
        agent: i64,
        appid: impl Into<AppId>,
        page: impl Into<String>,
        title: impl Into<String>,
        lines: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        use crate::message::{Body, ContentItem, MiniProgramNotice, Send};
        let lines = lines
            .into_iter()
            .map(|(name, value)| ContentItem::new(name, value))
            .collect::<Vec<_>>();
        let notice = MiniProgramNotice::new(appid, page, title).content_item(lines);
        Send::new(agent, Body::MiniProgramNotice(notice))
    }

    /// A template card; [`TemplateCard`](crate::types::TemplateCard) has a constructor for each kind.
    #[must_use]
    pub fn template_card(agent: i64, card: crate::types::TemplateCard) -> Self {
        use crate::message::{Body, Send};
        Send::new(agent, Body::TemplateCard(card))
    }

    /// To one member.
    #[must_use]
    pub fn user(self, userid: impl Into<String>) -> Self {
        self.to_user(vec![userid.into()])
    }

    /// To several members, at most 1000.
    #[must_use]
    pub fn users(self, userids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.to_user(userids.into_iter().map(Into::into).collect::<Vec<_>>())
    }

    /// To everybody who sees the agent.
    #[must_use]
    pub fn everybody(self) -> Self {
        self.to_user(vec!["@all".to_owned()])
    }
}

#[cfg(feature = "app-chat")]
impl crate::app_chat::Send {
    /// Markdown, in the part of it that WeCom shows.
    #[must_use]
    pub fn markdown(chat: impl Into<String>, content: impl Into<String>) -> Self {
        use crate::app_chat::{Body, Send, Text};
        Send::new(chat, Body::Markdown(Text::new(content)))
    }
}

#[cfg(feature = "linked-corp")]
impl crate::linked_corp::MessageSend {
    /// Markdown, in the part of it that WeCom shows.
    #[must_use]
    pub fn markdown(agent: i64, content: impl Into<String>) -> Self {
        use crate::linked_corp::{Body, Markdown, MessageSend};
        MessageSend::new(agent, Body::Markdown(Markdown::new(content)))
    }
}

#[cfg(feature = "external-contact")]
impl crate::external_contact::MessageSend {
    /// A page of a mini program.
    #[must_use]
    pub fn mini_program(
        agent: i64,
        appid: impl Into<AppId>,
        page: impl Into<String>,
        title: impl Into<String>,
        thumb: impl Into<String>,
    ) -> Self {
        use crate::external_contact::{Body, MessageSend, MessageSendMiniProgram};
        let page = MessageSendMiniProgram::new(appid, page);
        let page = page.title(title.into()).thumb_media_id(thumb.into());
        MessageSend::new(agent, Body::MiniProgram(page))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::{Keep, json};

    use crate::types::{CardLink, TemplateCard};
    use crate::{app_chat, external_contact, linked_corp, message};

    #[test]
    fn an_agents_text_is_flat_and_its_readers_are_joined() {
        let text = message::Send::text(1_000_002, "十点开会").users(["zhangsan", "lisi"]);
        assert_eq!(
            json::encode(&text),
            "{\"touser\":\"zhangsan|lisi\",\"agentid\":1000002,\
             \"msgtype\":\"text\",\"text\":{\"content\":\"十点开会\"}}"
        );
        let all = message::Send::markdown(1, "**好**").everybody();
        assert_eq!(
            json::encode(&all),
            "{\"touser\":\"@all\",\"agentid\":1,\
             \"msgtype\":\"markdown\",\"markdown\":{\"content\":\"**好**\"}}"
        );
    }

    #[test]
    fn every_kind_stands_under_the_name_of_its_type() {
        let article = || message::Article::new("https://a.cn", "t");
        let full = || message::MpNewsArticle::new("https://a.cn", "t", "<p>");
        let card = TemplateCard::text_notice("t", CardLink::to_page("https://a.cn"));
        let notice = message::Send::mini_program_notice(1, "wx1", "p", "t", [("时间", "十点")]);
        let cases = [
            (message::Send::image(1, "m"), "image"),
            (message::Send::voice(1, "m"), "voice"),
            (message::Send::video(1, message::Video::new("m")), "video"),
            (message::Send::file(1, "m"), "file"),
            (
                message::Send::text_card(1, "t", "d", "https://a.cn"),
                "textcard",
            ),
            (message::Send::news(1, vec![article()]), "news"),
            (message::Send::articles(1, vec![full()]), "mpnews"),
            (notice, "miniprogram_notice"),
            (message::Send::template_card(1, card), "template_card"),
        ];
        for (request, kind) in cases {
            let text = json::encode(&request);
            let pair = format!("\"msgtype\":\"{kind}\",\"{kind}\":{{");
            assert!(text.contains(&pair), "{text}");
            let mut back = message::Send::default();
            json::decode(&mut back, text.as_bytes(), Keep::Typed).expect("decodes");
            assert_eq!(json::encode(&back), text);
        }
    }

    #[test]
    fn chats_linked_corps_and_schools_have_the_same_shortcuts() {
        assert_eq!(
            json::encode(&app_chat::Send::file("c1", "m1").safe(true)),
            r#"{"chatid":"c1","safe":1,"msgtype":"file","file":{"media_id":"m1"}}"#
        );
        assert_eq!(
            json::encode(&app_chat::Send::markdown("c1", "# 好")),
            "{\"chatid\":\"c1\",\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"# 好\"}}"
        );
        assert_eq!(
            json::encode(&linked_corp::MessageSend::markdown(1, "好").to_all(true)),
            "{\"toall\":1,\"agentid\":1,\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"好\"}}"
        );
        assert_eq!(
            json::encode(&external_contact::MessageSend::mini_program(
                1, "wx1", "p", "t", "m1"
            )),
            "{\"agentid\":1,\"msgtype\":\"miniprogram\",\"miniprogram\":{\
             \"appid\":\"wx1\",\"pagepath\":\"p\",\"title\":\"t\",\"thumb_media_id\":\"m1\"}}"
        );
    }
}
