//! The clock and the priority of the audio thread.

#![allow(unsafe_code, reason = "clock_nanosleep and scheduling have no safe face in std")]

use offhook_fsm::Instant;

/// What the operating system granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Priority {
    /// Realtime, first in first out.
    Realtime,
    /// Ahead of ordinary threads.
    Raised,
    /// As any other thread.
    Ordinary,
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Instant, Priority};

    /// Above ordinary realtime threads' lowest, below the kernel's own.
    const REALTIME_PRIORITY: libc::c_int = 40;
    const NICE: libc::c_int = -19;

    fn clock() -> libc::timespec {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: clock_gettime fills the structure it is given, which lives on our stack.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        debug_assert_eq!(failed, 0, "there is always a monotonic clock");
        time
    }

    pub(in crate::shell) fn now() -> Instant {
        let time = clock();
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
        Instant::from_micros(seconds * 1_000_000 + nanos / 1000)
    }

    pub(in crate::shell) fn sleep_until(at: Instant) {
        let micros = at.as_micros();
        let time = libc::timespec {
            tv_sec: libc::time_t::try_from(micros / 1_000_000).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::try_from(micros % 1_000_000 * 1000).unwrap_or_default(),
        };
        loop {
            // SAFETY: clock_nanosleep reads the structure it is given, which lives on our stack;
            // with an absolute time it writes no remainder.
            let result = unsafe {
                libc::clock_nanosleep(
                    libc::CLOCK_MONOTONIC,
                    libc::TIMER_ABSTIME,
                    &raw const time,
                    std::ptr::null_mut(),
                )
            };
            if result != libc::EINTR {
                return;
            }
        }
    }

    pub(in crate::shell) fn raise_priority() -> Priority {
        let parameter = libc::sched_param { sched_priority: REALTIME_PRIORITY };
        // SAFETY: these read their arguments and change the calling thread alone (0 is itself).
        unsafe {
            libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64, 0_u64, 0_u64, 0_u64);
            if libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) == 0 {
                return Priority::Realtime;
            }
            if libc::setpriority(libc::PRIO_PROCESS, 0, NICE) == 0 {
                return Priority::Raised;
            }
        }
        Priority::Ordinary
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Instant, Priority};
    use std::sync::OnceLock;
    use std::time::{Duration, Instant as OsInstant};

    static START: OnceLock<OsInstant> = OnceLock::new();

    #[allow(clippy::disallowed_methods, reason = "this is the shell's clock")]
    pub(in crate::shell) fn now() -> Instant {
        let passed = START.get_or_init(OsInstant::now).elapsed();
        Instant::from_micros(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX))
    }

    pub(in crate::shell) fn sleep_until(at: Instant) {
        loop {
            let left: Duration = at - now();
            if left.is_zero() {
                return;
            }
            // A stray wake goes to sleep again.
            std::thread::park_timeout(left);
        }
    }

    pub(in crate::shell) fn raise_priority() -> Priority {
        Priority::Ordinary
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{now, raise_priority, sleep_until};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{now, raise_priority, sleep_until};
