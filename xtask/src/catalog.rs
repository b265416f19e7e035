//! `cargo xtask catalog check` and `stats`: is the catalog consistent, how wide is it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

mod coverage;
mod glossary;
mod issuing;
mod names;

use anyhow::{Result, ensure};
use serde_json::json;
use xinqiao_catalog::{Endpoint, ErrorFamily, Product, Shape, TypeRef};

use crate::facts;
use crate::pack::{self, Catalog};
use crate::source::read;

/// Numbers about the catalog.
pub(crate) fn stats(as_json: bool) -> Result<()> {
    let catalog = pack::compile()?;
    let mut products = BTreeMap::new();
    let (mut endpoints, mut events, mut types, mut titled) = (0, 0, 0, 0);
    for (product, section) in &catalog.sections {
        let count = catalog
            .events
            .get(product)
            .map_or(0, |section| section.events.len());
        let with_title = section
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.title.is_empty())
            .count();
        let partial = section
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.partial)
            .count();
        products.insert(
            product.name(),
            json!({
                "endpoints": section.endpoints.len(),
                "partial": partial,
                "events": count,
                "types": section.types.len(),
                "titled": with_title,
            }),
        );
        endpoints += section.endpoints.len();
        events += count;
        types += section.types.len();
        titled += with_title;
    }
    let by_hand = catalog
        .errors
        .codes
        .iter()
        .filter(|error| !error.derived)
        .count();
    let all = json!({
        "endpoints": endpoints,
        "events": events,
        "types": types,
        "titled": titled,
        "modules": catalog.outline.modules.len(),
        "routes": catalog.index.routes.len(),
        "errors": catalog.errors.codes.len(),
        "errors_by_hand": by_hand,
        "permissions": catalog.rules.permissions.len(),
        "quotas": catalog.rules.quotas.len(),
        "diagnoses": catalog.rules.diagnoses.len(),
        "credentials": pack::sources(&catalog)?,
        "meaning": coverage::numbers(&catalog)?,
        "names": names::numbers(&catalog),
        "products": products,
    });
    if as_json {
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        println!("{endpoints} endpoints, {events} events, {types} types, {titled} titles by hand");
        for (product, numbers) in products {
            println!("  {product:<18} {numbers}");
        }
        println!("meaning: {}", all["meaning"]);
        println!("names: {}", all["names"]);
    }
    Ok(())
}

/// Everything that must be true of the catalog.
pub(crate) fn check() -> Result<()> {
    let catalog = pack::compile()?;
    let mut complaints = Vec::new();
    ids(&catalog, &mut complaints)?;
    routes(&catalog, &mut complaints);
    for section in catalog.sections.values() {
        for endpoint in &section.endpoints {
            one(endpoint, &mut complaints);
        }
    }
    types(&catalog, &mut complaints);
    permissions(&catalog, &mut complaints);
    codes(&catalog, &mut complaints);
    rules(&catalog, &mut complaints);
    issuing::check(&catalog, &mut complaints);
    names::check(&catalog, &mut complaints);
    glossary::check(&catalog, &mut complaints);
    coverage::check(&catalog, &mut complaints)?;
    crate::tasks::check(&catalog, &mut complaints)?;
    order(&mut complaints)?;
    match facts::folder() {
        Some(folder) => {
            let report = facts::compare(&catalog, &folder)?;
            println!("facts: {}", report.summary());
            complaints.extend(report.complaints);
        }
        None => println!("facts: not compared, there is no fact base at ../shared/facts"),
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    ensure!(complaints.is_empty(), "{} complaints", complaints.len());
    println!("catalog: ok");
    Ok(())
}

/// Ids never disappear: an id of the lock that is gone names the one that came in its place (`old = new`).
fn ids(catalog: &Catalog, complaints: &mut Vec<String>) -> Result<()> {
    let mut known: HashSet<&str> = HashSet::new();
    for section in catalog.sections.values() {
        for endpoint in &section.endpoints {
            if !known.insert(endpoint.id) {
                complaints.push(format!("id {} stands twice", endpoint.id));
            }
        }
    }
    for section in catalog.events.values() {
        for event in &section.events {
            if !known.insert(event.id) {
                complaints.push(format!("id {} stands twice", event.id));
            }
        }
    }
    let lock = std::fs::read_to_string(read::root().join("ids.lock"))?;
    for line in lock.lines() {
        match line.split_once(" = ") {
            Some((old, new)) if known.contains(old) || !known.contains(new) => complaints.push(
                format!("ids.lock: `{line}`: the former id must be gone and the new one exist"),
            ),
            None if !known.contains(line) => complaints.push(format!(
                "id {line} is locked and gone: write `{line} = <the new id>` in ids.lock"
            )),
            _ => {}
        }
    }
    Ok(())
}

/// One method on one path is one endpoint, unless a value tells them apart or two products share the path.
fn routes(catalog: &Catalog, complaints: &mut Vec<String>) {
    let mut seen: BTreeMap<_, &str> = BTreeMap::new();
    for route in &catalog.index.routes {
        let when = route.when.map(|when| (when.in_body, when.name, when.value));
        let key = (route.product, route.host, route.method, route.path, when);
        if let Some(other) = seen.insert(key, route.id)
            && !route.path.ends_with("{download_url}")
            && !route.alternative
        {
            complaints.push(format!(
                "{other} and {} share {} {}",
                route.id, route.method, route.path
            ));
        }
        if !catalog
            .outline
            .hosts
            .iter()
            .any(|host| host.name == route.host)
        {
            complaints.push(format!(
                "{}: host {} is not in hosts.toml",
                route.id, route.host
            ));
        }
    }
}

fn one(endpoint: &Endpoint, complaints: &mut Vec<String>) {
    let mut complain = |text: String| complaints.push(format!("{}: {text}", endpoint.id));
    if !endpoint.path.starts_with('/') {
        complain(format!("path `{}` must begin with a slash", endpoint.path));
    }
    for url in &endpoint.doc {
        // The oldest pages never got https.
        let known = url.starts_with("https://") || url.starts_with("http://mp.weixin.qq.com/wiki/");
        if !known || url.contains(' ') {
            complain(format!("doc link `{url}` is not well formed"));
        }
    }
    for name in endpoint
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
    {
        if endpoint.path_params.field(name).is_none() && !endpoint.partial {
            complain(format!("path parameter `{name}` has no field"));
        }
    }
    for example in &endpoint.examples {
        let request: serde_json::Value = match serde_json::from_str(example.request) {
            Ok(value) => value,
            Err(_) if example.request.is_empty() => continue,
            Err(error) => {
                complain(format!("example request is no JSON: {error}"));
                continue;
            }
        };
        // The committed blob answers for types: run codegen before.
        if let Some(known) = xinqiao_catalog::endpoint(endpoint.id)
            && let Err(violation) = xinqiao_catalog::validate(known, &request)
        {
            complain(format!(
                "example: `{}` {}",
                violation.path, violation.reason
            ));
        }
    }
}

fn types(catalog: &Catalog, complaints: &mut Vec<String>) {
    let (mut all, mut fallback) = (0, 0);
    for (product, section) in &catalog.sections {
        let mut used: BTreeSet<u32> = BTreeSet::new();
        let shapes = section.endpoints.iter().flat_map(Endpoint::shapes);
        let shapes = shapes.map(|(_, shape)| shape);
        let events = catalog.events.get(product);
        let events = events
            .iter()
            .flat_map(|events| &events.events)
            .map(|event| &event.shape);
        let mut todo: Vec<&Shape> = shapes.chain(events).collect();
        while let Some(shape) = todo.pop() {
            let fields = shape.fields.iter().map(|field| &field.ty);
            let cases = shape.union.iter().flat_map(|union| &union.cases);
            let cases = cases.filter_map(|case| case.ty.as_ref());
            for id in fields
                .chain(cases)
                .chain(&shape.open)
                .filter_map(TypeRef::named)
            {
                if used.insert(id.0)
                    && let Some(ty) = section.types.get(id.0 as usize)
                {
                    todo.push(&ty.shape);
                }
            }
        }
        for (at, ty) in section.types.iter().enumerate() {
            all += 1;
            let name = ty.name;
            if !used.contains(&(at as u32)) {
                complaints.push(format!(
                    "{product}: type {name} of {} is an orphan",
                    ty.module
                ));
            }
            if name.len() > 40 || name.ends_with(|last: char| last.is_ascii_digit()) {
                complaints.push(format!(
                    "{product}: type name {name} is too long or ends in a digit"
                ));
            }
            let mut tail = name.chars().rev();
            let last = tail.next().is_some_and(|last| last.is_ascii_uppercase());
            if last
                && tail
                    .next()
                    .is_some_and(|before| before.is_ascii_lowercase())
            {
                fallback += 1;
            }
        }
    }
    if fallback * 100 > all * 3 {
        complaints.push(format!(
            "{fallback} of {all} type names are fallbacks, more than 3 %"
        ));
    }
}

fn permissions(catalog: &Catalog, complaints: &mut Vec<String>) {
    let paths: Vec<&str> = catalog
        .index
        .routes
        .iter()
        .map(|route| route.path)
        .collect();
    for row in &catalog.rules.permissions {
        for cover in row.covers.iter().filter(|cover| cover.starts_with('/')) {
            let cover = cover.split('?').next().unwrap_or(cover);
            let known = match cover.strip_suffix('*') {
                Some(prefix) => paths.iter().any(|path| path.starts_with(prefix)),
                None => paths.contains(&cover),
            };
            if !known {
                complaints.push(format!("permission {} covers unknown {cover}", row.id));
            }
        }
        let events = catalog.events.values().flat_map(|section| &section.events);
        let events: BTreeSet<&str> = events.map(|event| event.id).collect();
        for event in { row.events.iter() }.filter(|event| !events.contains(*event)) {
            complaints.push(format!("permission {} names unknown event {event}", row.id));
        }
        let tables = &catalog.rules.permission_tables;
        for other in &row.elsewhere {
            if !tables.iter().skip(1).any(|table| table.id == other.table) {
                let table = other.table;
                complaints.push(format!("permission {} names no table by {table}", row.id));
            }
        }
    }
}

fn codes(catalog: &Catalog, complaints: &mut Vec<String>) {
    let mut names: BTreeSet<(ErrorFamily, &str)> = BTreeSet::new();
    for error in &catalog.errors.codes {
        if !error.name.is_empty() && !names.insert((error.family, error.name)) {
            complaints.push(format!("code name {} stands twice", error.name));
        }
        let unfinished = error.remedy.zh.is_empty() || error.remedy.en.is_empty();
        if !error.derived && unfinished {
            complaints.push(format!(
                "code {} has a meaning by hand but no remedy",
                error.code
            ));
        }
    }
}

fn rules(catalog: &Catalog, complaints: &mut Vec<String>) {
    let events: BTreeSet<&str> = catalog
        .events
        .values()
        .flat_map(|section| section.events.iter().map(|e| e.id))
        .collect();
    for grant in &catalog.rules.grants {
        for event in &grant.events {
            // A tap on a menu message is no callback of its own: it comes as a text.
            if !events.contains(event) && !event.ends_with(".menu_tap") {
                complaints.push(format!("grant {} names unknown event {event}", grant.id));
            }
        }
    }
    for diagnosis in &catalog.rules.diagnoses {
        let whole = !diagnosis.cause.zh.is_empty()
            && !diagnosis.cause.en.is_empty()
            && !diagnosis.remedy_zh.is_empty()
            && !diagnosis.remedy_en.is_empty();
        if !whole {
            complaints.push(format!("diagnosis {} lacks a language", diagnosis.rule));
        }
    }
}

/// Entries of a file are sorted by id.
fn order(complaints: &mut Vec<String>) -> Result<()> {
    for (product, tree) in read::products()? {
        for (name, file) in &tree.files {
            let sorted = file.endpoint.is_sorted_by_key(|endpoint| &endpoint.id)
                && file.event.is_sorted_by_key(|event| &event.id);
            if !sorted {
                complaints.push(format!("{product}/{name}.toml is not sorted by id"));
            }
        }
    }
    Ok(())
}

/// Products by name, all if none is named.
pub(crate) fn products(names: &[String]) -> Result<Vec<Product>> {
    let mut out = Vec::new();
    for name in names {
        let product = Product::parse(name);
        ensure!(
            product.is_some(),
            "unknown product `{name}`, known: {:?}",
            Product::ALL.map(Product::name)
        );
        out.extend(product);
    }
    Ok(out)
}
