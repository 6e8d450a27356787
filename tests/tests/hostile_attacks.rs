//! Attack classes against what is built, on the pure cores: what an attacker sends and what a
//! correct user agent does. The numbers are those of the list of attack classes.
//!
//! | class | where, or why not here |
//! |---|---|
//! | 1, 18, 19, 21–26, 30 | credentials, MSRP, XML, SRTP, TLS, DNS, REFER, NOTIFY, ICE are not built |
//! | 2 | the `quiet` mode and limits per source are not built |
//! | 3, 14 | there is no registrar and no trusted hop yet |
//! | 4 | `offhook-media`, `source_lock` |
//! | 5 | tests/reinvites.rs |
//! | 7 | a response is not held against the address that the request went to: servers with several addresses answer from another one, and its 96 random bits stand in the branch |
//! | 20 | hostile_sdp.rs |
//! | 27 | MESSAGE is not built; an answer is bounded by what the request brought (r06, r37) |
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::session::{Input, Order};
use offhook::sip::{
    BODY_MAX, Framed, HEADER_SECTION_MAX, HeaderName, Message, NameAddr, StreamFramer, validate,
};
use offhook::transaction::ServerKey;
use offhook::transport::{Destination, Received, Transport};
use offhook_tests::door::{Door, changed, invite, invite_with, only, request, verdict};
use offhook_tests::{Rig, destination};

const NONE: [u16; 0] = [];

#[test]
fn a02_a_sweep_for_users_gets_the_same_answer_to_everything() {
    let mut door = Door::with(only("carol"));
    let mut answer = |text: String| {
        assert_eq!(door.receive(text), [404]);
        let answer = door.answer().replace("INVITE", "OPTIONS");
        let (before, tag) = answer.split_once(";tag=e").unwrap();
        let (_, after) = tag.split_once('\r').unwrap();
        format!("{before}{after}")
    };
    let expected = answer(request("OPTIONS", "1", "", "", ""));
    assert_eq!(answer(invite("1")), expected);
    assert_eq!(answer(invite_with("no description")), expected);
    assert_eq!(answer(invite("1").replace("Contact:", "Z:")), expected);
    assert_eq!((door.core.transactions(), door.calls.len()), (0, 0));
}

#[test]
fn a06_only_the_cancel_of_the_very_invite_reaches_its_session() {
    let mut door = Door::default();
    door.open(&invite("1"));
    let cancel = request("CANCEL", "1", "", "", "");
    for (from, to) in [
        ("branch=z9hG4bK1", "branch=z9hG4bK2"),
        ("branch=z9hG4bK1", "branch=z9hG4bK"),
        ("UDP 192.0.2.9:5060", "UDP 192.0.2.9:5061"),
        ("UDP 192.0.2.9:5060", "UDP 192.0.2.8:5060"),
        ("CANCEL sip:alice@192.0.2.1", "CANCEL sip:alice@192.0.2.2"),
    ] {
        assert!(cancel.contains(from));
        assert_eq!(door.receive(cancel.replacen(from, to, 1)), [481], "{to}");
    }
    let stranger = destination(Transport::Udp);
    let stranger = Destination { remote: "198.51.100.1:5060".parse().unwrap(), ..stranger };
    assert_eq!(door.receive_from(stranger, &cancel), [481]);
    assert!(door.passed.is_empty());
    let other_port = destination(Transport::Udp);
    let other_port = Destination { remote: "192.0.2.9:40000".parse().unwrap(), ..other_port };
    assert_eq!(door.receive_from(other_port, &cancel), NONE);
    assert_eq!(door.passed, ["s7 CANCEL"]);
}

#[test]
fn a06_a28_tags_and_branches_have_enough_random_bits_and_never_come_again() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let mut entropy = offhook_fsm::Entropy::from_u64(seed);
        let session = offhook::id::SessionId(1);
        for (text, digits) in [
            (session.tag(&mut entropy), 32),
            (session.tag(&mut entropy), 32),
            (session.branch(&mut entropy), 24),
        ] {
            let (_, random) = text.split_once('-').unwrap();
            assert_eq!(random.len(), digits);
            assert!(random.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(seen.insert(text.clone()), "{text}");
        }
    }
}

fn forged(rig: &Rig, from: &str, to: &str) -> Received {
    let invite = Message::parse(&rig.invite[..]).unwrap();
    let value = |name| String::from_utf8_lossy(invite.header(name).unwrap()).into_owned();
    let text = format!(
        "SIP/2.0 486 Busy\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=x\r\nCall-ID: {}\r\nCSeq: {}\r\n\r\n",
        value(HeaderName::Via),
        value(HeaderName::From),
        value(HeaderName::To),
        value(HeaderName::CallId),
        value(HeaderName::CSeq),
    );
    let text = text.replacen(from, to, 1).into_bytes().into_boxed_slice();
    Received { message: Message::parse(text).unwrap(), source: destination(Transport::Udp) }
}

#[test]
fn a07_responses_with_another_branch_or_method_change_nothing() {
    for (from, to) in [
        ("branch=z9hG4bK1", "branch=z9hG4bK2"),
        ("branch=", "branch=x"),
        (";branch=", ";x="),
        ("1 INVITE", "1 BYE"),
        ("1 INVITE", "1 CANCEL"),
        ("1 INVITE", "1 invite"),
    ] {
        let mut rig = Rig::calling();
        let response = forged(&rig, from, to);
        rig.feed(Input::Response(response)).unwrap();
        assert_eq!((rig.told(), rig.sent()), (vec![], vec![]), "{to}");
    }
    let mut rig = Rig::calling();
    let response = forged(&rig, "", "");
    rig.feed(Input::Response(response)).unwrap();
    assert_eq!(rig.sent(), ["ACK"]);
}

fn call(number: usize) -> String {
    invite(&number.to_string()).replace("c1", &format!("c{number}"))
}

#[test]
fn a08_a_flood_of_invites_fills_its_table_and_nothing_else() {
    let mut door = Door::default();
    for number in 0..10_000 {
        let expected = if number < 100 { 100 } else { 503 };
        assert_eq!(door.receive(call(number)), [expected]);
    }
    assert!(door.answer().contains("\r\nRetry-After: "));
    assert_eq!((door.core.transactions(), door.calls.len()), (100, 100));
    for number in 0..1000 {
        door.receive(request("BYE", &format!("b{number}"), ";tag=7-forged", "", ""));
    }
    assert_eq!(door.core.transactions(), 100);
}

#[test]
fn a08_a_merged_invite_is_482_even_while_the_first_one_is_cancelled() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let source = destination(transport);
        let mut door = Door::default();
        door.open_from(source, &invite("1"));
        let cancel = request("CANCEL", "1", "", "", "");
        door.receive_from(source, &cancel);
        let key = ServerKey::new(&Message::parse(cancel.as_bytes()).unwrap()).unwrap();
        let bytes = Message::parse(cancel.as_bytes()).unwrap();
        let ok = offhook::sip::Builder::response(&bytes, 200, "OK", Some("7-x"), None).unwrap();
        let transmit =
            offhook::transport::Transmit { destination: source, bytes: ok.finish().into() };
        door.feed(offhook::endpoint::Input::Responded { key, status: 200, transmit });
        assert_eq!(door.receive_from(source, invite("2")), [482], "{transport}");
    }
}

#[test]
fn a09_a_200_that_is_never_acknowledged_ends_with_a_bye() {
    let mut rig = Rig::answered();
    rig.run_until(31_999);
    assert_eq!(rig.sent(), ["200"; 10]);
    rig.run_until(32_000);
    assert_eq!(rig.sent(), ["BYE"]);
    rig.run_until(100_000);
    assert!(rig.core.is_terminated());
}

#[test]
fn a10_a_peer_that_never_answers_ends_every_state() {
    let mut silent = Rig::calling();
    silent.run_until(40_000);
    assert!(silent.core.is_terminated());
    let mut ringing = Rig::calling();
    ringing.reply(180, "", "");
    ringing.order(Order::End).unwrap();
    ringing.run_until(100_000);
    assert!(ringing.core.is_terminated());
    let mut standing = Rig::established();
    standing.order(Order::End).unwrap();
    standing.run_until(40_000);
    assert!(standing.core.is_terminated());
}

fn framed(stream: &[u8], piece: usize) -> Result<usize, ()> {
    let mut framer = StreamFramer::new();
    let mut messages = 0;
    for bytes in stream.chunks(piece) {
        framer.push(bytes);
        while let Some(framed) = framer.next_frame().map_err(|_| ())? {
            messages += usize::from(matches!(framed, Framed::Message(_)));
        }
    }
    Ok(messages)
}

#[test]
fn a11_headers_are_taken_up_to_the_limit_and_close_the_stream_one_past_it() {
    let head = "OPTIONS sip:a@h SIP/2.0\r\nContent-Length: 0\r\nX: ";
    for (length, expected) in [(HEADER_SECTION_MAX, Ok(1)), (HEADER_SECTION_MAX + 1, Err(()))] {
        let filling = "x".repeat(length - head.len() - 4);
        let stream = format!("{head}{filling}\r\n\r\n");
        assert_eq!(stream.len(), length);
        for piece in [1, 1000, length] {
            assert_eq!(framed(stream.as_bytes(), piece), expected);
        }
    }
    assert_eq!(framed("x".repeat(HEADER_SECTION_MAX).as_bytes(), 100), Ok(0));
    assert_eq!(framed("x".repeat(HEADER_SECTION_MAX + 1).as_bytes(), 100), Err(()));
}

#[test]
fn a11_a_slow_stream_is_pending_until_its_message_is_whole() {
    let stream = b"OPTIONS sip:a@h SIP/2.0\r\nContent-Length: 2\r\n\r\nab";
    let mut framer = StreamFramer::new();
    assert!(!framer.is_pending());
    for byte in stream {
        assert_eq!(framer.next_frame(), Ok(None));
        framer.push(&[*byte]);
        assert!(framer.is_pending());
    }
    assert!(framer.next_frame().unwrap().is_some());
    assert!(!framer.is_pending());
}

#[test]
fn a12_bodies_are_taken_up_to_the_limit_and_refused_one_past_it() {
    for (length, expected) in [(BODY_MAX, Ok(1)), (BODY_MAX + 1, Err(()))] {
        let head = format!("OPTIONS sip:a@h SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
        let stream = [head.as_bytes(), &vec![b'x'; length]].concat();
        assert_eq!(framed(&stream, 4096), expected);
        let refused = Message::parse(&stream[..]).err().map(|error| error.status());
        assert_eq!(refused, expected.err().map(|()| 513));
    }
}

#[test]
fn a12_a_length_that_lies_is_400_on_a_datagram_and_closes_a_stream() {
    let options = request("OPTIONS", "1", "", "", "");
    let with = |lines: &str| options.replace("Content-Length: 0\r\n", lines);
    for lines in ["Content-Length: 1\r\n", "Content-Length: x\r\n", "l: 0\r\nContent-Length: 1\r\n"]
    {
        assert_eq!(verdict(with(lines)), [400], "{lines}");
    }
    assert_eq!(verdict(with("")), [200]);
    assert_eq!(framed(with("").as_bytes(), 100), Err(()));
    // What follows the body in a datagram is thrown away, on a stream it is the next message.
    let two = format!("{options}{options}");
    assert_eq!(verdict(&two), [200]);
    assert_eq!(framed(two.as_bytes(), 7), Ok(2));
}

#[test]
fn a13_what_cannot_be_told_in_a_420_does_not_keep_it_from_being_sent() {
    for require in ["a\r\n b", "a\u{0}b", "\u{1b}", "a, \"b\u{0}\""] {
        let text = changed("Contact:", &format!("Require: {require}\r\nContact:"));
        assert_eq!(verdict(text), [420], "{require:?}");
    }
}

#[test]
fn a15_traps_of_utf_8_are_kept_and_harm_nobody() {
    for name in [
        &b"\xc0\x80"[..],
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe2\x80",
        b"\xe2\x80\xae\xe2\x81\xa6",
        b"\\\xe2\x80\xae",
    ] {
        let text = changed("From: <", "From: \"@\" <").into_bytes();
        let at = text.iter().position(|byte| *byte == b'"').unwrap() + 1;
        let bytes = [&text[..at], name, &text[at + 1..]].concat();
        assert_eq!(verdict(&bytes), [100], "{name:?}");
        let message = Message::parse(&bytes[..]).unwrap();
        let from = message.from().unwrap();
        assert_eq!(from.display, [&b"\""[..], name, b"\""].concat());
        let shown = from.display_text();
        assert!(!shown.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    }
    assert_eq!(verdict(format!("\u{feff}{}", invite("1"))), NONE);
}

#[test]
fn a15_a_nul_in_the_callers_name_does_not_keep_us_from_hanging_up() {
    for (from, to) in [
        ("From: <", "From: \"a\\\u{0}\" <"),
        ("Contact:", "Record-Route: \"a\u{0}\" <sip:192.0.2.9;lr>\r\nContact:"),
    ] {
        let bytes = changed(from, to).into_bytes();
        let mut rig = Rig::new();
        rig.invite.clone_from(&bytes);
        let message = Message::parse(bytes.into_boxed_slice()).unwrap();
        assert_eq!(validate(&message), Ok(()));
        let key = ServerKey::new(&message).unwrap();
        let received = Received { message, source: destination(Transport::Udp) };
        rig.feed(Input::Invite(key, received)).unwrap();
        rig.accept().unwrap();
        rig.prepared();
        rig.request("ACK", 1);
        rig.sent();
        rig.order(Order::End).unwrap();
        assert_eq!(rig.sent(), ["BYE"], "{to:?}");
    }
    for call_id in ["c\u{0}1", "c\u{1b}1", "\u{7f}"] {
        assert_eq!(verdict(changed("Call-ID: c1", &format!("Call-ID: {call_id}"))), [400]);
    }
}

#[test]
fn a16_numbers_that_do_not_rise_are_500_and_change_nothing() {
    let mut rig = Rig::answered();
    rig.request("ACK", 1);
    rig.request("OPTIONS", 5);
    assert_eq!(rig.sent(), ["200"]);
    rig.told();
    for (method, number) in [("OPTIONS", 5), ("BYE", 5), ("BYE", 4), ("BYE", 0), ("INVITE", 1)] {
        rig.request(method, number);
        assert_eq!((rig.sent(), rig.told()), (vec!["500".to_owned()], vec![]), "{method} {number}");
    }
    rig.request("BYE", 2_147_483_647);
    assert_eq!(rig.sent(), ["200"]);
}

#[test]
fn a29_reasons_for_people_never_repeat_control_bytes() {
    for (from, to) in [
        ("From: <", "From: \u{1b}[2J <"),
        ("Call-ID: c1", "Call-ID: \u{1b}\u{0}"),
        ("CSeq: 1", "CSeq: \u{1b}1"),
        ("sip:alice@192.0.2.1", "sip:\u{1b}"),
        ("Contact: ", "Contact: \u{7}"),
        ("v=0", "v=\u{1b}[2J"),
        ("m=audio", "m=\u{1b}[2J"),
        ("RTP/AVP", "\u{1b}/\u{7}"),
    ] {
        let text = changed(from, to);
        let (message, _) = Message::parse_lenient(text.as_bytes());
        if let Err(fault) = validate(&message) {
            assert!(!fault.reason.chars().any(char::is_control), "{}", fault.reason);
        }
        let mut door = Door::default();
        door.receive(&text);
        for sent in &door.sent {
            let answer = Message::parse(&sent.bytes[..]).unwrap();
            let warning = answer.header(HeaderName::Warning).unwrap_or_default();
            assert!(!warning.iter().any(u8::is_ascii_control), "{to:?}");
        }
    }
    let name = NameAddr::parse(b"\"\x1b]0;x\x07\" <sip:a@h>").unwrap();
    assert_eq!(name.display_text(), "]0;x");
}
