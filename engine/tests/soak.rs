//! Every public method of a session, from many threads and from inside observers at once, over
//! calls between two engines. `OFFHOOK_SOAK_SECONDS` says for how long.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::process::{Held, spawn};
use common::{Deadline, PATIENCE};
use offhook::fsm::Entropy;
use offhook::id::SessionId;
use offhook::notification::{NotificationData, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Config, Engine, Listener, Notification, NotificationCenter, Session};

const THREADS: usize = 8;
/// Calls that run at once.
const CALLS: usize = 24;
const SECONDS: u64 = 3;
/// No method takes longer, unless something waits for ever.
const STUCK: Duration = Duration::from_secs(20);

fn soak_time() -> Duration {
    let asked = std::env::var("OFFHOOK_SOAK_SECONDS").ok();
    Duration::from_secs(asked.and_then(|text| text.parse().ok()).unwrap_or(SECONDS))
}

/// One engine, what is to be said of what it told, and the sessions that threads play with.
struct Side {
    engine: Engine,
    judge: Judge,
    sessions: Mutex<Vec<Session>>,
}

impl Side {
    fn new() -> Arc<Self> {
        let listen = |transport| Listener { transport, address: ([127, 0, 0, 1], 0).into() };
        let listeners = vec![listen(Transport::Udp), listen(Transport::Tcp)];
        let center = NotificationCenter::new().unwrap();
        let judge = Judge::default();
        judge.listen(&center);
        let directory = std::env::temp_dir().join(format!("offhook-soak-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let config = Config { listeners, recordings_directory: directory, ..Config::default() };
        let engine = Engine::start(config, center).unwrap();
        let side = Arc::new(Self { engine, judge, sessions: Mutex::default() });
        side.play_inside_observers();
        side
    }

    /// An observer that orders something at each notification of each session.
    fn play_inside_observers(self: &Arc<Self>) {
        let (side, entropy) = (Arc::downgrade(self), Mutex::new(Entropy::from_u64(77)));
        let observer = move |n: &Notification| {
            let (Sender::Session(id), Some(side)) = (n.sender, side.upgrade()) else { return };
            let Some(session) = side.engine.session_manager().get(id) else { return };
            let choice = entropy.lock().unwrap().below(200);
            play(&session, choice);
            if let NotificationData::SessionNewIncoming { .. } = n.data {
                // Some are dropped unanswered: the manager keeps them.
                side.sessions.lock().unwrap().push(session);
            }
        };
        self.engine.notification_center().add_observer(Arc::new(observer), Any, Any);
    }

    fn uri(&self, transport: Transport) -> String {
        let listeners = self.engine.listeners();
        let listener = listeners.iter().find(|l| l.transport == transport).unwrap();
        format!("sip:soak@{};transport={transport}", listener.address)
    }

    /// A session out of those at hand.
    fn pick(&self, entropy: &mut Entropy) -> Option<Session> {
        let sessions = self.sessions.lock().unwrap();
        let at = usize::try_from(entropy.below(sessions.len().max(1) as u64)).unwrap();
        sessions.get(at).cloned()
    }

    /// Drops handles of ended sessions, and of one in twenty others.
    fn tidy(&self, entropy: &mut Entropy) {
        let mut dropped = Vec::new();
        let mut sessions = self.sessions.lock().unwrap();
        let mut kept = Vec::new();
        for session in sessions.drain(..) {
            let over = session.snapshot().state == SessionState::Terminated;
            let list = if over || entropy.below(20) == 0 { &mut dropped } else { &mut kept };
            list.push(session);
        }
        *sessions = kept;
        drop(sessions);
        drop(dropped);
    }
}

/// Calls one method. What it returns is not judged: most are refused in most states.
fn play(session: &Session, choice: u64) {
    let both = Streams { audio: true, chat: true };
    let result = match choice {
        0..=39 => session.accept(Streams::AUDIO, &[]),
        40..=44 => session.accept(both, &[]),
        45..=47 => session.reject(None),
        48..=49 => session.reject_with(600, Some("Soaked"), &[("X-Soak".into(), "1".into())]),
        50..=54 => session.send_progress(Streams::AUDIO),
        55..=64 => session.hold(),
        65..=74 => session.unhold(),
        75..=79 => session.add_chat(),
        80..=82 => session.remove_chat(),
        83..=85 => session.remove_audio(),
        86..=89 => session.add_audio(),
        90..=99 => session.accept_proposal(both),
        100..=104 => session.reject_proposal(),
        105..=109 => session.send_message(b"soak", "text/plain", None).map(drop),
        110..=119 => session.send_dtmf('5'),
        120..=122 => session.start_recording_audio(Some("soak.wav".into())),
        123..=125 => session.stop_recording_audio(),
        126..=129 => session.play("/dev/null".into()),
        130..=132 => session.stop_playing(),
        133..=137 => session.echo(true),
        138..=142 => session.mute(true),
        143..=145 => session.raw_audio().map(drop),
        146..=159 => {
            assert!(!format!("{session:?} {:?}", session.snapshot()).is_empty());
            Ok(())
        }
        160..=164 => session.end(),
        _ => Ok(()),
    };
    drop(result);
}

/// What one thread does until it is over.
fn soak(alice: &Side, bob: &Side, entropy: &mut Entropy, progress: &AtomicUsize) {
    let (caller, callee) = if entropy.below(2) == 0 { (alice, bob) } else { (bob, alice) };
    let waiting = caller.sessions.lock().unwrap().len();
    match entropy.below(12) {
        0..=1 if waiting < CALLS => {
            let call = caller.engine.session();
            let transport = if entropy.below(4) == 0 { Transport::Tcp } else { Transport::Udp };
            let streams = Streams { audio: true, chat: entropy.below(4) == 0 };
            // It is refused when there are too many.
            let _begun = call.connect(&callee.uri(transport), &[], streams, &[]);
            caller.sessions.lock().unwrap().push(call);
        }
        2 => caller.tidy(entropy),
        3 => {
            let kept = caller.engine.session_manager().sessions();
            caller.sessions.lock().unwrap().extend(kept.into_iter().take(1));
        }
        _ => {
            if let Some(session) = caller.pick(entropy) {
                play(&session, entropy.below(200));
            }
        }
    }
    progress.fetch_add(1, Ordering::Relaxed);
}

/// Panics with the state of everything when no thread gets on.
fn watch(sides: &[Arc<Side>], progress: &[Arc<AtomicUsize>], until: Deadline) {
    let mut last = vec![(0, Deadline::after(STUCK)); progress.len()];
    while !until.is_over() {
        for (counter, (known, stuck)) in progress.iter().zip(&mut last) {
            let now = counter.load(Ordering::Relaxed);
            if now != *known {
                (*known, *stuck) = (now, Deadline::after(STUCK));
            }
            assert!(!stuck.is_over(), "a thread is stuck: {:#?}", dump(sides));
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn dump(sides: &[Arc<Side>]) -> Vec<String> {
    let all = sides.iter().flat_map(|side| side.engine.session_manager().sessions());
    all.map(|session| format!("{session:?}")).collect()
}

/// Judges what is told, as it is told: each session's changes of state are a chain from NULL to
/// TERMINATED that the table allows, and one SIPSessionDidEnd comes last.
#[derive(Clone, Default)]
struct Judge(Arc<Mutex<Verdict>>);

#[derive(Default)]
struct Verdict {
    open: BTreeMap<SessionId, (SessionState, Vec<String>)>,
    ended: BTreeSet<SessionId>,
    established: usize,
    faults: Vec<String>,
}

impl Judge {
    fn listen(&self, center: &NotificationCenter) {
        let judge = self.clone();
        let observer = move |n: &Notification| judge.0.lock().unwrap().hear(n);
        center.add_observer(Arc::new(observer), Any, Any);
    }
}

impl Verdict {
    fn hear(&mut self, notification: &Notification) {
        let Sender::Session(id) = notification.sender else {
            if let NotificationData::EngineGotException { .. } = notification.data {
                self.faults.push(notification.to_string());
            }
            return;
        };
        if self.ended.contains(&id) {
            self.faults.push(format!("after the end: {notification}"));
            return;
        }
        let fresh = || (SessionState::Null, Vec::new());
        let (at, told) = self.open.entry(id).or_insert_with(fresh);
        told.push(notification.to_string());
        match &notification.data {
            NotificationData::SessionChangedState { prev_state, state } => {
                if prev_state != at || !is_step(*prev_state, *state) {
                    self.faults.push(format!("no way from {at:?}: {told:#?}"));
                }
                *at = *state;
                self.established += usize::from(*state == SessionState::Established);
            }
            NotificationData::SessionDidEnd { .. } => {
                if *at != SessionState::Terminated {
                    self.faults.push(format!("ended in {at:?}: {told:#?}"));
                }
                self.open.remove(&id);
                self.ended.insert(id);
            }
            _ => {}
        }
    }
}

/// Whether the table leads from one state to the other in one step.
fn is_step(from: SessionState, to: SessionState) -> bool {
    use offhook::fsm::Step;
    use offhook::fsm::session::{Event, step};
    Event::ALL.iter().any(|event| matches!(step(from, *event), Step::Go { next, .. } if next == to))
}

#[test]
fn any_method_may_be_called_from_any_thread_at_any_time() {
    let before = Held::now();
    let sides = [Side::new(), Side::new()];
    let over = Arc::new(AtomicBool::new(false));
    let progress: Vec<Arc<AtomicUsize>> = (0..THREADS).map(|_| Arc::default()).collect();
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (sides, over) = (sides.clone(), Arc::clone(&over));
            let counter = Arc::clone(progress.get(number).unwrap());
            let mut entropy = Entropy::from_u64(number as u64);
            spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    soak(&sides[0], &sides[1], &mut entropy, &counter);
                }
            })
        })
        .collect();
    watch(&sides, &progress, Deadline::after(soak_time()));
    over.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    // Whoever still rings or talks is ended by its engine; all of it is told.
    for side in sides {
        let (end, ended) = std::sync::mpsc::sync_channel(1);
        let observer = move |_: &Notification| end.send(()).unwrap();
        let center = side.engine.notification_center();
        center.add_observer(Arc::new(observer), "SIPEngineDidEnd", Any);
        let sessions = std::mem::take(&mut *side.sessions.lock().unwrap());
        side.engine.stop();
        for session in &sessions {
            let is_fresh = session.snapshot().state == SessionState::Null;
            assert!(is_fresh || session.wait_ended(PATIENCE), "{session:?}");
        }
        ended.recv_timeout(PATIENCE).unwrap();
        let verdict = side.judge.0.lock().unwrap();
        assert_eq!((&verdict.faults, &verdict.open), (&Vec::new(), &BTreeMap::new()));
        assert!(verdict.established > 0, "no call ever stood");
        println!("{} sessions, {} times ESTABLISHED", verdict.ended.len(), verdict.established);
    }
    let deeds: usize = progress.iter().map(|counter| counter.load(Ordering::Relaxed)).sum();
    println!("{deeds} deeds");
    before.wait_for_return();
}
