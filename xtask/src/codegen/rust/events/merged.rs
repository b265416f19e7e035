//! What several products push has one type: in the first of them, with the fields of all.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use xinqiao_catalog::blob::Section;
use xinqiao_catalog::{
    EnumId, Event, EventKind, Field, Meaning, Product, Shape, TypeDef, TypeId, TypeRef,
};

use super::{Stock, in_envelope};
use crate::pack::Catalog;

/// Where a callback's type is and what it is called: the product, and the name.
pub(crate) type Homes = BTreeMap<&'static str, (Product, &'static str)>;

/// All products that push in an envelope, with the events of several in the first of them.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) parts: BTreeMap<Product, Parts>,
    pub(super) events: BTreeMap<Product, Vec<Event>>,
    pub(super) homes: Homes,
}

/// What a product's events are made of, with what those of others that live there need.
pub(super) struct Parts {
    pub(super) section: Section,
    pub(super) meanings: Vec<Meaning>,
}

impl Parts {
    fn of(stock: Stock<'_>) -> Self {
        let mut section = Section {
            types: stock.section.types.clone(),
            enums: stock.section.enums.clone(),
            ..Section::default()
        };
        for known in &mut section.enums {
            known.module = FILE;
        }
        Self {
            section,
            meanings: stock.meanings.to_vec(),
        }
    }

    /// Another's meaning, by its number here.
    fn meaning(&mut self, other: Stock<'_>, number: u32) -> u32 {
        let Some(said) = other.meaning(number) else {
            return 0;
        };
        let known = self.meanings.iter().position(|known| known == said);
        let at = known.unwrap_or(self.meanings.len());
        if known.is_none() {
            self.meanings.push(*said);
        }
        at as u32 + 1
    }

    /// Another's enumeration, by its number here.
    fn enumeration(&mut self, other: Stock<'_>, id: EnumId) -> Option<EnumId> {
        let mut copy = other.enumeration(id)?.clone();
        copy.module = FILE;
        for value in &mut copy.values {
            value.meaning = self.meaning(other, value.meaning);
        }
        let all = &mut self.section.enums;
        let known = all.iter().position(|known| *known == copy);
        let at = known.unwrap_or(all.len());
        if known.is_none() {
            all.push(copy);
        }
        Some(EnumId(at as u32))
    }
}

/// The catalog's file of callbacks, and the module of what they are made of.
pub(super) const FILE: &str = "events";

/// A callback's id without its product: what several products share.
pub(super) fn shared_id(event: &Event) -> &'static str {
    event.id.split_once('.').map_or(event.id, |(_, rest)| rest)
}

pub(super) fn merge(catalog: &Catalog) -> Result<Merged> {
    let mut out = Merged::default();
    let mut first: BTreeMap<&'static str, Product> = BTreeMap::new();
    for (product, events) in catalog.events.iter().filter(|(_, e)| in_envelope(e)) {
        let Some(section) = catalog.sections.get(product) else {
            continue;
        };
        let stock = Stock::of(catalog, *product, section);
        out.parts.insert(*product, Parts::of(stock));
        let mut own = Vec::new();
        for event in &events.events {
            let event = outside_group_left_out(event, &section.types);
            let home = first.get(shared_id(&event)).copied();
            let Some(home) = home.filter(|_| event.kind != EventKind::Reply) else {
                first.insert(shared_id(&event), *product);
                out.homes.insert(event.id, (*product, event.rust));
                own.push(event);
                continue;
            };
            let there = out.events.get_mut(&home).into_iter().flatten();
            let there = there
                .into_iter()
                .find(|other| shared_id(other) == shared_id(&event));
            let (Some(there), Some(parts)) = (there, out.parts.get_mut(&home)) else {
                bail!("{} has no home", event.id);
            };
            add(parts, &mut there.shape, stock, &event.shape, event.id)?;
            out.homes.insert(event.id, (home, there.rust));
        }
        out.events.insert(*product, own);
    }
    Ok(out)
}

/// Without the fields that JSON writes beside a group of XML that holds them: they are read into the group, which
/// is marked as one of both forms.
fn outside_group_left_out(event: &Event, types: &[TypeDef]) -> Event {
    let mut event = event.clone();
    let fields = event.shape.fields.iter();
    let beside: Vec<&str> = fields.filter(|f| f.json_only).map(|f| f.name).collect();
    let mut grouped = Vec::new();
    for group in event.shape.fields.iter_mut().filter(|group| group.xml_only) {
        let ty = group.ty.named().and_then(|id| types.get(id.0 as usize));
        let holds = |name: &&&str| ty.is_some_and(|ty| ty.shape.field(name).is_some());
        let before = grouped.len();
        grouped.extend(beside.iter().filter(holds).copied());
        group.json_only = grouped.len() > before;
    }
    event
        .shape
        .fields
        .retain(|field| !grouped.contains(&field.name));
    event
}

/// Adds the fields of one product's event or group to those of another's.
fn add(
    parts: &mut Parts,
    shape: &mut Shape,
    from: Stock<'_>,
    other: &Shape,
    owner: &str,
) -> Result<()> {
    for field in &mut shape.fields {
        let there = |f: &Field| f.name.eq_ignore_ascii_case(field.name);
        field.required &= other.fields.iter().any(there);
    }
    for new in &other.fields {
        let at = shape
            .fields
            .iter()
            .position(|known| known.name.eq_ignore_ascii_case(new.name));
        let Some(at) = at else {
            let mut new = new.clone();
            new.required = false;
            import(parts, from, &mut new, owner)?;
            shape.fields.push(new);
            continue;
        };
        let known = &mut shape.fields[at];
        known.required &= new.required;
        known.xml_only |= new.xml_only;
        known.json_only |= new.json_only;
        // Whoever says more about it is right for all.
        for (mine, its) in [(&mut known.format, new.format), (&mut known.unit, new.unit)] {
            if mine.is_empty() {
                *mine = its;
            }
        }
        if known.meaning == 0 {
            known.meaning = parts.meaning(from, new.meaning);
        }
        known.enumeration = known
            .enumeration
            .or_else(|| parts.enumeration(from, new.enumeration?));
        if kind(known) != kind(new) {
            bail!(
                "{owner}: `{}` is {} here and {} elsewhere",
                new.name,
                kind(new),
                kind(known)
            );
        }
        if let (Some(mine), Some(its)) = (known.ty.named(), new.ty.named()) {
            join(parts, mine, from, its, owner)?;
        }
    }
    Ok(())
}

/// What a field holds, as far as it matters whether two hold the same.
fn kind(field: &Field) -> String {
    fn of(ty: &TypeRef) -> String {
        match ty {
            TypeRef::Int32 | TypeRef::Int64 => "whole".into(),
            TypeRef::Named(_) => "group".into(),
            TypeRef::List(inner) => format!("[{}]", of(inner)),
            TypeRef::Map(inner) => format!("{{{}}}", of(inner)),
            other => format!("{other:?}"),
        }
    }
    of(&field.ty)
}

fn join(parts: &mut Parts, mine: TypeId, from: Stock<'_>, its: TypeId, owner: &str) -> Result<()> {
    let (Some(known), Some(other)) = (
        parts.section.types.get(mine.0 as usize),
        from.types().get(its.0 as usize),
    ) else {
        return Ok(());
    };
    let mut shape = known.shape.clone();
    add(parts, &mut shape, from, &other.shape, owner)?;
    parts.section.types[mine.0 as usize].shape = shape;
    Ok(())
}

/// A field of another product, with what it means and what it is made of.
fn import(parts: &mut Parts, from: Stock<'_>, field: &mut Field, owner: &str) -> Result<()> {
    field.meaning = parts.meaning(from, field.meaning);
    field.enumeration = match field.enumeration {
        Some(id) => parts.enumeration(from, id),
        None => None,
    };
    field.ty = import_type(parts, from, &field.ty, owner)?;
    Ok(())
}

/// A type of one product among those of another: the one of that name, or a copy.
fn import_type(parts: &mut Parts, from: Stock<'_>, ty: &TypeRef, owner: &str) -> Result<TypeRef> {
    Ok(match ty {
        TypeRef::List(inner) => TypeRef::List(Box::new(import_type(parts, from, inner, owner)?)),
        TypeRef::Map(inner) => TypeRef::Map(Box::new(import_type(parts, from, inner, owner)?)),
        TypeRef::Named(id) => {
            let Some(other) = from.types().get(id.0 as usize) else {
                return Ok(ty.clone());
            };
            let types = &mut parts.section.types;
            let known = types
                .iter()
                .position(|ty| ty.module == other.module && ty.name == other.name);
            let at = TypeId(known.unwrap_or(types.len()) as u32);
            if known.is_some() {
                join(parts, at, from, *id, owner)?;
            } else {
                let mut copy = other.clone();
                copy.shape.fields.clear();
                types.push(copy);
                let mut fields = other.shape.fields.clone();
                for field in &mut fields {
                    import(parts, from, field, owner)?;
                }
                parts.section.types[at.0 as usize].shape.fields = fields;
            }
            TypeRef::Named(at)
        }
        plain => plain.clone(),
    })
}
