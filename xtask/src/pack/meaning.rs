//! From the glossary to numbers: which entry a field or value gets, each distinct meaning once.
//!
//! A field's own `about` wins. Then, narrowest first: its type, or its part of the endpoint and the endpoint or event;
//! the modules above it, longest first; its file; the product; all products. A value: its enumeration, the product, all.

use std::collections::HashMap;

use xinqiao_catalog::blob::{Events, Meanings, Section};
use xinqiao_catalog::{Enumeration, Meaning, Shape};

use super::{intern, prose};
use crate::names::snake;
use crate::source::Prose;
use crate::source::glossary::{Entry, Glossary, Used};

/// What a union is called in the catalog's files and in Rust.
const UNION: &str = "body";

/// The meanings of one product, numbered in the order in which they are met.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) meanings: Meanings,
    numbers: HashMap<Meaning, u32>,
}

impl Table {
    fn number(&mut self, meaning: Meaning) -> u32 {
        if meaning == Meaning::default() {
            return 0;
        }
        let all = &mut self.meanings.meanings;
        *self.numbers.entry(meaning).or_insert_with(|| {
            all.push(meaning);
            all.len() as u32
        })
    }

    /// What a field says of itself.
    pub(super) fn own(&mut self, about: &Prose) -> u32 {
        self.number(Meaning {
            text: prose(about),
            ..Meaning::default()
        })
    }
}

fn meaning(entry: &Entry) -> Meaning {
    Meaning {
        text: prose_of(&entry.zh, &entry.en),
        unit: intern(&entry.unit),
        format: intern(&entry.format),
        example: intern(&entry.example),
        from: prose(&entry.from),
    }
}

fn prose_of(zh: &str, en: &str) -> xinqiao_catalog::Text {
    xinqiao_catalog::Text {
        zh: intern(zh),
        en: intern(en),
    }
}

/// Looks entries up, and notes which were found.
pub(super) struct Book<'a> {
    pub(super) common: &'a Glossary,
    pub(super) product: &'a Glossary,
    pub(super) used: &'a mut Used,
    pub(super) used_common: &'a mut Used,
}

impl<'a> Book<'a> {
    fn field(&mut self, scopes: &[String], name: &str) -> Option<&'a Entry> {
        let name = snake(name);
        for scope in scopes {
            if let Some(entry) = self.product.at.get(scope).and_then(|at| at.get(&name)) {
                self.used.insert(("at", scope.clone(), name));
                return Some(entry);
            }
        }
        for (glossary, used) in [
            (self.product, &mut *self.used),
            (self.common, &mut *self.used_common),
        ] {
            if let Some(entry) = glossary.fields.get(&name) {
                used.insert(("fields", String::new(), name));
                return Some(entry);
            }
        }
        None
    }

    fn value(&mut self, scope: &str, value: &str) -> Option<&'a Entry> {
        let at = self.product.values_at.get(scope);
        if let Some(entry) = at.and_then(|at| at.get(value)) {
            let found = ("values_at", scope.to_owned(), value.to_owned());
            self.used.insert(found);
            return Some(entry);
        }
        for (glossary, used) in [
            (self.product, &mut *self.used),
            (self.common, &mut *self.used_common),
        ] {
            if let Some(entry) = glossary.values.get(value) {
                used.insert(("values", String::new(), value.to_owned()));
                return Some(entry);
            }
        }
        None
    }
}

/// Scopes in which an entry for a field may stand, narrowest first.
pub(crate) fn scopes(narrow: &[String], module: &str, file: &str) -> Vec<String> {
    let mut out = narrow.to_vec();
    let mut above = module;
    while !above.is_empty() {
        out.push(above.to_owned());
        above = above.rsplit_once('.').map_or("", |(above, _)| above);
    }
    if !out.iter().any(|scope| scope == file) {
        out.push(file.to_owned());
    }
    out
}

/// The scopes of a part of an endpoint.
pub(crate) fn endpoint_scopes(id: &str, part: &str, module: &str, file: &str) -> Vec<String> {
    scopes(&[format!("{id}:{part}"), id.to_owned()], module, file)
}

/// The scopes of an event.
pub(crate) fn event_scopes(id: &str, file: &str) -> Vec<String> {
    endpoint_scopes(id, "fields", "events", file)
}

/// The scopes of a named type.
pub(crate) fn type_scopes(name: &str, file: &str) -> Vec<String> {
    scopes(&[format!("{file}.{name}")], file, file)
}

/// An id within its product.
pub(crate) fn within(id: &str) -> &str {
    id.split_once('.').map_or(id, |(_, rest)| rest)
}

/// The name under which an enumeration's values have a scope.
pub(crate) fn enum_scope(known: &Enumeration) -> String {
    let file = if known.module.is_empty() {
        "types"
    } else {
        known.module
    };
    format!("{file}.{}", known.name)
}

/// Gives every field and value of a product its number.
pub(super) fn attach(
    section: &mut Section,
    events: &mut Events,
    type_files: &[String],
    endpoint_files: &super::EndpointFiles,
    book: &mut Book<'_>,
    table: &mut Table,
) {
    for endpoint in &mut section.endpoints {
        let file = endpoint_files.get(endpoint.id).map_or("", String::as_str);
        for (part, shape) in [
            ("path", &mut endpoint.path_params),
            ("query", &mut endpoint.query),
            ("headers", &mut endpoint.headers),
            ("request", &mut endpoint.request),
            ("response", &mut endpoint.response),
        ] {
            let scopes = endpoint_scopes(within(endpoint.id), part, endpoint.module, file);
            fields(shape, &scopes, book, table);
        }
    }
    for (ty, file) in section.types.iter_mut().zip(type_files) {
        fields(&mut ty.shape, &type_scopes(ty.name, file), book, table);
    }
    for event in &mut events.events {
        let scopes = event_scopes(within(event.id), "events");
        fields(&mut event.shape, &scopes, book, table);
    }
    for known in &mut section.enums {
        let scope = enum_scope(known);
        for value in &mut known.values {
            let entry = book.value(&scope, value.value);
            value.meaning = entry.map_or(0, |entry| table.number(meaning(entry)));
        }
    }
}

fn fields(shape: &mut Shape, scopes: &[String], book: &mut Book<'_>, table: &mut Table) {
    for field in shape.fields.iter_mut().filter(|field| field.meaning == 0) {
        let entry = book.field(scopes, field.name);
        field.meaning = entry.map_or(0, |entry| table.number(meaning(entry)));
    }
    if let Some(union) = &mut shape.union {
        let entry = book.field(scopes, UNION);
        union.meaning = entry.map_or(0, |entry| table.number(meaning(entry)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_entry_counts() {
        let glossary: Glossary = toml::from_str(
            r#"
            [fields]
            a = { zh = "product" }
            b = { zh = "product" }
            [at."pay"]
            a = { zh = "module" }
            [at."pay.orders"]
            a = { zh = "longer module" }
            [at."pay.orders.get"]
            a = { zh = "endpoint" }
            [at."pay.orders.get:response"]
            a = { zh = "part" }
            [at."pay.Order"]
            a = { zh = "type" }
            [at."events"]
            a = { zh = "events" }
            [at."events.notify.paid"]
            a = { zh = "never" }
            [at."notify.paid"]
            b = { zh = "event" }
            [values]
            OK = { zh = "product" }
            [values_at."pay.State"]
            OK = { zh = "enum" }
            "#,
        )
        .unwrap();
        let common: Glossary = toml::from_str(
            r#"
            [fields]
            b = { zh = "common" }
            c_d = { zh = "common" }
            [values]
            OK = { zh = "common" }
            NO = { zh = "common" }
            "#,
        )
        .unwrap();
        let (mut used, mut used_common) = (Used::new(), Used::new());
        let mut book = Book {
            common: &common,
            product: &glossary,
            used: &mut used,
            used_common: &mut used_common,
        };
        let part = |part: &str| endpoint_scopes("pay.orders.get", part, "pay.orders", "pay");
        for (scopes, name, want) in [
            (part("response"), "a", "part"),
            (part("request"), "a", "endpoint"),
            (
                endpoint_scopes("pay.orders.close", "request", "pay.orders", "pay"),
                "a",
                "longer module",
            ),
            (
                endpoint_scopes("pay.bills.get", "request", "pay.bills", "pay"),
                "a",
                "module",
            ),
            // Small modules share a file: it counts behind the module.
            (
                endpoint_scopes("x.get", "request", "x", "pay"),
                "a",
                "module",
            ),
            (
                endpoint_scopes("x.get", "request", "x", "base"),
                "a",
                "product",
            ),
            (type_scopes("Order", "pay"), "a", "type"),
            (type_scopes("Other", "pay"), "a", "module"),
            (event_scopes("notify.paid", "events"), "a", "events"),
            (event_scopes("notify.paid", "events"), "b", "event"),
            (event_scopes("notify.other", "events"), "b", "product"),
            (part("request"), "cD", "common"),
            (part("request"), "unknown", ""),
        ] {
            let found = book.field(&scopes, name).map_or("", |entry| &entry.zh);
            assert_eq!(found, want, "{name} in {scopes:?}");
        }
        for (scope, value, want) in [
            ("pay.State", "OK", "enum"),
            ("pay.Other", "OK", "product"),
            ("pay.State", "NO", "common"),
            ("pay.State", "WHAT", ""),
        ] {
            let found = book.value(scope, value).map_or("", |entry| &entry.zh);
            assert_eq!(found, want, "{value} of {scope}");
        }
        let never = ("at", "events.notify.paid".to_owned(), "a".to_owned());
        assert!(!used.contains(&never) && !used.is_empty());
        assert!(used_common.contains(&("fields", String::new(), "c_d".to_owned())));
        assert!(!used_common.contains(&("fields", String::new(), "b".to_owned())));
    }

    #[test]
    fn equal_meanings_are_stored_once() {
        let mut table = Table::default();
        let text = |zh: &str| Prose {
            zh: zh.into(),
            en: "x".into(),
        };
        assert_eq!(table.own(&Prose::default()), 0);
        assert_eq!((table.own(&text("a")), table.own(&text("b"))), (1, 2));
        assert_eq!(table.own(&text("a")), 1);
        assert_eq!(table.meanings.meanings.len(), 2);
    }
}
