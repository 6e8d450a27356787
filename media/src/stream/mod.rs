//! One audio stream: RTP and RTCP of one m-line in both directions, without sockets or threads.
//!
//! The owner calls it once a tick of 20 ms: received datagrams in, [`RtpStream::playout`],
//! [`RtpStream::capture`], then packets out until there are none. After
//! [`RtpStream::new`] nothing allocates, locks or logs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use offhook_fsm::{Entropy, Instant};

use crate::control::StreamSettings;
pub use crate::dtmf::DtmfQueueFull;
use crate::dtmf::{DtmfReceiver, NamedEvent};
use crate::jitter::{Incoming, JitterBuffer, JitterCounts};
use crate::rtcp::{CompoundPacket, RtcpPacket};
use crate::rtp::{Arrival, PacketHeader, RtpPacket};
use crate::srtp::OVERHEAD_MAX;
use crate::statistics::StreamCounters;

mod admission;
mod digits;
mod protection;
mod reports;
mod sender;
mod silence;

use admission::{Admission, Admitted, same};
pub use admission::{CANDIDATES_MAX, LATCH_WINDOW};
pub use digits::DIGITS_MAX;
use digits::Digits;
use protection::{Kind, Protection, exchange};
pub use protection::{OLD_KEY_GRACE, StreamUpdate};
use reports::Reports;
use sender::Sender;
use silence::Silence;

/// Samples of one tick: 20 ms at 8000 Hz.
pub const FRAME: usize = 160;
/// Octets of the largest datagram that is read or written.
pub const DATAGRAM_MAX: usize = 1500;

/// What a stream tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent {
    /// The first RTP packet came, or its source's address changed.
    SourceSeen(SocketAddr),
    /// A digit came, once per event.
    Dtmf(char),
    /// The peer was heard, and then no more for [`StreamSettings::silence`].
    Silent,
}

/// A datagram that was written and is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Where to.
    pub to: SocketAddr,
    /// Its octets in the buffer.
    pub length: usize,
}

/// RTP and RTCP of one audio stream.
#[derive(Debug)]
pub struct RtpStream {
    settings: StreamSettings,
    counters: Arc<StreamCounters>,
    /// Set whenever the settings have keys; then nothing goes past it.
    protection: Option<Box<Protection>>,
    admission: Admission,
    jitter: JitterBuffer,
    dtmf: DtmfReceiver,
    sender: Sender,
    reports: Reports,
    digits: Digits,
    source_seen: Option<SocketAddr>,
    silence: Silence,
    /// An address that used our SSRC: what comes back from there again is a loop (RFC 3550 §8.2).
    collided: Option<SocketAddr>,
    /// Packets dropped before the jitter buffer.
    jumped: u64,
}

enum Payload {
    Audio,
    Event,
    Unknown,
}

impl RtpStream {
    /// A stream that begins now. `cname` names us in RTCP (RFC 7022: best random), cut at 255
    /// octets. SSRC, first sequence number and timestamp come from `entropy`.
    #[must_use]
    pub fn new(
        settings: StreamSettings,
        counters: Arc<StreamCounters>,
        cname: &str,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Self {
        counters.set_codec(settings.codec);
        Self {
            admission: Admission::new(now, settings.remote),
            jitter: JitterBuffer::new(),
            dtmf: DtmfReceiver::default(),
            sender: Sender::new(entropy),
            reports: Reports::new(cname, entropy, now),
            digits: Digits::default(),
            source_seen: None,
            silence: Silence::default(),
            collided: None,
            jumped: 0,
            protection: settings.srtp.as_ref().map(Protection::new),
            settings,
            counters,
        }
    }

    /// Changes peer's address, codec, payload types, directions, packet time or keys in place.
    /// Takes and frees memory when there are keys; [`exchange`](Self::exchange) does not.
    pub fn update(&mut self, now: Instant, settings: StreamSettings) {
        self.exchange(now, &mut StreamUpdate::new(settings));
    }

    /// Like [`update`](Self::update) with what was made before; what is to be freed lies in
    /// `update` afterwards. A key that stays goes on as it is. Under another key of ours we are
    /// another source: SSRC and sequence number are drawn anew, so that no number is used twice
    /// and both sides count rollovers from 0 (RFC 3711 §9.1).
    pub fn exchange(&mut self, now: Instant, update: &mut StreamUpdate) {
        let settings = &update.settings;
        self.admission.retarget(now, settings.remote);
        if !same(settings.remote_rtcp, self.settings.remote_rtcp) {
            self.reports.source = None;
        }
        if !settings.flow.receive {
            self.jitter.reset();
        }
        std::mem::swap(&mut self.settings, &mut update.settings);
        self.counters.set_codec(self.settings.codec);
        if exchange(now, &mut self.protection, &mut update.protection) {
            let old = self.sender.change_ssrc(self.reports.entropy());
            self.reports.left = self.reports.present.then_some(old);
        }
    }

    /// The settings in force.
    #[must_use]
    pub const fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// Our SSRC; another one after a collision.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.sender.ssrc()
    }

    /// What the jitter buffer counted.
    #[must_use]
    pub const fn jitter_counts(&self) -> JitterCounts {
        self.jitter.counts()
    }

    /// Takes a datagram of the RTP socket; RTCP too when it shares that socket.
    pub fn receive_rtp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        // RFC 5761 §4 tells them apart by the second octet.
        if self.settings.rtcp_mux && matches!(datagram.get(1), Some(192..=223)) {
            return self.receive_rtcp(now, source, datagram);
        }
        self.unprotected(now, Kind::Rtp, datagram, |stream, plain| {
            stream.take_rtp(now, source, plain);
        });
    }

    fn take_rtp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let Ok(packet) = RtpPacket::parse(datagram) else { return self.reject() };
        let header = packet.header;
        if header.ssrc == self.sender.ssrc() {
            self.collide(source);
            return self.reject();
        }
        let payload = self.payload(header.payload_type);
        let acceptable = !matches!(payload, Payload::Unknown);
        let arrival = match self.admission.receive(now, source, &header, acceptable) {
            Admitted::Refused => return self.reject(),
            Admitted::Known(arrival) => arrival,
            Admitted::New { arrival, moved } => {
                self.begin_anew();
                if moved {
                    self.source_seen = Some(source);
                }
                arrival
            }
        };
        let (sequence, in_order) = match arrival {
            Arrival::InOrder(sequence) => (sequence, true),
            Arrival::Late(sequence) => (sequence, false),
            Arrival::Restart(sequence) => {
                self.begin_anew();
                (sequence, true)
            }
            Arrival::Jump | Arrival::Probation => {
                self.jumped += 1;
                return self.count_received();
            }
        };
        match payload {
            Payload::Unknown => return self.reject(),
            Payload::Audio => self.receive_audio(now, sequence, in_order, &packet),
            Payload::Event => self.receive_event(now, &header, packet.payload),
        }
        self.silence.heard(now);
        add(&self.counters.packets_received, 1);
        add(&self.counters.octets_received, packet.payload.len());
        self.count_received();
    }

    fn payload(&self, payload_type: u8) -> Payload {
        if payload_type == self.settings.receive_payload_type {
            Payload::Audio
        } else if Some(payload_type) == self.settings.receive_telephone_event {
            Payload::Event
        } else {
            Payload::Unknown
        }
    }

    fn receive_audio(
        &mut self,
        now: Instant,
        sequence: u64,
        in_order: bool,
        packet: &RtpPacket<'_>,
    ) {
        let PacketHeader { timestamp, marker, .. } = packet.header;
        if in_order && let Some(lock) = self.admission.lock_mut() {
            let arrival = u32::try_from((now.as_micros() / 125) & 0xffff_ffff).unwrap_or(0);
            lock.source.note_transit(arrival, timestamp);
        }
        if self.settings.flow.receive && !packet.payload.is_empty() {
            let codec = self.settings.codec;
            let payload = packet.payload;
            self.jitter
                .put(now, Incoming { sequence, in_order, timestamp, marker, codec, payload });
        }
    }

    fn receive_event(&mut self, now: Instant, header: &PacketHeader, payload: &[u8]) {
        let Some(event) = NamedEvent::parse(payload) else { return };
        for digit in self.dtmf.receive(now, header.timestamp, event).into_iter().flatten() {
            self.digits.push(digit);
        }
    }

    /// Another source, or the same one after a restart.
    fn begin_anew(&mut self) {
        self.jitter.reset();
        if let Some(digit) = self.dtmf.reset() {
            self.digits.push(digit);
        }
    }

    fn reject(&self) {
        add(&self.counters.packets_rejected, 1);
    }

    fn count_received(&self) {
        let counters = &self.counters;
        set(&counters.packets_lost, self.admission.lost());
        set(&counters.packets_discarded, self.jumped + self.jitter.counts().discarded());
        let jitter = self.admission.lock().map_or(0, |lock| lock.source.jitter());
        set(&counters.jitter_us, jitter.saturating_mul(125));
    }

    /// The peer uses our SSRC. We leave it, once per address; what comes again is our own
    /// packets, sent back.
    fn collide(&mut self, address: SocketAddr) {
        let known = self.collided.is_some_and(|collided| same(collided, address));
        if known || !self.admission.is_peer(address) {
            return;
        }
        self.collided = Some(address);
        let old = self.sender.change_ssrc(self.reports.entropy());
        self.reports.left = Some(old);
    }

    /// Takes a datagram of the RTCP socket.
    pub fn receive_rtcp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.unprotected(now, Kind::Rtcp, datagram, |stream, plain| {
            stream.take_rtcp(now, source, plain);
        });
    }

    fn take_rtcp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let Ok(compound) = CompoundPacket::parse(datagram) else { return self.reject() };
        if !self.admits_rtcp(source, compound) {
            return self.reject();
        }
        self.silence.heard_again(now);
        for packet in compound.packets() {
            match packet {
                RtcpPacket::SenderReport { ssrc, sender, reports } => {
                    if ssrc == self.sender.ssrc() {
                        return self.collide(source);
                    }
                    self.reports.note_report(now, ssrc, sender);
                    self.hear(now, reports);
                }
                RtcpPacket::ReceiverReport { ssrc, reports } => {
                    if ssrc == self.sender.ssrc() {
                        return self.collide(source);
                    }
                    self.hear(now, reports);
                }
                RtcpPacket::Goodbye { mut ssrcs, .. } => {
                    if let Some(lock) = self.admission.lock_mut() {
                        lock.left |= ssrcs.any(|ssrc| ssrc == lock.ssrc);
                    }
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Unknown { .. } => {}
            }
        }
    }

    /// RTCP counts from the negotiated address, and from the locked host when it speaks for the
    /// locked source.
    fn admits_rtcp(&mut self, source: SocketAddr, compound: CompoundPacket<'_>) -> bool {
        if same(source, self.settings.remote_rtcp)
            || (self.settings.rtcp_mux && self.admission.is_peer(source))
        {
            return true;
        }
        let Some(lock) = self.admission.lock() else { return false };
        let (Some(RtcpPacket::SenderReport { ssrc, .. })
        | Some(RtcpPacket::ReceiverReport { ssrc, .. })) = compound.packets().next()
        else {
            return false;
        };
        if lock.address.ip() != source.ip() || lock.ssrc != ssrc {
            return false;
        }
        self.reports.source = Some(source);
        true
    }

    fn hear(&self, now: Instant, mut reports: crate::rtcp::ReportBlocks<'_>) {
        let Some(block) = reports.find(|block| block.ssrc == self.sender.ssrc()) else { return };
        set(&self.counters.remote_packets_lost, u64::try_from(block.lost).unwrap_or(0));
        if let Some(micros) = Reports::round_trip(now, &block) {
            set(&self.counters.round_trip_us, micros);
        }
    }

    /// The peer's next 20 ms for the speaker. False when there was nothing and it is silence.
    pub fn playout(&mut self, now: Instant, samples: &mut [i16; FRAME]) -> bool {
        if let Some(digit) = self.dtmf.poll(now) {
            self.digits.push(digit);
        }
        self.silence.watch(now, self.settings.silence.filter(|_| self.settings.flow.receive));
        if !self.settings.flow.receive {
            samples.fill(0);
            return false;
        }
        let heard = self.jitter.pop(now, samples);
        set(&self.counters.packets_discarded, self.jumped + self.jitter.counts().discarded());
        heard
    }

    /// Hands in 20 ms of microphone.
    pub fn capture(&mut self, now: Instant, samples: &[i16; FRAME]) {
        self.sender.capture(now, samples, &self.settings);
    }

    /// Writes an RTP packet that is due; call again until there is none.
    pub fn poll_packet(&mut self, now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        if !self.settings.flow.send {
            return None;
        }
        let written = self.sender.poll(&self.settings, out)?;
        let to = reachable(self.admission.destination(now))?;
        let length = self.protected(Kind::Rtp, out, written.length)?;
        self.reports.note_sent();
        add(&self.counters.packets_sent, 1);
        add(&self.counters.octets_sent, written.payload);
        Some(Outgoing { to, length })
    }

    /// Writes an RTCP report when one is due.
    pub fn poll_rtcp(&mut self, now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        if !self.reports.is_due(now) {
            return None;
        }
        self.report(now, false, out)
    }

    /// Writes the last report, with BYE; nothing when nothing was ever sent (RFC 3550 §6.3.7).
    pub fn bye(&mut self, now: Instant, out: &mut [u8; DATAGRAM_MAX]) -> Option<Outgoing> {
        if !self.reports.present {
            return None;
        }
        self.report(now, true, out)
    }

    fn report(
        &mut self,
        now: Instant,
        goodbye: bool,
        out: &mut [u8; DATAGRAM_MAX],
    ) -> Option<Outgoing> {
        let lock = self.admission.lock().filter(|lock| !lock.left);
        let peer = lock.map(|lock| (lock.ssrc, &lock.source));
        let (room, _) = out.split_first_chunk_mut::<{ DATAGRAM_MAX - OVERHEAD_MAX }>()?;
        let length = self.reports.write(now, &self.sender, peer, goodbye, room)?;
        let destination = self.admission.destination(now);
        let latched = !same(destination, self.settings.remote);
        let to = match self.reports.source {
            _ if self.settings.rtcp_mux => destination,
            Some(source) if latched => source,
            _ => self.settings.remote_rtcp,
        };
        let to = reachable(to)?;
        let length = self.protected(Kind::Rtcp, out, length)?;
        Some(Outgoing { to, length })
    }

    /// What happened since it was last asked; call again until there is nothing.
    pub fn poll_event(&mut self) -> Option<StreamEvent> {
        if let Some(source) = self.source_seen.take() {
            return Some(StreamEvent::SourceSeen(source));
        }
        if let Some(digit) = self.digits.pop() {
            return Some(StreamEvent::Dtmf(digit));
        }
        self.silence.take_end().then_some(StreamEvent::Silent)
    }

    /// Queues a digit, `0-9*#A-D`; anything else is dropped, and so is a digit for a peer that
    /// takes no telephone-events. While we may not send, digits wait.
    ///
    /// # Errors
    /// When [`QUEUE_MAX`](crate::dtmf::QUEUE_MAX) digits wait or are being sent.
    pub fn send_dtmf(&mut self, digit: char) -> Result<(), DtmfQueueFull> {
        if self.settings.send_telephone_event.is_none() {
            return Ok(());
        }
        self.sender.queue_digit(digit)
    }
}

/// An address that can be sent to: `0.0.0.0` (the hold of RFC 2543) and port 0 cannot.
fn reachable(to: SocketAddr) -> Option<SocketAddr> {
    (!to.ip().is_unspecified() && to.port() != 0).then_some(to)
}

fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(0), Ordering::Relaxed);
}

fn set(counter: &AtomicU64, value: u64) {
    counter.store(value, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
