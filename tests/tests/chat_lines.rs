//! What chat lines say of TLS and of who connects (RFC 4975 §8, RFC 6135, RFC 8122).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::media::codec::Codec;
use offhook::negotiate::{
    self, AcceptTypes, Capabilities, LocalChat, OfferedChat, Origin, OwnLine, SettledChat, Setup,
    SrtpPolicy, Wish, Wishes, offered_chat,
};
use offhook::sdp::fingerprint::Fingerprint;

const PLAIN: &str = "m=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.9:2855/x;tcp\r\n";
const TLS: &str = "m=message 2855 TCP/TLS/MSRP *\r\na=path:msrps://192.0.2.9:2855/x;tcp\r\n";

fn described(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}")
}

fn able() -> Capabilities {
    Capabilities {
        codecs: Codec::ALL.into(),
        telephone_event: true,
        chat: true,
        chat_over_tls: false,
        srtp: SrtpPolicy::Disabled,
    }
}

fn origin() -> Origin {
    Origin { session_id: 7, version: 8, address: "192.0.2.1".parse().unwrap() }
}

fn local(tls: bool) -> LocalChat {
    let scheme = if tls { "msrps" } else { "msrp" };
    let fingerprint = tls.then(|| Fingerprint::of(b"our certificate"));
    LocalChat { tls, fingerprint, ..LocalChat::new(4000, format!("{scheme}://192.0.2.1/a;tcp")) }
}

/// Our answer's text, and what it settles.
fn answered(lines: &str, local: LocalChat) -> (String, Option<SettledChat>) {
    let chat = Wish { local: Some(local), line: None };
    let wishes = Wishes { chat, ..Wishes::default() };
    let made = negotiate::answer(described(lines).as_bytes(), &able(), &origin(), &wishes).unwrap();
    (String::from_utf8(made.body).unwrap(), made.settled.chat)
}

/// What the peer's answer to our offer settles.
fn applied(lines: &str, local: LocalChat) -> Option<SettledChat> {
    let lines_of_ours = [OwnLine::Chat(local)];
    let settled = negotiate::apply_answer(described(lines).as_bytes(), &able(), &lines_of_ours);
    settled.unwrap().chat
}

#[test]
fn a_line_tells_the_content_types_that_are_taken() {
    let accept = AcceptTypes { types: "text/plain".into(), wrapped: "text/html".into() };
    let chat = LocalChat { accept, ..local(false) };
    let offer = negotiate::offer(&able(), &origin(), &[OwnLine::Chat(chat)]);
    let text = String::from_utf8(offer).unwrap();
    assert!(text.contains("a=accept-types:text/plain\r\na=accept-wrapped-types:text/html\r\n"));
}

#[test]
fn an_offer_names_the_certificate_and_leaves_open_who_connects() {
    let chat = LocalChat { setup: Some(Setup::ActPass), ..local(true) };
    let offer = negotiate::offer(&able(), &origin(), &[OwnLine::Chat(chat)]);
    let text = String::from_utf8(offer).unwrap();
    let fingerprint = Fingerprint::of(b"our certificate");
    assert!(text.contains("m=message 4000 TCP/TLS/MSRP *\r\na=path:msrps://192.0.2.1/a;tcp\r\n"));
    assert!(
        text.ends_with(&format!("a=setup:actpass\r\na=fingerprint:{fingerprint}\r\n")),
        "{text}"
    );
}

#[test]
fn what_an_offer_asks_for_is_known_before_we_prepare() {
    let of = |lines: &str| offered_chat(described(lines).as_bytes());
    assert_eq!(of(PLAIN), Some(OfferedChat { tls: false, connect: false }));
    assert_eq!(of(TLS), Some(OfferedChat { tls: true, connect: false }));
    let asked = format!("{TLS}a=setup:Passive\r\n");
    assert_eq!(of(&asked), Some(OfferedChat { tls: true, connect: true }));
    for none in [
        "m=message 9 TCP/MSRP *\r\n",
        &PLAIN.replace("2855 TCP", "0 TCP"),
        "m=audio 9 RTP/AVP 0\r\n",
    ] {
        assert_eq!(of(none), None);
    }
    assert_eq!(offered_chat(b"nonsense"), None);
}

#[test]
fn without_setup_the_side_that_offers_connects_and_nothing_is_said_of_it() {
    let (text, settled) = answered(PLAIN, local(false));
    assert!(!text.contains("a=setup"), "{text}");
    assert!(!settled.unwrap().connects);
    assert!(applied(PLAIN, local(false)).unwrap().connects);
}

#[test]
fn each_setup_of_an_offer_has_its_answer() {
    for (offered, said, connects) in [
        ("actpass", "passive", false),
        ("active", "passive", false),
        ("holdconn", "passive", false),
        ("passive", "active", true),
        ("PASSIVE", "active", true),
    ] {
        let (text, settled) = answered(&format!("{PLAIN}a=setup:{offered}\r\n"), local(false));
        assert!(text.contains(&format!("a=setup:{said}\r\n")), "{offered}: {text}");
        assert_eq!(settled.unwrap().connects, connects, "{offered}");
    }
}

#[test]
fn an_answer_decides_who_connects() {
    for (said, connects) in [("active", false), ("passive", true), ("actpass", true)] {
        let lines = format!("{PLAIN}a=setup:{said}\r\n");
        let ours = LocalChat { setup: Some(Setup::ActPass), ..local(false) };
        assert_eq!(applied(&lines, ours).unwrap().connects, connects, "{said}");
    }
}

#[test]
fn a_line_over_another_transport_than_ours_is_not_taken() {
    assert_eq!(applied(TLS, local(false)), None);
    assert_eq!(applied(PLAIN, local(true)), None);
    assert!(applied(TLS, local(true)).unwrap().tls);
}

#[test]
fn fingerprints_are_those_of_the_line_else_those_of_the_description() {
    let (one, other) = (Fingerprint::of(b"one"), Fingerprint::of(b"other"));
    let above = format!("a=fingerprint:{one}\r\n{TLS}");
    assert_eq!(applied(&above, local(true)).unwrap().fingerprints, Some(vec![one.clone()]));
    let both = format!("a=fingerprint:{one}\r\n{TLS}a=fingerprint:{other}\r\n");
    assert_eq!(applied(&both, local(true)).unwrap().fingerprints, Some(vec![other.clone()]));
    let two =
        format!("{TLS}a=fingerprint:{one}\r\na=fingerprint:md5 00\r\na=fingerprint:{other}\r\n");
    assert_eq!(applied(&two, local(true)).unwrap().fingerprints, Some(vec![one, other]));
    assert_eq!(applied(TLS, local(true)).unwrap().fingerprints, Some(vec![]));
}

#[test]
fn a_certificate_told_by_a_broken_hash_alone_is_no_certificate() {
    let weak =
        format!("{TLS}a=fingerprint:md5 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B\r\n");
    assert_eq!(applied(&weak, local(true)).unwrap().fingerprints, None);
}
