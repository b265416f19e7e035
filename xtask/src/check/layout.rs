//! Files where they belong, no longer than a reader can bear.

use super::sources::{Kind, Source};

/// Lines after which a file is split. Tables stand in the catalog, so no code needs more.
const LONGEST: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

pub(crate) fn complaints(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = &source.path;
        let stem = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        // The entry of an integration test's folder may not be called otherwise.
        if stem == "mod" {
            found.push(format!("{path}: write foo.rs beside foo/, not foo/mod.rs"));
        }
        if EMPTY_NAMES.contains(&stem) {
            found.push(format!("{path}: the name says nothing; name the thing"));
        }
        match source.kind {
            Kind::Generated if !source.text.starts_with("// @generated") && stem != "generated" => {
                found.push(format!("{path}: generated files begin with // @generated"));
            }
            Kind::Code => {
                let lines = source.text.lines().count();
                if lines > LONGEST {
                    found.push(format!("{path}: {lines} lines; split at {LONGEST}"));
                }
                if !source.text.starts_with("//!") {
                    found.push(format!(
                        "{path}: the first line says what the module is for (//!)"
                    ));
                }
            }
            _ => {}
        }
        if source
            .text
            .lines()
            .any(|line| line.trim_start().starts_with("#[ignore"))
        {
            found.push(format!("{path}: a test that is ignored proves nothing"));
        }
    }
    found
}
