//! Error codes, permission rows, quotas and browser pages. Entries that the tree has already are left alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::{jsonl, text, texts};
use crate::source::write::{key, list, quote};
use crate::source::{Ordered, read};

/// Rows of a table with tabs, by column name.
pub(crate) fn tsv(path: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let all = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut lines = all.lines();
    let columns: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .split('\t')
        .map(str::to_owned)
        .collect();
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            columns
                .iter()
                .cloned()
                .zip(line.split('\t').map(|cell| cell.trim().to_owned()))
                .collect()
        })
        .collect())
}

/// A cell, empty if absent.
pub(crate) fn cell(row: &BTreeMap<String, String>, name: &str) -> String {
    row.get(name).cloned().unwrap_or_default()
}

/// Runs the import.
pub(crate) fn run(facts: &Path) -> Result<()> {
    errors(facts)?;
    permissions(facts)?;
    quotas(facts)?;
    pages(facts)
}

fn entry(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "{name} = {}", quote(value));
    }
}

fn class(retryable: &str, action: &str) -> &'static str {
    match action {
        "refresh_token_retry_once" | "refresh_component_token" => "refresh_token",
        "wait_quota_window"
        | "wait_next_month"
        | "wait_next_day_or_clear_quota"
        | "wait_next_day"
        | "wait_window" => "next_quota_window",
        "retry_backoff" | "wait_next_minute" | "wait_next_second" | "wait_next_period" => "later",
        _ => match retryable {
            "yes" | "yes-same" => "later",
            "later" => "later",
            "once" => "now",
            _ => "never",
        },
    }
}

fn errors(facts: &Path) -> Result<()> {
    let mut files: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
    for row in tsv(&facts.join("rules/error-codes.tsv"))? {
        let family = match cell(&row, "product").as_str() {
            "weixin" => "weixin",
            "wecom" => "work",
            _ => continue,
        };
        let Ok(code) = cell(&row, "code").parse::<i64>() else {
            continue;
        };
        let mut out = format!("\n[{}]\n", key(&code.to_string()));
        let errmsg = cell(&row, "errmsg");
        entry(&mut out, "text", &errmsg);
        let retry = class(&cell(&row, "retryable"), &cell(&row, "client_action"));
        if retry != "never" {
            entry(&mut out, "retry", retry);
        }
        if errmsg.is_empty() {
            let meaning = cell(&row, "meaning").replace(" (partial gloss)", "");
            if !meaning.is_empty() && meaning != "-" {
                let _ = writeln!(out, "derived = {}", quote(&meaning));
            }
        }
        let action = cell(&row, "client_action");
        if !matches!(action.as_str(), "" | "-" | "none") {
            entry(&mut out, "action", &action);
        }
        let paths: Vec<String> = cell(&row, "doc_api_paths")
            .split_whitespace()
            .filter(|path| path.starts_with('/'))
            .map(str::to_owned)
            .collect();
        if !paths.is_empty() {
            let _ = writeln!(out, "paths = {}", list(&paths));
        }
        entry(
            &mut out,
            "confidence",
            confidence(&cell(&row, "confidence")),
        );
        let domain = if family == "work" {
            format!("work/{:04}0", code.unsigned_abs() / 10_000)
        } else {
            format!("weixin/{}", cell(&row, "domain"))
        };
        files.entry(domain).or_default().entry(code).or_insert(out);
    }
    pay_errors(facts, &mut files)?;
    for (name, entries) in files {
        if name.starts_with("pay") {
            continue;
        }
        let path = read::root().join("errors").join(format!("{name}.toml"));
        let known: Vec<i64> = if path.exists() {
            let table: Ordered<toml::Value> = read::toml(&path)?;
            table
                .0
                .iter()
                .filter_map(|(code, _)| code.parse().ok())
                .collect()
        } else {
            Vec::new()
        };
        let fresh: String = entries
            .iter()
            .filter(|(code, _)| !known.contains(code))
            .map(|(_, e)| e.as_str())
            .collect();
        if fresh.is_empty() {
            continue;
        }
        let mut content = if path.exists() {
            fs::read_to_string(&path)?
        } else {
            format!("# Error codes: {name}\n")
        };
        content.push_str(&fresh);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}

fn pay_errors(facts: &Path, _files: &mut BTreeMap<String, BTreeMap<i64, String>>) -> Result<()> {
    let mut by_family: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for row in tsv(&facts.join("pay/error-codes.tsv"))? {
        let family = match cell(&row, "api").as_str() {
            "v2" => "pay_v2",
            "v3" => "pay_v3",
            "business" => "pay_business",
            _ => continue,
        };
        let code = cell(&row, "code");
        let mut out = format!("\n[{}]\n", key(&code));
        let status = cell(&row, "http");
        if let Ok(status) = status.split('|').next().unwrap_or_default().parse::<u16>() {
            let _ = writeln!(out, "status = {status}");
        }
        let retry = class(&cell(&row, "retryable"), "");
        if retry != "never" {
            entry(&mut out, "retry", retry);
        }
        entry(&mut out, "derived", &cell(&row, "meaning"));
        by_family
            .entry(family)
            .or_default()
            .entry(code)
            .or_insert(out);
    }
    for (family, entries) in by_family {
        let path = read::root().join("errors").join(format!("{family}.toml"));
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let body: String = entries.into_values().collect();
        fs::write(path, format!("# Error codes: {family}\n{body}"))?;
    }
    Ok(())
}

fn confidence(words: &str) -> &'static str {
    if words.contains("inferred") {
        "inferred"
    } else if words.contains("captur") {
        "captured"
    } else if words.starts_with("documented") {
        "documented"
    } else {
        "known"
    }
}

#[derive(Deserialize)]
struct Rows {
    #[serde(default)]
    permission: Vec<toml::Value>,
    #[serde(default)]
    quota: Vec<toml::Value>,
}

/// A right of the facts in the catalog's words.
pub(crate) fn right(text: &str) -> &'static str {
    if text.starts_with("yes") {
        "yes"
    } else if text.starts_with("limited")
        || text.starts_with("temporary")
        || text.starts_with("personal")
    {
        "limited"
    } else if text == "apply" {
        "apply"
    } else if text.starts_with("via component") {
        "via_component"
    } else if text.starts_with("via official") {
        "via_official_account"
    } else {
        "no"
    }
}

fn permissions(facts: &Path) -> Result<()> {
    let path = read::root().join("permissions.toml");
    if path.exists() && !read::toml::<Rows>(&path)?.permission.is_empty() {
        return Ok(());
    }
    let mut out = String::from(
        "# Which account kind may call what. `covers` lists paths; a trailing `*` means everything below.\n",
    );
    let kinds = [
        "unverified_subscription",
        "verified_subscription",
        "unverified_service",
        "verified_service",
        "test_account",
        "mini_program",
    ];
    for row in tsv(&facts.join("rules/permissions.tsv"))? {
        let _ = writeln!(out, "\n[[permission]]");
        entry(&mut out, "id", &cell(&row, "id"));
        let _ = writeln!(
            out,
            "title = {{ zh = {} }}",
            quote(&cell(&row, "interface"))
        );
        for kind in kinds {
            entry(&mut out, kind, right(&cell(&row, kind)));
        }
        let covers: Vec<String> = cell(&row, "covers")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let _ = writeln!(out, "covers = {}", list(&covers));
        entry(&mut out, "note", &cell(&row, "note"));
        entry(
            &mut out,
            "confidence",
            confidence(&cell(&row, "confidence")),
        );
    }
    fs::write(path, out)?;
    Ok(())
}

/// A window of the facts in the catalog's words.
pub(crate) fn window(text: &str) -> &'static str {
    match text {
        "second" => "second",
        "minute" => "minute",
        "hour" => "hour",
        "month" | "natural month" => "month",
        "total" | "total for ever" => "total",
        text if text.starts_with("day") => "day",
        _ => "other",
    }
}

fn quotas(facts: &Path) -> Result<()> {
    let path = read::root().join("quotas.toml");
    if path.exists() && !read::toml::<Rows>(&path)?.quota.is_empty() {
        return Ok(());
    }
    let mut out = String::from("# How often. `limit = 0`: not a plain number, `note` has it.\n");
    for row in tsv(&facts.join("rules/quotas.tsv"))? {
        let _ = writeln!(out, "\n[[quota]]");
        entry(&mut out, "id", &cell(&row, "id"));
        entry(&mut out, "scope", &cell(&row, "scope"));
        entry(&mut out, "subject", &cell(&row, "endpoint"));
        entry(&mut out, "applies_to", &cell(&row, "applies_to"));
        let limit = cell(&row, "limit");
        let plain = limit.replace(',', "").parse::<u64>().unwrap_or(0);
        let _ = writeln!(out, "limit = {plain}");
        let window = cell(&row, "window");
        let kind = self::window(&window);
        entry(&mut out, "window", kind);
        let code = cell(&row, "error_when_exceeded");
        let code: String = code.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(code) = code.parse::<i64>() {
            let _ = writeln!(out, "code = {code}");
        }
        let mut note = cell(&row, "note");
        if plain == 0 {
            note = format!("{limit} · {note}");
        }
        if kind == "other" {
            note = format!("{window} · {note}");
        }
        entry(&mut out, "note", note.trim_end_matches([' ', '·']));
        entry(
            &mut out,
            "confidence",
            confidence(&cell(&row, "confidence")),
        );
    }
    fs::write(path, out)?;
    Ok(())
}

fn pages(facts: &Path) -> Result<()> {
    let path = read::root().join("pages.toml");
    if path.exists() {
        return Ok(());
    }
    let mut out = String::from(
        "# Pages that people open in a browser. `name=value` is fixed, a trailing `?` optional.\n",
    );
    for page in jsonl(&facts.join("api/pages.jsonl"))? {
        let _ = writeln!(out, "\n[[page]]");
        entry(&mut out, "id", &text(&page, "id"));
        entry(&mut out, "host", &text(&page, "host"));
        entry(&mut out, "path", &text(&page, "path"));
        for name in ["query", "scope", "products"] {
            let values = texts(&page, name);
            if !values.is_empty() {
                let values: Vec<String> = match name {
                    "products" => values.iter().map(|value| value.replace('-', "_")).collect(),
                    _ => values,
                };
                let _ = writeln!(out, "{name} = {}", list(&values));
            }
        }
        if let Some(Value::String(fragment)) = page.get("fragment") {
            entry(&mut out, "fragment", fragment);
        }
    }
    fs::write(path, out)?;
    Ok(())
}
