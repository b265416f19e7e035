//! Times as payments write them: in Shanghai, with or without separators.

use jiff::{Timestamp, tz};

/// Hours that Shanghai is ahead.
const AHEAD: i8 = 8;

fn written(second: i64, form: &str) -> String {
    let time = Timestamp::from_second(second).unwrap_or_default();
    let zone = tz::TimeZone::fixed(tz::offset(AHEAD));
    time.to_zoned(zone).strftime(form).to_string()
}

/// `2026-02-01T08:01:01+08:00`
pub(super) fn rfc3339(second: i64) -> String {
    written(second, "%Y-%m-%dT%H:%M:%S%:z")
}

/// `20260201080101`
pub(super) fn digits(second: i64) -> String {
    written(second, "%Y%m%d%H%M%S")
}

/// Year, month and day.
pub(super) fn day(second: i64) -> (i32, u8, u8) {
    let time = Timestamp::from_second(second).unwrap_or_default();
    let zoned = time.to_zoned(tz::TimeZone::fixed(tz::offset(AHEAD)));
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    (zoned.year().into(), part(zoned.month()), part(zoned.day()))
}

/// The second that one of these texts means.
pub(super) fn second(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let plain = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    let zone = tz::TimeZone::fixed(tz::offset(AHEAD));
    Some(plain.to_zoned(zone).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_written_and_read() {
        assert_eq!(rfc3339(1_769_904_061), "2026-02-01T08:01:01+08:00");
        assert_eq!(digits(1_769_904_061), "20260201080101");
        for text in [
            "2026-02-01T08:01:01+08:00",
            "2026-02-01T00:01:01Z",
            "20260201080101",
        ] {
            assert_eq!(second(text), Some(1_769_904_061), "{text}");
        }
        assert_eq!(second("tomorrow"), None);
        assert_eq!(day(1_769_904_061), (2026, 2, 1));
    }
}
