//! What parsing and printing cost. `--list` names the cases, `--case NAME --iterations N` runs one
//! (for instruction counts under callgrind), nothing runs all and prints nanoseconds.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints, may fail, and reads the clock"
)]

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use offhook::sdp::SessionDescription;
use offhook::sip::{Builder, HeaderName, Message, validate};
use offhook::transaction::ServerKey;

const OFFER: &[u8] = include_bytes!("../../tests/data/offer.sdp");
const INVITE: &[u8] = include_bytes!("../../tests/data/invite.sip");

const SOURCE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 5060));

type Case = (&'static str, Box<dyn Fn()>);

fn cases() -> Vec<Case> {
    let head = INVITE.len() - OFFER.len();
    // An INVITE of 506 bytes and one of 1951, as real ones are: more headers, a longer body. The
    // third is the second twice: what it costs more shows that the cost is linear.
    let text = String::from_utf8_lossy(INVITE.get(..head).unwrap())
        .replace(&format!("Content-Length: {}", OFFER.len()), "Content-Length: 0");
    let small = text.replace(
        "Content-Type: application/sdp\r\n",
        "Allow: INVITE, ACK, CANCEL, BYE\r\nUser-Agent: bench/1.0\r\n",
    );
    let long = |lines: usize| {
        let line = "X-Header-Of-Some-Length: a value of some length, too\r\n";
        text.replace("Max-Forwards", &format!("{}Max-Forwards", line.repeat(lines)))
    };
    let (small, large, double) = (pad(small, 506), pad(long(27), 1951), pad(long(64), 3902));
    let (sdp, sdp_ten) = (pad_sdp(630), pad_sdp(6300));
    let mut cases = request_cases(&small);
    cases.extend([parsing("sip-506", small), parsing("sip-1951", large)]);
    cases.extend([parsing("sip-3902", double), describing("sdp-630", sdp)]);
    cases.push(describing("sdp-6300", sdp_ten));
    cases
}

fn parsing(name: &'static str, bytes: Vec<u8>) -> Case {
    (name, Box::new(move || drop(black_box(Message::parse(black_box(&bytes[..]))))))
}

fn describing(name: &'static str, bytes: Vec<u8>) -> Case {
    (name, Box::new(move || drop(black_box(SessionDescription::parse(black_box(&bytes))))))
}

/// What is done with a request once it is parsed, and what is built.
fn request_cases(bytes: &[u8]) -> Vec<Case> {
    let parsed = || Message::parse(Box::<[u8]>::from(bytes)).unwrap();
    let (checked, keyed, merged, rung, answered) =
        (parsed(), parsed(), parsed(), parsed(), parsed());
    assert!(validate(&checked).is_ok());
    assert_eq!(print_ok(&answered).len(), 550);
    vec![
        ("validate-506", Box::new(move || drop(black_box(validate(black_box(&checked)))))),
        ("server-key", Box::new(move || drop(black_box(ServerKey::new(black_box(&keyed)))))),
        ("merge-key", Box::new(move || drop(black_box(merge_key(black_box(&merged)))))),
        ("print-180", Box::new(move || drop(black_box(print_ringing(black_box(&rung)))))),
        ("print-200-550", Box::new(move || drop(black_box(print_ok(black_box(&answered)))))),
        ("print-invite", Box::new(|| drop(black_box(print_invite(black_box(OFFER)))))),
    ]
}

/// What tells merged requests (RFC 3261 §8.2.2.2), as the endpoint keeps it.
fn merge_key(request: &Message) -> (Box<[u8]>, Box<[u8]>, u32) {
    let tag = request.from().unwrap().tag().unwrap_or_default();
    (tag.into(), request.call_id().unwrap().into(), request.cseq().unwrap().number)
}

fn print_ringing(request: &Message) -> Vec<u8> {
    Builder::response(request, 180, "Ringing", Some("1-0123456789abcdef"), Some(SOURCE))
        .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.4:5060>"))
        .unwrap()
        .finish()
}

fn print_ok(request: &Message) -> Vec<u8> {
    Builder::response(request, 200, "OK", Some("1-0123456789abcdef"), Some(SOURCE))
        .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.4:5060>"))
        .and_then(|b| b.header(HeaderName::Allow, "INVITE, ACK, CANCEL, BYE, OPTIONS"))
        .and_then(|b| b.header(HeaderName::UserAgent, "bench/1.0"))
        .and_then(|b| b.body(b"application/sdp", OFFER.get(..131).unwrap()))
        .unwrap()
}

fn print_invite(body: &[u8]) -> Vec<u8> {
    Builder::request(b"INVITE", b"sip:bob@example.com")
        .and_then(|b| b.header(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1;rport"))
        .and_then(|b| b.header(HeaderName::MaxForwards, "70"))
        .and_then(|b| b.header(HeaderName::From, "<sip:alice@example.com>;tag=0123456789abcdef"))
        .and_then(|b| b.header(HeaderName::To, "<sip:bob@example.com>"))
        .and_then(|b| b.header(HeaderName::CallId, "0123456789abcdef0123456789abcdef"))
        .and_then(|b| b.header(HeaderName::CSeq, "1 INVITE"))
        .and_then(|b| b.header(HeaderName::Contact, "<sip:alice@192.0.2.2:5060>"))
        .and_then(|b| b.header(HeaderName::Allow, "INVITE, ACK, CANCEL, BYE, OPTIONS"))
        .and_then(|b| b.header(HeaderName::UserAgent, "bench/1.0"))
        .and_then(|b| b.extension("X-Trunk", "7"))
        .and_then(|b| b.body(b"application/sdp", body))
        .unwrap()
}

/// Makes a message exactly that long.
fn pad(text: String, length: usize) -> Vec<u8> {
    let missing = length.saturating_sub(text.len() + 5);
    let padded =
        text.replacen("Max-Forwards", &format!("P: {}\r\nMax-Forwards", "x".repeat(missing)), 1);
    assert!(Message::parse(padded.as_bytes()).is_ok());
    padded.into_bytes()
}

fn pad_sdp(length: usize) -> Vec<u8> {
    let mut sdp = OFFER.to_vec();
    while sdp.len() < length {
        sdp.extend_from_slice(b"a=candidate:1 1 UDP 2130706431 192.0.2.2 8998 typ host\r\n");
    }
    sdp.truncate(length);
    sdp
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value =
        |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let iterations = value("--iterations").and_then(|n| n.parse().ok()).unwrap_or(200_000_u32);
    for (name, case) in cases() {
        if args.iter().any(|arg| arg == "--list") {
            println!("{name}");
        } else if value("--case").is_none_or(|wanted| wanted == name) {
            let best = (0..5).map(|_| {
                let start = Instant::now();
                (0..iterations / 5).for_each(|_| case());
                start.elapsed() / (iterations / 5).max(1)
            });
            println!("{name}: {} ns", best.min().unwrap_or_default().as_nanos());
        }
    }
}
