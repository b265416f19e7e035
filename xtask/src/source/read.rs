//! Reads the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use xinqiao_catalog::Product;

use super::{File, ModuleSpec, ProductTree};

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The `catalog` folder of the catalog crate.
pub(crate) fn root() -> PathBuf {
    repository().join("crates/xinqiao-catalog/catalog")
}

/// Parses one TOML file.
pub(crate) fn toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// The TOML files of a folder, sorted; none if it doesn't exist.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    Ok(paths)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Modules {
    #[serde(default)]
    module: Vec<ModuleSpec>,
}

/// All products.
pub(crate) fn products() -> Result<BTreeMap<Product, ProductTree>> {
    let mut all = BTreeMap::new();
    for product in Product::ALL {
        let folder = root().join(product.name());
        if !folder.is_dir() {
            continue;
        }
        let mut tree = ProductTree::default();
        for path in files(&folder)? {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name == "modules" {
                tree.modules = toml::<Modules>(&path)?.module;
            } else {
                tree.files.insert(name, toml::<File>(&path)?);
            }
        }
        all.insert(product, tree);
    }
    Ok(all)
}
