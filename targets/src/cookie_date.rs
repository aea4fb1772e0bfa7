//! Dates as `Expires` writes them, read as leniently as RFC 6265 §5.1.1 asks.

use std::time::{Duration, SystemTime};

use chrono::{NaiveDate, NaiveTime};

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
        let number = token.parse::<i32>().ok();
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
    let date = NaiveDate::from_ymd_opt(year?, month?, u32::try_from(day?).ok()?)?;
    let stamp = date.and_time(time?).and_utc().timestamp();
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(stamp).unwrap_or(0)))
}

fn clock_time(token: &str) -> Option<NaiveTime> {
    let mut parts = token.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    NaiveTime::from_hms_opt(hour, minute, second)
}

fn month_of(token: &str) -> Option<u32> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| *month == start)?;
    u32::try_from(place + 1).ok()
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
