//! A mapping of a scenario: its fields by name, and what is wrong with them in words.

use std::time::Duration;

use serde_json::Value;

use super::yaml::{Entry, Kind, Node, Wrong};
use crate::lang::Lang;

/// The fields of a mapping, none of them unknown.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    lang: Lang,
}

impl<'n> Fields<'n> {
    pub(super) fn of(node: &'n Node, known: &[&str], lang: Lang) -> Result<Self, Wrong> {
        let Kind::Map(entries) = &node.kind else {
            let known = known.join(lang.pick("、", ", "));
            return Err(Wrong::new(
                node.line,
                match lang {
                    Lang::Zh => format!("这里要写键和值；可用的键：{known}"),
                    Lang::En => format!("here stand keys and values; the keys are {known}"),
                },
            ));
        };
        let wrong = entries
            .iter()
            .find(|entry| !known.contains(&entry.key.as_str()));
        match wrong {
            Some(entry) => Err(unknown(entry.line, &entry.key, known, lang)),
            None => Ok(Self { entries, lang }),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(&entry.value)
    }

    pub(super) fn need(&self, name: &str, line: usize) -> Result<&'n Node, Wrong> {
        self.get(name).ok_or_else(|| self.lacks(name, line))
    }

    pub(super) fn lacks(&self, name: &str, line: usize) -> Wrong {
        Wrong::new(
            line,
            match self.lang {
                Lang::Zh => format!("缺少 {name}"),
                Lang::En => format!("`{name}` is missing"),
            },
        )
    }

    pub(super) fn must(&self, line: usize, name: &str, zh: &str, en: &str) -> Wrong {
        Wrong::new(
            line,
            match self.lang {
                Lang::Zh => format!("{name} 要{zh}"),
                Lang::En => format!("`{name}` is {en}"),
            },
        )
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(node) => match (node.json(), node.word()) {
                (Value::String(_) | Value::Number(_), Some(word)) if !word.is_empty() => {
                    Ok(Some(word.to_owned()))
                }
                _ => Err(self.must(node.line, name, "是文本", "a text")),
            },
        }
    }

    /// Real seconds, a fraction of one too.
    pub(super) fn within(&self) -> Result<Option<Duration>, Wrong> {
        let Some(node) = self.get("within") else {
            return Ok(None);
        };
        let wait = node.json().as_f64();
        let wait = wait.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
        wait.filter(|wait| *wait <= Duration::from_hours(1))
            .map(Some)
            .ok_or_else(|| {
                self.must(
                    node.line,
                    "within",
                    "是 0 到 3600 之间的秒数",
                    "a number of seconds, 0 to 3600",
                )
            })
    }
}

/// A key that nobody knows, with the one that was perhaps meant.
pub(super) fn unknown(line: usize, found: &str, known: &[&str], lang: Lang) -> Wrong {
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let list = known.join(lang.pick("、", ", "));
    Wrong::new(
        line,
        match (lang, near) {
            (Lang::Zh, Some((_, near))) => format!("没有 {found} 这个键；是不是要写 {near}？"),
            (Lang::En, Some((_, near))) => {
                format!("there is no key `{found}`: did you mean `{near}`?")
            }
            (Lang::Zh, None) => format!("没有 {found} 这个键；可用的：{list}"),
            (Lang::En, None) => format!("there is no key `{found}`; there are {list}"),
        },
    )
}
