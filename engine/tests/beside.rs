//! What programs need beside the original's methods: headers, early media of the callee, calls that
//! answer, stop ringing or end by themselves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::time::Duration;

use common::{PATIENCE, Party, wait_state};
use offhook::notification::{NotificationData, Originator, SessionState};
use offhook::session::Policy;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Session};

/// A short time that something may take.
const SHORT: Duration = Duration::from_millis(200);

fn header(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.into(), value.into())]
}

/// What a session read of that name in the peer's INVITE or final answer.
fn read(session: &Session, name: &str) -> Option<String> {
    let snapshot = session.snapshot();
    let found = snapshot.remote_headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone())
}

/// That party's rules.
fn with(policy: Policy) -> Party {
    Party::with(Config { policy, ..Config::default() })
}

/// Alice calls Bob with those headers.
fn call(alice: &Party, bob: &Party, headers: &[(String, String)]) -> Session {
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, headers).unwrap();
    call
}

/// How that party's call failed.
fn failure(party: &Party) -> (Originator, u16, String) {
    let told = party.record.wait_for("SIPSessionDidFail");
    let NotificationData::SessionDidFail { originator, code, reason, .. } = told.data else {
        panic!("not what its name says")
    };
    (originator, code, reason)
}

#[test]
fn headers_of_connect_and_accept_are_read_on_the_other_side() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = call(&alice, &bob, &header("X-Ticket", "4711"));
    let answer = bob.incoming(0);
    assert_eq!(read(&answer, "X-Ticket").as_deref(), Some("4711"));
    answer.accept(Streams::AUDIO, &header("X-Desk", "7")).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(read(&call, "X-Desk").as_deref(), Some("7"));
}

/// REFERENCE 2 row 28
#[test]
fn a_refusal_has_the_code_the_phrase_and_the_headers_that_are_asked_for() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = call(&alice, &bob, &[]);
    let answer = bob.incoming(0);
    answer.reject_with(480, Some("Gone fishing"), &header("X-Back", "monday")).unwrap();
    assert!(call.wait_ended(PATIENCE));
    assert_eq!(failure(&alice), (Originator::Remote, 480, "Gone fishing".into()));
    assert_eq!(read(&call, "X-Back").as_deref(), Some("monday"));
}

/// REFERENCE 1.3 row 5
#[test]
fn early_media_of_the_callee_runs_before_the_call_is_taken() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = call(&alice, &bob, &[]);
    let answer = bob.incoming(0);
    answer.send_progress(Streams::AUDIO).unwrap();
    alice.record.wait_for("SIPSessionGotStreamUpdate");
    bob.record.wait_for("SIPSessionGotStreamUpdate");
    let (early, incoming) = (call.snapshot(), answer.snapshot());
    assert_eq!((early.state, early.has_audio), (SessionState::Calling, true));
    assert_eq!((incoming.state, incoming.has_audio), (SessionState::Incoming, true));
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
}

#[test]
fn a_call_that_asks_for_it_is_taken_by_itself_where_that_is_allowed() {
    let alice = Party::new();
    let bob = with(Policy { auto_answer: true, ..Policy::default() });
    let first = call(&alice, &bob, &header("Call-Info", "<sip:intercom@h>;answer-after=0"));
    assert_eq!(first.wait_established(PATIENCE), Some(true));
    // Without the header it rings.
    let second = call(&alice, &bob, &[]);
    let answer = bob.incoming(1);
    assert_eq!(answer.snapshot().state, SessionState::Incoming);
    second.end().unwrap();
    assert!(second.wait_ended(PATIENCE));
}

#[test]
fn a_call_that_nobody_takes_in_time_is_refused_with_480() {
    let (alice, bob) =
        (Party::new(), with(Policy { ring_timeout: Some(SHORT), ..Policy::default() }));
    let call = call(&alice, &bob, &[]);
    assert!(call.wait_ended(PATIENCE));
    assert_eq!(failure(&alice).1, 480);
}

#[test]
fn a_call_of_ours_that_rings_too_long_is_cancelled() {
    let (alice, bob) =
        (with(Policy { invite_timeout: Some(SHORT), ..Policy::default() }), Party::new());
    let call = call(&alice, &bob, &[]);
    assert!(call.wait_ended(PATIENCE));
    bob.record.wait_for("SIPSessionDidEnd");
    assert_eq!(failure(&bob).1, 487);
}

#[test]
fn a_call_lasts_no_longer_than_it_may() {
    let (alice, bob) =
        (with(Policy { duration_max: Some(SHORT), ..Policy::default() }), Party::new());
    let call = call(&alice, &bob, &[]);
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
}

#[test]
fn waiting_ends_with_its_time_with_the_call_and_with_its_end() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = call(&alice, &bob, &[]);
    assert_eq!(call.wait_established(Duration::ZERO), None);
    assert!(!call.wait_ended(Duration::ZERO));
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    wait_state(&bob.record, &answer, SessionState::Established);
    assert_eq!(answer.wait_established(Duration::ZERO), Some(true));
    answer.end().unwrap();
    assert!(answer.wait_ended(PATIENCE) && call.wait_ended(PATIENCE));
    assert_eq!(answer.wait_established(Duration::ZERO), Some(true));
}
