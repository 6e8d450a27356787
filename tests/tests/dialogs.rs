//! Dialogs from either side (RFC 3261 §12).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::dialog::{Dialog, Order, ROUTES_MAX};
use offhook::sip::{HeaderName, Message, text};

const VIA: &[u8] = b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK9";

fn message(start: &str, extra: &str) -> Message<Vec<u8>> {
    let cseq =
        if start.contains("SIP/2.0 2") { "INVITE" } else { start.split(' ').next().unwrap() };
    let to = if start.starts_with("INVITE") { "" } else { ";tag=theirs" };
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: \"A\" <sip:a@h>;tag=ours\r\nTo: <sip:b@h>{to}\r\nCall-ID: c1\r\nCSeq: 5 {cseq}\r\n{extra}\r\n"
    );
    Message::parse(text.into_bytes()).unwrap()
}

fn caller(extra: &str) -> Dialog {
    let invite = message("INVITE sip:b@h SIP/2.0", "");
    Dialog::of_caller(&invite, &message("SIP/2.0 200 OK", extra)).unwrap()
}

fn callee(extra: &str) -> Dialog {
    Dialog::of_callee(&message("INVITE sip:b@h SIP/2.0", extra), "mine").unwrap()
}

fn built(dialog: &mut Dialog, method: &str) -> Message<Vec<u8>> {
    Message::parse(dialog.request(method.as_bytes(), VIA).unwrap().finish()).unwrap()
}

fn header(message: &Message<Vec<u8>>, name: HeaderName) -> String {
    let values: Vec<_> = message.elements(name).map(text).collect();
    values.join(", ")
}

#[test]
fn the_callers_requests_go_to_the_contact_with_rising_cseq() {
    let mut dialog = caller("Contact: <sip:b@192.0.2.9:5070;x=y>\r\n");
    let bye = built(&mut dialog, "BYE");
    assert_eq!(text(bye.request_uri().unwrap()), "sip:b@192.0.2.9:5070;x=y");
    assert_eq!(header(&bye, HeaderName::From), "\"A\" <sip:a@h>;tag=ours");
    assert_eq!(header(&bye, HeaderName::To), "<sip:b@h>;tag=theirs");
    assert_eq!((bye.call_id().unwrap(), bye.cseq().unwrap().number), (&b"c1"[..], 6));
    assert_eq!(built(&mut dialog, "BYE").cseq().unwrap().number, 7);
}

#[test]
fn the_ack_has_the_invites_number() {
    let dialog = caller("Contact: <sip:b@192.0.2.9>\r\n");
    let ack = Message::parse(dialog.ack(VIA, 5).unwrap().finish()).unwrap();
    assert_eq!((ack.cseq().unwrap().number, ack.cseq().unwrap().method), (5, &b"ACK"[..]));
}

#[test]
fn a_caller_walks_the_recorded_route_backwards_a_callee_forwards() {
    let recorded = "Contact: <sip:b@h9>\r\nRecord-Route: <sip:p2;lr>, <sip:p1;lr>\r\n";
    let mut caller = caller(recorded);
    assert_eq!(header(&built(&mut caller, "BYE"), HeaderName::Route), "<sip:p1;lr>, <sip:p2;lr>");
    assert_eq!(caller.next_hop(), b"sip:p1;lr");
    let mut callee = callee(recorded);
    assert_eq!(header(&built(&mut callee, "BYE"), HeaderName::Route), "<sip:p2;lr>, <sip:p1;lr>");
    assert_eq!(callee.next_hop(), b"sip:p2;lr");
}

#[test]
fn a_strict_router_becomes_the_request_uri_and_the_target_goes_last() {
    let mut dialog = callee("Contact: <sip:b@h9>\r\nRecord-Route: <sip:p1>, <sip:p2;lr>\r\n");
    let bye = built(&mut dialog, "BYE");
    assert_eq!(bye.request_uri(), Some(&b"sip:p1"[..]));
    assert_eq!(header(&bye, HeaderName::Route), "<sip:p2;lr>, <sip:b@h9>");
}

#[test]
fn a_callee_speaks_as_the_to_of_the_invite_with_its_own_tag() {
    let mut dialog = callee("Contact: <sip:a@h9>\r\n");
    let bye = built(&mut dialog, "BYE");
    assert_eq!(header(&bye, HeaderName::From), "<sip:b@h>;tag=mine");
    assert_eq!(
        (header(&bye, HeaderName::To), bye.cseq().unwrap().number),
        ("\"A\" <sip:a@h>;tag=ours".into(), 1)
    );
}

#[test]
fn r13_an_invite_without_contact_makes_no_dialog() {
    assert!(Dialog::of_callee(&message("INVITE sip:b@h SIP/2.0", ""), "mine").is_err());
}

#[test]
fn a_request_belongs_to_the_dialog_by_call_id_and_both_tags() {
    let dialog = callee("Contact: <sip:a@h9>\r\n");
    let of = |from: &str, to: &str, id: &str| {
        let text = format!(
            "BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>{from}\r\nTo: <sip:b@h>{to}\r\nCall-ID: {id}\r\nCSeq: 6 BYE\r\n\r\n"
        );
        dialog.is_of_request(&Message::parse(text.into_bytes()).unwrap())
    };
    assert!(of(";tag=ours", ";tag=mine", "c1"));
    assert!(!of(";tag=ours", ";tag=other", "c1"));
    assert!(!of(";tag=other", ";tag=mine", "c1"));
    assert!(!of("", ";tag=mine", "c1"));
    assert!(!of(";tag=ours", ";tag=mine", "c2"));
}

#[test]
fn a_cseq_that_does_not_rise_is_stale() {
    let mut dialog = callee("Contact: <sip:a@h9>\r\n");
    let bye = |number: u32| {
        let text = format!(
            "BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=ours\r\nTo: <sip:b@h>;tag=mine\r\nCall-ID: c1\r\nCSeq: {number} BYE\r\n\r\n"
        );
        Message::parse(text.into_bytes()).unwrap()
    };
    assert_eq!(dialog.note_request(&bye(5)), Order::Stale);
    assert_eq!(dialog.note_request(&bye(9)), Order::Fresh);
    assert_eq!(dialog.note_request(&bye(9)), Order::Stale);
    assert_eq!(dialog.note_request(&bye(2_147_483_647)), Order::Fresh);
}

#[test]
fn a_target_refresh_moves_the_peer_and_leaves_the_routes() {
    let mut dialog = callee("Contact: <sip:a@h9>\r\nRecord-Route: <sip:p1;lr>\r\n");
    dialog.refresh_target(&message(
        "INVITE sip:b@h SIP/2.0",
        "Contact: <sip:a@h10>\r\nRecord-Route: <sip:p3;lr>\r\n",
    ));
    let bye = built(&mut dialog, "BYE");
    assert_eq!(bye.request_uri(), Some(&b"sip:a@h10"[..]));
    assert_eq!(header(&bye, HeaderName::Route), "<sip:p1;lr>");
}

#[test]
fn routes_are_kept_up_to_the_limit_and_refused_one_past_it() {
    for (count, fine) in [(ROUTES_MAX, true), (ROUTES_MAX + 1, false)] {
        let extra =
            "Contact: <sip:a@h9>\r\n".to_owned() + &"Record-Route: <sip:p;lr>\r\n".repeat(count);
        let made = Dialog::of_callee(&message("INVITE sip:b@h SIP/2.0", &extra), "mine");
        assert_eq!(made.is_ok(), fine, "{count}");
    }
}
