//! Who hears what.
use std::sync::Arc;
use std::time::Duration;

use crate::notification::{Notification, Sender};

/// Which notifications an observer wants: `None` means any.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// By name, as `SIPSessionDidEnd`.
    pub name: Option<&'static str>,
    /// By sender.
    pub sender: Option<Sender>,
}

/// An object that is told.
pub trait Observer: Send + Sync {
    /// Called on the notifier thread, one notification at a time, in order. Any method of any
    /// object of this library may be called from here.
    fn handle_notification(&self, notification: &Notification);
}

/// Names a registered observer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ObserverId(pub u64);

/// Delivers notifications to observers and subscriptions. Clones are one center.
#[derive(Clone, Debug, Default)]
pub struct NotificationCenter {}

impl NotificationCenter {
    /// A center with its notifier thread.
    #[must_use]
    pub fn new() -> Self {
        todo!()
    }
    /// Registers an observer.
    pub fn add_observer(&self, _observer: Arc<dyn Observer>, _filter: Filter) -> ObserverId {
        todo!()
    }
    /// Removes an observer; `false` if it is not registered. Returns only when no call to it runs
    /// any more, except from inside that observer.
    pub fn remove_observer(&self, _id: ObserverId) -> bool {
        todo!()
    }
    /// A bounded channel of notifications.
    #[must_use]
    pub fn subscribe(&self, _filter: Filter, _capacity: usize) -> Subscription {
        todo!()
    }
}

/// The reading end of `subscribe`.
#[derive(Debug)]
pub struct Subscription {}

/// What a subscription yields.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// The next notification.
    Notification(Notification),
    /// The reader was slow: so many notifications were dropped here.
    Lagged(u64),
}

impl Subscription {
    /// The next delivery, within `timeout`; `None` when none came or the center is gone.
    #[must_use]
    pub fn next(&self, _timeout: Duration) -> Option<Delivery> {
        todo!()
    }
}
