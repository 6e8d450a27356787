//! When reports are sent, what they say, and what the peer's say (RFC 3550 §6).

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use crate::rtcp::{CompoundPacket, ReportBlock, RtcpPacket, SenderInfo, Writer, middle, ntp};
use crate::rtp::Source;
use crate::statistics::StreamCounters;

/// The mean pause between reports of two parties (§6.2).
const INTERVAL_US: u64 = 5_000_000;
/// The randomised pause is made so much shorter that its mean is right (§6.3.1), in 1/100000.
const COMPENSATION: u64 = 121_828;
/// The longest CNAME.
const CNAME_MAX: usize = 255;

/// One stream's reports. Allocates nothing after [`new`](Self::new).
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    cname: Box<[u8]>,
    next: Instant,
    /// Reports since something was sent; a sender is one that sent in the last two intervals.
    silent_reports: u8,
    has_sent: bool,
    /// The peer's last sender report: the middle of its timestamp, and when it came.
    last: Option<(u32, Instant)>,
    expected_before: u64,
    received_before: u64,
}

impl Reporter {
    pub(crate) fn new(cname: &str, now: Instant, entropy: &mut Entropy) -> Self {
        let bytes = cname.as_bytes();
        let cname = bytes.get(..bytes.len().min(CNAME_MAX)).unwrap_or_default().into();
        // The first report comes after half the time (§6.2).
        let pause = INTERVAL_US / 2;
        Self {
            cname,
            next: now + jittered(pause, entropy),
            silent_reports: 2,
            has_sent: false,
            last: None,
            expected_before: 0,
            received_before: 0,
        }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    pub(crate) fn schedule(&mut self, now: Instant, entropy: &mut Entropy) {
        self.next = now + jittered(INTERVAL_US, entropy);
    }

    pub(crate) const fn note_sent(&mut self) {
        self.has_sent = true;
        self.silent_reports = 0;
    }

    pub(crate) fn write(
        &mut self,
        now: Instant,
        ssrc: u32,
        timestamp: u32,
        source: Option<(u32, &Source)>,
        counters: &StreamCounters,
        bye: bool,
    ) -> Writer {
        let is_sender = self.has_sent && self.silent_reports < 2;
        self.silent_reports = self.silent_reports.saturating_add(1);
        let low = |counter: u64| u32::try_from(counter & u64::from(u32::MAX)).unwrap_or_default();
        let sender = is_sender.then(|| SenderInfo {
            ntp: ntp(now.as_micros()),
            rtp_timestamp: timestamp,
            packets: low(counters.packets_sent.load(Relaxed)),
            octets: low(counters.octets_sent.load(Relaxed)),
        });
        let block = source.map(|(ssrc, source)| self.block(now, ssrc, source));
        let writer = Writer::report(ssrc, sender, block).source_description(ssrc, &self.cname);
        if bye { writer.bye(ssrc) } else { writer }
    }

    fn block(&mut self, now: Instant, ssrc: u32, source: &Source) -> ReportBlock {
        let low = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        let lost = source.lost();
        let received = source.received();
        let expected = received.saturating_add_signed(lost);
        let (expected_now, received_now) = (
            expected.saturating_sub(self.expected_before),
            received.saturating_sub(self.received_before),
        );
        (self.expected_before, self.received_before) = (expected, received);
        let fraction = expected_now.saturating_sub(received_now) * 256 / expected_now.max(1);
        let (last_report, since) = self.last.unwrap_or((0, now));
        let delay = (now - since).as_micros() * 65_536 / 1_000_000;
        ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest: low(source.extended()),
            jitter: low(source.jitter()),
            last_report,
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
        }
    }

    /// Takes in the peer's report; `false` when it is none.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        datagram: &[u8],
        own: u32,
        peer: Option<u32>,
        counters: &StreamCounters,
    ) -> bool {
        let Ok(compound) = CompoundPacket::parse(datagram) else { return false };
        for packet in compound.packets() {
            let RtcpPacket::Report { ssrc, sender, .. } = packet else { continue };
            if peer.is_some_and(|peer| peer != ssrc) {
                continue;
            }
            if let Some(sender) = sender {
                self.last = Some((middle(sender.ntp), now));
            }
            for block in packet.blocks().filter(|block| block.ssrc == own) {
                let lost = u64::try_from(block.lost).unwrap_or_default();
                counters.remote_packets_lost.store(lost, Relaxed);
                if block.last_report != 0 {
                    let here = middle(ntp(now.as_micros()));
                    let away = here.wrapping_sub(block.last_report).wrapping_sub(block.delay);
                    // More than an hour, or less than nothing, is a mistake of the peer's.
                    if away < 3600 << 16 {
                        let micros = u64::from(away) * 1_000_000 / 65_536;
                        counters.round_trip_us.store(micros.max(1), Relaxed);
                    }
                }
            }
        }
        true
    }
}

/// 0.5 to 1.5 of a pause, shortened as §6.3.1 says.
fn jittered(pause_us: u64, entropy: &mut Entropy) -> Duration {
    let drawn = pause_us / 2 + entropy.below(pause_us);
    Duration::from_micros(drawn * 100_000 / COMPENSATION)
}
