//! A SIP SIMPLE user agent for programs without an async runtime.
//!
//! The pure cores: messages ([`sip`]), session descriptions ([`sdp`]) and their negotiation
//! ([`negotiate`]), transactions ([`transaction`]), dialogs ([`dialog`]), the endpoint
//! ([`endpoint`]) and the session ([`session`]). They know no clock, no thread and no socket. The
//! `shell` runs them: [`Engine`], [`Session`], [`SessionManager`] and [`NotificationCenter`] are
//! what a program uses. Who knows the middleware API of SIP SIMPLE finds its words in
//! [`mod@original`].

pub mod auth;
pub mod chat;
#[cfg(any(feature = "compat-rsip", feature = "compat-sdp-rs"))]
pub mod compat;
pub mod credentials;
pub mod dialog;
pub mod dns;
pub mod endpoint;
pub mod error;
pub mod id;
pub mod negotiate;
pub mod notification;
#[cfg(feature = "shell")]
pub mod original;
pub mod registration;
pub mod route;
pub mod sdp;
pub mod session;
pub mod settings;
#[cfg(feature = "shell")]
pub mod shell;
pub mod sip;
pub mod snapshot;
pub mod streams;
pub mod timestamp;
pub mod transaction;
pub mod transport;

pub use offhook_fsm as fsm;
pub use offhook_media as media;
pub use offhook_msrp as msrp;

pub use credentials::Credentials;
pub use notification::Notification;
pub use route::{Route, RouteError, RouteHost};
#[cfg(feature = "shell")]
pub use shell::{
    Account, AccountManager, AnyAccount, BonjourAccount, ConfigurationError, ConfigurationManager,
};
#[cfg(feature = "shell")]
pub use shell::{
    AccountConfig, Config, DnsConfig, Engine, EngineError, Listener, Registration, Session,
    SessionManager, Sounds, TlsConfig,
};
#[cfg(feature = "shell")]
pub use shell::{
    Any, Delivery, Filter, NotRegistered, NotificationCenter, Observer, QueueFull, Removed,
    Subscription,
};
pub use sip::SipUri;
