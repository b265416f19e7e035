//! An index of samples: one JSON object a line, files relative to the index.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use xinqiao_catalog::{Endpoint, Event, Method, Product, endpoints, events};
use xinqiao_wire::Record;

use xinqiao_samples::registry;

use crate::trip::{self, Trip};

/// What a run found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Project (first folder of the file) → samples that passed, samples.
    pub(crate) projects: BTreeMap<String, (usize, usize)>,
    /// File and reason.
    pub(crate) failures: Vec<(String, String)>,
    /// Scalar values, and how many typed slots held by themselves.
    pub(crate) values: (usize, usize),
    /// Values that no typed slot held: file kind and place → how many.
    pub(crate) untyped: BTreeMap<String, usize>,
}

/// Runs all samples of an index.
pub(crate) fn run(index: &Path) -> std::io::Result<Report> {
    let folder = index.parent().unwrap_or_else(|| Path::new("."));
    let mut report = Report::default();
    let names = Names::new();
    for line in std::fs::read_to_string(index)?
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let Ok(entry) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let file = text("file");
        let project = file.split('/').next().unwrap_or_default().to_owned();
        let trip = match std::fs::read_to_string(folder.join(&file)) {
            Ok(content) => one(&names, &entry, &file, &content),
            Err(error) => Trip::failed(error.to_string()),
        };
        let counts = report.projects.entry(project).or_default();
        counts.1 += 1;
        match trip.failure {
            None => counts.0 += 1,
            Some(reason) => report.failures.push((file, reason)),
        }
        report.values.0 += trip.values;
        report.values.1 += trip.typed;
        for place in trip.untyped {
            *report.untyped.entry(place).or_default() += 1;
        }
    }
    Ok(report)
}

/// A sample may belong to one of several endpoints with one model: the first that fits counts.
fn one(names: &Names, entry: &Value, file: &str, content: &str) -> Trip {
    let kind = entry["kind"].as_str().unwrap_or_default();
    let family = entry["family"].as_str().unwrap_or_default();
    let mut ids: Vec<String> = Vec::new();
    for key in ["endpoint", "event"] {
        if let Some(id) = entry[key].as_str() {
            ids.push(id.to_owned());
        }
    }
    for also in entry["also"].as_array().into_iter().flatten() {
        ids.extend(also.as_str().map(str::to_owned));
    }
    let mut last = Trip::failed(format!("no type for {family} {ids:?}"));
    for id in ids {
        let envelope = names.envelope(family, &id);
        let found: Option<&'static str> = if matches!(kind, "request" | "response") {
            names.endpoint(family, &id)
        } else {
            names.event(family, &id)
        };
        let Some(known) = found else { continue };
        let make = || -> Box<dyn Record> {
            let made = match kind {
                "request" => registry::request(known),
                "response" => registry::response(known),
                _ => registry::event(known),
            };
            made.unwrap_or_else(|| Box::new(xinqiao_wire::Empty::default()))
        };
        let trip = if file.to_ascii_lowercase().ends_with(".xml") {
            trip::through_xml(make, content)
        } else {
            trip::through_json(make, content, envelope)
        };
        if trip.failure.is_none() {
            return trip;
        }
        last = trip;
    }
    last
}

/// Names of the fact base → catalog ids.
struct Names {
    endpoints: BTreeMap<(String, String), &'static Endpoint>,
    events: BTreeMap<(String, String), &'static Event>,
}

impl Names {
    fn new() -> Names {
        let mut names = Names {
            endpoints: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for product in Product::ALL {
            let family = product.name().replace('_', "-");
            for endpoint in endpoints(product) {
                for name in fact_ids(endpoint) {
                    names
                        .endpoints
                        .entry((family.clone(), name))
                        .or_insert(endpoint);
                }
            }
        }
        for event in events() {
            let family = event.product.name().replace('_', "-");
            let rest = event.id.split_once('.').map_or(event.id, |(_, rest)| rest);
            names.events.insert((family, rest.to_owned()), event);
        }
        names
    }

    fn endpoint(&self, family: &str, id: &str) -> Option<&'static str> {
        let (family, id) = id.split_once(':').unwrap_or((family, id));
        self.endpoints
            .get(&(family.to_owned(), id.to_ascii_lowercase()))
            .map(|endpoint| endpoint.id)
    }

    /// Names of the error envelope of an endpoint's answer.
    fn envelope(&self, family: &str, id: &str) -> &'static [&'static str] {
        let (family, id) = id.split_once(':').unwrap_or((family, id));
        let key = (family.to_owned(), id.to_ascii_lowercase());
        if let Some(names) = self.endpoints.get(&key).and_then(|e| e.envelope.as_ref()) {
            return names;
        }
        match family {
            "pay-v2" => &[
                "return_code",
                "return_msg",
                "result_code",
                "err_code",
                "err_code_des",
            ],
            "pay-v3" | "pay-global" => &["code", "message", "detail"],
            "pay-business" => &["trace_id", "error"],
            _ => &["errcode", "errmsg"],
        }
    }

    fn event(&self, family: &str, id: &str) -> Option<&'static str> {
        let mut parts = id.split('.');
        let head = parts.next().unwrap_or_default();
        let family = if Product::parse(&head.replace('-', "_")).is_some() {
            head
        } else {
            family
        };
        let kind = parts.next().unwrap_or_default();
        let mut rest: Vec<String> = parts.map(snake).collect();
        rest.dedup();
        let name = format!("{kind}.{}", rest.join("_"));
        self.events
            .get(&(family.to_owned(), name))
            .map(|event| event.id)
    }
}

/// How the fact base may call an endpoint: its path with dots, the discriminating value or the method behind it.
fn fact_ids(endpoint: &Endpoint) -> Vec<String> {
    let path: Vec<String> = endpoint
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            match part
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'))
            {
                Some(name) => format!("by_{name}"),
                None => part.to_owned(),
            }
        })
        .collect();
    let path = path.join(".").to_ascii_lowercase();
    let mut out = Vec::new();
    for field in endpoint.query.fields.iter().chain(&endpoint.request.fields) {
        if !field.constant.is_empty() {
            out.push(format!("{path}.{}", field.constant.to_ascii_lowercase()));
        }
    }
    if let Some(when) = endpoint.when {
        out.push(format!("{path}.{}", when.value.to_ascii_lowercase()));
    }
    let method = match endpoint.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    };
    out.push(format!("{path}.{method}"));
    out.push(path);
    out
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            out.push(character.to_ascii_lowercase());
        } else if character.is_ascii_alphanumeric() {
            out.push(character);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_owned()
}
