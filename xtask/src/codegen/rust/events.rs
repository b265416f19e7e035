//! What products push. In an envelope (messages, events): types of `xinqiao-message`, which every product re-exports;
//! one type for all products that push the same. Notices of payments: types of their product.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};
use xinqiao_catalog::blob::{Events, Section};
use xinqiao_catalog::{Event, EventKind, Field, Product, Shape, TypeDef, TypeId, TypeRef};

use super::files::about_module;
use super::text::doc;
use super::{Module, Writer, event_place, event_type, users};
use crate::codegen::{Files, HEAD};
use crate::names::{camel, ident};
use crate::pack::Catalog;
use crate::source::read;

/// Where a callback's type is and what it is called: the product, and the name.
pub(crate) type Homes = BTreeMap<&'static str, (Product, String)>;

/// Whether a product's callbacks come in an envelope, so that their types are those of `xinqiao-message`.
pub(crate) fn in_envelope(events: &Events) -> bool {
    !events.events.is_empty()
        && events
            .events
            .iter()
            .all(|event| event.kind != EventKind::Notify)
}

/// All products that push in an envelope, with the events of several in the first of them.
struct Merged {
    types: BTreeMap<Product, Vec<TypeDef>>,
    events: BTreeMap<Product, Vec<Event>>,
    homes: Homes,
}

/// The home of every callback that comes in an envelope.
pub(crate) fn homes(catalog: &Catalog) -> Result<Homes> {
    Ok(merge(catalog)?.homes)
}

fn merge(catalog: &Catalog) -> Result<Merged> {
    let mut out = Merged {
        types: BTreeMap::new(),
        events: BTreeMap::new(),
        homes: Homes::new(),
    };
    let mut first: BTreeMap<&'static str, Product> = BTreeMap::new();
    for (product, events) in catalog.events.iter().filter(|(_, e)| in_envelope(e)) {
        let Some(section) = catalog.sections.get(product) else {
            continue;
        };
        out.types.insert(*product, section.types.clone());
        let mut own = Vec::new();
        for event in &events.events {
            let event = outside_group_left_out(event, &section.types);
            let rest = event.id.split_once('.').map_or(event.id, |(_, rest)| rest);
            let home = first.get(rest).copied();
            let Some(home) = home.filter(|_| event.kind != EventKind::Reply) else {
                first.insert(rest, *product);
                out.homes.insert(event.id, (*product, event_type(&event)));
                own.push(event);
                continue;
            };
            let types = out.types.entry(home).or_default();
            let Some(there) = out.events.get_mut(&home).and_then(|events| {
                events
                    .iter_mut()
                    .find(|other| other.id.split_once('.').map(|(_, rest)| rest) == Some(rest))
            }) else {
                bail!("{} has no home", event.id);
            };
            add(
                types,
                &mut there.shape,
                &section.types,
                &event.shape,
                event.id,
            )?;
            out.homes.insert(event.id, (home, event_type(there)));
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
    types: &mut Vec<TypeDef>,
    shape: &mut Shape,
    other_types: &[TypeDef],
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
            new.ty = import(types, other_types, &new.ty, owner)?;
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
        if kind(known) != kind(new) {
            bail!(
                "{owner}: `{}` is {} here and {} elsewhere",
                new.name,
                kind(new),
                kind(known)
            );
        }
        if let (Some(mine), Some(its)) = (known.ty.named(), new.ty.named()) {
            join(types, mine, other_types, its, owner)?;
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

fn join(
    types: &mut Vec<TypeDef>,
    mine: TypeId,
    other_types: &[TypeDef],
    its: TypeId,
    owner: &str,
) -> Result<()> {
    let (Some(known), Some(other)) = (
        types.get(mine.0 as usize).map(|ty| ty.shape.clone()),
        other_types.get(its.0 as usize),
    ) else {
        return Ok(());
    };
    let mut shape = known;
    add(types, &mut shape, other_types, &other.shape, owner)?;
    types[mine.0 as usize].shape = shape;
    Ok(())
}

/// A type of one product among those of another: the one of that name, or a copy.
fn import(
    types: &mut Vec<TypeDef>,
    other_types: &[TypeDef],
    ty: &TypeRef,
    owner: &str,
) -> Result<TypeRef> {
    Ok(match ty {
        TypeRef::List(inner) => TypeRef::List(Box::new(import(types, other_types, inner, owner)?)),
        TypeRef::Map(inner) => TypeRef::Map(Box::new(import(types, other_types, inner, owner)?)),
        TypeRef::Named(id) => {
            let Some(other) = other_types.get(id.0 as usize) else {
                return Ok(ty.clone());
            };
            let known = types
                .iter()
                .position(|ty| ty.module == other.module && ty.name == other.name);
            let at = TypeId(known.unwrap_or(types.len()) as u32);
            if known.is_some() {
                join(types, at, other_types, *id, owner)?;
            } else {
                let mut copy = other.clone();
                copy.shape.fields.clear();
                types.push(copy);
                let mut fields = other.shape.fields.clone();
                for field in &mut fields {
                    field.ty = import(types, other_types, &field.ty, owner)?;
                }
                types[at.0 as usize].shape.fields = fields;
            }
            TypeRef::Named(at)
        }
        plain => plain.clone(),
    })
}

impl Writer<'_> {
    /// Whether a field is a list, or a group that holds nothing else.
    pub(super) fn is_list(&self, field: &Field) -> bool {
        let of = |ty: &TypeRef| matches!(ty, TypeRef::List(_));
        let group = field.ty.named().filter(|_| !of(&field.ty));
        let group = group.and_then(|id| self.types.get(id.0 as usize));
        field.numbered
            || of(&field.ty)
            || group.is_some_and(|group| matches!(&*group.shape.fields, [only] if of(&only.ty)))
    }

    pub(super) fn pushed_type(&mut self, id: TypeId, ty: &TypeDef) -> String {
        self.pushed = true;
        let out = self.type_def(id, ty);
        self.pushed = false;
        out
    }

    /// `ids`: what the callback is called in other products.
    pub(super) fn event(&mut self, event: &Event, ids: &[&str]) -> String {
        let title = if event.title.is_empty() {
            format!("`{}`.", event.id)
        } else {
            format!("{} ({}).", doc(event.title.en), doc(event.title.zh))
        };
        let mut head = format!("/// {title}\n///\n");
        if !event.trigger.is_empty() {
            let _ = writeln!(head, "/// * When: {}.", doc(event.trigger));
        }
        if !event.reply.is_empty() {
            let _ = writeln!(head, "/// * Answer: {}.", doc(event.reply));
        }
        for url in event.doc.iter().take(1) {
            let _ = writeln!(head, "/// * Source: <{url}>.");
        }
        let ids = std::iter::once(&event.id)
            .chain(ids)
            .map(|id| format!("`{id}`"));
        let ids: Vec<String> = ids.collect();
        let _ = writeln!(head, "/// * Catalog: {}.", ids.join(", "));
        if event.presence {
            head.push_str(
                "///\n/// What is `None` was not changed; what is there and empty was cleared.\n",
            );
        }
        self.pushed = !event.presence;
        let record = self.fields(&[(&event.shape, "")], None, "super::", None, false);
        self.pushed = false;
        record.print(&event_type(event), &head, false)
    }
}

/// The types below some shapes, at any depth.
fn below<'a>(types: &[TypeDef], shapes: impl Iterator<Item = &'a Shape>) -> BTreeSet<u32> {
    let named = |shape: &Shape| -> Vec<u32> {
        let cases = shape.union.iter().flat_map(|union| &union.cases);
        let fields = shape.fields.iter().map(|field| &field.ty);
        fields
            .chain(cases.filter_map(|case| case.ty.as_ref()))
            .chain(&shape.open)
            .filter_map(TypeRef::named)
            .map(|id| id.0)
            .collect()
    };
    let mut todo: Vec<u32> = shapes.flat_map(named).collect();
    let mut seen = BTreeSet::new();
    while let Some(next) = todo.pop() {
        if seen.insert(next)
            && let Some(ty) = types.get(next as usize)
        {
            todo.extend(named(&ty.shape));
        }
    }
    seen
}

/// Writes the types of `xinqiao-message`.
pub(super) fn write(catalog: &Catalog, files: &mut Files) -> Result<()> {
    let merged = merge(catalog)?;
    let root = read::repository().join("crates/xinqiao-message/src/generated");
    let mut top = format!("{HEAD}//! What each product pushes.\n");
    let mut names: BTreeMap<Product, BTreeSet<String>> = BTreeMap::new();
    for (product, events) in &merged.events {
        let types = &merged.types[product];
        let section = Section {
            types: types.clone(),
            ..Section::default()
        };
        let held = Events {
            events: events.clone(),
        };
        let mut writer = Writer::new(catalog, *product, types, users::of(&section, Some(&held)));
        let mut module = Module::default();
        let mut unions = BTreeSet::new();
        let own = names.entry(*product).or_default();
        for at in below(types, events.iter().map(|event| &event.shape)) {
            let ty = &types[at as usize];
            own.insert(ty.name.to_owned());
            module.body.push_str(&writer.pushed_type(TypeId(at), ty));
            if let Some(union) = &ty.shape.union
                && unions.insert(union.name)
            {
                module.body.push_str(&writer.union(union));
            }
        }
        let mut marks: BTreeMap<&str, String> = BTreeMap::new();
        for event in events {
            let (kind, _) = event_place(event);
            let home = (*product, event_type(event));
            let others = merged.homes.iter().filter(|(id, known)| {
                **known == home && event_kind(id) == kind && **id != event.id
            });
            let others: Vec<&str> = others.map(|(id, _)| *id).collect();
            let inner = module.inner.entry(ident(kind)).or_default();
            inner.body.push_str(&writer.event(event, &others));
            let marked = match event.kind {
                EventKind::Message => "MessageBody",
                EventKind::Event | EventKind::Info => "EventBody",
                EventKind::Notify | EventKind::Reply => continue,
            };
            let ids: Vec<String> = std::iter::once(event.id)
                .chain(others)
                .map(|id| format!("\"{id}\""))
                .collect();
            let line = format!("    {marked} {} = {};\n", home.1, ids.join(" | "));
            marks.entry(kind).or_default().push_str(&line);
        }
        for (kind, lines) in marks {
            if let Some(inner) = module.inner.get_mut(&ident(kind)) {
                let _ = write!(inner.body, "\nw::pushed! {{\n{lines}}}\n");
            }
        }
        shared(&merged, *product, catalog, own, &mut module);
        let all = catalog.events.get(product).map_or(&[][..], |e| &e.events);
        let place = |event: &Event| merged.homes.get(event.id).map(|(_, name)| name.clone());
        module.body.push_str(&everything(*product, all, place));
        let mut out = format!(
            "{HEAD}//! What {} pushes (消息推送).\n\nuse xinqiao_wire as w;\n",
            article(*product)
        );
        super::files::module(&mut out, &module, 0, &|inner| {
            about_module(&BTreeMap::new(), &format!("events.{inner}"), *product)
        });
        files.insert(
            root.join(format!("{}.rs", product.name())),
            out.into_bytes(),
        );
        let feature = product.name().replace('_', "-");
        let _ = write!(
            top,
            "\n#[cfg(feature = \"{feature}\")]\npub mod {};\n",
            product.name()
        );
    }
    files.insert(root.with_extension("rs"), top.into_bytes());
    Ok(())
}

fn event_kind(id: &str) -> &str {
    id.split('.').nth(1).unwrap_or_default()
}

/// Re-exports what another product pushes too, with the types it is made of.
fn shared(
    merged: &Merged,
    product: Product,
    catalog: &Catalog,
    own: &mut BTreeSet<String>,
    module: &mut Module,
) {
    let mut from: BTreeMap<(Product, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut parts: BTreeMap<Product, BTreeSet<u32>> = BTreeMap::new();
    for event in catalog.events.get(&product).map_or(&[][..], |e| &e.events) {
        let Some((home, name)) = merged.homes.get(event.id) else {
            continue;
        };
        if *home == product {
            continue;
        }
        let (kind, rest) = event_place(event);
        from.entry((*home, kind)).or_default().insert(name);
        let there = merged.events[home]
            .iter()
            .filter(|other| event_place(other) == (kind, rest));
        let types = below(&merged.types[home], there.map(|event| &event.shape));
        parts.entry(*home).or_default().extend(types);
    }
    for ((home, kind), names) in from {
        let inner = module.inner.entry(ident(kind)).or_default();
        let names: Vec<&str> = names.into_iter().collect();
        let lines = format!(
            "\npub use crate::generated::{}::{}::{{{}}};\n",
            home.name(),
            ident(kind),
            names.join(", ")
        );
        inner.body.insert_str(0, &lines);
    }
    for (home, ids) in parts {
        let names: Vec<&str> = ids
            .into_iter()
            .map(|id| merged.types[&home][id as usize].name)
            .filter(|name| own.insert((*name).to_owned()))
            .collect();
        if !names.is_empty() {
            let line = format!(
                "\npub use crate::generated::{}::{{{}}};\n",
                home.name(),
                names.join(", ")
            );
            module.body.insert_str(0, &line);
        }
    }
}

/// The enumeration of everything that a product pushes in an envelope.
fn everything(
    product: Product,
    events: &[Event],
    name: impl Fn(&Event) -> Option<String>,
) -> String {
    let mut out = format!(
        "\nw::pushes! {{\n    /// Everything that {} pushes; see [`read`].\n    pub enum Push of \"{}\" or crate::Message {{\n",
        article(product),
        product.name()
    );
    for (variant, event) in variants(events, &name) {
        let Some(ty) = name(event) else { continue };
        let _ = writeln!(out, "        /// {}.", title(event));
        let _ = writeln!(
            out,
            "        {variant}({}::{ty}) = \"{}\",",
            ident(event_place(event).0),
            event.id
        );
    }
    out.push_str("    }\n}\n");
    let _ = write!(
        out,
        "\n/// Reads a push: what an envelope held, or what came without one. XML or JSON is told by the bytes.\n///\n\
         /// It never fails: fields without a place are kept in the record's `rest()`, and what has no type here or\n\
         /// cannot be read is [`Push::Other`]. Nothing is verified here: `envelope::open` does, before.\n\
         #[must_use]\n\
         pub fn read(bytes: impl Into<Vec<u8>>) -> Push {{\n    crate::events::read(bytes)\n}}\n"
    );
    out
}

/// Variants with their events: messages first, then events and what comes with an `InfoType`. A name that two want
/// says for the later one which of them it is.
fn variants(events: &[Event], name: impl Fn(&Event) -> Option<String>) -> Vec<(String, &Event)> {
    let mut taken = BTreeSet::from(["Other".to_owned()]);
    let mut out = Vec::new();
    for kind in [
        EventKind::Message,
        EventKind::Event,
        EventKind::Info,
        EventKind::Notify,
    ] {
        for event in events.iter().filter(|event| event.kind == kind) {
            let Some(mut variant) = name(event) else {
                continue;
            };
            if !taken.insert(variant.clone()) {
                variant.push_str(&camel(event_place(event).0));
                taken.insert(variant.clone());
            }
            out.push((variant, event));
        }
    }
    out
}

fn title(event: &Event) -> String {
    if event.title.is_empty() {
        format!("`{}`", event.id)
    } else {
        format!("{} ({})", doc(event.title.en), doc(event.title.zh))
    }
}

fn article(product: Product) -> &'static str {
    match product {
        Product::OfficialAccount => "an official account (公众号)",
        Product::MiniProgram => "a mini program (小程序)",
        Product::OpenPlatform => "a third-party platform (第三方平台)",
        Product::Channels => "Channels (视频号)",
        Product::Work => "WeCom (企业微信)",
        Product::Chatbot => "the chatbot (对话开放平台)",
        _ => "a product",
    }
}

/// The enumeration of a payment product's notices.
pub(super) fn notices(product: Product, events: &[Event]) -> String {
    let mut out = format!(
        "\nw::notices! {{\n    /// Every notice, by what has happened; see [`read`].\n    pub enum Notify of \"{}\" {{\n",
        product.name()
    );
    for (variant, event) in variants(events, |event| Some(event_type(event))) {
        let _ = writeln!(out, "        /// {}.", title(event));
        let _ = writeln!(
            out,
            "        {variant}({}::{}) = \"{}\" on \"{}\" with \"{}\",",
            ident(event_place(event).0),
            event_type(event),
            event.id,
            event.event_type,
            event.when.map_or("", |(name, _)| name)
        );
    }
    out.push_str("    }\n}\n");
    out.push_str(
        "\n/// Reads a notice that was verified: what was opened of it (its resource), XML or JSON.\n///\n\
         /// `event_type` is what it says has happened, empty where it says nothing. It never fails: fields without a\n\
         /// place are kept in the record's `rest()`, and what has no type here is [`Notify::Other`].\n\
         #[must_use]\n\
         pub fn read(event_type: &str, content: &[u8]) -> Notify {\n    Notify::of(event_type, w::event::fields(content))\n}\n",
    );
    out
}
