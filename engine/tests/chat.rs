//! Chats between engines, and with peers that are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use common::process::{Held, alone};
use common::{PATIENCE, Party, wait_state};
use offhook::negotiate::AcceptTypes;
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::session::Policy;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Session};

const CHAT: Streams = Streams { audio: false, chat: true };

/// A chat that stands on both sides.
fn chat(alice: &Party, bob: &Party, streams: Streams) -> (Session, Session) {
    let number = bob.calls();
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], streams, &[]).unwrap();
    let answer = bob.incoming(number);
    answer.accept(streams, &[]).unwrap();
    for (party, session) in [(alice, &call), (bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
        wait(party, session, "MSRPChatDidStart");
    }
    (call, answer)
}

fn wait(party: &Party, session: &Session, name: &str) {
    let sender = Sender::Session(session.id());
    party.record.wait(|n| n.sender == sender && n.name() == name);
}

/// What a party got, as text, once there is so much of it.
fn messages(party: &Party, session: &Session, count: usize) -> Vec<String> {
    let sender = Sender::Session(session.id());
    let got = party.record.wait_count(count, |n| {
        n.sender == sender && matches!(n.data, Data::SessionGotMessage { .. })
    });
    let texts = got.iter().filter_map(|n| match &n.data {
        Data::SessionGotMessage { content, .. } => {
            Some(String::from_utf8_lossy(content).into_owned())
        }
        _ => None,
    });
    texts.collect()
}

/// REFERENCE 1.9 item 1, 1.9 item 7, 1.9 item 11, 1.9 item 12
#[test]
fn messages_go_both_ways_in_order_and_each_is_told_delivered_once() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = chat(&alice, &bob, CHAT);
    let texts: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    for text in &texts {
        call.send_message(text.as_bytes(), "text/plain", None).unwrap();
        answer.send_message(text.as_bytes(), "text/plain", None).unwrap();
    }
    for (party, session) in [(&alice, &call), (&bob, &answer)] {
        assert_eq!(messages(party, session, texts.len()), texts);
        let delivered =
            party.record.wait_count(texts.len(), |n| n.name() == "SIPSessionDidDeliverMessage");
        assert_eq!(delivered.len(), texts.len());
    }
}

/// REFERENCE 1.9 item 10
#[test]
fn what_is_sent_before_the_chat_stands_waits_and_keeps_its_order() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    call.send_message(b"first", "text/plain", None).unwrap();
    call.send_message(b"second", "text/plain", None).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    assert_eq!(messages(&bob, &answer, 2), ["first", "second"]);
}

/// The setting `chat.accept_types`
#[test]
fn a_chat_sends_nothing_that_the_peer_s_settings_do_not_take() {
    let _alone = alone();
    let accept_types =
        AcceptTypes { types: "message/cpim text/plain".into(), wrapped: "text/plain".into() };
    let policy = Policy { accept_types, ..Policy::default() };
    let bob = Party::with(Config { policy, ..Config::default() });
    let alice = Party::new();
    let (call, answer) = chat(&alice, &bob, CHAT);
    call.send_message(b"\x89PNG", "image/png", None).unwrap();
    let refused = alice.record.wait(|n| matches!(n.data, Data::SessionDidNotDeliverMessage { .. }));
    assert!(matches!(&refused.data, Data::SessionDidNotDeliverMessage { code: 415, .. }));
    call.send_message(b"in words", "text/plain", None).unwrap();
    assert_eq!(messages(&bob, &answer, 1), ["in words"]);
}

#[test]
fn a_chat_that_is_over_leaves_no_descriptor() {
    let _alone = alone();
    let before = Held::now();
    let (alice, bob) = (Party::new(), Party::new());
    let (call, _answer) = chat(&alice, &bob, Streams { audio: true, chat: true });
    call.remove_chat().unwrap();
    for party in [&alice, &bob] {
        party.record.wait(
            |n| matches!(&n.data, Data::SessionGotStreamUpdate { streams } if streams.len() == 1),
        );
    }
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    drop((call, _answer, alice, bob));
    before.wait_for_return();
}
