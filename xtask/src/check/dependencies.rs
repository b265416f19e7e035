//! Dependencies: who asks for one names it in its code, and each of other people's has its line in the documentation.
//!
//! Text is looked at, no build: a crate counts as named where its name begins a path, in code, in a macro, a derive or
//! an attribute. A module of the same name would hide that it is not; what links is for the compiler.

mod documented;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml::Table;

use super::sources::{Source, under};

/// What is used without being named, only through the features that it turns on: who, what, why.
const THROUGH_FEATURES: [(&str, &str, &str); 0] = [];

/// Crates whose library has another name.
const OTHER_NAMES: [(&str, &str); 1] = [("md-5", "md5")];

/// A crate of the workspace.
struct Member {
    name: String,
    manifest: Table,
    /// What is linked into what uses it.
    shipped: String,
    /// That, its unit tests and documentation, and what lies in `tests`, `benches` and `examples`.
    all: String,
    /// `build.rs`.
    build: String,
}

/// The tables of a manifest that name dependencies.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(crate) fn complaints(repository: &Path) -> Result<Vec<String>> {
    let root = manifest(&repository.join("Cargo.toml"))?;
    let members = members(repository, &root)?;
    let mut found: Vec<String> = members
        .iter()
        .flat_map(|member| unused(member, &THROUGH_FEATURES))
        .collect();
    found.extend(unasked(&root, &members));
    let page = std::fs::read_to_string(repository.join(documented::PAGE))
        .with_context(|| documented::PAGE.to_owned())?;
    found.extend(documented::complaints(&root, &members, &page));
    Ok(found)
}

fn manifest(path: &Path) -> Result<Table> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("in {}", path.display()))
}

fn members(repository: &Path, root: &Table) -> Result<Vec<Member>> {
    let listed = root
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(toml::Value::as_array)
        .context("the workspace lists no members")?;
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in listed.iter().filter_map(toml::Value::as_str) {
        match folder.strip_suffix("/*") {
            None => folders.push(folder.into()),
            Some(above) => {
                for entry in std::fs::read_dir(repository.join(above))? {
                    folders.push(Path::new(above).join(entry?.file_name()));
                }
            }
        }
    }
    folders.sort();
    let there = |folder: &&PathBuf| repository.join(folder).join("Cargo.toml").exists();
    folders
        .iter()
        .filter(there)
        .map(|folder| member(repository, folder))
        .collect()
}

fn member(repository: &Path, folder: &Path) -> Result<Member> {
    let manifest = manifest(&repository.join(folder).join("Cargo.toml"))?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str)
        .with_context(|| format!("{} has no name", folder.display()))?
        .to_owned();
    let folder = folder.to_string_lossy().replace('\\', "/");
    let mut member = Member {
        name,
        manifest,
        shipped: String::new(),
        all: String::new(),
        build: String::new(),
    };
    for source in under(repository, &folder)? {
        let inside = source.path[folder.len()..].trim_start_matches('/');
        if inside == "build.rs" {
            member.build += &source.text;
            continue;
        }
        // Pages whose code is compiled as documentation of this crate.
        let pages = pages(repository, &source.text);
        let is_shipped = inside.starts_with("src/") && !is_test(inside);
        if is_shipped {
            member.shipped += &code(&source);
            member.shipped += &pages;
        }
        member.all += &source.text;
        member.all += &pages;
    }
    Ok(member)
}

/// Whether a file below `src` holds unit tests only.
fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "tests.rs"))
}

fn code(source: &Source) -> String {
    let without_comment = |(_, line): (usize, &str)| match line.find(" // ") {
        Some(at) => format!("{}\n", &line[..at]),
        None => format!("{line}\n"),
    };
    source.code_lines().map(without_comment).collect()
}

/// The texts of the pages that a list in a source names, from the repository's root.
fn pages(repository: &Path, text: &str) -> String {
    if !text.contains("include_str!") {
        return String::new();
    }
    text.split('"')
        .filter(|literal| {
            literal.starts_with("docs/") && literal.split('.').next_back() == Some("md")
        })
        .filter_map(|page| std::fs::read_to_string(repository.join(page)).ok())
        .collect()
}

/// The dependencies that a manifest asks for, with the table they stand in.
fn asked(manifest: &Table) -> impl Iterator<Item = (&'static str, &str, &toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets
        .into_iter()
        .flatten()
        .filter_map(|(_, target)| target.as_table());
    std::iter::once(manifest)
        .chain(of_targets)
        .flat_map(|table| TABLES.map(|kind| (kind, table.get(kind))))
        .filter_map(|(kind, list)| Some((kind, list?.as_table()?)))
        .flat_map(|(kind, list)| list.iter().map(move |(name, how)| (kind, &**name, how)))
}

/// What a crate asks for and does not name, and what is excused for no reason any more.
fn unused(member: &Member, excused: &[(&str, &str, &str)]) -> Vec<String> {
    let Member { name, .. } = member;
    let mut found = Vec::new();
    for (kind, dependency, _) in asked(&member.manifest) {
        let (text, place) = match kind {
            "dependencies" => (&member.shipped, "src, outside its tests"),
            "build-dependencies" => (&member.build, "build.rs"),
            _ => (&member.all, "src, tests, benches or examples"),
        };
        let excuse = excused
            .iter()
            .any(|(who, what, _)| who == name && *what == dependency);
        match (is_named(text, &library(dependency)), excuse) {
            (false, false) => found.push(format!(
                "{name}: {dependency} stands in [{kind}], and nothing in {place} names it"
            )),
            (true, true) => found.push(format!(
                "{name}: {dependency} is named and needs no excuse in xtask, check/dependencies.rs"
            )),
            _ => {}
        }
    }
    found
}

/// What the workspace's table has and nobody asks for.
fn unasked(root: &Table, members: &[Member]) -> Vec<String> {
    let asked: BTreeSet<&str> = members
        .iter()
        .flat_map(|member| asked(&member.manifest))
        .map(|(_, dependency, _)| dependency)
        .collect();
    table(root)
        .map(|(dependency, _)| dependency)
        .filter(|dependency| !asked.contains(dependency))
        .map(|dependency| format!("Cargo.toml: no crate of the workspace asks for {dependency}"))
        .collect()
}

/// The workspace's table of dependencies.
fn table(root: &Table) -> impl Iterator<Item = (&str, &toml::Value)> {
    root.get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
        .map(|(name, how)| (&**name, how))
}

/// What code calls a crate.
fn library(dependency: &str) -> String {
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == dependency);
    other.map_or_else(
        || dependency.replace('-', "_"),
        |(_, name)| (*name).to_owned(),
    )
}

/// Whether a path begins with this name: `name::…`, or `use name;`.
fn is_named(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        begins_a_path(before) && (after.starts_with("::") || is_used_whole(before, after))
    })
}

fn begins_a_path(before: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    match before.strip_suffix("::") {
        // `::name`, and not `other::name`.
        Some(root) => !root.ends_with(|c: char| is_inside(c) || c == '>'),
        None => !before.ends_with(|c: char| is_inside(c) || c == '.'),
    }
}

/// `use name;`, `use name as other;`, `extern crate name;`
fn is_used_whole(before: &str, after: &str) -> bool {
    let is_import = ["use ", "extern crate ", "use ::"]
        .iter()
        .any(|word| before.ends_with(word));
    is_import && (after.starts_with(';') || after.starts_with(" as "))
}

#[cfg(test)]
mod tests;
