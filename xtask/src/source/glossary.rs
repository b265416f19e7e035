//! The glossary as it is written: what fields and values mean, in `catalog/glossary`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, ensure};
use serde::Deserialize;
use xinqiao_catalog::Product;

use super::{Prose, read};

/// What one field or value means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Entry {
    pub(crate) zh: String,
    pub(crate) en: String,
    pub(crate) unit: String,
    pub(crate) format: String,
    pub(crate) example: String,
    /// Where a developer gets the value.
    pub(crate) from: Prose,
}

/// Entries by field or value, within each scope.
type Scoped = BTreeMap<String, BTreeMap<String, Entry>>;

/// What is written for one product, or for all of them: the tables of all its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Glossary {
    pub(crate) fields: BTreeMap<String, Entry>,
    pub(crate) at: Scoped,
    pub(crate) values: BTreeMap<String, Entry>,
    pub(crate) values_at: Scoped,
}

impl Glossary {
    fn join(&mut self, other: Glossary) -> Result<()> {
        join(&mut self.fields, other.fields, "fields")?;
        join(&mut self.values, other.values, "values")?;
        for (mine, its) in [
            (&mut self.at, other.at),
            (&mut self.values_at, other.values_at),
        ] {
            for (scope, entries) in its {
                join(mine.entry(scope.clone()).or_default(), entries, &scope)?;
            }
        }
        Ok(())
    }
}

fn join(
    mine: &mut BTreeMap<String, Entry>,
    its: BTreeMap<String, Entry>,
    scope: &str,
) -> Result<()> {
    for (name, entry) in its {
        let again = mine.insert(name.clone(), entry).is_some();
        ensure!(!again, "`{name}` stands twice in {scope}");
    }
    Ok(())
}

/// The glossaries of one folder.
#[derive(Debug, Default)]
pub(crate) struct Glossaries {
    /// What holds in every product.
    pub(crate) common: Glossary,
    pub(crate) products: BTreeMap<Product, Glossary>,
}

/// Reads a folder: `common.toml`, `<product>.toml` and `<product>.<part>.toml`.
pub(crate) fn glossaries(folder: &Path) -> Result<Glossaries> {
    let mut out = Glossaries::default();
    for path in read::files(folder)? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let owner = stem.split('.').next().unwrap_or_default();
        let known = match owner {
            "common" => Some(&mut out.common),
            name => Product::parse(name).map(|product| out.products.entry(product).or_default()),
        };
        let shown = crate::shown(&path);
        let Some(glossary) = known else {
            anyhow::bail!("{shown}: `{owner}` is no product");
        };
        let joined = glossary.join(read::toml(&path)?);
        joined.map_err(|error| error.context(shown))?;
    }
    let common = &out.common;
    ensure!(
        common.at.is_empty() && common.values_at.is_empty(),
        "common.toml has no scopes: an entry that holds in one place stands in its product"
    );
    Ok(out)
}

/// Which entries were found, by table, scope and name.
pub(crate) type Used = BTreeSet<(&'static str, String, String)>;

impl Glossary {
    /// Every entry with its table and scope.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static str, &str, &str, &Entry)> {
        fn plain<'a>(
            table: &'static str,
            entries: &'a BTreeMap<String, Entry>,
        ) -> impl Iterator<Item = (&'static str, &'a str, &'a str, &'a Entry)> {
            let entries = entries.iter();
            entries.map(move |(name, entry)| (table, "", name.as_str(), entry))
        }
        fn scoped<'a>(
            table: &'static str,
            scopes: &'a Scoped,
        ) -> impl Iterator<Item = (&'static str, &'a str, &'a str, &'a Entry)> {
            scopes.iter().flat_map(move |(scope, entries)| {
                let entries = entries.iter();
                entries.map(move |(name, entry)| (table, scope.as_str(), name.as_str(), entry))
            })
        }
        plain("fields", &self.fields)
            .chain(scoped("at", &self.at))
            .chain(plain("values", &self.values))
            .chain(scoped("values_at", &self.values_at))
    }
}
