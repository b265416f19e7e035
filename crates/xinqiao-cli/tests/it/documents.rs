//! Documents that must agree with the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use xinqiao_catalog as catalog;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page of a diagnosis, made from the catalog.
fn page(rule: &catalog::Diagnosis) -> String {
    let mut page = format!("# {}\n\n## 中文\n\n{}\n\n", rule.rule, rule.cause.zh);
    for step in &rule.remedy_zh {
        let _ = writeln!(page, "* {step}");
    }
    let _ = write!(page, "\n## English\n\n{}\n\n", rule.cause.en);
    for step in &rule.remedy_en {
        let _ = writeln!(page, "* {step}");
    }
    page
}

fn index() -> String {
    let mut page = String::from(
        "# Diagnoses 诊断\n\nEvery error that a user can meet has a name, a cause and a remedy. The same words are in the console, in logs and in\n`xinqiao explain`. 每个错误都有名字、原因和处理办法；控制台、日志和 `xinqiao explain` 用的是同样的话。\n\nThese pages are made from the catalog by `XINQIAO_UPDATE_PAGES=1 cargo test -p xinqiao-cli diagnosis`.\n\n| rule | 原因 | cause |\n|---|---|---|\n",
    );
    for rule in catalog::diagnoses() {
        let _ = writeln!(
            page,
            "| [{0}]({0}.md) | {1} | {2} |",
            rule.rule, rule.cause.zh, rule.cause.en
        );
    }
    page
}

#[test]
fn every_diagnosis_has_its_page_and_no_page_is_left_over() {
    let folder = root().join("docs/errors");
    let update = std::env::var_os("XINQIAO_UPDATE_PAGES").is_some();
    let mut wanted: Vec<(String, String)> = catalog::diagnoses()
        .iter()
        .map(|rule| (format!("{}.md", rule.rule), page(rule)))
        .collect();
    wanted.push(("README.md".to_owned(), index()));
    for (name, text) in &wanted {
        let path = folder.join(name);
        if update {
            std::fs::write(&path, text).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == *text,
            "docs/errors/{name} is stale; XINQIAO_UPDATE_PAGES=1 cargo test -p xinqiao-cli diagnosis"
        );
    }
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        if wanted.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if update {
            std::fs::remove_file(folder.join(&name)).expect("removed");
        } else {
            panic!("docs/errors/{name} has no rule");
        }
    }
}

#[test]
fn every_dependency_has_its_line() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let document = std::fs::read_to_string(root().join("docs/dependencies.md")).expect("the page");
    let named: Vec<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|cell| cell.split(", "))
        .collect();
    let dependencies = manifest["workspace"]["dependencies"]
        .as_table()
        .expect("a table");
    for name in dependencies
        .keys()
        .filter(|name| !name.starts_with("xinqiao"))
    {
        assert!(
            named.contains(&name.as_str()),
            "docs/dependencies.md has no line for {name}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in [
        "README.md",
        "README.zh-CN.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
    ] {
        let text = std::fs::read_to_string(root().join(name)).expect(name);
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            assert!(root().join(link).exists(), "{name} links to {link}");
        }
    }
}

#[test]
fn every_verb_stands_in_both_read_mes() {
    for name in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(root().join(name)).expect(name);
        let verbs = "dev sim serve exec env status open say trigger resend test clock fault logs explain crypt pay api openapi catalog completions man";
        assert!(text.contains(&format!("`{verbs}`")), "{name}");
        assert!(text.contains("`listen doctor data store`"), "{name}");
    }
}
