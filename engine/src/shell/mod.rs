//! Threads and sockets around the cores, and the objects that an application holds.

mod engine;
mod notification_center;
mod session;

pub use engine::{Config, Engine, EngineError, Listener, SessionManager};
pub use notification_center::{
    Delivery, Filter, NotificationCenter, Observer, ObserverId, Subscription,
};
pub use session::Session;
