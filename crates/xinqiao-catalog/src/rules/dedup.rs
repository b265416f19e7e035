//! Which fields tell two callbacks apart (排重).
//!
//! Only makes the key; remembering keys is the receiver's business. Two callbacks with one key are one
//! event that the platform pushed again.
//!
//! Source: doc pages "接收普通消息" and "接收事件推送", sections on 排重; catalog table `dedup`.

use crate::model::DedupRecipe;

/// The key of a callback: the recipe's fields in their order, absent ones empty.
///
/// Each value is written with its length, so that no two different sets of values make one key.
pub fn key<'a>(recipe: &DedupRecipe, field: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut key = String::from(recipe.id);
    for name in &recipe.fields {
        let value = field(name).unwrap_or_default();
        key.push('|');
        key.push_str(&value.len().to_string());
        key.push(':');
        key.push_str(value);
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recipe() -> DedupRecipe {
        DedupRecipe {
            id: "event",
            fields: vec!["FromUserName", "EventKey"],
            keep_hours: 24,
        }
    }

    #[test]
    fn absent_fields_count_as_empty() {
        let key = key(&recipe(), |name| (name == "FromUserName").then_some("o1"));
        assert_eq!(key, "event|2:o1|0:");
    }

    proptest! {
        #[test]
        fn different_values_make_different_keys(a in ".*", b in ".*", c in ".*", d in ".*") {
            let make = |from: &str, event: &str| {
                let pair = [("FromUserName", from.to_owned()), ("EventKey", event.to_owned())];
                key(&recipe(), |name| {
                    pair.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
                })
            };
            prop_assert_eq!(make(&a, &b) == make(&c, &d), (&a, &b) == (&c, &d));
        }
    }
}
