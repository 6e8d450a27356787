//! What became of messages is told between two sessions (RFC 5438).

mod sides;

use offhook_fsm::Instant;
use offhook_msrp::chat::{
    ASKED_MAX, Ask, DISPLAYS_MAX, Event, Features, Incoming, Input, Local, Outgoing, Peer,
    WANTS_BYTES_MAX,
};
use offhook_msrp::composing::{self, Composing};
use offhook_msrp::cpim::{Builder, Cpim};
use offhook_msrp::imdn::{self, Disposition, Imdn, Kind};
use offhook_msrp::{Frame, Framer};

use crate::sides::{ALICE, BOB, Side, carry, settle, statuses};

const BOTH: Ask = Ask { delivery: true, display: true };
const TYPES: &str = "message/cpim text/* application/im-iscomposing+xml";
/// 2008-04-04T17:16:49Z.
const EPOCH_US: i64 = 1_207_329_409_000_000;

fn side(uri: &str, active: bool, name: &str, seed: u64) -> Side {
    let local = Local {
        accept_types: TYPES.into(),
        identity: (String::new(), name.into()),
        epoch_us: EPOCH_US,
        features: Features { composing: true, dispositions: true, ..Features::default() },
        ..Local::new(uri, active)
    };
    Side::new(local, seed)
}

/// Two sides that take `wrapped` in CPIM.
fn pair_that_takes(wrapped: &str) -> (Side, Side) {
    let peer = |uri: &str, name: &str| Peer {
        accept_types: TYPES.into(),
        accept_wrapped_types: wrapped.into(),
        identity: (String::new(), name.into()),
        ..Peer::new(uri)
    };
    let mut a = side(ALICE, true, "sip:alice@h", 1);
    let mut b = side(BOB, false, "sip:bob@h", 2);
    a.put(Input::Start(peer(BOB, "sip:bob@h")));
    b.put(Input::Start(peer(ALICE, "sip:alice@h")));
    a.put(Input::Connected);
    b.put(Input::Connected);
    settle(&mut a, &mut b, 4096);
    a.events.clear();
    b.events.clear();
    (a, b)
}

fn pair() -> (Side, Side) {
    pair_that_takes("*")
}

/// Who told what about which message of ours.
fn told(side: &Side) -> Vec<(&str, &str, Kind, Disposition)> {
    let told = side.events.iter().filter_map(|event| match event {
        Event::Disposition { from, told } => {
            Some((from.as_str(), told.message_id.as_str(), told.kind, told.disposition))
        }
        _ => None,
    });
    told.collect()
}

/// The bodies on a wire.
fn bodies(wire: &[u8]) -> Vec<Vec<u8>> {
    let mut framer = Framer::new();
    framer.push(wire);
    let mut found = Vec::new();
    while let Ok(Some(frame)) = framer.next_frame() {
        if let Frame::Body(bytes) = frame {
            found.push(bytes.to_vec());
        }
    }
    found
}

#[test]
fn what_was_delivered_is_told_at_once_and_what_was_displayed_when_it_is() {
    let (mut a, mut b) = pair();
    a.put(Input::Ask(BOTH));
    a.send("m1", b"hello");
    settle(&mut a, &mut b, 100);
    assert_eq!(b.contents(), [("m1", &b"hello"[..])]);
    let delivered = ("sip:bob@h", "m1", Kind::Delivery, Disposition::Delivered);
    assert_eq!(told(&a), [delivered]);
    for _again in 0..3 {
        b.put(Input::Displayed { id: "m1" });
    }
    settle(&mut a, &mut b, 100);
    let displayed = ("sip:bob@h", "m1", Kind::Display, Disposition::Displayed);
    assert_eq!(told(&a), [delivered, displayed], "once each");
    assert_eq!(a.delivered(), ["m1"], "MSRP's own report");
    assert!(b.events.len() == 1, "nothing is told of documents of our own: {:?}", b.events);
}

#[test]
fn rfc5438_6_and_7_what_goes_over_the_wire() {
    let (mut a, mut b) = pair();
    a.now = Instant::from_millis(1000);
    a.put(Input::Ask(BOTH));
    a.send("34jk324j", b"Hello World");
    let wire = bodies(&a.wire);
    let text = "From: <sip:alice@h>\r\nTo: <sip:bob@h>\r\nDateTime: 2008-04-04T17:16:50.000000Z\r\n\
        NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n\
        imdn.Disposition-Notification: positive-delivery, negative-delivery, display\r\n\r\n\
        Content-Type: text/plain\r\n\r\nHello World";
    assert_eq!(String::from_utf8_lossy(&wire[0]), text);
    carry(&mut a, &mut b, 1000);
    let wire = bodies(&b.wire);
    let notification = Cpim::parse(&wire[0]).unwrap();
    let value = |name: &str| notification.header(name).map(|header| header.value);
    assert_eq!(value("From"), Some("<sip:bob@h>"));
    assert_eq!(value("To"), Some("<sip:alice@h>"));
    assert!(value("imdn.Message-ID").is_some_and(|id| id != "34jk324j"));
    assert_eq!(value("imdn.Disposition-Notification"), None);
    let headers = notification.content_headers.iter().map(|header| (header.name, header.value));
    assert_eq!(
        headers.collect::<Vec<_>>(),
        [("Content-Type", imdn::CONTENT_TYPE), ("Content-Disposition", "notification")]
    );
    let expected = Imdn {
        recipient_uri: Some("sip:bob@h".into()),
        original_recipient_uri: Some("sip:bob@h".into()),
        ..Imdn::new("34jk324j", EPOCH_US + 1_000_000, Kind::Delivery, Disposition::Delivered)
    };
    assert_eq!(Imdn::parse(notification.content), Ok(expected));
}

#[test]
fn what_was_not_asked_is_not_told() {
    for (ask, kinds) in [
        (Ask::default(), &[][..]),
        (Ask { delivery: true, display: false }, &[Kind::Delivery]),
        (Ask { delivery: false, display: true }, &[Kind::Display]),
    ] {
        let (mut a, mut b) = pair();
        a.put(Input::Ask(ask));
        a.send("m1", b"x");
        settle(&mut a, &mut b, 100);
        b.put(Input::Displayed { id: "m1" });
        b.put(Input::Displayed { id: "m2" });
        settle(&mut a, &mut b, 100);
        let found: Vec<Kind> = told(&a).iter().map(|told| told.2).collect();
        assert_eq!(found, kinds, "{ask:?}");
    }
}

#[test]
fn a_peer_that_takes_no_notifications_is_neither_asked_nor_told() {
    let (mut a, mut b) = pair_that_takes("text/* image/*");
    a.put(Input::Ask(BOTH));
    a.send("m1", b"x");
    let body = String::from_utf8(bodies(&a.wire).remove(0)).unwrap();
    assert!(!body.contains("imdn"), "{body}");
    settle(&mut a, &mut b, 100);
    b.put(Input::Displayed { id: "m1" });
    assert!(b.wire.is_empty());
    // It may ask all the same.
    let mut asking = pair_that_takes("*").0;
    asking.put(Input::Ask(BOTH));
    asking.send("m2", b"y");
    carry(&mut asking, &mut b, 100);
    assert!(bodies(&b.wire).is_empty());
    assert_eq!(b.contents().len(), 2);
}

/// RFC 5438 §7.2.1.1: there would be no end of it.
#[test]
fn nothing_is_ever_told_about_a_notification_or_an_indication() {
    let (mut a, mut b) = pair();
    let wire = |side: &mut Side, id: &str, kind: &str, content: &str| {
        let bytes = Builder::new()
            .header("From", "<sip:alice@h>")
            .and_then(|builder| builder.header("To", "<sip:bob@h>"))
            .and_then(|builder| builder.header("NS", "imdn <urn:ietf:params:imdn>"))
            .and_then(|builder| builder.header("imdn.Message-ID", id))
            .and_then(|b| b.header("imdn.Disposition-Notification", "positive-delivery, display"))
            .and_then(|builder| builder.body(kind, content.as_bytes()))
            .unwrap();
        let head = format!(
            "MSRP t{id} SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\nMessage-ID: {id}\r\n\
             Byte-Range: 1-{0}/{0}\r\nFailure-Report: no\r\nContent-Type: message/cpim\r\n\r\n",
            bytes.len()
        );
        let mut out = head.into_bytes();
        out.extend(bytes);
        out.extend(format!("\r\n-------t{id}$\r\n").bytes());
        side.put(Input::Received(&out));
        side.put(Input::Displayed { id });
    };
    let about = Imdn::new("m1", 0, Kind::Delivery, Disposition::Delivered).print();
    wire(&mut b, "aaaa", imdn::CONTENT_TYPE, &about);
    wire(&mut b, "bbbb", "Message/IMDN+xml; charset=utf-8", &about);
    wire(&mut b, "cccc", imdn::CONTENT_TYPE, "no document");
    wire(&mut b, "dddd", composing::CONTENT_TYPE, &Composing::new(true).print());
    assert!(b.wire.is_empty(), "{}", String::from_utf8_lossy(&b.wire));
    wire(&mut b, "eeee", "text/plain", "hello");
    assert_eq!(bodies(&b.wire).len(), 2, "the same request works for a message");
    carry(&mut b, &mut a, 100);
    assert!(a.wire.is_empty() || bodies(&a.wire).is_empty());
}

/// A SEND of Alice's with CPIM in it.
fn send(id: &str, cpim: &str) -> Vec<u8> {
    let cpim = cpim.replace('\n', "\r\n");
    let length = cpim.len();
    format!(
        "MSRP t{id} SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\nMessage-ID: {id}\r\n\
         Byte-Range: 1-{length}/{length}\r\nContent-Type: message/cpim\r\n\r\n{cpim}\r\n\
         -------t{id}$\r\n"
    )
    .into_bytes()
}

/// RFC 5438 §7.2.1.1, and what the other dispositions of §11.1 are.
#[test]
fn rfc5438_7_2_notifications_of_others_are_understood() {
    use Disposition::{Displayed, Error, Failed, Forbidden};
    let (_a, mut b) = pair();
    b.put(Input::Ask(BOTH));
    b.send("34jk324j", b"Hello World");
    b.wire.clear();
    let example = "From: Bob <im:bob@example.com>
To: Alice <im:alice@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: d834jied93rf

Content-type: message/imdn+xml
Content-Disposition: notification
Content-length: 0

<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">
     <message-id>34jk324j</message-id>
     <datetime>2008-04-04T12:16:49-05:00</datetime>
     <recipient-uri>im:bob@example.com</recipient-uri>
     <original-recipient-uri>im:bob@example.com</original-recipient-uri>
     <delivery-notification>
       <status>
         <delivered/>
       </status>
     </delivery-notification>
</imdn>
";
    let mut expected = Vec::new();
    for (number, (kind, disposition)) in [
        (Kind::Delivery, Disposition::Delivered),
        (Kind::Delivery, Failed),
        (Kind::Delivery, Forbidden),
        (Kind::Delivery, Error),
        (Kind::Display, Displayed),
    ]
    .into_iter()
    .enumerate()
    {
        let told = example
            .replace("delivery-", &format!("{kind}-"))
            .replace("delivered", &disposition.to_string());
        b.put(Input::Received(&send(&format!("n00{number}"), &told)));
        expected.push(("im:bob@example.com", "34jk324j", kind, disposition));
    }
    assert_eq!(told(&b), expected);
    assert_eq!(b.events.len(), expected.len());
    assert!(bodies(&b.wire).is_empty(), "nothing is told about a notification");
}

#[test]
fn who_asks_with_endless_names_is_told_nothing() {
    let asks = |id: &str| {
        format!(
            "From: <sip:alice@h>\nTo: <sip:bob@h>\nNS: imdn <urn:ietf:params:imdn>\n\
             imdn.Message-ID: {id}\nimdn.Disposition-Notification: positive-delivery, display\n\n\
             Content-Type: text/plain\n\nhi"
        )
    };
    let others = "sip:alice@h".len() + "sip:bob@h".len();
    for (bytes, told) in [(WANTS_BYTES_MAX - others, 1), (WANTS_BYTES_MAX - others + 1, 0)] {
        let (_a, mut b) = pair();
        b.put(Input::Received(&send("m001", &asks(&"x".repeat(bytes)))));
        assert_eq!((bodies(&b.wire).len(), b.contents().len()), (told, 1), "{bytes}");
    }
}

/// RFC 3862 §3.5.
#[test]
fn a_message_that_must_be_understood_and_is_not_is_refused() {
    let (_a, mut b) = pair();
    let message = |required: &str| {
        format!(
            "From: <sip:alice@h>\nNS: x <urn:x>\nRequire: {required}\n\nContent-Type: text/plain\n\nhi"
        )
    };
    b.put(Input::Received(&send("m001", &message("x.Colour"))));
    b.put(Input::Received(&send("m002", &message("From"))));
    assert_eq!(statuses(&b.wire), [400, 200]);
    assert_eq!(b.contents(), [("m002", &b"hi"[..])]);
}

#[test]
fn a_notification_about_no_message_of_ours_is_dropped() {
    let (mut a, mut b) = pair();
    let notification =
        |id: &str| Imdn::new(id, 0, Kind::Display, Disposition::Displayed).print().into_bytes();
    a.put(Input::Ask(BOTH));
    a.send("m1", b"x");
    for (id, about) in [("n1", "m1"), ("n2", "m2"), ("n3", "")] {
        b.put(Input::Send(Outgoing::new(id, imdn::CONTENT_TYPE, notification(about))));
    }
    settle(&mut a, &mut b, 100);
    let displays: Vec<_> = told(&a).iter().filter(|t| t.2 == Kind::Display).map(|t| t.1).collect();
    assert_eq!(displays, ["m1"]);
}

#[test]
fn what_cannot_be_read_is_handed_on() {
    let (mut a, mut b) = pair();
    a.put(Input::Send(Outgoing::new("m1", imdn::CONTENT_TYPE, b"<imdn>".to_vec())));
    settle(&mut a, &mut b, 100);
    assert!(
        matches!(&b.events[..], [Event::Message(Incoming { content, .. })] if content == b"<imdn>")
    );
}

#[test]
fn the_oldest_are_forgotten_on_both_sides() {
    let (mut a, mut b) = pair();
    a.put(Input::Ask(Ask { delivery: false, display: true }));
    for number in 0..=DISPLAYS_MAX {
        a.send(&format!("m{number}"), b"x");
    }
    settle(&mut a, &mut b, 4096);
    b.put(Input::Displayed { id: "m0" });
    assert!(b.wire.is_empty());
    b.put(Input::Displayed { id: "m1" });
    let last = format!("m{DISPLAYS_MAX}");
    b.put(Input::Displayed { id: &last });
    settle(&mut a, &mut b, 4096);
    let ids: Vec<&str> = told(&a).iter().map(|told| told.1).collect();
    assert_eq!(ids, ["m1", &last]);
    for number in 0..ASKED_MAX {
        a.send(&format!("later{number}"), b"x");
    }
    settle(&mut a, &mut b, 4096);
    let late = Imdn::new("m1", 0, Kind::Display, Disposition::Displayed).print().into_bytes();
    b.put(Input::Send(Outgoing::new("n1", imdn::CONTENT_TYPE, late)));
    a.events.clear();
    settle(&mut a, &mut b, 4096);
    assert!(told(&a).is_empty());
}

#[test]
fn both_sides_ask_for_everything_and_it_comes_to_rest() {
    let (mut a, mut b) = pair();
    a.put(Input::Ask(BOTH));
    b.put(Input::Ask(BOTH));
    for number in 0..50 {
        a.send(&format!("a{number}"), b"x");
        b.send(&format!("b{number}"), b"y");
        settle(&mut a, &mut b, 64);
        a.put(Input::Displayed { id: &format!("b{number}") });
        b.put(Input::Displayed { id: &format!("a{number}") });
        settle(&mut a, &mut b, 64);
    }
    for side in [&a, &b] {
        assert_eq!((told(side).len(), side.contents().len()), (100, 50));
        assert_eq!(side.delivered().len(), 50);
    }
}
