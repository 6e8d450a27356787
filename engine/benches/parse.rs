//! What parsing and printing cost. `--list` names the cases, `--case NAME --iterations N` runs one
//! (for instruction counts under callgrind), nothing runs all and prints nanoseconds.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints, may fail, and reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use offhook::sdp::SessionDescription;
use offhook::sip::{Builder, HeaderName, Message};

const OFFER: &[u8] = include_bytes!("../../tests/data/offer.sdp");
const INVITE: &[u8] = include_bytes!("../../tests/data/invite.sip");

type Case = (&'static str, Box<dyn Fn()>);

fn cases() -> Vec<Case> {
    let head = INVITE.len() - OFFER.len();
    // An INVITE of 506 bytes and one of 1951, as real ones are: more headers, a longer body.
    let text = String::from_utf8_lossy(INVITE.get(..head).unwrap())
        .replace(&format!("Content-Length: {}", OFFER.len()), "Content-Length: 0");
    let small = text.replace(
        "Content-Type: application/sdp\r\n",
        "Allow: INVITE, ACK, CANCEL, BYE\r\nUser-Agent: bench/1.0\r\n",
    );
    let large = text.replace(
        "Max-Forwards",
        &format!(
            "{}Max-Forwards",
            "X-Header-Of-Some-Length: a value of some length, too\r\n".repeat(27)
        ),
    );
    let (small, large) = (pad(small, 506), pad(large, 1951));
    let sdp = pad_sdp(630);
    let sdp_ten = pad_sdp(6300);
    let printed = small.clone();
    vec![
        ("sip-506", Box::new(move || drop(black_box(Message::parse(black_box(&small[..])))))),
        ("sip-1951", Box::new(move || drop(black_box(Message::parse(black_box(&large[..])))))),
        ("sdp-630", Box::new(move || drop(black_box(SessionDescription::parse(black_box(&sdp)))))),
        (
            "sdp-6300",
            Box::new(move || drop(black_box(SessionDescription::parse(black_box(&sdp_ten))))),
        ),
        (
            "print-response",
            Box::new(move || {
                let request = Message::parse(&printed[..]).unwrap();
                black_box(print(black_box(&request)));
            }),
        ),
    ]
}

fn print(request: &Message<&[u8]>) -> Vec<u8> {
    let source = Some("192.0.2.2:5060".parse().unwrap());
    Builder::response(request, 180, "Ringing", Some("1-0123456789abcdef"), source)
        .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.4:5060>"))
        .unwrap()
        .finish()
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
