//! Which session is reached how: the endpoint's and the media layer's way to the session threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::TrySendError;
use mio::Waker;

use offhook_media::shell::mailbox::{self, Receiver, Sender};

use super::notification_center::lock;
use super::watched::Watched;
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
    /// Somebody made a [`Wish`].
    Wish,
    /// Makes the core panic: for tests of what then happens.
    Panic,
}

/// What must come to pass however full the mailbox is. The greater one holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Wish {
    /// None.
    Nothing,
    /// The last handle is gone, or the engine stops: `end()`.
    End,
    /// Something was lost that is told only once: the session cannot go on.
    Overrun,
    /// The engine has waited for it long enough.
    Cut,
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
    /// Whose session it is, as [`Config`](super::Config) counts accounts: 0 is `account`, those
    /// after it are `other_accounts`.
    pub(crate) account: usize,
    /// Held for the copy of a pointer only.
    snapshot: Mutex<Arc<Snapshot>>,
    /// Mail is put in under this lock: once the mailbox is taken away nothing comes in behind what
    /// its thread has read.
    mailbox: Mutex<Option<Mailbox>>,
    wish: AtomicU8,
    /// It is one of the sessions that the registry counts.
    counted: AtomicBool,
    /// The application has raw audio of it.
    pub(crate) has_raw_audio: AtomicBool,
    progress: Watched<Progress>,
    /// The guard that all handles of this session share.
    pub(crate) guard: Mutex<std::sync::Weak<super::session::Guard>>,
}

/// The way into a session's thread.
struct Mailbox {
    sender: Sender<Mail>,
    /// Wakes a thread that waits for sockets and not for mail.
    waker: Option<Arc<Waker>>,
}

/// Why mail did not get into a mailbox; it comes back.
pub(crate) enum Unsent {
    /// The session has no thread, or none any more.
    Closed(Mail),
    /// There is no room.
    Full(Mail),
}

impl Shared {
    fn new(id: SessionId, account: usize) -> Self {
        let progress = Progress { state: SessionState::Null, was_established: false, ended: false };
        Self {
            id,
            account,
            snapshot: Mutex::default(),
            mailbox: Mutex::new(None),
            wish: AtomicU8::new(Wish::Nothing as u8),
            counted: AtomicBool::new(false),
            has_raw_audio: AtomicBool::new(false),
            progress: Watched::new(progress),
            guard: Mutex::default(),
        }
    }

    /// Opens the mailbox with what the thread is to read first; `None` if it is open already.
    pub(crate) fn open(&self, first: Mail) -> Option<Receiver<Mail>> {
        let mut mailbox = lock(&self.mailbox);
        if mailbox.is_some() {
            return None;
        }
        let (sender, receiver) = mailbox::mailbox(MAILBOX_MAX);
        // It is empty, and the reader is here.
        let _room = sender.try_send(first);
        self.wish.store(Wish::Nothing as u8, Ordering::Release);
        *mailbox = Some(Mailbox { sender, waker: None });
        Some(receiver)
    }

    /// From now on the thread waits for sockets, or for mail alone again. It looks into the mailbox
    /// after this and before it waits: what came before is found then, what comes later wakes it.
    pub(crate) fn set_waker(&self, waker: Option<Arc<Waker>>) {
        if let Some(mailbox) = &mut *lock(&self.mailbox) {
            mailbox.waker = waker;
        }
    }

    /// Takes the mailbox away. What is in it may then be read to its end.
    pub(crate) fn close(&self) {
        *lock(&self.mailbox) = None;
        // Whoever waits for a session that came to nothing looks again.
        self.progress.change(|_| ());
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.mailbox).is_some()
    }

    /// Puts mail into the mailbox, if there is less than `limit` in it. Never waits.
    pub(crate) fn send(&self, mail: Mail, limit: usize) -> Result<(), Unsent> {
        let waker = {
            let mailbox = lock(&self.mailbox);
            let Some(Mailbox { sender, waker }) = &*mailbox else {
                return Err(Unsent::Closed(mail));
            };
            if sender.len() >= limit {
                return Err(Unsent::Full(mail));
            }
            sender.try_send(mail).map_err(|refused| match refused {
                TrySendError::Full(mail) => Unsent::Full(mail),
                TrySendError::Disconnected(mail) => Unsent::Closed(mail),
            })?;
            waker.clone()
        };
        if let Some(Err(error)) = waker.map(|waker| waker.wake()) {
            log::error!("session {} cannot be woken: {error}", self.id);
        }
        Ok(())
    }

    /// Hands over an order of the application.
    pub(crate) fn send_order(&self, mail: Mail) -> Result<(), Unsent> {
        self.send(mail, ORDERS_MAX)
    }

    /// Asks for something that finds room in any case.
    pub(crate) fn wish(&self, wish: Wish) {
        self.wish.fetch_max(wish as u8, Ordering::AcqRel);
        // When the mailbox is full its thread has something to read and looks for wishes after it.
        let _full = self.send(Mail::Wish, MAILBOX_MAX);
    }

    /// What was asked for, once.
    pub(crate) fn take_wish(&self) -> Wish {
        let wishes = [Wish::End, Wish::Overrun, Wish::Cut];
        let wish = self.wish.swap(Wish::Nothing as u8, Ordering::AcqRel);
        wishes.into_iter().find(|known| *known as u8 == wish).unwrap_or(Wish::Nothing)
    }

    /// The snapshot that was published last.
    pub(crate) fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&lock(&self.snapshot))
    }

    /// Publishes a new snapshot and wakes those who wait for it.
    pub(crate) fn publish(&self, snapshot: &Snapshot) {
        let new = Arc::new(snapshot.clone());
        let old = std::mem::replace(&mut *lock(&self.snapshot), new);
        // Its end is nobody's wait.
        drop(old);
        if self.progress.read(|progress| progress.state != snapshot.state) {
            self.progress.change(|progress| {
                progress.state = snapshot.state;
                progress.was_established |= snapshot.state == SessionState::Established;
            });
        }
    }

    /// `SIPSessionDidEnd` is posted.
    pub(crate) fn did_end(&self) {
        self.progress.change(|progress| progress.ended = true);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.progress.read(|progress| progress.ended)
    }

    /// Waits until `until` holds; the progress as it then is, or after `timeout`.
    pub(crate) fn wait(&self, timeout: Duration, until: impl Fn(&Progress) -> bool) -> Progress {
        self.progress.wait(Some(timeout), until, |progress| *progress)
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
    pub(crate) fn create(&self, account: usize) -> Arc<Shared> {
        Arc::new(Shared::new(SessionId(self.next.fetch_add(1, Ordering::Relaxed)), account))
    }

    /// Lists a session; `false` when there are as many as may be.
    pub(crate) fn list(&self, shared: &Arc<Shared>) -> bool {
        let room = self.active.fetch_update(Ordering::AcqRel, Ordering::Acquire, |active| {
            (active < self.max).then_some(active + 1)
        });
        if room.is_err() {
            return false;
        }
        shared.counted.store(true, Ordering::Release);
        lock(&self.sessions).insert(shared.id, Arc::clone(shared));
        true
    }

    /// A listed session does not run any more. It stays listed until its end was delivered.
    pub(crate) fn ended(&self, shared: &Shared) {
        if shared.counted.swap(false, Ordering::AcqRel) {
            self.active.fetch_sub(1, Ordering::AcqRel);
        }
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

    /// Hands over what is told only once: by the media layer, or by a stream that broke. The whole
    /// mailbox is open to it, and a session that has no room all the same cannot go on.
    pub(crate) fn deliver_once(&self, id: SessionId, input: Input) {
        if let Err(Undelivered::Full(_)) = self.post(id, Box::new(input), MAILBOX_MAX)
            && let Some(shared) = self.get(id)
        {
            log::warn!("session {id} has too much to do and is ended");
            shared.wish(Wish::Overrun);
        }
    }

    fn post(&self, id: SessionId, input: Box<Input>, limit: usize) -> Result<(), Undelivered> {
        let Some(shared) = self.get(id) else { return Err(Undelivered::Gone(input)) };
        shared.send(Mail::Input(input), limit).map_err(|unsent| match unsent {
            Unsent::Full(Mail::Input(input)) => Undelivered::Full(input),
            Unsent::Closed(Mail::Input(input)) => Undelivered::Gone(input),
            // A refused input is an input: this is never reached, and says so without a panic.
            _ => Undelivered::Gone(Box::new(Input::Timeout)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_finds_room_in_a_full_mailbox_and_the_greatest_holds() {
        let session = Registry::new(1).create(0);
        let mail = session.open(Mail::Wish).unwrap();
        while session.send(Mail::Wish, MAILBOX_MAX).is_ok() {}
        assert_eq!(mail.len(), MAILBOX_MAX);
        session.wish(Wish::Overrun);
        session.wish(Wish::End);
        assert_eq!(session.take_wish(), Wish::Overrun);
        assert_eq!(session.take_wish(), Wish::Nothing);
    }

    #[test]
    fn a_media_event_that_finds_no_room_is_a_wish_and_no_silence() {
        let registry = Registry::new(1);
        let session = registry.create(0);
        let _mail = session.open(Mail::Wish).unwrap();
        assert!(registry.list(&session));
        while session.send(Mail::Wish, MAILBOX_MAX).is_ok() {}
        registry.deliver_once(session.id, Input::Timeout);
        assert_eq!(session.take_wish(), Wish::Overrun);
    }

    #[test]
    fn nothing_is_put_into_a_mailbox_behind_its_end() {
        let session = Registry::new(1).create(0);
        let mail = session.open(Mail::Wish).unwrap();
        session.close();
        assert!(matches!(session.send(Mail::Wish, MAILBOX_MAX), Err(Unsent::Closed(_))));
        assert_eq!(mail.len(), 1);
        assert!(session.open(Mail::Wish).is_some());
    }

    #[test]
    fn a_session_that_ends_twice_is_counted_once() {
        let registry = Registry::new(1);
        let session = registry.create(0);
        assert!(registry.list(&session));
        assert!(!registry.list(&registry.create(0)));
        registry.ended(&session);
        registry.ended(&session);
        assert_eq!(registry.active(), 0);
    }
}
