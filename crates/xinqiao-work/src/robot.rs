//! Messages of a group robot (群机器人) in one line each: `webhook::Send::text(key, "构建失败")`.
//!
//! `key` is the last part of the robot's address; a robot may send 20 messages a minute.

use xinqiao_types::MediaId;

use crate::base::webhook::Send;
use crate::base::{Article, File, Image, Markdown, MarkdownV2Item, News, Text, Voice, WebhookBody};
use crate::types::TemplateCard;

impl Send {
    /// A text, at most 2048 bytes.
    #[must_use]
    pub fn text(key: impl Into<String>, content: impl Into<String>) -> Self {
        Send::new(key, WebhookBody::Text(Text::new(content)))
    }

    /// A text that calls members by user id; `@all` calls everybody.
    #[must_use]
    pub fn text_for(
        key: impl Into<String>,
        content: impl Into<String>,
        members: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let members = members.into_iter().map(Into::into).collect::<Vec<_>>();
        let text = Text::new(content).mentioned_list(members);
        Send::new(key, WebhookBody::Text(text))
    }

    /// Markdown, at most 4096 bytes.
    #[must_use]
    pub fn markdown(key: impl Into<String>, content: impl Into<String>) -> Self {
        Send::new(key, WebhookBody::Markdown(Markdown::new(content)))
    }

    /// Markdown with tables, pictures and lists, at most 4096 bytes; it calls nobody.
    #[must_use]
    pub fn markdown_v2(key: impl Into<String>, content: impl Into<String>) -> Self {
        Send::new(key, WebhookBody::MarkdownV2(MarkdownV2Item::new(content)))
    }

    /// A picture of at most 2 MB: its bytes in base64, and the MD5 of the bytes in hexadecimal.
    #[must_use]
    pub fn image(
        key: impl Into<String>,
        base64: impl Into<String>,
        md5: impl Into<String>,
    ) -> Self {
        Send::new(key, WebhookBody::Image(Image::new(base64, md5)))
    }

    /// Articles that link out, one to eight.
    #[must_use]
    pub fn news(key: impl Into<String>, articles: impl Into<Vec<Article>>) -> Self {
        Send::new(key, WebhookBody::News(News::new(articles.into())))
    }

    /// A file by the media id that `webhook.upload_media` gave.
    #[must_use]
    pub fn file(key: impl Into<String>, media_id: impl Into<MediaId>) -> Self {
        Send::new(key, WebhookBody::File(File::new(media_id)))
    }

    /// A voice message by the media id that `webhook.upload_media` gave.
    #[must_use]
    pub fn voice(key: impl Into<String>, media_id: impl Into<MediaId>) -> Self {
        Send::new(key, WebhookBody::Voice(Voice::new(media_id)))
    }

    /// A template card; a robot may send the two kinds of notice.
    #[must_use]
    pub fn template_card(key: impl Into<String>, card: TemplateCard) -> Self {
        Send::new(key, WebhookBody::TemplateCard(card))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;
    use crate::types::CardLink;

    #[test]
    fn every_kind_stands_under_the_name_of_its_type() {
        let card = TemplateCard::text_notice("t", CardLink::to_page("https://a.cn"));
        let cases = [
            (Send::text("k", "好"), "text"),
            (Send::markdown("k", "# 好"), "markdown"),
            (Send::markdown_v2("k", "# 好"), "markdown_v2"),
            (
                Send::image("k", "AA==", "93b885adfe0da089cdf634904fd59f71"),
                "image",
            ),
            (
                Send::news("k", vec![Article::new("t", "https://a.cn")]),
                "news",
            ),
            (Send::file("k", "m"), "file"),
            (Send::voice("k", "m"), "voice"),
            (Send::template_card("k", card), "template_card"),
        ];
        for (request, kind) in cases {
            let text = json::encode(&request);
            let pair = format!("\"msgtype\":\"{kind}\",\"{kind}\":{{");
            assert!(text.contains(&pair), "{text}");
        }
    }

    #[test]
    fn a_text_calls_members() {
        let text = json::encode(&Send::text_for("k", "构建失败", ["zhangsan", "@all"]));
        let body = "\"text\":{\"content\":\"构建失败\",\"mentioned_list\":[\"zhangsan\",\"@all\"]}";
        assert!(text.contains(body), "{text}");
    }
}
