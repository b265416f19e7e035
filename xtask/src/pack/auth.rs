//! Which endpoints' credentials were looked up, and where (`auth.toml`); all others are inferred.

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use xinqiao_catalog::AuthSource;

use super::Catalog;
use super::lower::auth;
use crate::source::read;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    checked: Vec<Checked>,
}

/// Endpoints of one kind that one source tells of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    kind: String,
    source: AuthSource,
    /// The pages or SDKs, for people.
    from: String,
    /// Ids; `x.*` stands for all of this kind that begin with `x.`.
    endpoints: Vec<String>,
}

/// Marks what was looked up. Whatever is listed must exist and be of the kind that was found.
pub(super) fn mark(catalog: &mut Catalog) -> Result<()> {
    let file: File = read::toml(&read::root().join("auth.toml"))?;
    for entry in file.checked {
        let kind = auth(&entry.kind)?;
        ensure!(!entry.from.is_empty(), "auth.toml: `from` is empty");
        ensure!(
            entry.source != AuthSource::Inferred,
            "auth.toml: what is inferred is not listed"
        );
        for id in &entry.endpoints {
            let mut found = false;
            let all = catalog.sections.values_mut();
            for endpoint in all.flat_map(|section| &mut section.endpoints) {
                let is_meant = match id.strip_suffix('*') {
                    Some(prefix) => endpoint.auth.kind == kind && endpoint.id.starts_with(prefix),
                    None => endpoint.id == id,
                };
                if !is_meant {
                    continue;
                }
                found = true;
                if endpoint.auth.kind != kind {
                    bail!("auth.toml: {id} takes {} as {} say", entry.kind, entry.from);
                }
                if endpoint.auth.source != AuthSource::Inferred {
                    bail!("auth.toml: {id} stands there twice");
                }
                endpoint.auth.source = entry.source;
            }
            ensure!(found, "auth.toml: there is no endpoint {id}");
        }
    }
    Ok(())
}

/// How many credentials are known from where.
pub(crate) fn sources(catalog: &Catalog) -> Result<serde_json::Value> {
    let mut counts = std::collections::BTreeMap::new();
    for endpoint in catalog
        .sections
        .values()
        .flat_map(|section| &section.endpoints)
    {
        let source = serde_json::to_value(endpoint.auth.source).context("a source has a name")?;
        *counts
            .entry(source.as_str().unwrap_or_default().to_owned())
            .or_insert(0) += 1;
    }
    Ok(serde_json::json!(counts))
}
