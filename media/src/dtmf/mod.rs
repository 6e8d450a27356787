//! DTMF digits as named events in RTP (RFC 4733).

use std::fmt;

mod receiver;
mod sender;

pub use receiver::{DtmfReceiver, EVENT_TIMEOUT};
pub use sender::{DtmfSender, EventPacket, PAUSE_TICKS, QUEUE_MAX, TONE_TICKS, Tick};

/// The digits in the order of their event codes 0–15 (RFC 4733 §3.2).
const DIGITS: [u8; 16] = *b"0123456789*#ABCD";

/// As many digits wait to be sent as may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DtmfQueueFull;

impl fmt::Display for DtmfQueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many DTMF digits wait to be sent")
    }
}

impl std::error::Error for DtmfQueueFull {}

/// The payload of a telephone-event packet (RFC 4733 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedEvent {
    /// What happens; 0–15 are the DTMF digits.
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// Power in −dBm0, 0–63.
    pub volume: u8,
    /// Since the event's begin, in timestamp units.
    pub duration: u16,
}

impl NamedEvent {
    /// Reads a payload. More than one event in it (RFC 4733 §2.5.1.5 allows none for DTMF) counts
    /// as the first; `None` when it is too short.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, d0, d1, ..] = *payload else { return None };
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// The payload.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        let end = if self.end { 0x80 } else { 0 };
        [self.event, end | (self.volume & 0x3f), d0, d1]
    }

    /// The digit, when the event is one.
    #[must_use]
    pub fn digit(self) -> Option<char> {
        DIGITS.get(usize::from(self.event)).map(|digit| char::from(*digit))
    }
}

/// The event code of a digit `0-9*#A-D`.
#[must_use]
pub fn event_code(digit: char) -> Option<u8> {
    let place = DIGITS.iter().position(|known| char::from(*known) == digit)?;
    u8::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_read_as_it_was_written() {
        let event = NamedEvent { event: 11, end: true, volume: 10, duration: 0x1234 };
        assert_eq!(event.to_bytes(), [11, 0x8a, 0x12, 0x34]);
        assert_eq!(NamedEvent::parse(&event.to_bytes()), Some(event));
        assert_eq!(event.digit(), Some('#'));
    }

    #[test]
    fn short_payloads_are_no_event_and_the_reserved_bit_is_ignored() {
        for length in 0..4 {
            assert_eq!(NamedEvent::parse(&[0; 4][..length]), None);
        }
        assert_eq!(NamedEvent::parse(&[1, 0x40, 0, 0, 9]).map(|event| event.volume), Some(0));
    }

    #[test]
    fn sixteen_digits_have_codes_and_nothing_else_has() {
        for (code, digit) in (0..).zip("0123456789*#ABCD".chars()) {
            assert_eq!(event_code(digit), Some(code));
            let event = NamedEvent { event: code, end: false, volume: 0, duration: 0 };
            assert_eq!(event.digit(), Some(digit));
        }
        assert!("a!E \u{661}".chars().all(|other| event_code(other).is_none()));
        let flash = NamedEvent { event: 16, end: false, volume: 0, duration: 0 };
        assert_eq!(flash.digit(), None);
    }
}
