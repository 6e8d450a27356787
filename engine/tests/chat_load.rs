//! A lot of messages in a chat between two engines over loopback: each comes once, in order, and is
//! told to be delivered once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]
#![allow(clippy::disallowed_methods, reason = "real engines run by the real clock")]

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::process::Held;
use common::{PATIENCE, Party, wait_state};
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Notification, Session};

const CHAT: Streams = Streams { audio: false, chat: true };
/// Messages of a side that are not reported on at once; a session refuses more than 256 as busy.
const WINDOW: usize = 200;

/// What one side has noticed.
#[derive(Default)]
struct Seen {
    /// The number that the next message must have.
    next: usize,
    delivered: BTreeSet<String>,
    wrong: Option<String>,
}

impl Seen {
    fn notice(&mut self, n: &Notification) {
        let wrong = match &n.data {
            Data::SessionGotMessage { content, .. } => {
                let number = self.next;
                self.next += 1;
                let text = String::from_utf8_lossy(content);
                (text != says(number)).then(|| format!("{text:?} in place of {number}"))
            }
            Data::SessionDidDeliverMessage { message_id, .. } => {
                let again = !self.delivered.insert(message_id.clone());
                again.then(|| format!("{message_id} is told twice"))
            }
            Data::SessionDidNotDeliverMessage { message_id, reason, .. } => {
                Some(format!("{message_id} is not delivered: {reason}"))
            }
            _ => None,
        };
        self.wrong = self.wrong.take().or(wrong);
    }
}

fn says(number: usize) -> String {
    format!("message {number}")
}

/// One side: its session, what it noticed, and what it said.
struct Side {
    session: Session,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    said: BTreeSet<String>,
}

impl Side {
    fn new(party: &Party, session: Session) -> Self {
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (noticed, id) = (Arc::clone(&seen), Sender::Session(session.id()));
        let observer = move |n: &Notification| {
            if n.sender == id {
                noticed.0.lock().unwrap_or_else(PoisonError::into_inner).notice(n);
                noticed.1.notify_all();
            }
        };
        let center = party.engine.notification_center();
        center.add_observer(Arc::new(observer), Any, Any);
        Self { session, seen, said: BTreeSet::new() }
    }

    /// Waits until so many of ours are reported on and so many came.
    fn wait(&self, delivered: usize, came: usize) {
        let seen = self.seen.0.lock().unwrap();
        let short = |seen: &mut Seen| {
            seen.wrong.is_none() && (seen.delivered.len() < delivered || seen.next < came)
        };
        let (seen, waited) = self.seen.1.wait_timeout_while(seen, PATIENCE, short).unwrap();
        assert_eq!(seen.wrong, None);
        assert!(!waited.timed_out(), "{} delivered, {} came", seen.delivered.len(), seen.next);
    }

    fn say(&mut self, number: usize) {
        self.wait((number + 1).saturating_sub(WINDOW), 0);
        let id = self.session.send_message(says(number).as_bytes(), "text/plain", None).unwrap();
        assert!(self.said.insert(id));
    }
}

/// So many messages both ways; how long they took.
fn exchange(count: usize) -> Duration {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    for (party, session) in [(&alice, &call), (&bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
        let sender = Sender::Session(session.id());
        party.record.wait(|n| n.sender == sender && n.name() == "MSRPChatDidStart");
        // What is recorded would be all that the memory shows.
        party.record.stop();
    }
    let began = Instant::now();
    let mut sides = [Side::new(&alice, call), Side::new(&bob, answer)];
    for number in 0..count {
        sides.iter_mut().for_each(|side| side.say(number));
    }
    for side in &sides {
        side.wait(count, count);
        assert_eq!(side.seen.0.lock().unwrap().delivered, side.said);
    }
    began.elapsed()
}

/// Two thousand each way, or as many as `OFFHOOK_CHAT_MESSAGES` says, four times.
#[test]
fn messages_both_ways_come_once_in_order_and_are_reported() {
    let wanted = std::env::var("OFFHOOK_CHAT_MESSAGES").ok();
    let Some(count) = wanted.and_then(|text| text.parse::<u32>().ok()) else {
        exchange(2_000);
        return;
    };
    let mut resident = vec![Held::now().memory_kib];
    for _ in 0..4 {
        let took = exchange(count as usize).as_secs_f64();
        resident.push(Held::now().memory_kib);
        let rate = 2.0 * f64::from(count) / took;
        println!("{count} messages both ways in {took:.1} s, {rate:.0} a second");
    }
    println!("resident before and after each, in KiB: {resident:?}");
    // What is kept of each message would show: the first chats warm the allocator up.
    assert!(resident[4] < resident[2] + 16 * 1024, "{resident:?}");
}
