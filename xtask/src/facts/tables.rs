//! Error codes, permissions, quotas, pages, and what the payment facts list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use xinqiao_catalog::{ErrorFamily, Product, QuotaWindow, Right};

use super::Report;
use crate::import::rules::{cell, right, tsv, window};
use crate::import::{jsonl, text};
use crate::names::snake;
use crate::pack::Catalog;

/// Every code of both tables, with its text on the wire or its status.
pub(super) fn codes(catalog: &Catalog, facts: &Path, report: &mut Report) -> Result<()> {
    let known: BTreeMap<_, _> = catalog
        .errors
        .codes
        .iter()
        .map(|error| ((error.family, error.code.to_string()), error))
        .collect();
    let mut rows = 0;
    for (file, column) in [
        ("rules/error-codes.tsv", "product"),
        ("pay/error-codes.tsv", "api"),
    ] {
        for row in tsv(&facts.join(file))? {
            rows += 1;
            let (family, code) = (cell(&row, column), cell(&row, "code"));
            let family = match family.as_str() {
                "weixin" => ErrorFamily::Weixin,
                "wecom" => ErrorFamily::Work,
                "sample-code" => ErrorFamily::SampleCode,
                "v2" => ErrorFamily::PayV2,
                "v3" => ErrorFamily::PayV3,
                other => {
                    report
                        .complaints
                        .push(format!("code {code} of unknown family {other}"));
                    continue;
                }
            };
            let Some(error) = known.get(&(family, code.clone())) else {
                report
                    .complaints
                    .push(format!("code {code} of {} is missing", family.name()));
                continue;
            };
            let wanted = cell(&row, "errmsg");
            if !wanted.is_empty() && error.text != wanted {
                report.complaints.push(format!(
                    "code {code} of {}: the text is `{}`, not `{wanted}`",
                    family.name(),
                    error.text
                ));
            }
            let statuses = cell(&row, "http");
            let status = error.status.to_string();
            let counted = error.status != 0 && statuses != "-";
            if counted && !statuses.split('|').any(|one| one.trim() == status) {
                report
                    .complaints
                    .push(format!("code {code}: status {status}, not {statuses}"));
            }
            if error.meaning.en.is_empty() && error.text.is_empty() {
                report
                    .complaints
                    .push(format!("code {code} of {} says nothing", family.name()));
            }
        }
    }
    report.rows("error codes", rows);
    Ok(())
}

/// Permission rows, quotas, allowances, browser pages.
pub(super) fn rules(catalog: &Catalog, facts: &Path, report: &mut Report) -> Result<()> {
    let mut complain = |line: String| report.complaints.push(line);
    let (mut permissions, mut quotas, mut pages, mut allowances) = (0, 0, 0, 0);
    for row in tsv(&facts.join("rules/permissions.tsv"))? {
        permissions += 1;
        let id = cell(&row, "id");
        let Some(known) = catalog
            .rules
            .permissions
            .iter()
            .find(|known| known.id == id)
        else {
            complain(format!("permission {id} is missing"));
            continue;
        };
        for (column, has) in [
            ("unverified_subscription", known.unverified_subscription),
            ("verified_subscription", known.verified_subscription),
            ("unverified_service", known.unverified_service),
            ("verified_service", known.verified_service),
            ("test_account", known.test_account),
            ("mini_program", known.mini_program),
        ] {
            let wanted = right(&cell(&row, column));
            if name(has) != wanted {
                complain(format!(
                    "permission {id}: {column} is {}, not {wanted}",
                    name(has)
                ));
            }
        }
        for path in cell(&row, "covers").split_whitespace() {
            if !known.covers.contains(&path) {
                complain(format!("permission {id} does not cover {path}"));
            }
        }
    }
    for row in tsv(&facts.join("rules/quotas.tsv"))? {
        quotas += 1;
        let (id, whom) = (cell(&row, "id"), cell(&row, "applies_to"));
        let limit = cell(&row, "limit").replace(',', "");
        let digits: String = limit.chars().take_while(char::is_ascii_digit).collect();
        let (plain, leading) = (limit.parse().unwrap_or(0), digits.parse().unwrap_or(0));
        let subject = cell(&row, "endpoint");
        let wanted = window(&cell(&row, "window"));
        let known = catalog.rules.quotas.iter().find(|known| {
            known.id == id
                && known.applies_to == whom
                && known.subject == subject
                // `10 together` is a number and how it is meant, or stands in the note as it is.
                && [leading, plain].contains(&known.limit)
                && unit(known.window) == wanted
        });
        if known.is_none() {
            complain(format!(
                "quota {id} for `{whom}`: {limit} a {wanted} is missing"
            ));
        }
    }
    for rule in jsonl(&facts.join("rules/events.jsonl"))? {
        let allowance = text(&rule, "customer_message_allowance");
        if allowance.is_empty() {
            continue;
        }
        allowances += 1;
        if !granted(catalog, &rule, &allowance) {
            complain(format!(
                "event {}: no grant of {allowance}",
                text(&rule, "event")
            ));
        }
    }
    for page in jsonl(&facts.join("api/pages.jsonl"))? {
        pages += 1;
        let id = text(&page, "id");
        let known = catalog.rules.pages.iter().find(|known| known.id == id);
        if known.is_none_or(|known| known.path != text(&page, "path")) {
            complain(format!("page {id} is missing"));
        }
    }
    report.rows("permission rows", permissions);
    report.rows("quotas", quotas);
    report.rows("allowances", allowances);
    report.rows("pages", pages);
    Ok(())
}

/// An allowance reads `3 in 1 min`, `5 in 48 h`; anything else is prose that only needs some grant.
fn granted(catalog: &Catalog, rule: &Value, allowance: &str) -> bool {
    let (product, name) = (text(rule, "product"), text(rule, "event"));
    let product = match product.as_str() {
        "oa" => Product::OfficialAccount,
        "mini" => Product::MiniProgram,
        "channels" => Product::Channels,
        "wecom" => Product::Work,
        _ => return true,
    };
    let events = catalog.events.get(&product).into_iter();
    let mut events = events
        .flat_map(|events| &events.events)
        .filter(|event| event.event.eq_ignore_ascii_case(&name) && !event.grant.is_empty());
    let words: Vec<&str> = allowance.split_whitespace().collect();
    let wanted = match words.as_slice() {
        [messages, "in", length, unit, ..] => {
            let second = match unit.trim_end_matches([',', ';']) {
                "min" => 60,
                "h" => 3600,
                _ => 1,
            };
            messages
                .parse::<u32>()
                .ok()
                .zip(length.parse::<u32>().ok().map(|l| l * second))
        }
        _ => None,
    };
    events.any(|event| {
        let grant = catalog
            .rules
            .grants
            .iter()
            .find(|grant| grant.id == event.grant);
        grant.is_some_and(|grant| {
            wanted.is_none_or(|wanted| wanted == (grant.messages, grant.seconds))
        })
    })
}

fn name(right: Right) -> &'static str {
    match right {
        Right::No => "no",
        Right::Yes => "yes",
        Right::Limited => "limited",
        Right::Apply => "apply",
        Right::ViaComponent => "via_component",
        Right::ViaOfficialAccount => "via_official_account",
    }
}

fn unit(window: QuotaWindow) -> &'static str {
    match window {
        QuotaWindow::Second => "second",
        QuotaWindow::Minute => "minute",
        QuotaWindow::Hour => "hour",
        QuotaWindow::Day => "day",
        QuotaWindow::Month => "month",
        QuotaWindow::Total => "total",
        QuotaWindow::Other => "other",
    }
}

/// Limits, and that each operation of the payment list is an endpoint.
pub(super) fn pay(catalog: &Catalog, facts: &Path, report: &mut Report) -> Result<()> {
    let (mut limits, mut operations) = (0, 0);
    for row in tsv(&facts.join("pay/limits.tsv"))? {
        limits += 1;
        let (key, subject) = (cell(&row, "key"), cell(&row, "applies_to"));
        let id = snake(&key);
        let known = catalog.rules.limits.iter().find(|known| {
            known.subject == subject && known.id.rsplit('.').next() == Some(id.as_str())
        });
        if known.is_none_or(|known| {
            known.value != cell(&row, "value") || known.unit != cell(&row, "unit")
        }) {
            report
                .complaints
                .push(format!("limit {key} of {subject} is missing"));
        }
    }
    let pay = [Product::PayV2, Product::PayV3, Product::PayGlobal];
    let routes: BTreeSet<(String, String)> = pay
        .iter()
        .filter_map(|product| catalog.sections.get(product))
        .flat_map(|section| &section.endpoints)
        .flat_map(|endpoint| {
            let routes = endpoint.routes();
            routes.map(|(method, path)| (method.to_string(), bare(path)))
        })
        .collect();
    for row in tsv(&facts.join("pay/endpoints.tsv"))? {
        operations += 1;
        let (method, path) = (cell(&row, "method"), cell(&row, "path"));
        // The sandbox of v2 mirrors calls that are there.
        if ["/sandboxnew", "/xdc/apiv2sandbox"]
            .iter()
            .any(|mirror| path.starts_with(mirror))
        {
            continue;
        }
        if !routes.contains(&(method.clone(), bare(&path))) {
            report
                .complaints
                .push(format!("payment operation {method} {path} is missing"));
        }
    }
    report.rows("payment limits", limits);
    report.rows("payment operations", operations);
    Ok(())
}

/// A path without the names of its parameters, and without the query that tells shared paths apart.
fn bare(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    path.split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}
