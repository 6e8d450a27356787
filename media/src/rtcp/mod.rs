//! RTCP (RFC 3550 §6): compound packets, read in place and written into a buffer.

use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

mod description;
mod parse;
mod write;

pub use description::{Items, SdesItem};
pub use parse::{CompoundPacket, Packets, ReportBlocks, RtcpError, RtcpPacket, Ssrcs};
pub use write::Writer;

/// The least mean time between two reports (§6.2).
pub const INTERVAL: Duration = Duration::from_secs(5);
/// Octets of a report block.
const BLOCK_LEN: usize = 24;
/// Packet types (§12.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// What a sender says about itself (§6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderInfo {
    /// When the report was sent: 32.32 bits of seconds.
    pub ntp: u64,
    /// The same moment in the media's clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload octets sent so far.
    pub octets: u32,
}

/// What a receiver says about one source (§6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Loss since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; 24 bits with sign.
    pub lost: i32,
    /// The highest sequence number, with its wraps.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of the source's last sender report; 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report came, in 1/65536 s.
    pub delay: u32,
}

/// The time to the next report for two parties: 5 s × 0.5…1.5, made up for the reconsideration
/// that draws short intervals more often (§6.3.1). Half of it before the first one.
#[must_use]
pub fn interval(entropy: &mut Entropy, first: bool) -> Duration {
    let mean = if first { INTERVAL / 2 } else { INTERVAL }.as_micros();
    let mean = u64::try_from(mean).unwrap_or(u64::MAX);
    // Divided by e − 3/2 = 1.21828.
    let drawn = (mean / 2).saturating_add(entropy.below(mean)).saturating_mul(100_000) / 121_828;
    Duration::from_micros(drawn)
}

/// An instant as an NTP timestamp. There is no wall clock here, so it counts from the clock's
/// start, as §4 allows.
#[must_use]
pub fn ntp(now: Instant) -> u64 {
    let micros = u128::from(now.as_micros());
    u64::try_from((micros << 32) / 1_000_000).unwrap_or(u64::MAX)
}

/// The middle 32 bits of an NTP timestamp: units of 1/65536 s.
#[must_use]
pub fn ntp_middle(ntp: u64) -> u32 {
    u32::try_from((ntp >> 16) & 0xffff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_spread_over_their_range() {
        let mut entropy = Entropy::from_u64(3);
        let all: Vec<Duration> = (0..2000).map(|_| interval(&mut entropy, false)).collect();
        let (low, high) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!((2052..2100).contains(&low.as_millis()), "{low:?}");
        assert!((6100..6157).contains(&high.as_millis()), "{high:?}");
        assert!(interval(&mut entropy, true) < Duration::from_millis(3079));
    }

    #[test]
    fn ntp_counts_seconds_and_their_fractions() {
        assert_eq!(ntp(Instant::from_millis(1500)), 0x1_8000_0000);
        assert_eq!(ntp_middle(ntp(Instant::from_millis(1500))), 0x1_8000);
        assert_eq!(ntp(Instant::MAX), u64::MAX);
    }
}
