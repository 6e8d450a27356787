//! An engine's start, end, and what happens when something in it breaks.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::sync::Arc;

use common::{PATIENCE, Party};
use offhook::notification::{NotificationData, Originator, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Config, Engine, EngineError, Listener, Notification, NotificationCenter};

fn call(alice: &Party, bob: &Party) -> (offhook::Session, offhook::Session) {
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    (call, answer)
}

/// REFERENCE 1.12 item 3, 2 row 31
#[test]
fn stop_ends_every_session_and_tells_the_end_last() {
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob);
    alice.engine.stop();
    assert_eq!(call.snapshot().state, SessionState::Terminated);
    assert!(answer.wait_ended(PATIENCE));
    alice.record.wait_for("SIPEngineDidEnd");
    let told: Vec<_> = alice.record.all().iter().map(Notification::name).collect();
    assert_eq!(told.last(), Some(&"SIPEngineDidEnd"));
    let at = |name| told.iter().position(|told| *told == name).unwrap();
    assert_eq!(told[..2], ["SIPEngineWillStart", "SIPEngineDidStart"]);
    assert!(at("SIPEngineWillEnd") < at("SIPSessionDidEnd"));
    assert!(alice.engine.session().connect("sip:a@127.0.0.1", &[], Streams::AUDIO, &[]).is_err());
    alice.engine.stop();
}

/// REFERENCE 1.12 item 3
#[test]
fn stop_inside_an_observer_returns_at_once_and_the_engine_ends_behind_it() {
    let party = Party::new();
    let engine = party.engine.clone();
    let observer = move |_: &Notification| engine.stop();
    let center = party.engine.notification_center();
    center.add_observer(Arc::new(observer), "SIPSessionNewOutgoing", Any);
    let session = party.engine.session();
    session.connect("sip:nobody@127.0.0.1:9", &[], Streams::AUDIO, &[]).unwrap();
    party.record.wait_for("SIPEngineDidEnd");
    assert!(session.wait_ended(PATIENCE));
}

/// REFERENCE 1.12 item 3
#[test]
fn stop_takes_no_longer_than_it_may_when_a_peer_never_answers() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let stop_timeout = std::time::Duration::from_secs(1);
    let party = Party::with(Config { stop_timeout, ..Config::default() });
    let session = party.engine.session();
    let uri = format!("sip:nobody@{}", silent.local_addr().unwrap());
    session.connect(&uri, &[], Streams::AUDIO, &[]).unwrap();
    silent.recv_from(&mut [0; 2000]).unwrap();
    let default_would_be_over = common::Deadline::after(std::time::Duration::from_secs(3));
    party.engine.stop();
    assert!(!default_would_be_over.is_over(), "by default it takes 4 s");
    party.record.wait_for("SIPEngineDidEnd");
    let told = party.record.of(&session);
    assert!(told.ends_with(&["TERMINATED", "SIPSessionDidEnd"]), "{told:?}");
}

#[test]
fn nothing_is_left_behind_by_a_hundred_calls() {
    let (alice, bob) = (Party::new(), Party::new());
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    for number in 0..100 {
        let call = alice.engine.session();
        call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
        let answer = bob.incoming(number);
        answer.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        call.end().unwrap();
        assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
    }
    assert_eq!(alice.engine.session_manager().sessions().len(), 0);
    assert_eq!(bob.engine.session_manager().sessions().len(), 0);
    alice.engine.stop();
    bob.engine.stop();
    // Other tests of this process open and close sockets of their own; these two closed theirs.
    assert!(descriptors() <= before + 40, "{before} before, {} after", descriptors());
}

#[test]
fn a_panic_ends_its_session_alone_with_a_bye() {
    let (alice, bob) = (Party::new(), Party::new());
    let (first, answer) = call(&alice, &bob);
    let second = alice.engine.session();
    second.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let other = bob.incoming(1);
    other.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(second.wait_established(PATIENCE), Some(true));

    first.inject_panic();
    assert!(first.wait_ended(PATIENCE));
    assert!(answer.wait_ended(PATIENCE), "the peer got no BYE");
    alice.record.wait_for("SIPEngineGotException");
    let told = alice.record.wait_for("SIPSessionDidFail");
    assert!(matches!(
        told.data,
        NotificationData::SessionDidFail { originator: Originator::Local, code: 0, .. }
    ));
    assert_eq!(second.snapshot().state, SessionState::Established);
    second.end().unwrap();
    assert!(second.wait_ended(PATIENCE) && other.wait_ended(PATIENCE));
}

#[test]
fn a_listener_that_is_taken_says_which() {
    let first = Party::new();
    let listener = first.engine.listeners()[0];
    let config = Config { listeners: vec![listener], ..Config::default() };
    let error = Engine::start(config, NotificationCenter::new().unwrap()).unwrap_err();
    assert!(matches!(error, EngineError::Listen(which, _) if which == listener), "{error}");
    assert!(error.to_string().contains(&listener.address.to_string()), "{error}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_a_reason() {
    let tls = Listener { transport: Transport::Tls, address: ([127, 0, 0, 1], 0).into() };
    let default = Config::default;
    for config in [
        Config { account: Some("alice".into()), ..default() },
        Config { codecs: vec![], ..default() },
        Config { sessions_max: Some(0), ..default() },
        Config { listeners: vec![tls], ..default() },
        Config { stop_timeout: std::time::Duration::ZERO, ..default() },
        Config { user_agent: "a\r\nX: y".into(), ..default() },
    ] {
        let error = Engine::start(config, NotificationCenter::new().unwrap()).unwrap_err();
        assert!(matches!(error, EngineError::InvalidConfig(_)), "{error}");
    }
}

#[test]
fn every_message_is_told_while_tracing() {
    let traced = Party::with(Config { trace_sip: true, ..Config::default() });
    let bob = Party::new();
    let (session, _answer) = call(&traced, &bob);
    session.end().unwrap();
    assert!(session.wait_ended(PATIENCE));
    traced.record.wait_for("SIPSessionDidEnd");
    let mut lines = Vec::new();
    for notification in traced.record.all() {
        if let NotificationData::EngineSipTrace { received, data, .. } = notification.data {
            let text = String::from_utf8_lossy(&data);
            lines.push((received, text.lines().next().unwrap_or_default().to_owned()));
        }
    }
    let words: Vec<String> = lines
        .iter()
        .map(|(received, line)| {
            let word = if line.starts_with("SIP/2.0") { 1 } else { 0 };
            let word = line.split(' ').nth(word).unwrap_or_default();
            format!("{}{word}", if *received { '<' } else { '>' })
        })
        .collect();
    assert_eq!(words, [">INVITE", "<100", "<180", "<200", ">ACK", ">BYE", "<200"]);
}
