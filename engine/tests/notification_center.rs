//! Who hears what, in which order, and what happens when someone is slow or breaks.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use offhook::id::SessionId;
use offhook::notification::{NotificationData, Originator, Sender};
use offhook::timestamp::Timestamp;
use offhook::{Delivery, Filter, Notification, NotificationCenter, Observer};

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

#[test]
fn an_observer_that_panics_stops_nobody() {
    let center = NotificationCenter::new().unwrap();
    center.add_observer(Arc::new(|_: &Notification| panic!("on purpose")), Filter::ALL);
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
    center.add_observer(Arc::clone(&observer), Filter::ALL);
    let by_name = Filter { name: Some("SIPSessionDidEnd"), sender: None };
    center.add_observer(observer, by_name);
    center.post(end(1)).unwrap();
    center.post(end(2)).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), end(1));
    assert_eq!(told.recv_timeout(SOON).unwrap(), end(2));
}

#[test]
fn an_observer_may_remove_itself_and_hears_no_more() {
    let center = NotificationCenter::new().unwrap();
    let calls = Arc::new(Mutex::new(0));
    let id = Arc::new(Mutex::new(None));
    let observer = {
        let (center, calls, id) = (center.clone(), Arc::clone(&calls), Arc::clone(&id));
        move |_: &Notification| {
            *calls.lock().unwrap() += 1;
            let own = id.lock().unwrap().unwrap();
            assert!(center.is_notifier_thread() && center.remove_observer(own));
        }
    };
    let mut own = id.lock().unwrap();
    *own = Some(center.add_observer(Arc::new(observer), Filter::ALL));
    drop(own);
    let heard = center.subscribe(Filter { name: Some("SIPSessionDidEnd"), sender: None }, 1);
    center.post(digit(1, '1')).unwrap();
    center.post(digit(1, '2')).unwrap();
    center.post(end(1)).unwrap();
    center.post(end(2)).unwrap();
    assert_eq!(next(&heard), Delivery::Notification(end(1)));
    assert_eq!(*calls.lock().unwrap(), 1);
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
    let id = center.add_observer(Arc::new(observer), Filter::ALL);
    center.post(end(1)).unwrap();
    entering.recv_timeout(SOON).unwrap();
    leave.send(()).unwrap();
    assert!(center.remove_observer(id));
    assert!(*done.lock().unwrap());
    assert!(!center.remove_observer(id));
}
