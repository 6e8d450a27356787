//! Chats through an MSRP relay (RFC 4976).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::process::alone;
use common::relay::{AboutUri, Manner, Relay};
use common::{Deadline, PATIENCE, Party, wait_state};
use offhook::chat::MsrpRelay;
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::session::Policy;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Credentials, Session};

const CHAT: Streams = Streams { audio: false, chat: true };

/// A party whose chats go through the relay, both those that it begins and those of others.
fn behind(relay: &Relay) -> Party {
    with_password(relay, "sesame")
}

fn with_password(relay: &Relay, password: &str) -> Party {
    let msrp_relay = MsrpRelay {
        tls: false,
        credentials: vec![Credentials::new("alice", password)],
        for_outbound: true,
        ..MsrpRelay::new(relay.address())
    };
    let policy = Policy { msrp_relay: Some(Arc::new(msrp_relay)), ..Policy::default() };
    Party::with(Config { policy, ..Config::default() })
}

/// A chat that was asked for and accepted.
fn begun(alice: &Party, bob: &Party) -> (Session, Session) {
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    (call, answer)
}

/// The same, standing.
fn chat(alice: &Party, bob: &Party) -> (Session, Session) {
    let (call, answer) = begun(alice, bob);
    for (party, session) in [(alice, &call), (bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
        let sender = Sender::Session(session.id());
        party.record.wait(|n| n.sender == sender && n.name() == "MSRPChatDidStart");
    }
    (call, answer)
}

/// Both say something, and each hears the other and knows it.
fn talk(alice: (&Party, &Session), bob: (&Party, &Session)) {
    for (from, to) in [(alice, bob), (bob, alice)] {
        let id = from.1.send_message(b"hello through the relay", "text/plain", None).unwrap();
        let got = to.0.record.wait(
            |n| matches!(&n.data, Data::SessionGotMessage { message_id, .. } if *message_id == id),
        );
        let Data::SessionGotMessage { content, .. } = &got.data else { panic!("{got:?}") };
        assert_eq!(&**content, b"hello through the relay");
        from.0.record.wait(|n| {
            matches!(&n.data, Data::SessionDidDeliverMessage { message_id, .. } if *message_id == id)
        });
    }
}

/// REFERENCE 1.9 item 2
#[test]
fn the_caller_s_chat_goes_through_its_relay() {
    let _alone = alone();
    let relay = Relay::start(Manner { challenges: true, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    assert!(relay.granted() == 1 && relay.passed_on() >= 4);
}

/// REFERENCE 1.9 item 2
#[test]
fn the_callee_s_chat_goes_through_its_relay() {
    let _alone = alone();
    let relay = Relay::start(Manner { challenges: true, ..Manner::default() });
    let (alice, bob) = (Party::new(), behind(&relay));
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    assert!(relay.granted() == 1 && relay.passed_on() >= 4);
}

/// REFERENCE 1.9 item 2
#[test]
fn both_sides_may_be_behind_relays() {
    let _alone = alone();
    let relays = [(); 2].map(|()| Relay::start(Manner::default()));
    let (alice, bob) = (behind(&relays[0]), behind(&relays[1]));
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    assert!(relays.iter().all(|relay| relay.granted() == 1 && relay.passed_on() >= 4));
}

/// REFERENCE 1.9 item 2
#[test]
fn a_relay_for_the_chats_of_others_alone_is_not_used_for_our_own() {
    let _alone = alone();
    let relay = Relay::start(Manner::default());
    let msrp_relay = MsrpRelay { tls: false, ..MsrpRelay::new(relay.address()) };
    let policy = Policy { msrp_relay: Some(Arc::new(msrp_relay)), ..Policy::default() };
    let alice = Party::with(Config { policy, ..Config::default() });
    let bob = Party::new();
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    assert_eq!(relay.granted(), 0);
}

#[test]
fn a_chat_without_tls_does_not_go_through_a_relay_with_it() {
    let _alone = alone();
    let relay = Relay::start(Manner::default());
    let policy =
        Policy { msrp_relay: Some(Arc::new(MsrpRelay::new(relay.address()))), ..Policy::default() };
    let (alice, bob) = (Party::new(), Party::with(Config { policy, ..Config::default() }));
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    assert_eq!(relay.granted(), 0);
}

/// RFC 4976 §5.1
#[test]
fn a_place_is_asked_for_again_before_its_time_is_over() {
    let _alone = alone();
    let relay = Relay::start(Manner { challenges: true, expires: 2, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let (call, answer) = chat(&alice, &bob);
    let deadline = Deadline::after(PATIENCE);
    while relay.granted() < 3 {
        assert!(!deadline.is_over(), "asked {} times", relay.granted());
        std::thread::park_timeout(Duration::from_millis(10));
    }
    talk((&alice, &call), (&bob, &answer));
}

#[test]
fn a_relay_that_does_not_believe_us_fails_the_call_with_its_reason() {
    let _alone = alone();
    let relay = Relay::start(Manner { refuses: true, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let failed = alice.record.wait_for("SIPSessionDidFail");
    let Data::SessionDidFail { reason, .. } = &failed.data else { panic!("{failed:?}") };
    assert!(reason.contains("relay"), "{reason}");
    assert_eq!(bob.calls(), 0);
}

#[test]
fn a_relay_that_is_not_there_fails_the_call_with_its_reason() {
    let _alone = alone();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let msrp_relay = MsrpRelay { tls: false, for_outbound: true, ..MsrpRelay::new(nobody) };
    let policy = Policy { msrp_relay: Some(Arc::new(msrp_relay)), ..Policy::default() };
    let (alice, bob) = (Party::with(Config { policy, ..Config::default() }), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let failed = alice.record.wait_for("SIPSessionDidFail");
    let Data::SessionDidFail { reason, .. } = &failed.data else { panic!("{failed:?}") };
    assert!(reason.contains("relay"), "{reason}");
}

#[test]
fn a_call_that_ends_while_its_relay_is_silent_leaves_nothing() {
    let _alone = alone();
    let relay = Relay::start(Manner { is_silent: true, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    call.end().unwrap();
    alice.record.wait_for("SIPSessionDidEnd");
    alice.engine.stop();
}

#[test]
fn a_relay_that_hangs_up_ends_the_chat_and_not_the_call() {
    let _alone = alone();
    let relay = Relay::start(Manner::default());
    let (alice, bob) = (behind(&relay), Party::new());
    let (call, _answer) = chat(&alice, &bob);
    relay.hang_up();
    let sender = Sender::Session(call.id());
    alice
        .record
        .wait(|n| n.sender == sender && ["MSRPChatDidFail", "MSRPChatDidEnd"].contains(&n.name()));
    assert_eq!(call.snapshot().state, SessionState::Established);
}

/// Why the chat failed.
fn failure(party: &Party) -> String {
    match party.record.wait_for("MSRPChatDidFail").data {
        Data::MsrpChatDidFail { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// RFC 4976 §9.1
#[test]
fn relays_that_want_the_uri_in_a_proof_and_those_that_break_on_it_are_both_served() {
    let _alone = alone();
    for about_uri in [AboutUri::Wants, AboutUri::Detests] {
        let relay = Relay::start(Manner { challenges: true, about_uri, ..Manner::default() });
        let (alice, bob) = (behind(&relay), Party::new());
        let (call, answer) = chat(&alice, &bob);
        talk((&alice, &call), (&bob, &answer));
    }
}

#[test]
fn a_wrong_password_is_told_as_one() {
    let _alone = alone();
    let relay = Relay::start(Manner { challenges: true, ..Manner::default() });
    let (alice, bob) = (with_password(&relay, "guessed"), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let reason = failure(&alice);
    assert!(reason.contains("refuses the user name or the password"), "{reason}");
    assert_eq!((relay.granted(), bob.calls()), (0, 0));
}

#[test]
fn a_chat_that_is_added_and_gets_no_place_leaves_the_call_alone() {
    let _alone = alone();
    let relay = Relay::start(Manner { refuses: true, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    call.add_chat().unwrap();
    let reason = failure(&alice);
    assert!(reason.contains("relay"), "{reason}");
    assert_eq!(call.snapshot().state, SessionState::Established);
    call.end().unwrap();
    assert!(answer.wait_ended(PATIENCE));
}

#[test]
fn a_place_that_may_not_be_kept_ends_the_chat_and_not_the_call() {
    let _alone = alone();
    let relay = Relay::start(Manner { expires: 1, grants_max: 1, ..Manner::default() });
    let (alice, bob) = (behind(&relay), Party::new());
    let (call, _answer) = chat(&alice, &bob);
    let reason = failure(&alice);
    assert!(reason.contains("403"), "{reason}");
    assert_eq!(call.snapshot().state, SessionState::Established);
}

#[test]
fn a_relay_that_is_lost_while_the_call_rings_ends_the_chat_once_it_is_taken() {
    let _alone = alone();
    let relay = Relay::start(Manner::default());
    let (alice, bob) = (behind(&relay), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    relay.hang_up();
    answer.accept(CHAT, &[]).unwrap();
    let reason = failure(&alice);
    assert!(reason.contains("relay"), "{reason}");
    assert_eq!(call.snapshot().state, SessionState::Established);
}

/// RFC 4976 §6.3
#[test]
fn several_relays_in_use_path_are_all_on_the_way() {
    let _alone = alone();
    let relay = Relay::start(Manner { more_hops: 2, ..Manner::default() });
    let (alice, bob) = (Party::new(), behind(&relay));
    let (call, answer) = chat(&alice, &bob);
    talk((&alice, &call), (&bob, &answer));
    let sent = relay.heads();
    // The caller's way is the farthest first, ours the nearest first.
    let ways: Vec<_> = sent.iter().map(|to| to.iter().map(|uri| place(uri)).collect()).collect();
    let is = |way: &Vec<String>, first: &str| way.len() == 4 && way[0] == first;
    assert!(ways.iter().any(|way| is(way, "hop1;tcp")), "{ways:?}");
    assert!(ways.iter().any(|way| !is(way, "hop1;tcp") && way.len() == 4), "{ways:?}");
}

/// The last part of a URI.
fn place(uri: &str) -> String {
    uri.rsplit('/').next().unwrap_or_default().into()
}
