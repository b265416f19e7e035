//! One page with a line for each endpoint and callback, and a field that narrows it. The builder's own search splits
//! text at spaces, so it finds no Chinese.

use std::fmt::Write as _;

use xinqiao_catalog as catalog;

use super::{
    event,
    text::{Language, code, plain},
};

pub(super) const PAGE: &str = "reference/find.md";

pub(super) const fn title(language: Language) -> &'static str {
    language.say("查找接口", "Find an endpoint")
}

pub(super) fn page(language: Language) -> String {
    let mut out = String::from(language.say(
        "输入标题、路径或 id 里的词，用空格分开。\n\n",
        "Type words of a title, a path or an id.\n\n",
    ));
    let hint = language.say(
        "例如 菜单 创建，或 /cgi-bin/menu",
        "menu create, or /cgi-bin/menu",
    );
    let _ = writeln!(
        out,
        "<input id=\"find\" type=\"search\" placeholder=\"{hint}\" aria-label=\"{}\" autocomplete=\"off\">\n",
        title(language)
    );
    let header = language.say("| 标题 | id | 路由 |", "| title | id | route |");
    let _ = writeln!(out, "{header}\n|---|---|---|");
    for endpoint in catalog::Product::ALL
        .into_iter()
        .flat_map(catalog::endpoints)
    {
        let title = match language.of(endpoint.title) {
            "" => endpoint.verb,
            title => title,
        };
        let _ = writeln!(
            out,
            "| [{}]({}/{}.md#e-{}) | {} | {} |",
            plain(title),
            endpoint.product,
            endpoint.module,
            endpoint.verb,
            code(endpoint.id),
            code(&format!("{} {}", endpoint.method, endpoint.path)),
        );
    }
    for one in catalog::events() {
        let _ = writeln!(
            out,
            "| [{}]({}/{}#{}) | {} | |",
            event::name(language, one),
            one.product,
            event::PAGE,
            event::anchor(one),
            code(one.id),
        );
    }
    out
}
