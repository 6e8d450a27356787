//! Which session is reached how: the endpoint's and the media layer's way to the session threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::notification_center::lock;
use crate::error::SessionError;
use crate::id::SessionId;
use crate::notification::SessionState;
use crate::session::{Input, Order};
use crate::snapshot::Snapshot;

/// Orders and inputs that wait for a session's thread.
pub(crate) const MAILBOX_MAX: usize = 64;
/// Of these, what the network may fill, so that orders and media events still find room.
const NETWORK_MAX: usize = 40;
/// What network and orders together may fill.
const ORDERS_MAX: usize = 52;

/// What a session's thread is woken for.
pub(crate) enum Mail {
    /// The application orders, and waits for the result.
    Order(Box<Order>, Sender<Result<(), SessionError>>),
    /// Something happened.
    Input(Box<Input>),
    /// The last handle is gone, or the engine stops: `end()`.
    End,
    /// Makes the core panic: for tests of what then happens.
    Panic,
}

/// How far a session has come, for those who wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) state: SessionState,
    pub(crate) was_established: bool,
    /// `SIPSessionDidEnd` is posted.
    pub(crate) ended: bool,
}

/// What handles, the endpoint and the session's thread share.
pub(crate) struct Shared {
    pub(crate) id: SessionId,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    mailbox: Mutex<Option<Sender<Mail>>>,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// The guard that all handles of this session share.
    pub(crate) guard: Mutex<std::sync::Weak<super::session::Guard>>,
}

impl Shared {
    fn new(id: SessionId) -> Self {
        let progress = Progress { state: SessionState::Null, was_established: false, ended: false };
        Self {
            id,
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            mailbox: Mutex::new(None),
            progress: Mutex::new(progress),
            moved: Condvar::new(),
            guard: Mutex::default(),
        }
    }

    /// Opens the mailbox; `None` if it is open already.
    pub(crate) fn open(&self) -> Option<Receiver<Mail>> {
        let mut mailbox = lock(&self.mailbox);
        if mailbox.is_some() {
            return None;
        }
        let (sender, receiver) = bounded(MAILBOX_MAX);
        *mailbox = Some(sender);
        Some(receiver)
    }

    /// Takes the mailbox away again: `connect` was refused.
    pub(crate) fn close(&self) {
        *lock(&self.mailbox) = None;
    }

    pub(crate) fn mailbox(&self) -> Option<Sender<Mail>> {
        lock(&self.mailbox).clone()
    }

    /// Publishes a new snapshot and wakes those who wait for it.
    pub(crate) fn publish(&self, snapshot: &Snapshot) {
        self.snapshot.store(Arc::new(snapshot.clone()));
        let mut progress = lock(&self.progress);
        if progress.state != snapshot.state {
            progress.state = snapshot.state;
            progress.was_established |= snapshot.state == SessionState::Established;
            drop(progress);
            self.moved.notify_all();
        }
    }

    /// `SIPSessionDidEnd` is posted.
    pub(crate) fn did_end(&self) {
        lock(&self.progress).ended = true;
        self.moved.notify_all();
    }

    /// Waits until `until` holds; the progress as it then is, or after `timeout`.
    pub(crate) fn wait(&self, timeout: Duration, until: impl Fn(&Progress) -> bool) -> Progress {
        let progress = lock(&self.progress);
        let waited = self.moved.wait_timeout_while(progress, timeout, |now| !until(now));
        *waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }
}

/// Why an input did not reach its session.
pub(crate) enum Undelivered {
    /// There is no such session any more.
    Gone(Box<Input>),
    /// Its mailbox is full.
    Full(Box<Input>),
}

/// The sessions of one engine.
pub(crate) struct Registry {
    sessions: Mutex<BTreeMap<SessionId, Arc<Shared>>>,
    next: AtomicU64,
    /// Sessions with a mailbox that have not ended.
    active: AtomicUsize,
    max: usize,
}

impl Registry {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            sessions: Mutex::default(),
            next: AtomicU64::new(1),
            active: AtomicUsize::new(0),
            max,
        }
    }

    /// The next session in state NULL. It is not listed before it has a thread.
    pub(crate) fn create(&self) -> Arc<Shared> {
        Arc::new(Shared::new(SessionId(self.next.fetch_add(1, Ordering::Relaxed))))
    }

    /// Lists a session; `false` when there are as many as may be.
    pub(crate) fn list(&self, shared: &Arc<Shared>) -> bool {
        let room = self.active.fetch_update(Ordering::AcqRel, Ordering::Acquire, |active| {
            (active < self.max).then_some(active + 1)
        });
        if room.is_err() {
            return false;
        }
        lock(&self.sessions).insert(shared.id, Arc::clone(shared));
        true
    }

    /// A listed session does not run any more. It stays listed until its end was delivered.
    pub(crate) fn ended(&self) {
        self.active.fetch_sub(1, Ordering::AcqRel);
    }

    /// Takes a session off the list.
    pub(crate) fn forget(&self, id: SessionId) {
        let forgotten = lock(&self.sessions).remove(&id);
        // Dropped with no lock held.
        drop(forgotten);
    }

    /// Sessions that run.
    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    pub(crate) const fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Shared>> {
        lock(&self.sessions).get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Shared>> {
        lock(&self.sessions).values().cloned().collect()
    }

    /// Hands an input from the network to its session.
    pub(crate) fn deliver(&self, id: SessionId, input: Input) -> Result<(), Undelivered> {
        self.post(id, Box::new(input), NETWORK_MAX)
    }

    /// Hands an input from the media layer to its session. The whole mailbox is open to it: it
    /// tells little, and some of it only once.
    pub(crate) fn deliver_media(&self, id: SessionId, input: Input) -> Result<(), Undelivered> {
        self.post(id, Box::new(input), MAILBOX_MAX)
    }

    fn post(&self, id: SessionId, input: Box<Input>, limit: usize) -> Result<(), Undelivered> {
        let Some(mailbox) = self.get(id).and_then(|shared| shared.mailbox()) else {
            return Err(Undelivered::Gone(input));
        };
        if mailbox.len() >= limit {
            return Err(Undelivered::Full(input));
        }
        mailbox.try_send(Mail::Input(input)).map_err(|refused| match refused {
            TrySendError::Full(Mail::Input(input)) => Undelivered::Full(input),
            TrySendError::Disconnected(Mail::Input(input)) => Undelivered::Gone(input),
            _ => unreachable_mail(),
        })
    }
}

/// A refused input is an input: this is never reached, and says so without a panic.
fn unreachable_mail() -> Undelivered {
    Undelivered::Gone(Box::new(Input::Timeout))
}

/// Whether an order may still be put into a mailbox.
pub(crate) fn has_room(mailbox: &Sender<Mail>) -> bool {
    mailbox.len() < ORDERS_MAX
}
