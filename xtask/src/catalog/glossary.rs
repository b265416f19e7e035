//! What the glossary must be: every entry used, in both languages, and none that only repeats a name.

use std::collections::BTreeSet;

use xinqiao_catalog::Product;

use crate::names::snake;
use crate::pack::Catalog;
use crate::pack::meaning::{endpoint_scopes, enum_scope, event_scopes, type_scopes, within};
use crate::source::glossary::{Entry, Glossary, Used};

/// Longest texts, in characters.
const LONGEST: [usize; 2] = [90, 200];

/// Words that explain nothing.
const EMPTY: &[&str] = &[
    "the", "a", "an", "of", "this", "that", "its", "it", "is", "in", "to", "for", "whether",
    "list", "code", "id", "value", "name",
];

/// Complains of everything that is wrong with the glossary.
pub(super) fn check(catalog: &Catalog, complaints: &mut Vec<String>) {
    let none = Used::new();
    let used = |product: Option<Product>| catalog.used.get(&product).unwrap_or(&none);
    one("common", &catalog.glossaries.common, used(None), complaints);
    for (product, glossary) in &catalog.glossaries.products {
        let known = scopes(catalog, *product);
        for scope in glossary.at.keys().filter(|scope| !known.contains(*scope)) {
            complaints.push(format!(
                "glossary {product}: `{scope}` is no module, endpoint, event or type"
            ));
        }
        let section = catalog.sections.get(product);
        let enums = section.into_iter().flat_map(|section| &section.enums);
        let enums: BTreeSet<String> = enums.map(enum_scope).collect();
        for scope in glossary
            .values_at
            .keys()
            .filter(|scope| !enums.contains(*scope))
        {
            complaints.push(format!("glossary {product}: `{scope}` is no enum"));
        }
        one(product.name(), glossary, used(Some(*product)), complaints);
    }
}

fn one(owner: &str, glossary: &Glossary, used: &Used, complaints: &mut Vec<String>) {
    for (table, scope, name, entry) in glossary.entries() {
        let key = (table, scope.to_owned(), name.to_owned());
        let is_field = matches!(table, "fields" | "at");
        let mut all = faults(name, entry, is_field);
        if is_field && name != snake(name) {
            all.push(format!("the key is `{}`", snake(name)));
        }
        if !used.contains(&key) {
            all.push("never used".to_owned());
        }
        let place = if scope.is_empty() { table } else { scope };
        for fault in all {
            complaints.push(format!("glossary {owner}: {place} {name}: {fault}"));
        }
    }
}

/// What is wrong with an entry itself.
fn faults(name: &str, entry: &Entry, is_field: bool) -> Vec<String> {
    let mut out = Vec::new();
    if entry.zh.is_empty() || entry.en.is_empty() {
        out.push("needs zh and en".to_owned());
        return out;
    }
    let shortest = if is_field { 3 } else { 2 };
    if entry.zh.chars().count() < shortest {
        out.push("too short".to_owned());
    }
    for (text, longest) in [&entry.zh, &entry.en].into_iter().zip(LONGEST) {
        if text.chars().count() > longest {
            out.push(format!("longer than {longest}"));
        }
        if text.ends_with(['。', '.', '；', ';']) {
            out.push("no stop at the end".to_owned());
        }
    }
    if !entry.zh.chars().any(is_chinese) {
        out.push("no Chinese in zh".to_owned());
    }
    if quoted_out(&entry.en).chars().any(is_chinese) {
        out.push("Chinese in en".to_owned());
    }
    if entry.from.zh.is_empty() != entry.from.en.is_empty() {
        out.push("`from` needs zh and en".to_owned());
    }
    if is_field && is_echo(name, &entry.en) {
        out.push(format!("says only its name: {}", entry.en));
    }
    out
}

fn is_chinese(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}')
}

/// The text without what is quoted in it: words of the platform's pages, code.
fn quoted_out(text: &str) -> String {
    let mut out = String::new();
    let mut until = None;
    for character in text.chars() {
        let closes = match character {
            '(' => Some(')'),
            '“' => Some('”'),
            '「' => Some('」'),
            '《' => Some('》'),
            '`' => Some('`'),
            _ => None,
        };
        match (until, closes) {
            (Some(end), _) if character == end => until = None,
            (Some(_), _) => {}
            (None, Some(end)) => until = Some(end),
            (None, None) => out.push(character),
        }
    }
    out
}

/// Whether every word of the text stands in the name already.
pub(super) fn is_echo(name: &str, text: &str) -> bool {
    let flat = name.replace('_', "");
    text.to_ascii_lowercase()
        .split(|letter: char| !letter.is_ascii_lowercase() && !letter.is_ascii_digit())
        .filter(|word| !word.is_empty() && !EMPTY.contains(word))
        .all(|word| flat.contains(word) || flat.contains(word.trim_end_matches('s')))
}

/// Every scope in which an entry may stand.
fn scopes(catalog: &Catalog, product: Product) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let Some(section) = catalog.sections.get(&product) else {
        return out;
    };
    for endpoint in &section.endpoints {
        let file = catalog
            .endpoint_files
            .get(endpoint.id)
            .map_or("", String::as_str);
        for (part, shape) in endpoint.shapes() {
            if !shape.fields.is_empty() || shape.union.is_some() {
                let id = within(endpoint.id);
                out.extend(endpoint_scopes(id, part, endpoint.module, file));
            }
        }
    }
    let files = catalog.type_files.get(&product).into_iter().flatten();
    for (ty, file) in section.types.iter().zip(files) {
        out.extend(type_scopes(ty.name, file));
    }
    for event in catalog
        .events
        .get(&product)
        .into_iter()
        .flat_map(|all| &all.events)
    {
        out.extend(event_scopes(within(event.id), "events"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(zh: &str, en: &str) -> Entry {
        Entry {
            zh: zh.to_owned(),
            en: en.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn a_text_that_repeats_the_name_is_an_echo() {
        for (name, text, echo) in [
            ("create_time", "Create time", true),
            ("order_id", "The id of this order", true),
            ("orders", "List of orders", true),
            (
                "create_time",
                "When the order was made, Unix seconds",
                false,
            ),
            ("id", "Number that the platform gave the tag", false),
        ] {
            assert_eq!(is_echo(name, text), echo, "{name}: {text}");
        }
    }

    #[test]
    fn each_rule_of_the_glossary_can_be_broken() {
        let check = |entry: &Entry, want: &str| {
            let found = faults("order_id", entry, true).join("; ");
            assert_eq!(found, want, "{entry:?}");
        };
        check(
            &entry("商户自己的单号", "Number that the merchant gave it"),
            "",
        );
        check(&entry("商户自己的单号", ""), "needs zh and en");
        check(
            &entry("单号", "Number that the merchant gave it"),
            "too short",
        );
        check(
            &entry("商户自己的单号。", "Number that the merchant gave it"),
            "no stop at the end",
        );
        check(
            &entry("商户自己的单号", "Number that the merchant gave it."),
            "no stop at the end",
        );
        check(
            &entry("its own", "Number that the merchant gave it"),
            "no Chinese in zh",
        );
        check(
            &entry("商户自己的单号", "Number 单号 of the merchant"),
            "Chinese in en",
        );
        check(
            &entry("商户自己的单号", "Number (单号) of the merchant"),
            "",
        );
        check(
            &entry("商户自己的单号", &"Number ".repeat(40)),
            "longer than 200",
        );
        check(
            &entry("商户自己的单号", "Order id"),
            "says only its name: Order id",
        );
        let mut half = entry("商户自己的单号", "Number that the merchant gave it");
        half.from.en = "The order".to_owned();
        check(&half, "`from` needs zh and en");
    }
}
