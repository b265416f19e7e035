//! Samples of our own, and one made from every schema.

use serde_json::Value;
use xinqiao_catalog::{Product, endpoints, mock};
use xinqiao_samples::registry;
use xinqiao_wire::Record;

use crate::{index, trip};

/// Every endpoint that the first stage is proven on, in every shape that it can take.
#[test]
fn our_samples_survive() {
    let mut failures = Vec::new();
    for line in include_str!("../testdata/samples.jsonl").lines() {
        let sample: Value = serde_json::from_str(line).expect("a sample is JSON");
        let id = sample["id"].as_str().expect("a sample has an id");
        let make = || -> Box<dyn Record> {
            let made = match sample["kind"].as_str() {
                Some("request") => registry::request(id),
                Some("response") => registry::response(id),
                _ => registry::event(id),
            };
            made.unwrap_or_else(|| panic!("no type for {id}"))
        };
        let trip = match sample["xml"].as_str() {
            Some(xml) => trip::through_xml(make, xml),
            None => trip::through_json(make, &sample["json"].to_string(), &["errcode", "errmsg"]),
        };
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
            for (kind, value) in [("request", request), ("response", answer)] {
                let make = || {
                    let made = match kind {
                        "request" => registry::request(endpoint.id),
                        _ => registry::response(endpoint.id),
                    };
                    made.expect("every endpoint has its types")
                };
                let trip = trip::through_json(make, &value.to_string(), &["errcode", "errmsg"]);
                values += trip.values;
                typed += trip.typed;
                if let Some(reason) = trip.failure {
                    failures.push(format!("{} {kind}: {reason}", endpoint.id));
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

/// The whole sample corpus, where there is one beside the repository.
#[test]
fn the_sample_corpus_survives() {
    let index = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/facts/samples/index.jsonl");
    if !index.exists() {
        println!("SKIP: no sample corpus beside the repository");
        return;
    }
    let report = index::run(&index).expect("the corpus is readable");
    let total: usize = report.projects.values().map(|(_, total)| total).sum();
    assert!(
        report.failures.len() * 200 <= total,
        "{:#?}",
        report.failures
    );
    let (values, typed) = report.values;
    assert!(
        typed * 100 >= values * 99,
        "{typed} of {values} values are typed"
    );
}
