//! One audio stream: what its packets mean, what it sends, what it reports. Pure: datagrams and
//! 20 ms frames in, datagrams and frames out, `now` as an argument. Nothing is allocated after
//! [`RtpStream::new`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use offhook_fsm::{Entropy, Instant};

use crate::control::StreamSettings;
use crate::dtmf::{DtmfError, DtmfReceiver, DtmfSender, EVENT_LEN, EventPacket, NamedEvent};
use crate::jitter::{Inserted, JitterBuffer, Played};
use crate::report::Reporter;
use crate::rtp::{HEADER_LEN, PacketHeader, RtpPacket};
use crate::source_lock::{SourceLock, Verdict};
use crate::statistics::StreamCounters;

/// Samples of one tick: 20 ms at 8000 Hz.
pub const FRAME: usize = 160;
/// Timestamp units of one tick.
const FRAME_UNITS: u32 = 160;
/// The largest datagram that is sent.
pub const DATAGRAM_MAX: usize = 1500;
/// Samples of the longest packet that is sent: 60 ms, and a frame that does not fill it.
const PENDING_MAX: usize = 480 + FRAME;
/// Samples of the longest payload that is taken; the rest of a longer one is dropped.
const PAYLOAD_MAX: usize = 1500;

/// What a stream tells the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent {
    /// The first packet came, or the source changed.
    SourceSeen(SocketAddr),
    /// The peer sent a digit.
    Dtmf(char),
}

/// A datagram that was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Where to.
    pub to: SocketAddr,
    /// Its octets at the buffer's start.
    pub length: usize,
}

/// Events that wait to be taken; more are dropped. A tick never makes that many.
const EVENTS_MAX: usize = 16;

/// One audio stream.
#[derive(Debug)]
pub struct RtpStream {
    settings: StreamSettings,
    counters: Arc<StreamCounters>,
    entropy: Entropy,
    lock: SourceLock,
    jitter: JitterBuffer,
    reporter: Reporter,
    dtmf_in: DtmfReceiver,
    dtmf_out: DtmfSender,
    events: [Option<StreamEvent>; EVENTS_MAX],
    ssrc: u32,
    sequence: u16,
    /// The timestamp of the next frame.
    timestamp: u32,
    pending: [i16; PENDING_MAX],
    pending_length: usize,
    /// The timestamp of the first pending sample.
    pending_from: u32,
    event_packet: Option<EventPacket>,
    /// The next audio packet is the first after silence.
    resumes: bool,
}

impl RtpStream {
    /// A stream that has neither sent nor received. `cname` names us in RTCP (RFC 7022).
    #[must_use]
    pub fn new(
        settings: StreamSettings,
        counters: Arc<StreamCounters>,
        cname: &str,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Self {
        let mut entropy = entropy.fork();
        let ssrc = entropy.next_u32();
        let [s0, s1, ..] = entropy.next_u32().to_be_bytes();
        let timestamp = entropy.next_u32();
        Self {
            lock: SourceLock::new(settings.remote, now),
            reporter: Reporter::new(cname, now, &mut entropy),
            settings,
            counters,
            jitter: JitterBuffer::new(),
            dtmf_in: DtmfReceiver::default(),
            dtmf_out: DtmfSender::default(),
            events: [None; EVENTS_MAX],
            ssrc,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp,
            pending: [0; PENDING_MAX],
            pending_length: 0,
            pending_from: timestamp,
            event_packet: None,
            resumes: true,
            entropy,
        }
    }

    /// Changes the running stream: peer's address, codec, payload types, directions, packet time.
    pub fn update(&mut self, now: Instant, settings: StreamSettings) {
        if settings.remote != self.settings.remote {
            self.lock = SourceLock::new(settings.remote, now);
            self.jitter.reset();
        }
        if settings.codec != self.settings.codec {
            self.pending_length = 0;
        }
        self.settings = settings;
    }

    /// What the stream runs with.
    #[must_use]
    pub const fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// Takes in a datagram from the RTP port.
    pub fn receive_rtp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        if self.settings.rtcp_mux && is_rtcp(datagram) {
            return self.receive_rtcp(now, source, datagram);
        }
        if self.accept(now, source, datagram).is_none() {
            self.counters.packets_rejected.fetch_add(1, Relaxed);
        }
    }

    /// `None` when the datagram is not for us.
    fn accept(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Option<()> {
        let packet = RtpPacket::parse(datagram).ok()?;
        let kind = packet.header.payload_type;
        let is_event = Some(kind) == self.settings.receive_telephone_event;
        // What was not negotiated is not decoded.
        (is_event || kind == self.settings.receive_payload_type).then_some(())?;
        if packet.header.ssrc == self.ssrc {
            // RFC 3550 §8.2: the same number by chance; ours changes.
            self.ssrc = self.entropy.next_u32();
        }
        let verdict = self.lock.receive(now, source, packet.header.ssrc, packet.header.sequence);
        match verdict {
            Verdict::Stranger => return None,
            Verdict::Probation => return Some(()),
            Verdict::Locked { anew } => {
                if anew {
                    self.jitter.reset();
                    self.dtmf_in = DtmfReceiver::default();
                    self.tell(StreamEvent::SourceSeen(source));
                }
            }
            Verdict::Late | Verdict::InOrder => {}
        }
        self.count(now, &packet);
        if is_event {
            self.hear_event(&packet);
        } else {
            self.hear_audio(&packet);
        }
        Some(())
    }

    fn count(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        let octets = u64::try_from(packet.payload.len()).unwrap_or_default();
        self.counters.packets_received.fetch_add(1, Relaxed);
        self.counters.octets_received.fetch_add(octets, Relaxed);
        let rate = u64::from(self.settings.codec.clock_rate());
        let arrival = now.as_micros().wrapping_mul(rate) / 1_000_000;
        let arrival = u32::try_from(arrival & u64::from(u32::MAX)).unwrap_or_default();
        if let Some(source) = self.lock.source_mut() {
            source.note_transit(arrival, packet.header.timestamp);
            let lost = u64::try_from(source.lost()).unwrap_or_default();
            self.counters.packets_lost.store(lost, Relaxed);
            let jitter = source.jitter().saturating_mul(1_000_000) / rate.max(1);
            self.counters.jitter_us.store(jitter, Relaxed);
        }
    }

    fn hear_event(&mut self, packet: &RtpPacket<'_>) {
        let event = NamedEvent::parse(packet.payload);
        let digit = event.and_then(|event| self.dtmf_in.receive(packet.header.timestamp, event));
        if let Some(digit) = digit {
            self.tell(StreamEvent::Dtmf(digit));
        }
    }

    fn hear_audio(&mut self, packet: &RtpPacket<'_>) {
        if !self.settings.flow.receive {
            return;
        }
        let mut samples = [0; PAYLOAD_MAX];
        let count = self.settings.codec.decode(packet.payload, &mut samples);
        let samples = samples.get(..count).unwrap_or_default();
        if self.jitter.insert(packet.header.timestamp, samples) == Inserted::TooLate {
            self.counters.packets_discarded.fetch_add(1, Relaxed);
        }
    }

    /// Takes in a datagram from the RTCP port.
    pub fn receive_rtcp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let known = source.ip() == self.settings.remote_rtcp.ip()
            || self.lock.address().is_some_and(|address| address.ip() == source.ip());
        let read = known
            && self.reporter.receive(now, datagram, self.ssrc, self.lock.ssrc(), &self.counters);
        if !read {
            self.counters.packets_rejected.fetch_add(1, Relaxed);
        }
    }

    /// The peer's next 20 ms. `false` when there is nothing and `samples` are zeros.
    pub fn playout(&mut self, _now: Instant, samples: &mut [i16; FRAME]) -> bool {
        if !self.settings.flow.receive {
            samples.fill(0);
            return false;
        }
        self.jitter.pop(samples) != Played::Silence
    }

    /// Our next 20 ms, to be sent by [`poll_packet`](Self::poll_packet).
    pub fn capture(&mut self, _now: Instant, samples: &[i16; FRAME]) {
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(FRAME_UNITS);
        if !self.settings.flow.send {
            self.pending_length = 0;
            self.resumes = true;
            return;
        }
        if self.settings.send_telephone_event.is_some() {
            let units = u16::try_from(FRAME_UNITS).unwrap_or(u16::MAX);
            self.event_packet = self.dtmf_out.tick(timestamp, units);
        }
        if self.event_packet.is_some() {
            self.pending_length = 0;
            self.resumes = true;
            return;
        }
        if self.pending_length == 0 {
            self.pending_from = timestamp;
        }
        let end = self.pending_length + FRAME;
        if let Some(place) = self.pending.get_mut(self.pending_length..end) {
            place.copy_from_slice(samples);
            self.pending_length = end;
        }
    }

    /// The next RTP packet that is due; call again until `None`.
    pub fn poll_packet(&mut self, _now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        if let Some(EventPacket { event, timestamp, marker }) = self.event_packet.take() {
            let kind = self.settings.send_telephone_event?;
            let header = self.header(kind, timestamp, marker);
            let (place, _) = out.split_at_mut_checked(HEADER_LEN + EVENT_LEN)?;
            let (head, payload) = place.split_at_mut_checked(HEADER_LEN)?;
            head.copy_from_slice(&header.to_bytes());
            payload.copy_from_slice(&event.to_bytes());
            return Some(self.sent(EVENT_LEN));
        }
        let samples = usize::from(self.settings.ptime_ms).saturating_mul(8).clamp(80, 480);
        if self.pending_length < samples {
            return None;
        }
        let marker = std::mem::take(&mut self.resumes);
        let header = self.header(self.settings.send_payload_type, self.pending_from, marker);
        let (head, rest) = out.split_at_mut_checked(HEADER_LEN)?;
        head.copy_from_slice(&header.to_bytes());
        let audio = self.pending.get(..samples)?;
        let octets = self.settings.codec.encode(audio, rest);
        self.pending.copy_within(samples..self.pending_length, 0);
        self.pending_length -= samples;
        let units = u32::try_from(samples).unwrap_or_default();
        self.pending_from = self.pending_from.wrapping_add(units);
        Some(self.sent(octets))
    }

    fn header(&mut self, payload_type: u8, timestamp: u32, marker: bool) -> PacketHeader {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        PacketHeader { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    fn sent(&mut self, octets: usize) -> Outgoing {
        let count = u64::try_from(octets).unwrap_or_default();
        self.counters.packets_sent.fetch_add(1, Relaxed);
        self.counters.octets_sent.fetch_add(count, Relaxed);
        self.reporter.note_sent();
        Outgoing { to: self.remote(), length: HEADER_LEN + octets }
    }

    /// Where the peer really is: where its packets come from, else what its SDP says.
    fn remote(&self) -> SocketAddr {
        self.lock.address().unwrap_or(self.settings.remote)
    }

    fn remote_rtcp(&self) -> SocketAddr {
        match self.lock.address() {
            Some(address) if self.settings.rtcp_mux => address,
            // Behind a NAT the next port is the best guess there is.
            Some(address) if address != self.settings.remote => {
                SocketAddr::new(address.ip(), address.port().saturating_add(1))
            }
            _ => self.settings.remote_rtcp,
        }
    }

    /// A report, when it is time for one.
    pub fn poll_rtcp(&mut self, now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        if !self.reporter.is_due(now) {
            return None;
        }
        self.reporter.schedule(now, &mut self.entropy);
        self.report(now, out, false)
    }

    /// The last report, with BYE.
    pub fn bye(&mut self, now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        self.report(now, out, true)
    }

    fn report(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_MAX],
        bye: bool,
    ) -> Option<Outgoing> {
        let (ssrc, timestamp) = (self.ssrc, self.timestamp);
        let source = self.lock.current();
        let written = self.reporter.write(now, ssrc, timestamp, source, &self.counters, bye);
        let bytes = written.as_bytes();
        out.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Outgoing { to: self.remote_rtcp(), length: bytes.len() })
    }

    /// The next thing to tell the session.
    pub fn poll_event(&mut self) -> Option<StreamEvent> {
        let first = self.events.first_mut()?.take();
        self.events.rotate_left(1);
        first
    }

    fn tell(&mut self, event: StreamEvent) {
        if let Some(place) = self.events.iter_mut().find(|place| place.is_none()) {
            *place = Some(event);
        }
    }

    /// Queues a digit to be sent in place of audio.
    ///
    /// # Errors
    /// When too many wait, or it is no digit.
    pub fn send_dtmf(&mut self, digit: char) -> Result<(), DtmfError> {
        self.dtmf_out.send(digit)
    }

    /// The play-out delay in samples.
    #[must_use]
    pub const fn playout_delay(&self) -> u32 {
        self.jitter.delay()
    }
}

/// RFC 5761 §4: RTCP's packet types lie where no payload type of ours does.
fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|kind| (192..=223).contains(kind))
}
