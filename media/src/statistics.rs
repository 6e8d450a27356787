//! What a stream counts. Written by the audio thread, read by anyone, no lock.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::codec::Codec;

/// Counters of one RTP stream since its start.
#[derive(Default, Debug)]
pub struct StreamCounters {
    /// RTP packets sent.
    pub packets_sent: AtomicU64,
    /// RTP payload octets sent.
    pub octets_sent: AtomicU64,
    /// RTP packets received and accepted.
    pub packets_received: AtomicU64,
    /// RTP payload octets received.
    pub octets_received: AtomicU64,
    /// Packets lost on the way to us, by sequence numbers (RFC 3550 A.3).
    pub packets_lost: AtomicU64,
    /// Packets that came too late or twice.
    pub packets_discarded: AtomicU64,
    /// Datagrams that were no acceptable RTP or RTCP: malformed, of an unknown payload type, or
    /// from somebody who is not, or not yet, believed to be the peer.
    pub packets_rejected: AtomicU64,
    /// Datagrams that SRTP did not let in: not authentic, not encrypted, or no SRTP at all. Those
    /// that came twice count as discarded.
    pub packets_unauthenticated: AtomicU64,
    /// RTP and RTCP that was not sent because it could not be protected: the key is used up
    /// (RFC 3711 §9.2).
    pub packets_withheld: AtomicU64,
    /// Interarrival jitter in microseconds (RFC 3550 A.8).
    pub jitter_us: AtomicU64,
    /// Round trip in microseconds from the peer's last receiver report; 0 while unknown.
    pub round_trip_us: AtomicU64,
    /// Loss that the peer last reported, cumulative packets.
    pub remote_packets_lost: AtomicU64,
    /// The codec's place among all, counted from 1; 0 before the stream runs.
    codec: AtomicU8,
}

impl StreamCounters {
    /// Notes the codec that is sent with from now on.
    pub(crate) fn set_codec(&self, codec: Codec) {
        let place = (1..).zip(Codec::ALL).find_map(|(place, c)| (c == codec).then_some(place));
        self.codec.store(place.unwrap_or(0), Relaxed);
    }

    /// The counters as they stand. Each is true for itself; the stream runs on between two of them.
    #[must_use]
    pub fn read(&self) -> Statistics {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        let time = |counter: &AtomicU64| Duration::from_micros(count(counter));
        let codec = usize::from(self.codec.load(Relaxed)).checked_sub(1);
        Statistics {
            codec: codec.and_then(|place| Codec::ALL.get(place).copied()),
            packets_sent: count(&self.packets_sent),
            octets_sent: count(&self.octets_sent),
            packets_received: count(&self.packets_received),
            octets_received: count(&self.octets_received),
            packets_lost: count(&self.packets_lost),
            packets_discarded: count(&self.packets_discarded),
            packets_rejected: count(&self.packets_rejected),
            packets_unauthenticated: count(&self.packets_unauthenticated),
            packets_withheld: count(&self.packets_withheld),
            jitter: time(&self.jitter_us),
            round_trip: Some(time(&self.round_trip_us)).filter(|time| !time.is_zero()),
            remote_packets_lost: count(&self.remote_packets_lost),
        }
    }
}

/// What an RTP stream has counted since its start.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Statistics {
    /// The codec in use, or the last one; `None` before the stream runs.
    pub codec: Option<Codec>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP payload octets sent.
    pub octets_sent: u64,
    /// RTP packets received and accepted.
    pub packets_received: u64,
    /// RTP payload octets received.
    pub octets_received: u64,
    /// Packets lost on the way to us, by sequence numbers (RFC 3550 A.3).
    pub packets_lost: u64,
    /// Packets that came too late or twice.
    pub packets_discarded: u64,
    /// Datagrams that were no acceptable RTP or RTCP: malformed, of an unknown payload type, or
    /// from somebody who is not, or not yet, believed to be the peer.
    pub packets_rejected: u64,
    /// Datagrams that SRTP did not let in: not authentic, not encrypted, or no SRTP at all.
    pub packets_unauthenticated: u64,
    /// Packets not sent because they could not be protected: the key is used up (RFC 3711 §9.2).
    pub packets_withheld: u64,
    /// Interarrival jitter (RFC 3550 A.8).
    pub jitter: Duration,
    /// Round trip by the peer's last receiver report; none came yet, or the peer sends none: `None`.
    pub round_trip: Option<Duration>,
    /// Loss that the peer last reported, cumulative packets.
    pub remote_packets_lost: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_is_read_as_itself_and_no_round_trip_is_none() {
        let counters = StreamCounters::default();
        assert_eq!(counters.read(), Statistics::default());
        let all = [
            &counters.packets_sent,
            &counters.octets_sent,
            &counters.packets_received,
            &counters.octets_received,
            &counters.packets_lost,
            &counters.packets_discarded,
            &counters.packets_rejected,
            &counters.packets_unauthenticated,
            &counters.packets_withheld,
            &counters.jitter_us,
            &counters.round_trip_us,
            &counters.remote_packets_lost,
        ];
        for (number, counter) in (1..).zip(all) {
            counter.store(number, Relaxed);
        }
        counters.set_codec(Codec::Pcma);
        let expected = Statistics {
            codec: Some(Codec::Pcma),
            packets_sent: 1,
            octets_sent: 2,
            packets_received: 3,
            octets_received: 4,
            packets_lost: 5,
            packets_discarded: 6,
            packets_rejected: 7,
            packets_unauthenticated: 8,
            packets_withheld: 9,
            jitter: Duration::from_micros(10),
            round_trip: Some(Duration::from_micros(11)),
            remote_packets_lost: 12,
        };
        assert_eq!(counters.read(), expected);
    }
}
