//! The only clock of this crate: monotonic time since the engine's start, and the calendar.

use std::time::{Instant as OsInstant, SystemTime, UNIX_EPOCH};

use offhook_fsm::Instant;

use crate::timestamp::{Epoch, Timestamp};

/// Counts from an engine's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: OsInstant,
    epoch: Epoch,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this is the shell's clock")]
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = Timestamp::from_unix_micros(u64::try_from(since.as_micros()).unwrap_or(0));
        Self { start: OsInstant::now(), epoch: Epoch { instant: Instant::ZERO, timestamp } }
    }

    #[allow(clippy::disallowed_methods, reason = "this is the shell's clock")]
    pub(crate) fn now(&self) -> Instant {
        let micros = OsInstant::now().saturating_duration_since(self.start).as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The operating system's name for a point on this clock.
    pub(crate) fn os(&self, at: Instant) -> OsInstant {
        let far = self.start + std::time::Duration::from_secs(u64::from(u32::MAX));
        self.start.checked_add(at - Instant::ZERO).unwrap_or(far)
    }

    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.epoch.at(self.now())
    }
}
