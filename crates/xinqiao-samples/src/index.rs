//! An index of samples: one JSON object a line, files relative to the index.

use std::path::Path;

use serde_json::Value;
use xinqiao_wire::Record;

use crate::names::Names;
use crate::report::Report;
use crate::trip::{self, Trip};

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request's body.
    Request,
    /// An answer.
    Response,
    /// What the platform pushes, or a reply to it.
    Event,
}

impl Kind {
    fn parse(word: &str) -> Option<Kind> {
        Some(match word {
            "request" => Kind::Request,
            "response" => Kind::Response,
            "event" | "info" | "message" | "notify" | "reply" => Kind::Event,
            _ => return None,
        })
    }
}

/// Makes an empty record of a catalog id; nothing if there is no such type.
pub type Make<'a> = &'a dyn Fn(Kind, &str) -> Option<Box<dyn Record>>;

/// Runs all samples of an index. Only an index that cannot be read is an error; everything else is in the report.
pub fn run(index: &Path, make: Make<'_>) -> std::io::Result<Report> {
    let folder = index.parent().unwrap_or_else(|| Path::new("."));
    let mut report = Report::default();
    let names = Names::new();
    let lines = String::from_utf8_lossy(&std::fs::read(index)?).into_owned();
    let lines = lines.trim_start_matches('\u{feff}').lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let (file, trip) = match serde_json::from_str::<Value>(line) {
            Ok(entry) => match entry["file"].as_str() {
                Some(file) => (
                    file.to_owned(),
                    one(&names, &entry, &folder.join(file), make),
                ),
                None => (position(number), Trip::failed("names no file")),
            },
            Err(error) => (
                position(number),
                Trip::failed(format!("is not JSON: {error}")),
            ),
        };
        report.add(file, trip);
    }
    Ok(report)
}

fn position(number: usize) -> String {
    format!("index/line {}", number + 1)
}

impl Report {
    fn add(&mut self, file: String, trip: Trip) {
        let project = file.split('/').next().unwrap_or_default().to_owned();
        let counts = self.projects.entry(project).or_default();
        counts.1 += 1;
        match trip.failure {
            None => counts.0 += 1,
            Some(reason) => self.failures.push((file.clone(), reason)),
        }
        self.values.0 += trip.values;
        self.values.1 += trip.typed;
        self.refused += usize::from(trip.refused);
        for place in trip.untyped {
            *self.untyped.entry(format!("{file} {place}")).or_default() += 1;
        }
    }
}

/// A sample may belong to one of several ids with one model: the one whose slots hold most counts.
fn one(names: &Names, entry: &Value, file: &Path, make: Make<'_>) -> Trip {
    let content = match std::fs::read(file) {
        Ok(content) => content,
        Err(error) => return Trip::failed(error.to_string()),
    };
    let word = entry["kind"].as_str().unwrap_or_default();
    let Some(kind) = Kind::parse(word) else {
        return Trip::failed(format!("its kind is unknown: {word:?}"));
    };
    let family = entry["family"].as_str().unwrap_or_default();
    let own = [&entry["endpoint"], &entry["event"]].into_iter();
    let also = match &entry["also"] {
        Value::Array(ids) => ids.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let ids: Vec<&str> = own.chain(also).filter_map(Value::as_str).collect();
    let mut best: Option<Trip> = None;
    for id in &ids {
        let found = match kind {
            Kind::Request | Kind::Response => names.endpoint(family, id),
            Kind::Event => names.event(family, id),
        };
        let Some(known) = found else { continue };
        let envelope = match kind {
            Kind::Response => names.envelope(family, id),
            _ => &[],
        };
        let Some(trip) = trip::through(&|| make(kind, known), &content, envelope) else {
            continue;
        };
        let rank = |trip: &Trip| (trip.failure.is_none(), trip.typed);
        if best.as_ref().is_none_or(|best| rank(&trip) > rank(best)) {
            best = Some(trip);
        }
    }
    best.unwrap_or_else(|| Trip::failed(format!("no type for the {word} {family} {ids:?}")))
}
