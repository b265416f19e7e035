//! Which day an event belongs to. Days are Shanghai's (UTC+8, no summer time), numbered from
//! 1970-01-01.

use crate::Millis;

const DAY_MS: i64 = 86_400_000;
const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// The Shanghai day of a moment.
pub(crate) fn shanghai_day(at: Millis) -> i32 {
    i32::try_from((at.0 + SHANGHAI_MS).div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        let midnight = Millis(20_000 * DAY_MS - SHANGHAI_MS);
        assert_eq!(shanghai_day(midnight), 20_000);
        assert_eq!(shanghai_day(Millis(midnight.0 - 1)), 19_999);
    }
}
