//! What goes along with the messages of a chat, between engines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use common::process::alone;
use common::{Party, wait_state};
use offhook::Session;
use offhook::chat::{Ask, Disposition, DispositionKind};
use offhook::error::SessionError;
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;

const CHAT: Streams = Streams { audio: false, chat: true };

/// A chat that stands on both sides.
fn chat(alice: &Party, bob: &Party) -> (Session, Session) {
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    for (party, session) in [(alice, &call), (bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
        let sender = Sender::Session(session.id());
        party.record.wait(|n| n.sender == sender && n.name() == "MSRPChatDidStart");
    }
    (call, answer)
}

/// The notifications of these names, once the last of them is there.
fn told(party: &Party, names: &[&str], count: usize) -> Vec<Data> {
    let told = party.record.wait_count(count, |n| names.contains(&n.name()));
    told.into_iter().map(|n| n.data).collect()
}

#[test]
fn the_peer_is_told_who_writes_until_the_message_comes() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = chat(&alice, &bob);
    for _key in 0..3 {
        call.send_composing_indication(true).unwrap();
    }
    let names = ["ChatStreamGotComposingIndication", "SIPSessionGotMessage"];
    let first = told(&bob, &names, 1);
    let caller = answer.snapshot().remote_uri.clone().unwrap();
    let Data::ChatStreamGotComposingIndication { active: true, refresh, sender, .. } = &first[0]
    else {
        panic!("{first:?}")
    };
    assert_eq!(*refresh, Some(120));
    assert!(caller.contains(sender.as_str()) && sender.starts_with("sip:"), "{caller} {sender}");
    call.send_message(b"hello", "text/plain", None).unwrap();
    let all = told(&bob, &names, 3);
    assert!(matches!(all[1], Data::ChatStreamGotComposingIndication { active: false, .. }));
    assert!(matches!(all[2], Data::SessionGotMessage { .. }));
    answer.send_composing_indication(true).unwrap();
    answer.send_composing_indication(false).unwrap();
    let all = told(&alice, &names, 2);
    assert!(matches!(all[1], Data::ChatStreamGotComposingIndication { active: false, .. }));
}

#[test]
fn without_a_chat_nobody_is_told_who_writes() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    let refused = call.send_composing_indication(true);
    assert!(matches!(refused, Err(SessionError::State(_))), "{refused:?}");
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    call.send_composing_indication(true).unwrap();
    call.end().unwrap();
}

#[test]
fn what_became_of_a_message_is_told_where_it_was_asked() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    // Before the chat stands: it counts from its first message on.
    call.request_dispositions(Ask { delivery: true, display: true }).unwrap();
    let sent = call.send_message(b"hello", "text/plain", None).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    let got = bob.record.wait_for("SIPSessionGotMessage");
    let Data::SessionGotMessage { message_id, .. } = got.data else { panic!("{got:?}") };
    assert_eq!(message_id, sent);
    let name = ["ChatStreamGotDispositionNotification"];
    told(&alice, &name, 1);
    answer.report_displayed(&message_id).unwrap();
    answer.report_displayed(&message_id).unwrap();
    answer.send_message(b"I read it", "text/plain", None).unwrap();
    alice.record.wait_for("SIPSessionGotMessage");
    let all: Vec<_> = told(&alice, &name, 2)
        .into_iter()
        .map(|data| match data {
            Data::ChatStreamGotDispositionNotification {
                message_id,
                kind,
                disposition,
                sender,
            } => {
                assert!(message_id == sent && sender.starts_with("sip:"));
                (kind, disposition)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let delivered = (DispositionKind::Delivery, Disposition::Delivered);
    assert_eq!(all, [delivered, (DispositionKind::Display, Disposition::Displayed)]);
    let texts = |party: &Party| {
        party.record.all().iter().filter(|n| n.name() == "SIPSessionGotMessage").count()
    };
    assert_eq!((texts(&alice), texts(&bob)), (1, 1), "notifications are no messages");
    let told = bob.record.all().iter().filter(|n| n.name() == name[0]).count();
    assert_eq!(told, 0, "Bob asked for nothing");
}
