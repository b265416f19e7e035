//! The bubbles that every phone shows, whoever sends them. Those of one product are declared there.

use serde_json::{Map, Value};

use crate::kernel::{
    House,
    declared::{Bubble, Field, Holds, field, said, text},
};

use super::contact::ChatItem;

/// Who of the account's staff says it: any bubble may have it.
pub(crate) const STAFF: &str = "staff";

const MEDIA: Field = text("media_id", "文件", "File");
pub(crate) const TITLE: Field = text("title", "标题", "Title");
pub(crate) const DESCRIPTION: Field = text("description", "描述", "Description");
pub(crate) const URL: Field = text("url", "链接", "Link");
const PICTURE: Field = text("picurl", "图片", "Picture");

pub(super) static TEXT: Bubble = Bubble {
    kind: "text",
    title: said("文本", "Text"),
    line: "{content}",
    fields: &[text("content", "内容", "Content")],
};
pub(super) static IMAGE: Bubble = Bubble {
    kind: "image",
    title: said("图片", "Picture"),
    line: "[图片]",
    fields: &[MEDIA, URL.optional()],
};
pub(super) static VOICE: Bubble = Bubble {
    kind: "voice",
    title: said("语音", "Voice"),
    line: "[语音]",
    fields: &[
        MEDIA,
        text("recognition", "识别结果", "Recognised text").optional(),
    ],
};
const FILMED: &[Field] = &[
    MEDIA,
    text("thumb_media_id", "缩略图", "Thumbnail").optional(),
    TITLE.optional(),
    DESCRIPTION.optional(),
];
pub(super) static VIDEO: Bubble = Bubble {
    kind: "video",
    title: said("视频", "Video"),
    line: "[视频]",
    fields: FILMED,
};
pub(super) static SHORT_VIDEO: Bubble = Bubble {
    kind: "shortvideo",
    title: said("小视频", "Short video"),
    line: "[视频]",
    fields: FILMED,
};
pub(super) static LOCATION: Bubble = Bubble {
    kind: "location",
    title: said("位置", "Location"),
    line: "[位置] {label}",
    fields: &[
        field("lat", "纬度", "Latitude", Holds::Number),
        field("lng", "经度", "Longitude", Holds::Number),
        field("scale", "缩放", "Scale", Holds::Number).optional(),
        text("label", "地点", "Place").optional(),
    ],
};
pub(super) static LINK: Bubble = Bubble {
    kind: "link",
    title: said("链接", "Link"),
    line: "[链接] {title}",
    fields: &[
        TITLE,
        DESCRIPTION.optional(),
        URL.optional(),
        text("thumb_url", "缩略图", "Thumbnail").optional(),
    ],
};
pub(super) static NEWS: Bubble = Bubble {
    kind: "news",
    title: said("图文", "Articles"),
    line: "[图文] {articles.title}",
    fields: &[field(
        "articles",
        "文章",
        "Articles",
        Holds::List(&[
            TITLE,
            DESCRIPTION.optional(),
            URL.optional(),
            PICTURE.optional(),
            text("appid", "小程序", "Mini program").optional(),
            text("pagepath", "小程序页面", "Page of it").optional(),
            text("btntxt", "按钮", "Button").optional(),
        ]),
    )],
};

/// Most characters of a line in a list of chats.
const LINE: usize = 40;

/// One line for a list of chats.
pub(crate) fn preview(house: &House, item: &ChatItem) -> String {
    line(house, &item.kind, &item.fields)
}

/// One line for a message of a kind.
pub(crate) fn line(house: &House, kind: &str, fields: &Map<String, Value>) -> String {
    let line = match house.declared.bubbles.get(kind) {
        Some(bubble) => bubble.line(fields),
        // A world that an older program kept may hold kinds that are gone.
        None => format!("[{kind}]"),
    };
    line.chars().take(LINE).collect()
}

/// What of a message becomes its bubble.
pub(super) fn fit(house: &House, kind: &str, message: Map<String, Value>) -> Map<String, Value> {
    let bubble = house.declared.bubbles.get(kind);
    debug_assert!(bubble.is_some(), "nobody declares the bubble `{kind}`");
    let Some(bubble) = bubble else {
        return message;
    };
    let mut fields = bubble.fit(&message);
    if let Some(name) = message.get(STAFF).filter(|name| name.is_string()) {
        fields.insert(STAFF.to_owned(), name.clone());
    }
    fields
}
