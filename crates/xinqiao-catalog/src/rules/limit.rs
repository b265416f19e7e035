//! Lengths, ranges and alphabets of fields, checked before a call leaves: scenes of QR codes and mini-program codes.
//!
//! Only what the platform is sure to refuse is refused here; what a row doesn't know passes.
//!
//! Whoever plays the platform asks for rows by their ids: [`seconds`], [`count`], [`holds`], [`fits`].
//!
//! Source: catalog table `limits`; what is checked are the rows with an `endpoint`.

use std::fmt;

use serde_json::Value;
use xinqiao_types::shanghai::DAY;

use crate::{
    lookup::limits,
    model::{Limit, LimitAt},
};

/// A field that the platform would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The limit that it breaks.
    pub limit: &'static Limit,
    /// The field, names with dots between.
    pub path: &'static str,
    /// How it breaks it.
    pub reason: Reason,
}

/// How a field breaks its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is not there.
    Missing,
    /// It is no number of the range.
    Number(String),
    /// It is too long or too short: its length.
    Length(u64),
    /// It has a character that is not allowed.
    Character(char),
}

impl Violation {
    /// The diagnosis that explains this refusal at length.
    pub const RULE: &'static str = "field.limit";
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, value) = (self.path, self.limit.value);
        let alphabet = self.limit.at.as_ref().map_or("", |at| at.alphabet);
        write!(f, "`{path}` ")?;
        match &self.reason {
            Reason::Missing => write!(f, "is missing")?,
            Reason::Number(found) => write!(f, "is {found}, a number of {value} is taken")?,
            Reason::Length(found) => {
                let unit = match self.limit.unit {
                    "bytes" => "bytes",
                    _ => "characters",
                };
                write!(f, "has {found} {unit}, {value} are taken")?;
            }
            Reason::Character(found) => {
                write!(f, "has the character {found:?}, only {alphabet} are taken")?;
            }
        }
        write!(f, " ({})", self.limit.subject)?;
        match self.limit.note {
            "" => Ok(()),
            note => write!(f, "; {note}"),
        }
    }
}

impl std::error::Error for Violation {}

fn row(id: &str) -> Option<&'static Limit> {
    limits().iter().find(|limit| limit.id == id)
}

/// The value of a row: a number, or the second of two.
fn most(limit: &Limit) -> Option<i64> {
    let (_, most) = limit.value.split_once('-').unwrap_or(("", limit.value));
    most.parse().ok()
}

/// How many seconds a unit of time has; none for a unit of something else.
fn seconds_of(unit: &str) -> Option<i64> {
    match unit {
        "second" => Some(1),
        "minute" => Some(60),
        "hour" => Some(3600),
        "day" => Some(DAY),
        _ => None,
    }
}

/// How long something may be, or lives, in seconds.
///
/// Zero for an id that no row has and for a row that is no time: whoever spells an id wrong allows nothing, and sees it.
pub fn seconds(id: &str) -> i64 {
    let found = row(id).and_then(|limit| Some((most(limit)?, seconds_of(limit.unit)?)));
    found.map_or(0, |(most, unit)| most * unit)
}

/// How many there may be.
///
/// Zero for an id that no row has and for a row that counts nothing, a time for instance.
pub fn count(id: &str) -> usize {
    let limit = row(id).filter(|limit| seconds_of(limit.unit).is_none());
    let most = limit.and_then(most).map(usize::try_from);
    most.and_then(Result::ok).unwrap_or_default()
}

/// Whether so many are as many as there may be, where a row has a least and a greatest number.
///
/// Nothing fits an id that no row has, nor a row that is no range of counts.
pub fn holds(id: &str, many: usize) -> bool {
    row(id).is_some_and(|limit| {
        seconds_of(limit.unit).is_none()
            && range(limit.value).is_some_and(|(least, most)| {
                u64::try_from(many).is_ok_and(|many| (least..=most).contains(&many))
            })
    })
}

/// Whether a text has as many characters, or bytes, as it may.
///
/// No text fits an id that no row has, nor a row that is no length.
pub fn fits(id: &str, text: &str) -> bool {
    row(id).is_some_and(|limit| {
        let length = length(limit, text);
        range(limit.value).is_some_and(|(least, most)| {
            length.is_some_and(|length| (least..=most).contains(&length))
        })
    })
}

/// How long a text is in the unit of a limit; none if that is no unit of texts.
fn length(limit: &Limit, text: &str) -> Option<u64> {
    match limit.unit {
        "bytes" => Some(text.len() as u64),
        "chars" => Some(text.chars().count() as u64),
        _ => None,
    }
}

/// Whether the platform would take the fields of a call, as far as the table knows.
///
/// # Errors
/// The first limit that a field breaks.
pub fn check(endpoint: &str, fields: &Value) -> Result<(), Violation> {
    for limit in limits() {
        let Some(at) = limit.at.as_ref().filter(|at| at.endpoint == endpoint) else {
            continue;
        };
        if let Some((field, wanted)) = at.when
            && fields.get(field).and_then(Value::as_str) != Some(wanted)
        {
            continue;
        }
        let mut names = at.path.split('.');
        let found = names.try_fold(fields, |value, name| value.get(name));
        let reason = match found.filter(|value| !value.is_null()) {
            None if at.must => Some(Reason::Missing),
            None => None,
            Some(value) => broken(limit, at, value),
        };
        if let Some(reason) = reason {
            return Err(Violation {
                limit,
                path: at.path,
                reason,
            });
        }
    }
    Ok(())
}

fn broken(limit: &Limit, at: &LimitAt, value: &Value) -> Option<Reason> {
    let (least, most) = range(limit.value)?;
    let within = |found: u64| (least..=most).contains(&found);
    if matches!(limit.unit, "number" | "second") {
        // WECHAT: numbers may come as text.
        let text = value.as_str().map(|text| text.trim().to_owned());
        let text = text.unwrap_or_else(|| value.to_string());
        return match text.parse() {
            Ok(found) if within(found) => None,
            _ => Some(Reason::Number(text)),
        };
    }
    let text = value.as_str()?;
    let length = length(limit, text)?;
    if !within(length) {
        return Some(Reason::Length(length));
    }
    let stranger = |letter: &char| !at.alphabet.is_empty() && !allowed(at.alphabet, *letter);
    text.chars().find(stranger).map(Reason::Character)
}

fn range(value: &str) -> Option<(u64, u64)> {
    let (least, most) = value.split_once('-')?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

/// Whether a character is of an alphabet with ranges.
fn allowed(alphabet: &str, letter: char) -> bool {
    let mut rest = alphabet.chars().peekable();
    while let Some(first) = rest.next() {
        if rest.peek() == Some(&'-') {
            rest.next();
            match rest.next() {
                Some(last) if (first..=last).contains(&letter) => return true,
                Some(_) => continue,
                // A dash at the end is one.
                None if letter == '-' => return true,
                None => {}
            }
        }
        if first == letter {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{mini_program::wxa, official_account::qr_code};

    #[track_caller]
    fn refused(endpoint: &str, fields: Value, why: &str) {
        let error = check(endpoint, &fields).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    fn code(action: &str, scene: Value) -> Value {
        json!({"action_name": action, "action_info": {"scene": scene}})
    }

    #[test]
    fn scenes_of_qr_codes_are_in_their_range() {
        let create = qr_code::CREATE;
        let taken = |fields: Value| assert_eq!(check(create, &fields), Ok(()));
        taken(code("QR_SCENE", json!({"scene_id": 1})));
        taken(code("QR_SCENE", json!({"scene_id": 4_294_967_295_u64})));
        taken(code("QR_LIMIT_SCENE", json!({"scene_id": 100_000})));
        taken(code("QR_STR_SCENE", json!({"scene_str": "渠".repeat(64)})));
        taken(code("QR_SOMETHING_NEW", json!({})));
        for (action, scene, why) in [
            (
                "QR_SCENE",
                json!({"scene_id": 0}),
                "is 0, a number of 1-4294967295",
            ),
            ("QR_SCENE", json!({"scene_id": -1}), "is -1"),
            (
                "QR_SCENE",
                json!({"scene_id": 4_294_967_296_u64}),
                "is 4294967296",
            ),
            (
                "QR_SCENE",
                json!({"scene_str": "a"}),
                "`action_info.scene.scene_id` is missing",
            ),
            (
                "QR_LIMIT_SCENE",
                json!({"scene_id": 100_001}),
                "is 100001, a number of 1-100000",
            ),
            ("QR_STR_SCENE", json!({"scene_str": ""}), "has 0 characters"),
            (
                "QR_STR_SCENE",
                json!({"scene_str": "渠".repeat(65)}),
                "has 65 characters, 1-64",
            ),
            (
                "QR_LIMIT_STR_SCENE",
                json!({"scene_id": 5}),
                "scene_str` is missing",
            ),
        ] {
            refused(create, code(action, scene), why);
        }
        let mut late = code("QR_SCENE", json!({"scene_id": 1}));
        late["expire_seconds"] = 2_592_001.into();
        refused(create, late, "`expire_seconds` is 2592001");
    }

    #[test]
    fn scenes_of_mini_program_codes_have_an_alphabet() {
        let unlimited = wxa::GET_WXA_CODE_UNLIMIT;
        let scene = |scene: &str| json!({"scene": scene});
        for taken in ["a=1&b=2", "!#$&'()*+,/:;=?@-._~", &"x".repeat(32)] {
            assert_eq!(check(unlimited, &scene(taken)), Ok(()), "{taken}");
        }
        refused(
            unlimited,
            scene(&"x".repeat(33)),
            "has 33 characters, 1-32 are taken",
        );
        refused(unlimited, scene("a%20b"), "has the character '%'");
        refused(unlimited, scene("渠道"), "has the character '渠'");
        refused(unlimited, scene("a b"), "has the character ' '");
        refused(unlimited, scene("[a]"), "has the character '['");
        refused(unlimited, scene(""), "has 0 characters");
        refused(unlimited, json!({}), "is missing");
    }

    #[test]
    fn rows_are_asked_for_in_their_unit() {
        assert_eq!(seconds("orders.prepay_id_life"), 7200);
        assert_eq!(seconds("short_key.seconds"), 2_592_000);
        assert_eq!(count("refunds.partial_refunds"), 50);
        assert_eq!(count("scenes.qr_limit_scene"), 100_000);
        assert!(holds("combine.combine_sub_orders", 2));
        assert!(!holds("combine.combine_sub_orders", 1));
        assert!(!holds("combine.combine_sub_orders", 51));
        assert!(!holds("refunds.partial", 1), "there is no such row");
        assert!(fits("refunds.reason", &"因".repeat(26)));
        assert!(!fits("refunds.reason", &"因".repeat(27)), "81 bytes");
    }

    #[test]
    fn a_wrong_id_or_unit_allows_nothing() {
        for wrong in ["orders.prepay_life", "refunds.partial_refunds"] {
            assert_eq!(seconds(wrong), 0, "{wrong}");
        }
        for wrong in [
            "refunds.partial",
            "orders.prepay_id_life",
            "bills.bill_hash",
        ] {
            assert_eq!(count(wrong), 0, "{wrong}");
        }
        for wrong in ["refunds.why", "orders.time_expire_max", "bills.bill_hash"] {
            assert!(!fits(wrong, "x"), "{wrong}");
        }
    }

    #[test]
    fn every_row_names_what_there_is() {
        let rows: Vec<_> = limits().iter().filter(|limit| limit.at.is_some()).collect();
        assert!(rows.len() >= 10);
        for limit in rows {
            let at = limit.at.as_ref().unwrap();
            let endpoint = crate::endpoint(at.endpoint).expect(at.endpoint);
            let name = at.path.split('.').next().unwrap();
            assert!(endpoint.request.field(name).is_some(), "{}", limit.id);
            assert!(range(limit.value).is_some(), "{}", limit.id);
            assert!(
                ["number", "second", "chars", "bytes"].contains(&limit.unit),
                "{}",
                limit.id
            );
        }
    }
}
