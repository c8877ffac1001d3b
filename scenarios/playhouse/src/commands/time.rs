//! Points in time as text.

use playhouse_types::Timestamp;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A time in UTC, split into what people read.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    micros_of_day: i64,
}

impl Civil {
    /// Splits a timestamp by the proleptic Gregorian calendar.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    fn of(time: Timestamp) -> Self {
        let days = time.0.div_euclid(MICROS_PER_DAY) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day, micros_of_day: time.0.rem_euclid(MICROS_PER_DAY) }
    }
}

/// Shows a time as RFC 3339, section 5.6: `2026-11-22T10:51:17.123456Z`.
pub(super) fn rfc3339(time: Timestamp) -> String {
    let Civil { year, month, day, micros_of_day } = Civil::of(time);
    let (seconds, micros) = (micros_of_day / 1_000_000, micros_of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Shows a time for a table: `2026-11-22 10:51:17`, UTC.
pub(super) fn short_time(time: Timestamp) -> String {
    let text = rfc3339(time).replace('T', " ");
    text.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{rfc3339, short_time};
    use playhouse_types::Timestamp;

    #[test]
    fn times_are_told_in_utc() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_795_344_677_123_456, "2026-11-22T10:51:17.123456Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(rfc3339(Timestamp(micros)), expected);
        }
        assert_eq!(short_time(Timestamp(0)), "1970-01-01 00:00:00");
    }
}
