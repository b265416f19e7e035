//! What people want to do (`catalog/tasks.toml`) as tables: on the first pages of the Rust documentation and in the book.
//!
//! A row names an endpoint by its id, or a path of the SDK, or both. Where an endpoint's request type stands follows from the
//! id; that a written path exists is proved by `generated/tasks.rs` of `xinqiao-book`, which `use`s it. A method cannot be
//! used like that: [`check`] looks for it in the sources, and `make doc` follows the link.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::Result;
use serde::Deserialize;
use xinqiao_catalog::{Endpoint, Product};

use crate::codegen::rust::crate_name;
use crate::codegen::{Files, HEAD};
use crate::names::{ident, type_name};
use crate::pack::Catalog;
use crate::source::read;

/// How many tasks a product has: fewer help nobody, more are not read.
const COUNT: std::ops::RangeInclusive<usize> = 8..=25;

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    /// Chinese.
    pub(crate) zh: String,
    /// English.
    pub(crate) en: String,
    /// Id of the endpoint, if there is one.
    #[serde(default)]
    pub(crate) endpoint: String,
    /// Where to begin in Rust, if not with the endpoint's request type.
    #[serde(default)]
    pub(crate) rust: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    tasks: Vec<Task>,
}

/// The tasks by the product on whose page they stand.
pub(crate) fn read() -> Result<BTreeMap<Product, Vec<Task>>> {
    let lists: BTreeMap<String, List> = read::toml(&read::root().join("tasks.toml"))?;
    let mut out = BTreeMap::new();
    for (name, list) in lists {
        let product = Product::ALL
            .into_iter()
            .find(|product| product.name() == name)
            .ok_or_else(|| anyhow::anyhow!("tasks.toml: there is no product {name}"))?;
        out.insert(product, list.tasks);
    }
    Ok(out)
}

/// Where a task begins in Rust.
pub(crate) struct Path {
    /// As a user of the façade writes it: `xinqiao::official_account::menu::Get`.
    pub(crate) facade: String,
    /// Below the root of the product's own crate, where that has it.
    own: Option<String>,
}

impl Path {
    pub(crate) fn of(product: Product, task: &Task, endpoint: Option<&Endpoint>) -> Self {
        let line = product.name();
        if task.rust.starts_with("xinqiao::") {
            return Self {
                facade: task.rust.clone(),
                own: None,
            };
        }
        let own = match endpoint {
            Some(endpoint) if task.rust.is_empty() => {
                let module: Vec<String> = endpoint.module.split('.').map(ident).collect();
                format!("{}::{}", module.join("::"), type_name(endpoint.verb))
            }
            _ => task.rust.clone(),
        };
        let elsewhere = endpoint.is_some_and(|endpoint| endpoint.product != product);
        Self {
            facade: format!("xinqiao::{line}::{own}"),
            own: (!elsewhere).then_some(own),
        }
    }

    /// What `use` can name: the path without the name of a method.
    fn item(&self) -> &str {
        match self.facade.rsplit_once("::") {
            Some((owner, _)) if is_type(owner) => owner,
            _ => &self.facade,
        }
    }
}

/// Whether a path ends with the name of a type.
fn is_type(path: &str) -> bool {
    let last = path.rsplit("::").next().unwrap_or(path);
    last.starts_with(|character: char| character.is_ascii_uppercase())
}

/// An endpoint by its id.
pub(crate) fn endpoint<'c>(catalog: &'c Catalog, id: &str) -> Option<&'c Endpoint> {
    let sections = catalog.sections.values();
    sections
        .flat_map(|section| &section.endpoints)
        .find(|endpoint| endpoint.id == id)
}

/// The tables for rustdoc, and the proof that what they name is there.
pub(crate) fn write(catalog: &Catalog, files: &mut Files) -> Result<()> {
    let crates = read::repository().join("crates");
    let mut proof = format!("{HEAD}//! Every path of the task tables.\n\n");
    for (product, tasks) in read()? {
        let rows: Vec<(&Task, Path)> = tasks
            .iter()
            .map(|task| {
                let found = endpoint(catalog, &task.endpoint);
                (task, Path::of(product, task, found))
            })
            .collect();
        let own = table(&rows, |path| match &path.own {
            Some(own) => format!("[`{own}`](crate::{own})"),
            None => format!("`{}`", path.facade),
        });
        let folder = crates.join(crate_name(product)).join("src/generated");
        files.insert(folder.join("tasks.md"), own.into_bytes());
        let line = format!("xinqiao::{}::", product.name());
        let facade = table(&rows, |path| {
            let shown = path.facade.strip_prefix(&line);
            let shown = shown.unwrap_or_else(|| path.facade.trim_start_matches("xinqiao::"));
            let target = path.facade.replacen("xinqiao::", "crate::", 1);
            format!("[`{shown}`]({target})")
        });
        // Where the façade has no module of its own, the crate's page is the façade's.
        if crates.join(format!("xinqiao/src/{product}.rs")).exists() {
            let file = format!("xinqiao/src/generated/tasks/{product}.md");
            files.insert(crates.join(file), facade.into_bytes());
        }
        let _ = writeln!(proof, "mod {} {{", product.name());
        let mut items: Vec<&str> = rows.iter().map(|(_, path)| path.item()).collect();
        items.sort_unstable();
        items.dedup();
        for item in items {
            let _ = writeln!(proof, "    use {item} as _;");
        }
        proof.push_str("}\n");
    }
    let file = crates.join("xinqiao-book/src/generated/tasks.rs");
    files.insert(file, proof.into_bytes());
    Ok(())
}

/// Without the ids: they would make the table too wide, and stand in the documentation of each type.
fn table(rows: &[(&Task, Path)], link: impl Fn(&Path) -> String) -> String {
    let mut out =
        String::from("<!-- @generated by xtask codegen -->\n# Tasks\n\n| To | take |\n|---|---|\n");
    for (task, path) in rows {
        let _ = writeln!(out, "| {} | {} |", task.en, link(path));
    }
    out
}

/// Complaints about the list.
pub(crate) fn check(catalog: &Catalog, complaints: &mut Vec<String>) -> Result<()> {
    let all = read()?;
    for product in Product::ALL {
        let count = all.get(&product).map_or(0, Vec::len);
        if !COUNT.contains(&count) {
            complaints.push(format!(
                "tasks.toml: {product} has {count} tasks, {} to {} are right",
                COUNT.start(),
                COUNT.end()
            ));
        }
    }
    let sources = sources()?;
    for (product, tasks) in &all {
        for task in tasks {
            let wrong = wrong(catalog, *product, task);
            if let Some(complaint) = wrong.or_else(|| no_method(&sources, &task.rust)) {
                complaints.push(format!("tasks.toml: {product}: `{}` {complaint}", task.en));
            }
        }
    }
    Ok(())
}

/// What is written by hand in the crates of the SDK, in one text.
fn sources() -> Result<String> {
    let mut text = String::new();
    let mut todo = vec![read::repository().join("crates")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("generated") && !path.ends_with("catalog") {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(&path)?);
            }
        }
    }
    Ok(text)
}

fn no_method(sources: &str, path: &str) -> Option<String> {
    let (owner, method) = path.rsplit_once("::")?;
    let there = ["(", "<"]
        .iter()
        .any(|after| sources.contains(&format!("pub fn {method}{after}")))
        || sources.contains(&format!("pub async fn {method}("));
    (is_type(owner) && !there).then(|| format!("begins with `{path}`, which is not there"))
}

fn wrong(catalog: &Catalog, product: Product, task: &Task) -> Option<String> {
    if task.zh.is_empty() || task.en.is_empty() {
        return Some("has to be said in both languages".into());
    }
    if [&task.zh, &task.en].iter().any(|text| text.contains('|')) {
        return Some("would break the table".into());
    }
    if task.endpoint.is_empty() {
        return task
            .rust
            .is_empty()
            .then(|| "names neither an endpoint nor a path".into());
    }
    let Some(found) = endpoint(catalog, &task.endpoint) else {
        return Some(format!("names `{}`, which is not there", task.endpoint));
    };
    let there = found.product == product || found.lines.contains(&product.name());
    (!there).then(|| format!("names `{}`, which that product has not", task.endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack;

    fn task(endpoint: &str, rust: &str) -> Task {
        Task {
            zh: "做".into(),
            en: "Do".into(),
            endpoint: endpoint.into(),
            rust: rust.into(),
        }
    }

    #[test]
    fn an_id_that_is_gone_or_stands_elsewhere_is_named() {
        let catalog = pack::compile().unwrap();
        let wrong = |endpoint, rust| wrong(&catalog, Product::PayV3, &task(endpoint, rust));
        assert!(wrong("pay_v3.bill.get_trade_bill", "").is_none());
        assert!(wrong("", "Merchant").is_none());
        assert!(wrong("", "").unwrap().contains("neither"));
        assert!(wrong("pay_v3.bill.gone", "").unwrap().contains("not there"));
        let elsewhere = wrong("official_account.menu.get", "").unwrap();
        assert!(elsewhere.contains("has not"), "{elsewhere}");
    }

    #[test]
    fn a_method_that_is_gone_is_named() {
        let sources = "pub fn checked(buttons: u8) {} pub async fn accept(a: u8) {}";
        assert!(no_method(sources, "menu::Create::checked").is_none());
        assert!(no_method(sources, "Component::accept").is_none());
        assert!(no_method(sources, "menu::Create::gone").is_some());
        assert!(no_method(sources, "invoke::jsapi").is_none());
    }

    #[test]
    fn a_path_is_the_request_type_unless_another_is_named() {
        let catalog = pack::compile().unwrap();
        let path = |endpoint: &str, rust: &str| {
            let task = task(endpoint, rust);
            let found = super::endpoint(&catalog, endpoint);
            Path::of(Product::OfficialAccount, &task, found)
        };
        let get = path("official_account.menu.get", "");
        assert_eq!(get.facade, "xinqiao::official_account::menu::Get");
        assert_eq!(get.own.as_deref(), Some("menu::Get"));
        let checked = path("official_account.menu.create", "menu::Create::checked");
        assert_eq!(checked.item(), "xinqiao::official_account::menu::Create");
        let foreign = path("mini_program.message.subscribe.biz_send", "");
        assert!(foreign.own.is_none());
        assert_eq!(
            path("", "xinqiao::oauth::Exchange").item(),
            "xinqiao::oauth::Exchange"
        );
    }
}
