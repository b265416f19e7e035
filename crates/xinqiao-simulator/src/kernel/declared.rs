//! What a feature declares for people's eyes: bubbles, sheets, rows of the timeline with their facts, diagnoses, cards
//! of the console. Plain data; the types of the web side are written from it (`products::tests::declared`).
//!
//! Who makes a bubble or a row keeps to what is declared: fields that nobody declared are left out of a bubble
//! ([`Bubble::fit`]), and a kind that nobody declared fails every test that meets it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use xinqiao_types::AccountKind;

/// A name in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
}

/// Says the same in both languages.
pub(crate) const fn said(zh: &'static str, en: &'static str) -> Said {
    Said { zh, en }
}

/// One field of something that is declared.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    pub(crate) holds: Holds,
    pub(crate) optional: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holds {
    Text,
    Number,
    Flag,
    /// Seconds on the simulated clock.
    Time,
    /// Hundredths of the currency's unit.
    Money,
    /// Where a browser finds a picture.
    Picture,
    /// One of these words.
    Choice(&'static [Choice]),
    /// Objects of the same fields.
    List(&'static [Field]),
    /// An object or a list that the page looks into by itself.
    Any,
}

/// A word of a field, and what it is called.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) title: Said,
}

/// A word and what it is called.
pub(crate) const fn choice(word: &'static str, zh: &'static str, en: &'static str) -> Choice {
    Choice {
        word,
        title: said(zh, en),
    }
}

/// A field that is always there.
pub(crate) const fn field(
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    holds: Holds,
) -> Field {
    Field {
        name,
        title: said(zh, en),
        holds,
        optional: false,
    }
}

/// A text that is always there.
pub(crate) const fn text(name: &'static str, zh: &'static str, en: &'static str) -> Field {
    field(name, zh, en, Holds::Text)
}

impl Field {
    /// The same field, where it may be missing.
    pub(crate) const fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// A value as this field holds it; none where it cannot.
    fn take(&self, value: &Value) -> Option<Value> {
        let fits = match self.holds {
            Holds::Text | Holds::Choice(_) => match value {
                Value::Number(_) | Value::Bool(_) => return Some(value.to_string().into()),
                other => other.is_string(),
            },
            Holds::Picture => value.is_string(),
            Holds::Number | Holds::Time | Holds::Money => value.is_number(),
            Holds::Flag => value.is_boolean(),
            Holds::List(fields) => {
                let all = value.as_array()?.iter().filter_map(Value::as_object);
                return Some(all.map(|one| fit(fields, one)).collect());
            }
            Holds::Any => !value.is_null(),
        };
        fits.then(|| value.clone())
    }
}

/// What of an object is declared.
fn fit(fields: &[Field], object: &Map<String, Value>) -> Map<String, Value> {
    let taken = fields.iter().filter_map(|field| {
        let value = field.take(object.get(field.name)?)?;
        Some((field.name.to_owned(), value))
    });
    taken.collect()
}

/// A kind of chat item on the phone.
#[derive(Debug, Serialize)]
pub(crate) struct Bubble {
    /// `type` of an item.
    pub(crate) kind: &'static str,
    pub(crate) title: Said,
    /// Its line in a list of chats; `{title}` stands for a field, `{articles.title}` for a field in it, or in
    /// the first of a list.
    pub(crate) line: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Bubble {
    /// What of a message the phone shows.
    pub(crate) fn fit(&self, message: &Map<String, Value>) -> Map<String, Value> {
        fit(self.fields, message)
    }

    /// Its line in a list of chats.
    pub(crate) fn line(&self, fields: &Map<String, Value>) -> String {
        let mut line = String::new();
        let mut rest = self.line;
        while let Some((before, after)) = rest.split_once('{') {
            line.push_str(before);
            let (path, after) = after.split_once('}').unwrap_or((after, ""));
            line.push_str(named(fields, path).unwrap_or_default());
            rest = after;
        }
        line.push_str(rest);
        line
    }
}

fn named<'v>(fields: &'v Map<String, Value>, path: &str) -> Option<&'v str> {
    match path.split_once('.') {
        None => fields.get(path)?.as_str(),
        Some((part, name)) => {
            let part = fields.get(part)?;
            part.get(0).unwrap_or(part).get(name)?.as_str()
        }
    }
}

/// A sheet that comes up over a chat.
#[derive(Debug, Serialize)]
pub(crate) struct Sheet {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    /// In whose chats; in all where none is named.
    pub(crate) kinds: &'static [AccountKind],
    /// Whether people open it from the tray beside the field to write in.
    pub(crate) tray: bool,
    /// What it is opened with.
    pub(crate) fields: &'static [Field],
}

/// A kind of row of the timeline.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RowKind {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    /// Stands before its line.
    pub(crate) sign: &'static str,
    pub(crate) side: Side,
}

/// Who does what a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// Somebody on the phone or in the console: such a row heads what follows from it.
    Person,
    /// The platform calls the app's server.
    Push,
    /// The app answers people.
    Answer,
    /// The app calls the platform.
    Call,
    /// The platform by itself.
    World,
}

/// Facts of a row, under a name of their own.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    pub(crate) fields: &'static [Field],
}

/// A kind of diagnosis: how the evidence of its rules is called.
#[derive(Debug, Serialize)]
pub(crate) struct DiagnosisKind {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    /// Its rules by the first parts of their names; where several fit the longest decides.
    pub(crate) rules: &'static [&'static str],
    /// `received` and `expected`, as they are called here.
    pub(crate) fields: &'static [Field],
}

/// What the console shows on the page of an account.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub(crate) name: &'static str,
    pub(crate) title: Said,
    /// On whose pages.
    pub(crate) kinds: &'static [AccountKind],
    /// The list that it shows; the account's own fields where it is empty.
    pub(crate) path: &'static str,
    pub(crate) fields: &'static [Field],
}

/// Something that a feature shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    Bubble(&'static Bubble),
    Sheet(&'static Sheet),
    Row(&'static RowKind),
    Facts(&'static Facts),
    Diagnosis(&'static DiagnosisKind),
    Card(&'static Card),
}

/// All that the features of a house show, by name.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Declared {
    pub(crate) bubbles: BTreeMap<&'static str, &'static Bubble>,
    pub(crate) sheets: BTreeMap<&'static str, &'static Sheet>,
    pub(crate) rows: BTreeMap<&'static str, &'static RowKind>,
    pub(crate) facts: BTreeMap<&'static str, &'static Facts>,
    pub(crate) diagnoses: BTreeMap<&'static str, &'static DiagnosisKind>,
    pub(crate) cards: BTreeMap<&'static str, &'static Card>,
}

impl Declared {
    pub(crate) fn new(shown: impl Iterator<Item = Shown>) -> Self {
        let mut all = Self::default();
        for one in shown {
            match one {
                Shown::Bubble(own) => drop(all.bubbles.insert(own.kind, own)),
                Shown::Sheet(own) => drop(all.sheets.insert(own.name, own)),
                Shown::Row(own) => drop(all.rows.insert(own.name, own)),
                Shown::Facts(own) => drop(all.facts.insert(own.name, own)),
                Shown::Diagnosis(own) => drop(all.diagnoses.insert(own.name, own)),
                Shown::Card(own) => drop(all.cards.insert(own.name, own)),
            }
        }
        all
    }
}

/// A sum, as [`Holds::Money`] has it, in the currency's unit: fen as yuan.
pub(crate) fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static NEWS: Bubble = Bubble {
        kind: "news",
        title: said("图文", "Articles"),
        line: "[图文] {articles.title}",
        fields: &[
            field(
                "articles",
                "文章",
                "Articles",
                Holds::List(&[text("title", "标题", "Title"), text("url", "链接", "Link")]),
            ),
            field("count", "数量", "Count", Holds::Number).optional(),
            text("note", "说明", "Note").optional(),
        ],
    };

    fn check(message: Value, shown: Value, line: &str) {
        let fields = NEWS.fit(message.as_object().unwrap());
        assert_eq!(Value::Object(fields.clone()), shown);
        assert_eq!(NEWS.line(&fields), line);
    }

    #[test]
    fn fen_are_written_as_yuan() {
        for (fen, written) in [
            (0, "0.00"),
            (5, "0.05"),
            (100, "1.00"),
            (-12_345, "-123.45"),
        ] {
            assert_eq!(yuan(fen), written);
        }
    }

    #[test]
    fn a_bubble_shows_what_is_declared_and_nothing_else() {
        check(
            json!({"articles": [{"title": "一", "url": "u", "secret": 1}], "count": "3", "other": 1}),
            json!({"articles": [{"title": "一", "url": "u"}]}),
            "[图文] 一",
        );
        check(json!({"articles": []}), json!({"articles": []}), "[图文] ");
    }

    #[test]
    fn a_number_where_a_text_is_declared_is_shown_as_text() {
        check(json!({"note": 7}), json!({"note": "7"}), "[图文] ");
        check(json!({"note": {"a": 1}}), json!({}), "[图文] ");
    }
}
