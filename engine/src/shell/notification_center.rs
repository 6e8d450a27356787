//! Who hears what: observers (called back on the notifier thread) and subscriptions (bounded
//! channels), both fed by one queue in the order in which things happened.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender as ChannelSender, TrySendError, bounded};
use offhook_media::shell::mailbox;

use super::clock::Clock;
use super::watched::Watched;
use super::{Engine, Session};
use crate::id::{AccountId, SessionId};
use crate::notification::{FieldValue, Notification, NotificationData, Sender};

/// Notifications that wait for the notifier thread, over all sessions. When it is full a session
/// keeps its own in its outbox and tries again.
pub const QUEUE_MAX: usize = 16_384;

/// Any name, or any sender.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Any;

impl From<Any> for Option<&'static str> {
    fn from(_: Any) -> Self {
        None
    }
}

impl From<Any> for Option<Sender> {
    fn from(_: Any) -> Self {
        None
    }
}

impl From<&Session> for Option<Sender> {
    fn from(session: &Session) -> Self {
        Some(Sender::Session(session.id()))
    }
}

impl From<&Engine> for Option<Sender> {
    fn from(_: &Engine) -> Self {
        Some(Sender::Engine)
    }
}

impl From<SessionId> for Option<Sender> {
    fn from(id: SessionId) -> Self {
        Some(Sender::Session(id))
    }
}

impl From<AccountId> for Option<Sender> {
    fn from(id: AccountId) -> Self {
        Some(Sender::Account(id))
    }
}

/// Which notifications somebody wants: `None` means any.
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

    /// Of one name or [`Any`], from one sender or [`Any`].
    pub fn new(name: impl Into<Option<&'static str>>, sender: impl Into<Option<Sender>>) -> Self {
        Self { name: name.into(), sender: sender.into() }
    }

    fn wants(&self, notification: &Notification) -> bool {
        self.name.is_none_or(|name| name == notification.name())
            && self.sender.is_none_or(|sender| sender == notification.sender)
    }
}

/// An object that is told.
pub trait Observer: Send + Sync {
    /// Called on the notifier thread, one notification at a time, in order, with no lock held. Any
    /// method of any object of this library may be called from here; what is posted from here is
    /// delivered afterwards. A panic is logged and goes no further.
    fn handle_notification(&self, notification: &Notification);
}

impl<F: Fn(&Notification) + Send + Sync> Observer for F {
    fn handle_notification(&self, notification: &Notification) {
        self(notification);
    }
}

/// What [`NotificationCenter::remove_observer`] can promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    /// No call to the observer runs any more.
    Done,
    /// It was removed from inside itself: the call that runs goes on to its end.
    CallStillRuns,
}

/// The observer is not registered for that name and that sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotRegistered(pub Filter);

impl fmt::Display for NotRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sender = self.0.sender.map(|sender| sender.to_string());
        write!(
            f,
            "the observer is not registered for {} from {}",
            self.0.name.unwrap_or("any notification"),
            sender.as_deref().unwrap_or("any sender")
        )
    }
}

impl std::error::Error for NotRegistered {}

/// Delivers notifications to observers and subscriptions. Clones are one center; the notifier
/// thread ends with the last of them.
///
/// ```
/// use std::sync::Arc;
/// use offhook::{Any, Notification, NotificationCenter, Observer};
///
/// struct Doorbell;
/// impl Observer for Doorbell {
///     fn handle_notification(&self, notification: &Notification) {
///         println!("{notification}");
///     }
/// }
///
/// let center = NotificationCenter::new()?;
/// let doorbell = Arc::new(Doorbell);
/// center.add_observer(doorbell.clone(), "SIPSessionNewIncoming", Any);
/// center.remove_observer(&doorbell, "SIPSessionNewIncoming", Any)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct NotificationCenter {
    queue: mailbox::Sender<Notification>,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    listeners: Mutex<Listeners>,
    /// The call to an observer that runs now.
    running: Watched<Option<Call>>,
    thread: Mutex<Option<ThreadId>>,
}

/// One call to an observer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Call {
    observer: usize,
    number: u64,
}

#[derive(Default)]
struct Listeners {
    observers: Vec<(Filter, Arc<dyn Observer>)>,
    subscriptions: Vec<Arc<Feed>>,
}

struct Feed {
    filter: Filter,
    channel: ChannelSender<Delivery>,
    capacity: usize,
    lagged: Arc<Mutex<u64>>,
}

/// What tells observers apart: where they are, as long as they are.
fn place<O: ?Sized>(observer: &Arc<O>) -> usize {
    Arc::as_ptr(observer).cast::<()>().addr()
}

/// The same of one that may be gone; its place is not taken by another one meanwhile.
fn weak_place(observer: &Weak<dyn Observer>) -> usize {
    observer.as_ptr().cast::<()>().addr()
}

/// The queue is full: the notification was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueFull(pub Box<Notification>);

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{QUEUE_MAX} notifications wait already: {} is not taken", self.0.name())
    }
}

impl std::error::Error for QueueFull {}

impl NotificationCenter {
    /// A center with its notifier thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new() -> std::io::Result<Self> {
        let (queue, mut incoming) = mailbox::mailbox(QUEUE_MAX);
        let shared = Arc::new(Shared {
            clock: Clock::start(),
            listeners: Mutex::default(),
            running: Watched::new(None),
            thread: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("offhook-notifier".into()).spawn(move || {
            *lock(&for_thread.thread) = Some(std::thread::current().id());
            let mut calls = 0;
            while let Some(notification) = incoming.recv() {
                for_thread.deliver(&notification, &mut calls);
            }
            // The center is gone: what still waits in a subscription stays readable.
            lock(&for_thread.listeners).subscriptions.clear();
        })?;
        Ok(Self { queue, shared })
    }

    /// Registers an observer for the notifications of one name, or [`Any`], from one sender, or
    /// [`Any`]. One that is registered several ways is told once of each notification. The same
    /// registration twice is one.
    pub fn add_observer(
        &self,
        observer: Arc<dyn Observer>,
        name: impl Into<Option<&'static str>>,
        sender: impl Into<Option<Sender>>,
    ) {
        let filter = Filter::new(name, sender);
        let observers = &mut lock(&self.shared.listeners).observers;
        let known = |(f, o): &(_, _)| *f == filter && place(o) == place(&observer);
        if !observers.iter().any(known) {
            observers.push((filter, observer));
        }
    }

    /// Takes one registration back; others of the same observer stay. Returns only when no call to
    /// the observer runs any more, except from inside the observer itself, where it says so. An
    /// observer must not wait for another thread that removes it: both would wait for ever.
    ///
    /// # Errors
    /// When the observer is not registered for just that name and that sender.
    pub fn remove_observer<O: Observer + ?Sized>(
        &self,
        observer: &Arc<O>,
        name: impl Into<Option<&'static str>>,
        sender: impl Into<Option<Sender>>,
    ) -> Result<Removed, NotRegistered> {
        let (filter, wanted) = (Filter::new(name, sender), place(observer));
        let found = {
            let observers = &mut lock(&self.shared.listeners).observers;
            let at = observers.iter().position(|(f, o)| *f == filter && place(o) == wanted);
            at.map(|at| observers.remove(at))
        };
        // The center's hold on the observer ends after the wait, with no lock held.
        let _taken = found.ok_or(NotRegistered(filter))?;
        let running = self.shared.running.read(|running| *running);
        let Some(call) = running.filter(|call| call.observer == wanted) else {
            return Ok(Removed::Done);
        };
        if self.is_notifier_thread() {
            return Ok(Removed::CallStillRuns);
        }
        // Another registration may lead to a next call: this one alone is waited for.
        self.shared.running.wait(None, |running| *running != Some(call), |_| ());
        Ok(Removed::Done)
    }

    /// A bounded channel of notifications. When its reader is slow the newest are dropped and
    /// counted: see [`Delivery::Lagged`].
    #[must_use]
    pub fn subscribe(&self, filter: Filter, capacity: usize) -> Subscription {
        let capacity = capacity.max(1);
        let (channel, incoming) = bounded(capacity.saturating_add(1));
        let lagged = Arc::new(Mutex::new(0));
        let feed = Arc::new(Feed { filter, channel, capacity, lagged: Arc::clone(&lagged) });
        let weak = Arc::downgrade(&feed);
        lock(&self.shared.listeners).subscriptions.push(feed);
        Subscription { incoming, lagged, feed: weak, shared: Arc::clone(&self.shared) }
    }

    /// Posts a notification of the application's own, with the time of now. Its name should not be
    /// one of this library's.
    ///
    /// # Errors
    /// When the queue is full; the notification comes back.
    ///
    /// ```
    /// use offhook::NotificationCenter;
    /// use offhook::notification::Sender;
    ///
    /// let center = NotificationCenter::new()?;
    /// let fields = vec![("lamp", "kitchen".into()), ("on", true.into())];
    /// center.post_own("LampDidChange", Sender::Application(1), fields)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_own(
        &self,
        name: &'static str,
        sender: Sender,
        fields: Vec<(&'static str, FieldValue)>,
    ) -> Result<(), QueueFull> {
        let data = NotificationData::Application { name, fields };
        self.post(Notification { timestamp: self.shared.clock.timestamp(), sender, data })
    }

    /// Queues a notification. Never waits; from inside an observer, too, it is delivered
    /// afterwards.
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
    fn deliver(&self, notification: &Notification, calls: &mut u64) {
        let (observers, feeds) = {
            let listeners = lock(&self.listeners);
            // Held weakly: a removed observer is nobody's but the application's.
            let mut observers: Vec<Weak<dyn Observer>> = Vec::new();
            for (filter, observer) in &listeners.observers {
                let told = observers.iter().any(|other| weak_place(other) == place(observer));
                if !told && filter.wants(notification) {
                    observers.push(Arc::downgrade(observer));
                }
            }
            let wanted = listeners.subscriptions.iter().filter(|f| f.filter.wants(notification));
            (observers, wanted.map(Arc::clone).collect::<Vec<_>>())
        };
        for feed in feeds {
            feed.push(notification);
        }
        for observer in observers {
            *calls += 1;
            self.call(Call { observer: weak_place(&observer), number: *calls }, notification);
        }
    }

    fn call(&self, call: Call, notification: &Notification) {
        self.running.change(|running| *running = Some(call));
        // It may have been removed since the list was made; `remove_observer` waits on `running`,
        // so this look comes after it is set.
        let wants = |(filter, other): &&(Filter, Arc<dyn Observer>)| {
            place(other) == call.observer && filter.wants(notification)
        };
        let registered = lock(&self.listeners).observers.iter().find(wants).map(|(_, o)| o.clone());
        let told = contained(|| {
            if let Some(observer) = &registered {
                observer.handle_notification(notification);
            }
        });
        // This may be the last hold on it: what its end does is contained, too.
        let dropped = contained(|| drop(registered));
        self.running.change(|running| *running = None);
        if !told || !dropped {
            log::error!("an observer panicked on {}", notification.name());
        }
    }
}

/// Whether it ran to its end.
fn contained(what: impl FnOnce()) -> bool {
    let Err(payload) = catch_unwind(AssertUnwindSafe(what)) else { return true };
    // A payload may panic when it is dropped; then so be it, once.
    let _second = catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err();
    false
}

impl Feed {
    fn push(&self, notification: &Notification) {
        let mut lagged = lock(&self.lagged);
        // Beside the notifications there is one place more: what was lost is told before what
        // comes after it.
        if self.channel.len() >= self.capacity {
            *lagged = lagged.saturating_add(1);
            return;
        }
        if *lagged > 0 {
            let _room = self.channel.try_send(Delivery::Lagged(std::mem::take(&mut *lagged)));
        }
        // Only the reader can have gone.
        let _room = self.channel.try_send(Delivery::Notification(notification.clone()));
    }
}

/// The reading end of [`NotificationCenter::subscribe`].
pub struct Subscription {
    incoming: Receiver<Delivery>,
    /// Dropped and not yet told; the lock orders that with what is in the channel.
    lagged: Arc<Mutex<u64>>,
    feed: Weak<Feed>,
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
    /// What was dropped is told where it is missing: after what was kept and before what is newer.
    #[must_use]
    pub fn next(&self, timeout: Duration) -> Option<Delivery> {
        {
            let mut lagged = lock(&self.lagged);
            if *lagged > 0 && self.incoming.is_empty() {
                return Some(Delivery::Lagged(std::mem::take(&mut *lagged)));
            }
        }
        self.incoming.recv_timeout(timeout).ok()
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
