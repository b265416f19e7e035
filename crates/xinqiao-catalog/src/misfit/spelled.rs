//! How single values are spelled in an answer: each type has one spelling in JSON, or the one that its field names; in XML
//! everything is text.

use serde_json::Value;

use crate::model::{Field, Spelling, TypeRef};

type Fit = Result<(), &'static str>;

const WHOLE: &str = "must be a whole number";
const NUMBER: &str = "must be a number";
const TEXT: &str = "must be text";

/// What is known of a single value beside its type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar {
    pub(super) spelling: Spelling,
    pub(super) format: &'static str,
    pub(super) xml: bool,
}

impl Scalar {
    pub(super) fn of(field: Option<&Field>, xml: bool) -> Self {
        Self {
            spelling: field.map_or(Spelling::Plain, |field| field.wire),
            format: field.map_or("", |field| field.format),
            xml,
        }
    }

    pub(super) fn check(self, ty: &TypeRef, value: &Value) -> Fit {
        match ty {
            TypeRef::String => self.text(value),
            TypeRef::Timestamp => self.time(value),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => {
                self.number(value, WHOLE, |value| match (ty, value) {
                    (TypeRef::Int32, Value::Number(number)) => number
                        .as_i64()
                        .is_some_and(|number| i32::try_from(number).is_ok()),
                    (TypeRef::Int32, Value::String(text)) => text.parse::<i32>().is_ok(),
                    (TypeRef::Uint64, Value::Number(number)) => number.is_u64(),
                    (TypeRef::Uint64, Value::String(text)) => text.parse::<u64>().is_ok(),
                    (_, Value::Number(number)) => number.is_i64(),
                    (_, Value::String(text)) => text.parse::<i64>().is_ok(),
                    _ => false,
                })
            }
            TypeRef::Float => self.number(value, NUMBER, |value| match value {
                Value::Number(_) => true,
                Value::String(text) => text.parse::<f64>().is_ok_and(f64::is_finite),
                _ => false,
            }),
            TypeRef::Bool => self.truth(value),
            TypeRef::File | TypeRef::Bytes => need(value.is_string(), TEXT),
            TypeRef::Any | TypeRef::Named(_) | TypeRef::List(_) | TypeRef::Map(_) => Ok(()),
        }
    }

    fn text(self, value: &Value) -> Fit {
        let number = self.spelling == Spelling::TextOrNumber && value.is_number();
        need(value.is_string() || number, TEXT)
    }

    fn time(self, value: &Value) -> Fit {
        let text = value.as_str().ok_or(TEXT)?;
        match self.format {
            "rfc3339" => need(is_rfc3339(text), "must be a time as RFC 3339 has it"),
            format => need(follows(format, text), "is not written as its format says"),
        }
    }

    fn number(self, value: &Value, reason: &'static str, fits: impl Fn(&Value) -> bool) -> Fit {
        let spelled = match self.spelling {
            _ if self.xml => value.is_string(),
            Spelling::NumericText => value.is_string(),
            Spelling::NumberOrText | Spelling::TextOrNumber => true,
            _ => value.is_number(),
        };
        need(spelled && fits(value), reason)
    }

    fn truth(self, value: &Value) -> Fit {
        let one_of = |texts: [&str; 2]| value.as_str().is_some_and(|text| texts.contains(&text));
        match self.spelling {
            Spelling::BoolYn => need(one_of(["Y", "N"]), "must be Y or N"),
            Spelling::BoolText => need(one_of(["true", "false"]), "must be true or false as text"),
            Spelling::BoolInt if self.xml => need(one_of(["0", "1"]), "must be 0 or 1"),
            Spelling::BoolInt => {
                let bit = value.as_u64().is_some_and(|bit| bit <= 1);
                need(bit, "must be 0 or 1")
            }
            _ if self.xml => need(one_of(["true", "false"]), "must be true or false"),
            _ => need(value.is_boolean(), "must be true or false"),
        }
    }
}

fn need(fits: bool, reason: &'static str) -> Fit {
    if fits { Ok(()) } else { Err(reason) }
}

/// Whether a text follows a pattern such as `yyyy-MM-dd HH:mm:ss`: digits for its letters, everything else as it stands.
/// A pattern of another kind says nothing.
fn follows(format: &str, text: &str) -> bool {
    let letter = |c: char| "yMdHms".contains(c);
    let known = |c: char| letter(c) || "-/: ".contains(c);
    if format.is_empty() || !format.chars().all(known) {
        return true;
    }
    let fits = |(pattern, c): (char, char)| {
        if letter(pattern) {
            c.is_ascii_digit()
        } else {
            pattern == c
        }
    };
    format.chars().count() == text.chars().count() && format.chars().zip(text.chars()).all(fits)
}

fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else {
        return false;
    };
    let at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(at);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let zone = zone == "Z" || zone.get(1..).is_some_and(|zone| follows("HH:mm", zone));
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    follows("yyyy-MM-dd", date) && follows("HH:mm:ss", time) && digits && zone
}

/// Whether a name is one of a numbered field: `coupon_id_$n` and `coupon_id_0`.
pub(super) fn numbered(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('$');
    let Some(mut rest) = pieces.next().and_then(|head| name.strip_prefix(head)) else {
        return false;
    };
    for piece in pieces {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = piece.get(1..).unwrap_or_default();
        match rest.get(digits..).and_then(|text| text.strip_prefix(after)) {
            Some(next) if digits > 0 => rest = next,
            _ => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_their_pattern() {
        assert!(follows("yyyyMMddHHmmss", "20260131235959"));
        assert!(!follows("yyyyMMddHHmmss", "2026013123595"));
        assert!(!follows("yyyy-MM-dd HH:mm:ss", "2026-01-31T10:00:00"));
        assert!(follows("yyyy-MM-dd / LONG_TERM", "whatever"));
        for (text, fits) in [
            ("2026-01-01T10:00:00+08:00", true),
            ("2026-01-01T02:00:00Z", true),
            ("2026-01-01T10:00:00.123+08:00", true),
            ("2026-01-01T10:00:00", false),
            ("2026-01-01T10:00:00.+08:00", false),
            ("2026-01-01 10:00:00+08:00", false),
            ("2026-01-01T10:00:00+0800", false),
        ] {
            assert_eq!(is_rfc3339(text), fits, "{text}");
        }
    }

    #[test]
    fn numbered_names_have_numbers_in_their_places() {
        assert!(numbered("coupon_id_$n", "coupon_id_0"));
        assert!(numbered("coupon_fee_$n_$m", "coupon_fee_10_2"));
        assert!(!numbered("coupon_id_$n", "coupon_id_"));
        assert!(!numbered("coupon_id_$n", "coupon_id_0_1"));
        assert!(!numbered("coupon_fee_$n_$m", "coupon_fee_1"));
        assert!(!numbered("coupon_id_$n", "coupon_type_0"));
    }
}
