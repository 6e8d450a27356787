//! What must hold for any bytes. The fuzz targets and the tests call this.

use std::sync::Arc;

use offhook_fsm::{Entropy, Instant};

use crate::codec::Codec;
use crate::control::{Flow, StreamSettings};
use crate::rtcp::CompoundPacket;
use crate::rtp::{HEADER_LEN, RtpPacket};
use crate::stream::{DATAGRAM_MAX, FRAME, RtpStream};

/// Any bytes as a packet: the pieces add up to no more than the whole, and the fixed header is
/// written as it was read.
pub fn rtp(data: &[u8]) {
    let Ok(packet) = RtpPacket::parse(data) else { return };
    let extension = packet.extension.map_or(0, |(_, content)| content.len() + 4);
    assert!(HEADER_LEN + packet.csrcs.len() + extension + packet.payload.len() <= data.len());
    let written = packet.header.to_bytes();
    assert_eq!(written.get(1..), data.get(1..HEADER_LEN));
}

/// Any bytes as a compound packet: what was checked as a whole can be read to its end.
pub fn rtcp(data: &[u8]) {
    let Ok(compound) = CompoundPacket::parse(data) else { return };
    let mut count = 0;
    for packet in compound.packets() {
        assert!(packet.blocks().count() <= 31 && packet.leaving().count() <= 31);
        count += 1;
    }
    assert!(count > 0 && count <= data.len() / 4);
}

/// Any bytes as datagrams to a running stream (two octets of length before each, the highest bit
/// chooses the RTCP port): it plays, sends and reports whatever comes.
pub fn rtp_stream(data: &[u8]) {
    let remote = ([127, 0, 0, 1], 4000).into();
    let settings = StreamSettings {
        remote,
        remote_rtcp: ([127, 0, 0, 1], 4001).into(),
        rtcp_mux: data.first().is_some_and(|first| first & 1 == 1),
        codec: Codec::Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        ptime_ms: 20,
    };
    let mut entropy = Entropy::from_u64(1);
    let counters = Arc::default();
    let mut stream =
        RtpStream::new(settings, Arc::clone(&counters), "me", &mut entropy, Instant::ZERO);
    let (mut frame, mut out) = ([0; FRAME], [0; DATAGRAM_MAX]);
    let (mut rest, mut millis) = (data, 0);
    while let [high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low])).min(after.len());
        let (datagram, left) = after.split_at_checked(length).unwrap_or_default();
        let now = Instant::from_millis(millis);
        if high & 0x80 == 0 {
            stream.receive_rtp(now, remote, datagram);
        } else {
            stream.receive_rtcp(now, remote, datagram);
        }
        stream.playout(now, &mut frame);
        stream.capture(now, &frame);
        while let Some(sent) = stream.poll_packet(now, &mut out) {
            let packet = RtpPacket::parse(out.get(..sent.length).unwrap_or_default());
            assert!(packet.is_ok_and(|packet| packet.payload.len() <= 480));
        }
        if let Some(sent) = stream.poll_rtcp(now, &mut out) {
            assert!(CompoundPacket::parse(out.get(..sent.length).unwrap_or_default()).is_ok());
        }
        while stream.poll_event().is_some() {}
        (rest, millis) = (left, millis + 20);
    }
}
