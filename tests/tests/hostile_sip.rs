//! What broke other SIP stacks (R01–R29 of the collection of advisories), and the verdict here.
//!
//! | row | why there is no test of the whole row |
//! |---|---|
//! | R07 | SUBSCRIBE is not built: 405. Any number of Accept headers up to the limit is read |
//! | R08 | REGISTER is not built; Service-Route is a header like any other. Record-Route is bounded |
//! | R18, R19 | challenges are not built: their headers are kept and looked at by nobody |
//! | R21 | there are no credentials in the interface yet |
//! | R29 | a 407 ends the call like any refusal, whichever challenge it carries |

use offhook::sip::{
    Builder, Framed, HEADER_SECTION_MAX, HEADERS_MAX, HeaderName, Message, ParseErrorKind,
    StreamFramer, validate,
};
use offhook_tests::door::{Door, changed, invite, request, verdict};
use offhook_tests::{Rig, SDP};

const NONE: [u16; 0] = [];

#[test]
fn r01_a_method_of_400_letters_is_405_and_leaves_nothing() {
    let long = "A".repeat(400);
    let branchless = ";branch=z9hG4bK1;rport";
    assert_eq!(verdict(request(&long, "1", "", "", "").replace(branchless, "")), [405]);
    assert_eq!(verdict(changed("CSeq: 1 INVITE", &format!("CSeq: 1 {long}"))), [400]);
}

#[test]
fn r02_numbers_that_do_not_fit_are_400() {
    let bad = |from: &str, to: &dyn Fn(&str) -> String| {
        for number in ["4294967296", "99999999999999999999", "-1", "+1", "", "0x1", "1e3"] {
            let text = changed(from, &to(number));
            assert_eq!(verdict(&text), [400], "{text}");
        }
    };
    bad("CSeq: 1 INVITE", &|n| format!("CSeq: {n} INVITE"));
    bad("Max-Forwards: 70", &|n| format!("Max-Forwards: {n}"));
    bad("Contact:", &|n| format!("Expires: {n}\r\nContact:"));
    bad("<sip:bob@192.0.2.9>", &|n| format!("<sip:bob@192.0.2.9:{n}>"));
    bad("<sip:bob@192.0.2.9>", &|n| format!("<sip:bob@192.0.2.9>;expires={n}"));
    bad("<sip:bob@192.0.2.9>", &|n| format!("<sip:bob@192.0.2.9>;q={n}"));
    bad("<sip:bob@h>", &|n| format!("<sip:bob@h:{n}>"));
    for (from, to) in [
        ("CSeq: 1 ", "CSeq: 2147483648 "),
        ("Max-Forwards: 70", "Max-Forwards: 256"),
        ("<sip:bob@192.0.2.9>", "<sip:bob@192.0.2.9:65536>"),
        ("<sip:bob@192.0.2.9>", "<sip:bob@192.0.2.9>;q=1.001"),
    ] {
        assert_eq!(verdict(changed(from, to)), [400], "{to}");
    }
    for (from, to) in [
        ("CSeq: 1 ", "CSeq: 2147483647 "),
        ("Max-Forwards: 70", "Max-Forwards: 255"),
        ("Contact:", "Expires: 4294967295\r\nContact:"),
        ("<sip:bob@192.0.2.9>", "<sip:bob@192.0.2.9:65535>"),
    ] {
        assert_eq!(verdict(changed(from, to)), [100], "{to}");
    }
    // Where the answer would go is not known: no answer.
    for via in ["192.0.2.9:4294967296", "192.0.2.9:65536", "h:-1", "h;ttl=256", "h;ttl=4294967296"]
    {
        assert_eq!(verdict(changed("192.0.2.9:5060", via)), NONE, "{via}");
    }
}

#[test]
fn r03_r04_multipart_bodies_of_any_shape_are_415() {
    let kind = "Content-Type: multipart/mixed;boundary=x\r\n";
    for body in
        ["--", "--x", "--x--", "--x\r\n", "--x\r\n\r\n", "--x\r\n\r\n\r\n--x", "\r\n--x\r\n"]
    {
        assert_eq!(verdict(request("INVITE", "1", "", kind, body)), [415], "{body:?}");
        assert_eq!(verdict(request("OPTIONS", "1", "", kind, body)), [200], "{body:?}");
    }
    for kind in ["multipart/mixed", "multipart/mixed;boundary=", "multipart/mixed;boundary=\"", "/"]
    {
        let kind = format!("Content-Type: {kind}\r\n");
        assert_eq!(verdict(request("INVITE", "1", "", &kind, "--x\r\n")), [415], "{kind}");
    }
}

#[test]
fn r05_a_multipart_body_without_parts_is_printed_as_it_came() {
    for body in ["", "--x--", "--x\r\n--x--\r\n"] {
        let kind = b"multipart/mixed;boundary=x";
        let bytes = Builder::request(b"MESSAGE", b"sip:a@h").unwrap().body(kind, body.as_bytes());
        let bytes = bytes.unwrap();
        assert_eq!(Message::parse(&bytes[..]).unwrap().body(), body.as_bytes());
    }
}

#[test]
fn r06_a_long_list_of_headers_is_printed_whole() {
    let vias: String =
        (0..240).map(|n| format!("Via: SIP/2.0/UDP h{n};branch=z9hG4bK{n}\r\n")).collect();
    let text = changed("Max-Forwards", &format!("{vias}Max-Forwards"));
    let mut door = Door::default();
    assert_eq!(door.receive(text), [100]);
    let answer = Message::parse(&door.sent[0].bytes[..]).unwrap();
    let hosts: Vec<_> =
        answer.vias().skip(1).map(|via| via.unwrap().branch().unwrap().to_vec()).collect();
    let expected: Vec<_> = (0..240).map(|n| format!("z9hG4bK{n}").into_bytes()).collect();
    assert_eq!(hosts, expected);
}

#[test]
fn r07_any_number_of_accept_headers_up_to_the_limit_is_read_and_one_past_it_is_513() {
    let with = |count: usize| {
        changed("Contact:", &format!("{}Contact:", "Accept: text/plain\r\n".repeat(count)))
    };
    let own = Message::parse(invite("1").as_bytes()).unwrap().headers().count();
    assert_eq!(verdict(with(50)), [100]);
    assert_eq!(verdict(with(HEADERS_MAX - own)), [100]);
    assert_eq!(verdict(with(HEADERS_MAX - own + 1)), [513]);
    let subscribe = with(50).replace("INVITE", "SUBSCRIBE");
    assert_eq!(verdict(subscribe), [405]);
}

#[test]
fn r08_routes_in_a_2xx_are_taken_up_to_the_limit_and_one_past_it_ends_the_call() {
    use offhook::dialog::ROUTES_MAX;
    let list = |count: usize| vec!["<sip:192.0.2.9;lr>"; count].join(", ");
    let service = format!("Service-Route: {}", list(100));
    let mut rig = Rig::calling();
    rig.reply(200, &service, SDP);
    assert_eq!(rig.sent(), ["ACK"]);
    let mut rig = Rig::calling();
    rig.reply(200, &format!("Record-Route: {}", list(ROUTES_MAX)), SDP);
    assert_eq!(rig.sent(), ["ACK"]);
    let mut rig = Rig::calling();
    rig.reply(200, &format!("Record-Route: {}", list(ROUTES_MAX + 1)), SDP);
    rig.run_until(64_000);
    assert!(rig.core.is_terminated());
    assert!(rig.told().iter().any(|told| told.starts_with("DidFail{local, 488, ")));
}

#[test]
fn r09_a_via_without_a_readable_host_gets_no_answer() {
    for host in ["", ":5060", "[::1", "[]", "h h", "<h>", "\"h\"", "h\u{0}"] {
        let mut door = Door::default();
        assert_eq!(door.receive(changed("192.0.2.9:5060", host)), NONE, "{host:?}");
        assert_eq!((door.core.counters().garbage, door.core.transactions()), (1, 0), "{host:?}");
    }
}

#[test]
fn r10_two_to_headers_and_an_empty_tag_are_400_with_one_to() {
    let mut door = Door::default();
    let twice = changed("To: <sip:alice@h>", "To: <sip:alice@h>;tag=\r\nTo: <sip:alice@h>");
    assert_eq!(door.receive(twice), [400]);
    assert_eq!(door.answer().matches("\r\nTo:").count(), 1);
    for header in ["From: <sip:bob@h>;tag=x", "Call-ID: c2", "CSeq: 1 INVITE"] {
        let name = header.split(':').next().unwrap();
        let mut door = Door::default();
        assert_eq!(door.receive(changed("Contact:", &format!("{header}\r\nContact:"))), [400]);
        assert_eq!(door.answer().matches(&format!("\r\n{name}:")).count(), 1, "{name}");
    }
}

#[test]
fn r11_long_branches_and_tags_are_only_long() {
    for length in [1, 127, 128, 255, 256, 4096] {
        let (branch, tag) = ("b".repeat(length), "t".repeat(length));
        let mut door = Door::default();
        let text = invite(&branch).replace("tag=theirs", &format!("tag={tag}"));
        assert_eq!(door.receive(text), [100]);
        assert!(door.answer().contains(&format!("branch=z9hG4bK{branch};")));
        assert!(door.answer().contains(&format!("From: <sip:bob@h>;tag={tag}\r\n")));
    }
}

#[test]
fn r12_blanks_before_the_colon_do_not_make_another_header() {
    let text = changed("Contact:", "X-Bypass-me : lol\r\nContact \t:");
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.header_by_name("x-bypass-ME"), Some(&b"lol"[..]));
    assert_eq!(message.header(HeaderName::Contact), Some(&b"<sip:bob@192.0.2.9>"[..]));
    assert_eq!(verdict(text), [100]);
}

#[test]
fn r13_an_invite_without_contact_is_400() {
    assert_eq!(verdict(changed("Contact:", "Z:")), [400]);
}

#[test]
fn r14_a_display_name_that_ends_in_a_backslash_is_400() {
    for name in [r#""x\"#, r#""x\" "#, r#""\"#, r#"""#] {
        assert_eq!(verdict(changed("From: ", &format!("From: {name}"))), [400], "{name}");
    }
}

#[test]
fn r15_addresses_without_a_uri_are_400_where_they_are_needed_and_harmless_elsewhere() {
    for value in ["</>", "/", "<>", "<", ";tag=1", "\"x\"", "\"x\" ;tag=1", "sip:", ":", "<sip>"] {
        let from = format!("From: {value}\r\nX:");
        assert_eq!(verdict(changed("From:", &from)), [400], "{value}");
        let to = format!("To: {value}\r\nX:");
        assert_eq!(verdict(changed("To:", &to)), [400], "{value}");
        let diversion = format!("Diversion: {value}\r\nP-Asserted-Identity: {value}\r\nContact:");
        assert_eq!(verdict(changed("Contact:", &diversion)), [100], "{value}");
    }
}

#[test]
fn r16_methods_shorter_than_ours_are_405() {
    for method in ["I", "IN", "A", "AC", "B", "BY", "CANCE", "O", "invite", "INVITEE"] {
        assert_eq!(verdict(request(method, "1", "", "", "")), [405], "{method}");
    }
    let empty = request("INVITE", "1", "", "", "").replacen("INVITE ", " ", 1);
    assert_eq!(verdict(empty), NONE);
}

#[test]
fn r17_an_escape_that_is_cut_off_is_400() {
    for uri in ["sip:a%4", "sip:%", "sip:a%@h", "sip:a%4@h", "sip:a%zz@h", "sip:h;x=%4"] {
        assert_eq!(verdict(changed("sip:alice@192.0.2.1", uri)), [400], "{uri}");
        assert_eq!(verdict(changed("<sip:bob@h>", &format!("<{uri}>"))), [400], "{uri}");
    }
}

#[test]
fn r18_r19_r29_authorizations_of_any_shape_and_none_change_nothing() {
    for value in [
        "",
        "Digest",
        "Digest ",
        "Digest username",
        "Digest username=",
        "Digest username=\"",
        "Digest ,,,",
        "=",
        "Digest realm=\"x\\",
    ] {
        for name in ["Authorization", "Proxy-Authorization", "WWW-Authenticate"] {
            let text = changed("Contact:", &format!("{name}: {value}\r\nContact:"));
            assert_eq!(verdict(text), [100], "{name}: {value}");
        }
    }
    for challenge in ["WWW-Authenticate: Digest", "Proxy-Authenticate: Digest realm=\"a"] {
        let mut rig = Rig::calling();
        rig.reply(407, challenge, "");
        assert_eq!(rig.sent(), ["ACK"]);
        assert!(rig.told().iter().any(|told| told.starts_with("DidFail{remote, 407, ")));
    }
}

#[test]
fn r20_of_two_answers_to_one_invite_the_second_is_ended_and_the_first_lives_on() {
    let mut rig = Rig::calling();
    rig.reply_from("one", 180, "", "");
    rig.reply_from("two", 180, "", "");
    rig.reply_from("one", 200, "", SDP);
    assert_eq!(rig.sent(), ["ACK"]);
    rig.reply_from("two", 200, "", SDP);
    assert_eq!(rig.sent(), ["ACK", "BYE"]);
    rig.reply_from("one", 200, "", SDP);
    assert_eq!(rig.sent(), ["ACK"]);
    rig.run_until(64_000);
    assert!(!rig.core.is_terminated());
    rig.order(offhook::session::Order::End).unwrap();
    rig.reply_from("two", 200, "", SDP);
    rig.run_until(130_000);
    assert!(rig.core.is_terminated());
}

fn stream(length: &str) -> String {
    format!("OPTIONS sip:a@h SIP/2.0\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn r22_content_length_truncated_to_32_bits() {
    let smuggled = format!("{}{}", stream("4294967328"), stream("0"));
    let mut framer = StreamFramer::new();
    framer.push(smuggled.as_bytes());
    assert!(framer.next_frame().is_err());
    assert_eq!(framer.next_frame(), Ok(None));
    assert_eq!(verdict(changed("Content-Length: ", "Content-Length: 4294967328\r\nX: ")), [513]);
}

#[test]
fn r23_negative_and_doubled_lengths_close_the_stream() {
    for length in
        ["-1", "-0", "+0", " ", "0 0", "0,0", "0\r\nContent-Length: 1", "0\r\nl: 1", "0x0"]
    {
        let mut framer = StreamFramer::new();
        framer.push(stream(length).as_bytes());
        let error = framer.next_frame().unwrap_err();
        assert_eq!(error.error.kind, ParseErrorKind::ContentLength, "{length:?}");
        assert!(!error.message.is_empty(), "the headers are there for an answer");
    }
    let mut framer = StreamFramer::new();
    framer.push(stream("0\r\nl: 0").as_bytes());
    assert!(matches!(framer.next_frame(), Ok(Some(Framed::Message(_)))));
}

#[test]
fn r24_long_call_ids_and_long_first_lines_are_only_long() {
    for length in [4095, 4096, 4097, 60_000] {
        let mut door = Door::default();
        let id = "i".repeat(length);
        assert_eq!(door.receive(changed("Call-ID: c1", &format!("Call-ID: {id}"))), [100]);
        assert!(door.answer().contains(&format!("Call-ID: {id}\r\n")));
        assert_eq!(verdict(changed("alice", &"a".repeat(length))), [100]);
    }
    let over = HEADER_SECTION_MAX;
    assert_eq!(
        verdict(changed("Contact:", &format!("Z: {}\r\nContact:", "x".repeat(over)))),
        [513]
    );
    // What the answer is made of comes after the limit: none.
    assert_eq!(verdict(changed("Via:", &format!("Z: {}\r\nVia:", "x".repeat(over)))), NONE);
    let status = format!("SIP/2.0 200 {}\r\nVia: SIP/2.0/UDP h\r\n\r\n", "x".repeat(60_000));
    assert_eq!(Message::parse(status.as_bytes()).unwrap().reason().unwrap().len(), 60_000);
    let status = format!("SIP/2.0 200 {}\r\n\r\n", "x".repeat(over));
    assert_eq!(Message::parse(status.as_bytes()).unwrap_err().kind, ParseErrorKind::HeadersTooLong);
}

#[test]
fn r25_control_characters_do_not_reach_reader_or_log() {
    let name = "\"<script>\\\u{1b}[2J\\\u{7}\\\u{0}\u{202e}\u{2066}evil\"";
    let mut rig = Rig::new();
    rig.invited(SDP);
    let mut text = changed("From: <", &format!("From: {name} <"));
    text = text.replace("Contact:", "User-Agent: x\u{1b}[31m\u{8}\r\nContact:");
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.from().unwrap().display_text(), "<script>[2Jevil");
    assert_eq!(message.user_agent().as_deref(), Some("x[31m"));
    assert_eq!(verdict(text), [100]);
}

#[test]
fn r26_messages_without_line_ends_or_cut_off_anywhere_get_a_right_answer_or_none() {
    let whole = invite("1");
    assert_eq!(verdict(whole.replace("\r\n", "")), NONE);
    assert_eq!(verdict(whole.replace('\n', "")), NONE);
    assert_eq!(verdict(request("OPTIONS", "1", "", "", "").replace('\r', "")), [200]);
    let whole = whole.as_bytes();
    for end in 0..whole.len() {
        let answers = verdict(&whole[..end]);
        assert!(answers == NONE || answers == [400], "{end}: {answers:?}");
    }
    for skip in 1..whole.len() {
        let _some_verdict = verdict(&whole[skip..]);
    }
}

#[test]
fn r27_combined_vias_and_lr_with_a_value_are_accepted() {
    let mut door = Door::default();
    let two = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1, SIP/2.0/TCP h2;branch=z9hG4bK0";
    assert_eq!(
        door.receive(changed("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1;rport", two)),
        [100]
    );
    let answer = Message::parse(&door.sent[0].bytes[..]).unwrap();
    assert_eq!(answer.vias().map(|via| via.unwrap().branch().unwrap().len()).sum::<usize>(), 16);
    let route =
        changed("Contact:", "Record-Route: <sip:p@192.0.2.9;lr=true>, <sip:q;lr=on>\r\nContact:");
    assert_eq!(verdict(&route), [100]);
    let message = Message::parse(route.as_bytes()).unwrap();
    assert!(
        message.addresses(HeaderName::RecordRoute).all(|route| route.unwrap().uri.is_loose_route())
    );
}

#[test]
fn r27_an_empty_to_tag_is_no_tag_and_is_never_sent() {
    for empty in [";tag=", ";tag= ", "; tag = ;x=1", ";x=1;TAG="] {
        let mut door = Door::default();
        door.open(&changed("To: <sip:alice@h>", &format!("To: <sip:alice@h>{empty}")));
        assert_eq!(door.receive(request("CANCEL", "1", empty, "", "")), NONE, "{empty}");
        assert_eq!(door.passed, ["s7 CANCEL"], "{empty}");
        assert_eq!(door.receive(request("CANCEL", "2", empty, "", "")), [481], "{empty}");
        let answer = Message::parse(&door.sent[0].bytes[..]).unwrap();
        let to = answer.to().unwrap();
        assert!(to.tag().is_some(), "{}", door.answer());
        let tags = to.params.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"tag"));
        assert_eq!(tags.count(), 1, "{}", door.answer());
    }
}

#[test]
fn r28_bytes_beyond_utf_8_survive_in_headers_and_bodies() {
    let body: Vec<u8> = (0..=255).collect();
    let mut bytes = b"INFO sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: \"Andr\xe9 \xff\xfe\" <sip:bob@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: 1\r\nCSeq: 1 INFO\r\nX-Binary: \x80\xc0\xaf\r\nContent-Length: 256\r\n\r\n".to_vec();
    bytes.extend_from_slice(&body);
    let message = Message::parse(&bytes[..]).unwrap().to_message();
    assert_eq!((message.as_bytes(), message.body()), (&bytes[..], &body[..]));
    assert_eq!(message.header_by_name("x-binary"), Some(&b"\x80\xc0\xaf"[..]));
    assert!(validate(&message).is_ok());
    let mut door = Door::default();
    assert_eq!(door.receive(&bytes), [405]);
    let from = b"From: \"Andr\xe9 \xff\xfe\" <sip:bob@h>;tag=1\r\n";
    assert!(door.sent[0].bytes.windows(from.len()).any(|window| window == from));
}

#[test]
fn r23_line_ends_without_a_message_are_skipped_in_one_go() {
    for ends in ["\n", "\r", "\n\r", "\r\r\n", "\r\n"] {
        let mut framer = StreamFramer::new();
        framer.push(ends.repeat(1 << 20).as_bytes());
        while framer.next_frame().unwrap().is_some() {}
        framer.push(stream("0").as_bytes());
        assert_eq!(framer.next_frame(), Ok(Some(Framed::Message(stream("0").as_bytes().into()))));
    }
}
