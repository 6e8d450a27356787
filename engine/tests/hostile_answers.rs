//! A running engine that calls a peer which answers with garbage, with too much, or too late.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::collections::BTreeSet;

use common::peer::{Peer, answer, header, sdp, status};
use common::process::{Held, alone};
use common::{PATIENCE, Party, wait_state};
use offhook::Session;
use offhook::fsm::Entropy;
use offhook::notification::{NotificationData, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;

/// What an attack may cost beside a normal call, in KiB.
const MEMORY_KIB: usize = 32 << 10;

/// An engine, a peer that it calls, the call and its INVITE.
fn called() -> (Party, Peer, Session, String) {
    let caller = Party::new();
    let peer = Peer::of(caller.address(Transport::Udp));
    let call = caller.engine.session();
    call.connect(&peer.uri(), &[], Streams::AUDIO, &[]).unwrap();
    let invite = peer.wait_request("INVITE");
    (caller, peer, call, invite)
}

fn contact(peer: &Peer) -> String {
    format!("Contact: <sip:mallory@{}>\r\n", peer.own)
}

/// Answers whatever requests come until the session has ended.
fn serve_until_ended(peer: &Peer, call: &Session) {
    while !call.wait_ended(std::time::Duration::from_millis(10)) {
        while let Some(request) = peer.next(std::time::Duration::from_millis(5)) {
            if status(&request) == 0 && !request.starts_with("ACK") {
                peer.send(answer(&request, 200, "served", "", ""));
            }
        }
    }
}

#[test]
fn thousands_of_garbled_answers_leave_a_call_that_can_still_be_refused() {
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    let before = Held::now();
    let mut entropy = Entropy::from_u64(11);
    let answers = [
        answer(&invite, 180, "a", &contact(&peer), ""),
        answer(&invite, 183, "b", &contact(&peer), &sdp(9)),
        answer(&invite, 100, "", "", ""),
    ];
    for round in 0..5_000 {
        let mut bytes = answers[round % answers.len()].clone().into_bytes();
        for _ in 0..=entropy.below(4) {
            // The status stays: a mutated final answer may well end the call.
            let at = 16 + usize::try_from(entropy.below(bytes.len() as u64 - 16)).unwrap();
            match entropy.below(3) {
                0 => bytes[at] = u8::try_from(entropy.below(256)).unwrap(),
                1 if bytes.len() > 100 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at / 2..at),
            }
        }
        peer.send(&bytes);
    }
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    peer.send(answer(&invite, 486, "end", "", ""));
    while !call.wait_ended(std::time::Duration::from_millis(100)) {
        // It may have been lost in the flood.
        peer.send(answer(&invite, 486, "end", "", ""));
    }
    let told = caller.record.wait_for("SIPSessionDidFail");
    assert!(matches!(told.data, NotificationData::SessionDidFail { code: 486, .. }), "{told}");
    caller.still_serves();
}

#[test]
fn a_thousand_provisional_answers_of_a_thousand_forks_change_nothing() {
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    let before = Held::now();
    for number in 0..1_000 {
        peer.send(answer(&invite, 180, &format!("fork{number}"), &contact(&peer), ""));
        peer.send(answer(&invite, 183, &format!("fork{number}"), &contact(&peer), &sdp(9)));
    }
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    let ok = answer(&invite, 200, "taken", &contact(&peer), &sdp(9));
    while call.wait_established(std::time::Duration::from_millis(50)).is_none() {
        peer.send(&ok);
    }
    peer.wait_request("ACK");
    assert_eq!(call.snapshot().state, SessionState::Established);
    call.end().unwrap();
    serve_until_ended(&peer, &call);
    caller.still_serves();
}

#[test]
fn of_many_answers_one_is_taken_and_the_others_are_acknowledged_and_ended() {
    const FORKS: usize = 12;
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    for number in 0..FORKS {
        peer.send(answer(&invite, 200, &format!("fork{number}"), &contact(&peer), &sdp(9)));
    }
    let (mut acknowledged, mut ended) = (BTreeSet::new(), BTreeSet::new());
    while acknowledged.len() < FORKS || ended.len() < FORKS - 1 {
        let request = peer.next(PATIENCE).expect("an ACK or a BYE is missing");
        let to = header(&request, "To").to_owned();
        if request.starts_with("ACK") {
            acknowledged.insert(to);
        } else if request.starts_with("BYE") {
            peer.send(answer(&request, 200, "", "", ""));
            ended.insert(to);
        }
    }
    assert_eq!((acknowledged.len(), ended.len()), (FORKS, FORKS - 1));
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    call.end().unwrap();
    serve_until_ended(&peer, &call);
    caller.still_serves();
}

#[test]
fn hundreds_of_forked_answers_cost_one_call() {
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    let before = Held::now();
    for number in 0..800 {
        peer.send(answer(&invite, 200, &format!("fork{number}"), &contact(&peer), &sdp(9)));
    }
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    assert!(after.threads <= before.threads + 1);
    call.end().unwrap();
    serve_until_ended(&peer, &call);
    caller.still_serves();
}

#[test]
fn an_answer_after_the_cancel_is_acknowledged_and_ended() {
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    peer.send(answer(&invite, 180, "callee", &contact(&peer), ""));
    wait_ringing(&caller);
    call.end().unwrap();
    let cancel = peer.wait_request("CANCEL");
    peer.send(answer(&cancel, 200, "callee", "", ""));
    peer.send(answer(&invite, 200, "callee", &contact(&peer), &sdp(9)));
    let ack = peer.wait_request("ACK");
    let bye = peer.wait_request("BYE");
    assert_eq!(header(&ack, "To"), header(&bye, "To"));
    peer.send(answer(&bye, 200, "", "", ""));
    assert!(call.wait_ended(PATIENCE));
    // And once more when the session is long gone.
    peer.send(answer(&invite, 200, "callee", &contact(&peer), &sdp(9)));
    assert_eq!(header(&peer.wait_request("ACK"), "To"), header(&ack, "To"));
    caller.still_serves();
}

#[test]
fn an_answer_that_cannot_be_used_is_acknowledged_and_ended() {
    let _alone = alone();
    for body in ["", "v=0\r\n", "garbage", "v=0\r\nm=audio 4294967296 RTP/AVP 0\r\n"] {
        let (caller, peer, call, invite) = called();
        peer.send(answer(&invite, 200, "callee", &contact(&peer), body));
        peer.wait_request("ACK");
        let bye = peer.wait_request("BYE");
        peer.send(answer(&bye, 200, "", "", ""));
        assert!(call.wait_ended(PATIENCE), "{body:?}");
        caller.record.wait_for("SIPSessionDidFail");
        wait_state(&caller.record, &call, SessionState::Terminated);
    }
}

#[test]
fn a_peer_that_answers_nobody_but_the_wrong_branch_is_not_listened_to() {
    let _alone = alone();
    let (caller, peer, call, invite) = called();
    let via = header(&invite, "Via").to_owned();
    let (before, branch) = via.split_once("branch=").unwrap();
    for number in 0..500 {
        let mut guess = branch.to_owned();
        guess.replace_range(20..24, &format!("{number:04x}"));
        let forged =
            answer(&invite, 486, "x", "", "").replace(&via, &format!("{before}branch={guess}"));
        peer.send(forged);
    }
    assert_eq!(call.snapshot().state, SessionState::Calling);
    // The first ones may find no room behind the flood.
    while !call.wait_ended(std::time::Duration::from_millis(50)) {
        peer.send(answer(&invite, 603, "callee", "", ""));
    }
    let told = caller.record.wait_for("SIPSessionDidFail");
    assert!(matches!(told.data, NotificationData::SessionDidFail { code: 603, .. }), "{told}");
}

fn wait_ringing(caller: &Party) {
    caller.record.wait_for("SIPSessionGotRingIndication");
}
