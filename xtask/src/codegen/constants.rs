//! Constants: error codes by name, endpoint and event ids.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use xinqiao_catalog::{Code, ErrorFamily};

use super::{Files, HEAD};
use crate::names::{ident, snake};
use crate::pack::Catalog;

#[derive(Default)]
struct Tree {
    leaves: BTreeMap<String, &'static str>,
    branches: BTreeMap<String, Tree>,
}

impl Tree {
    fn insert(&mut self, id: &'static str) {
        let mut parts: Vec<&str> = id.split('.').collect();
        let Some(leaf) = parts.pop() else { return };
        let mut node = self;
        for part in parts {
            node = node.branches.entry(ident(part)).or_default();
        }
        node.leaves.insert(leaf.to_ascii_uppercase(), id);
    }

    fn print(&self, out: &mut String, depth: usize) {
        let pad = "    ".repeat(depth);
        for (name, id) in &self.leaves {
            let _ = writeln!(out, "{pad}/// `{id}`");
            let line = format!("{pad}pub const {name}: &str = \"{id}\";");
            if line.len() <= 100 {
                let _ = writeln!(out, "{line}");
            } else {
                let _ = writeln!(out, "{pad}pub const {name}: &str =\n{pad}    \"{id}\";");
            }
        }
        for (name, tree) in &self.branches {
            let _ = writeln!(out, "{pad}/// `{name}`");
            let _ = writeln!(out, "{pad}pub mod {name} {{");
            tree.print(out, depth + 1);
            let _ = writeln!(out, "{pad}}}");
        }
    }
}

/// Writes `code.rs`, `id.rs`, `event_id.rs`.
pub(crate) fn write(catalog: &Catalog, folder: &Path, files: &mut Files) {
    let mut endpoints = Tree::default();
    let mut events = Tree::default();
    for section in catalog.sections.values() {
        for endpoint in &section.endpoints {
            endpoints.insert(endpoint.id);
        }
    }
    for section in catalog.events.values() {
        for event in &section.events {
            events.insert(event.id);
        }
    }
    let mut out = format!("{HEAD}//! Endpoint ids.\n\n");
    endpoints.print(&mut out, 0);
    files.insert(folder.join("id.rs"), out.into_bytes());
    let mut out = format!("{HEAD}//! Event ids.\n\n");
    events.print(&mut out, 0);
    files.insert(folder.join("event_id.rs"), out.into_bytes());
    files.insert(folder.join("code.rs"), codes(catalog).into_bytes());
}

fn codes(catalog: &Catalog) -> String {
    let mut out = format!(
        "{HEAD}//! Error codes by name: those of api.weixin.qq.com here, the others in modules. The SDK compares an error with\n//! either: `error.is(code::NOT_FOLLOWING)`, `error.is(code::pay_v3::ALREADY_EXISTS)`.\n\n"
    );
    let families = [
        (ErrorFamily::Weixin, "", ""),
        (
            ErrorFamily::Work,
            "work",
            "WeCom (企业微信). Those that have a name; the others are compared as numbers",
        ),
        (ErrorFamily::PayV2, "pay_v2", "WeChat Pay APIv2: words"),
        (ErrorFamily::PayV3, "pay_v3", "WeChat Pay APIv3: words"),
        (
            ErrorFamily::PayBusiness,
            "pay_business",
            "business pay (微企付): words",
        ),
        (
            ErrorFamily::SampleCode,
            "sample_code",
            "the samples in the platform's own documentation",
        ),
    ];
    for (family, module, whose) in families {
        let mut body = String::new();
        let pad = if module.is_empty() { "" } else { "    " };
        for error in catalog
            .errors
            .codes
            .iter()
            .filter(|error| error.family == family)
        {
            let name = match (error.name, error.code) {
                ("", Code::Word(word)) => snake(word).to_ascii_uppercase(),
                ("", Code::Number(_)) => continue,
                (name, _) => name.to_owned(),
            };
            if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
                continue;
            }
            let about = [error.meaning.en, error.text]
                .into_iter()
                .find(|text| !text.is_empty());
            let about = about.unwrap_or("no text").replace(['[', ']', '<', '>'], "");
            let _ = writeln!(body, "{pad}/// {}: {about}", error.code);
            let _ = match error.code {
                Code::Number(code) => writeln!(body, "{pad}pub const {name}: i64 = {code};"),
                Code::Word(word) => writeln!(body, "{pad}pub const {name}: &str = \"{word}\";"),
            };
        }
        if module.is_empty() {
            out.push_str(&body);
        } else if !body.is_empty() {
            let _ = write!(
                out,
                "/// Codes of {whose}.\npub mod {module} {{\n{body}}}\n"
            );
        }
    }
    out
}

/// `ids.lock`: one id a line.
///
/// Lines of `before` that name a successor stay, and so does an id that is gone without one: the check asks for it.
pub(crate) fn ids(catalog: &Catalog, before: &str) -> String {
    let mut ids: BTreeSet<&str> = catalog
        .sections
        .values()
        .flat_map(|section| section.endpoints.iter().map(|endpoint| endpoint.id))
        .chain(
            catalog
                .events
                .values()
                .flat_map(|section| section.events.iter().map(|e| e.id)),
        )
        .chain(before.lines())
        .collect();
    ids.retain(|line| !line.is_empty());
    let mut out = String::new();
    for id in ids {
        out.push_str(id);
        out.push('\n');
    }
    out
}
