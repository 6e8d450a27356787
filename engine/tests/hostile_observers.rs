//! A running engine whose application misbehaves: observers that block or panic, subscribers that
//! never read.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::peer::{Peer, Request};
use common::{Deadline, PATIENCE, Party, Record};
use offhook::notification::{NotificationData, Sender, SessionState};
use offhook::shell::QUEUE_MAX;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Delivery, Filter, Notification, Observer, Session};

/// An observer that does not return until it is let go, and then calls what it was given.
struct Gate {
    entered: SyncSender<()>,
    leave: Mutex<Receiver<Box<dyn FnOnce() + Send>>>,
}

impl Observer for Gate {
    fn handle_notification(&self, _: &Notification) {
        self.entered.send(()).unwrap();
        let leave = self.leave.lock().unwrap().recv().unwrap();
        leave();
    }
}

/// A notifier thread that stands still.
struct Blocked {
    leave: SyncSender<Box<dyn FnOnce() + Send>>,
}

impl Blocked {
    fn of(party: &Party) -> Self {
        let ((entered, waits), (leave, left)) = (sync_channel(1), sync_channel(1));
        let center = party.engine.notification_center();
        let gate = Gate { entered, leave: Mutex::new(left) };
        center.add_observer(Arc::new(gate), "Block", Any);
        center.post_own("Block", Sender::Application(1), Vec::new()).unwrap();
        waits.recv_timeout(PATIENCE).unwrap();
        Self { leave }
    }

    /// Fills the queue behind the observer.
    fn fill(&self, party: &Party) {
        let center = party.engine.notification_center();
        let mut posted = 0;
        while center.post_own("Filler", Sender::Application(1), Vec::new()).is_ok() {
            posted += 1;
        }
        assert!(posted + 100 >= QUEUE_MAX, "{posted}");
    }

    /// Lets the observer go, by way of `what`.
    fn release(&self, what: impl FnOnce() + Send + 'static) {
        self.leave.send(Box::new(what)).unwrap();
    }
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

/// Nothing tells of a state while the notifier stands still, so it is asked for.
fn wait_terminated(session: &Session) {
    let deadline = Deadline::after(PATIENCE);
    while session.snapshot().state != SessionState::Terminated {
        assert!(!deadline.is_over(), "{session:?}");
        std::thread::yield_now();
    }
}

#[test]
fn an_observer_that_panics_each_time_harms_nobody() {
    let victim = Party::new();
    let panics = |n: &Notification| {
        // Quietly: the panic's own message would only fill the test's output.
        std::panic::resume_unwind(Box::new(n.name()));
    };
    let second = Record::default();
    let center = victim.engine.notification_center();
    center.add_observer(Arc::new(panics), Any, Any);
    second.listen(&center);
    victim.still_serves();
    second.wait_for("SIPSessionDidEnd");
}

#[test]
fn a_subscriber_that_never_reads_delays_nobody_and_learns_how_much_it_missed() {
    let victim = Party::new();
    let center = victim.engine.notification_center();
    let subscription = center.subscribe(Filter::ALL, 4);
    for _ in 0..5 {
        victim.still_serves();
    }
    for _ in 0..4 {
        let next = subscription.next(PATIENCE);
        assert!(matches!(next, Some(Delivery::Notification(_))), "{next:?}");
    }
    let lagged = subscription.next(PATIENCE);
    assert!(matches!(lagged, Some(Delivery::Lagged(missed)) if missed > 50), "{lagged:?}");
}

#[test]
fn calls_go_on_while_an_observer_blocks_and_it_hears_all_of_them_afterwards() {
    let (alice, bob) = (Party::new(), Party::new());
    let blocked = Blocked::of(&alice);
    let calls: Vec<Session> = (0..30)
        .map(|_| {
            let (call, answer) = established(&alice, &bob);
            answer.end().unwrap();
            assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
            call
        })
        .collect();
    assert!(!alice.record.all().iter().any(|n| n.name() == "SIPSessionNewOutgoing"));
    blocked.release(|| ());
    for call in calls {
        let sender = Sender::Session(call.id());
        alice.record.wait(|n| n.sender == sender && n.name() == "SIPSessionDidEnd");
        let told = alice.record.of(&call);
        let first_and_last = (told.first().copied(), told.last().copied());
        assert_eq!(first_and_last, (Some("CALLING"), Some("SIPSessionDidEnd")));
    }
}

#[test]
fn an_observer_may_order_a_session_whose_end_waits_for_this_very_observer() {
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = established(&alice, &bob);
    let blocked = Blocked::of(&alice);
    blocked.fill(&alice);
    answer.end().unwrap();
    wait_terminated(&call);
    let (took, time) = sync_channel(1);
    let ordered = call.clone();
    blocked.release(move || {
        let deadline = Deadline::after(PATIENCE);
        ordered.end().unwrap();
        took.send(PATIENCE - deadline.left()).unwrap();
    });
    let took = time.recv_timeout(PATIENCE).unwrap();
    assert!(took < Duration::from_secs(1), "end() took {took:?}");
    assert!(call.wait_ended(PATIENCE));
    let sender = Sender::Session(call.id());
    alice.record.wait(|n| n.sender == sender && n.name() == "SIPSessionDidEnd");
}

/// It waits as long as a session waits for its last words to be taken.
#[test]
fn sessions_whose_end_nobody_takes_are_forgotten() {
    let (alice, bob) = (Party::new(), Party::new());
    let calls: Vec<_> = (0..5).map(|_| established(&alice, &bob)).collect();
    let blocked = Blocked::of(&alice);
    blocked.fill(&alice);
    for (call, answer) in &calls {
        answer.end().unwrap();
        wait_terminated(call);
    }
    for (call, _) in &calls {
        assert!(call.wait_ended(PATIENCE));
    }
    let manager = alice.engine.session_manager();
    let deadline = Deadline::after(PATIENCE);
    while calls.iter().any(|(call, _)| manager.get(call.id()).is_some()) {
        assert!(!deadline.is_over());
        std::thread::yield_now();
    }
    blocked.release(|| ());
    alice.still_serves();
}

#[test]
fn an_engine_stops_while_an_observer_blocks() {
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = established(&alice, &bob);
    let blocked = Blocked::of(&alice);
    let deadline = Deadline::after(offhook::shell::STOP_PATIENCE);
    alice.engine.stop();
    assert!(!deadline.is_over());
    assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
    blocked.release(|| ());
    alice.record.wait_for("SIPEngineDidEnd");
}

#[test]
fn incoming_calls_past_the_limit_are_refused_while_an_observer_blocks() {
    let victim = Party::with(offhook::Config { sessions_max: Some(4), ..Default::default() });
    let blocked = Blocked::of(&victim);
    let peer = Peer::of(victim.address(Transport::Udp));
    let mut refused = 0;
    for _ in 0..40 {
        let invite = Request::invite();
        peer.request(&invite);
        let told = peer.wait(|m| m.contains(&invite.call_id) && common::peer::status(m) != 100);
        refused += usize::from(common::peer::status(&told) == 503);
    }
    assert_eq!(refused, 36);
    blocked.release(|| ());
    victim.incoming(3);
    assert_eq!(victim.engine.session_manager().sessions().len(), 4);
}

#[test]
fn an_engine_dropped_by_its_last_observer_ends_behind_it() {
    let party = Party::new();
    let record = party.record.clone();
    let center = party.engine.notification_center();
    let held = Mutex::new(Some(party.engine));
    let drops = move |_: &Notification| drop(held.lock().unwrap().take());
    center.add_observer(Arc::new(drops), "LetGo", Any);
    center.post_own("LetGo", Sender::Application(1), Vec::new()).unwrap();
    let told = record.wait_for("SIPEngineDidEnd");
    assert!(matches!(told.data, NotificationData::EngineDidEnd));
}
