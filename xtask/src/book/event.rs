//! The callbacks of a product on one page: messages, events, notices, replies.

use std::{collections::BTreeSet, fmt::Write as _};

use xinqiao_catalog as catalog;
use xinqiao_catalog::{Event, EventKind, EventWire, Product};

use super::{
    shape,
    text::{Language, code, plain},
};

/// The page's name in its folder.
pub(super) const PAGE: &str = "callbacks.md";

pub(super) const fn title(language: Language) -> &'static str {
    language.say("消息、事件与通知", "Messages, events, notices")
}

/// The page; nothing if the product has no callbacks.
pub(super) fn page(language: Language, product: Product) -> Option<String> {
    let all: Vec<&Event> = catalog::events()
        .filter(|event| event.product == product)
        .collect();
    if all.is_empty() {
        return None;
    }
    let mut out = String::from(language.say(
        "平台推送给你服务器的内容，以及可以怎样回复。安全模式下整个正文加密，这里写的是解密之后的样子。\n\n",
        "What the platform sends to your server, and what you may answer. In safe mode the whole body is encrypted; \
         this is what it looks like inside.\n\n",
    ));
    out.push_str("| | |\n|---|---|\n");
    for event in &all {
        let _ = writeln!(
            out,
            "| [{}](#{}) | {} |",
            name(language, event),
            anchor(event),
            code(event.id)
        );
    }
    out.push('\n');
    let mut types = BTreeSet::new();
    for event in all {
        section(&mut out, language, event);
        shape::reach(product, &event.shape, &mut types);
    }
    shape::types(&mut out, language, product, &types);
    Some(out)
}

/// Kind and name: `event.subscribe`.
fn short(event: &Event) -> &'static str {
    event.id.split_once('.').map_or(event.id, |(_, rest)| rest)
}

/// The place of an event on the page.
pub(super) fn anchor(event: &Event) -> String {
    format!("v-{}", short(event))
}

/// The title, or the name where nobody has written one.
pub(super) fn name(language: Language, event: &Event) -> String {
    match language.of(event.title) {
        "" => plain(short(event)),
        title => plain(title),
    }
}

fn section(out: &mut String, language: Language, event: &Event) {
    let _ = writeln!(out, "## {} {{#{}}}\n", name(language, event), anchor(event));
    out.push_str("| | |\n|---|---|\n");
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "| {name} | {value} |");
        }
    };
    row("id", code(event.id));
    let kind = match event.kind {
        EventKind::Event => language.say("事件", "event"),
        EventKind::Message => language.say("用户消息", "a user's message"),
        EventKind::Info => language.say("第三方平台推送", "push to a component or suite"),
        EventKind::Notify => language.say("支付通知", "payment notice"),
        EventKind::Reply => language.say("被动回复", "passive reply"),
    };
    row(language.say("类别", "kind"), kind.to_owned());
    let telling = [
        ("MsgType", event.msg_type),
        ("Event", event.event),
        ("InfoType", event.info_type),
        ("event_type", event.event_type),
        event.when.unwrap_or_default(),
    ];
    for (field, value) in telling.into_iter().filter(|(_, value)| !value.is_empty()) {
        row(&code(field), code(value));
    }
    let wire = match event.wire {
        EventWire::Xml => "XML",
        EventWire::Json => "JSON",
        EventWire::Both => language.say(
            "XML 或 JSON，看账号的设置",
            "XML or JSON, as the account chose",
        ),
    };
    row(language.say("格式", "form"), wire.to_owned());
    row(language.say("何时推送", "sent on"), plain(event.trigger));
    row(language.say("回复", "answer"), plain(event.reply));
    let pages: Vec<String> = event.doc.iter().map(|page| format!("<{page}>")).collect();
    row(
        language.say("官方文档", "official pages"),
        pages.join("<br>"),
    );
    out.push('\n');
    if event.kind != EventKind::Reply && event.product.name() == "official_account" {
        let _ = writeln!(out, "```\nxinqiao trigger {}\n```\n", event.id);
    }
    shape::table(
        out,
        language,
        event.product,
        language.say("字段", "Fields"),
        &event.shape,
    );
}
