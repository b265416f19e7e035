//! Samples of our own, one made from every schema, and a corpus, as they are and changed.

use std::path::{Path, PathBuf};

use serde_json::Value;
use xinqiao_catalog::{Product, endpoints, mock};
use xinqiao_samples::index::{self, Kind};
use xinqiao_samples::{registry, trip};

use crate::mutated;

/// Every endpoint that the first stage is proven on, in every shape that it can take.
#[test]
fn our_samples_survive() {
    let mut failures = Vec::new();
    for line in include_str!("../../testdata/samples.jsonl").lines() {
        let sample: Value = serde_json::from_str(line).expect("a sample is JSON");
        let id = sample["id"].as_str().expect("a sample has an id");
        let kind = match sample["kind"].as_str() {
            Some("request") => Kind::Request,
            Some("response") => Kind::Response,
            _ => Kind::Event,
        };
        let text = match sample["xml"].as_str() {
            Some(xml) => xml.to_owned(),
            None => sample["json"].to_string(),
        };
        let make = || registry::find(kind, id);
        let trip = trip::through(&make, text.as_bytes(), &["errcode", "errmsg"]);
        let trip = trip.unwrap_or_else(|| panic!("no type for {id}"));
        if let Some(reason) = trip.failure {
            failures.push(format!("{id}: {reason}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the schema describes, the generated type holds: without keep-raw, every value of a made-up request and
/// answer of each of the endpoints is in a typed slot.
#[test]
fn every_type_holds_what_its_schema_says() {
    let (mut values, mut typed, mut failures) = (0, 0, Vec::new());
    for product in Product::ALL {
        for endpoint in endpoints(product) {
            let request = mock::sample(product, &endpoint.request, 1);
            let answer = mock(endpoint, 1, &Value::Null);
            for (kind, value) in [(Kind::Request, request), (Kind::Response, answer)] {
                let make = || registry::find(kind, endpoint.id);
                let text = value.to_string();
                let trip = trip::through(&make, text.as_bytes(), &["errcode", "errmsg"])
                    .expect("every endpoint has its types");
                values += trip.values;
                typed += trip.typed;
                if let Some(reason) = trip.failure {
                    failures.push(format!("{} {kind:?}: {reason}", endpoint.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        typed * 1000 >= values * 995,
        "{typed} of {values} values are typed"
    );
}

/// Whatever the platform makes of a value, nothing gets lost.
#[test]
fn changed_samples_survive() {
    let mut failures = Vec::new();
    for line in include_str!("../../testdata/samples.jsonl").lines() {
        let sample: Value = serde_json::from_str(line).expect("a sample is JSON");
        let id = sample["id"].as_str().expect("a sample has an id");
        let kind = match sample["kind"].as_str() {
            Some("request") => Kind::Request,
            Some("response") => Kind::Response,
            _ => Kind::Event,
        };
        if sample["xml"].is_null() {
            survive(kind, id, id, &sample["json"], &mut failures);
        }
    }
    for product in Product::ALL {
        for endpoint in endpoints(product) {
            let request = mock::sample(product, &endpoint.request, 1);
            survive(
                Kind::Request,
                endpoint.id,
                endpoint.id,
                &request,
                &mut failures,
            );
            let answer = mock(endpoint, 1, &Value::Null);
            survive(
                Kind::Response,
                endpoint.id,
                endpoint.id,
                &answer,
                &mut failures,
            );
        }
    }
    assert!(
        failures.is_empty(),
        "{}: {}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
}

fn survive(kind: Kind, id: &str, shown: &str, value: &Value, failures: &mut Vec<String>) {
    for (way, changed) in mutated::all(value) {
        let make = || registry::find(kind, id);
        let trip = trip::through(&make, changed.to_string().as_bytes(), &[]);
        let trip = trip.expect("every endpoint has its types");
        if let Some(reason) = trip.failure {
            failures.push(format!("{shown} {kind:?}, {way}: {reason}"));
        }
    }
}

/// The index of a sample corpus beside the repository.
fn corpus() -> Option<PathBuf> {
    let index =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/samples/index.jsonl");
    if !index.exists() {
        eprintln!("SKIP: no sample corpus beside the repository");
        return None;
    }
    Some(index)
}

/// The corpus as it is.
#[test]
fn the_sample_corpus_survives() {
    let Some(index) = corpus() else { return };
    let report = index::run(&index, &registry::find).expect("the corpus is readable");
    assert!(report.is_good(), "{report}");
}

/// The corpus with each sample changed in two ways.
#[test]
fn the_changed_sample_corpus_survives() {
    let Some(index) = corpus() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = String::new();
    let given = std::fs::read_to_string(&index).expect("an index");
    for (number, line) in given.lines().enumerate() {
        let mut entry: Value = serde_json::from_str(line).expect("a line is JSON");
        let file = index.with_file_name(entry["file"].as_str().expect("a file"));
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let text = text.trim_start_matches('\u{feff}');
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let mut changed = mutated::all(&value);
        for at in [number, number / 7 + 3] {
            let (way, value) = changed.swap_remove(at % changed.len());
            let name = format!("{way}/{number}.json");
            let path = folder.path().join(&name);
            std::fs::create_dir_all(path.with_file_name("")).expect("a folder");
            std::fs::write(path, value.to_string()).expect("a file");
            entry["file"] = name.into();
            lines.push_str(&entry.to_string());
            lines.push('\n');
        }
    }
    let index = folder.path().join("index.jsonl");
    std::fs::write(&index, lines).expect("a file");
    let report = index::run(&index, &registry::find).expect("the index is readable");
    assert!(
        report.samples().1 > 1000 && report.failures.is_empty(),
        "{report}"
    );
}
