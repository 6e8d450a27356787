//! DTMF digits as named events (RFC 4733).

use std::collections::VecDeque;
use std::fmt;

/// Digits that wait, the one being sent included.
pub const QUEUE_MAX: usize = 31;
/// The octets of an event's payload.
pub const EVENT_LEN: usize = 4;
/// How long a digit sounds, in ticks of 20 ms.
const TONE_TICKS: u8 = 8;
/// The last packet of an event is sent so often (§2.5.1.4).
const END_COPIES: u8 = 3;
/// Silence of events between digits, in ticks.
const PAUSE_TICKS: u8 = 3;
/// How loud: dBm0 with the sign dropped.
const VOLUME: u8 = 10;
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// The payload of an event packet (§2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedEvent {
    /// The event's code; 0–15 are the DTMF digits (§3.2).
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// dBm0 with the sign dropped, 0–63.
    pub volume: u8,
    /// How long the event has lasted, in timestamp units.
    pub duration: u16,
}

impl NamedEvent {
    /// Reads an event; `None` when there are fewer than [`EVENT_LEN`] octets.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, d0, d1, ..] = payload else { return None };
        let duration = u16::from_be_bytes([d0, d1]);
        Some(Self { event, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// The payload.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; EVENT_LEN] {
        let [d0, d1] = self.duration.to_be_bytes();
        let end = if self.end { 0x80 } else { 0 };
        [self.event, end | (self.volume & 0x3f), d0, d1]
    }

    /// The digit, `0-9*#A-D`; `None` for other events.
    #[must_use]
    pub fn digit(self) -> Option<char> {
        DIGITS.get(usize::from(self.event)).map(|digit| char::from(*digit))
    }
}

/// The event of a digit.
fn event_of(digit: char) -> Option<u8> {
    let at = DIGITS.iter().position(|known| char::from(*known) == digit)?;
    u8::try_from(at).ok()
}

/// A digit could not be queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtmfError {
    /// [`QUEUE_MAX`] digits wait.
    QueueFull,
    /// It is none of `0-9*#A-D`.
    NoDigit,
}

impl fmt::Display for DtmfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => write!(f, "{QUEUE_MAX} digits wait already"),
            Self::NoDigit => f.write_str("a DTMF digit is one of 0-9 * # A-D"),
        }
    }
}

impl std::error::Error for DtmfError {}

/// One event packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventPacket {
    /// What it says.
    pub event: NamedEvent,
    /// The timestamp at which the event began.
    pub timestamp: u32,
    /// It is the event's first.
    pub marker: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sounding {
    event: u8,
    timestamp: u32,
    ticks: u8,
    ends: u8,
}

/// Sends digits, one after the other.
#[derive(Clone, Debug)]
pub struct DtmfSender {
    queue: VecDeque<u8>,
    sounding: Option<Sounding>,
    pause: u8,
}

impl Default for DtmfSender {
    fn default() -> Self {
        Self { queue: VecDeque::with_capacity(QUEUE_MAX), sounding: None, pause: 0 }
    }
}

impl DtmfSender {
    /// Queues a digit.
    ///
    /// # Errors
    /// When the queue is full, or it is no digit.
    pub fn send(&mut self, digit: char) -> Result<(), DtmfError> {
        let event = event_of(digit).ok_or(DtmfError::NoDigit)?;
        if self.queue.len() + usize::from(self.sounding.is_some()) >= QUEUE_MAX {
            return Err(DtmfError::QueueFull);
        }
        self.queue.push_back(event);
        Ok(())
    }

    /// Forgets all digits.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.sounding = None;
    }

    /// Called once per 20 ms of `samples` timestamp units, with the timestamp of the frame that the
    /// packet takes the place of; `None` when audio may be sent.
    pub fn tick(&mut self, timestamp: u32, samples: u16) -> Option<EventPacket> {
        if self.sounding.is_none() {
            if self.pause > 0 {
                self.pause -= 1;
                return None;
            }
            let event = self.queue.pop_front()?;
            self.sounding = Some(Sounding { event, timestamp, ticks: 0, ends: 0 });
        }
        let sounding = self.sounding.as_mut()?;
        if sounding.ticks < TONE_TICKS {
            sounding.ticks += 1;
        }
        let end = sounding.ticks == TONE_TICKS;
        let event = NamedEvent {
            event: sounding.event,
            end,
            volume: VOLUME,
            duration: u16::from(sounding.ticks).saturating_mul(samples),
        };
        let marker = sounding.ticks == 1;
        let timestamp = sounding.timestamp;
        if end {
            sounding.ends += 1;
            if sounding.ends == END_COPIES {
                self.sounding = None;
                self.pause = PAUSE_TICKS;
            }
        }
        Some(EventPacket { event, timestamp, marker })
    }
}

/// Hears digits: each event once, at its first packet, whichever of its packets that is.
#[derive(Clone, Default, Debug)]
pub struct DtmfReceiver {
    last: Option<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

impl DtmfReceiver {
    /// Takes in an event packet; the digit when it begins a new event.
    pub fn receive(&mut self, timestamp: u32, event: NamedEvent) -> Option<char> {
        let heard =
            Heard { event: event.event, timestamp, duration: event.duration, ended: event.end };
        if let Some(last) = &mut self.last {
            let later = timestamp.wrapping_sub(last.timestamp).cast_signed();
            if later == 0 {
                last.ended |= event.end;
                last.duration = last.duration.max(event.duration);
                return None;
            }
            if later < 0 {
                // From before the last event.
                return None;
            }
            // A long event goes on in segments that follow each other without a gap (§2.5.1.3).
            let goes_on = !last.ended
                && last.event == event.event
                && later.cast_unsigned() == u32::from(last.duration);
            if goes_on {
                self.last = Some(heard);
                return None;
            }
        }
        self.last = Some(heard);
        event.digit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(digits: &str, ticks: u32) -> Vec<Option<EventPacket>> {
        let mut sender = DtmfSender::default();
        digits.chars().for_each(|digit| sender.send(digit).unwrap());
        (0..ticks).map(|tick| sender.tick(tick * 160, 160)).collect()
    }

    #[test]
    fn the_payload_is_read_as_it_is_written() {
        let event = NamedEvent { event: 11, end: true, volume: 10, duration: 1280 };
        assert_eq!(event.to_bytes(), [11, 0x8a, 5, 0]);
        assert_eq!(NamedEvent::parse(&event.to_bytes()), Some(event));
        assert_eq!(NamedEvent::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn a_digit_is_eight_growing_packets_of_one_timestamp_and_its_end_comes_three_times() {
        let packets: Vec<EventPacket> = sent("5", 20).into_iter().flatten().collect();
        assert_eq!(packets.len(), 10);
        assert!(packets.iter().all(|packet| packet.timestamp == 0 && packet.event.event == 5));
        let marked: Vec<bool> = packets.iter().map(|packet| packet.marker).collect();
        assert_eq!(marked.iter().position(|m| *m), Some(0));
        assert_eq!(marked.iter().filter(|m| **m).count(), 1);
        let durations: Vec<u16> = packets.iter().map(|packet| packet.event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280]);
        assert_eq!(packets.iter().filter(|packet| packet.event.end).count(), 3);
    }

    #[test]
    fn digits_follow_each_other_with_a_pause() {
        let ticks = sent("12", 30);
        let first = ticks.iter().position(Option::is_none).unwrap();
        let pause = ticks[first..].iter().take_while(|packet| packet.is_none()).count();
        assert!(pause >= 3, "{pause}");
        assert_eq!(ticks[first + pause].unwrap().event.event, 2);
    }

    #[test]
    fn the_queue_takes_fewer_than_32_digits_and_only_digits() {
        let mut sender = DtmfSender::default();
        for _ in 0..QUEUE_MAX {
            sender.send('#').unwrap();
        }
        assert_eq!(sender.send('1'), Err(DtmfError::QueueFull));
        assert_eq!(DtmfSender::default().send('a'), Err(DtmfError::NoDigit));
    }

    #[test]
    fn every_digit_is_heard_once_whatever_packet_is_lost_or_doubled() {
        let all: Vec<EventPacket> = sent("0123456789*#ABCD", 400).into_iter().flatten().collect();
        for lost in 0..10 {
            let mut receiver = DtmfReceiver::default();
            let mut heard = String::new();
            for (at, packet) in all.iter().enumerate() {
                let copies = if at % 10 == lost { 0 } else { 2 };
                for _ in 0..copies {
                    heard.extend(receiver.receive(packet.timestamp, packet.event));
                }
            }
            assert_eq!(heard, "0123456789*#ABCD", "{lost}");
        }
    }

    #[test]
    fn the_segments_of_a_long_event_are_one_digit() {
        let mut receiver = DtmfReceiver::default();
        let event = |duration| NamedEvent { event: 1, end: false, volume: 10, duration };
        assert_eq!(receiver.receive(100, event(u16::MAX)), Some('1'));
        assert_eq!(receiver.receive(100 + u32::from(u16::MAX), event(160)), None);
    }

    #[test]
    fn events_that_are_no_digits_are_not_heard() {
        let event = NamedEvent { event: 16, end: false, volume: 0, duration: 1 };
        assert_eq!(DtmfReceiver::default().receive(1, event), None);
    }
}
