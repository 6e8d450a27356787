//! Wall time as a value: an epoch given at start plus what has passed since.

use std::fmt;
use std::time::Duration;

use offhook_fsm::Instant;

/// A moment in UTC, in microseconds since 1970. Prints as RFC 3339 with `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_micros(self) -> u64 {
        self.0
    }

    /// Seconds since 1900, as NTP counts (RFC 5905): what SDP's `o=` line likes to carry.
    #[must_use]
    pub const fn ntp_seconds(self) -> u64 {
        self.0 / 1_000_000 + 2_208_988_800
    }

    /// Year, month, day, hour, minute, second of the proleptic Gregorian calendar, UTC.
    #[must_use]
    pub const fn civil(self) -> (u64, u64, u64, u64, u64, u64) {
        let seconds = self.0 / 1_000_000;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Days since 0000-03-01, in eras of 400 years, so that the leap day ends a year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
        (year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        let micros = self.0 % 1_000_000;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Joins the monotonic clock to the calendar.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// A point on the monotonic clock.
    pub instant: Instant,
    /// The wall time at that point.
    pub timestamp: Timestamp,
}

impl Epoch {
    /// The wall time at `now`.
    #[must_use]
    pub fn at(self, now: Instant) -> Timestamp {
        let passed: Duration = now.saturating_duration_since(self.instant);
        let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        Timestamp(self.timestamp.0.saturating_add(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_in_utc_with_microseconds() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_795_356_000_123_456, "2026-11-22T14:00:00.123456Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn epoch_adds_what_has_passed() {
        let epoch = Epoch {
            instant: Instant::from_millis(10),
            timestamp: Timestamp::from_unix_micros(1_000_000),
        };
        assert_eq!(epoch.at(Instant::from_millis(12)).unix_micros(), 1_002_000);
        assert_eq!(epoch.at(Instant::ZERO).unix_micros(), 1_000_000);
    }
}
