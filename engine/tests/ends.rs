//! How an engine ends while others are busy with it, and how sessions begin and end at the same
//! moment.

mod common;

use std::sync::Arc;

use common::peer::{Peer, Request};
use common::process::{Busy, Held, alone, spawn};
use common::{Deadline, PATIENCE, Party};
use offhook::Config;
use offhook::error::SessionError;
use offhook::notification::SessionState;
use offhook::shell::STOP_PATIENCE;
use offhook::streams::Streams;
use offhook::transport::Transport;

/// Threads of an engine without calls, its notifier's with them.
const IDLE_THREADS: usize = 8;

#[test]
fn an_engine_that_is_flooded_stops_all_the_same() {
    let _alone = alone();
    let before = Held::now();
    for _ in 0..5 {
        let party = Party::new();
        let flood: Vec<Busy> = (0..2)
            .map(|_| {
                let peer = Peer::of(party.address(Transport::Udp));
                Busy::with(move || peer.request(&Request::new("OPTIONS")))
            })
            .collect();
        let calls = party.engine.session_manager();
        let deadline = Deadline::after(STOP_PATIENCE);
        party.engine.stop();
        assert!(!deadline.is_over());
        assert_eq!(calls.sessions().len(), 0);
        drop(flood);
    }
    before.wait_for_return();
}

#[test]
fn the_ports_are_free_when_stop_returns_though_handles_live_on() {
    let _alone = alone();
    let (party, address) = Party::on_one_port();
    let session = party.engine.session();
    let manager = party.engine.session_manager();
    party.engine.stop();
    std::net::UdpSocket::bind(address).unwrap();
    let _tcp = Party::with(Config { listeners: party.engine.listeners(), ..Config::default() });
    assert_eq!(session.snapshot().state, SessionState::Null);
    assert_eq!(manager.sessions().len(), 0);
}

#[test]
fn of_several_connects_at_once_one_is_taken() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let uri = bob.uri(Transport::Udp);
    for number in 0..40 {
        let session = alice.engine.session();
        let start = Arc::new(std::sync::Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (session, uri, start) = (session.clone(), uri.clone(), Arc::clone(&start));
                spawn(move || {
                    start.wait();
                    session.connect(&uri, &[], Streams::AUDIO, &[])
                })
            })
            .collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let taken = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(taken, 1, "{results:?}");
        bob.incoming(number);
        session.end().unwrap();
        assert!(session.wait_ended(PATIENCE));
    }
    assert_eq!(bob.calls(), 40);
}

#[test]
fn a_call_that_begins_while_the_engine_stops_is_refused_or_ended() {
    let _alone = alone();
    let bob = Party::new();
    let before = Held { threads: IDLE_THREADS, ..Held::now() };
    for _ in 0..20 {
        let alice = Party::new();
        let uri = bob.uri(Transport::Udp);
        let (engine, start) = (alice.engine.clone(), Arc::new(std::sync::Barrier::new(2)));
        let begin = Arc::clone(&start);
        let caller = spawn(move || {
            begin.wait();
            let begun: Vec<_> = (0..20)
                .map(|_| {
                    let session = engine.session();
                    let result = session.connect(&uri, &[], Streams::AUDIO, &[]);
                    (session, result)
                })
                .collect();
            begun
        });
        start.wait();
        alice.engine.stop();
        for (session, result) in caller.join().unwrap() {
            match result {
                Ok(()) => assert!(session.wait_ended(PATIENCE)),
                Err(SessionError::EngineEnded) => {
                    assert_eq!(session.snapshot().state, SessionState::Null);
                }
                Err(other) => panic!("{other}"),
            }
        }
        let told = alice.record.wait_for("SIPEngineDidEnd");
        let last = alice.record.all().pop();
        assert_eq!(last, Some(told), "nothing is told after the end");
    }
    for session in bob.engine.session_manager().sessions() {
        assert!(session.wait_ended(PATIENCE));
    }
    before.wait_for_return();
}

#[test]
fn a_call_that_comes_while_the_engine_stops_is_answered() {
    let _alone = alone();
    for _ in 0..20 {
        let bob = Party::new();
        let before = Held::now();
        let peer = Peer::of(bob.address(Transport::Udp));
        let invites: Vec<_> = (0..10).map(|_| Request::invite()).collect();
        for invite in &invites {
            peer.request(invite);
        }
        bob.engine.stop();
        // Whatever the engine took in it refused before it was gone.
        let mut open = std::collections::BTreeSet::new();
        while let Some(told) = peer.next(std::time::Duration::from_millis(1)) {
            let call = common::peer::header(&told, "Call-ID").to_owned();
            match common::peer::status(&told) {
                100..200 => drop(open.insert(call)),
                _ => drop(open.remove(&call)),
            }
        }
        assert_eq!(open, std::collections::BTreeSet::new());
        let none = Held { threads: before.threads.saturating_sub(4), ..before };
        drop(bob);
        none.wait_for_return();
    }
}
