//! Our side's packets: audio by packet time, digits in its place.

use offhook_fsm::{Entropy, Instant};

use crate::control::StreamSettings;
use crate::dtmf::{DtmfQueueFull, DtmfSender, EventPacket, Tick};
use crate::rtp::{HEADER_LEN, PacketHeader};

use super::{DATAGRAM_MAX, FRAME};

/// Samples of the longest packet time, 60 ms, and a frame: what waits at most. Older samples are
/// dropped.
const WAITING_MAX: usize = 480 + FRAME;
/// Highest sequence number that is begun with. A receiver that misses a source's first packets can
/// then still tell that its rollover counter is 0 (RFC 3711 §3.3.1).
const FIRST_SEQUENCE_MAX: u16 = 0x7fff;
/// Microseconds without microphone after which the clock is set by time: 100 ms.
const PAUSE_MICROS: u64 = 100_000;

/// What was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) length: usize,
    pub(super) payload: usize,
}

#[derive(Debug)]
pub(super) struct Sender {
    ssrc: u32,
    sequence: u16,
    /// The timestamp after the newest sample.
    timestamp: u32,
    /// When that sample came.
    captured: Option<Instant>,
    waiting: [i16; WAITING_MAX],
    length: usize,
    /// The next packet is the first after silence.
    marker: bool,
    dtmf: DtmfSender,
    event: Option<EventPacket>,
    /// Sent with this SSRC, as sender reports tell.
    packets: u32,
    octets: u32,
}

impl Sender {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let [s0, s1, ..] = entropy.next_u32().to_be_bytes();
        Self {
            ssrc: entropy.next_u32(),
            sequence: u16::from_be_bytes([s0, s1]) & FIRST_SEQUENCE_MAX,
            timestamp: entropy.next_u32(),
            captured: None,
            waiting: [0; WAITING_MAX],
            length: 0,
            marker: true,
            dtmf: DtmfSender::default(),
            event: None,
            packets: 0,
            octets: 0,
        }
    }

    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets and payload octets sent with this SSRC.
    pub(super) const fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// Takes another SSRC; counts begin anew (RFC 3550 §6.4.1). Returns the old one.
    pub(super) fn change_ssrc(&mut self, entropy: &mut Entropy) -> u32 {
        let old = self.ssrc;
        while self.ssrc == old {
            self.ssrc = entropy.next_u32();
        }
        (self.packets, self.octets) = (0, 0);
        self.sequence &= FIRST_SEQUENCE_MAX;
        old
    }

    /// The media clock at an instant.
    pub(super) fn timestamp_at(&self, now: Instant) -> u32 {
        let since = self.captured.map_or(0, |captured| micros(now, captured));
        self.timestamp.wrapping_add(units(since))
    }

    pub(super) fn queue_digit(&mut self, digit: char) -> Result<(), DtmfQueueFull> {
        self.dtmf.queue(digit)
    }

    /// Hands in 20 ms. The clock goes on whether or not they are sent.
    pub(super) fn capture(
        &mut self,
        now: Instant,
        samples: &[i16; FRAME],
        settings: &StreamSettings,
    ) {
        let since = self.captured.replace(now).map_or(0, |captured| micros(now, captured));
        if since > PAUSE_MICROS {
            // Nobody called for a while: the peer is to hear that as a pause.
            self.timestamp = self.timestamp.wrapping_add(units(since - 20_000));
            self.fall_silent();
        }
        let begin = self.timestamp;
        self.timestamp = self.timestamp.wrapping_add(160);
        self.event = None;
        if !settings.flow.send {
            self.fall_silent();
            return;
        }
        if settings.send_telephone_event.is_none() {
            self.dtmf.clear();
        }
        match self.dtmf.tick(begin) {
            Tick::Audio => self.wait(samples),
            Tick::Pause => self.fall_silent(),
            Tick::Event(event) => {
                self.fall_silent();
                self.event = Some(event);
            }
        }
    }

    fn fall_silent(&mut self) {
        self.length = 0;
        self.marker = true;
    }

    fn wait(&mut self, samples: &[i16; FRAME]) {
        if self.length + FRAME > WAITING_MAX {
            self.forget(FRAME);
        }
        let places = self.waiting.iter_mut().skip(self.length);
        places.zip(samples).for_each(|(place, sample)| *place = *sample);
        self.length += FRAME;
    }

    fn forget(&mut self, count: usize) {
        let count = count.min(self.length);
        self.waiting.copy_within(count..self.length, 0);
        self.length -= count;
    }

    /// Writes a packet that is due.
    pub(super) fn poll(
        &mut self,
        settings: &StreamSettings,
        out: &mut [u8; DATAGRAM_MAX],
    ) -> Option<Written> {
        let (head, body) = out.split_first_chunk_mut::<HEADER_LEN>()?;
        if let (Some(event), Some(payload_type)) =
            (self.event.take(), settings.send_telephone_event)
        {
            let payload = body.first_chunk_mut::<4>()?;
            *payload = event.event.to_bytes();
            *head = self.header(event.marker, payload_type, event.timestamp).to_bytes();
            return Some(self.count(4));
        }
        let samples = usize::from(packet_time(settings.ptime_ms)) * 8;
        let audio = self.waiting.get(..samples).filter(|_| self.length >= samples)?;
        let payload = settings.codec.encode(audio, body);
        let waiting = u32::try_from(self.length).unwrap_or(0);
        let timestamp = self.timestamp.wrapping_sub(waiting);
        let marker = std::mem::take(&mut self.marker);
        *head = self.header(marker, settings.send_payload_type, timestamp).to_bytes();
        self.forget(samples);
        Some(self.count(payload))
    }

    fn header(&self, marker: bool, payload_type: u8, timestamp: u32) -> PacketHeader {
        let Self { sequence, ssrc, .. } = *self;
        PacketHeader { marker, payload_type: payload_type & 0x7f, sequence, timestamp, ssrc }
    }

    fn count(&mut self, payload: usize) -> Written {
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload).unwrap_or(0));
        Written { length: HEADER_LEN + payload, payload }
    }
}

/// A packet time that we can send: a multiple of 10 from 10 to 60.
const fn packet_time(ptime_ms: u16) -> u16 {
    match ptime_ms / 10 * 10 {
        0 => 10,
        70.. => 60,
        whole => whole,
    }
}

fn micros(now: Instant, before: Instant) -> u64 {
    u64::try_from((now - before).as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds as timestamp units at 8000 Hz, wrapped.
fn units(micros: u64) -> u32 {
    u32::try_from((micros / 125) & 0xffff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_times_are_tens_from_10_to_60() {
        for (asked, sent) in [(0, 10), (9, 10), (10, 10), (25, 20), (60, 60), (61, 60), (500, 60)] {
            assert_eq!(packet_time(asked), sent, "{asked}");
        }
    }
}
