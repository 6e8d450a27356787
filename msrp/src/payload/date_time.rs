//! Dates in payloads (RFC 3339), from and to microseconds since 1970 UTC.

use crate::scan::number;

pub(crate) const DAY_S: i64 = 86_400;
const SECOND_US: i64 = 1_000_000;
/// The beginning of the year 0 and the end of the year 9999, both in UTC.
const FIRST: i64 = -62_167_219_200 * SECOND_US;
const LAST: i64 = 253_402_300_800 * SECOND_US - 1;

/// Prints a moment in UTC, like `2026-11-23T16:04:51.250000Z`. Years beyond 0–9999 are cut to them.
///
/// ```
/// assert_eq!(offhook_msrp::date_time::print(0), "1970-01-01T00:00:00.000000Z");
/// ```
#[must_use]
pub fn print(unix_us: i64) -> String {
    let moment = unix_us.clamp(FIRST, LAST);
    let (seconds, fraction) = (moment.div_euclid(SECOND_US), moment.rem_euclid(SECOND_US));
    let (day, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

/// Reads a moment; `None` for what is none. A date without a zone, which devices send, is UTC. A
/// fraction is cut to microseconds, a leap second is the next one's first.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (year, month, day) = three(date, '-', [4, 2, 2])?;
    let zone_at = time.find(['Z', 'z', '+', '-']);
    let (time, zone) = zone_at.map_or((time, "Z"), |at| time.split_at(at));
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (hour, minute, second) = three(clock, ':', [2, 2, 2])?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let fine = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = days_before(year, month, day).filter(|_| fine)?;
    let seconds = days * DAY_S + hour * 3600 + minute * 60 + second - zone_seconds(zone)?;
    // A zone or a leap second may lead out of the years that can be printed.
    Some(seconds * SECOND_US + fraction).filter(|moment| (FIRST..=LAST).contains(moment))
}

fn three(text: &str, at: char, lengths: [usize; 3]) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(at).zip(lengths).map(|(part, length)| {
        number(part).filter(|_| part.len() == length).and_then(|number| i64::try_from(number).ok())
    });
    let read = (parts.next()??, parts.next()??, parts.next()??);
    (text.len() == lengths.iter().sum::<usize>() + 2).then_some(read)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let two = |text: &str| number(text).filter(|_| text.len() == 2);
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let fine = hours < 24 && minutes < 60;
    i64::try_from(hours * 3600 + minutes * 60).ok().filter(|_| fine).map(|seconds| sign * seconds)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + is_leap(year) as i64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the years 0–9999 (days counted from a March, so that the leap
/// day is a year's last).
pub(crate) fn days_before(year: i64, month: i64, day: i64) -> Option<i64> {
    let fits = (0..=9999).contains(&year);
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    fits.then_some(days)
}

/// The reverse of [`days_before`].
pub(crate) const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_prints_as_it_is_read() {
        let mut days = 0;
        for year in [0, 1, 1899, 1900, 1969, 1970, 2000, 2026, 2100, 9999] {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    let text = format!("{year:04}-{month:02}-{day:02}T23:59:59.999999Z");
                    assert_eq!(print(parse(&text).unwrap()), text);
                    days += 1;
                }
            }
        }
        assert_eq!(days, 3652);
    }

    #[test]
    fn zones_and_fractions_are_understood() {
        let moment = parse("2000-12-13T21:40:00Z").unwrap();
        for same in [
            "2000-12-13T13:40:00-08:00",
            "2000-12-13t21:40:00.000z",
            "2000-12-14T00:10:00+02:30",
            "2000-12-13T21:40:00",
            "2000-12-13 21:40:00.0000000001Z",
        ] {
            assert_eq!(parse(same), Some(moment), "{same}");
        }
        assert_eq!(parse("1970-01-01T00:00:00.25Z"), Some(250_000));
        assert_eq!(parse("1969-12-31T23:59:60Z"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "2000-12-13",
            "2000-13-01T00:00:00Z",
            "2001-02-29T00:00:00Z",
            "1-1-1T0:0:0Z",
            "2000-12-13T24:00:00Z",
            "2000-12-13T00:60:00Z",
            "2000-12-13T00:00:61Z",
            "2000-12-13T00:00:00+1:00",
            "2000-12-13T00:00:00+24:00",
            "2000-12-13T00:00:00.Z",
            "2000-12-13T00:00:00.1x2Z",
            "2000-12-13T00:00:00Zx",
            "02000-12-13T00:00:00Z",
            "2000-12-13T00:00:00.1234567é",
            "2000-12-13T00:00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:60Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(
            print(i64::MIN).starts_with("0000-01-01") && print(i64::MAX).starts_with("9999-12-31")
        );
    }
}
