//! One stream on the audio thread: its sockets, its core, and what takes the microphone's place.

use std::net::UdpSocket;
use std::sync::atomic::Ordering;

use offhook_fsm::Instant;
use rtrb::{Consumer, Producer};

use super::raw::{self, RawEnds};
use crate::control::StreamId;
use crate::mixer::mix;
use crate::stream::{DATAGRAM_MAX, FRAME, RtpStream};

/// RTP datagrams that one stream is read for in a tick; what is more waits in the socket.
const RTP_BURST: usize = 32;
/// RTCP datagrams in a tick.
const RTCP_BURST: usize = 4;

/// A stream with all that it needs, made and freed by the control thread.
#[derive(Debug)]
pub(super) struct Voice {
    pub(super) id: StreamId,
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) stream: RtpStream,
    pub(super) play: Option<Playing>,
    pub(super) record: Option<Producer<i16>>,
    pub(super) raw: Option<Box<RawEnds>>,
    pub(super) echo: bool,
    pub(super) mute: bool,
}

/// A file that is played to the peer.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) number: u64,
    pub(super) ring: Consumer<i16>,
}

/// What one tick works in.
#[derive(Debug)]
pub(super) struct Scratch {
    datagram: [u8; DATAGRAM_MAX],
    sent: [i16; FRAME],
    /// What the peer said in this tick.
    pub(super) heard: [i16; FRAME],
}

impl Default for Scratch {
    fn default() -> Self {
        Self { datagram: [0; DATAGRAM_MAX], sent: [0; FRAME], heard: [0; FRAME] }
    }
}

impl Voice {
    /// One tick: receive, play out, speak, report. The file that has ended in it comes back.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        microphone: &[i16; FRAME],
        scratch: &mut Scratch,
    ) -> Option<Playing> {
        self.receive(now, scratch);
        self.stream.playout(now, &mut scratch.heard);
        let ended = self.speak(microphone, scratch);
        self.stream.capture(now, &scratch.sent);
        while let Some(packet) = self.stream.poll_packet(now, &mut scratch.datagram) {
            let bytes = scratch.datagram.get(..packet.length).unwrap_or_default();
            // What the network does not take is lost, as in the network.
            let _lost = self.rtp.send_to(bytes, packet.to);
        }
        if let Some(report) = self.stream.poll_rtcp(now, &mut scratch.datagram) {
            self.send_report(scratch.datagram.get(..report.length).unwrap_or_default(), report.to);
        }
        self.keep(scratch);
        ended
    }

    fn receive(&mut self, now: Instant, scratch: &mut Scratch) {
        for _ in 0..RTP_BURST {
            // An error is an empty socket, or an ICMP answer to something that we sent.
            let Ok((length, source)) = self.rtp.recv_from(&mut scratch.datagram) else { break };
            let bytes = scratch.datagram.get(..length).unwrap_or_default();
            self.stream.receive_rtp(now, source, bytes);
        }
        for _ in 0..RTCP_BURST {
            let Ok((length, source)) = self.rtcp.recv_from(&mut scratch.datagram) else { break };
            let bytes = scratch.datagram.get(..length).unwrap_or_default();
            self.stream.receive_rtcp(now, source, bytes);
        }
    }

    /// Fills `sent`: muted, a file, the echo, the program's own audio, else the microphone.
    fn speak(&mut self, microphone: &[i16; FRAME], scratch: &mut Scratch) -> Option<Playing> {
        scratch.sent.fill(0);
        let mut ended = None;
        if let Some(playing) = &mut self.play {
            let count = raw::read(&mut playing.ring, &mut scratch.sent);
            if count == 0 && playing.ring.is_abandoned() && playing.ring.is_empty() {
                ended = self.play.take();
            }
        }
        if let Some(raw) = &mut self.raw {
            // It is drained at its pace whatever takes its place.
            let mut own = [0; FRAME];
            raw::read(&mut raw.source, &mut own);
            if self.play.is_none() && !self.echo {
                scratch.sent = own;
            }
        }
        if self.play.is_none() && self.raw.is_none() && !self.echo {
            scratch.sent = *microphone;
        }
        if self.play.is_none() && self.echo {
            scratch.sent = scratch.heard;
        }
        let microphone_on_hold = self.stream.settings().on_hold && self.play.is_none();
        if self.mute || microphone_on_hold {
            scratch.sent.fill(0);
        }
        ended
    }

    /// Hands what was said to the recording and to the program.
    fn keep(&mut self, scratch: &mut Scratch) {
        if let Some(raw) = &mut self.raw {
            let taken = raw::write(&mut raw.sink, &scratch.heard);
            let lost = u64::try_from(FRAME - taken).unwrap_or_default();
            raw.dropped.fetch_add(lost, Ordering::Relaxed);
        }
        let flow = self.stream.settings().flow;
        // A call on hold is not recorded.
        if let Some(record) = self.record.as_mut().filter(|_| flow.send && flow.receive) {
            let mut both = [0; FRAME];
            mix(&scratch.sent, &scratch.heard, &mut both);
            // A disk that is seconds behind loses samples, and nothing else.
            let _taken = raw::write(record, &both);
        }
    }

    fn send_report(&self, bytes: &[u8], to: std::net::SocketAddr) {
        let socket = if self.stream.settings().rtcp_mux { &self.rtp } else { &self.rtcp };
        let _lost = socket.send_to(bytes, to);
    }

    /// The last report.
    pub(super) fn say_bye(&mut self, now: Instant, scratch: &mut Scratch) {
        if let Some(report) = self.stream.bye(now, &mut scratch.datagram) {
            self.send_report(scratch.datagram.get(..report.length).unwrap_or_default(), report.to);
        }
    }
}
