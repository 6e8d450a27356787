//! Who hears what: observers (called back on the notifier thread) and subscriptions (bounded
//! channels), both fed by one queue in the order in which things happened.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Sender as ChannelSender, TrySendError, bounded,
};

use crate::notification::{Notification, Sender};

/// Notifications that wait for the notifier thread, over all sessions. When it is full a session
/// keeps its own in its outbox and tries again.
pub const QUEUE_MAX: usize = 16_384;

/// Which notifications an observer wants: `None` means any.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// By name, as `SIPSessionDidEnd`.
    pub name: Option<&'static str>,
    /// By sender.
    pub sender: Option<Sender>,
}

impl Filter {
    /// Everything.
    pub const ALL: Self = Self { name: None, sender: None };

    fn wants(&self, notification: &Notification) -> bool {
        self.name.is_none_or(|name| name == notification.name())
            && self.sender.is_none_or(|sender| sender == notification.sender)
    }
}

/// An object that is told.
pub trait Observer: Send + Sync {
    /// Called on the notifier thread, one notification at a time, in order. Any method of any
    /// object of this library may be called from here. A panic is logged and goes no further.
    fn handle_notification(&self, notification: &Notification);
}

impl<F: Fn(&Notification) + Send + Sync> Observer for F {
    fn handle_notification(&self, notification: &Notification) {
        self(notification);
    }
}

/// Names a registered observer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObserverId(pub u64);

/// Delivers notifications to observers and subscriptions. Clones are one center; the notifier
/// thread ends with the last of them.
///
/// ```
/// use std::sync::Arc;
/// use offhook::{Filter, Notification, NotificationCenter};
///
/// let center = NotificationCenter::new()?;
/// let ends = Filter { name: Some("SIPSessionDidEnd"), ..Filter::ALL };
/// let id = center.add_observer(Arc::new(|n: &Notification| println!("{n:?}")), ends);
/// assert!(center.remove_observer(id));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct NotificationCenter {
    queue: ChannelSender<Notification>,
    shared: Arc<Shared>,
}

struct Shared {
    next_id: AtomicU64,
    listeners: Mutex<Listeners>,
    /// The observer whose call runs now.
    running: Mutex<Option<ObserverId>>,
    idle: Condvar,
    thread: Mutex<Option<ThreadId>>,
}

#[derive(Default)]
struct Listeners {
    observers: Vec<(ObserverId, Filter, Arc<dyn Observer>)>,
    subscriptions: Vec<Arc<Feed>>,
}

struct Feed {
    filter: Filter,
    channel: ChannelSender<Notification>,
    lagged: AtomicU64,
}

/// The queue is full: the notification was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueFull(pub Box<Notification>);

impl NotificationCenter {
    /// A center with its notifier thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new() -> std::io::Result<Self> {
        let (queue, incoming) = bounded(QUEUE_MAX);
        let shared = Arc::new(Shared {
            next_id: AtomicU64::new(1),
            listeners: Mutex::default(),
            running: Mutex::default(),
            idle: Condvar::new(),
            thread: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("offhook-notifier".into()).spawn(move || {
            *lock(&for_thread.thread) = Some(std::thread::current().id());
            for notification in &incoming {
                for_thread.deliver(&notification);
            }
            // The center is gone: what still waits in a subscription stays readable.
            lock(&for_thread.listeners).subscriptions.clear();
        })?;
        Ok(Self { queue, shared })
    }

    /// Registers an observer. An observer registered several times is told once of each
    /// notification that any of its filters wants.
    pub fn add_observer(&self, observer: Arc<dyn Observer>, filter: Filter) -> ObserverId {
        let id = ObserverId(self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        lock(&self.shared.listeners).observers.push((id, filter, observer));
        id
    }

    /// Removes an observer; `false` if it is not registered. Returns only when no call to it runs
    /// any more, except from inside an observer, where it returns at once and the running call is
    /// the last.
    pub fn remove_observer(&self, id: ObserverId) -> bool {
        let found = {
            let mut listeners = lock(&self.shared.listeners);
            let at = listeners.observers.iter().position(|(known, ..)| *known == id);
            at.map(|at| listeners.observers.remove(at))
        };
        if !self.is_notifier_thread() {
            let running = lock(&self.shared.running);
            let waited = self.shared.idle.wait_while(running, |running| *running == Some(id));
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
        // The observer itself is dropped here, with no lock held.
        found.is_some()
    }

    /// A bounded channel of notifications. When its reader is slow the newest are dropped and
    /// counted: see [`Delivery::Lagged`].
    #[must_use]
    pub fn subscribe(&self, filter: Filter, capacity: usize) -> Subscription {
        let (channel, incoming) = bounded(capacity.max(1));
        let feed = Arc::new(Feed { filter, channel, lagged: AtomicU64::new(0) });
        lock(&self.shared.listeners).subscriptions.push(Arc::clone(&feed));
        Subscription { incoming, feed: Arc::downgrade(&feed), shared: Arc::clone(&self.shared) }
    }

    /// Queues a notification. Never waits.
    ///
    /// # Errors
    /// When the queue is full; the notification comes back.
    pub fn post(&self, notification: Notification) -> Result<(), QueueFull> {
        match self.queue.try_send(notification) {
            // The notifier thread holds the other end as long as `self` lives.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(notification)) => Err(QueueFull(Box::new(notification))),
        }
    }

    /// Whether the caller is inside an observer.
    #[must_use]
    pub fn is_notifier_thread(&self) -> bool {
        *lock(&self.shared.thread) == Some(std::thread::current().id())
    }
}

impl fmt::Debug for NotificationCenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationCenter").field("waiting", &self.queue.len()).finish()
    }
}

impl Shared {
    fn deliver(&self, notification: &Notification) {
        let (observers, feeds) = {
            let listeners = lock(&self.listeners);
            let mut observers: Vec<(ObserverId, Arc<dyn Observer>)> = Vec::new();
            for (id, filter, observer) in &listeners.observers {
                let told = observers.iter().any(|(_, other)| Arc::ptr_eq(other, observer));
                if !told && filter.wants(notification) {
                    observers.push((*id, Arc::clone(observer)));
                }
            }
            let wanted = listeners.subscriptions.iter().filter(|f| f.filter.wants(notification));
            (observers, wanted.map(Arc::clone).collect::<Vec<_>>())
        };
        for feed in feeds {
            feed.push(notification);
        }
        for (id, observer) in observers {
            self.call(id, &*observer, notification);
        }
    }

    fn call(&self, id: ObserverId, observer: &dyn Observer, notification: &Notification) {
        *lock(&self.running) = Some(id);
        // It may have been removed since the list was made; `remove_observer` waits on `running`,
        // so this look comes after it is set.
        let registered = lock(&self.listeners).observers.iter().any(|(known, ..)| *known == id);
        if registered {
            let told =
                catch_unwind(AssertUnwindSafe(|| observer.handle_notification(notification)));
            if told.is_err() {
                log::error!("an observer panicked on {}", notification.name());
            }
        }
        *lock(&self.running) = None;
        self.idle.notify_all();
    }
}

impl Feed {
    fn push(&self, notification: &Notification) {
        if self.channel.try_send(notification.clone()).is_err() {
            self.lagged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The reading end of [`NotificationCenter::subscribe`].
pub struct Subscription {
    incoming: Receiver<Notification>,
    feed: std::sync::Weak<Feed>,
    shared: Arc<Shared>,
}

/// What a subscription yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The next notification.
    Notification(Notification),
    /// The reader was slow: so many notifications were dropped since the last delivery.
    Lagged(u64),
}

impl Subscription {
    /// The next delivery, within `timeout`; `None` when none came or the center is gone.
    ///
    /// What was dropped is told after what was kept, so a reader that drains sees
    /// notifications in order, then `Lagged(n)`, then newer ones.
    #[must_use]
    pub fn next(&self, timeout: Duration) -> Option<Delivery> {
        if self.incoming.is_empty()
            && let Some(feed) = self.feed.upgrade()
        {
            let lagged = feed.lagged.swap(0, Ordering::Relaxed);
            if lagged > 0 {
                return Some(Delivery::Lagged(lagged));
            }
        }
        match self.incoming.recv_timeout(timeout) {
            Ok(notification) => Some(Delivery::Notification(notification)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mine = self.feed.as_ptr();
        lock(&self.shared.listeners).subscriptions.retain(|feed| Arc::as_ptr(feed) != mine);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("waiting", &self.incoming.len()).finish()
    }
}

/// Locks; a poisoned lock is taken all the same, since nothing under these locks can panic midway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
