//! The Rust files of the crates, with what is not code for shipping marked off.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root of the repository.
    pub(crate) path: String,
    /// Everything.
    pub(crate) text: String,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Code of a crate.
    Code,
    /// Tests and examples.
    Test,
    /// Written by a program.
    Generated,
}

impl Source {
    /// The code without its unit tests, each line with its number.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(at, line)| (at + 1, line))
    }
}

/// Reads all of `crates/`, `xtask/` and `bench/`.
pub(crate) fn read(repository: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask", "bench"] {
        sources.extend(under(repository, folder)?);
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Reads one folder.
pub(crate) fn under(repository: &Path, folder: &str) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    walk(repository, &repository.join(folder), &mut sources)?;
    Ok(sources)
}

fn walk(repository: &Path, folder: &Path, into: &mut Vec<Source>) -> Result<()> {
    let entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") {
                walk(repository, &path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let path = path.strip_prefix(repository).unwrap_or(&path);
            let path = path.to_string_lossy().replace('\\', "/");
            let kind = kind(&path);
            into.push(Source { path, text, kind });
        }
    }
    Ok(())
}

fn kind(path: &str) -> Kind {
    let test = |part: &str| {
        matches!(
            part,
            "tests" | "examples" | "benches" | "tests.rs" | "testdata"
        )
    };
    if path
        .split('/')
        .any(|part| part == "generated" || part == "generated.rs")
    {
        Kind::Generated
    } else if path.split('/').any(test) || path.starts_with("crates/xinqiao-testkit/") {
        Kind::Test
    } else {
        Kind::Code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_comments_are_not_code() {
        let text = "//! doc\nlet a = 1; // 40001\n#[cfg(test)]\nmod tests { 45015 }\n";
        let source = Source {
            path: String::new(),
            text: text.to_owned(),
            kind: Kind::Code,
        };
        assert_eq!(
            source.code_lines().map(|(at, _)| at).collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn kinds_are_told_by_the_path() {
        assert_eq!(kind("crates/a/src/lib.rs"), Kind::Code);
        assert_eq!(kind("crates/a/src/b/tests.rs"), Kind::Test);
        assert_eq!(kind("crates/a/tests/it/main.rs"), Kind::Test);
        assert_eq!(kind("crates/a/src/generated/menu.rs"), Kind::Generated);
    }
}
