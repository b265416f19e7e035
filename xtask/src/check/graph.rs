//! The dependency graph: who may know whom, and what may not be linked at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crates without I/O, clock or runtime.
const PURE: [&str; 5] = [
    "xinqiao-types",
    "xinqiao-wire",
    "xinqiao-crypto",
    "xinqiao-catalog",
    "xinqiao-message",
];

/// What a crate without I/O cannot need.
const IMPURE: [&str; 9] = [
    "tokio", "mio", "hyper", "axum", "reqwest", "rusqlite", "rustls", "tower", "toml",
];

/// Generated crates of the platform's products, and the façade over them.
fn products() -> Vec<String> {
    let generated = xinqiao_catalog::Product::ALL.iter();
    let mut names: Vec<String> = generated
        .map(|product| format!("xinqiao-{}", product.name().replace('_', "-")))
        .collect();
    names.push("xinqiao".to_owned());
    names
}

/// crate → crates that must not be reachable from it.
fn forbidden() -> Vec<(&'static str, Vec<String>)> {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let with_products = |others: &[&str]| [names(others), products()].concat();
    let mut rules: Vec<_> = PURE.iter().map(|name| (*name, names(&IMPURE))).collect();
    rules.push((
        "xinqiao-simulator",
        with_products(&["xinqiao-gateway", "xinqiao-store"]),
    ));
    rules.push((
        "xinqiao-gateway",
        with_products(&["xinqiao-simulator", "xinqiao-demo"]),
    ));
    rules.push(("xinqiao-cli", products()));
    rules.push((
        "xinqiao-http",
        names(&["xinqiao-catalog", "xinqiao-message", "xinqiao-crypto"]),
    ));
    rules.push(("xinqiao-store", names(&["xinqiao-http", "axum", "hyper"])));
    let servers = ["xinqiao-gateway", "xinqiao-simulator", "xinqiao-http"];
    for client in ["xinqiao-client", "xinqiao-callback", "xinqiao-demo"] {
        rules.push((client, names(&servers)));
    }
    rules
}

/// Dependencies that only the named crates may have of their own.
const RESERVED: [(&str, &[&str]); 2] = [
    ("anyhow", &["xinqiao-cli", "xinqiao-bench", "xtask"]),
    (
        "rcgen",
        &["xinqiao-cli", "xinqiao-crypto", "xinqiao-simulator"],
    ),
];

pub(crate) fn directions(repository: &Path) -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository.join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .or_else(|_| {
            MetadataCommand::new()
                .manifest_path(repository.join("Cargo.toml"))
                .exec()
        })
        .context("cargo metadata")?;
    let graph = Graph::new(&metadata);
    let mut found = Vec::new();
    for (from, never) in forbidden() {
        let reached = graph.reached(from);
        for name in never.iter().filter(|name| reached.contains(name.as_str())) {
            found.push(format!(
                "{from} must not depend on {name}, not even through others"
            ));
        }
    }
    for package in metadata.workspace_packages() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            let reserved = RESERVED.iter().find(|(name, _)| *name == dependency.name);
            if let Some((name, allowed)) = reserved
                && !allowed.contains(&package.name.as_str())
            {
                found.push(format!(
                    "{} must not use {name}; only {}",
                    package.name,
                    allowed.join(", ")
                ));
            }
        }
    }
    Ok(found)
}

/// What links what, without dependencies of tests and build scripts.
struct Graph<'a> {
    names: BTreeMap<&'a PackageId, &'a str>,
    links: BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
}

impl<'a> Graph<'a> {
    fn new(metadata: &'a Metadata) -> Self {
        let names = metadata
            .packages
            .iter()
            .map(|p| (&p.id, p.name.as_str()))
            .collect();
        let links = metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| {
                let normal = node.deps.iter().filter(|dependency| {
                    dependency
                        .dep_kinds
                        .iter()
                        .any(|kind| kind.kind == DependencyKind::Normal)
                });
                (&node.id, normal.map(|dependency| &dependency.pkg).collect())
            })
            .collect();
        Self { names, links }
    }

    fn reached(&self, name: &str) -> BTreeSet<&'a str> {
        let mut open: Vec<&PackageId> = self
            .names
            .iter()
            .filter(|(_, n)| **n == name)
            .map(|(id, _)| *id)
            .collect();
        let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
        while let Some(id) = open.pop() {
            for next in self.links.get(id).into_iter().flatten() {
                if seen.insert(*next) {
                    open.push(*next);
                }
            }
        }
        seen.iter()
            .filter_map(|id| self.names.get(*id).copied())
            .collect()
    }
}

/// How many crates a program with the façade's default features may have to build, the façade included.
const MOST_CRATES: usize = 145;

/// Complains if the façade with its default features needs more crates than a user should have to build.
pub(crate) fn facade(repository: &Path) -> Result<Vec<String>> {
    // `cargo metadata` resolves the features of the whole workspace together; `cargo tree` those of one
    // package, as a user gets them.
    let output = std::process::Command::new(env!("CARGO"))
        .current_dir(repository)
        .args([
            "tree",
            "--locked",
            "-p",
            "xinqiao",
            "-e",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}"])
        .output()
        .context("cargo tree")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = crates(&String::from_utf8_lossy(&output.stdout));
    if count <= MOST_CRATES {
        return Ok(Vec::new());
    }
    let complaint = format!(
        "xinqiao with default features needs {count} crates, {MOST_CRATES} are allowed: see \
         `cargo tree -p xinqiao -e normal,build`"
    );
    Ok(vec![complaint])
}

/// The different crates of a listing: name and version; what stands behind is a path or a repetition.
fn crates(listing: &str) -> usize {
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let names: BTreeSet<String> = listing
        .lines()
        .filter(|line| !line.is_empty())
        .map(name)
        .collect();
    names.len()
}

/// Crates that `deny.toml` bans but `Cargo.lock` has. `cargo deny` checks more, where it is installed.
pub(crate) fn bans(repository: &Path) -> Result<Vec<String>> {
    let read = |name: &str| -> Result<toml::Table> {
        let text =
            std::fs::read_to_string(repository.join(name)).with_context(|| name.to_owned())?;
        text.parse().with_context(|| name.to_owned())
    };
    let (deny, lock) = (read("deny.toml")?, read("Cargo.lock")?);
    let list = |table: &toml::Table, path: &[&str]| -> Vec<toml::Value> {
        let mut value = path.first().and_then(|key| table.get(*key));
        for key in path.iter().skip(1) {
            value = value.and_then(|value| value.get(key));
        }
        value
            .and_then(toml::Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &toml::Value, key: &str| {
        value
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let locked: BTreeSet<String> = list(&lock, &["package"])
        .iter()
        .map(|package| text(package, "name"))
        .collect();
    let banned = list(&deny, &["bans", "deny"]);
    anyhow::ensure!(!banned.is_empty(), "deny.toml bans nothing");
    Ok(banned
        .iter()
        .filter(|ban| locked.contains(&text(ban, "crate")))
        .map(|ban| {
            format!(
                "Cargo.lock has {}: {}",
                text(ban, "crate"),
                text(ban, "reason")
            )
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_is_listed_twice_counts_once_and_a_version_is_a_crate() {
        let listing = "a v1.0.0 (/x)\nb v1.0.0\nb v1.0.0 (*)\nb v2.0.0\nc v1.0.0 (proc-macro)\n\n";
        assert_eq!(crates(listing), 4);
    }
}
