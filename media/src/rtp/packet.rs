//! One RTP packet (RFC 3550 §5.1), read in place.

use std::fmt;

/// The fixed header's octets.
pub const HEADER_LEN: usize = 12;

/// A packet in someone else's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpPacket<'a> {
    /// The fixed header.
    pub header: PacketHeader,
    /// Contributing sources, 4 octets each.
    pub csrcs: &'a [u8],
    /// The extension's profile and content, if there is one (§5.3.1).
    pub extension: Option<(u16, &'a [u8])>,
    /// The payload without padding.
    pub payload: &'a [u8],
}

/// The fields of the fixed header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketHeader {
    /// The marker bit: for audio, the first packet after silence.
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    /// Rises by one with each packet, and wraps.
    pub sequence: u16,
    /// In the codec's clock; wraps.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketError {
    /// Shorter than what its header says.
    Truncated,
    /// A version other than 2.
    Version,
    /// The padding is empty or longer than the payload.
    Padding,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the packet is shorter than its header says",
            Self::Version => "the RTP version is not 2",
            Self::Padding => "the padding does not fit into the payload",
        })
    }
}

impl std::error::Error for PacketError {}

impl<'a> RtpPacket<'a> {
    /// Reads a packet; every length in it is checked against what is there.
    ///
    /// # Errors
    /// When the bytes are no RTP packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let (fixed, rest) = bytes.split_at_checked(HEADER_LEN).ok_or(PacketError::Truncated)?;
        let &[first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = fixed else {
            return Err(PacketError::Truncated);
        };
        if first >> 6 != 2 {
            return Err(PacketError::Version);
        }
        let csrc_octets = usize::from(first & 0xf) * 4;
        let (csrcs, mut rest) = rest.split_at_checked(csrc_octets).ok_or(PacketError::Truncated)?;
        let mut extension = None;
        if first & 0x10 != 0 {
            let [p0, p1, l0, l1, after @ ..] = rest else { return Err(PacketError::Truncated) };
            let octets = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
            let (content, after) = after.split_at_checked(octets).ok_or(PacketError::Truncated)?;
            extension = Some((u16::from_be_bytes([*p0, *p1]), content));
            rest = after;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*rest.last().ok_or(PacketError::Padding)?);
            let length = rest.len().checked_sub(padding).filter(|_| padding > 0);
            rest = rest.get(..length.ok_or(PacketError::Padding)?).unwrap_or_default();
        }
        let header = PacketHeader {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
        };
        Ok(Self { header, csrcs, extension, payload: rest })
    }
}

impl PacketHeader {
    /// Writes the header of a packet without CSRCs, extension and padding; the payload follows it.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        let marker = if self.marker { 0x80 } else { 0 };
        let second = marker | (self.payload_type & 0x7f);
        [0x80, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: PacketHeader = PacketHeader {
        marker: true,
        payload_type: 101,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xdead_beef,
    };

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = [&HEADER.to_bytes()[..], b"payload"].concat();
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!((packet.header, packet.payload), (HEADER, &b"payload"[..]));
        assert_eq!((packet.csrcs, packet.extension), (&b""[..], None));
    }

    #[test]
    fn csrcs_extension_and_padding_are_taken_off() {
        let mut bytes = HEADER.to_bytes().to_vec();
        bytes[0] |= 0x32;
        bytes.extend_from_slice(b"csr1csr2\xbe\xde\x00\x01extnpayload\x00\x00\x03");
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.csrcs, b"csr1csr2");
        assert_eq!(
            (packet.extension, packet.payload),
            (Some((0xbede, &b"extn"[..])), &b"payload"[..])
        );
    }

    #[test]
    fn r44_lengths_that_lie_are_refused() {
        let whole = HEADER.to_bytes();
        for length in 0..HEADER_LEN {
            assert_eq!(RtpPacket::parse(&whole[..length]), Err(PacketError::Truncated));
        }
        let with = |first: u8, rest: &[u8]| {
            let mut bytes = whole.to_vec();
            bytes[0] = first;
            bytes.extend_from_slice(rest);
            RtpPacket::parse(&bytes).map(|packet| packet.payload.len())
        };
        assert_eq!(with(0x40, b""), Err(PacketError::Version));
        assert_eq!(with(0x8f, &[0; 59]), Err(PacketError::Truncated));
        assert_eq!(with(0x8f, &[0; 60]), Ok(0));
        assert_eq!(with(0x90, &[0xbe, 0xde, 0]), Err(PacketError::Truncated));
        assert_eq!(with(0x90, &[0xbe, 0xde, 0, 1, 0x1f, 0, 0]), Err(PacketError::Truncated));
        assert_eq!(with(0xa0, b""), Err(PacketError::Padding));
        assert_eq!(with(0xa0, &[0]), Err(PacketError::Padding));
        assert_eq!(with(0xa0, &[1, 3]), Err(PacketError::Padding));
        assert_eq!(with(0xa0, &[1, 2]), Ok(0));
    }
}
