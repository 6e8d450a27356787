//! Our SRTP held against libsrtp, both ways: the same octets out, the same packets in.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail")]

use offhook::fsm::Entropy;
use offhook::media::srtp::{
    CryptoContext, MASTER_KEY_LEN, MasterKey, OVERHEAD_MAX, SrtpError, Suite,
};
use srtp::{CryptoPolicy, Session, StreamPolicy};

const KEY: [u8; MASTER_KEY_LEN] = *b"sixteen octets, and then salt.";

fn ours(suite: Suite) -> CryptoContext {
    CryptoContext::new(suite, &MasterKey::new(&KEY))
}

/// Sender and receiver.
fn theirs(suite: Suite) -> (Session, Session) {
    let policy = StreamPolicy {
        rtp: match suite {
            Suite::AesCm128HmacSha1_80 => CryptoPolicy::aes_cm_128_hmac_sha1_80(),
            Suite::AesCm128HmacSha1_32 => CryptoPolicy::aes_cm_128_hmac_sha1_32(),
        },
        // RFC 4568 §6.2.2: SRTCP's tag has 80 bits in both.
        rtcp: CryptoPolicy::aes_cm_128_hmac_sha1_80(),
        key: &KEY,
        ..StreamPolicy::default()
    };
    let inbound = Session::with_inbound_template(policy).unwrap();
    (Session::with_outbound_template(policy).unwrap(), inbound)
}

/// A packet of any shape: CSRCs, an extension, any length of payload.
fn packet(entropy: &mut Entropy, number: u64) -> Vec<u8> {
    let sequence = u16::try_from(number & 0xffff).unwrap();
    let [shape, csrcs, words, length] = entropy.next_u32().to_be_bytes();
    let (csrcs, words) = (if shape & 1 == 0 { 0 } else { csrcs & 0x0f }, words % 5);
    let extension = if shape & 6 == 0 { 0x10 } else { 0 };
    let mut bytes = vec![0x80 | extension | csrcs, 8];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(u32::try_from((number * 160) & 0xffff_ffff).unwrap().to_be_bytes());
    bytes.extend([0xca, 0xfe, 0xba, 0xbe]);
    bytes.extend(vec![0x11; usize::from(csrcs) * 4]);
    if extension != 0 {
        bytes.extend([0xbe, 0xde, 0, words]);
        bytes.extend(vec![0x22; usize::from(words) * 4]);
    }
    let start = bytes.len();
    bytes.resize(start + usize::from(length), 0);
    entropy.fill(&mut bytes[start..]);
    bytes
}

fn report(entropy: &mut Entropy) -> Vec<u8> {
    let words = 2 + entropy.below(40);
    let mut bytes = vec![0x81, 201, 0, u8::try_from(words - 1).unwrap(), 0xca, 0xfe, 0xba, 0xbe];
    bytes.resize(usize::try_from(words).unwrap() * 4, 0);
    entropy.fill(&mut bytes[8..]);
    bytes
}

fn seal(context: &mut CryptoContext, packet: &[u8]) -> Vec<u8> {
    let mut buffer = [packet, &[0; OVERHEAD_MAX]].concat();
    let length = context.protect(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn open(context: &mut CryptoContext, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let length = context.unprotect(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn open_theirs(session: &mut Session, packet: &[u8]) -> Result<Vec<u8>, srtp::Error> {
    let mut buffer = packet.to_vec();
    session.unprotect(&mut buffer)?;
    Ok(buffer)
}

/// Gives each packet to both receivers, which must say the same.
struct Receivers {
    ours: CryptoContext,
    theirs: Session,
    taken: u64,
    refused: u64,
}

impl Receivers {
    fn receive(&mut self, sealed: &[u8], plain: &[u8]) {
        let (own, other) = (open(&mut self.ours, sealed), open_theirs(&mut self.theirs, sealed));
        assert_eq!(own.is_ok(), other.is_ok(), "{own:?} {other:?}");
        match (own, other) {
            (Ok(own), Ok(other)) => {
                assert_eq!((&own[..], &other[..]), (plain, plain));
                self.taken += 1;
            }
            _ => self.refused += 1,
        }
    }
}

#[test]
fn what_either_side_sends_is_the_same_and_is_taken_over_rollovers_loss_disorder_and_doubles() {
    for suite in Suite::ALL {
        let (mut sender, (mut their_sender, theirs)) = (ours(suite), theirs(suite));
        let mut receivers = Receivers { ours: ours(suite), theirs, taken: 0, refused: 0 };
        let mut entropy = Entropy::from_u64(7);
        let mut late: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for number in 30_000..230_000 {
            let plain = packet(&mut entropy, number);
            let sealed = seal(&mut sender, &plain);
            let mut same = plain.clone();
            their_sender.protect(&mut same).unwrap();
            assert_eq!(sealed, same, "{number}");
            // Now and then a burst of up to 3000 is lost.
            if number % 50_000 >= 50_000 - 3000 * (number % 3) {
                continue;
            }
            match entropy.below(20) {
                0 => {}
                1 | 2 => late.push((sealed, plain)),
                3 => {
                    receivers.receive(&sealed, &plain);
                    receivers.receive(&sealed, &plain);
                }
                4 => {
                    let mut forged = sealed.clone();
                    let bit = usize::try_from(entropy.below(sealed.len() as u64 * 8)).unwrap();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    receivers.receive(&forged, &plain);
                    receivers.receive(&sealed, &plain);
                }
                _ => receivers.receive(&sealed, &plain),
            }
            if late.len() > 6 {
                late.reverse();
                late.drain(..).for_each(|(sealed, plain)| receivers.receive(&sealed, &plain));
            }
        }
        assert!(receivers.taken > 170_000 && receivers.refused > 15_000);
    }
}

#[test]
fn reports_are_the_same_but_for_their_first_index() {
    for suite in Suite::ALL {
        let (mut sender, (mut their_sender, mut their_receiver)) = (ours(suite), theirs(suite));
        let mut receiver = ours(suite);
        let mut entropy = Entropy::from_u64(8);
        let mut protect = |plain: &[u8]| {
            let mut buffer = [plain, &[0; OVERHEAD_MAX]].concat();
            let length = sender.protect_rtcp(&mut buffer, plain.len()).unwrap();
            buffer.truncate(length);
            buffer
        };
        // Ours begins with 0, as the RFC says, libsrtp with 1.
        let plain = report(&mut entropy);
        let mut first = protect(&plain);
        their_receiver.unprotect_rtcp(&mut first).unwrap();
        assert_eq!(first, plain);
        for number in 0..2000 {
            let plain = report(&mut entropy);
            let sealed = protect(&plain);
            let mut same = plain.clone();
            their_sender.protect_rtcp(&mut same).unwrap();
            assert_eq!(sealed, same);
            if number % 7 == 3 {
                continue;
            }
            for again in [false, true] {
                let (mut own, mut other) = (sealed.clone(), sealed.clone());
                let opened = receiver.unprotect_rtcp(&mut own);
                let their_opened = their_receiver.unprotect_rtcp(&mut other);
                assert_eq!((opened.is_ok(), their_opened.is_ok()), (!again, !again));
                if let Ok(length) = opened {
                    assert_eq!((&own[..length], &other), (&plain[..], &plain));
                }
            }
        }
    }
}

#[test]
fn whatever_is_cut_off_a_packet_neither_takes_it() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut entropy = Entropy::from_u64(9);
    let sealed = seal(&mut ours(suite), &packet(&mut entropy, 7));
    for length in 12..sealed.len() {
        assert!(open(&mut ours(suite), &sealed[..length]).is_err());
        assert!(open_theirs(&mut theirs(suite).1, &sealed[..length]).is_err());
    }
}
