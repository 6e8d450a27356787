//! Nicknames and private messages, as a participant of a chat room (RFC 7701).

mod sides;

use offhook_fsm::Instant;
use offhook_fsm::msrp_link::State;
use offhook_msrp::Message;
use offhook_msrp::chat::{ChatError, Event, Input, Local, Outgoing, Peer, WAIT_MS};
use offhook_msrp::cpim::Cpim;

use crate::sides::{ALICE, BOB, Side, settle, statuses, usual};

const NAME: &str = "Alice the great";

/// The answer to the only request on the wire.
fn answer(side: &mut Side, status: &str) {
    let wire = std::mem::take(&mut side.wire);
    let request = String::from_utf8_lossy(&wire);
    let id = request.split(' ').nth(1).unwrap_or_default();
    let bytes =
        format!("MSRP {id} {status}\r\nTo-Path: {ALICE}\r\nFrom-Path: {BOB}\r\n-------{id}$\r\n");
    side.put(Input::Received(bytes.as_bytes()));
}

/// The value of Use-Nickname in the NICKNAME request on the wire.
fn asked(side: &Side) -> Option<String> {
    let request = Message::parse(&side.wire).ok()?;
    request.head.method().filter(|method| *method == "NICKNAME")?;
    request.head.header("Use-Nickname").map(str::to_owned)
}

fn told(nickname: &str, code: u16, reason: &str) -> Event {
    Event::Nickname { nickname: nickname.into(), code, reason: reason.into() }
}

#[test]
fn rfc7701_7_1_a_nickname_is_asked_for_and_the_room_answers() {
    for (status, code, reason) in [
        ("200 OK", 200, "OK"),
        ("423 Too long", 423, "Too long"),
        ("425 Nickname Not Usable", 425, "Nickname Not Usable"),
        ("501 Unknown", 501, "Unknown"),
    ] {
        let (mut a, _room) = usual();
        a.put(Input::Nickname(NAME));
        assert_eq!(asked(&a).as_deref(), Some("\"Alice the great\""));
        answer(&mut a, status);
        assert_eq!(a.events, [told(NAME, code, reason)]);
        assert_eq!((a.chat.state(), a.deadline), (State::Started, None));
        a.put(Input::Nickname(""));
        assert_eq!(asked(&a).as_deref(), Some("\"\""));
    }
}

#[test]
fn a_room_that_does_not_answer_is_408_after_thirty_seconds() {
    let (mut a, _room) = usual();
    a.put(Input::Nickname(NAME));
    assert_eq!(a.deadline, Some(Instant::from_millis(WAIT_MS)));
    a.now = Instant::from_millis(WAIT_MS);
    a.put(Input::Timeout);
    assert_eq!(a.events, [told(NAME, 408, "no response came in time")]);
    assert_eq!(a.deadline, None);
}

#[test]
fn one_nickname_is_asked_for_at_a_time_and_none_before_the_session_stands() {
    let mut early = Side::new(Local::new(ALICE, true), 1);
    early.put(Input::Start(Peer::new(BOB)));
    assert_eq!(early.try_put(Input::Nickname(NAME)), Err(ChatError::State(State::Waiting)));
    let (mut a, _room) = usual();
    a.put(Input::Nickname(NAME));
    assert_eq!(a.try_put(Input::Nickname("b")), Err(ChatError::Pending));
    answer(&mut a, "200 OK");
    for bad in ["a\r\nb", "a\0b", &"x".repeat(1024)] {
        assert_eq!(a.try_put(Input::Nickname(bad)), Err(ChatError::Invalid("the nickname")));
        assert!(a.wire.is_empty());
    }
    a.put(Input::Nickname("b"));
    a.put(Input::Disconnected(None));
    let last = [told("b", 0, "the session is over"), Event::Ended];
    assert_eq!(a.events[1..], last);
}

/// We are no room.
#[test]
fn rfc4975_9_a_nickname_that_is_asked_of_us_is_501() {
    let (mut a, mut b) = usual();
    a.put(Input::Nickname(NAME));
    let wire = std::mem::take(&mut a.wire);
    b.put(Input::Received(&wire));
    assert_eq!(statuses(&b.wire), [501]);
    assert!(b.events.is_empty());
    settle(&mut a, &mut b, 50);
    assert_eq!(a.events, [told(NAME, 501, "Method Not Understood")]);
}

#[test]
fn rfc7701_6_2_a_private_message_names_its_receiver_and_hears_why_it_was_refused() {
    for (status, code) in [("404 Failure to Resolve", 404), ("428 No private messages", 428)] {
        let identity = |name: &str| (String::new(), name.to_owned());
        let mut a =
            Side::new(Local { identity: identity("sip:alice@h"), ..Local::new(ALICE, true) }, 1);
        a.put(Input::Start(Peer { identity: identity("sip:room@h"), ..Peer::new(BOB) }));
        a.put(Input::Connected);
        answer(&mut a, "200 OK");
        a.events.clear();
        let message = Outgoing::new("m1", "text/plain", b"psst".to_vec());
        a.put(Input::Send(Outgoing { to: Some("sip:carol@h".into()), ..message }));
        let wire = a.wire.clone();
        let request = Message::parse(&wire).unwrap();
        let wrapped = Cpim::parse(request.body.unwrap()).unwrap();
        assert_eq!(wrapped.header("To").unwrap().value, "<sip:carol@h>");
        answer(&mut a, status);
        assert_eq!(a.failed(), [("m1", code)]);
        assert_eq!(a.chat.state(), State::Started);
    }
}
