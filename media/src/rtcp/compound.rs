//! What arrives.

use std::fmt;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// The octets of a report block.
const BLOCK_LEN: usize = 24;

/// Why bytes are no compound packet (RFC 3550 A.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtcpError {
    /// Shorter than what its headers say.
    Truncated,
    /// A version other than 2.
    Version,
    /// It does not begin with a sender or receiver report.
    NoReport,
    /// Padding where none may be, or more than there is.
    Padding,
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the packet is shorter than its headers say",
            Self::Version => "the RTCP version is not 2",
            Self::NoReport => "it does not begin with a report",
            Self::Padding => "the padding does not fit",
        })
    }
}

impl std::error::Error for RtcpError {}

/// What a sender tells of itself (§6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SenderInfo {
    /// When the report was sent, by its sender's clock.
    pub ntp: u64,
    /// The same moment in RTP timestamp units.
    pub rtp_timestamp: u32,
    /// Packets since the start.
    pub packets: u32,
    /// Payload octets since the start.
    pub octets: u32,
}

/// What a receiver tells of one source (§6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ReportBlock {
    /// Whose packets it is about.
    pub ssrc: u32,
    /// The share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; 24 bits, negative when packets came twice.
    pub lost: i32,
    /// The highest sequence number, counted on over wraps.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle of the last sender report's NTP timestamp; 0 if there was none.
    pub last_report: u32,
    /// Since when, in 1/65536 s.
    pub delay: u32,
}

/// One packet of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtcpPacket<'a> {
    /// SR or RR.
    Report {
        /// Who reports.
        ssrc: u32,
        /// Present in a sender report.
        sender: Option<SenderInfo>,
        /// The report blocks' octets: see [`RtcpPacket::blocks`].
        blocks: &'a [u8],
    },
    /// SDES: the chunks' octets.
    SourceDescription(&'a [u8]),
    /// BYE: who leaves, 4 octets each.
    Bye(&'a [u8]),
    /// Any other type: its number and content.
    Other(u8, &'a [u8]),
}

impl<'a> RtcpPacket<'a> {
    /// The report blocks; none for other packets.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        let octets = match self {
            Self::Report { blocks, .. } => blocks,
            _ => &[][..],
        };
        octets.chunks_exact(BLOCK_LEN).map(block)
    }

    /// Who says BYE; none for other packets.
    pub fn leaving(&self) -> impl Iterator<Item = u32> + 'a {
        let octets = match self {
            Self::Bye(sources) => sources,
            _ => &[][..],
        };
        octets.chunks_exact(4).map(|source| word(source, 0))
    }
}

/// A compound packet that was checked as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompoundPacket<'a> {
    bytes: &'a [u8],
}

impl<'a> CompoundPacket<'a> {
    /// Checks every header and length.
    ///
    /// # Errors
    /// When one of them is wrong: nothing of the packet is to be believed then.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() {
            let (packet, after) = split(rest)?;
            let is_report = matches!(packet, RtcpPacket::Report { .. });
            if first && !is_report {
                return Err(RtcpError::NoReport);
            }
            (first, rest) = (false, after);
        }
        if first { Err(RtcpError::Truncated) } else { Ok(Self { bytes }) }
    }

    /// The packets in order.
    pub fn packets(&self) -> impl Iterator<Item = RtcpPacket<'a>> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (packet, after) = split(rest).ok()?;
            rest = after;
            Some(packet)
        })
    }
}

/// The first packet, and what follows it.
fn split(bytes: &[u8]) -> Result<(RtcpPacket<'_>, &[u8]), RtcpError> {
    let &[first, kind, l0, l1, ..] = bytes else { return Err(RtcpError::Truncated) };
    if first >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let length = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
    let (packet, after) = bytes.split_at_checked(length).ok_or(RtcpError::Truncated)?;
    let mut content = packet.get(4..).unwrap_or_default();
    if first & 0x20 != 0 {
        // Only the last packet may be padded, and never a first one (A.2).
        let padding = content.last().copied().map_or(0, usize::from);
        let fits = padding > 0 && padding % 4 == 0 && after.is_empty();
        let kept = content.len().checked_sub(padding).filter(|_| fits);
        content = kept.and_then(|kept| content.get(..kept)).ok_or(RtcpError::Padding)?;
    }
    Ok((read(kind, usize::from(first & 0x1f), content)?, after))
}

fn read(kind: u8, count: usize, content: &[u8]) -> Result<RtcpPacket<'_>, RtcpError> {
    let cut = |at: usize, length: usize| {
        content.get(at..).and_then(|rest| rest.get(..length)).ok_or(RtcpError::Truncated)
    };
    Ok(match kind {
        SENDER_REPORT => {
            let info = cut(4, 20)?;
            let sender = Some(SenderInfo {
                ntp: (u64::from(word(info, 0)) << 32) | u64::from(word(info, 4)),
                rtp_timestamp: word(info, 8),
                packets: word(info, 12),
                octets: word(info, 16),
            });
            let blocks = cut(24, count * BLOCK_LEN)?;
            RtcpPacket::Report { ssrc: word(content, 0), sender, blocks }
        }
        RECEIVER_REPORT => {
            let ssrc = word(cut(0, 4)?, 0);
            RtcpPacket::Report { ssrc, sender: None, blocks: cut(4, count * BLOCK_LEN)? }
        }
        SOURCE_DESCRIPTION => RtcpPacket::SourceDescription(content),
        BYE => RtcpPacket::Bye(cut(0, count * 4)?),
        other => RtcpPacket::Other(other, content),
    })
}

fn word(octets: &[u8], at: usize) -> u32 {
    match octets.get(at..).unwrap_or_default() {
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    }
}

fn block(octets: &[u8]) -> ReportBlock {
    let loss = word(octets, 4);
    ReportBlock {
        ssrc: word(octets, 0),
        fraction_lost: octets.get(4).copied().unwrap_or_default(),
        // The sign of 24 bits.
        lost: (loss << 8).cast_signed() >> 8,
        highest: word(octets, 8),
        jitter: word(octets, 12),
        last_report: word(octets, 16),
        delay: word(octets, 20),
    }
}
