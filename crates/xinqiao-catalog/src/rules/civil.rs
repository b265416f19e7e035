//! Shanghai's calendar, which the platform's quotas follow (Asia/Shanghai, fixed +08:00).
//!
//! WECHAT: a "day" of a quota is a natural day in Shanghai, wherever the caller's servers stand.

use xinqiao_types::UnixSeconds;

/// Shanghai is eight hours ahead of UTC all year round (no daylight saving since 1991).
const OFFSET: i64 = 8 * 3600;
/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Midnight in Shanghai that begins the day of `now`.
pub const fn midnight_cst(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds((now.0 + OFFSET).div_euclid(DAY) * DAY - OFFSET)
}

/// Midnight in Shanghai that ends the day of `now`.
pub const fn next_midnight_cst(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds(midnight_cst(now).0 + DAY)
}

/// The first midnight of the month of `now` in Shanghai.
pub const fn month_start_cst(now: UnixSeconds) -> UnixSeconds {
    let (year, month, _) = date_cst(now);
    UnixSeconds(days_from_civil(year, month, 1) * DAY - OFFSET)
}

/// The first midnight of the month after that of `now` in Shanghai.
pub const fn next_month_cst(now: UnixSeconds) -> UnixSeconds {
    let (year, month, _) = date_cst(now);
    let (year, month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    UnixSeconds(days_from_civil(year, month, 1) * DAY - OFFSET)
}

/// Year, month and day of `now` in Shanghai.
pub const fn date_cst(now: UnixSeconds) -> (i64, i64, i64) {
    civil_from_days((now.0 + OFFSET).div_euclid(DAY))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar; years are counted from March, so that
/// the leap day comes last.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The other way round.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_begins_at_sixteen_utc() {
        // 2023-11-15 06:13:20 in Shanghai.
        let now = UnixSeconds(1_700_000_000);
        assert_eq!(date_cst(now), (2023, 11, 15));
        assert_eq!(midnight_cst(now), UnixSeconds(1_699_977_600));
        assert_eq!(next_midnight_cst(now), UnixSeconds(1_700_064_000));
        assert_eq!(
            next_midnight_cst(UnixSeconds(1_700_064_000)),
            UnixSeconds(1_700_150_400)
        );
    }

    #[test]
    fn months_begin_on_the_first() {
        let now = UnixSeconds(1_700_000_000);
        assert_eq!(date_cst(month_start_cst(now)), (2023, 11, 1));
        assert_eq!(date_cst(next_month_cst(now)), (2023, 12, 1));
        assert_eq!(
            date_cst(next_month_cst(UnixSeconds(1_703_000_000))),
            (2024, 1, 1)
        );
        assert_eq!(date_cst(UnixSeconds(1_709_136_000 + 57_600)), (2024, 2, 29));
    }

    proptest! {
        #[test]
        fn a_moment_lies_within_its_day_and_month(seconds in 0_i64..4_102_444_800) {
            let now = UnixSeconds(seconds);
            prop_assert!(midnight_cst(now) <= now && now < next_midnight_cst(now));
            prop_assert!(month_start_cst(now) <= midnight_cst(now));
            prop_assert!(next_midnight_cst(now) <= next_month_cst(now));
            let (year, month, day) = date_cst(now);
            prop_assert_eq!(days_from_civil(year, month, day) * DAY - OFFSET, midnight_cst(now).0);
        }
    }
}
