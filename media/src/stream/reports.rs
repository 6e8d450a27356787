//! Our RTCP: when to report, what to say, and what the peer said about us.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use crate::rtcp::{ReportBlock, SenderInfo, Writer, interval, ntp, ntp_middle};
use crate::rtp::Source;

use super::sender::Sender;

/// Octets of a CNAME, at most (RFC 3550 §6.5).
const CNAME_MAX: usize = 255;
/// A round trip beyond this is a lie or a clock's jump.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Reports {
    cname: Box<[u8]>,
    entropy: Entropy,
    next: Instant,
    /// RTP sent since the last report, and between the two before.
    sent: [bool; 2],
    /// Anything was ever sent.
    pub(super) present: bool,
    /// The peer's last sender report: its SSRC, its time, when it came.
    heard: Option<(u32, u32, Instant)>,
    /// Packets expected and received up to the last report, for its fraction.
    before: (u64, u64),
    /// Where the latched peer's RTCP comes from.
    pub(super) source: Option<SocketAddr>,
    /// An SSRC of ours that we left after a collision, and must say so.
    pub(super) left: Option<u32>,
}

impl Reports {
    pub(super) fn new(cname: &str, entropy: &mut Entropy, now: Instant) -> Self {
        let cname = cname.as_bytes();
        let mut entropy = entropy.fork();
        let next = now + interval(&mut entropy, true);
        Self {
            cname: cname.get(..CNAME_MAX).unwrap_or(cname).into(),
            entropy,
            next,
            sent: [false; 2],
            present: false,
            heard: None,
            before: (0, 0),
            source: None,
            left: None,
        }
    }

    pub(super) const fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    pub(super) fn note_sent(&mut self) {
        self.present = true;
        let [latest, _] = &mut self.sent;
        *latest = true;
    }

    /// The peer's sender report came.
    pub(super) fn note_report(&mut self, now: Instant, ssrc: u32, sender: SenderInfo) {
        self.heard = Some((ssrc, ntp_middle(sender.ntp), now));
    }

    /// The round trip that a block about us tells (§6.4.1), in microseconds.
    pub(super) fn round_trip(now: Instant, block: &ReportBlock) -> Option<u64> {
        if block.last_sender_report == 0 {
            return None;
        }
        let taken =
            ntp_middle(ntp(now)).wrapping_sub(block.last_sender_report).wrapping_sub(block.delay);
        let micros = u64::from(taken) * 1_000_000 / 65_536;
        // 0 means unknown.
        (u128::from(micros) <= ROUND_TRIP_MAX.as_micros()).then_some(micros.max(1))
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next || self.left.is_some()
    }

    /// Writes a compound packet and sets the time of the next.
    pub(super) fn write(
        &mut self,
        now: Instant,
        sender: &Sender,
        peer: Option<(u32, &Source)>,
        goodbye: bool,
        out: &mut [u8],
    ) -> Option<usize> {
        self.next = now + interval(&mut self.entropy, false);
        let info = self.sent.contains(&true).then(|| {
            let (packets, octets) = sender.sent();
            SenderInfo { ntp: ntp(now), rtp_timestamp: sender.timestamp_at(now), packets, octets }
        });
        let [latest, _] = self.sent;
        self.sent = [false, latest];
        let block = peer.map(|(ssrc, source)| self.block(now, ssrc, source));
        let mut writer = Writer::new(out);
        writer.report(sender.ssrc(), info, block.as_slice())?;
        writer.cname(sender.ssrc(), &self.cname)?;
        if let Some(left) = self.left.take() {
            writer.bye(left)?;
        }
        if goodbye {
            writer.bye(sender.ssrc())?;
        }
        self.present = true;
        Some(writer.finish())
    }

    /// What we say about the peer (§6.4.1, A.3).
    fn block(&mut self, now: Instant, ssrc: u32, source: &Source) -> ReportBlock {
        let lost = source.lost();
        let received = source.received();
        let expected = u64::try_from(lost.saturating_add_unsigned(received)).unwrap_or(0);
        let (expected_before, received_before) = self.before;
        self.before = (expected, received);
        // After a restart both are below what they were.
        let expected_now = expected.checked_sub(expected_before).unwrap_or(expected);
        let received_now = received.checked_sub(received_before).unwrap_or(received);
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction = lost_now.saturating_mul(256).checked_div(expected_now).unwrap_or(0);
        let heard = self.heard.filter(|(reporter, ..)| *reporter == ssrc);
        let delay = heard.map_or(0, |(_, _, came)| (now - came).as_micros() * 65_536 / 1_000_000);
        ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest_sequence: u32::try_from(source.extended() & 0xffff_ffff).unwrap_or(0),
            jitter: u32::try_from(source.jitter()).unwrap_or(u32::MAX),
            last_sender_report: heard.map_or(0, |(_, time, _)| time),
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 1,
        fraction_lost: 0,
        lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay: 0,
    };

    #[test]
    fn the_round_trip_is_what_the_peer_did_not_keep() {
        let sent = ntp_middle(ntp(Instant::from_millis(10_000)));
        let block = ReportBlock { last_sender_report: sent, delay: 2 * 65_536, ..BLOCK };
        let told = Reports::round_trip(Instant::from_millis(12_080), &block).unwrap();
        assert!((79_900..=80_100).contains(&told), "{told}");
    }

    #[test]
    fn round_trips_that_cannot_be_are_not_told() {
        let now = Instant::from_millis(12_080);
        assert_eq!(Reports::round_trip(now, &BLOCK), None);
        let sent = ntp_middle(ntp(Instant::from_millis(10_000)));
        for delay in [3 * 65_536, u32::MAX / 2] {
            let block = ReportBlock { last_sender_report: sent, delay, ..BLOCK };
            assert_eq!(Reports::round_trip(now, &block), None, "kept longer than it was away");
        }
        let late = Instant::from_millis(80_000);
        let block = ReportBlock { last_sender_report: sent, ..BLOCK };
        assert_eq!(Reports::round_trip(late, &block), None, "longer than a minute");
    }

    #[test]
    fn the_fraction_is_of_the_time_since_the_last_report() {
        let mut reports = Reports::new("x", &mut Entropy::from_u64(1), Instant::ZERO);
        let mut source = Source::trusted(1);
        (1..=100).filter(|n| n % 4 != 2).for_each(|n| {
            source.receive(n);
        });
        let block = reports.block(Instant::ZERO, 9, &source);
        assert_eq!((block.fraction_lost, block.lost, block.highest_sequence), (64, 25, 100));
        (101..=200).for_each(|n| {
            source.receive(n);
        });
        let block = reports.block(Instant::ZERO, 9, &source);
        assert_eq!((block.fraction_lost, block.lost), (0, 25));
    }
}
