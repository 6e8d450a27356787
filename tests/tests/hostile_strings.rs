//! Header injection (attack class 13): any string in any setter of the interface gives an error, or
//! exactly one message with the same headers after it was read again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may fail the test"
)]

use std::sync::Arc;

use offhook::endpoint;
use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SrtpPolicy};
use offhook::session::{Order, Policy, Route, Settings};
use offhook::sip::{Builder, Framed, HeaderName, Message, SipUri, StreamFramer, validate};
use offhook::streams::Streams;
use offhook::timestamp::{Epoch, Timestamp};
use offhook::transaction::Timers;
use offhook::transport::Transport;
use offhook_fsm::{Entropy, Instant};
use offhook_tests::door::{self, Door, request};
use offhook_tests::{Rig, destination};

const ROUNDS: usize = 3000;

const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\r\n\r\n",
    "\r\nX: y",
    "\n X: y",
    "\r\nContent-Length: 0\r\n\r\n",
    "\t",
    " ",
    "\"",
    "\\",
    "<",
    ">",
    ";",
    ",",
    ":",
    "@",
    "?",
    "=",
    "%",
    "%0d%0a",
    "&",
    "/",
    "[",
    "]",
    "(",
    "sip:",
    "sips:a@h",
    "a",
    "tag=1",
    ";lr",
    "INVITE",
    " SIP/2.0\r\n",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{10ffff}",
    "é",
    "*",
    "Via",
    "l",
    "i",
    "Content-Length",
    "Route",
    "X-Y",
    "text/plain",
];

fn nasty(entropy: &mut Entropy) -> String {
    let mut text = String::new();
    for _ in 0..entropy.below(6) {
        let at = usize::try_from(entropy.below(PIECES.len() as u64)).unwrap();
        text.push_str(PIECES[at]);
    }
    // Now and then a very long one.
    if entropy.below(50) == 0 { text.repeat(200) } else { text }
}

/// The header count of the one message that these bytes are, on a datagram and on a stream.
fn one_message(bytes: &[u8]) -> usize {
    let message = Message::parse(bytes)
        .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(bytes)));
    let mut framer = StreamFramer::new();
    framer.push(bytes);
    assert_eq!(framer.next_frame(), Ok(Some(Framed::Message(bytes.into()))));
    assert_eq!(framer.next_frame(), Ok(None));
    assert!(!framer.is_pending(), "{:?}", String::from_utf8_lossy(bytes));
    message.headers().count()
}

#[test]
fn a13_the_builder_refuses_or_prints_what_is_read_again() {
    let mut entropy = Entropy::from_u64(13);
    let base = || Builder::request(b"OPTIONS", b"sip:a@h").unwrap();
    let incoming = request("OPTIONS", "1", "", "", "");
    let incoming = Message::parse(incoming.as_bytes()).unwrap();
    let plain = Builder::response(&incoming, 200, "OK", None, None).unwrap().finish();
    let plain = one_message(&plain);
    let mut printed = 0;
    let mut check = |bytes: Result<Vec<u8>, _>, headers: usize| {
        let bytes: Result<Vec<u8>, offhook::sip::Unprintable> = bytes;
        if let Ok(bytes) = bytes {
            assert_eq!(one_message(&bytes), headers, "{:?}", String::from_utf8_lossy(&bytes));
            printed += 1;
        }
    };
    for _ in 0..ROUNDS {
        let text = nasty(&mut entropy);
        let other = nasty(&mut entropy);
        check(Builder::request(text.as_bytes(), b"sip:a@h").map(Builder::finish), 1);
        check(Builder::request(b"OPTIONS", text.as_bytes()).map(Builder::finish), 1);
        check(base().header(HeaderName::Subject, &text).map(Builder::finish), 2);
        check(base().header(HeaderName::Other, &text).map(Builder::finish), 2);
        check(base().extension(&text, &other).map(Builder::finish), 2);
        check(base().extension("X-Y", &text).map(Builder::finish), 2);
        check(base().body(text.as_bytes(), other.as_bytes()), 2);
        let response = Builder::response(&incoming, 200, &text, None, None);
        check(response.map(Builder::finish), plain);
        let response = Builder::response(&incoming, 200, "OK", Some(&text), None);
        check(response.map(Builder::finish), plain);
    }
    assert!(printed > ROUNDS, "{printed}");
}

fn settings(user_agent: &str, local: &SipUri) -> Settings {
    Settings {
        user_agent: user_agent.into(),
        local_uri: local.clone(),
        timers: Timers::default(),
        capabilities: Capabilities {
            codecs: Codec::ALL.into(),
            telephone_event: true,
            chat: true,
            chat_over_tls: false,
            srtp: SrtpPolicy::Disabled,
        },
        epoch: Epoch { instant: Instant::ZERO, timestamp: Timestamp::from_unix_micros(0) },
        policy: Policy::default(),
        listens_on_tcp: true,
        credentials: Vec::new(),
    }
}

/// A call with those arguments: `None` when they are refused, else the headers of its INVITE.
fn call(agent: &str, local: &SipUri, to: &SipUri, headers: &[(String, String)]) -> Option<usize> {
    let mut rig = Rig::new();
    let settings = Arc::new(settings(agent, local));
    rig.core =
        offhook::session::Core::new(offhook::id::SessionId(1), settings, Entropy::from_u64(1));
    let route = Route { destination: destination(Transport::Udp), when_long: None };
    let (uri, routes, headers) = (to.clone(), vec![route], headers.to_vec());
    rig.order(Order::Connect { uri, routes, streams: Streams::AUDIO, headers }).ok()?;
    rig.prepared();
    let sent = rig.wire.first()?.1.clone();
    let message = Message::parse(&sent[..]).unwrap();
    assert!(message.from().is_ok() && message.to().is_ok() && message.contact().is_some());
    Some(one_message(&sent))
}

#[test]
fn a13_a_call_with_any_strings_is_refused_or_one_invite() {
    let mut entropy = Entropy::from_u64(14);
    let good: SipUri = "sip:alice@192.0.2.1".parse().unwrap();
    let plain = call("x", &good, &good, &[]).unwrap();
    let mut placed = 0;
    for _ in 0..ROUNDS {
        let (text, other) = (nasty(&mut entropy), nasty(&mut entropy));
        let uri =
            format!("sip:{text}@{}", if entropy.below(2) == 0 { "192.0.2.9" } else { &other });
        let results = [
            (call(&text, &good, &good, &[]), plain),
            (call("x", &good, &good, &[("X-Y".into(), text.clone())]), plain + 1),
            (call("x", &good, &good, &[(text.clone(), other.clone())]), plain + 1),
            (uri.parse().ok().and_then(|uri| call("x", &good, &uri, &[])), plain),
            (uri.parse().ok().and_then(|uri| call("x", &uri, &good, &[])), plain),
        ];
        for (headers, expected) in results {
            assert!(headers.is_none_or(|headers| headers == expected), "{text:?} {other:?}");
            placed += usize::from(headers.is_some());
        }
    }
    assert!(placed > ROUNDS, "{placed}");
}

#[test]
fn a13_an_accepted_call_with_any_headers_is_refused_or_one_200() {
    let mut entropy = Entropy::from_u64(15);
    let accept = |headers: Vec<(String, String)>| {
        let mut rig = Rig::incoming();
        rig.order(Order::Accept { streams: Streams::AUDIO, headers }).ok()?;
        rig.prepared();
        Some(one_message(&rig.wire.first()?.1))
    };
    let plain = accept(vec![]).unwrap();
    for _ in 0..ROUNDS / 10 {
        let header = (nasty(&mut entropy), nasty(&mut entropy));
        let headers = accept(vec![header.clone()]);
        assert!(headers.is_none_or(|headers| headers == plain + 1), "{header:?}");
        let value = accept(vec![("X-Y".into(), header.1.clone())]);
        assert!(value.is_none_or(|headers| headers == plain + 1), "{header:?}");
    }
}

#[test]
fn a13_an_endpoint_of_any_name_answers_with_one_message() {
    let mut entropy = Entropy::from_u64(16);
    let options = request("OPTIONS", "1", "", "", "");
    let mut door = Door::default();
    door.receive(&options);
    let plain = one_message(&door.sent[0].bytes);
    for _ in 0..ROUNDS / 10 {
        let user_agent = nasty(&mut entropy);
        let mut door =
            Door::with(endpoint::Settings { user_agent: user_agent.clone(), ..door::settings() });
        assert_eq!(door.receive(&options), [200], "{user_agent:?}");
        assert_eq!(one_message(&door.sent[0].bytes), plain, "{user_agent:?}");
    }
}

#[test]
fn a13_any_character_as_a_digit_is_refused_or_a_digit() {
    let mut rig = Rig::established();
    for digit in PIECES.iter().flat_map(|piece| piece.chars()) {
        let known = "0123456789*#ABCD".contains(digit);
        assert_eq!(rig.order(Order::SendDtmf(digit)).is_ok(), known, "{digit:?}");
    }
    assert_eq!(rig.sent(), [""; 0]);
}

#[test]
fn a13_a_uri_that_is_called_makes_an_invite_that_we_would_take() {
    let good: SipUri = "sip:alice@192.0.2.1".parse().unwrap();
    let mut entropy = Entropy::from_u64(17);
    for _ in 0..ROUNDS {
        let text = format!("sip:a{}@192.0.2.9", nasty(&mut entropy));
        let Ok(uri) = text.parse::<SipUri>() else { continue };
        let mut rig = Rig::new();
        let route = Route { destination: destination(Transport::Udp), when_long: None };
        let order =
            Order::Connect { uri, routes: vec![route], streams: Streams::AUDIO, headers: vec![] };
        rig.order(order).unwrap();
        rig.prepared();
        let message = Message::parse(&rig.wire[0].1[..]).unwrap();
        assert_eq!(validate(&message), Ok(()), "{text:?}");
    }
    assert!(call("x", &good, &good, &[]).is_some());
}
