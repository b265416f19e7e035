//! The pages, as documentation: rustdoc finds the pieces of Rust in them and compiles each as a program.

macro_rules! pages {
    ($($name:ident = $path:literal),* $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../", $path))]
            mod $name {}
        )*

        /// Paths from the repository's root.
        #[cfg(test)]
        const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    migration_en = "docs/book/en/src/migration.md",
    migration_zh = "docs/book/zh/src/migration.md",
    pay_en = "docs/book/en/src/pay.md",
    pay_zh = "docs/book/zh/src/pay.md",
    sdk_en = "docs/book/en/src/sdk.md",
    sdk_zh = "docs/book/zh/src/sdk.md",
    web_login_en = "docs/book/en/src/web-login.md",
    web_login_zh = "docs/book/zh/src/web-login.md",
    work_en = "docs/book/en/src/work.md",
    work_zh = "docs/book/zh/src/work.md",
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::PAGES;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// Every page of the repository's prose, as a path from the root.
    fn prose() -> Vec<String> {
        let root = root();
        let mut found = Vec::new();
        let mut todo = vec![root.join("docs")];
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() {
                    todo.push(entry.path());
                } else {
                    found.push(entry.path());
                }
            }
        }
        for entry in fs::read_dir(&root).expect("the root").flatten() {
            found.push(entry.path());
        }
        let pages = found
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "md"));
        pages
            .map(|path| {
                path.strip_prefix(&root)
                    .expect("below it")
                    .display()
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn every_page_that_shows_rust_is_compiled() {
        let shows = |page: &&String| {
            let text = fs::read_to_string(root().join(page)).expect("a page");
            text.contains("```rust")
        };
        let prose = prose();
        let mut missing: Vec<_> = prose.iter().filter(shows).collect();
        missing.retain(|page| !PAGES.contains(&page.as_str()));
        assert!(missing.is_empty(), "name them in pages.rs: {missing:?}");
    }

    #[test]
    fn a_block_of_a_compiled_page_says_what_it_is() {
        for page in PAGES {
            let text = fs::read_to_string(root().join(page)).expect("a page");
            let mut open = false;
            for (at, line) in text.lines().enumerate() {
                let Some(language) = line.trim_start().strip_prefix("```") else {
                    continue;
                };
                open = !open;
                // rustdoc takes what says nothing for Rust.
                assert!(!open || !language.is_empty(), "{page}:{}", at + 1);
                assert!(!language.contains("ignore"), "{page}:{}", at + 1);
            }
        }
    }
}
