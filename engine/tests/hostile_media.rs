//! A running call against floods on its RTP and RTCP ports.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::net::UdpSocket;

use common::peer::{Peer, Request, answer, audio_port, sdp, status};
use common::process::{Busy, Held, alone};
use common::{PATIENCE, Party};
use offhook::fsm::Entropy;
use offhook::notification::SessionState;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Session};

/// What a flood may cost beside a call, in KiB.
const MEMORY_KIB: usize = 24 << 10;
/// Packets of each kind.
const PACKETS: u32 = 20_000;

/// A call that stands, with the peer's RTP socket and the engine's RTP port.
struct Call {
    victim: Party,
    session: Session,
    sip: Peer,
    rtp: UdpSocket,
    port: u16,
}

impl Call {
    fn new() -> Self {
        let victim = Party::with(Config::default());
        let sip = Peer::of(victim.address(Transport::Udp));
        let rtp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let body = sdp(rtp.local_addr().unwrap().port());
        let invite = Request { body, ..Request::invite() };
        sip.request(&invite);
        let session = victim.incoming(0);
        session.accept(Streams::AUDIO, &[]).unwrap();
        let ok = sip.wait_status(&invite.call_id, 200);
        sip.request(&invite.ack(&ok));
        assert_eq!(session.wait_established(PATIENCE), Some(true));
        Self { port: audio_port(&ok), victim, session, sip, rtp }
    }

    /// The call still stands, audio still comes, and it can be ended.
    fn survives(self) {
        assert_eq!(self.session.snapshot().state, SessionState::Established);
        self.rtp.set_nonblocking(true).unwrap();
        while self.rtp.recv(&mut [0; 2048]).is_ok() {}
        self.rtp.set_nonblocking(false).unwrap();
        self.rtp.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = self.rtp.recv(&mut [0; 2048]).unwrap();
        assert_eq!(length, 12 + 160, "20 ms of PCMU");
        self.session.end().unwrap();
        let bye = self.sip.wait(|m| status(m) == 0 && m.starts_with("BYE"));
        self.sip.send(answer(&bye, 200, "", "", ""));
        assert!(self.session.wait_ended(PATIENCE));
        self.victim.still_serves();
    }
}

fn packet(payload_type: u8, sequence: u32, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend_from_slice(&sequence.to_be_bytes()[2..]);
    packet.extend_from_slice(&sequence.wrapping_mul(160).to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0x55; 160]);
    packet
}

fn bounded(before: Held) {
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    assert_eq!(after.descriptors, before.descriptors);
}

#[test]
fn a_flood_of_audio_from_the_peer_is_played_or_dropped() {
    let _alone = alone();
    let call = Call::new();
    let before = Held::now();
    for number in 0..PACKETS {
        let _sent = call.rtp.send_to(&packet(0, number, 7), ("127.0.0.1", call.port));
        // The same stream out of order, and repeated.
        let _sent = call.rtp.send_to(&packet(0, number / 2, 7), ("127.0.0.1", call.port));
    }
    bounded(before);
    call.survives();
}

#[test]
fn a_flood_of_sources_is_one_source() {
    let _alone = alone();
    let call = Call::new();
    let before = Held::now();
    for number in 0..PACKETS {
        let stranger = packet(0, number.wrapping_mul(977), number.wrapping_mul(2_654_435_761));
        let _sent = call.rtp.send_to(&stranger, ("127.0.0.1", call.port));
    }
    bounded(before);
    call.survives();
}

#[test]
fn strangers_on_both_ports_are_not_listened_to() {
    let _alone = alone();
    let call = Call::new();
    let before = Held::now();
    let mut entropy = Entropy::from_u64(21);
    let strangers: Vec<UdpSocket> =
        (0..20).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let before = Held { descriptors: before.descriptors + strangers.len(), ..before };
    for number in 0..PACKETS {
        let stranger = &strangers[number as usize % strangers.len()];
        let mut garbage = vec![0; usize::try_from(entropy.below(400)).unwrap()];
        entropy.fill(&mut garbage);
        let _sent = stranger.send_to(&garbage, ("127.0.0.1", call.port));
        let _sent = stranger.send_to(&garbage, ("127.0.0.1", call.port + 1));
        let _sent = stranger.send_to(&packet(0, number, 9), ("127.0.0.1", call.port));
    }
    bounded(before);
    drop(strangers);
    call.survives();
}

#[test]
fn a_call_is_ended_while_the_flood_goes_on() {
    let _alone = alone();
    let call = Call::new();
    let (flood, port) = (call.rtp.try_clone().unwrap(), call.port);
    let mut number = 0_u32;
    let _flood = Busy::with(move || {
        number = number.wrapping_add(1);
        // When the call is over nobody listens any more.
        let _sent = flood.send_to(&packet(0, number, 7), ("127.0.0.1", port));
    });
    call.survives();
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_not_played_and_holds_up_nobody() {
    let _alone = alone();
    let call = Call::new();
    let pipe = std::env::temp_dir().join(format!("offhook-pipe-{}", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    call.session.play(pipe.clone()).unwrap();
    let told = call.victim.record.wait_for("WaveFileDidFinishPlaying").to_string();
    assert!(told.contains("pipe, and no file"), "{told}");
    call.session.start_recording_audio(Some(pipe.clone())).unwrap();
    call.victim.record.wait_for("SIPSessionDidStopRecordingAudio");
    std::fs::remove_file(pipe).unwrap();
    call.survives();
}
