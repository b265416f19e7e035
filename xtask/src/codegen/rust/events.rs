//! What products push. In an envelope (messages, events): types of `xinqiao-message`, which every product re-exports;
//! one type for all products that push the same. Notices of payments: types of their product.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;
use xinqiao_catalog::blob::Events;
use xinqiao_catalog::{Event, EventKind, Field, Product, Shape, TypeDef, TypeId, TypeRef};

use self::merged::{FILE, Homes, Merged, merge, shared_id};
use super::files::about_module;
use super::text::doc;
use super::{Lints, Module, Stock, Writer, event_module};
use crate::codegen::{Files, HEAD};
use crate::names::camel;
use crate::pack::Catalog;
use crate::source::read;

mod merged;

/// Whether a product's callbacks come in an envelope, so that their types are those of `xinqiao-message`.
pub(crate) fn in_envelope(events: &Events) -> bool {
    !events.events.is_empty()
        && events
            .events
            .iter()
            .all(|event| event.kind != EventKind::Notify)
}

/// The home of every callback that comes in an envelope.
pub(crate) fn homes(catalog: &Catalog) -> Result<Homes> {
    Ok(merge(catalog)?.homes)
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
        record.print(event.rust, &head, false)
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
    let mut merged = merge(catalog)?;
    // What no event is made of is no part of it.
    for (product, events) in &merged.events {
        let Some(parts) = merged.parts.get_mut(product) else {
            continue;
        };
        let types = &mut parts.section.types;
        let made_of = below(types, events.iter().map(|event| &event.shape));
        for (at, ty) in types.iter_mut().enumerate() {
            if !made_of.contains(&(at as u32)) {
                ty.shape = Shape::default();
            }
        }
    }
    let root = read::repository().join("crates/xinqiao-message/src/generated");
    let mut top = format!("{HEAD}//! What each product pushes.\n");
    for (product, events) in &merged.events {
        let text = pushes_of(catalog, &merged, *product, events);
        let file = root.join(format!("{}.rs", product.name()));
        files.insert(file, text.into_bytes());
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

/// The file of what one product pushes.
fn pushes_of(catalog: &Catalog, merged: &Merged, product: Product, events: &[Event]) -> String {
    let parts = &merged.parts[&product];
    let stock = Stock {
        product,
        section: &parts.section,
        events,
        meanings: &parts.meanings,
    };
    let mut writer = Writer::new(stock);
    let mut module = Module::default();
    let mut unions = BTreeSet::new();
    let mut own = BTreeSet::new();
    for (at, ty) in stock.types().iter().enumerate() {
        if ty.shape.is_empty() {
            continue;
        }
        own.insert(ty.name);
        let text = writer.pushed_type(TypeId(at as u32), ty);
        module.body.push_str(&text);
        if let Some(union) = &ty.shape.union
            && unions.insert(union.name)
        {
            module.body.push_str(&writer.union(union));
        }
    }
    for (_, text) in writer.enums.print(stock) {
        module.body.push_str(&text);
    }
    let mut marks: BTreeMap<String, String> = BTreeMap::new();
    for event in events {
        let kind = event_module(event);
        let others = merged.homes.iter().filter(|(id, home)| {
            **home == (product, event.rust)
                && id.split('.').nth(1) == event.id.split('.').nth(1)
                && **id != event.id
        });
        let others: Vec<&str> = others.map(|(id, _)| *id).collect();
        let inner = module.inner.entry(kind.clone()).or_default();
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
        let line = format!("    {marked} {} = {};\n", event.rust, ids.join(" | "));
        marks.entry(kind).or_default().push_str(&line);
    }
    for (kind, lines) in marks {
        if let Some(inner) = module.inner.get_mut(&kind) {
            let _ = write!(inner.body, "\nw::pushed! {{\n{lines}}}\n");
        }
    }
    let all = catalog.events.get(&product);
    let all = all.map_or(&[][..], |all| &all.events);
    shared(merged, product, all, &mut own, &mut module);
    let name = |event: &Event| merged.homes.get(event.id).map(|(_, name)| *name);
    module.body.push_str(&everything(product, all, name));
    let mut out = format!("{HEAD}//! What {} pushes (消息推送).\n", article(product));
    Lints::of(&writer).print(&mut out);
    out.push_str("\nuse xinqiao_wire as w;\n");
    super::files::module(&mut out, &module, 0, &|inner| {
        about_module(&BTreeMap::new(), &format!("{FILE}.{inner}"), product)
    });
    out
}

/// Re-exports what another product pushes too, with the types it is made of.
fn shared(
    merged: &Merged,
    product: Product,
    events: &[Event],
    own: &mut BTreeSet<&'static str>,
    module: &mut Module,
) {
    let mut from: BTreeMap<(Product, String), BTreeSet<&str>> = BTreeMap::new();
    let mut parts: BTreeMap<Product, BTreeSet<u32>> = BTreeMap::new();
    for event in events {
        let Some((home, name)) = merged
            .homes
            .get(event.id)
            .filter(|(home, _)| *home != product)
        else {
            continue;
        };
        let place = (*home, event_module(event));
        from.entry(place).or_default().insert(name);
        let there = merged.events[home].iter();
        let there = there.filter(|other| shared_id(other) == shared_id(event));
        let types = &merged.parts[home].section.types;
        let types = below(types, there.map(|event| &event.shape));
        parts.entry(*home).or_default().extend(types);
    }
    for ((home, kind), names) in from {
        let names: Vec<&str> = names.into_iter().collect();
        let lines = format!(
            "\npub use crate::generated::{}::{kind}::{{{}}};\n",
            home.name(),
            names.join(", ")
        );
        let inner = module.inner.entry(kind).or_default();
        inner.body.insert_str(0, &lines);
    }
    for (home, ids) in parts {
        let names: Vec<&str> = ids
            .into_iter()
            .map(|id| merged.parts[&home].section.types[id as usize].name)
            .filter(|name| own.insert(name))
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
    name: impl Fn(&Event) -> Option<&'static str>,
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
            event_module(event),
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
fn variants(
    events: &[Event],
    name: impl Fn(&Event) -> Option<&'static str>,
) -> Vec<(String, &Event)> {
    let mut taken = BTreeSet::from(["Other".to_owned()]);
    let mut out = Vec::new();
    for kind in [
        EventKind::Message,
        EventKind::Event,
        EventKind::Info,
        EventKind::Notify,
    ] {
        for event in events.iter().filter(|event| event.kind == kind) {
            let Some(name) = name(event) else {
                continue;
            };
            let mut variant = name.to_owned();
            if !taken.insert(variant.clone()) {
                variant.push_str(&camel(&event_module(event)));
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
    for (variant, event) in variants(events, |event| Some(event.rust)) {
        let _ = writeln!(out, "        /// {}.", title(event));
        let _ = writeln!(
            out,
            "        {variant}({}::{}) = \"{}\" on \"{}\" with \"{}\",",
            event_module(event),
            event.rust,
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
