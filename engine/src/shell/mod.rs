//! Threads and sockets around the cores, and the objects that an application holds.

mod notification_center;

pub use notification_center::{
    Delivery, Filter, NotificationCenter, Observer, ObserverId, QUEUE_MAX, QueueFull, Subscription,
};
