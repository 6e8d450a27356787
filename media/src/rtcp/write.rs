//! What is sent.

use super::{COMPOUND_MAX, ReportBlock, SenderInfo};

/// The longest CNAME (§6.5).
const CNAME_MAX: usize = 255;

/// Puts a compound packet together in a fixed buffer.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: [u8; COMPOUND_MAX],
    length: usize,
}

impl Writer {
    /// Begins with a sender report, or a receiver report without `sender`.
    #[must_use]
    pub fn report(ssrc: u32, sender: Option<SenderInfo>, block: Option<ReportBlock>) -> Self {
        let mut writer = Self { bytes: [0; COMPOUND_MAX], length: 0 };
        let kind = if sender.is_some() { 200 } else { 201 };
        let start = writer.begin(kind, u8::from(block.is_some()));
        writer.word(ssrc);
        if let Some(info) = sender {
            writer.put(&info.ntp.to_be_bytes());
            writer.word(info.rtp_timestamp);
            writer.word(info.packets);
            writer.word(info.octets);
        }
        if let Some(block) = block {
            writer.word(block.ssrc);
            let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
            let [_, l0, l1, l2] = lost;
            writer.put(&[block.fraction_lost, l0, l1, l2]);
            writer.word(block.highest);
            writer.word(block.jitter);
            writer.word(block.last_report);
            writer.word(block.delay);
        }
        writer.end(start);
        writer
    }

    /// Adds SDES with a CNAME; what is longer than 255 octets is cut.
    #[must_use]
    pub fn source_description(mut self, ssrc: u32, cname: &[u8]) -> Self {
        let name = cname.get(..cname.len().min(CNAME_MAX)).unwrap_or_default();
        let start = self.begin(202, 1);
        self.word(ssrc);
        self.put(&[1, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
        self.put(name);
        // One zero octet at least ends the chunk.
        self.put(&[0]);
        while !(self.length - start).is_multiple_of(4) {
            self.put(&[0]);
        }
        self.end(start);
        self
    }

    /// Adds BYE.
    #[must_use]
    pub fn bye(mut self, ssrc: u32) -> Self {
        let start = self.begin(203, 1);
        self.word(ssrc);
        self.end(start);
        self
    }

    /// The packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn begin(&mut self, kind: u8, count: u8) -> usize {
        let start = self.length;
        self.put(&[0x80 | count, kind, 0, 0]);
        start
    }

    fn end(&mut self, start: usize) {
        let words = (self.length - start) / 4 - 1;
        let [l0, l1] = u16::try_from(words).unwrap_or_default().to_be_bytes();
        if let Some([a, b]) = self.bytes.get_mut(start + 2..start + 4) {
            (*a, *b) = (l0, l1);
        }
    }

    fn word(&mut self, word: u32) {
        self.put(&word.to_be_bytes());
    }

    /// The buffer holds the longest compound that this writer makes.
    fn put(&mut self, octets: &[u8]) {
        let end = self.length + octets.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(octets);
            self.length = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CompoundPacket, RtcpError, RtcpPacket};
    use super::*;

    const SENDER: SenderInfo =
        SenderInfo { ntp: 0x0102_0304_0506_0708, rtp_timestamp: 9, packets: 10, octets: 11 };
    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 7,
        fraction_lost: 128,
        lost: -3,
        highest: 70_000,
        jitter: 12,
        last_report: 13,
        delay: 14,
    };

    #[test]
    fn a_compound_is_read_as_it_was_written() {
        let written =
            Writer::report(1, Some(SENDER), Some(BLOCK)).source_description(1, b"me@x").bye(1);
        let compound = CompoundPacket::parse(written.as_bytes()).unwrap();
        let packets: Vec<_> = compound.packets().collect();
        let [report, sdes, bye] = packets[..] else { panic!("{packets:?}") };
        let RtcpPacket::Report { ssrc, sender, .. } = report else { panic!("{report:?}") };
        assert_eq!((ssrc, sender), (1, Some(SENDER)));
        assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK]);
        assert_eq!(sdes, RtcpPacket::SourceDescription(b"\0\0\0\x01\x01\x04me@x\0\0"));
        assert_eq!(bye.leaving().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn the_longest_name_fits_and_a_longer_one_is_cut() {
        for length in [0, 1, 2, 3, 4, 254, 255, 256, 10_000] {
            let name = vec![b'x'; length];
            let written =
                Writer::report(1, Some(SENDER), Some(BLOCK)).source_description(1, &name).bye(1);
            let compound = CompoundPacket::parse(written.as_bytes()).unwrap();
            assert_eq!(compound.packets().count(), 3, "{length}");
        }
    }

    #[test]
    fn r45_lengths_that_lie_are_refused() {
        let whole = Writer::report(1, Some(SENDER), Some(BLOCK)).bye(1);
        let whole = whole.as_bytes();
        for length in 0..whole.len() {
            let cut = CompoundPacket::parse(&whole[..length]);
            // Between two packets it is a shorter compound.
            assert_eq!(cut.is_ok(), length == whole.len() - 8, "{length}");
        }
        let with = |at: usize, octet: u8| {
            let mut bytes = whole.to_vec();
            bytes[at] = octet;
            CompoundPacket::parse(&bytes).map(|compound| compound.packets().count())
        };
        assert_eq!(with(0, 0x41), Err(RtcpError::Version));
        assert_eq!(with(0, 0x9f), Err(RtcpError::Truncated));
        assert_eq!(with(1, 202), Err(RtcpError::NoReport));
        assert_eq!(with(3, 255), Err(RtcpError::Truncated));
        assert_eq!(with(0, 0xa1), Err(RtcpError::Padding));
        // A BYE of 31 sources with none in it.
        assert_eq!(with(whole.len() - 8, 0x9f), Err(RtcpError::Truncated));
    }

    #[test]
    fn unknown_types_are_passed_over() {
        let mut bytes = Writer::report(1, None, None).as_bytes().to_vec();
        bytes.extend_from_slice(&[0x80, 207, 0, 1, 1, 2, 3, 4]);
        let compound = CompoundPacket::parse(&bytes).unwrap();
        assert_eq!(compound.packets().last(), Some(RtcpPacket::Other(207, &[1, 2, 3, 4])));
    }
}
