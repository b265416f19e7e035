//! First pass from a fact base to the catalog's TOML files.
//!
//! What is already in the tree stays as it is, word for word: hand-made prose, unions, limits. Only endpoints and
//! events that the tree does not have are added, so the importer can be run again when the facts grow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use xinqiao_catalog::Product;

use crate::source::{File, ModuleSpec, Ordered, read, write};

mod endpoint;
mod event;
mod ids;
pub(crate) mod rules;
mod types;

/// The options of `cargo xtask import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder of the fact base.
    #[arg(long)]
    pub(crate) facts: PathBuf,
    /// Only these products.
    #[arg(long)]
    pub(crate) product: Vec<String>,
    /// Only paths that are listed in this file, one `METHOD /path` a line.
    #[arg(long)]
    pub(crate) only: Option<PathBuf>,
    /// Titles by hand: `id<TAB>zh<TAB>en` a line; used where the tree has none.
    #[arg(long)]
    pub(crate) titles: Vec<PathBuf>,
    /// Error codes, permissions and quotas too.
    #[arg(long)]
    pub(crate) rules: bool,
    /// Events too.
    #[arg(long)]
    pub(crate) events: bool,
}

/// Titles by id.
pub(crate) type Titles = BTreeMap<String, (String, String)>;

/// Lines of a JSONL file.
pub(crate) fn jsonl(path: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).with_context(|| format!("in {}", path.display())))
        .collect()
}

/// Text of a key, empty if absent.
pub(crate) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "true".into(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Texts of a list key.
pub(crate) fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array);
    list.map(|items| {
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    })
    .unwrap_or_default()
}

/// Whether a flag is set.
pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn titles(paths: &[PathBuf]) -> Result<Titles> {
    let mut titles = Titles::new();
    for path in paths {
        for line in fs::read_to_string(path)?.lines() {
            let mut parts = line.split('\t').map(str::trim);
            if let (Some(id), Some(zh), Some(en)) = (parts.next(), parts.next(), parts.next()) {
                titles.insert(id.to_owned(), (zh.to_owned(), en.to_owned()));
            }
        }
    }
    Ok(titles)
}

/// Runs the import.
pub(crate) fn run(options: &Options) -> Result<()> {
    let titles = titles(&options.titles)?;
    let only: Option<BTreeSet<String>> = match &options.only {
        Some(path) => Some(
            fs::read_to_string(path)?
                .lines()
                .map(|line| line.trim().to_owned())
                .collect(),
        ),
        None => None,
    };
    let mut trees = read::products()?;
    for product in Product::ALL {
        if !options.product.is_empty() && !options.product.iter().any(|name| name == product.name())
        {
            continue;
        }
        let family = product.name().replace('_', "-");
        let facts = jsonl(&options.facts.join("api").join(format!("{family}.jsonl")))?;
        let placed = ids::place(product, &facts);
        let tree = trees.entry(product).or_default();
        let known: BTreeSet<String> = tree
            .files
            .values()
            .flat_map(|file| file.endpoint.iter())
            .map(|endpoint| endpoint.http.clone())
            .collect();
        let mut fresh: BTreeMap<String, Vec<(&Value, &ids::Placed)>> = BTreeMap::new();
        for (fact, place) in facts.iter().zip(&placed) {
            let line = format!("{} {}", text(fact, "method"), text(fact, "path"));
            let wanted = only.as_ref().is_none_or(|only| only.contains(&line));
            if wanted && !known.contains(&line) {
                fresh
                    .entry(place.file.clone())
                    .or_default()
                    .push((fact, place));
            }
        }
        let mut touched: BTreeSet<String> = fresh.keys().cloned().collect();
        for (name, facts) in fresh {
            let file = tree.files.entry(name).or_default();
            endpoint::add(product, file, &facts, &titles);
        }
        if options.events {
            let file = tree.files.entry("events".into()).or_default();
            let before = file.event.len();
            event::add(product, &options.facts, file, &titles)?;
            if file.event.len() > before {
                touched.insert("events".into());
            }
        }
        modules(&mut tree.modules, &tree.files, &placed, &titles, product);
        let folder = read::root().join(product.name());
        fs::create_dir_all(&folder)?;
        tree.files
            .retain(|_, file| !file.endpoint.is_empty() || !file.event.is_empty());
        for (name, file) in tree
            .files
            .iter_mut()
            .filter(|(name, _)| touched.contains(*name))
        {
            sort(file);
            let module = tree.modules.iter().find(|module| &module.name == name);
            let head = module
                .filter(|module| !module.title.is_empty())
                .map_or_else(
                    || name.clone(),
                    |m| format!("{} · {}", m.title.zh, m.title.en),
                );
            fs::write(
                folder.join(format!("{name}.toml")),
                write::file(&head, file),
            )?;
        }
        fs::write(folder.join("modules.toml"), write::modules(&tree.modules))?;
    }
    if options.rules {
        rules::run(&options.facts)?;
    }
    Ok(())
}

fn sort(file: &mut File) {
    file.endpoint.sort_by(|a, b| a.id.cmp(&b.id));
    file.event.sort_by(|a, b| a.id.cmp(&b.id));
    let by_name = |a: &str, b: &str| a.cmp(b);
    file.types.0.sort_by(|a, b| by_name(&a.0, &b.0));
    file.union.0.sort_by(|a, b| by_name(&a.0, &b.0));
    let mut enums = std::mem::take(&mut file.enums);
    enums.0.sort_by(|a, b| by_name(&a.0, &b.0));
    file.enums = Ordered(enums.0);
}

/// Adds the modules that endpoints of the tree need.
fn modules(
    modules: &mut Vec<ModuleSpec>,
    files: &BTreeMap<String, File>,
    placed: &[ids::Placed],
    titles: &Titles,
    product: Product,
) {
    for (file, content) in files {
        for endpoint in &content.endpoint {
            let Some((module, _)) = endpoint.id.rsplit_once('.') else {
                continue;
            };
            if modules.iter().any(|known| known.name == module) {
                continue;
            }
            let prefix = placed
                .iter()
                .filter(|place| place.module == module)
                .map(|place| place.prefix.clone())
                .collect::<BTreeSet<_>>();
            let key = format!("{}.{module}", product.name());
            let title = titles.get(&key).cloned().unwrap_or_default();
            modules.push(ModuleSpec {
                name: module.to_owned(),
                prefix: prefix.into_iter().collect(),
                file: if file == module {
                    String::new()
                } else {
                    file.clone()
                },
                title: crate::source::Prose {
                    zh: title.0,
                    en: title.1,
                },
            });
        }
    }
    modules.sort_by(|a, b| a.name.cmp(&b.name));
}
