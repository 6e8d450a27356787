//! The messages of RFC 4475 and their verdicts, as this parser gives them: what §3.1.2 calls
//! invalid is refused, everything else is understood. Texts are written anew after the RFC's
//! descriptions of what each one tests.

use offhook::sip::{ALLOWED_METHODS, HeaderName, Message, validate};

/// A whole OPTIONS; each test changes what it is about.
const WHOLE: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=1\nMax-Forwards: 70\nCall-ID: x.0ha0isndaksdj\nCSeq: 9 OPTIONS\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\nContact: <sip:c@192.0.2.1>\nContent-Length: 0\n\n";

fn wire(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// `None` when understood, else the status that refuses.
fn verdict(bytes: &[u8]) -> Option<u16> {
    match Message::parse(bytes) {
        Err(error) => Some(error.status()),
        Ok(message) => validate(&message).err().map(|fault| fault.status),
    }
}

fn changed(from: &str, to: &str) -> Vec<u8> {
    assert!(WHOLE.contains(from), "{from}");
    wire(&WHOLE.replacen(from, to, 1))
}

#[test]
fn wsinv_a_tortuous_invite_is_understood() {
    let text = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\nfrom   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : 0\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\nm:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\n";
    let bytes = wire(text);
    assert_eq!(verdict(&bytes), None);
    let message = Message::parse(&bytes[..]).unwrap();
    assert_eq!(message.vias().count(), 3);
    assert_eq!(message.from().unwrap().display_text(), "J Rosenberg \\\"");
    assert_eq!(message.to().unwrap().tag(), Some(&b"1918181833n"[..]));
    assert_eq!((message.max_forwards(), message.cseq().unwrap().number), (Ok(Some(68)), 9));
}

#[test]
fn valid_but_unusual_messages_are_understood() {
    for (name, from, to) in [
        ("intmeth", "OPTIONS", "!interesting-Method0123456789_*+`.%indeed'~"),
        ("esc01", "sip:user@example.com", "sip:sips%3Auser%40example.com@example.net"),
        ("escnull", "sip:user@example.com", "sip:null-%00-null@example.com"),
        ("lwsdisp", "sip:caller@example.net;", "caller<sip:caller@example.net>;"),
        (
            "longreq",
            "Contact:",
            "X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nContact:",
        ),
        ("semiuri", "sip:user@example.com", "sip:user;par=u%40example.net@example.com"),
        ("transports", "Via: ", "Via: SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bK1\nVia: "),
        ("badbranch", "branch=z9hG4bKkdjuw", "branch=z9hG4bK"),
        ("unkscm", "sip:user@example.com", "nobodyKnowsThisScheme:totallyopaquecontent"),
        ("novelsc", "sip:user@example.com", "soap.beep://192.0.2.103:3002"),
        ("unksm2", "sip:j.user@example.com", "isbn:2983792873"),
        ("bext01", "Contact:", "Require: nothingSupportsThis\nContact:"),
        ("zeromf", "Max-Forwards: 70", "Max-Forwards: 0"),
        ("inv2543", ";branch=z9hG4bKkdjuw", ""),
        ("baddate", "Contact:", "Date: Fri, 01 Jan 2010 16:00:00 EST\nContact:"),
        ("unauth", "Contact:", "Authorization: NoOneKnowsThisScheme opaque-data=here\nContact:"),
    ] {
        let mut bytes = changed(from, to);
        if name == "intmeth" {
            bytes =
                String::from_utf8(bytes).unwrap().replace("9 OPTIONS", &format!("9 {to}")).into();
        }
        assert_eq!(verdict(&bytes), None, "{name}");
    }
}

#[test]
fn invalid_messages_are_refused() {
    for (name, from, to, status) in [
        ("badinv01 via", "branch=z9hG4bKkdjuw", "branch=z9hG4bKkdjuw;;,;,,", 400),
        ("badinv01 contact", "<sip:c@192.0.2.1>", "\"Joe\" <sip:joe@example.org>;;;;", 400),
        ("clerr", "Content-Length: 0", "Content-Length: 9999", 400),
        ("ncl", "Content-Length: 0", "Content-Length: -999", 400),
        ("scalar02 cseq", "CSeq: 9 ", "CSeq: 36893488147419103232 ", 400),
        ("scalar02 max-forwards", "Max-Forwards: 70", "Max-Forwards: 300", 400),
        ("scalar02 expires", "Contact:", "Expires: 1000000000000000000000\nContact:", 400),
        ("scalar02 contact", "<sip:c@192.0.2.1>", "<sip:c@h>;expires=280297596632815", 400),
        ("quotbal", "To: sip:j", "To: \"Mr. J. User <sip:j", 400),
        ("ltgtruri", "sip:user@example.com", "<sip:user@example.com>", 400),
        ("lwsruri", "sip:user@example.com", "sip:user@example.com; lr", 400),
        ("lwsstart", "OPTIONS sip", "OPTIONS  sip", 400),
        ("trws", "SIP/2.0\nTo", "SIP/2.0  \nTo", 400),
        (
            "escruri",
            "sip:user@example.com",
            "sip:user@example.com?Route=%3Csip:example.com%3E",
            400,
        ),
        (
            "regbadct",
            "<sip:c@192.0.2.1>",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            400,
        ),
        ("badaspec", "To: sip:j.user@example.com", "To: \"Watson\" < sip:t@example.org>", 400),
        ("baddn", "To: sip:j.user@example.com", "To: Bell, Alexander <sip:a@example.com>", 400),
        ("badvers", "SIP/2.0\nTo", "SIP/7.0\nTo", 505),
        ("mismatch01", "CSeq: 9 OPTIONS", "CSeq: 9 INVITE", 400),
        ("mismatch02", "OPTIONS sip", "NEWMETHOD sip", 400),
        ("insuf call-id", "Call-ID: x.0ha0isndaksdj\n", "", 400),
        ("insuf from", "From: sip:caller@example.net;tag=1\n", "", 400),
        ("insuf to", "To: sip:j.user@example.com\n", "", 400),
        ("no via", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\n", "", 400),
        ("multi01", "CSeq: 9 OPTIONS", "CSeq: 9 OPTIONS\nCSeq: 10 OPTIONS", 400),
        ("mcl01", "Content-Length: 0", "Content-Length: 0\nContent-Length: 5", 400),
        ("r10 two To", "Max-Forwards", "To: <sip:x@h>;tag=\nMax-Forwards", 400),
        ("r02 port", "192.0.2.1;branch", "192.0.2.1:4294967296;branch", 400),
        ("r26 no line ends", "\nTo: sip:j", "To: sip:j", 400),
    ] {
        assert_eq!(verdict(&changed(from, to)), Some(status), "{name}");
    }
}

#[test]
fn responses_are_held_to_the_same_grammar() {
    let response = |start: &str, extra: &str| {
        wire(&WHOLE.replacen("OPTIONS sip:user@example.com SIP/2.0", start, 1).replacen(
            "Contact:",
            &format!("{extra}Contact:"),
            1,
        ))
    };
    assert_eq!(verdict(&response("SIP/2.0 100 ", "")), None, "noreason");
    assert_eq!(verdict(&response("SIP/2.0 200", "")), None, "no blank after the code");
    assert_eq!(
        verdict(&response("SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e}", "")),
        None,
        "unreason"
    );
    assert_eq!(verdict(&response("SIP/2.0 4294967301 better not break", "")), Some(400), "bigcode");
    assert_eq!(
        verdict(&response("SIP/2.0 503 x", "Retry-After: 949302838503028349304023988\n")),
        Some(400),
        "scalarlg"
    );
    assert_eq!(
        verdict(&response("SIP/2.0 503 x", "Warning: 1812 overture \"In Progress\"\n")),
        Some(400),
        "scalarlg"
    );
    assert_eq!(
        verdict(&response("SIP/2.0 503 x", "Retry-After: 120 (later);duration=3600\n")),
        None
    );
}

#[test]
fn dblreq_what_follows_a_message_in_its_datagram_is_ignored() {
    let two = [wire(WHOLE), wire(WHOLE)].concat();
    let message = Message::parse(&two[..]).unwrap();
    assert_eq!((verdict(&two), message.body()), (None, &b""[..]));
}

#[test]
fn what_asks_for_the_unknown_is_understood_and_answered() {
    for (from, to, status) in [
        ("sip:user@example.com", "tel:1", 416),
        ("Contact:", "Require: a, b\nContact:", 420),
        ("OPTIONS sip:user@example.com SIP/2.0", "REGISTER sip:user@example.com SIP/2.0", 405),
    ] {
        let text = WHOLE
            .replacen(from, to, 1)
            .replace("9 OPTIONS", if status == 405 { "9 REGISTER" } else { "9 OPTIONS" });
        let bytes = wire(&text);
        let message = Message::parse(&bytes[..]).unwrap();
        assert_eq!(validate(&message), Ok(()));
        assert_eq!(
            message.unsupported(&ALLOWED_METHODS, &[]).map(|fault| fault.status),
            Some(status)
        );
    }
}

#[test]
fn rfc_5118_ipv6_stands_in_uris_vias_and_parameters() {
    for (from, to) in [
        ("sip:user@example.com", "sip:[2001:db8::10]"),
        ("sip:user@example.com", "sip:user@[2001:db8::10]:5070"),
        ("192.0.2.1;", "[2001:db8::9:1];received=[2001:db8::9:255];"),
        ("192.0.2.1;", "[2001:db8::9:1];received=2001:db8::9:255;"),
        ("<sip:c@192.0.2.1>", "<sip:c@[::ffff:192.0.2.10]:19823>"),
    ] {
        assert_eq!(verdict(&changed(from, to)), None, "{to}");
    }
    for broken in ["sip:2001:db8::10", "sip:[2001:db8::10", "sip:[2001:db8::10::]"] {
        assert_eq!(verdict(&changed("sip:user@example.com", broken)), Some(400), "{broken}");
    }
}

#[test]
fn r12_blanks_before_the_colon_do_not_hide_a_header() {
    let bytes = changed("Contact:", "X-Bypass-me \t: lol\nContact:");
    let message = Message::parse(&bytes[..]).unwrap();
    assert_eq!(message.header_by_name("x-bypass-me"), Some(&b"lol"[..]));
}

#[test]
fn r07_many_headers_are_fine_up_to_the_limit_and_513_past_it() {
    let lines = WHOLE.lines().count() - 2;
    for (more, expected) in [(50, None), (256 - lines, None), (257 - lines, Some(513))] {
        let accept = "Accept: a/b\n".repeat(more) + "Contact:";
        assert_eq!(verdict(&changed("Contact:", &accept)), expected, "{more}");
    }
}

#[test]
fn r28_strange_bytes_and_binary_bodies_survive() {
    let mut bytes = changed("Contact:", "Subject: caf\u{e9}\nContact:");
    let at = bytes.windows(2).position(|pair| pair == [0xc3, 0xa9]).unwrap();
    bytes.splice(at..at + 2, [0xe9]);
    let length = bytes.windows(3).rposition(|three| three == b": 0").unwrap();
    bytes[length + 2] = b'4';
    bytes.extend_from_slice(&[0, 255, 13, 10]);
    let message = Message::parse(&bytes[..]).unwrap();
    assert_eq!(message.header(HeaderName::Subject), Some(&b"caf\xe9"[..]));
    assert_eq!(message.body(), [0, 255, 13, 10]);
}

#[test]
fn a_request_of_another_version_is_known_well_enough_to_be_answered() {
    let bytes = changed("SIP/2.0\nTo", "SIP/7.0\nTo");
    let (message, fault) = Message::parse_lenient(&bytes[..]);
    assert_eq!((message.method(), fault.map(|f| f.status())), (Some(&b"OPTIONS"[..]), Some(505)));
    assert!(message.via().is_ok() && message.cseq().is_ok());
}
