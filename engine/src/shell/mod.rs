//! Threads and sockets around the cores, and the objects that an application holds.

mod chat;
mod clock;
mod configuration;
mod endpoint_thread;
mod engine;
mod flow;
mod limits;
mod notification_center;
mod pool;
mod recording;
mod registry;
mod session;
mod session_manager;
mod session_thread;
mod sockets;
mod start;
pub mod sys;
mod transports;
mod way;

pub use configuration::{
    Account, AccountManager, AnyAccount, BonjourAccount, ConfigurationError, ConfigurationManager,
    FILE_NAME, PASSWORD_FILE_MAX,
};
pub use engine::{Config, Engine, EngineError, Listener, STOP_PATIENCE};
pub use notification_center::{
    Any, Delivery, Filter, NotRegistered, NotificationCenter, Observer, QUEUE_MAX, QueueFull,
    Removed, Subscription,
};
pub use session::{ROUTES_MAX, Session};
pub use session_manager::{BusyPolicy, IncomingCall, SessionManager, Verdict};
pub use transports::{AudioTransport, MsrpChat};
