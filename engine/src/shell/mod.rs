//! Threads and sockets around the cores, and the objects that an application holds.

mod accounts_thread;
mod chat;
mod clock;
mod configuration;
mod endpoint_thread;
mod engine;
mod files;
mod flow;
mod limits;
mod locate;
mod name_files;
mod notification_center;
mod pool;
mod recording;
mod registration;
mod registry;
mod resolver;
mod session;
mod session_manager;
mod session_thread;
mod sockets;
mod sounds;
mod start;
pub mod sys;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod tls_config;
mod transports;
mod watched;
mod way;

pub use configuration::{
    Account, AccountManager, AnyAccount, BonjourAccount, ConfigurationError, ConfigurationManager,
    FILE_NAME, PASSWORD_FILE_MAX, password_file,
};
pub use engine::{AccountConfig, Config, Engine, EngineError, Listener, STOP_PATIENCE};
pub use notification_center::{
    Any, Delivery, Filter, NotRegistered, NotificationCenter, Observer, QUEUE_MAX, QueueFull,
    Removed, Subscription,
};
pub use registration::Registration;
pub use resolver::DnsConfig;
pub use session::{ROUTES_MAX, Session};
pub use session_manager::{BusyPolicy, IncomingCall, SessionManager, Verdict};
pub use sounds::Sounds;
pub use tls_config::TlsConfig;
pub use transports::{AudioTransport, MsrpChat};
