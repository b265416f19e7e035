//! What features declare is whole, and the web side's file says the same. `WRITE_DECLARED=1 cargo test -p
//! xinqiao-simulator declared` writes that file anew.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use super::*;
use crate::{
    door::behaviour::Fidelity,
    kernel::{
        Id,
        declared::{Holds, Shown},
        row::CallbackFacts,
    },
    people::contact::Speaker,
};

const HEAD: &str = "\
// @generated from what the simulator's features declare. Not edited by hand: `WRITE_DECLARED=1 cargo test -p xinqiao-simulator declared` writes it.
import type { Declared } from \"./types\";
";

/// What a field holds, in TypeScript.
fn held(holds: &Value) -> String {
    let simple = match holds.as_str() {
        Some("text" | "picture") => "string",
        Some("number" | "time" | "money") => "number",
        Some("flag") => "boolean",
        Some("any") => "unknown",
        Some(other) => panic!("no type for {other}"),
        None if holds.get("choice").is_some() => "string",
        None => return format!("{}[]", object(&holds["list"])),
    };
    simple.to_owned()
}

fn object(fields: &Value) -> String {
    let fields: Vec<String> = { fields.as_array().unwrap().iter() }
        .map(|field| {
            let mark = if field["optional"] == true { "?" } else { "" };
            let name = field["name"].as_str().unwrap();
            format!("{name}{mark}: {}", held(&field["holds"]))
        })
        .collect();
    if fields.is_empty() {
        "Record<never, never>".to_owned()
    } else {
        format!("{{ {} }}", fields.join("; "))
    }
}

/// The fields of an act with whatever accounts; one that only some of them have may be missing.
fn of_act(with: &Value) -> Value {
    let with = with.as_array().unwrap();
    let mut fields: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    for field in with
        .iter()
        .flat_map(|one| one["fields"].as_array().unwrap())
    {
        let name = field["name"].as_str().unwrap().to_owned();
        fields.entry(name).or_insert((0, field.clone())).0 += 1;
    }
    let merged = fields.into_values().map(|(times, mut field)| {
        if times < with.len() {
            field["optional"] = json!(true);
        }
        field
    });
    merged.collect()
}

fn written() -> String {
    let all = declared();
    let named = |section: &str| all[section].as_object().unwrap();
    let mut text = HEAD.to_owned();
    let interfaces = [
        ("Bubbles", "bubbles", "Fields of the bubbles of each kind."),
        ("Sheets", "sheets", "What each sheet is opened with."),
        (
            "Facts",
            "facts",
            "Facts that a row of the timeline may have.",
        ),
        ("Acts", "acts", "What an act takes besides its account."),
    ];
    for (interface, section, about) in interfaces {
        let _ = write!(text, "\n/** {about} */\nexport interface {interface} {{\n");
        for (name, own) in named(section) {
            let fields = match section {
                "acts" => object(&of_act(own)),
                _ => object(&own["fields"]),
            };
            let _ = writeln!(text, "  {name}: {fields};");
        }
        text.push_str("}\n");
    }
    let unions = [
        ("RowKind", "rows", "What a row of the timeline is about."),
        ("DiagnosisKind", "diagnoses", "Kinds of diagnoses."),
        ("CardName", "cards", "What an account's page shows."),
    ];
    for (union, section, about) in unions {
        let names: Vec<String> = named(section)
            .keys()
            .map(|name| format!("\"{name}\""))
            .collect();
        let _ = write!(
            text,
            "\n/** {about} */\nexport type {union} = {};\n",
            names.join(" | ")
        );
    }
    text.push_str(
        "\n/** The same with the words for people. */\nexport const declared: Declared = {\n",
    );
    for (section, own) in all.as_object().unwrap() {
        let _ = writeln!(text, "  {section}: {{");
        for (name, one) in own.as_object().unwrap() {
            let _ = writeln!(text, "    {name}: {one},");
        }
        text.push_str("  },\n");
    }
    text.push_str("};\n");
    text
}

#[test]
fn the_web_side_knows_what_is_declared() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/api/declared.ts");
    let written = written();
    if std::env::var_os("WRITE_DECLARED").is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let other = kept
        .lines()
        .zip(written.lines())
        .find(|(kept, written)| kept != written);
    assert!(
        kept == written,
        "web/src/api/declared.ts is old: WRITE_DECLARED=1 cargo test -p xinqiao-simulator declared; first difference {other:?}"
    );
}

#[test]
fn a_name_is_declared_once_and_leads_somewhere() {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for shown in house().features.iter().flat_map(|feature| feature.shows) {
        names.push(match shown {
            Shown::Bubble(own) => ("bubble", own.kind),
            Shown::Sheet(own) => ("sheet", own.name),
            Shown::Row(own) => ("row", own.name),
            Shown::Facts(own) => ("facts", own.name),
            Shown::Diagnosis(own) => ("diagnosis", own.name),
            Shown::Card(own) => {
                let known = { house().routes() }
                    .any(|route| (route.method, route.path) == ("GET", own.path));
                assert!(
                    own.path.is_empty() || known,
                    "nothing answers the card {}",
                    own.name
                );
                ("card", own.name)
            }
        });
    }
    let many = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(many, names.len(), "{names:?}");
}

/// The fields of facts that have a type of their own are those of the type.
#[track_caller]
fn check_facts(name: &str, facts: Value) {
    let declared = house().declared.facts[name].fields;
    let declared: Vec<&str> = declared.iter().map(|field| field.name).collect();
    let typed: Vec<&String> = facts.as_object().unwrap().keys().collect();
    assert_eq!(declared, typed);
}

#[test]
fn facts_are_declared_as_they_are_written() {
    check_facts(
        "callback",
        json!(CallbackFacts {
            delivery: String::new(),
            attempt: 1,
            of: 3,
            url: String::new(),
            mode: String::new(),
            msg_type: String::new(),
            event: Some(String::new()),
            msg_id: Some(String::new()),
        }),
    );
    let effects = played(6).apply(asked("/cgi-bin/token", ""), WALL).effects;
    let call = effects.into_iter().find_map(|effect| match effect {
        Effect::Row(row) => (row.make)().call.map(|call| json!(call)),
        _ => None,
    });
    check_facts("call", call.unwrap());
}

#[test]
fn a_word_of_the_timeline_has_a_name_in_both_languages() {
    let words = |name: &str, field: &str| -> Vec<&str> {
        let fields = house().declared.facts[name].fields;
        let field = fields.iter().find(|one| one.name == field).unwrap();
        match field.holds {
            Holds::Choice(all) => all.iter().map(|one| one.word).collect(),
            _ => panic!("{} is no choice", field.name),
        }
    };
    let known = words("call", "fidelity");
    for fidelity in [Fidelity::Stateful, Fidelity::Modelled, Fidelity::Fallback] {
        assert!(known.contains(&fidelity.name()), "{}", fidelity.name());
    }
}

/// The door for bubbles: one of a kind that nobody declares stops every test that meets it.
#[test]
fn a_bubble_that_nobody_declares_stops_the_test() {
    let mut world = played(6);
    let appid: Id = "wxtest".into();
    let openid = people::openid(&world, 1, &appid).unwrap().clone();
    let mut say = |kind: &str| {
        let mut turn = Turn::new(&mut world, WALL);
        let fields = serde_json::Map::from_iter([("content".to_owned(), json!("你好"))]);
        turn.say(&appid, &openid, Speaker::Account, "custom", kind, fields)
    };
    assert!(say("text").is_some());
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| say("unheard")));
    let why = said.unwrap_err().downcast::<String>().unwrap();
    assert!(
        why.contains("nobody declares the bubble `unheard`"),
        "{why}"
    );
}
