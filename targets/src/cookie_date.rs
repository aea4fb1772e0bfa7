//! Dates as `Expires` writes them, read as leniently as RFC 6265 §5.1.1 asks.

use std::time::{Duration, SystemTime};

use jiff::civil;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The moment a cookie date names; `None` when it names none. Moments before 1970 count as 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
        .filter(|t| !t.is_empty())
    {
        let number = token.parse::<i16>().ok();
        if time.is_none() && token.contains(':') {
            time = clock_time(token);
        } else if let (None, Some(n), true) = (day, number, token.len() <= 2) {
            day = Some(n);
        } else if let (None, Some(m)) = (month, month_of(token)) {
            month = Some(m);
        } else if let (None, Some(n)) = (year, number) {
            year = Some(match n {
                70..=99 => n + 1900,
                0..=69 => n + 2000,
                _ => n,
            });
        }
    }
    let date = civil::Date::new(year?, month?, i8::try_from(day?).ok()?).ok()?;
    let stamp = jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time?)).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(stamp.as_second()).unwrap_or(0)))
}

fn clock_time(token: &str) -> Option<civil::Time> {
    let mut parts = token.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    civil::Time::new(hour, minute, second, 0).ok()
}

fn month_of(token: &str) -> Option<i8> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| *month == start)?;
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_names_the_same_moment() {
        let expected = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "06-Nov-1994 08:49:37",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "yesterday",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 25:00:00",
            "06 Nov 1994",
            "é:é:é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
