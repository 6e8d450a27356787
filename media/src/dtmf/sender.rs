//! Sending digits: a queue, and one event packet a tick while an event lasts.

use super::{DtmfQueueFull, NamedEvent, event_code};

/// Digits that wait or are being sent, at most; one more is refused.
pub const QUEUE_MAX: usize = 31;
/// Ticks of 20 ms that a tone lasts: 180 ms.
pub const TONE_TICKS: u16 = 9;
/// Ticks between two tones: 60 ms. The first two carry the end packet's repetitions.
pub const PAUSE_TICKS: u16 = 3;
/// The end packet comes this often (RFC 4733 §2.5.1.4).
const END_PACKETS: u16 = 3;
/// Timestamp units of a tick at 8000 Hz.
const TICK_UNITS: u16 = 160;
/// −10 dBm0, a usual level for a keypad.
const VOLUME: u8 = 10;

/// One packet of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventPacket {
    /// The event's first packet.
    pub marker: bool,
    /// When the event began: the same in all its packets.
    pub timestamp: u32,
    /// The payload.
    pub event: NamedEvent,
}

/// What a tick sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tick {
    /// No event: audio.
    Audio,
    /// This, in place of audio.
    Event(EventPacket),
    /// Nothing: the pause after a tone.
    Pause,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    event: u8,
    timestamp: u32,
    /// Ticks so far.
    ticks: u16,
}

/// Turns digits into event packets.
#[derive(Clone, Debug, Default)]
pub struct DtmfSender {
    waiting: [u8; QUEUE_MAX],
    first: usize,
    length: usize,
    active: Option<Active>,
}

impl DtmfSender {
    /// Queues a digit. What is no digit is dropped.
    ///
    /// # Errors
    /// When [`QUEUE_MAX`] digits wait or are being sent.
    pub fn queue(&mut self, digit: char) -> Result<(), DtmfQueueFull> {
        let Some(event) = event_code(digit) else { return Ok(()) };
        if self.length + usize::from(self.active.is_some()) >= QUEUE_MAX {
            return Err(DtmfQueueFull);
        }
        let place = (self.first + self.length) % QUEUE_MAX;
        if let Some(slot) = self.waiting.get_mut(place) {
            *slot = event;
            self.length += 1;
        }
        Ok(())
    }

    /// Nothing is being sent and nothing waits.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.active.is_none() && self.length == 0
    }

    /// Forgets all digits.
    pub fn clear(&mut self) {
        self.length = 0;
        self.active = None;
    }

    /// One tick of 20 ms, whose first sample has that timestamp.
    pub fn tick(&mut self, timestamp: u32) -> Tick {
        if self.active.is_none() {
            self.active = self.take().map(|event| Active { event, timestamp, ticks: 0 });
        }
        let Some(active) = &mut self.active else { return Tick::Audio };
        active.ticks += 1;
        let Active { event, timestamp, ticks } = *active;
        if ticks >= TONE_TICKS + PAUSE_TICKS {
            self.active = None;
        }
        if ticks >= TONE_TICKS + END_PACKETS {
            return Tick::Pause;
        }
        Tick::Event(EventPacket {
            marker: ticks == 1,
            timestamp,
            event: NamedEvent {
                event,
                end: ticks >= TONE_TICKS,
                volume: VOLUME,
                duration: ticks.min(TONE_TICKS).saturating_mul(TICK_UNITS),
            },
        })
    }

    fn take(&mut self) -> Option<u8> {
        self.length = self.length.checked_sub(1)?;
        let event = self.waiting.get(self.first).copied();
        self.first = (self.first + 1) % QUEUE_MAX;
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ticks until the sender falls silent, with the timestamp of each.
    fn ticks(sender: &mut DtmfSender, first: u32) -> Vec<Tick> {
        let mut all = Vec::new();
        loop {
            let now = first.wrapping_add(u32::try_from(all.len()).unwrap() * 160);
            match sender.tick(now) {
                Tick::Audio => return all,
                tick => all.push(tick),
            }
        }
    }

    fn packets(ticks: &[Tick]) -> Vec<EventPacket> {
        let packet =
            |tick: &Tick| if let Tick::Event(packet) = tick { Some(*packet) } else { None };
        ticks.iter().filter_map(packet).collect()
    }

    #[test]
    fn a_digit_is_a_marked_packet_growing_durations_and_three_ends() {
        let mut sender = DtmfSender::default();
        sender.queue('5').unwrap();
        let packets = packets(&ticks(&mut sender, 1000));
        assert_eq!(packets.len(), 11);
        assert!(packets.iter().all(|packet| packet.timestamp == 1000 && packet.event.event == 5));
        assert_eq!(packets.iter().filter(|packet| packet.marker).count(), 1);
        assert!(packets[0].marker);
        let durations: Vec<u16> = packets.iter().map(|packet| packet.event.duration).collect();
        assert_eq!(durations[..9], [160, 320, 480, 640, 800, 960, 1120, 1280, 1440]);
        assert_eq!(durations[9..], [1440, 1440]);
        let ends: Vec<bool> = packets.iter().map(|packet| packet.event.end).collect();
        assert_eq!(ends.iter().filter(|end| **end).count(), 3);
        assert!(ends[8..].iter().all(|end| *end));
    }

    #[test]
    fn tones_last_180_ms_with_60_ms_between_them() {
        let mut sender = DtmfSender::default();
        sender.queue('1').unwrap();
        sender.queue('1').unwrap();
        let packets = packets(&ticks(&mut sender, 0));
        let second = packets.iter().find(|packet| packet.timestamp != 0).unwrap();
        assert!(second.marker);
        let tone = u32::from(packets[10].event.duration);
        assert_eq!((tone / 8, (second.timestamp - tone) / 8), (180, 60));
    }

    #[test]
    fn digits_go_out_in_order() {
        let mut sender = DtmfSender::default();
        for round in 0..3 {
            "0123456789*#ABCD".chars().for_each(|digit| sender.queue(digit).unwrap());
            let mut events: Vec<u8> = packets(&ticks(&mut sender, round))
                .iter()
                .map(|packet| packet.event.event)
                .collect();
            events.dedup();
            assert_eq!(events, (0..16).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn thirty_one_digits_fit_and_one_more_does_not() {
        let mut sender = DtmfSender::default();
        for _ in 0..QUEUE_MAX {
            sender.queue('7').unwrap();
        }
        assert_eq!(sender.queue('7'), Err(DtmfQueueFull));
        sender.tick(0);
        assert_eq!(sender.queue('7'), Err(DtmfQueueFull), "the one being sent counts");
        for tick in 1..=12 {
            sender.tick(tick * 160);
        }
        assert_eq!(sender.queue('7'), Ok(()));
    }

    #[test]
    fn what_is_no_digit_is_dropped() {
        let mut sender = DtmfSender::default();
        sender.queue('x').unwrap();
        assert!(sender.is_idle());
        assert_eq!(sender.tick(0), Tick::Audio);
    }
}
