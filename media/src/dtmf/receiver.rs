//! Receiving digits: each event tells its digit once, whatever is lost (RFC 4733 §2.5.2).

use std::time::Duration;

use offhook_fsm::Instant;

use super::NamedEvent;

/// An event that is silent for so long is over: all its end packets are lost.
pub const EVENT_TIMEOUT: Duration = Duration::from_millis(120);
/// An older timestamp after so long is no straggler: the peer's clock began anew.
const STRAGGLER_MAX: Duration = Duration::from_secs(1);
/// An event of this duration goes on in a next segment (§2.5.1.3).
const SEGMENT_FULL: u16 = u16::MAX;

#[derive(Clone, Copy, Debug)]
struct Current {
    timestamp: u32,
    event: NamedEvent,
    heard: Instant,
    told: bool,
}

/// Turns event packets into digits.
#[derive(Clone, Debug, Default)]
pub struct DtmfReceiver {
    current: Option<Current>,
}

impl DtmfReceiver {
    /// Takes a packet. Returns the digits that it completes, in order: the one before, when its
    /// end never came, and its own.
    pub fn receive(
        &mut self,
        now: Instant,
        timestamp: u32,
        event: NamedEvent,
    ) -> [Option<char>; 2] {
        let mut before = None;
        match &mut self.current {
            Some(current) if current.continues(timestamp, event) => {
                // A reordered packet does not shorten the event.
                if timestamp != current.timestamp || event.duration > current.event.duration {
                    current.event.duration = event.duration;
                }
                current.timestamp = timestamp;
                current.heard = now;
            }
            Some(current) if current.outlives(now, timestamp) => return [None, None],
            _ => {
                before = self.finish();
                let current = Current { timestamp, event, heard: now, told: false };
                self.current = Some(current);
            }
        }
        [before, if event.end { self.finish() } else { None }]
    }

    /// The digit of an event whose end packets are lost; ask each tick.
    pub fn poll(&mut self, now: Instant) -> Option<char> {
        let current = self.current.as_ref()?;
        if current.told || now - current.heard < EVENT_TIMEOUT {
            return None;
        }
        self.finish()
    }

    /// The source is gone or began anew: tells a digit that was under way.
    pub fn reset(&mut self) -> Option<char> {
        let digit = self.finish();
        self.current = None;
        digit
    }

    fn finish(&mut self) -> Option<char> {
        let current = self.current.as_mut().filter(|current| !current.told)?;
        current.told = true;
        current.event.digit()
    }
}

impl Current {
    /// The packet is of this event, or of its next segment.
    fn continues(&self, timestamp: u32, event: NamedEvent) -> bool {
        let next = self.timestamp.wrapping_add(u32::from(SEGMENT_FULL));
        timestamp == self.timestamp
            || (event.event == self.event.event
                && !self.event.end
                && self.event.duration == SEGMENT_FULL
                && timestamp == next)
    }

    /// The packet is a straggler of an earlier event.
    fn outlives(&self, now: Instant, timestamp: u32) -> bool {
        let earlier = self.timestamp.wrapping_sub(timestamp) < 1 << 31;
        earlier && now - self.heard < STRAGGLER_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u32 = u32::MAX - 2000;

    fn packet(event: u8, duration: u16, end: bool) -> NamedEvent {
        NamedEvent { event, end, volume: 10, duration }
    }

    /// Feeds packets 20 ms apart, polls each tick, and lists what was told.
    fn told(packets: &[Option<(u32, NamedEvent)>]) -> String {
        let mut receiver = DtmfReceiver::default();
        let mut told = String::new();
        for tick in 0..packets.len() + 10 {
            let now = Instant::from_millis(u64::try_from(tick).unwrap() * 20);
            if let Some((timestamp, event)) = packets.get(tick).copied().flatten() {
                told.extend(receiver.receive(now, timestamp, event).into_iter().flatten());
            }
            told.extend(receiver.poll(now));
        }
        told
    }

    /// A whole event: nine packets, and two more ends.
    fn event(code: u8, timestamp: u32) -> Vec<Option<(u32, NamedEvent)>> {
        (1..=11).map(|n: u16| Some((timestamp, packet(code, n.min(9) * 160, n >= 9)))).collect()
    }

    #[test]
    fn an_event_is_told_once() {
        assert_eq!(told(&event(5, START)), "5");
    }

    #[test]
    fn two_equal_digits_are_two() {
        let both = [event(1, START), event(1, START.wrapping_add(1920))].concat();
        assert_eq!(told(&both), "11");
    }

    #[test]
    fn any_single_packet_that_arrives_tells_the_digit() {
        for kept in 0..11 {
            let mut packets = event(9, START);
            for (place, packet) in packets.iter_mut().enumerate() {
                if place != kept {
                    *packet = None;
                }
            }
            assert_eq!(told(&packets), "9", "{kept}");
        }
    }

    #[test]
    fn an_event_without_end_is_told_when_the_next_begins() {
        let both = [&event(3, START)[..4], &event(4, START.wrapping_add(1920))].concat();
        assert_eq!(told(&both), "34");
    }

    #[test]
    fn packets_after_the_timeout_are_still_the_same_event() {
        let mut packets = event(6, START);
        packets.splice(4..4, [None; 8]);
        assert_eq!(told(&packets), "6");
    }

    #[test]
    fn stragglers_of_the_event_before_tell_nothing() {
        let mut both = [event(7, START), event(8, START.wrapping_add(1920))].concat();
        both.swap(10, 12);
        both.swap(2, 9);
        assert_eq!(told(&both), "78");
    }

    #[test]
    fn a_new_clock_of_the_peer_is_heard_after_a_second() {
        let mut both = event(1, 5000);
        both.extend([None; 50]);
        both.extend(event(2, 100));
        assert_eq!(told(&both), "12");
    }

    #[test]
    fn a_long_event_in_segments_is_one_digit() {
        let mut packets = vec![Some((0, packet(2, SEGMENT_FULL, false)))];
        packets.push(Some((u32::from(SEGMENT_FULL), packet(2, 160, false))));
        packets.push(Some((u32::from(SEGMENT_FULL), packet(2, 320, true))));
        assert_eq!(told(&packets), "2");
    }

    #[test]
    fn events_that_are_no_digits_tell_nothing() {
        assert_eq!(told(&event(16, START)), "");
        assert_eq!(told(&event(255, START)), "");
    }

    #[test]
    fn a_reset_tells_the_digit_under_way_and_forgets_it() {
        let mut receiver = DtmfReceiver::default();
        let now = Instant::ZERO;
        assert_eq!(receiver.receive(now, 1, packet(4, 160, false)), [None, None]);
        assert_eq!((receiver.reset(), receiver.reset()), (Some('4'), None));
    }
}
