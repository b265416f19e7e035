//! The catalog against the fact base it came from, row by row: nothing may be missing silently.
//!
//! Every endpoint, event, field, error code, permission row, quota, limit and page of the facts must be in the catalog
//! as the facts have it, or be a named override (`overrides.toml`) that says what differs and why. An override is
//! checked from both sides: the catalog must say the new, the facts the old. Where the fact base is not at hand the
//! comparison is skipped, and says so.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::pack::Catalog;
use crate::source::read;

mod overrides;
mod shapes;
mod tables;

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Rows by kind, in the order in which they were compared.
    pub(crate) rows: Vec<(&'static str, usize)>,
    /// What differs and is no override.
    pub(crate) complaints: Vec<String>,
}

impl Report {
    fn rows(&mut self, kind: &'static str, count: usize) {
        self.rows.push((kind, count));
    }

    /// One line for people.
    pub(crate) fn summary(&self) -> String {
        let parts: Vec<String> = self
            .rows
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        parts.join(", ")
    }
}

/// Where the fact base lies, beside the repository; `None` if it isn't there.
pub(crate) fn folder() -> Option<PathBuf> {
    let path = read::repository().join("../shared/facts");
    path.join("README.md").is_file().then_some(path)
}

/// Compares everything.
pub(crate) fn compare(catalog: &Catalog, facts: &Path) -> Result<Report> {
    let mut report = Report::default();
    let mut corrected = overrides::Overrides::read()?;
    shapes::endpoints(catalog, facts, &mut corrected, &mut report)?;
    shapes::events(catalog, facts, &mut corrected, &mut report)?;
    tables::codes(catalog, facts, &mut report)?;
    tables::rules(catalog, facts, &mut report)?;
    tables::pay(catalog, facts, &mut report)?;
    corrected.finish(&mut report);
    Ok(report)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_the_facts_is_missing() {
        let Some(facts) = super::folder() else {
            eprintln!("skipped: no fact base at ../shared/facts");
            return;
        };
        let catalog = crate::pack::compile().expect("the catalog compiles");
        let report = super::compare(&catalog, &facts).expect("the facts can be read");
        assert!(report.complaints.is_empty(), "{:#?}", report.complaints);
        assert!(report.rows.iter().all(|(_, count)| *count > 0));
    }
}
