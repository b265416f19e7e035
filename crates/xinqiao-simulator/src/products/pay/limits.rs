//! Limits of payments, as the catalog has them.

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
        "day" => 86_400,
        _ => 1,
    };
    value.parse::<i64>().unwrap_or_default() * unit
}

/// Whether a text has as many characters as it may.
pub(super) fn fits(id: &str, text: &str) -> bool {
    let range = limit(id).and_then(|(value, _)| {
        let (least, most) = value.split_once('-')?;
        Some(least.parse().ok()?..=most.parse().ok()?)
    });
    range.is_none_or(|range: std::ops::RangeInclusive<usize>| range.contains(&text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_has_the_limits_that_are_asked_for() {
        for id in [
            super::super::order::PREPAY_LIFE,
            super::super::order::CODE_LIFE,
            super::super::order::EXPIRE_DEFAULT,
            super::super::order::EXPIRE_LEAST,
            super::super::order::EXPIRE_MOST,
        ] {
            assert!(seconds(id) > 0, "{id}");
        }
        for id in super::super::order::TEXTS.map(|(_, id)| id) {
            assert!(!fits(id, &"x".repeat(1000)), "{id}");
        }
    }
}
