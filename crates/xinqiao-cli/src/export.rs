//! `xinqiao openapi` and `xinqiao catalog export`: the platform as one document.
//!
//! The shape of the export is described in the book's reference (`docs/book/*/src/reference.md`). Types are written as
//! in the catalog's own files: `string`, `[menu.Button]`, `{int64}`. What is empty, false, zero or the usual is left
//! out of endpoints, callbacks and types.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap_complete::ArgValueCandidates;
use serde_json::{Map, Value, json};
use xinqiao_catalog as catalog;
use xinqiao_catalog::{Product, Shape, TypeDef, TypeRef};

use crate::complete;
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;

/// Which products, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this product; may be repeated
    #[arg(long, add = ArgValueCandidates::new(complete::products))]
    product: Vec<String>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Without line breaks and indentation
    #[arg(long)]
    compact: bool,
}

/// What to export.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum CatalogVerb {
    /// Everything as one JSON document: endpoints, events, types, codes, permissions, quotas, diagnoses
    Export(Options),
}

/// Writes the OpenAPI document of some products or of all.
pub(crate) fn openapi(options: &Options, lang: Lang) -> Outcome {
    let products = products(&options.product, lang)?;
    write(&catalog::openapi::document(&products), options, lang)
}

/// Writes the catalog.
pub(crate) fn catalog(verb: CatalogVerb, lang: Lang) -> Outcome {
    let CatalogVerb::Export(options) = verb;
    let products = products(&options.product, lang)?;
    write(&whole(&products), &options, lang)
}

fn write(document: &Value, options: &Options, lang: Lang) -> Outcome {
    let text = if options.compact {
        serde_json::to_vec(document)
    } else {
        serde_json::to_vec_pretty(document)
    };
    let mut text = text.map_err(|error| Fail::failed(error.to_string()))?;
    text.push(b'\n');
    match &options.output {
        Some(path) => save(path, &text, lang),
        None => {
            // A closed pipe is not an error of ours.
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(&text).and_then(|()| out.flush());
            Ok(())
        }
    }
}

fn save(path: &Path, text: &[u8], lang: Lang) -> Outcome {
    std::fs::write(path, text)
        .map_err(|error| Fail::failed(format!("{}: {}", path.display(), lang.io(&error))))
}

fn whole(products: &[Product]) -> Value {
    let of_product = |product: &Product| products.contains(product);
    let endpoints: Vec<Value> = products
        .iter()
        .flat_map(|product| catalog::endpoints(*product))
        .map(bare_endpoint)
        .collect();
    let events: Vec<Value> = catalog::events()
        .filter(|event| of_product(&event.product))
        .map(bare_event)
        .collect();
    let types: Map<String, Value> = products
        .iter()
        .map(|product| {
            let all = catalog::types(*product).iter();
            let named: Map<String, Value> = all
                .map(|def| (type_name(def), type_value(*product, def)))
                .collect();
            (product.name().to_owned(), Value::Object(named))
        })
        .collect();
    let families: BTreeSet<catalog::ErrorFamily> =
        products.iter().map(|product| product.errors()).collect();
    let errors: Vec<_> = families.into_iter().flat_map(catalog::errors).collect();
    let modules: Vec<_> = catalog::modules()
        .iter()
        .filter(|module| of_product(&module.product))
        .collect();
    let titles: Map<String, Value> = products
        .iter()
        .map(|product| (product.name().to_owned(), json!(product.title())))
        .collect();
    json!({
        "format": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "products": titles,
        "modules": modules,
        "hosts": catalog::hosts(),
        "endpoints": endpoints,
        "events": events,
        "types": types,
        "errors": errors,
        "permissions": catalog::permissions(),
        "permission_tables": catalog::permission_tables(),
        "limits": catalog::limits(),
        "quotas": catalog::quotas(),
        "grants": catalog::grants(),
        "dedup": catalog::dedup_recipes(),
        "media": catalog::media_limits(),
        "pages": catalog::pages(),
        "diagnoses": catalog::diagnoses(),
    })
}

/// An endpoint with the types that it leads to.
pub(crate) fn endpoint(endpoint: &catalog::Endpoint) -> Value {
    let shapes = endpoint.shapes().map(|(_, shape)| shape);
    with_types(bare_endpoint(endpoint), endpoint.product, &shapes)
}

/// A callback with the types that it leads to.
pub(crate) fn event(event: &catalog::Event) -> Value {
    with_types(bare_event(event), event.product, &[&event.shape])
}

fn bare_endpoint(endpoint: &catalog::Endpoint) -> Value {
    let mut out = json!(endpoint);
    tidy(endpoint.product, &mut out);
    out
}

fn bare_event(event: &catalog::Event) -> Value {
    let mut out = json!(event);
    tidy(event.product, &mut out);
    out
}

fn type_value(product: Product, def: &TypeDef) -> Value {
    let mut out = json!({"about": def.about, "shape": def.shape});
    tidy(product, &mut out);
    match out {
        Value::Object(map) if map.is_empty() => json!({}),
        other => other,
    }
}

fn with_types(mut out: Value, product: Product, shapes: &[&Shape]) -> Value {
    let mut ids = BTreeSet::new();
    for shape in shapes {
        reach(product, shape, &mut ids);
    }
    let types: Map<String, Value> = ids
        .into_iter()
        .filter_map(|id| catalog::type_def(product, id))
        .map(|def| (type_name(def), type_value(product, def)))
        .collect();
    if let (false, Value::Object(map)) = (types.is_empty(), &mut out) {
        map.insert("types".to_owned(), Value::Object(types));
    }
    out
}

fn reach(product: Product, shape: &Shape, found: &mut BTreeSet<catalog::TypeId>) {
    let cases = shape.union.iter().flat_map(|union| &union.cases);
    let types = (shape.fields.iter().map(|field| &field.ty))
        .chain(cases.filter_map(|case| case.ty.as_ref()))
        .chain(shape.open.as_ref());
    for id in types.filter_map(TypeRef::named) {
        if found.insert(id)
            && let Some(def) = catalog::type_def(product, id)
        {
            reach(product, &def.shape, found);
        }
    }
}

/// A type as the catalog's files write it.
pub(crate) fn type_text(product: Product, ty: &TypeRef) -> String {
    match ty {
        TypeRef::List(inner) => format!("[{}]", type_text(product, inner)),
        TypeRef::Map(inner) => format!("{{{}}}", type_text(product, inner)),
        TypeRef::Named(id) => {
            catalog::type_def(product, *id).map_or_else(|| "any".to_owned(), type_name)
        }
        plain => json!(plain).as_str().unwrap_or("any").to_owned(),
    }
}

fn type_name(def: &TypeDef) -> String {
    if def.module.is_empty() {
        def.name.to_owned()
    } else {
        format!("{}.{}", def.module, def.name)
    }
}

/// Names types and drops what says nothing.
fn tidy(product: Product, value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items.iter_mut() {
                tidy(product, item);
            }
        }
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                let is_type = matches!(name.as_str(), "type" | "open" | "alternatives");
                match value {
                    Value::Array(items) if is_type => {
                        for item in items.iter_mut() {
                            *item = type_json(product, item);
                        }
                    }
                    Value::String(_) | Value::Object(_) if is_type => {
                        *value = type_json(product, value);
                    }
                    other => tidy(product, other),
                }
            }
            explain(product, map);
            if map.shift_remove("cdata") == Some(Value::Bool(false)) {
                map.insert("no_cdata".into(), true.into());
            }
            map.retain(|name, value| !says_nothing(name, value));
        }
        _ => {}
    }
}

/// A field says what it means, and its values, instead of their numbers.
fn explain(product: Product, map: &mut Map<String, Value>) {
    let said = map.shift_remove("meaning");
    let said = said.as_ref().and_then(Value::as_u64);
    if let Some(number) = said {
        let said = catalog::meaning(product, number as u32);
        map.insert("about".into(), json!(said.text));
        map.insert("example".into(), said.example.into());
        map.insert("from".into(), json!(said.from));
        for (name, further) in [("unit", said.unit), ("format", said.format)] {
            if map.get(name).is_none_or(|own| own == "") {
                map.insert(name.into(), further.into());
            }
        }
    }
    let id = map.get("enum").and_then(Value::as_u64);
    let known = id.and_then(|id| catalog::enumeration(product, catalog::EnumId(id as u32)));
    if let Some(known) = known {
        let values: Vec<&str> = known.values.iter().map(|known| known.value).collect();
        map.insert("enum".into(), json!(values));
        let meanings: Map<String, Value> = known
            .values
            .iter()
            .map(|known| (known, catalog::meaning(product, known.meaning).text))
            .filter(|(_, text)| !text.is_empty())
            .map(|(known, text)| (known.value.to_owned(), json!(text)))
            .collect();
        map.insert("values".into(), Value::Object(meanings));
    }
    for name in ["about", "from"] {
        let empty = |text: &Value| text["zh"] == "" && text["en"] == "";
        if map.get(name).is_some_and(empty) {
            map.shift_remove(name);
        }
    }
}

fn says_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => {
            text.is_empty()
                || (name == "wire" && text == "plain")
                || (name == "origin" && text == "caller")
        }
        Value::Array(items) => items.is_empty() && name != "fields",
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => {
            matches!(name, "max" | "max_bytes" | "code") && number.as_i64() == Some(0)
        }
        Value::Bool(true) => false,
    }
}

fn type_json(product: Product, value: &Value) -> Value {
    serde_json::from_value::<TypeRef>(value.clone())
        .map_or_else(|_| value.clone(), |ty| type_text(product, &ty).into())
}

/// The products of those names; all if there is none.
pub(crate) fn products(names: &[String], lang: Lang) -> Result<Vec<Product>, Fail> {
    if names.is_empty() {
        return Ok(Product::ALL.to_vec());
    }
    let mut found = Vec::new();
    for name in names {
        let product = Product::parse(&name.replace('-', "_")).ok_or_else(|| {
            let known: Vec<&str> = Product::ALL.iter().map(|product| product.name()).collect();
            let known = known.join(", ");
            Fail::usage(match lang {
                Lang::Zh => format!("没有产品 {name}；有：{known}"),
                Lang::En => format!("no product {name}; there are: {known}"),
            })
        })?;
        if !found.contains(&product) {
            found.push(product);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_type_has_its_own_name() {
        for product in Product::ALL {
            let names: BTreeSet<String> = catalog::types(product).iter().map(type_name).collect();
            assert_eq!(names.len(), catalog::types(product).len(), "{product}");
        }
    }

    #[test]
    fn types_are_written_by_name() {
        let found = catalog::endpoint(catalog::id::official_account::menu::CREATE).expect("known");
        let shown = endpoint(found);
        assert_eq!(shown["request"]["fields"][0]["type"], "[menu.Button]");
        let button = &shown["types"]["menu.Button"]["shape"]["fields"];
        assert!(
            button.as_array().is_some_and(|fields| fields.len() > 3),
            "{shown:#}"
        );
        assert!(shown.get("was").is_none());
        let name = button.as_array().and_then(|fields| {
            let mut fields = fields.iter();
            fields.find(|field| field["name"] == "type")
        });
        let name = name.expect("buttons have a type");
        assert!(
            name["about"]["zh"]
                .as_str()
                .is_some_and(|zh| !zh.is_empty()),
            "{name:#}"
        );
        assert!(
            name["enum"]
                .as_array()
                .is_some_and(|all| all.contains(&json!("click")))
        );
        assert!(name["values"]["click"]["en"].is_string(), "{name:#}");
        assert!(name.get("meaning").is_none());
    }
}
