//! OpenAPI 3.1 from the catalog: an export, never a source.
//!
//! One document for any set of products: endpoints as operations, callbacks as webhooks, everything that has a name
//! as a component. Three things of the platform have no plain form in OpenAPI:
//!
//! * **Shared routes.** A method and a path make one operation. Where several endpoints share them (told apart by a
//!   value of the query or the body, by their host, or by nothing but the name of a parameter), the operation is the
//!   union of all: request and answer are `anyOf` their schemas, the telling parameter lists its values, and
//!   `x-xinqiao.endpoints` names each endpoint with its telling value and its two schemas. None is lost.
//! * **Failures with status 200.** The classic products answer a failure with 200 and a code in the body; the schema
//!   of an answer that promises fields is therefore `anyOf` that answer and the failure.
//! * **Everything else** (retry class, permissions, quotas, codes, other spellings of a path) stands in `x-xinqiao`.
//!
//! The result is checked against the published schema of OpenAPI 3.1 (`cargo test -p xinqiao-catalog openapi`) and by
//! other people's tools (`interop/openapi`).

mod answer;
mod callback;
mod components;
mod operation;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::components::Components;
use crate::lookup::{endpoints, events, modules};
use crate::model::{Endpoint, EventKind, Method, Product, Text};

/// The endpoints that share one path, by method.
struct Item {
    /// The template as the first endpoint writes it.
    path: &'static str,
    methods: BTreeMap<Method, Vec<&'static Endpoint>>,
}

/// The document for these products; all of them if the list is empty.
#[must_use]
pub fn document(products: &[Product]) -> Value {
    let mut products: Vec<Product> = if products.is_empty() {
        Product::ALL.to_vec()
    } else {
        products.to_vec()
    };
    products.sort_unstable();
    products.dedup();
    let hosts = hosts(&products);
    let mut components = Components::default();
    let mut tags = Tags::default();

    let mut paths = Map::new();
    for item in items(&products).into_values() {
        let mut out = Map::new();
        for (method, group) in &item.methods {
            for endpoint in group {
                tags.used(endpoint.product, endpoint.module);
            }
            let mut operation = operation::operation(&mut components, item.path, group);
            let mut own: Vec<&str> = group.iter().map(|endpoint| endpoint.host).collect();
            own.sort_unstable();
            own.dedup();
            if let (false, Value::Object(map)) = (own == hosts, &mut operation) {
                map.insert("servers".into(), servers(&own));
            }
            out.insert(method.name().to_ascii_lowercase(), operation);
        }
        paths.insert(item.path.to_owned(), Value::Object(out));
    }

    let mut webhooks = Map::new();
    for event in events().filter(|event| products.contains(&event.product)) {
        if event.kind != EventKind::Reply {
            tags.used(event.product, callback::TAG);
            webhooks.insert(
                event.id.to_owned(),
                callback::webhook(&mut components, event),
            );
        }
    }

    let mut out = Map::new();
    out.insert("openapi".into(), "3.1.0".into());
    out.insert("info".into(), info(&products));
    out.insert("servers".into(), servers(&hosts));
    out.insert("tags".into(), tags.list());
    out.insert("x-tagGroups".into(), tags.groups());
    out.insert("paths".into(), Value::Object(paths));
    if !webhooks.is_empty() {
        out.insert("webhooks".into(), Value::Object(webhooks));
    }
    out.insert("components".into(), components.finish());
    Value::Object(out)
}

fn info(products: &[Product]) -> Value {
    let title = match products {
        [only] => format!("WeChat platform: {}", both(only.title())),
        _ => "WeChat platform · 微信平台".to_owned(),
    };
    json!({
        "title": title,
        "description": "Exported from the catalog of Xinqiao (信桥), an independent project. Not made, endorsed or \
            supported by Tencent. Field names, types and paths are facts about the platform; titles are Xinqiao's own.",
        "version": env!("CARGO_PKG_VERSION"),
        "contact": {"name": "Xinqiao contributors"},
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    })
}

/// All paths of the products. Templates that differ in the names of their parameters only are one path.
fn items(products: &[Product]) -> BTreeMap<String, Item> {
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for endpoint in products.iter().flat_map(|product| endpoints(*product)) {
        items
            .entry(anonymous(endpoint.path))
            .or_insert_with(|| Item {
                path: endpoint.path,
                methods: BTreeMap::new(),
            })
            .methods
            .entry(endpoint.method)
            .or_default()
            .push(endpoint);
    }
    items
}

/// A template without the names of its parameters.
fn anonymous(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        out.push(character);
    }
    out
}

fn hosts(products: &[Product]) -> Vec<&'static str> {
    let mut hosts: Vec<&str> = products
        .iter()
        .flat_map(|product| endpoints(*product))
        .map(|endpoint| endpoint.host)
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

fn servers(hosts: &[&str]) -> Value {
    hosts
        .iter()
        .map(|host| json!({"url": format!("https://{host}")}))
        .collect()
}

/// A text in both languages.
fn both(text: Text) -> String {
    match (text.zh, text.en) {
        (zh, en) if zh == en || en.is_empty() => zh.to_owned(),
        ("", en) => en.to_owned(),
        (zh, en) => format!("{zh} · {en}"),
    }
}

/// The tags that operations carry: one a module, and one a product for its callbacks.
#[derive(Default)]
struct Tags(BTreeMap<Product, Vec<&'static str>>);

impl Tags {
    fn used(&mut self, product: Product, name: &'static str) {
        let names = self.0.entry(product).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }

    fn list(&self) -> Value {
        let mut out = Vec::new();
        for (product, names) in &self.0 {
            for name in names {
                let title = if *name == callback::TAG {
                    callback::TITLE
                } else {
                    modules()
                        .iter()
                        .find(|module| module.product == *product && module.name == *name)
                        .map_or(Text { zh: "", en: "" }, |module| module.title)
                };
                let described = match both(title) {
                    empty if empty.is_empty() => (*name).to_owned(),
                    title => title,
                };
                out.push(json!({"name": format!("{product}.{name}"), "description": described}));
            }
        }
        Value::Array(out)
    }

    /// What Redoc and others show as a heading above the tags of a product.
    fn groups(&self) -> Value {
        self.0
            .iter()
            .map(|(product, names)| {
                let tags: Vec<String> = names
                    .iter()
                    .map(|name| format!("{product}.{name}"))
                    .collect();
                json!({"name": both(product.title()), "tags": tags})
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
