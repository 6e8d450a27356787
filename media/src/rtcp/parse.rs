//! Reading compound packets. All headers and counts are checked before the first packet is given
//! out (RFC 3550 A.2), so what is given out can be trusted to be whole.

use std::fmt;

use super::description::Items;
use super::{
    BLOCK_LEN, GOODBYE, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo,
};

/// Octets of the header that all packets share.
const HEADER_LEN: usize = 4;

/// Why bytes are no compound packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtcpError {
    /// Shorter than a header or than a length or count in it says.
    Truncated,
    /// A version other than 2.
    Version,
    /// The first packet is no report.
    NoReport,
    /// Padding before the last packet, or of an impossible length.
    Padding,
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the packet is shorter than its header says",
            Self::Version => "the RTCP version is not 2",
            Self::NoReport => "the first packet is neither SR nor RR",
            Self::Padding => "the padding does not fit",
        })
    }
}

impl std::error::Error for RtcpError {}

/// A valid compound packet in someone else's bytes.
#[derive(Clone, Copy, Debug)]
pub struct CompoundPacket<'a> {
    bytes: &'a [u8],
}

/// One packet of a compound packet.
#[derive(Clone, Debug)]
pub enum RtcpPacket<'a> {
    /// SR (§6.4.1).
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// About itself.
        sender: SenderInfo,
        /// About others.
        reports: ReportBlocks<'a>,
    },
    /// RR (§6.4.2).
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// About others.
        reports: ReportBlocks<'a>,
    },
    /// SDES (§6.5).
    SourceDescription(Items<'a>),
    /// BYE (§6.6).
    Goodbye {
        /// Who leaves.
        ssrcs: Ssrcs<'a>,
        /// Why, in UTF-8 by intention.
        reason: Option<&'a [u8]>,
    },
    /// APP, XR, feedback and what is yet to come.
    Unknown {
        /// The packet type.
        packet_type: u8,
        /// What follows the header.
        body: &'a [u8],
    },
}

/// The report blocks of SR and RR.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

/// The sources of a BYE.
#[derive(Clone, Debug)]
pub struct Ssrcs<'a>(&'a [u8]);

/// The packets of a compound packet.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

struct Raw<'a> {
    count: usize,
    packet_type: u8,
    padded: bool,
    body: &'a [u8],
}

impl<'a> CompoundPacket<'a> {
    /// Checks a datagram.
    ///
    /// # Errors
    /// When one of its packets does not hold what it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = bytes;
        let mut first = true;
        while first || !rest.is_empty() {
            let (raw, after) = split(rest)?;
            if first && !matches!(raw.packet_type, SENDER_REPORT | RECEIVER_REPORT) {
                return Err(RtcpError::NoReport);
            }
            if raw.padded && !after.is_empty() {
                return Err(RtcpError::Padding);
            }
            read(&raw)?;
            (rest, first) = (after, false);
        }
        Ok(Self { bytes })
    }

    /// Its packets in order.
    #[must_use]
    pub const fn packets(self) -> Packets<'a> {
        Packets { rest: self.bytes }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (raw, rest) = split(self.rest).ok()?;
        self.rest = rest;
        read(&raw).ok()
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let ([s0, s1, s2, s3, fraction_lost, l0, l1, l2, rest @ ..], after) =
            self.0.split_first_chunk::<BLOCK_LEN>()?;
        let mut words = Words(rest);
        // The sign of the 24 bits is carried down by the shift.
        let lost = i32::from_be_bytes([*l0, *l1, *l2, 0]) >> 8;
        let block = ReportBlock {
            ssrc: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
            fraction_lost: *fraction_lost,
            lost,
            highest_sequence: words.next()?,
            jitter: words.next()?,
            last_sender_report: words.next()?,
            delay: words.next()?,
        };
        self.0 = after;
        Some(block)
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut words = Words(self.0);
        let ssrc = words.next()?;
        self.0 = words.0;
        Some(ssrc)
    }
}

/// Cuts off the first packet.
fn split(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let [first, packet_type, l0, l1, after @ ..] = bytes else { return Err(RtcpError::Truncated) };
    if first >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let octets = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
    let (mut body, rest) = after.split_at_checked(octets).ok_or(RtcpError::Truncated)?;
    let padded = first & 0x20 != 0;
    if padded {
        let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
        let kept = body.len().checked_sub(padding).ok_or(RtcpError::Padding)?;
        if padding == 0 || padding % HEADER_LEN != 0 {
            return Err(RtcpError::Padding);
        }
        body = body.get(..kept).unwrap_or_default();
    }
    let count = usize::from(first & 0x1f);
    Ok((Raw { count, packet_type: *packet_type, padded, body }, rest))
}

fn read<'a>(raw: &Raw<'a>) -> Result<RtcpPacket<'a>, RtcpError> {
    report(raw).ok_or(RtcpError::Truncated)
}

fn report<'a>(raw: &Raw<'a>) -> Option<RtcpPacket<'a>> {
    let mut words = Words(raw.body);
    Some(match raw.packet_type {
        SENDER_REPORT => {
            let ssrc = words.next()?;
            let ntp = (u64::from(words.next()?) << 32) | u64::from(words.next()?);
            let sender = SenderInfo {
                ntp,
                rtp_timestamp: words.next()?,
                packets: words.next()?,
                octets: words.next()?,
            };
            RtcpPacket::SenderReport { ssrc, sender, reports: blocks(words.0, raw.count)? }
        }
        RECEIVER_REPORT => {
            let ssrc = words.next()?;
            RtcpPacket::ReceiverReport { ssrc, reports: blocks(words.0, raw.count)? }
        }
        SOURCE_DESCRIPTION => RtcpPacket::SourceDescription(Items::new(raw.body, raw.count)),
        GOODBYE => {
            let (ssrcs, rest) = raw.body.split_at_checked(raw.count * 4)?;
            let reason = match rest {
                [] => None,
                [length, text @ ..] => Some(text.get(..usize::from(*length))?),
            };
            RtcpPacket::Goodbye { ssrcs: Ssrcs(ssrcs), reason }
        }
        packet_type => RtcpPacket::Unknown { packet_type, body: raw.body },
    })
}

/// What follows the blocks is a profile's extension.
fn blocks(bytes: &[u8], count: usize) -> Option<ReportBlocks<'_>> {
    bytes.get(..count * BLOCK_LEN).map(ReportBlocks)
}

/// 32-bit words in network order.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty RR of source 1.
    const RR: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];

    fn compound(rest: &[u8]) -> Result<usize, RtcpError> {
        let bytes = [&RR[..], rest].concat();
        CompoundPacket::parse(&bytes).map(|packet| packet.packets().count())
    }

    #[test]
    fn the_first_packet_must_be_a_report() {
        assert_eq!(compound(b""), Ok(1));
        let goodbye = [0x81, 203, 0, 1, 0, 0, 0, 1];
        assert_eq!(CompoundPacket::parse(&goodbye).err(), Some(RtcpError::NoReport));
        assert_eq!(CompoundPacket::parse(b"").err(), Some(RtcpError::Truncated));
    }

    #[test]
    fn lengths_must_add_up() {
        for length in 0..RR.len() {
            assert!(CompoundPacket::parse(&RR[..length]).is_err(), "{length}");
        }
        assert_eq!(compound(&[0x80]), Err(RtcpError::Truncated));
        assert_eq!(compound(&[0x40, 204, 0, 0]), Err(RtcpError::Version));
        assert_eq!(compound(&[0x80, 204, 0, 1, 0, 0, 0]), Err(RtcpError::Truncated));
        assert_eq!(compound(&[0x80, 204, 0xff, 0xff]), Err(RtcpError::Truncated));
    }

    #[test]
    fn r45_counts_and_reason_lengths_that_lie_are_refused() {
        // An RR and an SR that announce a block which is not there.
        assert_eq!(compound(&[0x81, 201, 0, 1, 0, 0, 0, 1]), Err(RtcpError::Truncated));
        assert_eq!(compound(&[0x80, 200, 0, 1, 0, 0, 0, 1]), Err(RtcpError::Truncated));
        // BYE: more sources than words, and a reason longer than the packet.
        assert_eq!(compound(&[0x9f, 203, 0, 1, 0, 0, 0, 1]), Err(RtcpError::Truncated));
        assert_eq!(compound(&[0x80, 203, 0, 1, 4, b'a', b'b', b'c']), Err(RtcpError::Truncated));
        assert_eq!(compound(&[0x80, 203, 0, 1, 3, b'a', b'b', b'c']), Ok(2));
        // XR and feedback with any body at all are skipped by their length.
        assert_eq!(compound(&[0x80, 207, 0, 1, 4, 0, 0xff, 0xff]), Ok(2));
        assert_eq!(compound(&[0x83, 206, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]), Ok(2));
    }

    #[test]
    fn only_the_last_packet_may_be_padded() {
        let padded = [0xa0, 204, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
        assert_eq!(compound(&padded), Ok(2));
        assert_eq!(compound(&[&padded[..], &RR[..]].concat()), Err(RtcpError::Padding));
        for padding in [0, 1, 2, 3, 5, 12, 255] {
            let mut bytes = padded;
            bytes[11] = padding;
            assert_eq!(compound(&bytes), Err(RtcpError::Padding), "{padding}");
        }
        assert_eq!(compound(&[0xa0, 204, 0, 0]), Err(RtcpError::Padding));
    }

    #[test]
    fn a_goodbye_tells_who_and_why() {
        let mut bytes = RR.to_vec();
        bytes.extend([0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, b'e', b'n', b'd']);
        let packets: Vec<_> = CompoundPacket::parse(&bytes).unwrap().packets().collect();
        let RtcpPacket::Goodbye { ssrcs, reason } = packets[1].clone() else { panic!() };
        assert_eq!((ssrcs.collect::<Vec<_>>(), reason), (vec![1, 2], Some(&b"end"[..])));
    }
}
