//! The book: chapters written by hand in `docs/book/`, reference pages written from the catalog.
//!
//! Everything is put together in memory first, as one map from path to text for each language, so that a
//! test can follow every link without a book builder. [`run`] writes the maps below `target/book/` and
//! builds them if there is an `mdbook`: the one that `MDBOOK` names, as `make book` does, or one on the path. Nothing that
//! is generated here is committed.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{shown, source};

mod endpoint;
mod event;
mod find;
mod links;
mod reference;
mod shape;
mod tasks;
mod text;

use self::text::Language;

/// In a `SUMMARY.md`: here the list of reference pages goes.
const MARK: &str = "<!-- reference -->";

/// The pages of one language: path below `src/` → text.
type Pages = BTreeMap<String, String>;

/// Writes the books, and builds them where the builder is installed.
pub(crate) fn run() -> Result<()> {
    let target = target();
    let builder = builder();
    for language in Language::ALL {
        let folder = target.join(language.name());
        write(language, &folder)?;
        if let Some(builder) = &builder {
            let status = Command::new(builder)
                .arg("build")
                .arg(&folder)
                .status()
                .context("starting mdbook")?;
            anyhow::ensure!(status.success(), "mdbook: see above");
            println!("built {}", folder.join("book/index.html").display());
        }
    }
    if builder.is_none() {
        println!("There is no mdbook, so the pages are Markdown only. For HTML: make book");
    }
    Ok(())
}

fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| source::read::repository().join("target"), PathBuf::from);
    target.join("book")
}

fn builder() -> Option<OsString> {
    let name = env::var_os("MDBOOK").unwrap_or_else(|| "mdbook".into());
    Command::new(&name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
        .then_some(name)
}

fn write(language: Language, folder: &Path) -> Result<()> {
    let pages = pages(language)?;
    let broken = links::broken(&pages);
    anyhow::ensure!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    for (path, text) in &pages {
        let path = folder.join("src").join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let shared = folder.join("shared");
    fs::create_dir_all(&shared)?;
    for name in ["book.css", "find.js", "search.js"] {
        let from = source::read::repository()
            .join("docs/book/shared")
            .join(name);
        fs::copy(&from, shared.join(name)).with_context(|| format!("copying {name}"))?;
    }
    fs::copy(
        chapters(language).join("book.toml"),
        folder.join("book.toml"),
    )?;
    println!("wrote {} pages to {}", pages.len(), shown(folder));
    Ok(())
}

/// Where the chapters of a language lie.
fn chapters(language: Language) -> PathBuf {
    source::read::repository()
        .join("docs/book")
        .join(language.name())
}

/// All pages of a language: the chapters, the reference, and the summary that lists both.
fn pages(language: Language) -> Result<Pages> {
    let mut pages = by_hand(language)?;
    let reference = reference::pages(language)?;
    let summary = pages
        .get_mut("SUMMARY.md")
        .context("the book has no SUMMARY.md")?;
    anyhow::ensure!(summary.contains(MARK), "SUMMARY.md lacks {MARK}");
    *summary = summary.replace(MARK, &reference.summary);
    pages.extend(reference.pages);
    Ok(pages)
}

/// The chapters as they lie in the repository.
fn by_hand(language: Language) -> Result<Pages> {
    let folder = chapters(language).join("src");
    let mut pages = Pages::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path())?;
        let text = match language {
            Language::Chinese => text::join_lines(&text),
            Language::English => text,
        };
        pages.insert(name, text);
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_and_every_line_of_the_summary_resolves() {
        for language in Language::ALL {
            let pages = pages(language).unwrap();
            assert_eq!(links::broken(&pages), Vec::<String>::new());
        }
    }

    #[test]
    fn every_page_is_in_the_summary() {
        for language in Language::ALL {
            let pages = pages(language).unwrap();
            let listed = links::targets(&pages["SUMMARY.md"]);
            let missing: Vec<_> = pages
                .keys()
                .filter(|path| *path != "SUMMARY.md" && !listed.contains(path.as_str()))
                .collect();
            assert!(missing.is_empty(), "{language:?}: {missing:?}");
        }
    }

    #[test]
    fn both_languages_have_the_same_chapters() {
        let names = |language| by_hand(language).unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(names(Language::Chinese), names(Language::English));
    }

    #[test]
    fn both_languages_show_the_same_commands() {
        let chinese = by_hand(Language::Chinese).unwrap();
        for (name, english) in by_hand(Language::English).unwrap() {
            let commands = |text: &str| -> Vec<String> {
                links::code_blocks(text)
                    .into_iter()
                    .filter(|block| block.starts_with("xinqiao ") || block.starts_with("curl "))
                    // What is said beside a command is in the page's language.
                    .map(|line| match line.split_once(" # ") {
                        Some((command, _)) => command.trim_end().to_owned(),
                        None => line,
                    })
                    .collect()
            };
            assert_eq!(commands(&chinese[&name]), commands(&english), "{name}");
        }
    }

    #[test]
    fn every_endpoint_callback_and_code_has_its_place() {
        let pages = reference::pages(Language::English).unwrap().pages;
        let endpoints: usize = xinqiao_catalog::Product::ALL
            .into_iter()
            .map(|product| xinqiao_catalog::endpoints(product).len())
            .sum();
        let headings: usize = pages
            .values()
            .flat_map(|page| page.lines())
            .filter(|line| line.starts_with("## ") && line.contains("{#e-"))
            .count();
        assert_eq!(headings, endpoints);
        let callbacks: usize = pages
            .values()
            .flat_map(|page| page.lines())
            .filter(|line| line.starts_with("## ") && line.contains("{#v-"))
            .count();
        assert_eq!(callbacks, xinqiao_catalog::events().count());
        assert!(pages["reference/errors/weixin.md"].contains("id=\"c45015\""));
    }
}
