//! Who writes is told between two sessions (RFC 3994).

mod sides;

use std::time::Duration;

use offhook_fsm::Instant;
use offhook_msrp::chat::{Event, Features, Input, Local, Outgoing, Output, Peer, WRITERS_MAX};
use offhook_msrp::composing::{CONTENT_TYPE, Composing, REFRESH_DEFAULT_S};
use offhook_msrp::cpim;

use crate::sides::{ALICE, BOB, Side, settle};

const TYPES: &str = "message/cpim text/* application/im-iscomposing+xml";

fn local(uri: &str, active: bool, name: &str) -> Local {
    Local {
        accept_types: TYPES.into(),
        identity: (String::new(), name.into()),
        features: Features { composing: true, ..Features::default() },
        ..Local::new(uri, active)
    }
}

/// Two sides of which Bob says that he takes `types`.
fn pair(types: &str) -> (Side, Side) {
    let peer = |uri: &str, types: &str, name: &str| Peer {
        accept_types: types.into(),
        identity: (String::new(), name.into()),
        ..Peer::new(uri)
    };
    let mut a = Side::new(local(ALICE, true, "sip:alice@h"), 1);
    let mut b = Side::new(local(BOB, false, "sip:bob@h"), 2);
    a.put(Input::Start(peer(BOB, types, "sip:bob@h")));
    b.put(Input::Start(peer(ALICE, TYPES, "sip:alice@h")));
    a.put(Input::Connected);
    b.put(Input::Connected);
    settle(&mut a, &mut b, 4096);
    assert_eq!((a.events.pop(), b.events.pop()), (Some(Event::Started), Some(Event::Started)));
    (a, b)
}

fn shown(side: &mut Side) -> Vec<bool> {
    let told = std::mem::take(&mut side.events).into_iter().filter_map(|event| match event {
        Event::Composing { told, .. } => Some(told.active),
        _ => None,
    });
    told.collect()
}

/// Both clocks at that second; what is due is done.
fn at(a: &mut Side, b: &mut Side, second: u64) {
    for side in [&mut *a, &mut *b] {
        side.now = Instant::from_millis(second * 1000);
        side.put(Input::Timeout);
    }
    settle(a, b, 100);
}

#[test]
fn the_peer_is_shown_as_writing_from_the_first_key_to_the_message() {
    for types in [TYPES, "text/* application/im-iscomposing+xml"] {
        let (mut a, mut b) = pair(types);
        for _key in 0..5 {
            a.put(Input::Composing(true));
        }
        settle(&mut a, &mut b, 10);
        let from = if types == TYPES { "sip:alice@h" } else { "" };
        let told = Composing { refresh_s: Some(REFRESH_DEFAULT_S), ..Composing::new(true) };
        assert_eq!(b.events, [Event::Composing { from: from.into(), told }], "{types}");
        b.events.clear();
        a.send("m1", b"hello");
        settle(&mut a, &mut b, 10);
        assert!(matches!(
            &b.events[..],
            [Event::Composing { told: Composing { active: false, .. }, .. }, Event::Message(_)]
        ));
        assert_eq!((b.deadline, b.chat.state().to_string()), (None, "STARTED".into()));
        assert!(a.failed().is_empty() && a.delivered().len() <= 1, "documents are not told of");
        assert!(a.events.len() == 1, "{:?}", a.events);
    }
}

#[test]
fn rfc3994_3_1_a_writer_who_pauses_for_fifteen_seconds_is_idle() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Composing(true));
    at(&mut a, &mut b, 14);
    assert_eq!(shown(&mut b), [true]);
    a.put(Input::Composing(true));
    at(&mut a, &mut b, 28);
    assert_eq!(shown(&mut b), [true; 0]);
    at(&mut a, &mut b, 29);
    assert_eq!(shown(&mut b), [false]);
    assert_eq!((a.deadline, b.deadline), (None, None));
}

#[test]
fn rfc3994_3_1_a_long_writing_is_told_again_before_the_peer_forgets_it() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Composing(true));
    for second in (10..=300).step_by(10) {
        at(&mut a, &mut b, second);
        a.put(Input::Composing(true));
    }
    assert_eq!(shown(&mut b), [true]);
    assert!(b.deadline.unwrap() > Instant::from_millis(300_000));
    at(&mut a, &mut b, 315);
    assert_eq!(shown(&mut b), [false]);
}

#[test]
fn rfc3994_3_2_a_writer_who_falls_silent_is_forgotten_after_the_time_it_named() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Composing(true));
    settle(&mut a, &mut b, 100);
    assert_eq!(shown(&mut b), [true]);
    let forgotten = Instant::ZERO + Duration::from_secs(REFRESH_DEFAULT_S);
    assert_eq!(b.deadline, Some(forgotten));
    b.now = forgotten;
    b.put(Input::Timeout);
    assert_eq!((shown(&mut b), b.deadline), (vec![false], None));
}

#[test]
fn what_is_given_up_is_told_at_once() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Composing(false));
    assert!(a.wire.is_empty());
    a.put(Input::Composing(true));
    a.put(Input::Composing(false));
    settle(&mut a, &mut b, 100);
    assert_eq!(shown(&mut b), [true, false]);
    assert!(a.events.is_empty());
}

#[test]
fn a_peer_that_does_not_name_the_type_is_told_nothing() {
    for types in ["text/*", "*", "message/cpim application/*"] {
        let (mut a, mut b) = pair(types);
        a.put(Input::Composing(true));
        assert!(a.wire.is_empty() && a.deadline.is_none(), "{types}");
        if types == "text/*" {
            a.send("m1", b"x");
            settle(&mut a, &mut b, 100);
            assert_eq!(b.contents(), [("m1", &b"x"[..])]);
        }
    }
}

#[test]
fn without_the_feature_a_document_is_a_message_like_others() {
    let (mut a, mut b) = sides::usual();
    a.put(Input::Composing(true));
    assert!(a.wire.is_empty());
    let document = Composing::new(true).print().into_bytes();
    a.put(Input::Send(Outgoing::new("m1", CONTENT_TYPE, document.clone())));
    settle(&mut a, &mut b, 100);
    assert_eq!(b.contents(), [("m1", &document[..])]);
}

#[test]
fn what_is_no_document_is_handed_on() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Send(Outgoing::new("m1", CONTENT_TYPE, b"<isComposing".to_vec())));
    settle(&mut a, &mut b, 100);
    assert_eq!(b.contents(), [("m1", &b"<isComposing"[..])]);
}

#[test]
fn an_end_shows_everybody_as_idle_before_it_is_told() {
    let (mut a, mut b) = pair(TYPES);
    a.put(Input::Composing(true));
    settle(&mut a, &mut b, 100);
    assert_eq!(shown(&mut b), [true]);
    b.put(Input::Disconnected(None));
    let [Event::Composing { told, .. }, Event::Ended] = &b.events[..] else {
        panic!("{:?}", b.events)
    };
    assert!(!told.active && b.deadline.is_none());
}

/// A chat room: many write through one session.
#[test]
fn as_many_writers_are_shown_as_there_is_room_for_and_no_more() {
    let (mut a, mut b) = pair("text/* application/im-iscomposing+xml message/cpim");
    let document = Composing::new(true).print();
    let writers = WRITERS_MAX + 3;
    for writer in 0..writers {
        let bytes = cpim::Builder::new().header("From", &format!("<sip:u{writer}@h>")).unwrap();
        let bytes = bytes.body(CONTENT_TYPE, document.as_bytes()).unwrap();
        // Wrapped by hand: the peer of these sides would be the only one else.
        let headers = format!("Message-ID: d{writer}\r\nByte-Range: 1-{0}/{0}\r\n", bytes.len());
        let mut wire = format!(
            "MSRP t{writer:05} SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\n{headers}\
             Content-Type: message/cpim\r\n\r\n"
        )
        .into_bytes();
        wire.extend(bytes);
        wire.extend(format!("\r\n-------t{writer:05}$\r\n").bytes());
        b.put(Input::Received(&wire));
    }
    assert_eq!(shown(&mut b).len(), WRITERS_MAX);
    b.wire.clear();
    at(&mut a, &mut b, REFRESH_DEFAULT_S);
    assert_eq!(shown(&mut b), [false; WRITERS_MAX]);
}

#[test]
fn a_peer_that_reads_nothing_is_told_no_more_than_there_is_room_for() {
    let (mut a, _b) = pair(TYPES);
    let mut out = Vec::new();
    let mut polled = |side: &mut Side| loop {
        match side.chat.poll_output() {
            Output::Transmit(bytes) => out.push(bytes),
            Output::Timeout(_) => break,
            other => assert!(!matches!(other, Output::Close)),
        }
    };
    // More than the window: nothing further goes out.
    let held = vec![b'x'; 1024 * 1024];
    a.chat.handle_input(a.now, Input::Send(Outgoing::new("m1", "text/plain", held))).unwrap();
    polled(&mut a);
    for _toggle in 0..1000 {
        a.chat.handle_input(a.now, Input::Composing(true)).unwrap();
        a.chat.handle_input(a.now, Input::Composing(false)).unwrap();
    }
    polled(&mut a);
    for _write in 0..1000 {
        a.chat.handle_input(a.now, Input::Written(64 * 1024)).unwrap();
        polled(&mut a);
    }
    let told = String::from_utf8_lossy(&out.concat()).matches("<state>").count();
    assert_eq!(told, 16);
}
