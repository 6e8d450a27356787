//! A 2xx to an INVITE that is repeated, over every transport, until its ACK (RFC 3261 §13.3.1.4).

use std::time::Duration;

use offhook_fsm::Instant;

use super::Timers;
use crate::transport::Transmit;

/// Our 2xx to an INVITE or a re-INVITE, without its ACK.
#[derive(Clone, Debug)]
pub struct Unacknowledged {
    ok: Transmit,
    cseq: u32,
    t2: Duration,
    again: Instant,
    pause: Duration,
    until: Instant,
}

/// What is to be done about a missing ACK.
#[derive(Clone, Debug)]
pub enum Missing {
    /// Send the 2xx again.
    Repeat(Transmit),
    /// 64·T1 have passed: no ACK is to come.
    GivenUp,
}

impl Unacknowledged {
    /// `ok` has just been sent to the INVITE of that number.
    #[must_use]
    pub fn new(now: Instant, timers: Timers, cseq: u32, ok: Transmit) -> Self {
        Self {
            ok,
            cseq,
            t2: timers.t2,
            again: now + timers.t1,
            pause: timers.t1.saturating_mul(2).min(timers.t2),
            until: now + timers.patience(),
        }
    }

    /// The number that the ACK carries.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.cseq
    }

    /// The 2xx.
    #[must_use]
    pub const fn ok(&self) -> &Transmit {
        &self.ok
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.again.min(self.until)
    }

    /// What is due by now, if anything.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Missing> {
        if self.until <= now {
            return Some(Missing::GivenUp);
        }
        if self.again > now {
            return None;
        }
        self.again += self.pause;
        self.pause = self.pause.saturating_mul(2).min(self.t2);
        Some(Missing::Repeat(self.ok.clone()))
    }
}
