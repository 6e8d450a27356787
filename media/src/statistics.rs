//! What a stream counts. Written by the audio thread, read by anyone, no lock.

use std::sync::atomic::AtomicU64;

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
}
