//! The façade's product lines: an endpoint stands under every line that has it, not only under the product that owns it.
//!
//! Which lines have an endpoint is its `lines` in the catalog. A module that another product shares as a whole is
//! re-exported as it is; where both have a module of that name, the other's endpoints join it by name, with the types
//! they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use xinqiao_catalog::{Endpoint, Product, Shape, Text, TypeId, TypeRef};

use super::registry::answer;
use super::rust::{Enums, Stock, crate_name};
use super::{Files, HEAD};
use crate::names::{ident, type_name};
use crate::pack::Catalog;
use crate::source::read;

/// Lines that get a module of their own, with the product that owns the rest of it and the features it implies.
const LINES: &[(&str, Option<Product>, &[Product])] = &[
    ("channels", Some(Product::Channels), &[Product::Channels]),
    (
        "mini_game",
        None,
        &[Product::MiniProgram, Product::OfficialAccount],
    ),
    (
        "mini_program",
        Some(Product::MiniProgram),
        &[Product::MiniProgram, Product::OfficialAccount],
    ),
    (
        "official_account",
        Some(Product::OfficialAccount),
        &[Product::OfficialAccount],
    ),
    (
        "open_platform",
        Some(Product::OpenPlatform),
        &[Product::OpenPlatform],
    ),
];

/// A module of a line.
#[derive(Default)]
struct Node {
    /// The line's own product has a module of that path.
    home: bool,
    /// Names that the line's own product has here.
    taken: BTreeSet<String>,
    /// Names of other products.
    names: BTreeMap<Product, BTreeSet<String>>,
    inner: BTreeMap<String, Node>,
}

impl Node {
    fn at(&mut self, path: &[String]) -> &mut Node {
        path.iter().fold(self, |node, part| {
            node.inner.entry(part.clone()).or_default()
        })
    }

    fn foreign(&self) -> BTreeSet<Product> {
        let below = self.inner.values().flat_map(Node::foreign);
        self.names.keys().copied().chain(below).collect()
    }
}

/// Writes one file a line.
pub(crate) fn write(catalog: &Catalog, files: &mut Files) {
    let folder = read::repository().join("crates/xinqiao/src/generated");
    let mut root = format!("{HEAD}//! Product lines, with what other products share with them.\n");
    let enums: BTreeMap<Product, Enums> = catalog
        .sections
        .iter()
        .map(|(product, section)| (*product, Enums::of(Stock::of(catalog, *product, section))))
        .collect();
    for (line, home, implied) in LINES {
        let mut tree = Node::default();
        let mut whole = BTreeSet::new();
        for (product, section) in &catalog.sections {
            if Some(*product) == *home {
                for endpoint in &section.endpoints {
                    own(&mut tree, catalog, &enums, endpoint);
                }
                for ty in &section.types {
                    let node = tree.at(&path(file_of(ty.module)));
                    node.home = true;
                    node.taken.insert(ty.name.to_owned());
                    let union = ty.shape.union.as_ref();
                    node.taken.extend(union.map(|union| union.name.to_owned()));
                }
            }
        }
        for (product, section) in &catalog.sections {
            if Some(*product) == *home {
                continue;
            }
            for endpoint in &section.endpoints {
                if endpoint.lines.contains(line) {
                    join(&mut tree, catalog, &enums, endpoint);
                }
            }
            whole.extend(shared_whole(&section.endpoints, line));
        }
        let mut out = format!("{HEAD}//! The line `{line}`.\n\n");
        if let Some(home) = home {
            let _ = writeln!(out, "pub use {}::*;", krate(*home));
        }
        let printer = Printer {
            line,
            home: *home,
            whole: &whole,
            titles: catalog
                .outline
                .modules
                .iter()
                .map(|module| ((module.product, module.name), module.title))
                .collect(),
        };
        printer.children(&mut out, &tree, "", implied);
        files.insert(folder.join(format!("{line}.rs")), out.into_bytes());
        let product = home.unwrap_or(Product::MiniProgram);
        let _ = write!(
            root,
            "\n#[cfg(feature = \"{}\")]\npub(crate) mod {line};\n",
            feature(product)
        );
    }
    files.insert(folder.with_extension("rs"), root.into_bytes());
}

/// Modules (with what lies below) all of whose endpoints the line has.
fn shared_whole(endpoints: &[Endpoint], line: &str) -> BTreeSet<(Product, String)> {
    let mut all: BTreeMap<(Product, String), bool> = BTreeMap::new();
    for endpoint in endpoints {
        let has = endpoint.lines.contains(&line);
        let mut module = endpoint.module;
        loop {
            let known = all
                .entry((endpoint.product, module.to_owned()))
                .or_insert(true);
            *known &= has;
            match module.rsplit_once('.') {
                Some((above, _)) => module = above,
                None => break,
            }
        }
    }
    all.into_iter()
        .filter_map(|(module, whole)| whole.then_some(module))
        .collect()
}

fn own(tree: &mut Node, catalog: &Catalog, enums: &BTreeMap<Product, Enums>, endpoint: &Endpoint) {
    let path = path(endpoint.module);
    for depth in 1..=path.len() {
        tree.at(&path[..depth]).home = true;
    }
    let names = names(catalog, endpoint);
    tree.at(&path).taken.extend(names);
    for (file, name) in parts(catalog, enums, endpoint) {
        tree.at(&self::path(&file)).taken.insert(name);
    }
}

fn join(tree: &mut Node, catalog: &Catalog, enums: &BTreeMap<Product, Enums>, endpoint: &Endpoint) {
    let node = tree.at(&path(endpoint.module));
    for name in names(catalog, endpoint) {
        if !node.taken.contains(&name) {
            node.names.entry(endpoint.product).or_default().insert(name);
        }
    }
    for (file, name) in parts(catalog, enums, endpoint) {
        let node = tree.at(&path(&file));
        let elsewhere = node
            .names
            .iter()
            .any(|(product, names)| *product != endpoint.product && names.contains(&name));
        if !node.taken.contains(&name) && !elsewhere {
            node.names.entry(endpoint.product).or_default().insert(name);
        }
    }
}

/// The request and, if it is a type of its own, the answer.
fn names(catalog: &Catalog, endpoint: &Endpoint) -> Vec<String> {
    let mut names = vec![type_name(endpoint.verb)];
    names.extend(answer(catalog, endpoint.product, endpoint).ok());
    names
}

/// Files and names of the types that a request is made of: what a caller must write to call it.
fn parts(
    catalog: &Catalog,
    enums: &BTreeMap<Product, Enums>,
    endpoint: &Endpoint,
) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    let Some(section) = catalog.sections.get(&endpoint.product) else {
        return out;
    };
    let file = catalog.endpoint_files.get(endpoint.id);
    let file = file.cloned().unwrap_or_default();
    let mut todo: Vec<(&Shape, String)> =
        vec![(&endpoint.query, file.clone()), (&endpoint.request, file)];
    let mut seen = BTreeSet::new();
    while let Some((shape, file)) = todo.pop() {
        let cases = shape.union.iter().flat_map(|union| &union.cases);
        let types = shape
            .fields
            .iter()
            .map(|field| &field.ty)
            .chain(cases.filter_map(|case| case.ty.as_ref()))
            .chain(&shape.open);
        if let Some(union) = &shape.union {
            out.insert((file, union.name.to_owned()));
        }
        let known = enums.get(&endpoint.product);
        let named = shape.fields.iter().filter_map(|field| field.enumeration);
        for (module, name) in named.filter_map(|id| known?.name(id)) {
            out.insert((file_of(module).to_owned(), name.to_owned()));
        }
        for TypeId(id) in types.filter_map(TypeRef::named) {
            let Some(ty) = section.types.get(id as usize) else {
                continue;
            };
            if seen.insert(id) && !ty.shape.is_empty() {
                let file = file_of(ty.module).to_owned();
                out.insert((file.clone(), ty.name.to_owned()));
                todo.push((&ty.shape, file));
            }
        }
    }
    out
}

fn file_of(module: &str) -> &str {
    if module.is_empty() { "types" } else { module }
}

fn path(module: &str) -> Vec<String> {
    module.split('.').map(ident).collect()
}

fn krate(product: Product) -> String {
    crate_name(product).replace('-', "_")
}

/// The façade's feature of a product.
fn feature(product: Product) -> String {
    product.name().replace('_', "-")
}

struct Printer<'a> {
    line: &'a str,
    home: Option<Product>,
    whole: &'a BTreeSet<(Product, String)>,
    titles: BTreeMap<(Product, &'static str), Text>,
}

impl Printer<'_> {
    /// Modules below `above` in which another product has something.
    fn children(&self, out: &mut String, node: &Node, above: &str, given: &[Product]) {
        let depth = above.split("::").filter(|part| !part.is_empty()).count();
        let pad = "    ".repeat(depth);
        for (name, inner) in &node.inner {
            let foreign = inner.foreign();
            if foreign.is_empty() {
                continue;
            }
            let path = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}::{name}")
            };
            let gate = gate(&foreign, inner.home, given);
            if !out.ends_with("{\n") {
                out.push('\n');
            }
            let only = foreign.first().copied().filter(|_| foreign.len() == 1);
            if let Some(product) = only
                && !inner.home
                && self.whole.contains(&(product, module(&path)))
            {
                if !gate.is_empty() {
                    let _ = writeln!(out, "{pad}{gate}");
                }
                let _ = writeln!(out, "{pad}pub use {}::{path};", krate(product));
                continue;
            }
            let mut given = given.to_vec();
            if !inner.home {
                given.extend(only);
            }
            let _ = writeln!(out, "{pad}/// {}", self.about(&path, &foreign));
            if !gate.is_empty() {
                let _ = writeln!(out, "{pad}{gate}");
            }
            let _ = writeln!(out, "{pad}pub mod {name} {{");
            if let Some(home) = self.home.filter(|_| inner.home) {
                let _ = writeln!(out, "{pad}    pub use {}::{path}::*;", krate(home));
            }
            for (product, names) in &inner.names {
                let gate = self::gate(&BTreeSet::from([*product]), false, &given);
                if !gate.is_empty() {
                    let _ = writeln!(out, "{pad}    {gate}");
                }
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let list = match names.as_slice() {
                    [one] => (*one).to_owned(),
                    more => format!("{{{}}}", more.join(", ")),
                };
                let _ = writeln!(out, "{pad}    pub use {}::{path}::{list};", krate(*product));
            }
            self.children(out, inner, &path, &given);
            let _ = writeln!(out, "{pad}}}");
        }
    }

    fn about(&self, path: &str, foreign: &BTreeSet<Product>) -> String {
        let name = module(path);
        let products = self.home.iter().chain(foreign);
        let title = products
            .filter_map(|product| self.titles.get(&(*product, name.as_str())))
            .find(|title| !title.is_empty());
        match title {
            Some(title) => format!("{} ({}).", title.en, title.zh),
            None => format!("`{}` of the line `{}`.", name, self.line),
        }
    }
}

/// The features of the products, unless one of them is there anyway.
fn gate(products: &BTreeSet<Product>, home: bool, given: &[Product]) -> String {
    if home || products.iter().any(|product| given.contains(product)) {
        return String::new();
    }
    let features: Vec<String> = products
        .iter()
        .map(|product| format!("feature = \"{}\"", feature(*product)))
        .collect();
    match features.as_slice() {
        [one] => format!("#[cfg({one})]"),
        more => format!("#[cfg(any({}))]", more.join(", ")),
    }
}

/// The catalog's name of a module.
fn module(path: &str) -> String {
    let parts: Vec<&str> = path
        .split("::")
        .map(|part| part.trim_end_matches('_'))
        .collect();
    parts.join(".")
}
