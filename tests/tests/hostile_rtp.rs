//! What broke the RTP of others (R42 and R44 of the collection of advisories), and the verdict here.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use offhook::media::codec::Codec;
use offhook::media::control::{Flow, StreamSettings};
use offhook::media::rtp::{HEADER_LEN, PacketError, PacketHeader, RtpPacket};
use offhook::media::statistics::StreamCounters;
use offhook::media::stream::{FRAME, RtpStream};
use offhook_fsm::{Entropy, Instant};

fn header(payload_type: u8, sequence: u16) -> PacketHeader {
    let timestamp = u32::from(sequence) * 160;
    PacketHeader { marker: false, payload_type, sequence, timestamp, ssrc: 7 }
}

fn stream() -> (RtpStream, Arc<StreamCounters>) {
    let remote = "192.0.2.9:9000".parse().unwrap();
    let settings = StreamSettings {
        remote,
        remote_rtcp: "192.0.2.9:9001".parse().unwrap(),
        rtcp_mux: false,
        codec: Codec::Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        on_hold: false,
        ptime_ms: 20,
        silence: None,
        srtp: None,
    };
    let counters = Arc::<StreamCounters>::default();
    let mut entropy = Entropy::from_u64(1);
    let shared = Arc::clone(&counters);
    (RtpStream::new(settings, shared, "me", &mut entropy, Instant::ZERO), counters)
}

#[test]
fn r42_payload_types_that_were_not_negotiated_are_dropped_and_counted() {
    let (mut stream, counters) = stream();
    let source = "192.0.2.9:9000".parse().unwrap();
    let mut rejected = 0;
    for (sequence, payload_type) in (0..128).filter(|kind| !matches!(kind, 0 | 101)).enumerate() {
        let header = header(payload_type, u16::try_from(sequence).unwrap());
        let packet = [&header.to_bytes()[..], &[0; 160]].concat();
        stream.receive_rtp(Instant::ZERO, source, &packet);
        rejected += 1;
    }
    assert_eq!(counters.packets_rejected.load(Relaxed), rejected);
    assert_eq!(counters.packets_received.load(Relaxed), 0);
    let mut frame = [1; FRAME];
    stream.playout(Instant::ZERO, &mut frame);
    assert_eq!((frame, stream.poll_event()), ([0; FRAME], None));
}

#[test]
fn r44_lengths_beyond_the_packet_are_refused_and_those_that_fit_are_not() {
    let fixed = header(0, 1).to_bytes();
    let parse = |first: u8, rest: &[u8]| {
        let mut bytes = fixed.to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(rest);
        RtpPacket::parse(&bytes).map(|packet| packet.payload.len())
    };
    for count in 0..16_u8 {
        let octets = usize::from(count) * 4;
        assert_eq!(parse(0x80 | count, &vec![0; octets]), Ok(0));
        assert_eq!(parse(0x80 | count, &vec![0; octets + 1]), Ok(1));
        if let Some(short) = octets.checked_sub(1) {
            assert_eq!(parse(0x80 | count, &vec![0; short]), Err(PacketError::Truncated));
        }
    }
    for words in [0_u16, 1, 255, 16_383, 65_535] {
        let octets = usize::from(words) * 4;
        let mut rest = vec![0xbe, 0xde];
        rest.extend_from_slice(&words.to_be_bytes());
        rest.resize(4 + octets, 0);
        assert_eq!(parse(0x90, &rest), Ok(0), "{words}");
        rest.pop();
        assert_eq!(parse(0x90, &rest), Err(PacketError::Truncated), "{words}");
    }
    for padding in 0..=255_u8 {
        let mut rest = vec![0; 100];
        rest.push(padding);
        let fits = (1..=101).contains(&padding);
        let expected =
            if fits { Ok(101 - usize::from(padding)) } else { Err(PacketError::Padding) };
        assert_eq!(parse(0xa0, &rest), expected);
    }
    assert_eq!(parse(0xa0, &[]), Err(PacketError::Padding));
    assert_eq!(parse(0xb1, &[0, 0, 0, 0, 0xbe, 0xde, 0, 0]), Err(PacketError::Padding));
}

#[test]
fn r44_a_one_byte_extension_that_claims_more_than_there_is_stays_unread() {
    let bytes = [0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x1f, 0, 0, 0];
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert_eq!(packet.extension, Some((0xbede, &[0x1f, 0, 0, 0][..])));
    assert_eq!(packet.payload, b"");
}

#[test]
fn r44_hostile_packets_leave_a_running_stream_as_it_was() {
    let (mut stream, counters) = stream();
    let source = "192.0.2.9:9000".parse().unwrap();
    for sequence in 0..10 {
        let packet = [&header(0, sequence).to_bytes()[..], &[0; 160]].concat();
        stream.receive_rtp(Instant::ZERO, source, &packet);
    }
    let received = counters.packets_received.load(Relaxed);
    let good = [&header(0, 10).to_bytes()[..], &[0; 160]].concat();
    let mut hostile = 0;
    for length in 0..HEADER_LEN {
        stream.receive_rtp(Instant::ZERO, source, &good[..length]);
        hostile += 1;
    }
    for first in [0x00, 0x40, 0xc0, 0xff] {
        let mut bytes = good.clone();
        bytes[0] = first;
        bytes.truncate(40);
        stream.receive_rtp(Instant::ZERO, source, &bytes);
        hostile += 1;
    }
    assert_eq!(counters.packets_rejected.load(Relaxed), hostile);
    assert_eq!(counters.packets_received.load(Relaxed), received);
    // Longer than any payload that is played: cut, not refused, and no panic.
    let long = [&header(0, 11).to_bytes()[..], &[0; 65_000]].concat();
    stream.receive_rtp(Instant::ZERO, source, &long);
    assert_eq!(counters.packets_received.load(Relaxed), received + 1);
}
