//! Dropping the last handle of a session ends it, whatever it does: soon, with the message that the
//! state asks for, and with nothing left behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::time::Duration;

use common::peer::{Peer, Request, answer, header, sdp, status};
use common::process::{Held, alone};
use common::{Deadline, PATIENCE, Party, wait_state};
use offhook::Session;
use offhook::id::SessionId;
use offhook::notification::{Sender, SessionState};
use offhook::sdp::Direction;
use offhook::streams::Streams;
use offhook::transport::Transport;

/// A session whose peer answers has ended this long after its last handle was dropped.
const SOON: Duration = Duration::from_millis(200);
/// The machine has other things to do at times: one try of these must be in time.
const TRIES: usize = 5;

/// Waits for the end of a session that nobody has a handle of.
fn wait_end(party: &Party, id: SessionId) {
    let sender = Sender::Session(id);
    party.record.wait(|n| n.sender == sender && n.name() == "SIPSessionDidEnd");
    assert_eq!(party.record.states(id).last(), Some(&"SIPSessionDidEnd"));
}

/// Tries something until it takes no longer than [`SOON`]; nothing is left behind by any try.
fn soon(mut what: impl FnMut() -> Duration) {
    let _alone = alone();
    let before = Held::now();
    let mut times = Vec::new();
    for _ in 0..TRIES {
        times.push(what());
        before.wait_for_return();
        if times.last().is_some_and(|took| *took <= SOON) {
            return;
        }
    }
    panic!("it took {times:?}");
}

/// How long something takes.
fn time(what: impl FnOnce()) -> Duration {
    let deadline = Deadline::after(PATIENCE);
    what();
    PATIENCE - deadline.left()
}

/// An engine that has called a peer, the call and its INVITE.
fn calling() -> (Party, Peer, Session, String) {
    let caller = Party::new();
    let peer = Peer::of(caller.address(Transport::Udp));
    let call = caller.engine.session();
    call.connect(&peer.uri(), &[], Streams::AUDIO, &[]).unwrap();
    let invite = peer.wait_request("INVITE");
    (caller, peer, call, invite)
}

/// The peer's part in a CANCEL.
fn be_cancelled(peer: &Peer, invite: &str) {
    let cancel = peer.wait_request("CANCEL");
    peer.send(answer(&cancel, 200, "callee", "", ""));
    peer.send(answer(invite, 487, "callee", "", ""));
    peer.wait_request("ACK");
}

fn be_ended(peer: &Peer) {
    let bye = peer.wait_request("BYE");
    peer.send(answer(&bye, 200, "", "", ""));
}

/// Two engines with a call that stands.
fn established() -> (Party, Party, Session, Session) {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    (alice, bob, call, answer)
}

#[test]
fn a_session_that_has_not_begun_is_just_gone() {
    soon(|| {
        let party = Party::new();
        let session = party.engine.session();
        let took = time(|| drop(session));
        assert_eq!(party.engine.session_manager().sessions().len(), 0);
        took
    });
}

/// RFC 3261 §9.1: nothing is cancelled before the peer has said anything.
#[test]
fn calling_before_any_response_it_is_cancelled_with_the_first_one() {
    soon(|| {
        let (caller, peer, call, invite) = calling();
        let id = call.id();
        drop(call);
        // The INVITE comes again, and no CANCEL before it has an answer.
        let next = peer.next(PATIENCE).unwrap();
        assert!(next.starts_with("INVITE"), "{next}");
        time(|| {
            peer.send(answer(&invite, 180, "callee", "", ""));
            be_cancelled(&peer, &invite);
            wait_end(&caller, id);
        })
    });
}

#[test]
fn calling_after_a_provisional_response_it_is_cancelled() {
    soon(|| {
        let (caller, peer, call, invite) = calling();
        let id = call.id();
        peer.send(answer(&invite, 180, "callee", "", ""));
        caller.record.wait_for("SIPSessionGotRingIndication");
        time(|| {
            drop(call);
            be_cancelled(&peer, &invite);
            wait_end(&caller, id);
        })
    });
}

#[test]
fn incoming_it_rings_on_and_the_manager_has_it() {
    soon(|| {
        let (alice, bob) = (Party::new(), Party::new());
        let call = alice.engine.session();
        call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
        drop(bob.incoming(0));
        alice.record.wait_for("SIPSessionGotRingIndication");
        let kept = bob.engine.session_manager().sessions();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].snapshot().state, SessionState::Incoming);
        let took = time(|| {
            kept[0].reject(None).unwrap();
            assert!(kept[0].wait_ended(PATIENCE));
        });
        assert!(call.wait_ended(PATIENCE));
        took
    });
}

/// RFC 3261 §15: a callee says BYE only after the ACK.
#[test]
fn accepting_it_is_refused_or_ended_with_a_bye_after_the_ack() {
    soon(|| {
        let bob = Party::new();
        let peer = Peer::of(bob.address(Transport::Udp));
        let invite = Request::invite();
        peer.request(&invite);
        let call = bob.incoming(0);
        let id = call.id();
        call.accept(Streams::AUDIO, &[]).unwrap();
        time(|| {
            drop(call);
            let last = peer.wait(|m| status(m) >= 200);
            peer.request(&invite.ack(&last));
            if status(&last) == 200 {
                be_ended(&peer);
            }
            wait_end(&bob, id);
        })
    });
}

#[test]
fn answered_and_not_yet_acknowledged_it_is_ended_with_a_bye_after_the_ack() {
    soon(|| {
        let bob = Party::new();
        let peer = Peer::of(bob.address(Transport::Udp));
        let invite = Request::invite();
        peer.request(&invite);
        let call = bob.incoming(0);
        let id = call.id();
        call.accept(Streams::AUDIO, &[]).unwrap();
        let ok = peer.wait_status(&invite.call_id, 200);
        drop(call);
        wait_terminating(&bob, id);
        time(|| {
            peer.request(&invite.ack(&ok));
            be_ended(&peer);
            wait_end(&bob, id);
        })
    });
}

fn wait_terminating(party: &Party, id: SessionId) {
    let sender = Sender::Session(id);
    party.record.wait(|n| n.sender == sender && n.name() == "SIPSessionWillEnd");
}

#[test]
fn established_it_is_ended_with_a_bye_on_both_sides() {
    soon(|| {
        let (alice, _bob, call, answer) = established();
        let id = call.id();
        time(|| {
            drop(call);
            wait_end(&alice, id);
            assert!(answer.wait_ended(PATIENCE));
        })
    });
    soon(|| {
        let (_alice, bob, call, answer) = established();
        let id = answer.id();
        time(|| {
            drop(answer);
            wait_end(&bob, id);
            assert!(call.wait_ended(PATIENCE));
        })
    });
}

#[test]
fn with_an_offer_under_way_it_is_ended_with_a_bye() {
    soon(|| {
        let (alice, bob, call, answer) = established();
        let id = call.id();
        call.add_chat().unwrap();
        bob.record.wait_for("SIPSessionGotStreamProposal");
        time(|| {
            drop(call);
            wait_end(&alice, id);
            assert!(answer.wait_ended(PATIENCE));
        })
    });
}

#[test]
fn with_a_proposal_to_answer_it_is_ended_with_a_bye() {
    soon(|| {
        let (_alice, bob, call, answer) = established();
        let id = answer.id();
        call.add_chat().unwrap();
        bob.record.wait_for("SIPSessionGotStreamProposal");
        time(|| {
            drop(answer);
            wait_end(&bob, id);
            assert!(call.wait_ended(PATIENCE));
        })
    });
}

#[test]
fn terminating_it_goes_on_to_end() {
    soon(|| {
        let (caller, peer, call, invite) = calling();
        let (id, contact) = (call.id(), format!("Contact: <sip:m@{}>\r\n", peer.own));
        peer.send(answer(&invite, 200, "callee", &contact, &sdp(9)));
        peer.wait_request("ACK");
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        call.end().unwrap();
        wait_state(&caller.record, &call, SessionState::Terminating);
        let bye = peer.wait_request("BYE");
        time(|| {
            drop(call);
            peer.send(answer(&bye, 200, "", "", ""));
            wait_end(&caller, id);
            assert_eq!(header(&bye, "CSeq"), "2 BYE");
        })
    });
}

#[test]
fn an_audio_transport_tells_of_its_own_stream_alone_and_keeps_nothing_alive() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    assert!(call.audio_transport().is_none());
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    let audio = call.audio_transport().unwrap();
    assert!(audio.is_active());
    assert_eq!(audio.direction(), Some(Direction::SendRecv));
    assert_eq!((audio.codec(), audio.sample_rate()), (Some("PCMU"), Some(8000)));
    let theirs = answer.audio_transport().unwrap();
    assert_eq!(audio.local_rtp_address(), theirs.remote_rtp_address_sdp());
    call.hold().unwrap();
    alice.record.wait_for("SIPSessionGotHoldRequest");
    assert_eq!(audio.direction(), Some(Direction::SendOnly));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    assert!(!audio.is_active() && audio.codec().is_none() && call.audio_transport().is_none());
}
