//! Transactions (RFC 3261 §17 with RFC 6026) as pure cores: bytes and time go in, bytes, verdicts
//! and the next deadline come out.
//!
//! Both sides follow the tables of `offhook-fsm`. They are plain values: a session hands what is
//! left of them on when it ends.

mod client;
mod key;
mod server;
mod unacknowledged;

use std::time::Duration;

pub use client::{ClientTransaction, Failure, NotARequest, Verdict};
pub use key::ServerKey;
pub use server::{NoAck, ServerTransaction};
pub use unacknowledged::{Missing, Unacknowledged};

/// The times that all others are made of (RFC 3261 §17.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timers {
    /// The round trip that is assumed.
    pub t1: Duration,
    /// The longest pause between retransmissions.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Timers {
    /// 64·T1: timers B, F, H, J, L and M.
    #[must_use]
    pub const fn patience(self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}
