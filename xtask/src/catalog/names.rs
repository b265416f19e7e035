//! Names that people read: words apart, no longer than a line bears, nothing said twice, no grammar of paths.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xinqiao_catalog::{Shape, TypeDef};

use crate::codegen::rust::{field_name, variants};
use crate::names::{camel, snake, words};
use crate::pack::Catalog;

/// Longest name of a type or field.
const LONGEST: usize = 32;

/// Parts of a name that say nothing of what is meant.
const EMPTY: &[&str] = &["inner"];

/// How often each rule is broken.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Longer than [`LONGEST`].
    pub(super) long: BTreeSet<String>,
    /// With a part that the list of words can't split.
    pub(super) together: BTreeSet<String>,
    /// Any other rule, with what is wrong.
    pub(super) other: BTreeSet<String>,
}

/// What is wrong with the names of the catalog.
pub(super) fn faults(catalog: &Catalog) -> Faults {
    let mut out = Faults::default();
    for section in catalog.sections.values() {
        for endpoint in &section.endpoints {
            out.name(endpoint.id, &camel(endpoint.verb));
            for part in endpoint.id.split('.') {
                out.words(endpoint.id, part);
            }
            if endpoint.verb.starts_with("by_") {
                out.other
                    .insert(format!("{}: a parameter is no verb", endpoint.id));
            }
            for (_, shape) in endpoint.shapes() {
                out.fields(endpoint.id, shape);
            }
        }
        for known in &section.enums {
            let place = format!("{}::{}", known.module, known.name);
            out.name(&place, known.name);
            out.words(&place, &snake(known.name));
            let same = |ty: &TypeDef| ty.module == known.module && ty.name == known.name;
            if section.types.iter().any(same) {
                out.other
                    .insert(format!("{place}: an enum has the name of a type"));
            }
            for (variant, value) in variants(known).iter().zip(&known.values) {
                let place = format!("{place} {}", value.value);
                if variant.len() > LONGEST {
                    out.long.insert(format!("{place}: {variant}"));
                }
                out.splits(&place, &snake(value.value));
            }
        }
        for ty in &section.types {
            let place = format!("{}::{}", ty.module, ty.name);
            out.name(&place, ty.name);
            out.words(&place, &snake(ty.name));
            out.fields(&place, &ty.shape);
        }
    }
    for section in catalog.events.values() {
        for event in &section.events {
            out.name(event.id, event.rust);
            out.splits(event.id, event.id);
            out.fields(event.id, &event.shape);
        }
    }
    out
}

impl Faults {
    fn fields(&mut self, place: &str, shape: &Shape) {
        for field in &shape.fields {
            let name = field_name(field);
            let place = format!("{place} {}", field.name);
            if name.len() > LONGEST {
                self.long.insert(format!("{place}: {name}"));
            }
            self.words(&place, name.trim_end_matches('_'));
        }
    }

    fn name(&mut self, place: &str, rust: &str) {
        if rust.len() > LONGEST {
            self.long.insert(format!("{place}: {rust}"));
        }
        let snaked = snake(rust);
        let parts: Vec<&str> = snaked.split('_').collect();
        let doubled = (1..=parts.len() / 2).any(|length| {
            parts
                .windows(2 * length)
                .any(|both| both[..length] == both[length..])
        });
        if doubled {
            self.other
                .insert(format!("{place}: {rust} says a word twice"));
        }
        if let Some(empty) = parts.iter().find(|part| EMPTY.contains(part)) {
            self.other
                .insert(format!("{place}: `{empty}` in {rust} says nothing"));
        }
        if rust.starts_with("By") {
            self.other
                .insert(format!("{place}: {rust} begins like a path"));
        }
    }

    /// Ids of callbacks and values keep the wire's spelling; it must only be possible to split them.
    fn splits(&mut self, place: &str, name: &str) {
        for part in name.split(['.', '_']) {
            if words(part).is_none() {
                self.unknown(place, part);
            }
        }
    }

    fn unknown(&mut self, place: &str, part: &str) {
        self.together
            .insert(format!("{place}: `{part}` is not in words.txt"));
    }

    fn words(&mut self, place: &str, snaked: &str) {
        for part in snaked.split('_').filter(|part| !part.is_empty()) {
            match words(part) {
                Some(found) if found.len() == 1 => {}
                Some(found) => {
                    self.together
                        .insert(format!("{place}: `{part}` is `{}`", found.join("_")));
                }
                None => self.unknown(place, part),
            }
        }
    }
}

/// How many names break a rule, with a list of those that run together.
pub(super) fn numbers(catalog: &Catalog) -> Value {
    let faults = faults(catalog);
    json!({
        "over_32_characters": faults.long.len(),
        "run_together": faults.together.len(),
        "run_together_names": faults.together,
        "other": faults.other.len(),
    })
}

/// Names without a fault.
pub(super) fn check(catalog: &Catalog, complaints: &mut Vec<String>) {
    let faults = faults(catalog);
    let long = faults.long.iter();
    let long = long.map(|name| format!("name: longer than {LONGEST}: {name}"));
    let others = faults.together.iter().chain(&faults.other);
    complaints.extend(long.chain(others.map(|fault| format!("name: {fault}"))));
}
