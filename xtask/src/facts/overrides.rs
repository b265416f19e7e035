//! Named corrections of the facts.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use super::Report;
use crate::source::read;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "override")]
    overrides: Vec<Override>,
}

/// One correction: what the facts say of these fields, and what the catalog says instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    id: String,
    fields: Vec<String>,
    facts: String,
    catalog: String,
    reason: String,
    source: String,
}

/// All corrections, and which of them were met while comparing.
pub(super) struct Overrides {
    all: BTreeMap<(String, String), Expected>,
    faults: Vec<String>,
}

struct Expected {
    facts: String,
    catalog: String,
    met: bool,
}

impl Overrides {
    pub(super) fn read() -> Result<Overrides> {
        let file: File = read::toml(&read::root().join("overrides.toml"))?;
        let mut all = BTreeMap::new();
        let mut faults = Vec::new();
        for entry in file.overrides {
            if entry.reason.is_empty() || entry.source.is_empty() || entry.facts == entry.catalog {
                faults.push(format!("override of {} says too little", entry.id));
            }
            for field in entry.fields {
                let expected = Expected {
                    facts: entry.facts.clone(),
                    catalog: entry.catalog.clone(),
                    met: false,
                };
                let key = (entry.id.clone(), field);
                if let Some(twice) = all.insert(key.clone(), expected) {
                    let (id, field) = key;
                    faults.push(format!("override of {id} {field}: twice ({})", twice.facts));
                }
            }
        }
        Ok(Overrides { all, faults })
    }

    /// Whether a difference is a correction. `facts` and `catalog`: what either says, `absent` if nothing.
    pub(super) fn allows(&mut self, id: &str, place: &str, facts: &str, catalog: &str) -> bool {
        let key = (id.to_owned(), place.to_owned());
        match self.all.get_mut(&key) {
            Some(known) if known.facts == facts && known.catalog == catalog => {
                known.met = true;
                true
            }
            _ => false,
        }
    }

    /// Fields of an endpoint that only the catalog has, and what it says of them.
    pub(super) fn added(&self, id: &str) -> Vec<(String, String)> {
        let all = self.all.iter();
        let added = all.filter(|((of, _), known)| of == id && known.facts == "absent");
        added
            .map(|((_, place), known)| (place.clone(), known.catalog.clone()))
            .collect()
    }

    /// Corrections that correct nothing are faults.
    pub(super) fn finish(self, report: &mut Report) {
        report.rows("overrides", self.all.len());
        report.complaints.extend(self.faults);
        for ((id, field), known) in self.all {
            if !known.met {
                report.complaints.push(format!(
                    "override of {id} {field}: not so that the facts say `{}` and the catalog `{}`",
                    known.facts, known.catalog
                ));
            }
        }
    }
}
