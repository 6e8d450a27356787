//! What protecting a packet costs, 20 ms of G.711 each. `--list` names the cases, `--case NAME
//! --iterations N` runs one (for instruction counts under callgrind), nothing runs all and prints
//! nanoseconds.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints, may fail, and reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use offhook_media::rtp::{HEADER_LEN, PacketHeader};
use offhook_media::srtp::{CryptoContext, MasterKey, OVERHEAD_MAX, SrtpError, Suite};

/// Octets of payload.
const PAYLOAD: usize = 160;
const PACKET: usize = HEADER_LEN + PAYLOAD;
/// Octets of a report with a block and a name.
const REPORT: usize = 96;
/// Protected packets that are opened in turn; then a fresh context begins again with the first.
const PACKETS: u16 = 1024;
/// Times that a case is measured; the best counts.
const ROUNDS: u32 = 100;

type Case = (&'static str, Box<dyn FnMut()>);
type Opens = fn(&mut CryptoContext, &mut [u8]) -> Result<usize, SrtpError>;

fn context(suite: Suite) -> CryptoContext {
    CryptoContext::new(suite, &MasterKey::new(&[7; 30]))
}

fn packet(sequence: u16) -> [u8; PACKET + OVERHEAD_MAX] {
    let header =
        PacketHeader { marker: false, payload_type: 8, sequence, timestamp: 160, ssrc: 0xdead };
    let mut bytes = [0xd5; PACKET + OVERHEAD_MAX];
    bytes.first_chunk_mut().map(|head| *head = header.to_bytes()).unwrap();
    bytes
}

fn report() -> [u8; REPORT + OVERHEAD_MAX] {
    let mut bytes = [0x81; REPORT + OVERHEAD_MAX];
    bytes.first_chunk_mut().map(|head| *head = [0x81, 200, 0, 12, 0, 0, 0, 1]).unwrap();
    bytes
}

fn cases() -> Vec<Case> {
    let fresh = || drop(black_box(context(black_box(Suite::AesCm128HmacSha1_80))));
    fresh();
    vec![
        ("srtp-keys", Box::new(fresh)),
        ("srtp-protect-160", Box::new(protecting(Suite::AesCm128HmacSha1_80))),
        ("srtp-unprotect-160", Box::new(opening(Suite::AesCm128HmacSha1_80))),
        ("srtp-protect-160-tag-32", Box::new(protecting(Suite::AesCm128HmacSha1_32))),
        ("srtp-unprotect-160-tag-32", Box::new(opening(Suite::AesCm128HmacSha1_32))),
        ("srtp-refuse-160", Box::new(refusing())),
        ("srtcp-protect-96", Box::new(protecting_reports())),
        ("srtcp-unprotect-96", Box::new(opening_reports())),
    ]
}

fn protecting(suite: Suite) -> impl FnMut() {
    let mut sender = context(suite);
    let mut sequence = 0;
    move || {
        let mut bytes = packet(sequence);
        sequence = sequence.wrapping_add(1);
        black_box(sender.protect(black_box(&mut bytes), PACKET)).unwrap();
    }
}

fn opening(suite: Suite) -> impl FnMut() {
    let mut sender = context(suite);
    let sealed = (0..PACKETS).map(|sequence| {
        let mut bytes = packet(sequence);
        let length = sender.protect(&mut bytes, PACKET).unwrap();
        (bytes, length)
    });
    in_turn(suite, sealed.collect(), CryptoContext::unprotect)
}

fn protecting_reports() -> impl FnMut() {
    let mut sender = context(Suite::AesCm128HmacSha1_80);
    move || {
        let mut bytes = report();
        black_box(sender.protect_rtcp(black_box(&mut bytes), REPORT)).unwrap();
    }
}

fn opening_reports() -> impl FnMut() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut sender = context(suite);
    let sealed = (0..PACKETS).map(|_| {
        let mut bytes = report();
        let length = sender.protect_rtcp(&mut bytes, REPORT).unwrap();
        (bytes, length)
    });
    in_turn(suite, sealed.collect(), CryptoContext::unprotect_rtcp)
}

fn in_turn<const N: usize>(
    suite: Suite,
    sealed: Vec<([u8; N], usize)>,
    open: Opens,
) -> impl FnMut() {
    let mut receiver = context(suite);
    let mut next = 0;
    move || {
        let Some((bytes, length)) = sealed.get(next) else { return };
        let mut bytes = *bytes;
        let packet = bytes.get_mut(..*length).unwrap();
        black_box(open(&mut receiver, black_box(packet))).unwrap();
        next += 1;
        if next == sealed.len() {
            next = 0;
            receiver = context(suite);
        }
    }
}

/// What a stranger's packet costs.
fn refusing() -> impl FnMut() {
    let mut receiver = context(Suite::AesCm128HmacSha1_80);
    move || {
        let mut bytes = packet(1);
        let refused = receiver.unprotect(black_box(&mut bytes));
        assert_eq!(black_box(refused), Err(SrtpError::Unauthentic));
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value =
        |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let iterations = value("--iterations").and_then(|n| n.parse().ok()).unwrap_or(500_000_u32);
    for (name, mut case) in cases() {
        if args.iter().any(|arg| arg == "--list") {
            println!("{name}");
        } else if value("--case").is_none_or(|wanted| wanted == name) {
            // Many short runs: the best one was not interrupted.
            let best = (0..ROUNDS).map(|_| {
                let start = Instant::now();
                (0..iterations / ROUNDS).for_each(|_| case());
                start.elapsed() / (iterations / ROUNDS).max(1)
            });
            println!("{name}: {} ns", best.min().unwrap_or_default().as_nanos());
        }
    }
}
