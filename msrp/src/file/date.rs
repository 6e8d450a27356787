//! Dates as `a=file-date` has them (RFC 5322 §3.3), from and to seconds since 1970 UTC.

use crate::date_time::{DAY_S, civil, days_before, days_in};
use crate::scan::number;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// From 1970-01-01 on.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
/// The years 0–9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// `Mon, 15 May 2006 12:01:31 +0000`.
pub(super) fn print(unix_s: i64) -> String {
    let moment = unix_s.clamp(*SECONDS.start(), *SECONDS.end());
    let (days, second) = (moment.div_euclid(DAY_S), moment.rem_euclid(DAY_S));
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: i64| {
        usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
    };
    let (weekday, month) = (name(&WEEKDAYS, days.rem_euclid(7)), name(&MONTHS, month - 1));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// Reads a date; the day of the week is not looked at, and a zone by name is UTC.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.split_once(',').map_or(text, |(_, date)| date);
    let mut words = text.split_ascii_whitespace();
    let two = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        number(text).filter(|_| lengths.contains(&text.len())).and_then(|n| i64::try_from(n).ok())
    };
    let day = two(words.next()?, 1..=2)?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let (month, year) = (i64::try_from(month).ok()? + 1, two(words.next()?, 4..=4)?);
    let mut clock = words.next()?.split(':');
    let (hour, minute) = (two(clock.next()?, 2..=2)?, two(clock.next()?, 2..=2)?);
    let second = clock.next().map_or(Some(0), |second| two(second, 2..=2))?;
    let zone = zone_seconds(words.next().unwrap_or("GMT"))?;
    let fine = (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && clock.next().is_none()
        && words.next().is_none();
    let days = days_before(year, month, day).filter(|_| fine)?;
    let moment = days * DAY_S + hour * 3600 + minute * 60 + second - zone;
    SECONDS.contains(&moment).then_some(moment)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    let Some(digits) = zone.strip_prefix(['+', '-']) else {
        return zone.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(0);
    };
    let both = number(digits).filter(|_| digits.len() == 4)?;
    let (hours, minutes) = (i64::try_from(both / 100).ok()?, i64::try_from(both % 100).ok()?);
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5547_dates_are_read() {
        let moment = 1_147_694_491;
        assert_eq!(parse("Mon, 15 May 2006 15:01:31 +0300"), Some(moment));
        assert_eq!(print(moment), "Mon, 15 May 2006 12:01:31 +0000");
        for same in ["15 may 2006 12:01:31 GMT", "15 May 2006 08:01:31 -0400"] {
            assert_eq!(parse(same), Some(moment), "{same}");
        }
        assert_eq!(parse("1 Jan 1970 00:00 +0000"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            "",
            "Mon",
            "Mon, 15 May",
            "32 May 2006 15:01:31 +0300",
            "29 Feb 2006 15:01:31 +0300",
            "15 Mai 2006 15:01:31 +0300",
            "15 May 06 15:01:31 +0300",
            "15 May 2006 24:01:31 +0300",
            "15 May 2006 15:60:31 +0300",
            "15 May 2006 15:01:61 +0300",
            "15 May 2006 15:01:31:00 +0300",
            "15 May 2006 15:01:31 +030",
            "15 May 2006 15:01:31 +9999",
            "15 May 2006 15:01:31 +0300 x",
            "01 Jan 0000 00:00:00 +0001",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_print_as_they_are_read() {
        for day in (-719_528..2_932_897).step_by(97) {
            let moment = day * DAY_S + 86_399;
            assert_eq!(parse(&print(moment)), Some(moment));
        }
        assert_eq!(
            (print(0), print(i64::MAX)),
            ("Thu, 01 Jan 1970 00:00:00 +0000".into(), "Fri, 31 Dec 9999 23:59:59 +0000".into(),)
        );
    }
}
