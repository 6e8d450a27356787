//! A SIP SIMPLE user agent for programs without an async runtime.
//!
//! What is here today: messages ([`sip`]), session descriptions ([`sdp`]) and their negotiation
//! ([`negotiate`]), the values that sessions, endpoint and applications exchange, and the
//! notification center of the `shell`. Calls are not built yet.

pub mod dialog;
pub mod error;
pub mod id;
pub mod negotiate;
pub mod notification;
pub mod sdp;
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
pub use shell::{Delivery, Filter, NotificationCenter, Observer, ObserverId, Subscription};
