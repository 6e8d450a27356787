//! Settings that are numbers: their range is part of their type, so they cannot leave it.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::value::{SettingType, Value};

/// Makes a type of whole numbers from `MIN` to `MAX` of a unit.
macro_rules! number {
    ($(#[doc = $doc:literal])+ $name:ident, $unit:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name<const MIN: u32, const MAX: u32>(u32);

        impl<const MIN: u32, const MAX: u32> $name<MIN, MAX> {
            /// The number, if it is within the range.
            #[must_use]
            pub const fn new(number: u32) -> Option<Self> {
                if number >= MIN && number <= MAX { Some(Self(number)) } else { None }
            }

            /// The allowed number nearest to this one.
            #[must_use]
            pub const fn clamped(number: u32) -> Self {
                Self(if number < MIN { MIN } else if number > MAX { MAX } else { number })
            }

            /// The number, in its unit.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl<const MIN: u32, const MAX: u32> SettingType for $name<MIN, MAX> {
            fn allowed() -> String {
                format!("a whole number from {MIN} to {MAX}{}", $unit)
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::Integer(number) => Self::new(u32::try_from(number).ok()?),
                    _ => None,
                }
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::new(text.trim().parse().ok()?)
            }

            fn to_value(&self) -> Value {
                Value::Integer(self.0.into())
            }
        }
    };
}

number!(
    /// A plain number.
    Number,
    ""
);
number!(
    /// A time in milliseconds.
    Milliseconds,
    " milliseconds"
);
number!(
    /// A time in seconds.
    Seconds,
    " seconds"
);

impl<const MIN: u32, const MAX: u32> Milliseconds<MIN, MAX> {
    /// As a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl<const MIN: u32, const MAX: u32> Seconds<MIN, MAX> {
    /// As a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// A port to listen on; 0 is any free one.
pub type Port = Number<0, 65_535>;
/// A share of 100.
pub type Percent = Number<0, 100>;

impl Port {
    /// The port number.
    #[must_use]
    pub fn port(self) -> u16 {
        u16::try_from(self.get()).unwrap_or(u16::MAX)
    }
}

/// A range of at least two ports, none of them 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// All the ports that RTP uses where nobody says otherwise.
    pub const DEFAULT: Self = Self { first: 16_384, last: 65_534 };

    /// The ports from `first` to `last`, if these are two at least.
    #[must_use]
    pub fn new(ports: RangeInclusive<u16>) -> Option<Self> {
        let (first, last) = ports.into_inner();
        (first > 0 && first < last).then_some(Self { first, last })
    }

    /// The ports.
    #[must_use]
    pub const fn ports(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl SettingType for PortRange {
    fn allowed() -> String {
        "two ports from 1 to 65535, the lower first, as 20000-20100".into()
    }

    fn from_value(value: Value) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        let (first, last) = text.split_once('-')?;
        Self::new(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    }

    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

/// How often a second sound is sampled, in Hz.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SampleRate(u32);

impl SampleRate {
    /// All that are allowed.
    pub const ALL: [u32; 4] = [8000, 16_000, 32_000, 48_000];

    /// The rate, if it is one of those.
    #[must_use]
    pub fn new(hz: u32) -> Option<Self> {
        Self::ALL.contains(&hz).then_some(Self(hz))
    }

    /// In Hz.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl SettingType for SampleRate {
    fn allowed() -> String {
        "8000, 16000, 32000 or 48000 Hz".into()
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(hz) => Self::new(u32::try_from(hz).ok()?),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::new(text.trim().parse().ok()?)
    }

    fn to_value(&self) -> Value {
        Value::Integer(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_at_its_limits_and_not_one_past_them() {
        type Limited = Milliseconds<50, 60>;
        for (text, taken) in [("49", false), ("50", true), ("60", true), ("61", false)] {
            assert_eq!(Limited::from_text(text).is_some(), taken, "{text}");
        }
        assert_eq!(Limited::from_value(Value::Integer(-50)), None);
        assert_eq!(Limited::from_value(Value::Text("50".into())), None);
        assert_eq!(Limited::clamped(7).duration(), Duration::from_millis(50));
        assert_eq!(Limited::allowed(), "a whole number from 50 to 60 milliseconds");
        assert_eq!(Port::clamped(70_000).port(), 65_535);
    }

    #[test]
    fn a_port_range_has_two_ports_at_least_the_lower_first() {
        for text in ["20000-20100", " 1 - 65535 ", "5-6"] {
            assert!(PortRange::from_text(text).is_some(), "{text}");
        }
        for text in ["", "5", "6-5", "5-5", "0-5", "1-65536", "-5-6", "a-b"] {
            assert!(PortRange::from_text(text).is_none(), "{text}");
        }
        assert_eq!(PortRange::DEFAULT.to_value(), Value::Text("16384-65534".into()));
    }

    #[test]
    fn a_sample_rate_is_one_of_four() {
        assert!(SampleRate::from_text("16000").is_some());
        assert!(SampleRate::from_text("44100").is_none());
    }
}
