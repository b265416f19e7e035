//! How much of the catalog is explained.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_catalog::{Field, Product, Shape, TypeRef};

use super::glossary::is_echo;
use crate::codegen::rust::{Enums, Stock};
use crate::names::snake;
use crate::pack::Catalog;
use crate::pack::meaning::within;
use crate::source::read;

/// What must be explained to the last field (`xtask/families.toml`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    product: String,
    ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Families {
    family: Vec<Family>,
}

fn families() -> Result<Vec<Family>> {
    Ok(read::toml::<Families>(&read::repository().join("xtask/families.toml"))?.family)
}

/// Fields, and how many of them say what they are.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    fields: usize,
    with_meaning: usize,
}

impl Count {
    fn add(&mut self, field: &Field) {
        self.fields += 1;
        self.with_meaning += usize::from(field.meaning != 0);
    }

    fn value(self) -> Value {
        let share = self.with_meaning as f64 / self.fields.max(1) as f64;
        json!({
            "fields": self.fields,
            "with_meaning": self.with_meaning,
            "share": (share * 10_000.0).floor() / 10_000.0,
        })
    }
}

/// Every shape of the product with the id that it belongs to; named types once, by themselves.
fn shapes(catalog: &Catalog, product: Product) -> Vec<(&'static str, &Shape)> {
    let mut out = Vec::new();
    for endpoint in catalog
        .sections
        .get(&product)
        .into_iter()
        .flat_map(|all| &all.endpoints)
    {
        out.extend(endpoint.shapes().map(|(_, shape)| (endpoint.id, shape)));
    }
    for event in catalog
        .events
        .get(&product)
        .into_iter()
        .flat_map(|all| &all.events)
    {
        out.push((event.id, &event.shape));
    }
    out
}

fn all_fields(catalog: &Catalog, product: Product) -> impl Iterator<Item = &Field> {
    let types = catalog
        .sections
        .get(&product)
        .into_iter()
        .flat_map(|all| &all.types);
    let types = types.flat_map(|ty| &ty.shape.fields);
    let shapes = shapes(catalog, product).into_iter();
    types.chain(shapes.flat_map(|(_, shape)| &shape.fields))
}

/// The fields of a family: those of its endpoints and events, and of the types that these lead to.
fn family_fields<'a>(catalog: &'a Catalog, family: &Family) -> Vec<(String, &'a Field)> {
    let Some(product) = Product::parse(&family.product) else {
        return Vec::new();
    };
    let types = catalog
        .sections
        .get(&product)
        .map_or(&[][..], |all| &all.types);
    let belongs = |id: &str| {
        let id = within(id);
        family.ids.iter().any(|prefix| {
            let rest = id.strip_prefix(prefix.as_str());
            prefix == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let shapes = shapes(catalog, product);
    let mut todo: Vec<(String, &Shape)> = shapes
        .into_iter()
        .filter(|(id, _)| belongs(id))
        .map(|(id, shape)| (id.to_owned(), shape))
        .collect();
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    while let Some((place, shape)) = todo.pop() {
        let cases = shape.union.iter().flat_map(|union| &union.cases);
        let named = (shape.fields.iter().map(|field| &field.ty))
            .chain(cases.filter_map(|case| case.ty.as_ref()))
            .chain(&shape.open);
        for id in named.filter_map(TypeRef::named) {
            if let Some(ty) = types.get(id.0 as usize)
                && seen.insert(id)
            {
                todo.push((format!("{product}.{}.{}", ty.module, ty.name), &ty.shape));
            }
        }
        out.extend(shape.fields.iter().map(|field| (place.clone(), field)));
    }
    out
}

/// Numbers of all fields, of the families, of echoes and of enumerations.
pub(super) fn numbers(catalog: &Catalog) -> Result<Value> {
    let mut all = Count::default();
    let mut products = BTreeMap::new();
    let (mut echoes, mut enums, mut bare, mut values) = (0, 0, 0, Count::default());
    for (product, section) in &catalog.sections {
        let mut count = Count::default();
        for field in all_fields(catalog, *product) {
            count.add(field);
            let said = catalog.meaning(*product, field.meaning);
            let echo = said.is_some_and(|said| is_echo(&snake(field.name), said.text.en));
            echoes += usize::from(echo);
        }
        all.fields += count.fields;
        all.with_meaning += count.with_meaning;
        products.insert(product.name(), count.value());
        let typed = Enums::of(Stock::of(catalog, *product, section));
        enums += section.enums.len();
        bare += section.enums.len() - typed.covered();
        for value in section.enums.iter().flat_map(|known| &known.values) {
            values.fields += 1;
            values.with_meaning += usize::from(value.meaning != 0);
        }
    }
    let mut complete = BTreeMap::new();
    for family in families()? {
        let mut count = Count::default();
        for (_, field) in family_fields(catalog, &family) {
            count.add(field);
        }
        complete.insert(family.name, count.value());
    }
    Ok(json!({
        "all": all.value(),
        "families": complete,
        "products": products,
        "echoes": echoes,
        "enums": enums,
        "enums_without_constants": bare,
        "enum_values": values.fields,
        "enum_values_with_meaning": values.with_meaning,
    }))
}

/// The families are complete.
pub(super) fn check(catalog: &Catalog, complaints: &mut Vec<String>) -> Result<()> {
    for family in families()? {
        let fields = family_fields(catalog, &family);
        if fields.is_empty() {
            complaints.push(format!("family {}: nothing belongs to it", family.name));
        }
        for id in &family.ids {
            let one = Family {
                name: family.name.clone(),
                product: family.product.clone(),
                ids: vec![id.clone()],
            };
            if family_fields(catalog, &one).is_empty() {
                complaints.push(format!("family {}: nothing is `{id}`", family.name));
            }
        }
        for (place, field) in fields.iter().filter(|(_, field)| field.meaning == 0) {
            complaints.push(format!(
                "family {}: {place}: `{}` has no meaning",
                family.name, field.name
            ));
        }
    }
    Ok(())
}
