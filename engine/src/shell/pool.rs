//! Warm threads for sessions: handed a job in microseconds, the last one back is the first one out
//! again, so that its stack is still in the cache.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use offhook_media::shell::mailbox::{Receiver, Sender, mailbox};

use super::notification_center::lock;

/// Idle threads beyond this many leave after [`LINGER`].
pub(crate) const IDLE_KEPT: usize = 64;
/// Threads that wait from the start.
const WARM: usize = 4;
const LINGER: Duration = Duration::from_secs(10);
/// A session's stack, in bytes.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };

/// What a thread is woken for.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The threads.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    idle: Mutex<Idle>,
    /// A thread has left.
    left: Condvar,
}

#[derive(Default)]
struct Idle {
    /// Waiting threads, the latest last.
    waiting: Vec<(u64, Sender<Job>)>,
    next: u64,
    /// All threads, busy ones too.
    threads: usize,
    closed: bool,
}

/// There is no thread for a job.
#[derive(Debug)]
pub(crate) struct NoThread;

impl Pool {
    pub(crate) fn new() -> Result<Self, NoThread> {
        let pool = Self(Arc::new(Shared { idle: Mutex::default(), left: Condvar::new() }));
        for _ in 0..WARM {
            pool.spawn(None)?;
        }
        Ok(pool)
    }

    /// Runs a job on a waiting thread; only if none waits a new one is made.
    pub(crate) fn run(&self, mut job: Job) -> Result<(), NoThread> {
        loop {
            let waiting = {
                let mut idle = lock(&self.0.idle);
                if idle.closed {
                    return Err(NoThread);
                }
                idle.waiting.pop()
            };
            let Some((_, thread)) = waiting else { return self.spawn(Some(job)) };
            match thread.try_send(job) {
                Ok(()) => return Ok(()),
                Err(refused) => job = refused.into_inner(),
            }
        }
    }

    /// Called on a pool thread that was just woken: makes a successor when it was the last one
    /// waiting, so that the next call finds a warm thread too.
    pub(crate) fn replenish(&self) {
        let short = {
            let idle = lock(&self.0.idle);
            idle.waiting.is_empty() && !idle.closed
        };
        if short && self.spawn(None).is_err() {
            log::warn!("the operating system gives no more threads");
        }
    }

    fn spawn(&self, first: Option<Job>) -> Result<(), NoThread> {
        let shared = Arc::clone(&self.0);
        lock(&shared.idle).threads += 1;
        let spawned = std::thread::Builder::new()
            .name("offhook-session".into())
            .stack_size(STACK)
            .spawn(move || shared.thread(first));
        spawned.map(drop).map_err(|_| {
            lock(&self.0.idle).threads -= 1;
            NoThread
        })
    }

    /// Lets every thread go that is idle or becomes so, and waits until all are gone.
    pub(crate) fn close(&self, patience: Duration) {
        let mut idle = lock(&self.0.idle);
        idle.closed = true;
        idle.waiting.clear();
        let gone = self.0.left.wait_timeout_while(idle, patience, |idle| idle.threads > 0);
        drop(gone);
    }

    /// All threads, busy and idle.
    pub(crate) fn threads(&self) -> usize {
        lock(&self.0.idle).threads
    }
}

impl Shared {
    fn thread(&self, first: Option<Job>) {
        let _leaving = Leaving(self);
        if let Some(job) = first {
            job();
        }
        while let Some(job) = self.wait() {
            job();
        }
    }

    fn wait(&self) -> Option<Job> {
        let (sender, mut jobs) = mailbox::<Job>(1);
        let (number, crowded) = {
            let mut idle = lock(&self.idle);
            if idle.closed {
                return None;
            }
            idle.next += 1;
            let number = idle.next;
            idle.waiting.push((number, sender));
            (number, idle.waiting.len() > IDLE_KEPT)
        };
        if !crowded {
            return jobs.recv();
        }
        match jobs.recv_timeout(LINGER) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.leave(number, &mut jobs),
        }
    }

    /// Leaves, unless a job was handed over in the last moment.
    fn leave(&self, number: u64, jobs: &mut Receiver<Job>) -> Option<Job> {
        let mut idle = lock(&self.idle);
        if let Some(at) = idle.waiting.iter().position(|(known, _)| *known == number) {
            idle.waiting.remove(at);
            return None;
        }
        drop(idle);
        jobs.recv()
    }
}

/// Counts a thread out, also one that a panic ends.
struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        lock(&self.0.idle).threads -= 1;
        self.0.left.notify_all();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn a_thread_is_used_again() {
        let pool = Pool::new().unwrap();
        for _ in 0..100 {
            let (done, wait) = bounded(1);
            pool.run(Box::new(move || done.send(()).unwrap())).unwrap();
            wait.recv_timeout(Duration::from_secs(5)).unwrap();
        }
        assert!(pool.threads() <= WARM + 1, "{pool:?}");
        pool.close(Duration::from_secs(5));
        assert_eq!(pool.threads(), 0);
        assert!(pool.run(Box::new(|| ())).is_err());
    }

    #[test]
    fn a_job_that_panics_is_not_waited_for() {
        let pool = Pool::new().unwrap();
        pool.run(Box::new(|| std::panic::resume_unwind(Box::new(())))).unwrap();
        pool.close(Duration::from_secs(60));
        assert_eq!(pool.threads(), 0);
    }

    #[test]
    fn more_jobs_than_threads_all_run() {
        let pool = Pool::new().unwrap();
        let (done, wait) = bounded(100);
        let (go, start) = bounded::<()>(0);
        for _ in 0..100 {
            let (done, start) = (done.clone(), start.clone());
            let job = move || {
                let _closed = start.recv();
                done.send(()).unwrap();
            };
            pool.run(Box::new(job)).unwrap();
        }
        drop(go);
        (0..100).for_each(|_| wait.recv_timeout(Duration::from_secs(5)).unwrap());
        pool.close(Duration::from_secs(5));
        assert_eq!(pool.threads(), 0);
    }
}
