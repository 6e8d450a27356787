//! What this process holds: threads of ours, descriptors, memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// One test at a time, where a test counts what the whole process holds.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    // A test that failed has said so itself.
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What this process holds at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    /// Threads whose name begins with `offhook`.
    pub(crate) threads: usize,
    /// Open descriptors.
    pub(crate) descriptors: usize,
    /// Resident memory in KiB.
    pub(crate) memory_kib: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let is_ours = |task: &std::fs::DirEntry| {
            let name = std::fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.starts_with("offhook"))
        };
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            threads: tasks.filter_map(Result::ok).filter(is_ours).count(),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            memory_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        }
    }

    /// Waits until threads and descriptors are no more than they were. Nothing tells when a thread
    /// is gone for good, so it is asked again and again.
    pub(crate) fn wait_for_return(self) {
        let deadline = super::Deadline::after(super::PATIENCE);
        loop {
            let now = Self::now();
            if now.threads <= self.threads && now.descriptors <= self.descriptors {
                return;
            }
            assert!(!deadline.is_over(), "{self:?} before, {now:?} after");
            std::thread::yield_now();
        }
    }
}

/// A thread of a test's own.
#[allow(clippy::disallowed_methods, reason = "the shell's rule is not for its tests")]
pub(crate) fn spawn<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(what)
}

/// Runs something over and over on another thread until it is dropped.
pub(crate) struct Busy {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Busy {
    pub(crate) fn with(mut what: impl FnMut() + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let run = move || {
            while !seen.load(Ordering::Relaxed) {
                what();
            }
        };
        Self { over, thread: Some(spawn(run)) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}
