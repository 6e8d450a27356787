//! What happens when something in a running engine panics. The application's own logger is what
//! breaks the threads here: it is the one piece of foreign code that runs on all of them.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::sync::Mutex;

use common::peer::{Peer, Request, header};
use common::process::{Held, alone};
use common::{Deadline, PATIENCE, Party, wait_state};
use offhook::error::SessionError;
use offhook::media::shell::AudioDevice;
use offhook::notification::{Sender, SessionState};
use offhook::shell::STOP_PATIENCE;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Session};

/// A logger that panics when it is told to, on the thread that logs.
struct Breaks;

/// What a text says that breaks the thread which logs it, once.
static ARMED: Mutex<Option<&str>> = Mutex::new(None);

impl log::Log for Breaks {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        let wanted = ARMED.lock().unwrap().take_if(|wanted| text.contains(*wanted));
        if wanted.is_some() {
            std::panic::resume_unwind(Box::new("the logger"));
        }
    }

    fn flush(&self) {}
}

fn arm(text: &'static str) {
    static LOGGER: Breaks = Breaks;
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
    *ARMED.lock().unwrap() = Some(text);
}

fn established(alice: &Party, bob: &Party) -> (Session, Session) {
    let number = bob.calls();
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(number);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    (call, answer)
}

#[test]
fn a_connect_whose_core_breaks_is_refused_and_leaves_a_fresh_session() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    alice.engine.inject_panic();
    let broken = call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap_err();
    assert!(matches!(broken, SessionError::Local(_)), "{broken}");
    alice.record.wait_for("SIPEngineGotException");
    assert_eq!(call.snapshot().state, SessionState::Null);
    assert!(alice.engine.session_manager().get(call.id()).is_none());
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    bob.incoming(0).reject(None).unwrap();
    assert!(call.wait_ended(PATIENCE));
}

#[test]
fn an_invite_that_breaks_its_core_is_answered() {
    let _alone = alone();
    let victim = Party::new();
    let peer = Peer::of(victim.address(Transport::Udp));
    let invite = Request::invite();
    victim.engine.inject_panic();
    peer.request(&invite);
    let told = peer.wait_status(&invite.call_id, 503);
    assert!(!header(&told, "Retry-After").is_empty());
    victim.record.wait_for("SIPEngineGotException");
    assert_eq!(victim.calls(), 0);
    victim.still_serves();
}

#[test]
fn a_session_thread_that_breaks_outside_its_core_ends_its_session_alone() {
    let _alone = alone();
    let (alice, bob) = (Party::new(), Party::new());
    let (first, answer) = established(&alice, &bob);
    let (second, _second) = established(&alice, &bob);
    arm("broke and is ended");
    first.inject_panic();
    assert!(first.wait_ended(PATIENCE));
    wait_state(&alice.record, &first, SessionState::Terminated);
    let sender = Sender::Session(first.id());
    alice.record.wait(|n| n.sender == sender && n.name() == "SIPSessionDidEnd");
    assert_eq!(second.snapshot().state, SessionState::Established);
    assert_eq!(first.end(), Ok(()));
    assert!(answer.wait_ended(PATIENCE), "the peer got no BYE");
    let deadline = Deadline::after(STOP_PATIENCE);
    alice.engine.stop();
    assert!(!deadline.is_over());
    assert!(second.wait_ended(PATIENCE));
}

#[test]
fn an_endpoint_that_breaks_fails_the_engine_and_every_session_is_told() {
    let _alone = alone();
    let bob = Party::new();
    let alice = Party::new();
    let before = Held::now();
    let (call, answer) = established(&alice, &bob);
    let ringing = alice.engine.session();
    ringing.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    bob.incoming(1);
    let peer = Peer::of(alice.address(Transport::Udp));
    arm("is refused with 400");
    let broken = Request::new("OPTIONS").print("UDP", peer.own).replace("CSeq: 1", "CSeq: x");
    peer.send(broken);
    alice.record.wait_for("SIPEngineDidFail");
    for session in [&call, &ringing] {
        assert!(session.wait_ended(PATIENCE));
        wait_state(&alice.record, session, SessionState::Terminated);
    }
    let told = alice.record.wait_for("SIPEngineDidEnd");
    assert_eq!(alice.record.all().pop(), Some(told));
    // The BYE was sent, from a socket that the session had all the same.
    assert!(answer.wait_ended(PATIENCE));
    drop((call, ringing));
    drop((alice, peer));
    let left = Held { threads: before.threads.max(8), ..before };
    left.wait_for_return();
}

#[test]
fn a_media_layer_that_breaks_fails_the_engine() {
    let _alone = alone();
    let no_such_device = AudioDevice::Named("no such device".into());
    // The control thread logs when it finds no device, the audio thread when it starts.
    let broken = [(no_such_device, "sound device failed"), (AudioDevice::Null, "audio thread ")];
    for (audio_device, text) in broken {
        let before = Held::now();
        let of_audio_thread = audio_device == AudioDevice::Null;
        arm(text);
        let alice = Party::with(Config { audio_device, ..Config::default() });
        let call = alice.engine.session();
        // It may be noticed even before the call.
        let begun = call.connect("sip:nobody@127.0.0.1:9", &[], Streams::AUDIO, &[]);
        let told = alice.record.wait_for("SIPEngineDidFail").to_string();
        assert_eq!(told.contains("audio thread"), of_audio_thread, "{told}");
        assert!(begun.is_err() || call.wait_ended(PATIENCE));
        alice.record.wait_for("SIPEngineDidEnd");
        drop((alice, call));
        before.wait_for_return();
    }
}
