//! What the simulator's behaviours answer, as far as their source tells it: the form, and the names of what they spell
//! out. Values are held against the schema when they are answered, in every test; that the door does so stands here, too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use xinqiao_catalog::{self as catalog, Answer, Content, Endpoint, MisfitKind, Product};

use super::rooms::{Declared, SIMULATOR, behaviours, called, functions};
use super::sources::{Kind, Source};

/// Where answers are written, and what holds them against the catalog there.
const DIALECT: &str = "src/door/dialect.rs";
const HOLDS: &str = "fitting::hold(";
const WRITES: &str = "(self.reply)(";

pub(crate) fn complaints(sources: &[Source]) -> Vec<String> {
    let own = |source: &&Source| {
        let path = source.path.strip_prefix(SIMULATOR);
        source.kind == Kind::Code && path.is_some_and(|path| path.starts_with("src/"))
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(own) {
        found.extend(held(source));
        for declared in behaviours(&source.text).into_iter().flatten() {
            // Whether there is such an endpoint is looked at with its test.
            if let Some(endpoint) = catalog::endpoint(&declared.endpoint) {
                let all = answers(&source.text, &declared, endpoint);
                found.extend(
                    all.iter()
                        .map(|what| format!("{}: {} {what}", source.path, declared.endpoint)),
                );
            }
        }
    }
    found
}

/// The one place where an answer is written must hold it.
fn held(source: &Source) -> Option<String> {
    let code: String = source.code_lines().map(|(_, line)| line).collect();
    let writes = code.matches(WRITES).count();
    let here = source.path.ends_with(DIALECT);
    let fits = if here {
        writes == 1 && code.matches(HOLDS).count() == 1
    } else {
        writes == 0
    };
    (!fits).then(|| {
        format!(
            "{}: an answer is written once, in {DIALECT}, and held against the catalog there",
            source.path
        )
    })
}

/// What a behaviour's source says that its endpoint does not answer.
fn answers(text: &str, declared: &Declared, endpoint: &Endpoint) -> Vec<String> {
    let replies: Vec<&str> = texts(text, &declared.run)
        .into_iter()
        .flat_map(|body| {
            let found = body.match_indices("Reply::");
            found.map(|(at, name)| &body[at + name.len()..])
        })
        .collect();
    let told: Vec<Vec<String>> = replies
        .iter()
        .filter_map(|reply| of_reply(reply, endpoint))
        .collect();
    if told.is_empty() {
        return vec![format!(
            "is answered by {}, whose answer cannot be told",
            declared.run
        )];
    }
    told.into_iter().flatten().collect()
}

/// The text of a function and of those of the same file that it calls.
fn texts<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let all: BTreeMap<&str, Vec<&str>> = functions(&[text]);
    let mut open = vec![name];
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(name) = open.pop() {
        let Some((name, bodies)) = all.get_key_value(name) else {
            continue;
        };
        if !seen.insert(*name) {
            continue;
        }
        for body in bodies {
            found.push(*body);
            let own = called(body).filter(|(_, alone)| *alone);
            open.extend(own.map(|(name, _)| name));
        }
    }
    found
}

/// What is wrong with one reply; nothing if it is none of the simulator's.
fn of_reply(reply: &str, endpoint: &Endpoint) -> Option<Vec<String>> {
    let end = reply.find(|c: char| !c.is_ascii_alphanumeric());
    let form = &reply[..end.unwrap_or(reply.len())];
    let null = Value::Null;
    let suits = |answer: Answer<'_>| answer.suits(endpoint);
    let spoken = suits(Answer::Json(&null)) || suits(Answer::Xml(&null));
    let fits = match form {
        "Acknowledged" => spoken || suits(Answer::Nothing),
        "Json" => spoken,
        "File" => suits(Answer::Bytes),
        "Nothing" => suits(Answer::Nothing),
        "Redirect" | "Page" => false,
        _ => return None,
    };
    if !fits {
        let own = format!("{:?}", endpoint.answer).to_lowercase();
        return Some(vec![format!("answers {own}, not `Reply::{form}`")]);
    }
    Some(match form {
        "Acknowledged" => names(endpoint, &Spelled::default()),
        "Json" => literal(&reply[form.len()..])
            .map(|spelled| names(endpoint, &spelled))
            .unwrap_or_default(),
        _ => Vec::new(),
    })
}

/// What an answer of these fields lacks or has too much.
fn names(endpoint: &Endpoint, spelled: &Spelled<'_>) -> Vec<String> {
    if !matches!(endpoint.answer, Content::Json | Content::Xml) {
        return Vec::new();
    }
    let names = spelled.names.iter();
    let fields: Map<String, Value> = names
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    let value = Value::Object(fields);
    let answer = match endpoint.answer {
        Content::Xml => Answer::Xml(&value),
        _ => Answer::Json(&value),
    };
    // There the dialect repeats some fields of the call.
    let completed = spelled.computed || endpoint.product == Product::PayV2;
    let counts = |kind| match kind {
        MisfitKind::Missing => !completed,
        kind => kind == MisfitKind::Unknown,
    };
    let found = catalog::misfits(endpoint, answer).into_iter();
    found
        .filter(|misfit| counts(misfit.kind))
        .map(|misfit| format!("in what it spells out: {misfit}"))
        .collect()
}

/// An object that is spelled out.
#[derive(Debug, Default)]
struct Spelled<'t> {
    names: Vec<&'t str>,
    /// Whether there are names that are computed.
    computed: bool,
}

/// The names of an object that is spelled out: `(json!({"name": …}))`.
fn literal(text: &str) -> Option<Spelled<'_>> {
    let inside = text.strip_prefix('(')?.trim_start();
    let inside = inside.strip_prefix("json!({")?;
    let mut spelled = Spelled::default();
    let (mut depth, mut at_name, mut text_from) = (0_usize, true, None);
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if let Some(from) = text_from {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    if depth == 0 && at_name {
                        spelled.names.push(&inside[from..at]);
                        at_name = false;
                    }
                    text_from = None;
                }
                _ => {}
            }
            continue;
        }
        match c {
            '"' => text_from = Some(at + 1),
            '{' | '[' | '(' => depth += 1,
            '}' if depth == 0 => return Some(spelled),
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => at_name = true,
            ':' if depth == 0 && at_name => {
                spelled.computed = true;
                at_name = false;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: format!("{SIMULATOR}{path}"),
            text: text.to_owned(),
            kind: Kind::Code,
        }
    }

    fn feature(endpoint: &str, body: &str) -> Vec<String> {
        let text = format!(
            "use x::{{id::official_account as oa, id::pay_v3 as v3}};\nx: &[stateful({endpoint}, \"t\", run)],\n\
             fn run(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {{\n    {body}\n}}\n\
             fn other() -> Verdict {{\n    Ok(Reply::File {{ bytes }})\n}}\n"
        );
        complaints(&[source("src/products/a/b.rs", &text)])
    }

    #[track_caller]
    fn one(found: &[String], what: &str) {
        assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    }

    #[test]
    fn a_behaviour_answers_in_the_form_of_its_endpoint() {
        let tags = "oa::tags::CREATE";
        assert_eq!(feature(tags, "Ok(Reply::Json(answer))"), [""; 0]);
        assert_eq!(
            feature(tags, "TABLE.other(1); Ok(Reply::Json(answer))"),
            [""; 0]
        );
        one(&feature(tags, "other()"), "answers json, not `Reply::File`");
        one(
            &feature(tags, "Ok(Reply::Nothing)"),
            "answers json, not `Reply::Nothing`",
        );
        one(&feature(tags, "elsewhere::made()"), "cannot be told");
        assert_eq!(feature("oa::media::GET", "other()"), [""; 0]);
        assert_eq!(
            feature("v3::pay::transactions::CLOSE", "Ok(Reply::Nothing)"),
            [""; 0]
        );
        one(
            &feature("v3::pay::transactions::CREATE_JSAPI", "Ok(Reply::Nothing)"),
            "not `Reply::Nothing`",
        );
    }

    #[test]
    fn what_is_spelled_out_is_in_the_schema_and_complete() {
        let tags = "oa::tags::CREATE";
        assert_eq!(
            feature(
                tags,
                "Ok(Reply::Json(json!({\"tag\": {\"x\": [1, \"a\"]}})))"
            ),
            [""; 0]
        );
        let found = feature(
            tags,
            "Ok(Reply::Json(\n        json!({\"tags\": 1}),\n    ))",
        );
        assert!(
            found.len() == 2 && found[0].contains("tag is missing"),
            "{found:?}"
        );
        assert!(found[1].contains("tags is not in the schema"), "{found:?}");
        let computed = "Ok(Reply::Json(json!({name: 1, \"more\": a::b})))";
        one(&feature(tags, computed), "more is not in the schema");
        one(&feature(tags, "Ok(Reply::Acknowledged)"), "tag is missing");
        assert_eq!(
            feature("oa::tags::DELETE", "Ok(Reply::Acknowledged)"),
            [""; 0]
        );
    }

    #[test]
    fn the_door_holds_what_it_writes() {
        let holds =
            "fn answer() { let w = (self.reply)(saying, reply); fitting::hold(endpoint, w) }";
        assert_eq!(complaints(&[source(DIALECT, holds)]), [""; 0]);
        one(
            &complaints(&[source(
                DIALECT,
                "fn answer() { (self.reply)(saying, reply) }",
            )]),
            "held against",
        );
        one(
            &complaints(&[source("src/door.rs", holds)]),
            "is written once",
        );
    }
}
