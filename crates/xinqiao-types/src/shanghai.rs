//! Shanghai's calendar: the platform's days, months and written times.
//!
//! Quotas begin anew at midnight there, bills are of a day there, and payments write times as clocks there show them.
//! It lies eight hours before UTC all year round (no summer time since 1991), so this needs no table of time zones.
//!
//! WECHAT: a "day" of a quota is a natural day in Shanghai, wherever the caller's servers stand.
//!
//! A moment beyond the years that a date can have is taken for the last (or first) that has one.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::Offset,
};

use crate::UnixSeconds;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

const OFFSET: Offset = Offset::constant(8);
const AHEAD: i64 = 8 * 3600;

/// The number of the day, counted from 1970-01-01.
pub const fn day(at: UnixSeconds) -> i64 {
    at.0.saturating_add(AHEAD).div_euclid(DAY)
}

/// Midnight that begins the day.
pub const fn midnight(at: UnixSeconds) -> UnixSeconds {
    UnixSeconds(day(at).saturating_mul(DAY).saturating_sub(AHEAD))
}

/// Midnight that ends the day.
pub const fn next_midnight(at: UnixSeconds) -> UnixSeconds {
    UnixSeconds(midnight(at).0.saturating_add(DAY))
}

/// Midnight that begins the month.
pub fn month(at: UnixSeconds) -> UnixSeconds {
    begin(clock(at).date().first_of_month())
}

/// Midnight that ends the month.
pub fn next_month(at: UnixSeconds) -> UnixSeconds {
    let next = clock(at).date().last_of_month().tomorrow();
    next.map_or(UnixSeconds(i64::MAX), begin)
}

/// Year, month and day.
pub fn date(at: UnixSeconds) -> (i32, u8, u8) {
    let date = clock(at).date();
    let positive = i8::unsigned_abs;
    let (month, day) = (positive(date.month()), positive(date.day()));
    (date.year().into(), month, day)
}

/// In a form of `strftime`'s.
pub fn written(at: UnixSeconds, form: &str) -> String {
    clock(at).strftime(form).to_string()
}

/// `2026-02-01T08:01:01+08:00`
pub fn rfc3339(at: UnixSeconds) -> String {
    written(at, "%Y-%m-%dT%H:%M:%S+08:00")
}

/// `20260201080101`
pub fn digits(at: UnixSeconds) -> String {
    written(at, DIGITS)
}

/// The moment that [`rfc3339`] (with any offset) or [`digits`] wrote.
pub fn read(text: &str) -> Option<UnixSeconds> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.into());
    }
    let clock = DateTime::strptime(DIGITS, text).ok()?;
    OFFSET.to_timestamp(clock).ok().map(UnixSeconds::from)
}

const DIGITS: &str = "%Y%m%d%H%M%S";

/// What calendar and clock show.
fn clock(at: UnixSeconds) -> DateTime {
    let edge = if at.0 < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    OFFSET.to_datetime(at.timestamp().unwrap_or(edge))
}

/// Midnight that begins a date.
fn begin(date: Date) -> UnixSeconds {
    let midnight = OFFSET.to_timestamp(date.at(0, 0, 0, 0));
    midnight.unwrap_or(Timestamp::MIN).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2023-11-15 06:13:20 in Shanghai.
    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    #[test]
    fn a_day_begins_at_sixteen_utc() {
        assert_eq!(date(NOW), (2023, 11, 15));
        assert_eq!(midnight(NOW), UnixSeconds(1_699_977_600));
        let end = next_midnight(NOW);
        assert_eq!(end, UnixSeconds(1_700_064_000));
        assert_eq!(next_midnight(end), UnixSeconds(1_700_150_400));
    }

    #[test]
    fn days_are_counted_from_1970() {
        let midnight = UnixSeconds(20_000 * DAY - AHEAD);
        assert_eq!(day(midnight), 20_000);
        assert_eq!(day(midnight - 1), 19_999);
        assert_eq!(day(UnixSeconds(-AHEAD - 1)), -1);
    }

    #[test]
    fn months_begin_on_the_first() {
        assert_eq!(date(month(NOW)), (2023, 11, 1));
        assert_eq!(date(next_month(NOW)), (2023, 12, 1));
        assert_eq!(date(next_month(UnixSeconds(1_703_000_000))), (2024, 1, 1));
        assert_eq!(date(UnixSeconds(1_709_136_000 + 57_600)), (2024, 2, 29));
    }

    #[test]
    fn both_forms_are_written_and_read() {
        let at = UnixSeconds(1_769_904_061);
        assert_eq!(rfc3339(at), "2026-02-01T08:01:01+08:00");
        assert_eq!(digits(at), "20260201080101");
        assert_eq!(written(at, "%H:%M:%S"), "08:01:01");
        for text in [
            "2026-02-01T08:01:01+08:00",
            "2026-02-01T00:01:01Z",
            "20260201080101",
        ] {
            assert_eq!(read(text), Some(at), "{text}");
        }
        assert_eq!(read("tomorrow"), None);
    }

    #[test]
    fn moments_beyond_all_dates_are_no_panic() {
        for at in [i64::MIN, i64::MAX].map(UnixSeconds) {
            let year = date(at).0;
            assert!(year == 9999 && at.0 > 0 || year == -9999 && at.0 < 0);
            assert!(midnight(at) <= next_midnight(at));
            assert!(month(at) < next_month(at));
            assert!(rfc3339(at).ends_with("+08:00"));
        }
    }

    proptest! {
        #[test]
        fn a_moment_lies_within_its_day_and_month(seconds in -62_135_596_800_i64..4_102_444_800) {
            let now = UnixSeconds(seconds);
            prop_assert!(midnight(now) <= now && now < next_midnight(now));
            prop_assert!(month(now) <= midnight(now));
            prop_assert!(next_midnight(now) <= next_month(now));
            // The arithmetic of days and the calendar agree.
            prop_assert_eq!(begin(clock(now).date()), midnight(now));
        }
    }
}
