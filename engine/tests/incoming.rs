//! What an application decides about calls before they ring.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use common::peer::{Peer, Request, header, status};
use common::process::{alone, spawn};
use common::{PATIENCE, Party};
use offhook::shell::{BusyPolicy, Verdict};
use offhook::streams::Streams;
use offhook::transport::Transport;

/// Calls with an INVITE of that From; gives the final answer and acknowledges it.
fn refused(peer: &Peer, from: &str) -> String {
    let request = Request::invite();
    let invite = request.print("UDP", peer.own);
    let line = format!("From: {}", header(&invite, "From"));
    let tag = line.split_once(";tag=").unwrap().1;
    peer.send(invite.replace(&line, &format!("From: <{from}>;tag={tag}")));
    peer.wait(|message| status(message) >= 300)
}

#[test]
fn a_call_beside_another_is_486_and_not_told_when_the_policy_says_so() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    bob.engine.session_manager().set_busy_policy(BusyPolicy::Refuse);
    let first = alice.engine.session();
    first.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    let second = alice.engine.session();
    second.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    assert!(second.wait_ended(PATIENCE));
    let failed = alice.record.wait_for("SIPSessionDidFail").to_string();
    assert!(failed.contains("486"), "{failed}");
    assert_eq!(bob.calls(), 1);
    // Once the first is over the next one rings.
    answer.reject(None).unwrap();
    assert!(answer.wait_ended(PATIENCE));
    bob.record.wait_for("SIPSessionDidEnd");
    let third = alice.engine.session();
    third.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    bob.incoming(1);
}

#[test]
fn by_itself_a_call_beside_another_rings() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let calls = [0, 1].map(|number| {
        let call = alice.engine.session();
        call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
        (call, bob.incoming(number))
    });
    assert_eq!((bob.engine.session_manager().sessions().len(), calls.len()), (2, 2));
}

#[test]
fn a_filter_sees_the_invite_and_its_verdict_holds() {
    let _alone = alone();
    let alice = Party::new();
    let manager = alice.engine.session_manager();
    let peer = Peer::of(alice.address(Transport::Udp));
    let (own, uri) = (peer.own, alice.uri(Transport::Udp));
    manager.set_incoming_filter(move |call| {
        assert_eq!(call.source().remote, own);
        assert!(uri.contains(call.request_uri().split(['@', ':']).next_back().unwrap()));
        assert_eq!(call.sessions(), 0);
        match call.from().as_deref() {
            Some("sip:friend@192.0.2.1") => Verdict::Ring,
            Some("sip:odd@192.0.2.1") => Verdict::Refuse(200),
            _ => Verdict::Refuse(603),
        }
    });
    assert_eq!(status(&refused(&peer, "sip:stranger@192.0.2.1")), 603);
    // A code that is no refusal does not become one.
    assert_eq!(status(&refused(&peer, "sip:odd@192.0.2.1")), 486);
    assert_eq!((alice.calls(), manager.sessions().len()), (0, 0));
    let friend = spawn(move || refused(&peer, "sip:friend@192.0.2.1"));
    alice.incoming(0).reject(Some(404)).unwrap();
    assert_eq!(status(&friend.join().unwrap()), 404);
    manager.clear_incoming_filter();
}

#[test]
fn a_filter_that_panics_refuses_its_call_alone() {
    let _alone = alone();
    let alice = Party::new();
    let peer = Peer::of(alice.address(Transport::Udp));
    alice.engine.session_manager().set_incoming_filter(|_| panic!("the application's fault"));
    let answer = refused(&peer, "sip:stranger@192.0.2.1");
    assert!((500..600).contains(&status(&answer)), "{answer}");
    alice.record.wait_for("SIPEngineGotException");
    alice.engine.session_manager().clear_incoming_filter();
    alice.still_serves();
}
