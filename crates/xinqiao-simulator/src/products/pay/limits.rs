//! Limits of payments, as the catalog has them.

use std::ops::RangeInclusive;

fn limit(id: &str) -> Option<(&'static str, &'static str)> {
    let limit = { xinqiao_catalog::pay_limits().iter() }.find(|limit| limit.id == id)?;
    Some((limit.value, limit.unit))
}

/// A time in seconds; zero if the catalog has none.
pub(super) fn seconds(id: &str) -> i64 {
    let (value, unit) = limit(id).unwrap_or_default();
    let unit = match unit {
        "minute" => 60,
        "hour" => 3600,
        "day" => xinqiao_types::shanghai::DAY,
        _ => 1,
    };
    value.parse::<i64>().unwrap_or_default() * unit
}

/// How many there may be; none if the catalog does not say.
pub(super) fn count(id: &str) -> usize {
    let count = limit(id).and_then(|(value, _)| value.parse().ok());
    count.unwrap_or_default()
}

/// Whether a text has as many characters, or bytes, as it may.
pub(super) fn fits(id: &str, text: &str) -> bool {
    let range = limit(id).and_then(|(value, unit)| {
        let (least, most) = value.split_once('-')?;
        let length = match unit {
            "bytes" => text.len(),
            _ => text.chars().count(),
        };
        Some((least.parse().ok()?..=most.parse().ok()?, length))
    });
    range.is_none_or(|(range, length): (RangeInclusive<usize>, usize)| range.contains(&length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_has_the_limits_that_are_asked_for() {
        for id in [
            super::super::order::PREPAY_LIFE,
            super::super::order::CODE_LIFE,
            super::super::order::PAGE_LIFE,
            super::super::order::EXPIRE_DEFAULT,
            super::super::order::EXPIRE_LEAST,
            super::super::order::EXPIRE_MOST,
            super::super::refund::WINDOW,
            super::super::refund::PAUSE,
            super::super::bill_download::LIFE,
        ] {
            assert!(seconds(id) > 0, "{id}");
        }
        assert!(count(super::super::refund::MOST) > 1);
        let texts = super::super::order::TEXTS.into_iter();
        for (_, id) in texts.chain(super::super::refund::TEXTS) {
            assert!(!fits(id, &"x".repeat(1000)), "{id}");
        }
    }
}
