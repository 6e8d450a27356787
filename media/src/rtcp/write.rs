//! Writing compound packets.

use super::description::CNAME;
use super::{
    BLOCK_LEN, GOODBYE, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo,
};

/// Report blocks in one packet, at most: the count has five bits.
const BLOCKS_MAX: usize = 31;

/// Writes packets one after the other into a buffer. A packet that does not fit leaves nothing.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Writes from the buffer's begin.
    #[must_use]
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, length: 0 }
    }

    /// Octets written.
    #[must_use]
    pub const fn finish(self) -> usize {
        self.length
    }

    /// SR when there is something to say about ourselves, else RR. `None` when it does not fit or
    /// there are more than 31 blocks.
    pub fn report(
        &mut self,
        ssrc: u32,
        sender: Option<SenderInfo>,
        blocks: &[ReportBlock],
    ) -> Option<()> {
        let count = u8::try_from(blocks.len()).ok().filter(|_| blocks.len() <= BLOCKS_MAX)?;
        let kind = if sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let octets = if sender.is_some() { 24 } else { 4 } + blocks.len() * BLOCK_LEN;
        self.packet(kind, count, octets, |body| {
            body.word(ssrc)?;
            if let Some(sender) = sender {
                body.octets(&sender.ntp.to_be_bytes())?;
                body.word(sender.rtp_timestamp)?;
                body.word(sender.packets)?;
                body.word(sender.octets)?;
            }
            blocks.iter().try_for_each(|block| body.block(block))
        })
    }

    /// SDES with our canonical name, cut at 255 octets.
    pub fn cname(&mut self, ssrc: u32, name: &[u8]) -> Option<()> {
        let name = name.get(..usize::from(u8::MAX)).unwrap_or(name);
        let length = u8::try_from(name.len()).ok()?;
        // The item's two octets, and one to four zeros.
        let octets = 4 + (name.len() + 2) / 4 * 4 + 4;
        self.packet(SOURCE_DESCRIPTION, 1, octets, |body| {
            body.word(ssrc)?;
            body.octets(&[CNAME, length])?;
            body.octets(name)
        })
    }

    /// BYE of one source.
    pub fn bye(&mut self, ssrc: u32) -> Option<()> {
        self.packet(GOODBYE, 1, 4, |body| body.word(ssrc))
    }

    /// A header, and a body of that many octets (a multiple of four) that begins as zeros.
    fn packet(
        &mut self,
        packet_type: u8,
        count: u8,
        octets: usize,
        fill: impl FnOnce(&mut Body<'_>) -> Option<()>,
    ) -> Option<()> {
        let packet = self.out.get_mut(self.length..)?.get_mut(..octets + 4)?;
        let (header, body) = packet.split_first_chunk_mut::<4>()?;
        let [l0, l1] = u16::try_from(octets / 4).ok()?.to_be_bytes();
        *header = [0x80 | count, packet_type, l0, l1];
        body.fill(0);
        fill(&mut Body { rest: body })?;
        self.length += octets + 4;
        Some(())
    }
}

struct Body<'a> {
    rest: &'a mut [u8],
}

impl Body<'_> {
    fn octets(&mut self, octets: &[u8]) -> Option<()> {
        let (place, rest) = std::mem::take(&mut self.rest).split_at_mut_checked(octets.len())?;
        place.copy_from_slice(octets);
        self.rest = rest;
        Some(())
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.octets(&word.to_be_bytes())
    }

    fn block(&mut self, block: &ReportBlock) -> Option<()> {
        let [_, l0, l1, l2] = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        self.word(block.ssrc)?;
        self.octets(&[block.fraction_lost, l0, l1, l2])?;
        self.word(block.highest_sequence)?;
        self.word(block.jitter)?;
        self.word(block.last_sender_report)?;
        self.word(block.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CompoundPacket, RtcpPacket};
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 0x0102_0304,
        fraction_lost: 64,
        lost: -3,
        highest_sequence: 0x0001_ffff,
        jitter: 77,
        last_sender_report: 0xaabb_ccdd,
        delay: 65_536,
    };
    const SENDER: SenderInfo =
        SenderInfo { ntp: 0x0011_2233_4455_6677, rtp_timestamp: 9, packets: 8, octets: 1280 };

    #[test]
    fn a_sender_report_with_name_and_goodbye_reads_back() {
        let mut out = [0xff; 200];
        let mut writer = Writer::new(&mut out);
        writer.report(7, Some(SENDER), &[BLOCK]).unwrap();
        writer.cname(7, b"abc@example").unwrap();
        writer.bye(7).unwrap();
        let length = writer.finish();
        let packets: Vec<_> = CompoundPacket::parse(&out[..length]).unwrap().packets().collect();
        let [
            RtcpPacket::SenderReport { ssrc: 7, sender, reports },
            RtcpPacket::SourceDescription(items),
            RtcpPacket::Goodbye { ssrcs, reason: None },
        ] = packets.as_slice()
        else {
            panic!("{packets:?}")
        };
        assert_eq!((*sender, reports.clone().collect::<Vec<_>>()), (SENDER, vec![BLOCK]));
        let names: Vec<_> =
            items.clone().map(|item| (item.ssrc, item.is_cname(), item.text)).collect();
        assert_eq!(names, [(7, true, &b"abc@example"[..])]);
        assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn names_of_every_length_are_padded_with_one_to_four_zeros() {
        for length in 0..300 {
            let mut out = [0xff; 400];
            let mut writer = Writer::new(&mut out);
            writer.report(7, None, &[]).unwrap();
            writer.cname(7, &[b'x'; 300][..length]).unwrap();
            let written = writer.finish();
            let kept = length.min(255);
            assert_eq!(written, 8 + 4 + 4 + (2 + kept) / 4 * 4 + 4);
            let mut packets = CompoundPacket::parse(&out[..written]).unwrap().packets();
            let Some(RtcpPacket::SourceDescription(mut items)) = packets.nth(1) else { panic!() };
            assert_eq!(items.next().unwrap().text.len(), kept);
            assert!(items.next().is_none());
        }
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let mut whole = [0; 200];
        let mut writer = Writer::new(&mut whole);
        writer.report(7, Some(SENDER), &[BLOCK]).unwrap();
        for length in 0..writer.finish() {
            let mut out = vec![0; length];
            let mut writer = Writer::new(&mut out);
            assert_eq!(writer.report(7, Some(SENDER), &[BLOCK]), None);
            assert_eq!(writer.finish(), 0);
        }
    }

    #[test]
    fn thirty_one_blocks_fit_and_one_more_does_not() {
        let mut out = [0; 1500];
        assert_eq!(Writer::new(&mut out).report(1, None, &[BLOCK; 31]), Some(()));
        assert_eq!(Writer::new(&mut out).report(1, None, &[BLOCK; 32]), None);
    }

    #[test]
    fn cumulative_loss_is_kept_in_24_bits() {
        for (lost, kept) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (-1, -1), (5, 5)] {
            let mut out = [0; 100];
            let mut writer = Writer::new(&mut out);
            writer.report(7, None, &[ReportBlock { lost, ..BLOCK }]).unwrap();
            let length = writer.finish();
            let packet = CompoundPacket::parse(&out[..length]).unwrap().packets().next();
            let Some(RtcpPacket::ReceiverReport { mut reports, .. }) = packet else { panic!() };
            assert_eq!(reports.next().unwrap().lost, kept);
        }
    }
}
