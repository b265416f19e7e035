//! The page that says for each product where to begin for what people want to do.

use std::fmt::Write as _;

use anyhow::Result;
use xinqiao_catalog as catalog;

use super::text::{Language, code, plain};
use crate::tasks::{self, Path, Task};

pub(super) const PAGE: &str = "reference/tasks.md";

pub(super) const fn title(language: Language) -> &'static str {
    language.say("常见任务", "Tasks")
}

pub(super) fn page(language: Language) -> Result<String> {
    let mut out = String::from(language.say(
        "想做什么，在 Rust 里从哪里开始（都在 crate `xinqiao` 里）。链接指向目录里的接口。\n",
        "What you want to do, and where to begin in Rust (all of it in the crate `xinqiao`). A link leads to the endpoint.\n",
    ));
    let mut all = tasks::read()?;
    for product in catalog::Product::ALL {
        let Some(list) = all.remove(&product) else {
            continue;
        };
        let header = language.say("| 任务 | Rust |", "| to | Rust |");
        let _ = writeln!(
            out,
            "\n## {} {{#{product}}}\n\n{header}\n|---|---|",
            plain(language.of(product.title())),
        );
        for task in &list {
            row(&mut out, language, product, task);
        }
    }
    Ok(out)
}

fn row(out: &mut String, language: Language, product: catalog::Product, task: &Task) {
    let endpoint = catalog::endpoint(&task.endpoint);
    let path = Path::of(product, task, endpoint);
    let text = match language {
        Language::Chinese => &task.zh,
        Language::English => &task.en,
    };
    let text = match endpoint {
        Some(endpoint) => format!(
            "[{text}]({}/{}.md#e-{})",
            endpoint.product, endpoint.module, endpoint.verb
        ),
        None => text.clone(),
    };
    let path = path.facade.trim_start_matches("xinqiao::");
    let _ = writeln!(out, "| {text} | {} |", code(path));
}
