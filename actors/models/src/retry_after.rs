//! How long an endpoint asks us to wait (RFC 9110, section 10.2.3).

use std::time::Duration;

use playhouse_types::Timestamp;

/// Reads a `Retry-After` header: seconds, also with a fraction, or a date. A past date is zero; nonsense is `None`.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Beyond what a `Duration` holds it is as absurd as the longest one.
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
    Some(Timestamp(date.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use playhouse_types::Timestamp;
    use std::time::Duration;

    /// 2015-10-21 07:28:00 UTC.
    const NOW: Timestamp = Timestamp(1_445_412_480_000_000);

    #[track_caller]
    fn check(value: &str, expected: Option<Duration>) {
        assert_eq!(retry_after(value, NOW), expected);
    }

    #[test]
    fn it_is_seconds_or_a_date() {
        check("7", Some(Duration::from_secs(7)));
        check(" 0.25 ", Some(Duration::from_millis(250)));
        check("Wed, 21 Oct 2015 07:28:09 GMT", Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_past_date_is_now() {
        check("Wed, 21 Oct 2015 07:00:00 GMT", Some(Duration::ZERO));
    }

    #[test]
    fn the_absurd_stays_absurd_and_nonsense_is_nothing() {
        check("1e300", Some(Duration::MAX));
        check("inf", Some(Duration::MAX));
        for nonsense in ["", "soon", "-1", "NaN", "Wed, 99 Oct 2015"] {
            check(nonsense, None);
        }
    }
}
