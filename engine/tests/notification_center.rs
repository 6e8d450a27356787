//! Who hears what, in which order, and what happens when someone is slow or breaks.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use offhook::id::SessionId;
use offhook::notification::{FieldValue, NotificationData, Originator, Sender};
use offhook::timestamp::Timestamp;
use offhook::{
    Any, Delivery, Filter, NotRegistered, Notification, NotificationCenter, Observer, Removed,
};

const SOON: Duration = Duration::from_secs(20);

fn note(session: u64, data: NotificationData) -> Notification {
    let timestamp = Timestamp::from_unix_micros(0);
    Notification { timestamp, sender: Sender::Session(SessionId(session)), data }
}

fn digit(session: u64, digit: char) -> Notification {
    note(session, NotificationData::SessionGotDtmf { digit })
}

fn end(session: u64) -> Notification {
    note(session, NotificationData::SessionDidEnd { originator: Originator::Local })
}

fn next(subscription: &offhook::Subscription) -> Delivery {
    subscription.next(SOON).unwrap()
}

#[test]
fn the_four_combinations_of_name_and_sender_filter() {
    let center = NotificationCenter::new().unwrap();
    let sender = Some(Sender::Session(SessionId(2)));
    let name = Some("SIPSessionDidEnd");
    let wanted = [
        (Filter::ALL, vec![digit(1, '1'), end(1), digit(2, '2'), end(2)]),
        (Filter { name, sender: None }, vec![end(1), end(2)]),
        (Filter { name: None, sender }, vec![digit(2, '2'), end(2)]),
        (Filter { name, sender }, vec![end(2)]),
    ];
    let subscriptions: Vec<_> = wanted.iter().map(|(f, _)| center.subscribe(*f, 10)).collect();
    for notification in [digit(1, '1'), end(1), digit(2, '2'), end(2)] {
        center.post(notification).unwrap();
    }
    for (subscription, (_, expected)) in subscriptions.iter().zip(wanted) {
        for notification in expected {
            assert_eq!(next(subscription), Delivery::Notification(notification));
        }
    }
}

#[test]
fn a_slow_reader_keeps_the_oldest_and_is_told_how_many_it_lost() {
    let center = NotificationCenter::new().unwrap();
    let slow = center.subscribe(Filter::ALL, 2);
    let other = center.subscribe(Filter::ALL, 10);
    for _ in 0..5 {
        center.post(digit(1, '1')).unwrap();
    }
    (0..5).for_each(|_| drop(next(&other)));
    assert!(matches!(next(&slow), Delivery::Notification(_)));
    assert!(matches!(next(&slow), Delivery::Notification(_)));
    assert_eq!(next(&slow), Delivery::Lagged(3));
}

/// REFERENCE 1.12 item 2
#[test]
fn what_was_lost_is_told_where_it_is_missing() {
    let center = NotificationCenter::new().unwrap();
    let slow = center.subscribe(Filter::ALL, 1);
    let other = center.subscribe(Filter::ALL, 10);
    let post = |d| {
        center.post(digit(1, d)).unwrap();
        assert_eq!(next(&other), Delivery::Notification(digit(1, d)));
    };
    "123".chars().for_each(post);
    assert_eq!(next(&slow), Delivery::Notification(digit(1, '1')));
    // Newer ones come behind the gap, even when the reader does not look before they are there.
    post('4');
    post('5');
    assert_eq!(next(&slow), Delivery::Lagged(2));
    assert_eq!(next(&slow), Delivery::Notification(digit(1, '4')));
    assert_eq!(next(&slow), Delivery::Lagged(1));
    assert_eq!(slow.next(Duration::ZERO), None);
}

#[test]
fn what_was_lost_is_told_even_when_the_center_is_gone() {
    let center = NotificationCenter::new().unwrap();
    let slow = center.subscribe(Filter::ALL, 1);
    let other = center.subscribe(Filter::ALL, 10);
    for d in ['1', '2'] {
        center.post(digit(1, d)).unwrap();
        drop(next(&other));
    }
    drop(center);
    assert_eq!(next(&slow), Delivery::Notification(digit(1, '1')));
    assert_eq!(next(&slow), Delivery::Lagged(1));
    assert_eq!(slow.next(SOON), None);
}

/// Keeps what it is told.
#[derive(Default)]
struct Keeper(Mutex<Vec<Notification>>);

impl Observer for Keeper {
    fn handle_notification(&self, notification: &Notification) {
        self.0.lock().unwrap().push(notification.clone());
    }
}

impl Keeper {
    fn kept(&self) -> Vec<Notification> {
        self.0.lock().unwrap().clone()
    }
}

/// Posts a mark and waits for it: whatever was posted before was delivered to all.
fn settle(center: &NotificationCenter) {
    let sender = Sender::Application(u64::MAX);
    let heard = center.subscribe(Filter::new(Any, sender), 1);
    center.post_own("Mark", sender, Vec::new()).unwrap();
    drop(next(&heard));
}

#[test]
fn the_four_combinations_of_any_and_one_reach_their_observers() {
    let center = NotificationCenter::new().unwrap();
    let observers: [Arc<Keeper>; 4] = Default::default();
    let [all, by_name, by_sender, by_both] = observers;
    let second = SessionId(2);
    center.add_observer(all.clone(), Any, Any);
    center.add_observer(by_name.clone(), "SIPSessionDidEnd", Any);
    center.add_observer(by_sender.clone(), Any, second);
    center.add_observer(by_both.clone(), "SIPSessionDidEnd", second);
    for notification in [digit(1, '1'), end(1), digit(2, '2'), end(2)] {
        center.post(notification).unwrap();
    }
    settle(&center);
    assert_eq!(all.kept()[..4], [digit(1, '1'), end(1), digit(2, '2'), end(2)]);
    assert_eq!(by_name.kept(), [end(1), end(2)]);
    assert_eq!(by_sender.kept(), [digit(2, '2'), end(2)]);
    assert_eq!(by_both.kept(), [end(2)]);
}

#[test]
fn only_the_same_registration_is_taken_back() {
    let center = NotificationCenter::new().unwrap();
    let observer = Arc::new(Keeper::default());
    let name = "SIPSessionDidEnd";
    center.add_observer(observer.clone(), name, Any);
    center.add_observer(observer.clone(), name, Any);
    center.add_observer(observer.clone(), name, SessionId(1));
    let other = Arc::new(Keeper::default());
    let refused = center.remove_observer(&other, name, Any).unwrap_err();
    let text = "the observer is not registered for SIPSessionDidEnd from any sender";
    assert_eq!(refused.to_string(), text);
    assert!(center.remove_observer(&observer, Any, Any).is_err());
    assert!(center.remove_observer(&observer, name, SessionId(2)).is_err());
    assert_eq!(center.remove_observer(&observer, name, Any), Ok(Removed::Done));
    assert!(center.remove_observer(&observer, name, Any).is_err());
    for notification in [end(1), end(2)] {
        center.post(notification).unwrap();
    }
    settle(&center);
    assert_eq!(observer.kept(), [end(1)]);
    assert_eq!(center.remove_observer(&observer, name, SessionId(1)), Ok(Removed::Done));
    assert_eq!(Arc::strong_count(&observer), 1);
}

#[test]
fn what_an_observer_posts_is_delivered_after_what_it_is_told_to_all() {
    let center = NotificationCenter::new().unwrap();
    let first = {
        let center = center.clone();
        move |n: &Notification| {
            if n.name() == "SIPSessionDidEnd" {
                center.post(digit(1, '1')).unwrap();
            }
        }
    };
    let keeper = Arc::new(Keeper::default());
    center.add_observer(Arc::new(first), Any, Any);
    center.add_observer(keeper.clone(), Any, SessionId(1));
    for notification in [end(1), end(1)] {
        center.post(notification).unwrap();
    }
    settle(&center);
    settle(&center);
    let kept = keeper.kept();
    assert_eq!(kept[0], end(1));
    assert_eq!(kept.iter().filter(|n| **n == digit(1, '1')).count(), 2);
    assert_eq!(kept.len(), 4);
}

#[test]
fn a_notification_of_the_application_s_own_has_its_name_its_fields_and_the_time() {
    let center = NotificationCenter::new().unwrap();
    let heard = center.subscribe(Filter::new("LampDidChange", Any), 1);
    let fields = vec![("on", true.into())];
    center.post_own("LampDidChange", Sender::Application(1), fields.clone()).unwrap();
    let Delivery::Notification(told) = next(&heard) else { panic!("lagged") };
    assert_eq!((told.sender, told.data.fields()), (Sender::Application(1), fields));
    assert!(told.timestamp > Timestamp::from_unix_micros(1_700_000_000_000_000));
}

#[test]
fn an_observer_that_panics_stops_nobody() {
    let center = NotificationCenter::new().unwrap();
    center.add_observer(Arc::new(|_: &Notification| panic!("on purpose")), Any, Any);
    let heard = center.subscribe(Filter::ALL, 10);
    center.post(digit(1, '1')).unwrap();
    center.post(digit(1, '2')).unwrap();
    assert_eq!(next(&heard), Delivery::Notification(digit(1, '1')));
    assert_eq!(next(&heard), Delivery::Notification(digit(1, '2')));
}

#[test]
fn an_observer_registered_twice_is_told_once() {
    let center = NotificationCenter::new().unwrap();
    let (tell, told) = mpsc::sync_channel(10);
    let observer: Arc<dyn Observer> =
        Arc::new(move |n: &Notification| tell.send(n.clone()).unwrap());
    center.add_observer(Arc::clone(&observer), Any, Any);
    center.add_observer(observer, "SIPSessionDidEnd", Any);
    center.post(end(1)).unwrap();
    center.post(end(2)).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), end(1));
    assert_eq!(told.recv_timeout(SOON).unwrap(), end(2));
}

/// Takes itself back at its first call.
struct Once {
    center: NotificationCenter,
    own: std::sync::Weak<Self>,
    calls: Mutex<Vec<Result<Removed, NotRegistered>>>,
}

impl Observer for Once {
    fn handle_notification(&self, _: &Notification) {
        let own = self.own.upgrade().unwrap();
        let removed = self.center.remove_observer(&own, Any, SessionId(1));
        self.calls.lock().unwrap().push(removed);
    }
}

#[test]
fn an_observer_may_take_itself_back_is_told_that_its_call_runs_and_hears_no_more() {
    let center = NotificationCenter::new().unwrap();
    let once = Arc::new_cyclic(|own| Once {
        center: center.clone(),
        own: own.clone(),
        calls: Mutex::default(),
    });
    center.add_observer(once.clone(), Any, SessionId(1));
    center.post(digit(1, '1')).unwrap();
    center.post(digit(1, '2')).unwrap();
    settle(&center);
    assert_eq!(*once.calls.lock().unwrap(), [Ok(Removed::CallStillRuns)]);
}

#[test]
fn taking_another_observer_back_inside_an_observer_is_done_at_once() {
    let center = NotificationCenter::new().unwrap();
    let keeper = Arc::new(Keeper::default());
    let (answer, answered) = mpsc::sync_channel(1);
    let remover = {
        let (center, keeper) = (center.clone(), Arc::clone(&keeper));
        move |_: &Notification| {
            answer.send(center.remove_observer(&keeper, Any, SessionId(1))).unwrap();
        }
    };
    center.add_observer(Arc::new(remover), "SIPSessionDidEnd", Any);
    center.add_observer(keeper.clone(), Any, SessionId(1));
    center.post(end(1)).unwrap();
    assert_eq!(answered.recv_timeout(SOON).unwrap(), Ok(Removed::Done));
    settle(&center);
    assert_eq!(keeper.kept(), []);
}

#[test]
fn removing_waits_until_no_call_runs() {
    let center = NotificationCenter::new().unwrap();
    let (entered, entering) = mpsc::sync_channel(1);
    let (leave, leaving) = mpsc::sync_channel::<()>(1);
    let leaving = Mutex::new(leaving);
    let done = Arc::new(Mutex::new(false));
    let finished = Arc::clone(&done);
    let observer = move |_: &Notification| {
        entered.send(()).unwrap();
        leaving.lock().unwrap().recv_timeout(SOON).unwrap();
        *finished.lock().unwrap() = true;
    };
    let observer: Arc<dyn Observer> = Arc::new(observer);
    center.add_observer(Arc::clone(&observer), Any, Any);
    center.post(end(1)).unwrap();
    entering.recv_timeout(SOON).unwrap();
    let remover = {
        let (center, observer, done) = (center.clone(), Arc::clone(&observer), Arc::clone(&done));
        std::thread::Builder::new()
            .spawn(move || {
                let removed = center.remove_observer(&observer, Any, Any);
                (removed, *done.lock().unwrap())
            })
            .unwrap()
    };
    leave.send(()).unwrap();
    assert_eq!(remover.join().unwrap(), (Ok(Removed::Done), true));
    assert!(center.remove_observer(&observer, Any, Any).is_err());
}

/// Fails the test when it is told the digits of its session in another order than they were posted.
struct InOrder {
    center: NotificationCenter,
    sender: Sender,
    next: Mutex<u64>,
    echoes: bool,
}

impl Observer for InOrder {
    fn handle_notification(&self, told: &Notification) {
        let NotificationData::Application { fields, .. } = &told.data else { return };
        let mut next = self.next.lock().unwrap();
        let number = fields.first().map(|(_, number)| number);
        assert_eq!((told.sender, number), (self.sender, Some(&FieldValue::Number(*next))));
        *next += 1;
        if self.echoes {
            self.center.post_own("Echo", self.sender, fields.clone()).unwrap();
        }
    }
}

const THREADS: u64 = 8;
const ROUNDS: u64 = 300;

/// One of the threads: posts numbers, while observers of its own come, go and panic.
fn busy_thread(center: &NotificationCenter, number: u64) -> [u64; 2] {
    let sender = Sender::Application(number);
    let observer =
        |echoes| Arc::new(InOrder { center: center.clone(), sender, next: Mutex::new(0), echoes });
    let (posts, echoes) = (observer(true), observer(false));
    center.add_observer(posts.clone(), "Post", sender);
    center.add_observer(posts.clone(), "Post", sender);
    center.add_observer(echoes.clone(), "Echo", sender);
    let heard = center.subscribe(Filter::new("Echo", sender), usize::try_from(ROUNDS).unwrap());
    for round in 0..ROUNDS {
        center.post_own("Post", sender, vec![("number", round.into())]).unwrap();
        let visitor = Arc::new(Keeper::default());
        let panicking: Arc<dyn Observer> = Arc::new(|_: &Notification| {
            // Without a message of the panic hook.
            std::panic::resume_unwind(Box::new("on purpose"))
        });
        center.add_observer(Arc::clone(&panicking), "Post", sender);
        center.add_observer(visitor.clone(), Any, sender);
        assert!(center.remove_observer(&panicking, "Post", sender).is_ok());
        assert!(center.remove_observer(&visitor, Any, sender).is_ok());
        // No call runs any more: what it was told is what it will ever be told.
        let told = visitor.kept().len();
        assert!(center.remove_observer(&visitor, Any, sender).is_err());
        assert_eq!((visitor.kept().len(), Arc::strong_count(&visitor)), (told, 1));
    }
    for round in 0..ROUNDS {
        let fields = match next(&heard) {
            Delivery::Notification(told) => Some(told.data.fields()),
            _ => None,
        };
        assert_eq!(fields, Some(vec![("number", round.into())]));
    }
    settle(center);
    [posts, echoes].map(|observer| *observer.next.lock().unwrap())
}

#[test]
fn eight_threads_add_remove_post_and_panic_and_nothing_is_lost_or_out_of_order() {
    let center = NotificationCenter::new().unwrap();
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let center = center.clone();
            std::thread::Builder::new().spawn(move || busy_thread(&center, number)).unwrap()
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), [ROUNDS, ROUNDS]);
    }
}
