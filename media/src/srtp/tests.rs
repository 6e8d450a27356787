use super::*;
use crate::rtp::PacketHeader;

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

const SSRC: u32 = 0xdead_beef;

fn key() -> MasterKey {
    let bytes = hex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
    MasterKey::new(&bytes.try_into().unwrap())
}

/// Sender and receiver under one key.
fn pair(suite: Suite) -> (CryptoContext, CryptoContext) {
    (CryptoContext::new(suite, &key()), CryptoContext::new(suite, &key()))
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header =
        PacketHeader { marker: false, payload_type: 8, sequence, timestamp: 0x1234_5678, ssrc };
    [&header.to_bytes()[..], payload].concat()
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1], &ssrc.to_be_bytes()[..], b"\x81\xca\x00\x03SSRC\x01\x02me\0\0"].concat()
}

impl CryptoContext {
    fn seal(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut buffer = [packet, &[0; OVERHEAD_MAX]].concat();
        let length = self.protect(&mut buffer, packet.len())?;
        Ok(buffer[..length].to_vec())
    }

    fn open(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut buffer = packet.to_vec();
        let opened = self.unprotect(&mut buffer);
        assert!(opened.is_ok() || buffer == packet, "what is refused is not touched");
        Ok(buffer[..opened?].to_vec())
    }

    fn seal_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut buffer = [packet, &[0; OVERHEAD_MAX]].concat();
        let length = self.protect_rtcp(&mut buffer, packet.len())?;
        Ok(buffer[..length].to_vec())
    }

    fn open_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut buffer = packet.to_vec();
        let opened = self.unprotect_rtcp(&mut buffer);
        assert!(opened.is_ok() || buffer == packet, "what is refused is not touched");
        Ok(buffer[..opened?].to_vec())
    }
}

/// Packets that libsrtp protected.
#[test]
fn packets_of_libsrtp_are_protected_and_read_as_libsrtp_does() {
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let cipher = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402";
    for (suite, tag) in [
        (Suite::AesCm128HmacSha1_80, "b78d6acc99ea179b8dbb"),
        (Suite::AesCm128HmacSha1_32, "b78d6acc"),
    ] {
        let (mut sender, mut receiver) = pair(suite);
        let sealed = sender.seal(&plain).unwrap();
        assert_eq!(sealed, hex(&format!("{cipher}{tag}")));
        assert_eq!(receiver.open(&sealed), Ok(plain.clone()));
    }
    // libsrtp's first index is 1.
    let report = hex("81c8000bcafebabe abababababababababababababababab");
    let sealed =
        hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    assert_eq!(receiver.open_rtcp(&sealed), Ok(report.clone()));
    sender.seal_rtcp(&report).unwrap();
    assert_eq!(sender.seal_rtcp(&report), Ok(sealed));
}

#[test]
fn what_is_protected_reads_again_whatever_its_header_and_length() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let mut sequence = 0;
        for length in (0..400).chain([1000, 1400]) {
            for head in [0, 0x02, 0x10, 0x1f, 0x20] {
                sequence += 1;
                let mut packet = rtp(SSRC, sequence, &vec![0x55; length]);
                packet[0] |= head;
                let extra = usize::from(head & 0x0f) * 4 + usize::from(head & 0x10) / 2;
                let mut inserted = vec![7; extra];
                if head & 0x10 != 0 {
                    inserted[extra - 8..extra - 4].copy_from_slice(&[0xbe, 0xde, 0, 1]);
                }
                packet.splice(12..12, inserted);
                let sealed = sender.seal(&packet).unwrap();
                assert_eq!(sealed.len(), packet.len() + suite.rtp_tag_len());
                assert_eq!(sealed[..12 + extra], packet[..12 + extra], "the header is in clear");
                assert!(length < 16 || sealed[12 + extra..28 + extra] != [0x55; 16]);
                assert_eq!(receiver.open(&sealed), Ok(packet));
            }
        }
    }
}

#[test]
fn every_truncation_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let packet = rtp(SSRC, 7, b"some payload");
        let sealed = sender.seal(&packet).unwrap();
        for length in 0..sealed.len() {
            assert!(receiver.open(&sealed[..length]).is_err(), "{length}");
        }
        assert_eq!(receiver.open(&sealed), Ok(packet));
        let report = rtcp(SSRC);
        let sealed = sender.seal_rtcp(&report).unwrap();
        for length in 0..sealed.len() {
            assert!(receiver.open_rtcp(&sealed[..length]).is_err(), "{length}");
        }
        assert_eq!(receiver.open_rtcp(&sealed), Ok(report));
    }
}

#[test]
fn every_bit_of_every_octet_is_authenticated() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        // It has something to lose: what is refused must not move its numbers.
        let first = sender.seal(&rtp(SSRC, 1000, b"first")).unwrap();
        receiver.open(&first).unwrap();
        let sealed = sender.seal(&rtp(SSRC, 1001, b"some payload")).unwrap();
        let report = sender.seal_rtcp(&rtcp(SSRC)).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.open(&forged).is_err(), "{bit}");
        }
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.open_rtcp(&forged).is_err(), "{bit}");
        }
        assert_eq!(receiver.open(&sealed).unwrap()[12..], b"some payload"[..]);
        assert_eq!(receiver.open_rtcp(&report), Ok(rtcp(SSRC)));
    }
}

#[test]
fn another_key_opens_nothing() {
    let (mut sender, _) = pair(Suite::AesCm128HmacSha1_80);
    let mut other = CryptoContext::new(Suite::AesCm128HmacSha1_80, &MasterKey::new(&[1; 30]));
    let sealed = sender.seal(&rtp(SSRC, 1, b"x")).unwrap();
    assert_eq!(other.open(&sealed), Err(SrtpError::Unauthentic));
    let sealed = sender.seal_rtcp(&rtcp(SSRC)).unwrap();
    assert_eq!(other.open_rtcp(&sealed), Err(SrtpError::Unauthentic));
}

#[test]
fn r51_r54_forged_packets_leave_no_trace_however_many() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_32);
    for ssrc in 0..200 {
        let forged = rtp(ssrc, 40_000, b"0123456789");
        assert_eq!(receiver.open(&forged), Err(SrtpError::Unauthentic));
    }
    let packet = rtp(SSRC, 65_535, b"real");
    let sealed = sender.seal(&packet).unwrap();
    assert_eq!(receiver.open(&sealed), Ok(packet));
}

#[test]
fn a_replay_is_refused_at_once_and_after_the_window() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    let sealed: Vec<_> =
        (0..300).map(|sequence| sender.seal(&rtp(SSRC, sequence, b"x")).unwrap()).collect();
    for packet in &sealed {
        assert!(receiver.open(packet).is_ok());
        assert_eq!(receiver.open(packet), Err(SrtpError::Replayed));
    }
    assert!(sealed.iter().all(|packet| receiver.open(packet) == Err(SrtpError::Replayed)));
    let reports: Vec<_> = (0..300).map(|_| sender.seal_rtcp(&rtcp(SSRC)).unwrap()).collect();
    for report in &reports {
        assert!(receiver.open_rtcp(report).is_ok());
        assert_eq!(receiver.open_rtcp(report), Err(SrtpError::Replayed));
    }
    assert!(reports.iter().all(|report| receiver.open_rtcp(report) == Err(SrtpError::Replayed)));
}

#[test]
fn packets_within_the_window_may_come_late_and_older_ones_may_not() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    let mut sealed: Vec<_> =
        (0..129).map(|sequence| sender.seal(&rtp(SSRC, sequence, b"x")).unwrap()).collect();
    sealed.reverse();
    assert!(sealed[..128].iter().all(|packet| receiver.open(packet).is_ok()));
    assert_eq!(receiver.open(&sealed[128]), Err(SrtpError::Replayed));
}

#[test]
fn r56_rollovers_are_counted_through_loss_and_disorder() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    let mut held: Option<Vec<u8>> = None;
    for number in 0..200_000_u64 {
        let packet = rtp(SSRC, u16::try_from(number & 0xffff).unwrap(), b"x");
        let sealed = sender.seal(&packet).unwrap();
        match number {
            // Around each wrap one is lost and one comes behind its successors.
            n if n & 0xffff == 0xffff || n & 0xffff == 0 => {}
            n if n & 0xffff == 0xfffe => held = Some(sealed),
            n if n & 0xffff == 3 => {
                assert_eq!(receiver.open(&sealed), Ok(packet));
                if let Some(late) = held.take() {
                    assert!(receiver.open(&late).is_ok());
                }
            }
            // And now and then 30 000 are.
            n if n % 100_000 >= 70_000 => {}
            _ => assert_eq!(receiver.open(&sealed), Ok(packet), "{number}"),
        }
    }
}

#[test]
fn sequence_numbers_are_not_sent_twice() {
    let (mut sender, _) = pair(Suite::AesCm128HmacSha1_80);
    assert!(sender.seal(&rtp(SSRC, 10, b"x")).is_ok());
    assert_eq!(sender.seal(&rtp(SSRC, 10, b"y")), Err(SrtpError::Replayed));
    assert_eq!(sender.seal(&rtp(SSRC, 9, b"y")), Err(SrtpError::Replayed));
    assert!(sender.seal(&rtp(SSRC, 11, b"y")).is_ok());
    assert!(sender.seal(&rtp(SSRC + 1, 10, b"y")).is_ok());
}

#[test]
fn as_many_sources_as_the_limit_are_served_and_one_more_is_not() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    let limit = u32::try_from(SOURCES_MAX).unwrap();
    for ssrc in 0..limit {
        let sealed = sender.seal(&rtp(ssrc, 1, b"x")).unwrap();
        assert!(receiver.open(&sealed).is_ok());
    }
    assert_eq!(sender.seal(&rtp(limit, 1, b"x")), Err(SrtpError::TooManySources));
    assert_eq!(sender.seal_rtcp(&rtcp(limit)), Err(SrtpError::TooManySources));
    let other = &mut pair(Suite::AesCm128HmacSha1_80).0;
    let (packet, report) =
        (other.seal(&rtp(limit, 1, b"x")).unwrap(), other.seal_rtcp(&rtcp(limit)).unwrap());
    assert_eq!(receiver.open(&packet), Err(SrtpError::TooManySources));
    assert_eq!(receiver.open_rtcp(&report), Err(SrtpError::TooManySources));
    let sealed = sender.seal(&rtp(0, 2, b"x")).unwrap();
    assert!(receiver.open(&sealed).is_ok(), "the known ones go on");
}

#[test]
fn a_key_ends_with_its_last_packet() {
    let suite = Suite::AesCm128HmacSha1_80;
    let (mut sender, mut receiver) = pair(suite);
    (sender.rtp_packets, receiver.rtp_packets) = (RTP_PACKETS_MAX - 1, RTP_PACKETS_MAX - 1);
    let sealed = sender.seal(&rtp(SSRC, 1, b"x")).unwrap();
    assert!(receiver.open(&sealed).is_ok());
    assert_eq!(sender.seal(&rtp(SSRC, 2, b"x")), Err(SrtpError::KeyExpired));
    let next = pair(suite).0.seal(&rtp(SSRC, 2, b"x")).unwrap();
    assert_eq!(receiver.open(&next), Err(SrtpError::KeyExpired));

    (sender.rtcp_packets, receiver.rtcp_packets) = (RTCP_PACKETS_MAX - 1, RTCP_PACKETS_MAX - 1);
    let sealed = sender.seal_rtcp(&rtcp(SSRC)).unwrap();
    assert!(receiver.open_rtcp(&sealed).is_ok());
    assert_eq!(sender.seal_rtcp(&rtcp(SSRC)), Err(SrtpError::KeyExpired));
    let mut other = pair(suite).0;
    other.seal_rtcp(&rtcp(SSRC)).unwrap();
    let next = other.seal_rtcp(&rtcp(SSRC)).unwrap();
    assert_eq!(receiver.open_rtcp(&next), Err(SrtpError::KeyExpired));
}

#[test]
fn the_last_index_of_each_source_is_the_last() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    for context in [&mut sender, &mut receiver] {
        let mut source = context.sources.get(SSRC).unwrap();
        source.rtp.note(RTP_PACKETS_MAX - 2);
        source.rtcp.note(RTCP_PACKETS_MAX - 2);
        context.sources.set(source);
    }
    let sealed = sender.seal(&rtp(SSRC, 0xffff, b"x")).unwrap();
    assert!(receiver.open(&sealed).is_ok());
    assert_eq!(sender.seal(&rtp(SSRC, 0, b"x")), Err(SrtpError::KeyExpired));
    let sealed = sender.seal_rtcp(&rtcp(SSRC)).unwrap();
    assert!(receiver.open_rtcp(&sealed).is_ok());
    assert_eq!(sender.seal_rtcp(&rtcp(SSRC)), Err(SrtpError::KeyExpired));
}

#[test]
fn a_report_that_is_not_encrypted_is_refused() {
    let (sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    let mut report = [&rtcp(SSRC)[..], &[0, 0, 0, 9]].concat();
    let tag = sender.rtcp.authentication.tag(&report, b"");
    report.extend(&tag[..10]);
    assert_eq!(receiver.open_rtcp(&report), Err(SrtpError::Unencrypted));
}

#[test]
fn a_buffer_without_room_for_the_tag_is_not_touched() {
    let (mut sender, _) = pair(Suite::AesCm128HmacSha1_80);
    let packet = rtp(SSRC, 1, b"payload");
    for room in 0..10 {
        let mut buffer = [&packet[..], &vec![0; room]].concat();
        let before = buffer.clone();
        assert_eq!(sender.protect(&mut buffer, packet.len()), Err(SrtpError::NoRoom));
        assert_eq!(buffer, before);
    }
    assert_eq!(sender.protect(&mut [0; 40], usize::MAX), Err(SrtpError::NoRoom));
    let report = rtcp(SSRC);
    for room in 0..RTCP_TRAILER_LEN {
        let mut buffer = [&report[..], &vec![0; room]].concat();
        assert_eq!(sender.protect_rtcp(&mut buffer, report.len()), Err(SrtpError::NoRoom));
    }
    assert_eq!(sender.protect_rtcp(&mut [0; 40], usize::MAX), Err(SrtpError::NoRoom));
}

#[test]
fn r44_r46_headers_that_lie_are_refused_both_ways() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_80);
    for (first, rest) in
        [(0x40, 0), (0xc0, 0), (0x8f, 59), (0x90, 3), (0x9f, 60), (0x00, 20), (0x90, 7)]
    {
        let mut packet = rtp(SSRC, 1, &vec![0xff; rest]);
        packet[0] = first;
        assert_eq!(sender.seal(&packet), Err(SrtpError::Malformed), "{first:x} {rest}");
        packet.extend([0; 10]);
        assert_eq!(receiver.open(&packet), Err(SrtpError::Malformed), "{first:x} {rest}");
    }
    assert_eq!(sender.seal_rtcp(&[0x80, 201, 0, 1, 0, 0, 0]), Err(SrtpError::Malformed));
    assert_eq!(sender.seal_rtcp(&[0x40, 201, 0, 1, 0, 0, 0, 0]), Err(SrtpError::Malformed));
    assert_eq!(receiver.open_rtcp(&[0xc0; 22]), Err(SrtpError::Malformed));
}

#[test]
fn behind_a_change_of_keys_a_source_may_count_on_or_begin_again() {
    let suite = Suite::AesCm128HmacSha1_80;
    let (mut sender, mut before) = pair(suite);
    for number in [0, 30_000, 60_000, 20_000_u16] {
        let sealed = sender.seal(&rtp(SSRC, number, b"x")).unwrap();
        before.open(&sealed).unwrap();
    }
    let new = MasterKey::new(&[3; 30]);
    for counts_on in [true, false] {
        let mut sender = CryptoContext::new(suite, &new);
        let mut receiver = CryptoContext::new(suite, &new);
        if counts_on {
            let mut source = sender.sources.get(SSRC).unwrap();
            source.rtp.note(0x1_0000 + 20_000);
            sender.sources.set(source);
        }
        for number in 20_001..20_010 {
            let mut sealed = sender.seal(&rtp(SSRC, number, b"x")).unwrap();
            assert!(receiver.unprotect_after(Some(&before), &mut sealed).is_ok(), "{number}");
        }
        let mut forged = rtp(SSRC, 20_011, b"0123456789");
        let refused = receiver.unprotect_after(Some(&before), &mut forged);
        assert_eq!(refused, Err(SrtpError::Unauthentic));
    }
}
