//! Turns a message into what the phone shows: a type and flat fields; and the bubbles that only official accounts send.

use serde_json::{Map, Value, json};
use xinqiao_message::reply::{Article, Reply};

use crate::{
    kernel::declared::{Bubble as Kind, Holds, Shown, field, said, text},
    people::bubbles::{DESCRIPTION, TITLE, URL},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.bubble",
    shows: &[
        Shown::Bubble(&MUSIC),
        Shown::Bubble(&HARDWARE),
        Shown::Bubble(&MENU),
        Shown::Bubble(&ARTICLES),
        Shown::Bubble(&PUBLISHED),
        Shown::Bubble(&CARD),
        Shown::Bubble(&MINI_PROGRAM),
        Shown::Bubble(&TEMPLATE),
    ],
    ..Feature::EMPTY
};

static MUSIC: Kind = Kind {
    kind: "music",
    title: said("音乐", "Music"),
    line: "[音乐] {title}",
    fields: &[
        TITLE.optional(),
        DESCRIPTION.optional(),
        text("url", "音乐链接", "Music").optional(),
        text("hq_url", "高品质音乐链接", "Music of high quality").optional(),
        text("thumb_media_id", "缩略图", "Thumbnail").optional(),
    ],
};
static HARDWARE: Kind = Kind {
    kind: "hardware",
    title: said("硬件消息", "Device message"),
    line: "[硬件] {message_view}",
    fields: &[
        text("message_view", "展示", "View"),
        text("message_action", "动作", "Action").optional(),
    ],
};
static MENU: Kind = Kind {
    kind: "msgmenu",
    title: said("菜单消息", "Menu message"),
    line: "{head_content}",
    fields: &[
        text("head_content", "开头", "Head").optional(),
        field(
            "list",
            "选项",
            "Choices",
            Holds::List(&[text("id", "编号", "id"), text("content", "内容", "Content")]),
        ),
        text("tail_content", "结尾", "Tail").optional(),
    ],
};
static ARTICLES: Kind = Kind {
    kind: "mpnews",
    title: said("图文（素材）", "Articles of the library"),
    line: "[图文]",
    fields: &[text("media_id", "素材", "Material")],
};
static PUBLISHED: Kind = Kind {
    kind: "mpnewsarticle",
    title: said("图文（已发布）", "Published article"),
    line: "[图文]",
    fields: &[text("article_id", "文章", "Article")],
};
static CARD: Kind = Kind {
    kind: "wxcard",
    title: said("卡券", "Card"),
    line: "[卡券]",
    fields: &[text("card_id", "卡券", "Card")],
};
static MINI_PROGRAM: Kind = Kind {
    kind: "miniprogrampage",
    title: said("小程序卡片", "Page of a mini program"),
    line: "[小程序] {title}",
    fields: &[
        TITLE.optional(),
        text("appid", "小程序", "Mini program"),
        text("pagepath", "页面", "Page"),
        text("thumb_media_id", "缩略图", "Thumbnail").optional(),
    ],
};
/// Template messages and subscription notices, whichever call sends them.
static TEMPLATE: Kind = Kind {
    kind: "template",
    title: said("模板消息", "Template message"),
    line: "[模板消息] {title}",
    fields: &[
        TITLE.optional(),
        URL.optional(),
        field("data", "内容", "Content", Holds::Any),
        // As people read it: one line a value, under the words that the template has before it.
        field(
            "lines",
            "各行",
            "Lines",
            Holds::List(&[text("name", "名称", "Name"), text("value", "内容", "Value")]),
        )
        .optional(),
        text("appid", "小程序", "Mini program").optional(),
        text("pagepath", "小程序页面", "Page of it").optional(),
    ],
};

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
