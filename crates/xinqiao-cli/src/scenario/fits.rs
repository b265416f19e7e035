//! Whether what happened fits what a scenario expects.
//!
//! A mapping fits what has at least its keys, a list what has as many items in the same order. In a text `*` stands for
//! anything, `\*` for itself. A text in both languages fits in either. What is expected to be nothing may be missing.

use serde_json::Value;

/// Whether `found` fits `wanted`.
pub(super) fn fits(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(fields)) => wanted
            .iter()
            .all(|(name, value)| fits(value, fields.get(name).unwrap_or(&Value::Null))),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted
                    .iter()
                    .zip(found)
                    .all(|(one, other)| fits(one, other))
        }
        (Value::String(pattern), Value::Object(words)) => {
            let either = ["zh", "en"].map(|language| words.get(language).and_then(Value::as_str));
            either.iter().flatten().any(|text| is_like(pattern, text))
        }
        (Value::String(pattern), Value::String(text)) => is_like(pattern, text),
        (Value::String(pattern), Value::Number(_) | Value::Bool(_)) => {
            is_like(pattern, &found.to_string())
        }
        // An id that looks like a number is one for YAML.
        (Value::Number(number), Value::String(text)) => number.to_string() == *text,
        // As fractions whole numbers would lose digits.
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        _ => wanted == found,
    }
}

/// Whether a text is like a pattern.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pieces(pattern).into_iter();
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    let mut parts: Vec<String> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(&part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(&last)
}

/// What stands between the stars.
fn pieces(pattern: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&'*') => {
                letters.next();
                all.last_mut().expect("there is always one").push('*');
            }
            '*' => all.push(String::new()),
            letter => all.last_mut().expect("there is always one").push(letter),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(wanted: Value, found: Value, fine: bool) {
        assert_eq!(fits(&wanted, &found), fine, "{wanted} {found}");
    }

    #[test]
    fn a_mapping_asks_for_what_it_names() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
        check(json!({"a": 1}), json!({"b": 2}), false);
        check(json!({"a": null}), json!({"b": 2}), true);
        check(
            json!({"a": {"b": "x"}}),
            json!({"a": {"b": "x", "c": 1}}),
            true,
        );
        check(json!([{"a": 1}]), json!([{"a": 1}, {"a": 2}]), false);
        check(json!([{"a": 1}]), json!([{"a": 1, "b": 1}]), true);
    }

    #[test]
    fn a_star_stands_for_anything() {
        check(json!("你好*"), json!("你好，小林"), true);
        check(json!("*小*林*"), json!("你好，小 林！"), true);
        check(json!("你好"), json!("你好，小林"), false);
        check(json!("a*a"), json!("a"), false);
        check(json!("2\\*3"), json!("2*3"), true);
        check(json!("2\\*3"), json!("2x3"), false);
        check(json!("*"), json!(""), true);
    }

    #[test]
    fn numbers_and_both_languages_are_met_halfway() {
        check(json!(7), json!("7"), true);
        check(json!("7"), json!(7), true);
        check(json!(7), json!(7.0), true);
        check(json!(u64::MAX), json!(u64::MAX), true);
        check(json!(u64::MAX), json!(u64::MAX - 1), false);
        check(
            json!("*回复*"),
            json!({"zh": "应用回复", "en": "replies"}),
            true,
        );
        check(
            json!("replies"),
            json!({"zh": "应用回复", "en": "replies"}),
            true,
        );
        check(
            json!("other"),
            json!({"zh": "应用回复", "en": "replies"}),
            false,
        );
    }
}
