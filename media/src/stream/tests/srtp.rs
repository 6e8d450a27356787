//! Streams with keys.

use super::*;
use crate::srtp::{CryptoContext, MasterKey, SrtpKeys, Suite};

fn key(number: u8) -> MasterKey {
    MasterKey::new(&[number; 30])
}

/// Party 1's keys; party 2 has them the other way round.
fn keys(local: u8, remote: u8) -> Option<SrtpKeys> {
    let suite = Suite::AesCm128HmacSha1_80;
    Some(SrtpKeys { suite, local: key(local), remote: key(remote) })
}

fn secured(peer: u8, local: u8, remote: u8) -> StreamSettings {
    StreamSettings { srtp: keys(local, remote), ..settings(peer) }
}

fn call(link: Link) -> Call {
    Call::with(link, secured(2, 1, 2), secured(1, 2, 1))
}

fn unauthenticated(party: &Party) -> u64 {
    party.read(|counters| &counters.packets_unauthenticated)
}

/// How many of a party's packets and reports open under a key. Those that do are RTP and RTCP
/// inside, and none is what it would be in the clear.
fn opened(packets: &[Vec<u8>], reports: &[Vec<u8>], key: &MasterKey) -> usize {
    let mut context = CryptoContext::new(Suite::AesCm128HmacSha1_80, key);
    let packets = packets.iter().filter(|packet| {
        let mut bytes = packet.to_vec();
        let Ok(length) = context.unprotect(&mut bytes) else { return false };
        let plain = RtpPacket::parse(&bytes[..length]).unwrap();
        assert_ne!(plain.payload, &packet[12..length]);
        true
    });
    let packets = packets.count();
    let reports = reports.iter().filter(|report| {
        let mut bytes = report.to_vec();
        let Ok(length) = context.unprotect_rtcp(&mut bytes) else { return false };
        assert!(CompoundPacket::parse(&bytes[..length]).is_ok());
        assert!(CompoundPacket::parse(report).is_err());
        true
    });
    packets + reports.count()
}

#[test]
fn a_protected_call_is_heard_both_ways_through_loss_and_disorder() {
    for suite in Suite::ALL {
        let of = |peer, local, remote| {
            let srtp = Some(SrtpKeys { suite, local: key(local), remote: key(remote) });
            StreamSettings { srtp, ..settings(peer) }
        };
        let link = Link { loss: 3, double: 3, delay: 20, jitter: 30 };
        let mut call = Call::with(link, of(2, 1, 2), of(1, 2, 1));
        call.run(50);
        "42".chars().for_each(|digit| call.one.stream.send_dtmf(digit).unwrap());
        call.run(1000);
        assert_eq!(call.two.digits(), "42");
        for party in [&call.one, &call.two] {
            assert!(party.read(|c| &c.packets_received) > 900);
            assert!(party.read(|c| &c.packets_lost) > 5);
            assert!(party.read(|c| &c.packets_discarded) > 5, "doubles are replays");
            assert!(party.read(|c| &c.round_trip_us) > 20_000, "reports pass, too");
            assert_eq!((unauthenticated(party), party.read(|c| &c.packets_withheld)), (0, 0));
        }
        assert_tone(&call.one.speaker[400 * FRAME..700 * FRAME], 1000.0, 200);
    }
}

#[test]
fn nothing_is_sent_in_the_clear() {
    let mut call = call(Link::default());
    call.run(1000);
    let Party { packets, reports, stream, .. } = &mut call.one;
    let mut out = [0; DATAGRAM_MAX];
    let bye = stream.bye(call.now, &mut out).unwrap();
    reports.push(out[..bye.length].to_vec());
    assert!(packets.len() > 900 && reports.len() > 3);
    assert_eq!(opened(packets, reports, &key(1)), packets.len() + reports.len());
}

#[test]
fn rtcp_on_the_same_port_is_protected_as_rtcp() {
    let of = |peer, local, remote| StreamSettings {
        rtcp_mux: true,
        remote_rtcp: address(peer, 4000),
        ..secured(peer, local, remote)
    };
    let (mut one, mut two) = (Party::new(1, of(2, 1, 2), 440.0), Party::new(2, of(1, 2, 1), 440.0));
    let mut now = Instant::ZERO;
    for _ in 0..1500 {
        now += TICK;
        for (_, _, bytes) in one.tick(now) {
            two.stream.receive_rtp(now, address(1, 4000), &bytes);
        }
        for (_, _, bytes) in two.tick(now) {
            one.stream.receive_rtp(now, address(2, 4000), &bytes);
        }
    }
    assert_eq!(unauthenticated(&one) + unauthenticated(&two), 0);
    assert!(one.read(|c| &c.packets_received) > 1400 && one.read(|c| &c.round_trip_us) > 0);
}

#[test]
fn r54_plaintext_and_forgeries_are_dropped_before_anything_learns_from_them() {
    let mut call = call(Link::default());
    let mut plain = Call::new(Link::default());
    plain.run(500);
    let mut forged = 0;
    for bytes in &plain.two.packets {
        // From the peer's address, from a stranger's, and with the right length for a tag.
        for source in [address(2, 4000), address(9, 4000)] {
            call.one.stream.receive_rtp(call.now, source, bytes);
            call.one.stream.receive_rtp(call.now, source, &[&bytes[..], &[0; 10]].concat());
            forged += 2;
        }
    }
    for bytes in &plain.two.reports {
        call.one.stream.receive_rtcp(call.now, address(2, 4001), bytes);
        call.one.stream.receive_rtcp(
            call.now,
            address(2, 4001),
            &[&bytes[..], &[0x80; 14]].concat(),
        );
        forged += 2;
    }
    assert!(forged > 1900);
    assert_eq!(unauthenticated(&call.one), forged);
    assert_eq!(call.one.read(|c| &c.packets_received), 0);
    assert_eq!(call.one.read(|c| &c.packets_rejected), 0);
    assert_eq!(call.one.stream.poll_event(), None);
    assert!(!call.one.stream.playout(call.now, &mut [0; FRAME]));
    assert!(call.one.stream.admission.lock().is_none());
    call.run(100);
    assert!(call.one.read(|c| &c.packets_received) > 95, "the peer is heard from its first packet");
}

#[test]
fn our_ssrc_in_a_forged_packet_is_no_collision() {
    let mut call = call(Link::default());
    call.run(50);
    let ours = call.one.stream.ssrc();
    let mut forged = call.two.packets[10].clone();
    forged[8..12].copy_from_slice(&ours.to_be_bytes());
    call.one.stream.receive_rtp(call.now, address(2, 4000), &forged);
    assert_eq!(call.one.stream.ssrc(), ours);
}

#[test]
fn the_same_keys_again_go_on_counting() {
    let mut call = call(Link::default());
    call.run(100);
    let (ssrc, heard) = (call.one.stream.ssrc(), call.one.read(|c| &c.packets_received));
    let now = call.now;
    call.one.stream.update(now, secured(2, 1, 2));
    call.two.stream.update(now, secured(1, 2, 1));
    // The last one is still under way.
    for packet in &call.two.packets[..99] {
        call.one.stream.receive_rtp(now, address(2, 4000), packet);
    }
    assert_eq!(call.one.read(|c| &c.packets_received), heard, "what came before is still known");
    assert_eq!(call.one.stream.ssrc(), ssrc);
    call.run(100);
    assert!(call.one.read(|c| &c.packets_received) > heard + 95);
    assert_eq!(unauthenticated(&call.one) + unauthenticated(&call.two), 0);
    assert_eq!(opened(&call.one.packets, &[], &key(1)), call.one.packets.len());
}

#[test]
fn r53_hold_and_resume_stay_protected() {
    let mut call = call(Link::default());
    call.run(100);
    for (send, receive) in [(false, false), (true, true)] {
        let held = StreamSettings { flow: Flow { send, receive }, ..secured(2, 1, 2) };
        call.one.stream.update(call.now, held);
        call.run(300);
    }
    assert!(call.one.packets.len() > 390);
    let Party { packets, reports, .. } = &call.one;
    assert_eq!(opened(packets, reports, &key(1)), packets.len() + reports.len());
}

#[test]
fn keys_change_while_the_call_runs() {
    let mut call = call(Link { delay: 10, ..Link::default() });
    call.run(100);
    let ssrc = call.two.stream.ssrc();
    // Two answers with a new key to an offer with one, and has both at once; one has them later.
    call.two.stream.update(call.now, secured(1, 4, 3));
    call.run(5);
    assert_eq!(unauthenticated(&call.two), 0, "the old key is let in for a while");
    assert!(unauthenticated(&call.one) >= 4, "the new one is not known yet");
    call.one.stream.update(call.now, secured(2, 3, 4));
    call.run(200);
    assert_ne!(call.two.stream.ssrc(), ssrc, "another key, another source");
    assert_eq!(unauthenticated(&call.two), 0);
    assert!(unauthenticated(&call.one) <= 7);
    for party in [&call.one, &call.two] {
        assert!(party.read(|c| &c.packets_received) > 285);
        assert!(party.heard[150..].iter().all(|heard| *heard));
    }
    let old = opened(&call.two.packets, &[], &key(2));
    assert_eq!((old, opened(&call.two.packets, &[], &key(4))), (100, 205));
}

#[test]
fn the_key_before_is_refused_once_its_time_is_over() {
    let mut call = call(Link::default());
    call.run(100);
    call.two.stream.update(call.now, secured(1, 2, 3));
    call.run(99);
    assert_eq!(unauthenticated(&call.two), 0);
    call.run(100);
    assert!((98..=100).contains(&unauthenticated(&call.two)), "{}", unauthenticated(&call.two));
    call.one.stream.update(call.now, secured(2, 3, 2));
    call.run(50);
    assert!(call.two.read(|c| &c.packets_received) > 240);
}

#[test]
fn a_peer_whose_key_changes_alone_leaves_our_ssrc_as_it_is() {
    let mut call = call(Link::default());
    call.run(50);
    let ssrc = call.one.stream.ssrc();
    call.one.stream.update(call.now, secured(2, 1, 5));
    call.run(50);
    assert_eq!(call.one.stream.ssrc(), ssrc);
    assert_eq!(opened(&call.one.packets, &[], &key(1)), 100);
}

#[test]
fn another_suite_is_another_context() {
    let mut call = call(Link::default());
    call.run(50);
    let other = |mut settings: StreamSettings| {
        settings.srtp.as_mut().unwrap().suite = Suite::AesCm128HmacSha1_32;
        settings
    };
    call.one.stream.update(call.now, other(secured(2, 1, 2)));
    call.two.stream.update(call.now, other(secured(1, 2, 1)));
    call.run(100);
    assert!(call.one.read(|c| &c.packets_received) > 140);
    assert_eq!(call.one.packets.last().unwrap().len(), 12 + 160 + 4);
}

#[test]
fn a_plain_call_becomes_a_protected_one_and_refuses_what_is_plain_from_then_on() {
    let mut call = Call::new(Link::default());
    call.run(100);
    let ssrc = call.one.stream.ssrc();
    call.one.stream.update(call.now, secured(2, 1, 2));
    let heard = call.one.read(|c| &c.packets_received);
    call.run(50);
    assert_eq!(call.one.read(|c| &c.packets_received), heard);
    assert!(unauthenticated(&call.one) >= 49);
    assert_ne!(call.one.stream.ssrc(), ssrc);
    let Party { packets, reports, .. } = &call.one;
    assert_eq!(opened(&packets[100..], &[], &key(1)), packets.len() - 100);
    let Some(last) = reports.last() else { panic!() };
    assert_eq!(opened(&[], std::slice::from_ref(last), &key(1)), 1, "the goodbye, too");
    call.two.stream.update(call.now, secured(1, 2, 1));
    call.run(100);
    assert!(call.one.read(|c| &c.packets_received) > heard + 95);
    assert!(call.two.read(|c| &c.packets_received) > 190);
}

#[test]
fn a_change_that_was_made_before_is_not_made_again_in_the_clear() {
    let mut call = call(Link::default());
    call.run(50);
    let mut change = StreamUpdate::new(secured(2, 3, 4));
    call.one.stream.exchange(call.now, &mut change);
    // What it holds now are the old settings, and no protection to go with them.
    call.one.stream.exchange(call.now, &mut change);
    assert!(call.one.stream.settings().srtp.is_some());
    let heard = call.one.read(|c| &c.packets_received);
    let mut plain = Call::new(Link::default());
    plain.run(20);
    for bytes in &plain.two.packets {
        call.one.stream.receive_rtp(call.now, address(2, 4000), bytes);
    }
    call.run(20);
    assert_eq!(call.one.packets.len(), 50);
    assert!(call.one.read(|c| &c.packets_withheld) >= 20);
    assert_eq!(call.one.read(|c| &c.packets_received), heard);
}

#[test]
fn what_a_used_up_key_cannot_protect_is_withheld() {
    let mut call = call(Link::default());
    call.run(50);
    call.one.stream.protection.as_mut().unwrap().wear_out(10);
    call.run(50);
    assert_eq!(call.one.packets.len(), 60);
    assert_eq!(call.one.read(|c| &c.packets_sent), 60);
    assert_eq!(call.one.read(|c| &c.packets_withheld), 40);
}

#[test]
fn first_sequence_numbers_leave_room_below_the_rollover() {
    for seed in 0..200 {
        let mut entropy = Entropy::from_u64(seed);
        let mut stream =
            RtpStream::new(secured(2, 1, 2), Arc::default(), "x", &mut entropy, Instant::ZERO);
        stream.capture(Instant::ZERO, &[0; FRAME]);
        let mut out = [0; DATAGRAM_MAX];
        assert!(stream.poll_packet(Instant::ZERO, &mut out).is_some());
        assert!(out[2] < 0x80);
    }
}
