//! From TOML to the catalog's model, and from the model to the blob.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use xinqiao_catalog as catalog;
use xinqiao_catalog::blob::{Errors, Events, Index, MAGIC, Meanings, Outline, Rules, Section};
use xinqiao_catalog::{
    Code, Endpoint, EnumId, EnumValue, Enumeration, ErrorFamily, Meaning, Module, Product, Route,
    Text, TypeDef, TypeId,
};

use crate::source::glossary::{self, Glossaries, Glossary, Used};
use crate::source::{ProductTree, Prose, read};

mod auth;
mod lower;
pub(crate) mod meaning;
mod tables;

pub(crate) use self::auth::sources;
pub(crate) use self::lower::auth as auth_kind;
use self::lower::{Scope, endpoint, event};
use self::tables::{errors, hosts, rules};

/// The whole catalog as the model has it.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) index: Index,
    pub(crate) outline: Outline,
    pub(crate) rules: Rules,
    pub(crate) errors: Errors,
    pub(crate) sections: BTreeMap<Product, Section>,
    pub(crate) events: BTreeMap<Product, Events>,
    /// Which file a type came from, for codegen: same order as the section's types.
    pub(crate) type_files: BTreeMap<Product, Vec<String>>,
    /// Which file an endpoint came from, by id.
    pub(crate) endpoint_files: EndpointFiles,
    /// What fields and values mean.
    pub(crate) meanings: BTreeMap<Product, Meanings>,
    /// The glossary that it was taken from.
    pub(crate) glossaries: Glossaries,
    /// Which of its entries are any field's or value's; without a product those of all products.
    pub(crate) used: BTreeMap<Option<Product>, Used>,
}

/// Files by id.
pub(crate) type EndpointFiles = BTreeMap<&'static str, String>;

impl Catalog {
    /// What a field or value means, by its number.
    pub(crate) fn meaning(&self, product: Product, number: u32) -> Option<&Meaning> {
        let at = number.checked_sub(1)?;
        self.meanings.get(&product)?.meanings.get(at as usize)
    }
}

/// Strings of the model live for the program; equal ones share their memory.
pub(crate) fn intern(text: &str) -> &'static str {
    use std::cell::RefCell;
    thread_local! {
        static KNOWN: RefCell<HashMap<String, &'static str>> = RefCell::new(HashMap::new());
    }
    if text.is_empty() {
        return "";
    }
    KNOWN.with(|known| {
        if let Some(found) = known.borrow().get(text) {
            return *found;
        }
        let leaked: &'static str = Box::leak(text.to_owned().into_boxed_str());
        known.borrow_mut().insert(text.to_owned(), leaked);
        leaked
    })
}

fn all(items: &[String]) -> Vec<&'static str> {
    items.iter().map(|item| intern(item)).collect()
}

fn prose(text: &Prose) -> Text {
    Text {
        zh: intern(&text.zh),
        en: intern(&text.en),
    }
}
/// Compiles everything.
pub(crate) fn compile() -> Result<Catalog> {
    let mut out = Catalog {
        rules: rules()?,
        glossaries: glossary::glossaries(&read::root().join("glossary"))?,
        ..Catalog::default()
    };
    out.errors.codes = errors()?;
    out.outline.hosts = hosts()?;
    for (product, tree) in read::products()? {
        product_section(&mut out, product, &tree)
            .with_context(|| format!("in product {}", product.name()))?;
    }
    relate(&mut out);
    auth::mark(&mut out)?;
    Ok(out)
}

fn product_section(out: &mut Catalog, product: Product, tree: &ProductTree) -> Result<()> {
    let mut section = Section::default();
    let mut events = Events::default();
    let mut files = Vec::new();
    let mut shared = HashMap::new();
    let mut shared_enums = HashMap::new();
    let mut scopes: BTreeMap<&str, HashMap<String, TypeId>> = BTreeMap::new();
    let mut enum_scopes: BTreeMap<&str, HashMap<String, EnumId>> = BTreeMap::new();
    for (name, file) in &tree.files {
        let own = if name == "types" {
            &mut shared
        } else {
            scopes.entry(name).or_default()
        };
        for (ty, _) in &file.types.0 {
            let id = TypeId(files.len() as u32);
            own.insert(ty.clone(), id);
            files.push((name.clone(), ty.clone()));
        }
        let own = if name == "types" {
            &mut shared_enums
        } else {
            enum_scopes.entry(name).or_default()
        };
        for (known, values) in &file.enums.0 {
            own.insert(known.clone(), EnumId(section.enums.len() as u32));
            section.enums.push(Enumeration {
                name: intern(known),
                module: intern(module_of(name)),
                values: values
                    .iter()
                    .map(|value| EnumValue {
                        value: intern(value),
                        meaning: 0,
                    })
                    .collect(),
            });
        }
    }
    let table = RefCell::new(meaning::Table::default());
    let shared_file = tree.files.get("types");
    for (name, file) in &tree.files {
        let own = scopes.remove(name.as_str()).unwrap_or_default();
        let scope = Scope {
            own,
            shared: &shared,
            enums: enum_scopes.remove(name.as_str()).unwrap_or_default(),
            shared_enums: &shared_enums,
            meanings: &table,
            file,
            shared_file,
        };
        for (ty, fields) in &file.types.0 {
            let shape = scope
                .shape(fields)
                .with_context(|| format!("type {ty} of {name}.toml"))?;
            section.types.push(TypeDef {
                name: intern(ty),
                module: intern(module_of(name)),
                shape,
                about: Text::default(),
            });
        }
        for spec in &file.endpoint {
            let endpoint = endpoint(product, file, &scope, spec)
                .with_context(|| format!("endpoint {} of {name}.toml", spec.id))?;
            out.endpoint_files.insert(endpoint.id, name.clone());
            section.endpoints.push(endpoint);
        }
        for spec in &file.event {
            let event = event(product, &scope, spec, &out.rules.grants)
                .with_context(|| format!("event {} of {name}.toml", spec.id))?;
            events.events.push(event);
        }
    }
    section.endpoints.sort_by_key(|endpoint| endpoint.id);
    events.events.sort_by_key(|event| event.id);
    for module in &tree.modules {
        out.outline.modules.push(Module {
            name: intern(&module.name),
            product,
            title: prose(&module.title),
        });
    }
    let files: Vec<String> = files.into_iter().map(|(file, _)| file).collect();
    let mut table = table.into_inner();
    let (mut used, mut used_common) = (Used::new(), out.used.remove(&None).unwrap_or_default());
    let none = Glossary::default();
    let mut book = meaning::Book {
        common: &out.glossaries.common,
        product: out.glossaries.products.get(&product).unwrap_or(&none),
        used: &mut used,
        used_common: &mut used_common,
    };
    let endpoints = &out.endpoint_files;
    meaning::attach(
        &mut section,
        &mut events,
        &files,
        endpoints,
        &mut book,
        &mut table,
    );
    out.used.insert(Some(product), used);
    out.used.insert(None, used_common);
    out.meanings.insert(product, table.meanings);
    out.type_files.insert(product, files);
    out.sections.insert(product, section);
    out.events.insert(product, events);
    Ok(())
}

/// The module that a file's types belong to; none where the whole product shares them.
fn module_of(file: &str) -> &str {
    if file == "types" { "" } else { file }
}

/// Fills in what follows from tables: permission rows, quotas and error codes of each endpoint, and the routes.
fn relate(out: &mut Catalog) {
    let mut codes: HashMap<(ErrorFamily, &str), Vec<i64>> = HashMap::new();
    for error in &out.errors.codes {
        for path in &error.paths {
            if let Code::Number(code) = error.code {
                codes.entry((error.family, path)).or_default().push(code);
            }
        }
    }
    for (product, section) in &mut out.sections {
        for (index, endpoint) in section.endpoints.iter_mut().enumerate() {
            endpoint.errors = codes
                .get(&(product.errors(), endpoint.path))
                .cloned()
                .unwrap_or_default();
            if endpoint.host == "api.weixin.qq.com" {
                // Of rows that cover all below a path the longest decides: `/card/invoice/*` is no right of cards.
                let below = |path: &&str| path.contains('*') && covers(path, endpoint);
                let all = out.rules.permissions.iter().flat_map(|row| &row.covers);
                let longest = all.filter(|path| below(path)).map(|path| path.len()).max();
                let counts = |path: &&'static str| {
                    covers(path, endpoint) && (!below(path) || Some(path.len()) == longest)
                };
                endpoint.permissions = { out.rules.permissions.iter() }
                    .filter(|row| row.covers.iter().any(&counts))
                    .map(|row| row.id)
                    .collect();
            }
            let mut quotas: Vec<&'static str> = out
                .rules
                .quotas
                .iter()
                .filter(|quota| {
                    !quota.special
                        && (quota.subject.split([' ', ',']))
                            .chain(quota.also.iter().copied())
                            .any(|path| covers(path, endpoint))
                        && (quota.id.starts_with("wecom") == (*product == Product::Work))
                })
                .map(|quota| quota.id)
                .collect();
            quotas.dedup();
            endpoint.quotas = quotas;
            for (at, (method, path)) in endpoint.routes().enumerate() {
                out.index.routes.push(Route {
                    id: endpoint.id,
                    product: *product,
                    index: index as u32,
                    host: endpoint.host,
                    method,
                    path,
                    when: endpoint.when,
                    alternative: at > 0,
                });
            }
        }
    }
    out.index
        .routes
        .sort_by_key(|route| (route.host, route.path, route.method, route.id));
}

fn covers(pattern: &str, endpoint: &Endpoint) -> bool {
    let pattern = pattern.split('?').next().unwrap_or(pattern);
    match pattern.strip_suffix('*') {
        Some(prefix) => prefix.starts_with('/') && endpoint.path.starts_with(prefix),
        None => pattern == endpoint.path,
    }
}

/// Packs the blob.
pub(crate) fn pack(catalog: &Catalog) -> Result<Vec<u8>> {
    let mut sections: Vec<(String, Vec<u8>)> = vec![
        ("outline".into(), deflate(&catalog.outline)?),
        ("index".into(), deflate(&catalog.index)?),
        ("rules".into(), deflate(&catalog.rules)?),
        ("errors".into(), deflate(&catalog.errors)?),
    ];
    for (product, section) in &catalog.sections {
        sections.push((product.name().into(), deflate(section)?));
    }
    for (product, events) in &catalog.events {
        sections.push((format!("{}.events", product.name()), deflate(events)?));
    }
    for (product, meanings) in &catalog.meanings {
        sections.push((format!("{}.meanings", product.name()), deflate(meanings)?));
    }
    let mut toc: Vec<(String, u32, u32)> = Vec::new();
    let mut body = Vec::new();
    for (name, bytes) in sections {
        toc.push((
            name,
            u32::try_from(body.len())?,
            u32::try_from(bytes.len())?,
        ));
        body.extend_from_slice(&bytes);
    }
    let mut out = MAGIC.to_vec();
    out.extend(postcard::to_allocvec(&toc)?);
    out.extend(body);
    Ok(out)
}

fn deflate<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let raw = postcard::to_allocvec(value)?;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&raw)?;
    Ok(encoder.finish()?)
}
/// The blob's own test: what was packed is what comes out.
pub(crate) fn verify(packed: &[u8], catalog: &Catalog) -> Result<()> {
    let index: Index = catalog::blob::unpack(packed, "index")?;
    if index.routes != catalog.index.routes {
        bail!("the packed index differs");
    }
    for (product, section) in &catalog.sections {
        let back: Section = catalog::blob::unpack(packed, product.name())?;
        if back.endpoints != section.endpoints
            || back.types != section.types
            || back.enums != section.enums
        {
            bail!("the packed section {product} differs");
        }
        let name = format!("{product}.meanings");
        let back: Meanings = catalog::blob::unpack(packed, &name)?;
        let known = catalog.meanings.get(product);
        if known.is_none_or(|known| back.meanings != known.meanings) {
            bail!("the packed section {name} differs");
        }
    }
    Ok(())
}

/// A catalog of one file and its glossary, for tests.
#[cfg(test)]
pub(crate) fn sample(product: Product, file: &str, glossary: &str) -> Catalog {
    let mut out = Catalog::default();
    let glossary = toml::from_str(glossary).expect("a glossary");
    out.glossaries.products.insert(product, glossary);
    let mut tree = ProductTree::default();
    tree.files
        .insert("pay".into(), toml::from_str(file).expect("a file"));
    product_section(&mut out, product, &tree).expect("a catalog");
    relate(&mut out);
    out
}
