//! A SIP SIMPLE user agent for programs without an async runtime.
//!
//! What is here today are the cores: messages ([`sip`]), session descriptions ([`sdp`]) and their
//! negotiation ([`negotiate`]), transactions ([`transaction`]), dialogs ([`dialog`]), the endpoint
//! ([`endpoint`]), the session ([`session`]), and the notification center of the `shell`. The threads and sockets that make a
//! call of them are not built yet.

pub mod dialog;
pub mod endpoint;
pub mod error;
pub mod id;
pub mod negotiate;
pub mod notification;
pub mod sdp;
pub mod session;
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

pub use notification::Notification;
#[cfg(feature = "shell")]
pub use shell::{Config, Engine, EngineError, Listener, Session, SessionManager};
#[cfg(feature = "shell")]
pub use shell::{Delivery, Filter, NotificationCenter, Observer, ObserverId, Subscription};
