//! A callee sends no BYE before the ACK to its 200 has come, or the wait for it is over
//! (RFC 3261 §15), whatever ends the call and whoever is left to wait.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

use offhook::endpoint::Input as Arrival;
use offhook::media::control::MediaEvent;
use offhook::session::{Input, Order};
use offhook::sip::{Message, text};
use offhook::transport::{Received, Transport};
use offhook_fsm::Entropy;
use offhook_tests::door::Door;
use offhook_tests::{Rig, STREAM, destination};

fn audio_breaks(rig: &mut Rig) {
    rig.media_event(MediaEvent::Failed { stream: STREAM, reason: "the socket is gone".into() });
}

/// A name for the test's message, and what happens.
type Ending = (&'static str, fn(&mut Rig));

/// What ends an answered call before its ACK, and leaves the rest to the endpoint.
fn endings() -> [Ending; 4] {
    [
        ("audio breaks", audio_breaks),
        ("a fault", |rig| rig.feed(Input::Fault("broken".into())).unwrap()),
        ("a lost core", |rig| {
            let farewell = rig.core.farewell();
            let outputs = farewell.outputs(rig.now, &mut Entropy::from_u64(3));
            outputs.into_iter().for_each(|output| rig.take(output));
        }),
        ("a fault after end()", |rig| {
            rig.order(Order::End).unwrap();
            rig.feed(Input::Fault("broken".into())).unwrap();
        }),
    ]
}

/// An endpoint with what that ending left.
fn left_by(end: fn(&mut Rig)) -> (Rig, Door) {
    let mut rig = Rig::answered();
    end(&mut rig);
    let mut door = Door::default();
    for transaction in std::mem::take(&mut rig.left) {
        door.feed(Arrival::HandOver(Box::new(transaction)));
    }
    (rig, door)
}

/// First words of what the endpoint has sent since the last look.
fn sent(door: &mut Door) -> Vec<String> {
    let word = |bytes: &[u8]| {
        let message = Message::parse(bytes).unwrap();
        message.status().map_or_else(
            || text(message.method().unwrap()).into_owned(),
            |status| status.to_string(),
        )
    };
    std::mem::take(&mut door.sent).iter().map(|sent| word(&sent.bytes)).collect()
}

/// The peer's ACK.
fn ack(cseq: u32, tag: &str) -> String {
    format!(
        "ACK sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKack;rport\r\nMax-Forwards: 70\r\nFrom: <sip:bob@192.0.2.9>;tag=theirs\r\nTo: <sip:alice@192.0.2.1>;tag={tag}\r\nCall-ID: c1\r\nCSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Our tag: that of the repeated 200.
fn tag(door: &mut Door) -> String {
    door.run_until(500);
    let ok = Message::parse(door.sent[0].bytes.to_vec()).unwrap();
    assert_eq!(sent(door), ["200"], "the 200 is repeated on");
    text(ok.to().unwrap().tag().unwrap()).into_owned()
}

fn arrive(door: &mut Door, bytes: &str) {
    let source = destination(Transport::Udp);
    door.feed(Arrival::Message { source, bytes: bytes.as_bytes() });
}

#[test]
fn the_end_is_told_at_once_and_the_bye_is_not_sent() {
    for (what, end) in endings() {
        let (mut rig, mut door) = left_by(end);
        let told = rig.told();
        assert_eq!(told.last().map(String::as_str), Some("DidEnd{local}"), "{what}: {told:?}");
        assert_eq!((rig.sent(), rig.handed_over), (vec![], 1), "{what}");
        assert_eq!(sent(&mut door), [""; 0], "{what}");
    }
}

#[test]
fn the_ack_lets_the_bye_go() {
    for (what, end) in endings() {
        let (_rig, mut door) = left_by(end);
        let tag = tag(&mut door);
        arrive(&mut door, &ack(1, &tag));
        assert_eq!(sent(&mut door), ["BYE"], "{what}");
        arrive(&mut door, &ack(1, &tag));
        assert_eq!((sent(&mut door), door.core.counters().strays), (vec![], 0), "{what}");
        assert_eq!(door.passed.len(), 1, "{what}: the next one is as any other");
        door.run_until(500 + 499);
        assert_eq!(sent(&mut door), [""; 0], "{what}: the 200 is repeated no more");
        door.run_until(500 + 32_000);
        assert!(sent(&mut door).iter().all(|word| word == "BYE"), "{what}");
        assert_eq!(door.core.transactions(), 0, "{what}");
    }
}

#[test]
fn without_an_ack_the_bye_goes_after_64_t1() {
    for (what, end) in endings() {
        let (_rig, mut door) = left_by(end);
        door.run_until(31_999);
        assert_eq!(sent(&mut door), ["200"; 10], "{what}");
        door.run_until(32_000);
        assert_eq!(sent(&mut door), ["BYE"], "{what}");
        door.run_until(70_000);
        assert_eq!(door.core.transactions(), 0, "{what}");
    }
}

#[test]
fn an_ack_of_another_number_or_tag_lets_nothing_go() {
    let (_rig, mut door) = left_by(audio_breaks);
    let tag = tag(&mut door);
    arrive(&mut door, &ack(2, &tag));
    arrive(&mut door, &ack(1, &format!("{tag}x")));
    assert_eq!(sent(&mut door), [""; 0]);
}

#[test]
fn an_ack_that_was_on_its_way_to_the_session_counts_too() {
    let (_rig, mut door) = left_by(audio_breaks);
    let tag = tag(&mut door);
    let message = Message::parse(ack(1, &tag).into_bytes().into_boxed_slice()).unwrap();
    let key = offhook::transaction::ServerKey::new(&message).unwrap();
    let source = destination(Transport::Udp);
    door.feed(Arrival::Gone(key, Box::new(Received { message, source })));
    assert_eq!((sent(&mut door), door.core.counters().strays), (vec!["BYE".to_owned()], 0));
}

#[test]
fn an_end_before_the_ack_waits_in_the_session_itself() {
    let mut rig = Rig::answered();
    rig.order(Order::End).unwrap();
    rig.run_until(31_999);
    assert_eq!(rig.sent(), ["200"; 10]);
    rig.run_until(32_000);
    assert_eq!(rig.sent(), ["BYE"]);
}

#[test]
fn a_break_while_the_ack_to_a_later_200_is_awaited_holds_the_bye_back_too() {
    let mut rig = Rig::callee();
    rig.request_with("INVITE", 2, offhook_tests::SDP);
    rig.clear();
    audio_breaks(&mut rig);
    assert_eq!((rig.sent(), rig.handed_over), (vec![], 1));
}

#[test]
fn the_callers_bye_waits_for_nothing() {
    let mut rig = Rig::calling();
    rig.reply(200, "", offhook_tests::SDP);
    rig.clear();
    audio_breaks(&mut rig);
    assert_eq!(rig.sent(), ["BYE"]);
}
