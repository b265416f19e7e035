//! Follows the links between pages.
//!
//! Reads just enough Markdown for that: fenced blocks and code spans are skipped, link targets, headings
//! and anchors are taken. Addresses with a scheme are not followed.

use std::collections::{BTreeMap, BTreeSet};

use super::Pages;

/// Every link that leads nowhere, as `page: target`.
pub(super) fn broken(pages: &Pages) -> Vec<String> {
    let anchors: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|(path, text)| (path.as_str(), anchors(text)))
        .collect();
    let mut broken = Vec::new();
    for (path, text) in pages {
        for target in targets(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let file = if file.is_empty() {
                Some(path.clone())
            } else {
                resolve(path, file)
            };
            let found = file.and_then(|file| anchors.get(file.as_str()));
            if !found.is_some_and(|known| anchor.is_empty() || known.contains(anchor)) {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    broken
}

/// A relative path as seen from a page; none if it leaves the book.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

/// The lines of fenced blocks.
#[cfg(test)]
pub(super) fn code_blocks(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.to_owned());
        }
    }
    found
}

/// The targets of all links.
pub(super) fn targets(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text) {
        let line = without_code(line);
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, next)) = after.split_once(')') else {
                break;
            };
            found.insert(target.to_owned());
            rest = next;
        }
    }
    found
}

/// The line without its code spans.
fn without_code(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let ticks = after.len() - after.trim_start_matches('`').len();
        let (fence, inside) = after.split_at(ticks);
        match inside.find(fence) {
            Some(end) => rest = inside.get(end + ticks..).unwrap_or_default(),
            None => rest = inside,
        }
    }
    out.push_str(rest);
    out
}

/// What a link into this page may name.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("<a id=\"") {
            let Some((name, next)) = after.split_once('"') else {
                break;
            };
            found.insert(name.to_owned());
            rest = next;
        }
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        match title.split_once("{#") {
            Some((_, name)) => {
                found.insert(name.trim_end().trim_end_matches('}').to_owned());
            }
            None => {
                found.insert(slug(title.trim()));
            }
        }
    }
    found
}

/// The name that the book builder gives a heading.
fn slug(title: &str) -> String {
    title
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '_' | '-' => Some(character),
            other if other.is_alphanumeric() => other.to_lowercase().next(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(page: &str, expected: &[&str]) {
        let pages = Pages::from([
            ("a/one.md".to_owned(), page.to_owned()),
            ("two.md".to_owned(), "# 五 秒\n\n## B {#b}\n".to_owned()),
        ]);
        assert_eq!(broken(&pages), expected);
    }

    #[test]
    fn a_link_to_a_page_a_heading_and_an_anchor_resolves() {
        check("[x](../two.md) [y](../two.md#五-秒) [z](../two.md#b)", &[]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        check("[x](three.md)", &["a/one.md: three.md"]);
        check("[x](../two.md#c)", &["a/one.md: ../two.md#c"]);
        check("[x](../../two.md)", &["a/one.md: ../../two.md"]);
    }

    #[test]
    fn code_and_addresses_are_not_followed() {
        check("`[x](y)` [z](https://example.com)\n```\n[x](y)\n```\n", &[]);
    }
}
