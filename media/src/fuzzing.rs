//! What must hold for any bytes. The fuzz targets and the tests call this.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use crate::codec::Codec;
use crate::control::{Flow, StreamSettings};
use crate::rtcp::{CompoundPacket, RtcpPacket, Writer};
use crate::rtp::{HEADER_LEN, RtpPacket};
use crate::srtp::{CryptoContext, MasterKey, OVERHEAD_MAX, SrtpError, Suite};
use crate::statistics::StreamCounters;
use crate::stream::{DATAGRAM_MAX, FRAME, Outgoing, RtpStream, StreamEvent};

/// Any bytes as a packet: the pieces add up to no more than the whole, and the fixed header is
/// written as it was read.
pub fn rtp(data: &[u8]) {
    let Ok(packet) = RtpPacket::parse(data) else { return };
    let extension = packet.extension.map_or(0, |(_, content)| content.len() + 4);
    assert!(HEADER_LEN + packet.csrcs.len() + extension + packet.payload.len() <= data.len());
    let written = packet.header.to_bytes();
    assert_eq!(written.get(1..), data.get(1..HEADER_LEN));
}

/// Any bytes as a compound packet: the first packet is a report, nothing given out is longer than
/// the whole, and a report reads as it was written.
pub fn rtcp(data: &[u8]) {
    let Ok(compound) = CompoundPacket::parse(data) else { return };
    let mut length = 0;
    for (place, packet) in compound.packets().enumerate() {
        length += 4;
        let is_report = match packet {
            RtcpPacket::SenderReport { ssrc, sender, reports } => {
                length += 24;
                for block in reports {
                    length += 24;
                    let mut out = [0; 100];
                    let mut writer = Writer::new(&mut out);
                    assert!(writer.report(ssrc, Some(sender), &[block]).is_some());
                    let written = writer.finish();
                    let again = CompoundPacket::parse(out.get(..written).unwrap_or_default());
                    let mut again = again.into_iter().flat_map(CompoundPacket::packets);
                    let same = matches!(
                        again.next(),
                        Some(RtcpPacket::SenderReport { ssrc: s, sender: i, reports })
                            if (s, i, reports.clone().next()) == (ssrc, sender, Some(block))
                    );
                    assert!(same, "what was written reads otherwise");
                }
                true
            }
            RtcpPacket::ReceiverReport { reports, .. } => {
                length += 4 + reports.count() * 24;
                true
            }
            RtcpPacket::SourceDescription(items) => {
                length += items.map(|item| item.text.len() + 2).sum::<usize>();
                false
            }
            RtcpPacket::Goodbye { ssrcs, reason } => {
                length += ssrcs.count() * 4 + reason.map_or(0, |reason| reason.len() + 1);
                false
            }
            RtcpPacket::Unknown { body, .. } => {
                length += body.len();
                false
            }
        };
        assert!(place > 0 || is_report);
    }
    assert!(length <= data.len());
}

/// The first octet chooses the suite, RTP or RTCP, and a bit. The rest as it is opens nothing and
/// is left as it was. Protected it reads again as it was, once, and not with that bit flipped.
pub fn srtp(data: &[u8]) {
    let Some((&choice, plain)) = data.split_first() else { return };
    let [suite, other] = Suite::ALL;
    let suite = if choice & 1 == 0 { suite } else { other };
    let is_rtcp = choice & 2 != 0;
    let context = || CryptoContext::new(suite, &MasterKey::new(&[choice & 1; 30]));
    let open = |receiver: &mut CryptoContext, packet: &mut [u8]| {
        if is_rtcp { receiver.unprotect_rtcp(packet) } else { receiver.unprotect(packet) }
    };
    // A tag of 32 bits is guessed once in a while.
    let sure = is_rtcp || suite == Suite::AesCm128HmacSha1_80;
    let (mut sender, mut receiver) = (context(), context());
    let mut packet = plain.to_vec();
    let opened = open(&mut context(), &mut packet);
    assert!(!sure || opened.is_err());
    assert!(opened.is_ok() || packet == plain);

    let mut packet = [plain, &[0; OVERHEAD_MAX]].concat();
    let sealed = if is_rtcp {
        sender.protect_rtcp(&mut packet, plain.len())
    } else {
        sender.protect(&mut packet, plain.len())
    };
    let Ok(length) = sealed else {
        assert_eq!(packet.get(..plain.len()), Some(plain));
        return;
    };
    packet.truncate(length);
    let bit = usize::from(choice >> 2).wrapping_mul(37) % (length * 8);
    let mut forged = packet.clone();
    if let Some(octet) = forged.get_mut(bit / 8) {
        *octet ^= 1 << (bit % 8);
    }
    assert!(!sure || open(&mut receiver, &mut forged).is_err());
    let mut again = packet.clone();
    let opened = open(&mut receiver, &mut packet);
    assert_eq!(opened.map(|length| packet.get(..length)), Ok(Some(plain)));
    assert_eq!(open(&mut receiver, &mut again), Err(SrtpError::Replayed));
}

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4000);
const STRANGER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 5004);

fn settings(choice: u8) -> StreamSettings {
    let codec = if choice & 1 == 0 { Codec::Pcmu } else { Codec::Pcma };
    let mux = choice & 2 != 0;
    StreamSettings {
        remote: REMOTE,
        remote_rtcp: SocketAddr::new(REMOTE.ip(), if mux { 4000 } else { 4001 }),
        rtcp_mux: mux,
        codec,
        send_payload_type: codec.payload_type(),
        receive_payload_type: codec.payload_type(),
        send_telephone_event: (choice & 4 == 0).then_some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: choice & 8 == 0, receive: choice & 16 == 0 },
        on_hold: false,
        ptime_ms: u16::from(choice >> 5) * 10,
        silence: None,
        srtp: None,
    }
}

/// A stream under a script: each step is an octet that says what happens, and a length with so
/// many octets of datagram. Whatever comes, what is sent is well formed and goes to the peer or to
/// who was latched, and no more is received than came.
pub fn stream(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let counters = Arc::<StreamCounters>::default();
    let mut now = Instant::from_millis(1000);
    let mut entropy = Entropy::from_u64(first.into());
    let mut stream = RtpStream::new(settings(first), counters.clone(), "fuzz", &mut entropy, now);
    let (mut came, mut latched) = (0, false);
    let mut out = [0; DATAGRAM_MAX];
    while let [step, length, after @ ..] = rest {
        let (datagram, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        match step % 8 {
            0 | 1 => {
                came += 1;
                stream.receive_rtp(now, REMOTE, datagram);
            }
            2 => {
                came += 1;
                stream.receive_rtp(now, STRANGER, datagram);
            }
            3 => stream.receive_rtcp(now, stream.settings().remote_rtcp, datagram),
            4 => stream.receive_rtcp(now, STRANGER, datagram),
            5 => stream.update(now, settings(*length)),
            // A full queue refuses; that is all right.
            6 => stream.send_dtmf(char::from(*length)).unwrap_or_default(),
            _ => now += Duration::from_millis(u64::from(*length) * 50),
        }
        now += Duration::from_millis(20 * u64::from(step >> 7));
        let mut samples = [0; FRAME];
        if !stream.playout(now, &mut samples) && !stream.settings().flow.receive {
            assert_eq!(samples, [0; FRAME]);
        }
        stream.capture(now, &samples);
        for _ in 0..3 {
            latched |= matches!(stream.poll_event(), Some(StreamEvent::SourceSeen(STRANGER)));
        }
        while let Some(sent) = stream.poll_packet(now, &mut out) {
            check_sent(sent, &out, latched, false);
        }
        while let Some(sent) = stream.poll_rtcp(now, &mut out) {
            check_sent(sent, &out, latched, true);
        }
    }
    if let Some(sent) = stream.bye(now, &mut out) {
        check_sent(sent, &out, latched, true);
    }
    assert!(counters.packets_received.load(Ordering::Relaxed) <= came);
}

fn check_sent(sent: Outgoing, out: &[u8], latched: bool, is_rtcp: bool) {
    assert!(sent.to.ip() == REMOTE.ip() || latched);
    let bytes = out.get(..sent.length).unwrap_or_default();
    assert_eq!(CompoundPacket::parse(bytes).is_ok(), is_rtcp);
    assert!(is_rtcp || RtpPacket::parse(bytes).is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random scripts with packets that are nearly right reach further than noise.
    fn script(entropy: &mut Entropy) -> Vec<u8> {
        let mut bytes = vec![entropy.next_u32().to_be_bytes()[0]];
        let mut sequence = 0_u16;
        for _ in 0..200 {
            let [step, length, kind, noise] = entropy.next_u32().to_be_bytes();
            let mut datagram = vec![0x80, [8, 0, 101, 200, 201, noise][usize::from(kind % 6)]];
            sequence = sequence.wrapping_add(u16::from(noise < 200));
            datagram.extend(sequence.to_be_bytes());
            datagram.extend((u32::from(sequence) * 160).to_be_bytes());
            datagram.extend([0, 0, 0, kind / 128]);
            datagram.resize(12 + usize::from(length / 2), noise);
            if kind == 7 {
                let place = usize::from(noise) % datagram.len();
                datagram[place] ^= length;
            }
            bytes.extend([step, u8::try_from(datagram.len()).unwrap()]);
            bytes.extend(datagram);
        }
        bytes
    }

    #[test]
    fn streams_hold_what_they_must_under_random_scripts() {
        let mut entropy = Entropy::from_u64(2024);
        for _ in 0..200 {
            let bytes = script(&mut entropy);
            stream(&bytes);
            stream(&bytes[..bytes.len() / 2]);
        }
    }

    #[test]
    fn protection_holds_what_it_must_under_random_bytes() {
        let mut entropy = Entropy::from_u64(11);
        for _ in 0..20_000 {
            let mut bytes = [0; 90];
            entropy.fill(&mut bytes);
            bytes[1] = bytes[1] & 0x33 | 0x80;
            let length = usize::try_from(entropy.below(90)).unwrap();
            srtp(&bytes[..length]);
        }
    }

    #[test]
    fn reports_hold_what_they_must_under_random_bytes() {
        let mut entropy = Entropy::from_u64(7);
        for _ in 0..20_000 {
            let mut bytes = [0; 64];
            entropy.fill(&mut bytes);
            let length = entropy.below(15);
            let start =
                [0x80 | bytes[0] & 0x21, 200 | bytes[1] & 7, 0, u8::try_from(length).unwrap()];
            bytes[..4].copy_from_slice(&start);
            let place = 4 + usize::try_from(length).unwrap() * 4;
            if let Some([version, kind, high, low]) = bytes.get_mut(place..place + 4) {
                (*version, *kind) = (*version & 0x3f | 0x80, 200 | *kind & 7);
                (*high, *low) = (0, *low & 15);
            }
            for end in [64, place, place + 20, place + 4] {
                rtcp(&bytes[..end.min(64)]);
            }
        }
    }
}
