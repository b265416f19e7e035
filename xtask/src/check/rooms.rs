//! The rooms of the simulator: who may know whom, that those below the products name none, that what belongs to a feature
//! stands in it, and that each behaviour is proven by a test that makes its call.

use std::collections::{BTreeMap, BTreeSet};

use xinqiao_catalog as catalog;

use super::sources::{Kind, Source};
use crate::names::camel;

pub(super) const SIMULATOR: &str = "crates/xinqiao-simulator/";
const TESTKIT: &str = "crates/xinqiao-testkit/";

/// Rooms from the bottom, those that stand side by side in one line. What is in none of them stands above all.
const ROOMS: [&[&str]; 7] = [
    &["kernel"],
    &["accounts"],
    &["people"],
    &["push", "door"],
    &["products"],
    &["shell"],
    &["control"],
];
/// Rooms that name no product: everything below them.
const PRODUCTS: &str = "products";
/// Schemes that have the name of the interface that they came with.
const CIPHERS: [&str; 2] = ["xinqiao_crypto::pay_v2", "xinqiao_crypto::pay_v3"];
/// Names of products as people say them.
const SPOKEN: [&str; 1] = ["WeCom"];

pub(crate) fn complaints(sources: &[Source]) -> Vec<String> {
    let own: Vec<(&Source, &str)> = sources
        .iter()
        .filter(|source| source.kind == Kind::Code)
        .filter_map(|source| {
            Some((
                source,
                source.path.strip_prefix(SIMULATOR)?.strip_prefix("src/")?,
            ))
        })
        .collect();
    let mut found = Vec::new();
    let products: BTreeSet<&str> = own.iter().filter_map(|(_, path)| product(path)).collect();
    let verbs: BTreeSet<&str> = { own.iter() }
        .filter(|(_, path)| product(path).is_some())
        .flat_map(|(source, _)| verbs(&source.text))
        .collect();
    for (source, path) in &own {
        found.extend(shared(source, path, &verbs));
        found.extend(arrows(source, path));
        found.extend(names(source, path));
        found.extend(neighbours(source, path, &products));
    }
    found.extend(proofs(sources));
    found
}

fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.trim_end_matches(".rs")
}

fn floor(room: &str) -> usize {
    { ROOMS.iter() }
        .position(|rooms| rooms.contains(&room))
        .unwrap_or(ROOMS.len())
}

/// The product whose file this is.
fn product(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("products/")?;
    let first = rest.split('/').next()?.trim_end_matches(".rs");
    (first != "tests").then_some(first)
}

/// Rooms that are used although they are not below.
fn arrows(source: &Source, path: &str) -> Vec<String> {
    let own = room(path);
    let text = code(source);
    let mut found = Vec::new();
    for other in used(&text, "crate::") {
        let known = ROOMS.iter().any(|rooms| rooms.contains(&other));
        if known && other != own && floor(other) >= floor(own) {
            found.push(format!(
                "{}: the room {own} must not know {other}; arrows run down only",
                source.path
            ));
        }
    }
    found
}

/// Products named where none may be.
fn names(source: &Source, path: &str) -> Vec<String> {
    if floor(room(path)) >= floor(PRODUCTS) {
        return Vec::new();
    }
    source
        .code_lines()
        .filter_map(|(at, line)| {
            let name = named(line)?;
            Some(format!(
                "{}:{at}: {} must not name {name}",
                source.path,
                room(path)
            ))
        })
        .collect()
}

fn named(line: &str) -> Option<String> {
    // Kinds of accounts are the accounts' own words, and ciphers are named by those who made them.
    let line = line.replace("AccountKind::MiniProgram", "");
    let line = { CIPHERS.iter() }.fold(line, |line, name| line.replace(name, ""));
    let words: Vec<&str> = line
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    for product in catalog::Product::ALL {
        let snake = product.name();
        let camel = camel(snake);
        let long = snake.contains('_');
        let spelled = words
            .iter()
            .any(|word| long && (*word == snake || word.starts_with(&camel)));
        let chosen =
            line.contains(&format!("Product::{camel}")) || line.contains(&format!("id::{snake}"));
        if spelled || chosen {
            return Some(snake.to_owned());
        }
    }
    SPOKEN
        .iter()
        .find(|name| words.contains(name))
        .map(|name| (*name).to_owned())
}

/// Rooms that ask no switch of their own: in them stands what a switch is, and no more.
const WITHOUT_RULES: [&str; 4] = ["kernel", "accounts", "people", "door"];

/// What a file that all features share has of one of them: then a feature cannot be added without touching it.
fn shared(source: &Source, path: &str, verbs: &BTreeSet<&str>) -> Vec<String> {
    let own = room(path);
    if floor(own) >= floor(PRODUCTS) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in source.code_lines() {
        if WITHOUT_RULES.contains(&own) && line.contains(": Rule = Rule {") {
            let what = "a switch stands in the feature that asks it";
            found.push(format!("{}:{at}: {what}", source.path));
        }
        let texts = line.split('"').skip(1).step_by(2);
        found.extend({ texts.filter(|text| verbs.contains(text)) }.map(|verb| {
            let what = "stands in the feature or product that it belongs to";
            format!("{}:{at}: the act `{verb}` {what}", source.path)
        }));
    }
    found
}

/// The acts that a file declares, those that are not built among them; without words that stand for other things, too.
fn verbs(text: &str) -> Vec<&str> {
    let declared = ["verb: \"", "act(\"", "act(\n            \""];
    let built = declared.into_iter().flat_map(|begin| {
        let rest = text.split(begin).skip(1);
        rest.filter_map(|rest| rest.split('"').next())
    });
    let lacking = { text.split("not_built: &[").skip(1) }
        .filter_map(|rest| rest.split(']').next())
        .flat_map(|list| list.split('"').skip(1).step_by(2));
    built
        .chain(lacking)
        .filter(|verb| !EVERYDAY.contains(verb))
        .collect()
}

/// Acts whose names are everyday words of rows, fields and effects.
const EVERYDAY: [&str; 4] = ["send", "phone", "open", "follow"];

/// Products that know one another.
fn neighbours(source: &Source, path: &str, products: &BTreeSet<&str>) -> Vec<String> {
    let Some(own) = product(path) else {
        return Vec::new();
    };
    let text = code(source);
    used(&text, "crate::products::")
        .filter(|other| *other != own && products.contains(other))
        .map(|other| {
            format!(
                "{}: {own} must not know {other}; let it hear a topic",
                source.path
            )
        })
        .collect()
}

fn code(source: &Source) -> String {
    source
        .code_lines()
        .map(|(_, line)| line.trim().to_owned() + "\n")
        .collect()
}

/// The names that stand behind a path, alone or in the first level of braces.
fn used<'t>(text: &'t str, path: &str) -> impl Iterator<Item = &'t str> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(path) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + path.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && !c.is_whitespace() => {
                    names.insert(word(&inside[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names.into_iter()
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Behaviours whose test does not exist or does not make their call.
pub(super) fn proofs(sources: &[Source]) -> Vec<String> {
    let tests: Vec<&str> = sources
        .iter()
        .filter(|source| {
            source.path.starts_with(TESTKIT)
                || source.path.starts_with(&format!("{SIMULATOR}tests/"))
        })
        .map(|source| source.text.as_str())
        .collect();
    let functions = functions(&tests);
    let mut found = Vec::new();
    let features = format!("{SIMULATOR}src/{PRODUCTS}/");
    for source in { sources.iter() }
        .filter(|source| source.kind == Kind::Code && source.path.starts_with(&features))
    {
        for behaviour in behaviours(&source.text) {
            let Some(Declared {
                endpoint, proof, ..
            }) = behaviour
            else {
                found.push(format!(
                    "{}: a behaviour whose endpoint or test cannot be told",
                    source.path
                ));
                continue;
            };
            let Some(known) = catalog::endpoint(&endpoint) else {
                found.push(format!(
                    "{}: the catalog has no endpoint {endpoint}",
                    source.path
                ));
                continue;
            };
            if !functions.contains_key(proof.as_str()) {
                found.push(format!(
                    "{}: {endpoint} is to be proven by {proof}, which is no test",
                    source.path
                ));
            } else if !calls(&functions, &proof, known.path) {
                found.push(format!(
                    "{}: the test {proof} does not call {}",
                    source.path, known.path
                ));
            }
        }
    }
    found
}

/// A behaviour as its file declares it.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) endpoint: String,
    /// The test that proves it.
    pub(super) proof: String,
    /// Its function.
    pub(super) run: String,
}

/// Each behaviour that a file declares.
pub(super) fn behaviours(text: &str) -> Vec<Option<Declared>> {
    let mut found = Vec::new();
    for call in ["stateful(", "modelled("] {
        for (at, _) in text.match_indices(call) {
            let fresh = text[..at].ends_with([' ', '[']);
            let arguments = text[at + call.len()..]
                .split(')')
                .next()
                .unwrap_or_default();
            let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
            if fresh {
                found.push(behaviour(text, &arguments));
            }
        }
    }
    found
}

fn behaviour(text: &str, arguments: &[&str]) -> Option<Declared> {
    let (alias, constant) = arguments.first()?.split_once("::")?;
    let product = text.split("id::").skip(1).find_map(|rest| {
        let end = rest.find([',', ';', '}', '\n'])?;
        let (product, name) = rest[..end].split_once(" as ")?;
        (name.trim() == alias).then(|| product.trim().to_owned())
    })?;
    let endpoint = format!(
        "{product}.{}",
        constant.replace("::", ".").to_ascii_lowercase()
    );
    let proof = arguments.get(1)?;
    let proof = match proof.strip_prefix('"') {
        Some(text) => text.trim_end_matches('"'),
        None => {
            let declared = format!("const {proof}: &str = \"");
            text.split(&declared).nth(1)?.split('"').next()?
        }
    };
    let run = arguments.get(2)?;
    Some(Declared {
        endpoint,
        proof: proof.to_owned(),
        run: (*run).to_owned(),
    })
}

/// Functions with their text, by name.
pub(super) fn functions<'t>(tests: &[&'t str]) -> BTreeMap<&'t str, Vec<&'t str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for text in tests {
        for (at, _) in text.match_indices("fn ") {
            let rest = &text[at + 3..];
            let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
            let indent = text[line..].len() - text[line..].trim_start().len();
            let end = rest.find(&format!("\n{}}}\n", " ".repeat(indent)));
            found
                .entry(word(rest))
                .or_default()
                .push(&rest[..end.unwrap_or(rest.len())]);
        }
    }
    found
}

/// Names of functions that are called in a text; and whether without a path and on nothing, as those of the same file are.
pub(super) fn called(body: &str) -> impl Iterator<Item = (&str, bool)> {
    body.match_indices('(').map(|(at, _)| {
        let before = &body[..at];
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let start = start.map_or(0, |start| start + 1);
        (&before[start..], !before[..start].ends_with(['.', ':']))
    })
}

/// Whether a test makes a call, itself or by a function that it uses.
fn calls(functions: &BTreeMap<&str, Vec<&str>>, test: &str, path: &str) -> bool {
    // Tests put the beginning of a path into a function of their own.
    let whole = path.trim_start_matches('/');
    let tail = whole.split_once('/').map(|(_, tail)| tail);
    let tail = tail.filter(|tail| tail.contains('/'));
    let ends = [Some(whole), tail].into_iter().flatten();
    let spelled: Vec<String> = std::iter::once(path.to_owned())
        .chain(ends.map(|end| format!("\"{end}")))
        .collect();
    let mut open = vec![(test, 0)];
    let mut seen = BTreeSet::new();
    while let Some((name, depth)) = open.pop() {
        if depth > 2 || !seen.insert(name) {
            continue;
        }
        for body in functions.get(name).into_iter().flatten() {
            let asked = |path: &str| {
                body.match_indices(path).any(|(at, _)| {
                    let next = body[at + path.len()..].chars().next();
                    !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '/')
                })
            };
            if spelled.iter().any(|path| asked(path)) {
                return true;
            }
            let known = called(body).filter(|(name, _)| functions.contains_key(name));
            open.extend(known.map(|(name, _)| (name, depth + 1)));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        let kind = if path.contains("tests/") {
            Kind::Test
        } else {
            Kind::Code
        };
        Source {
            path: format!("{SIMULATOR}{path}"),
            text: text.to_owned(),
            kind,
        }
    }

    #[track_caller]
    fn one(sources: &[Source], what: &str) {
        let found = complaints(sources);
        assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    }

    #[test]
    fn arrows_run_down_only() {
        let fine = "use crate::{\n    kernel::{Id, Table},\n    accounts,\n};\n";
        assert!(complaints(&[source("src/people.rs", fine)]).is_empty());
        one(
            &[source(
                "src/kernel/turn.rs",
                "use crate::accounts::ACCOUNTS;",
            )],
            "must not know accounts",
        );
        one(
            &[source(
                "src/push/x.rs",
                "use crate::{kernel::Id, door::Asked};",
            )],
            "must not know door",
        );
        one(
            &[source("src/door.rs", "let x = crate::products::house();")],
            "must not know products",
        );
    }

    #[test]
    fn rooms_below_the_products_name_none() {
        for text in [
            "let x = Product::Work;",
            "use xinqiao_catalog::id::official_account;",
            "\"official_account.message\"",
            "Speaker::OfficialAccountToEvent",
            "\"a WeCom member\"",
        ] {
            one(&[source("src/push/x.rs", text)], "must not name");
            assert!(complaints(&[source("src/products/x/y.rs", text)]).is_empty());
        }
        let kinds = "use xinqiao_crypto::pay_v3::PrivateKey;\nlet x = AccountKind::MiniProgram; let work = 1;";
        assert!(complaints(&[source("src/accounts.rs", kinds)]).is_empty());
    }

    #[test]
    fn what_belongs_to_a_feature_stands_in_it() {
        let rule = "static NOTICE: Rule = Rule {";
        one(
            &[source("src/accounts/rules.rs", rule)],
            "a switch stands in",
        );
        for path in ["src/push/attempts.rs", "src/products/x/y.rs"] {
            assert!(complaints(&[source(path, rule)]).is_empty(), "{path}");
        }
        for declared in [
            "acts: &[act(\"dance\", &[], dance)],",
            "acts: &[Act { verb: \"dance\", run }],",
            "acts: &[\n        act(\n            \"dance\",\n            &[],\n        ),\n    ],",
            "not_built: &[\"sing\", \"dance\"],",
        ] {
            let feature = source("src/products/x/y.rs", declared);
            let list = source(
                "src/people/act.rs",
                "const NOT_BUILT: &[&str] = &[\"dance\"];",
            );
            one(&[feature, list], "the act `dance` stands in");
        }
    }

    #[test]
    fn products_do_not_know_one_another() {
        let other = source("src/products/work.rs", "");
        let knows = source(
            "src/products/mini_program/x.rs",
            "use crate::products::work;",
        );
        one(&[other, knows], "must not know work");
    }

    #[test]
    fn a_behaviour_has_a_test_that_makes_its_call() {
        let declared = "use x::{id::official_account as oa};\nx: &[stateful(oa::tags::CREATE, MADE, create)],\n\
                        const MADE: &str = \"a_tag_is_made\";\n";
        let feature = || source("src/products/a/tags.rs", declared);
        one(&[feature()], "which is no test");
        let test = |body: &str| {
            let text = format!("async fn a_tag_is_made() {{\n    {body}\n}}\n");
            source("tests/it/tags.rs", &text)
        };
        one(
            &[feature(), test("call(\"/cgi-bin/tags/created\");")],
            "does not call",
        );
        for body in [
            "call(\"/cgi-bin/tags/create?x\");",
            "call(\"tags/create\");",
        ] {
            assert!(complaints(&[feature(), test(body)]).is_empty(), "{body}");
        }
    }
}
