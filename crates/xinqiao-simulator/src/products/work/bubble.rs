//! The bubbles that only applications of a corporation send.
//!
//! Source: doc page 90236 ("发送应用消息").

use crate::{
    kernel::declared::{Bubble, Field, Holds, Shown, field, said, text},
    people::bubbles::{DESCRIPTION, TITLE, URL},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "work.bubble",
    shows: &[
        Shown::Bubble(&TEXT_CARD),
        Shown::Bubble(&MARKDOWN),
        Shown::Bubble(&MINI_PROGRAM),
        Shown::Bubble(&TEMPLATE_CARD),
        Shown::Bubble(&TASK_CARD),
        Shown::Bubble(&TEMPLATE),
    ],
    ..Feature::EMPTY
};

/// Lines of a name and a value.
const CONTENT: Field = field(
    "content_item",
    "内容",
    "Content",
    Holds::List(&[text("key", "名称", "Name"), text("value", "值", "Value")]),
)
.optional();

static TEXT_CARD: Bubble = Bubble {
    kind: "textcard",
    title: said("文本卡片", "Text card"),
    line: "[卡片] {title}",
    fields: &[
        TITLE,
        DESCRIPTION,
        URL,
        text("btntxt", "按钮", "Button").optional(),
    ],
};
static MARKDOWN: Bubble = Bubble {
    kind: "markdown",
    title: said("Markdown", "Markdown"),
    line: "{content}",
    fields: &[text("content", "内容", "Content")],
};
static MINI_PROGRAM: Bubble = Bubble {
    kind: "miniprogram_notice",
    title: said("小程序通知", "Mini program notice"),
    line: "[小程序] {title}",
    fields: &[
        TITLE,
        DESCRIPTION.optional(),
        text("appid", "小程序", "Mini program").optional(),
        text("page", "页面", "Page").optional(),
        field(
            "emphasis_first_item",
            "放大第一项",
            "First line large",
            Holds::Flag,
        )
        .optional(),
        CONTENT,
    ],
};
static TEMPLATE_CARD: Bubble = Bubble {
    kind: "template_card",
    title: said("模板卡片", "Template card"),
    line: "[卡片] {main_title.title}",
    fields: &[
        text("card_type", "卡片类型", "Card type"),
        field("source", "来源", "Source", Holds::Any).optional(),
        field("main_title", "主标题", "Main title", Holds::Any).optional(),
        field("emphasis_content", "关键数据", "Key figure", Holds::Any).optional(),
        field("quote_area", "引用", "Quotation", Holds::Any).optional(),
        field("card_image", "图片", "Picture", Holds::Any).optional(),
        field(
            "image_text_area",
            "左图右文",
            "Picture and text",
            Holds::Any,
        )
        .optional(),
        text("sub_title_text", "二级文本", "Subtitle").optional(),
        field(
            "vertical_content_list",
            "纵向内容",
            "Paragraphs",
            Holds::Any,
        )
        .optional(),
        field("horizontal_content_list", "横向内容", "Lines", Holds::Any).optional(),
        field("jump_list", "跳转", "Links", Holds::Any).optional(),
        field("card_action", "整体跳转", "Link of the card", Holds::Any).optional(),
        field("button_list", "按钮", "Buttons", Holds::Any).optional(),
        field("button_selection", "下拉选项", "Selection", Holds::Any).optional(),
        field("checkbox", "选择题", "Check boxes", Holds::Any).optional(),
        field("select_list", "多项选择", "Selections", Holds::Any).optional(),
        field("submit_button", "提交", "Submit", Holds::Any).optional(),
        text("task_id", "任务", "Task").optional(),
    ],
};
static TASK_CARD: Bubble = Bubble {
    kind: "interactive_taskcard",
    title: said("任务卡片（旧）", "Task card (old)"),
    line: "[任务] {title}",
    fields: &[
        TITLE,
        DESCRIPTION.optional(),
        URL.optional(),
        text("task_id", "任务", "Task").optional(),
        field(
            "btn",
            "按钮",
            "Buttons",
            Holds::List(&[text("key", "键", "Key"), text("name", "名称", "Name")]),
        )
        .optional(),
    ],
};
static TEMPLATE: Bubble = Bubble {
    kind: "template_msg",
    title: said("模板消息", "Template message"),
    line: "[模板消息]",
    fields: &[
        text("template_id", "模板", "Template"),
        URL.optional(),
        field("miniprogram", "小程序", "Mini program", Holds::Any).optional(),
        CONTENT,
    ],
};
