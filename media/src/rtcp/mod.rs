//! RTCP (RFC 3550 §6): compound packets, read in place and written into a caller's buffer.

mod compound;
mod write;

pub use compound::{CompoundPacket, ReportBlock, RtcpError, RtcpPacket, SenderInfo};
pub use write::Writer;

/// Octets of a compound packet that is written here at most: a report with one block, SDES, BYE.
pub const COMPOUND_MAX: usize = 512;

/// NTP's 64 bits for a point in time, in microseconds since an epoch of our own (§4: any clock
/// will do whose pace is that of wall time).
#[must_use]
pub const fn ntp(micros: u64) -> u64 {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000)
}

/// The middle 32 bits of an NTP timestamp, as LSR carries them.
#[must_use]
pub const fn middle(ntp: u64) -> u32 {
    ((ntp >> 16) & 0xffff_ffff) as u32
}
