//! P10: our XML reader, with full well-formedness and limits, beside quick-xml's events with owned strings.

use std::hint::black_box;

use anyhow::{Context, Result, bail};
use quick_xml::Reader;
use quick_xml::events::Event;
use xinqiao_wire::xml::Document;

use crate::measure;
use crate::sample;
use crate::table::{Better, Row};

const FIELDS: [&str; 6] = [
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Content",
    "MsgId",
];

fn with_events(xml: &str) -> Result<[String; 6]> {
    let mut reader = Reader::from_str(xml);
    let mut out: [String; 6] = Default::default();
    let mut field = None;
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                field = FIELDS
                    .iter()
                    .position(|name| *name == start.name().as_ref());
            }
            Event::Text(text) => {
                if let Some(field) = field {
                    out[field].push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(field) = field {
                    out[field].push_str(&text);
                }
            }
            Event::End(_) => field = None,
            Event::Eof => return Ok(out),
            _ => bail!("an event that the message does not have"),
        }
    }
}

fn with_ours(xml: &[u8]) -> Result<[String; 6]> {
    let document = Document::parse(xml)?;
    let root = document.root();
    let mut out: [String; 6] = Default::default();
    for child in root.children() {
        if let Some(field) = FIELDS.iter().position(|name| *name == child.name()) {
            out[field] = child.text().into_owned();
        }
    }
    Ok(out)
}

/// Parses and looks at every field where it stands, as the callback path does.
fn borrowed(xml: &[u8]) -> Result<usize> {
    let document = Document::parse(xml)?;
    let mut length = 0;
    for child in document.root().children() {
        if FIELDS.contains(&child.name()) {
            length += child.text().len();
        }
    }
    Ok(length)
}

/// In turns on this thread.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let xml = sample::text_message(6_054_768_590_064_713_728);
    let (ours, theirs) = (with_ours(xml.as_bytes())?, with_events(&xml)?);
    if ours != theirs || ours[4] != sample::content() {
        bail!("the readers disagree: {ours:?} / {theirs:?}");
    }
    let [fields, events] = measure::interleaved(
        50_000,
        [
            &mut || {
                black_box(borrowed(black_box(xml.as_bytes())).is_ok());
            },
            &mut || {
                black_box(with_events(black_box(&xml)).is_ok());
            },
        ],
    )
    .context("timing the readers")?;
    rows.push(Row {
        id: "P10",
        measure: format!("XML reader, all fields of {} B, CPU µs", xml.len()),
        value: format!("{fields:.2}"),
        baseline: format!("{events:.2} quick-xml events"),
        ratio: events / fields,
        goal: 2.3,
        floor: 2.3 * 0.85,
        better: Better::Higher,
    });
    Ok(())
}
