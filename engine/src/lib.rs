//! A SIP SIMPLE user agent for programs without an async runtime.
#![forbid(unsafe_op_in_unsafe_fn)]

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
pub use shell::{Delivery, Filter, NotificationCenter, Observer, ObserverId, Subscription};
