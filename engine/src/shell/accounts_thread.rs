//! The accounts' thread: one thread that runs the registrations of all accounts. It starts with the
//! first order, sleeps while nothing is due, and stops with the engine.
//!
//! An account that is registered costs its core and one timer; a response, a lookup or an order
//! wakes the thread for that account alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use offhook_fsm::Instant;
use offhook_media::shell::mailbox::{Receiver, Sender, mailbox};

use super::engine::EngineShared;
use super::notification_center::lock;
use super::{locate, way};
use crate::error::AccountError;
use crate::id::AccountId;
use crate::notification::Sender as Who;
use crate::registration::{Core, Input, Output};
use crate::session;
use crate::sip::SipUri;
use crate::transport::Transmit;

/// Orders, responses and lookups that wait for the thread.
const MAILBOX_MAX: usize = 16_384;
/// Accounts that look for their registrar or wait for its answer at once; what is ordered beyond
/// that waits its turn, so that many accounts do not flood their registrar.
const ASKING_MAX: usize = 256;
/// How long the order to leave waits for room.
const ORDER_PATIENCE: Duration = Duration::from_secs(1);

enum Mail {
    /// An account is to be registered, or not any more.
    Order(usize, bool),
    Input(AccountId, Input),
    /// Take everything back, and end at that time at the latest.
    Leave(Instant),
}

enum State {
    /// No account has been ordered anything.
    Idle,
    /// The thread is taken out by who waits for its end.
    Running(Sender<Mail>, Option<JoinHandle<()>>),
    Stopped,
}

/// The way to the accounts' thread.
pub(crate) struct Accounts {
    state: Mutex<State>,
}

impl Accounts {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(State::Idle) }
    }

    /// Has an account register, or take its registration back.
    pub(crate) fn order(
        &self,
        engine: &Arc<EngineShared>,
        account: usize,
        wanted: bool,
    ) -> Result<(), AccountError> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Idle) {
            *state = AccountsThread::start(engine).map_err(|error| {
                AccountError::Local(format!("there is no thread for accounts: {error}"))
            })?;
        }
        let State::Running(sender, _) = &*state else { return Err(AccountError::EngineEnded) };
        sender.try_send(Mail::Order(account, wanted)).map_err(|_| AccountError::Busy)
    }

    /// Hands an account what came for it. What finds no room is lost, as on the network.
    pub(crate) fn deliver(&self, account: AccountId, input: Input) {
        if let State::Running(sender, _) = &*lock(&self.state)
            && sender.try_send(Mail::Input(account, input)).is_err()
        {
            log::warn!("the accounts have too much to do: something for {account} is lost");
        }
    }

    /// Begins to take all registrations back, until that time at the latest; no order comes after.
    pub(crate) fn leave(&self, until: Instant) {
        let mut state = lock(&self.state);
        let sender = match &*state {
            State::Running(sender, _) => sender.clone(),
            State::Idle | State::Stopped => {
                *state = State::Stopped;
                return;
            }
        };
        drop(state);
        if sender.send_timeout(Mail::Leave(until), ORDER_PATIENCE).is_err() {
            log::warn!("the accounts have too much to do: their registrations stay");
            // Without a sender it ends.
            *lock(&self.state) = State::Stopped;
        }
    }

    /// Waits for the thread, after [`leave`](Self::leave). Responses go on reaching it.
    pub(crate) fn stop(&self) {
        let thread = match &mut *lock(&self.state) {
            State::Running(_, thread) => thread.take(),
            State::Idle | State::Stopped => None,
        };
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the accounts' thread broke");
        }
        *lock(&self.state) = State::Stopped;
    }
}

struct Account {
    core: Core,
    /// When its core wants to be called.
    next: Option<Instant>,
}

struct AccountsThread {
    engine: Weak<EngineShared>,
    mail: Receiver<Mail>,
    accounts: BTreeMap<AccountId, Account>,
    /// By time; one for each account at most.
    timers: BTreeSet<(Instant, AccountId)>,
    /// Who looks or waits for an answer after an order.
    asking: BTreeSet<AccountId>,
    /// Whose turn has not come.
    waiting: VecDeque<AccountId>,
    /// Everything ends then.
    until: Option<Instant>,
}

impl AccountsThread {
    fn start(engine: &Arc<EngineShared>) -> std::io::Result<State> {
        let (sender, mail) = mailbox(MAILBOX_MAX);
        let thread = Self {
            engine: Arc::downgrade(engine),
            mail,
            accounts: BTreeMap::new(),
            timers: BTreeSet::new(),
            asking: BTreeSet::new(),
            waiting: VecDeque::new(),
            until: None,
        };
        let engine = Arc::downgrade(engine);
        let run = move || {
            let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| thread.run()));
            if let (Err(_), Some(engine)) = (served, engine.upgrade()) {
                engine.fail("the accounts' thread panicked".into());
            }
        };
        let running = std::thread::Builder::new().name("offhook-accounts".into()).spawn(run)?;
        Ok(State::Running(sender, Some(running)))
    }

    /// Serves until all is taken back, or until the engine is gone.
    fn run(mut self) {
        while !self.is_over() {
            let due = self.timers.first().map(|(at, _)| *at).into_iter().chain(self.until).min();
            // No handle on the engine is held while we sleep.
            let Some(due) = self.engine.upgrade().map(|engine| due.map(|at| engine.clock.os(at)))
            else {
                return;
            };
            let mail = match due {
                None => self.mail.recv().ok_or(RecvTimeoutError::Disconnected),
                Some(due) => self.mail.recv_deadline(due),
            };
            let Some(engine) = self.engine.upgrade() else { return };
            match mail {
                Ok(mail) => self.take(&engine, mail),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.until.is_some_and(|until| until <= engine.clock.now()) {
                return self.cut(&engine);
            }
            self.run_timers(&engine);
        }
    }

    /// Nothing is left to take back.
    fn is_over(&self) -> bool {
        self.until.is_some() && self.accounts.values().all(|account| account.core.is_off())
    }

    fn take(&mut self, engine: &Arc<EngineShared>, mail: Mail) {
        match mail {
            Mail::Order(index, true) => self.register(engine, index),
            Mail::Order(index, false) => {
                let id = id_of(index);
                self.waiting.retain(|waits| *waits != id);
                self.input(engine, id, Input::Unregister);
            }
            Mail::Input(id, input) => self.input(engine, id, input),
            Mail::Leave(until) => {
                self.until = Some(until);
                self.waiting.clear();
                let all: Vec<AccountId> = self.accounts.keys().copied().collect();
                for id in all {
                    self.input(engine, id, Input::Unregister);
                }
            }
        }
    }

    fn register(&mut self, engine: &Arc<EngineShared>, index: usize) {
        let id = id_of(index);
        if self.until.is_some() || self.waiting.contains(&id) {
            return;
        }
        self.accounts.entry(id).or_insert_with(|| {
            let entropy = lock(&engine.entropy).fork();
            Account {
                core: Core::new(engine.registration_settings(id, index), entropy),
                next: None,
            }
        });
        if self.asking.len() >= ASKING_MAX {
            self.waiting.push_back(id);
        } else {
            self.input(engine, id, Input::Register);
        }
    }

    fn run_timers(&mut self, engine: &Arc<EngineShared>) {
        let now = engine.clock.now();
        while let Some((at, id)) = self.timers.first().copied() {
            if at > now {
                return;
            }
            self.input(engine, id, Input::Timeout);
        }
    }

    /// Hands an account something, carries out what it wants then, and lets who waits have a turn.
    fn input(&mut self, engine: &Arc<EngineShared>, id: AccountId, input: Input) {
        self.step(engine, id, input);
        while self.asking.len() < ASKING_MAX
            && let Some(next) = self.waiting.pop_front()
        {
            self.step(engine, next, Input::Register);
        }
    }

    fn step(&mut self, engine: &Arc<EngineShared>, id: AccountId, input: Input) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let mut inputs = VecDeque::from([input]);
        while let Some(given) = inputs.pop_front() {
            account.core.handle_input(engine.clock.now(), given);
            loop {
                match account.core.poll_output() {
                    Output::Locate(registrar) => {
                        inputs.extend(engine.locate_registrar(id, registrar));
                    }
                    Output::Transmit(transmit) => inputs.extend(send(engine, transmit)),
                    Output::Notify(data) => engine.tell_of(Who::Account(id), data),
                    Output::Timeout(next) => {
                        if let Some(at) = account.next {
                            self.timers.remove(&(at, id));
                        }
                        account.next = next;
                        self.timers.extend(next.map(|at| (at, id)));
                        break;
                    }
                }
            }
        }
        match account.core.is_asking() {
            true => self.asking.insert(id),
            false => self.asking.remove(&id),
        };
    }

    /// The registrars had their time.
    fn cut(&mut self, engine: &Arc<EngineShared>) {
        let all: Vec<AccountId> = self.accounts.keys().copied().collect();
        for id in all {
            self.step(engine, id, Input::Cut);
        }
    }
}

fn id_of(index: usize) -> AccountId {
    AccountId(u64::try_from(index).unwrap_or(u64::MAX))
}

/// Sends a request; what the account hears when it could not go.
fn send(engine: &EngineShared, transmit: Transmit) -> Option<Input> {
    match *engine.send_request(transmit).err()? {
        session::Input::TransportError { branch, reason } => {
            Some(Input::TransportError { branch, reason })
        }
        _ => None,
    }
}

impl EngineShared {
    /// Looks up the ways to an account's registrar, or to another that it named: what is known at
    /// once is returned, the rest delivered later.
    fn locate_registrar(
        self: &Arc<Self>,
        id: AccountId,
        registrar: Option<SipUri>,
    ) -> Option<Input> {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        let own = self.account(index).cloned();
        let routes = &self.registration(index).routes;
        let hops: Vec<SipUri> = match (routes.is_empty(), registrar.or(own)) {
            (false, _) => routes.clone(),
            (true, registrar) => registrar.into_iter().collect(),
        };
        if hops.iter().any(locate::has_name) {
            return self.look_up_registrar(id, &hops);
        }
        let listeners = self.endpoint.listeners();
        let found: Result<Vec<_>, _> =
            hops.iter().map(|hop| way::route(hop, &listeners).map(|way| way.destination)).collect();
        Some(Input::Located(found.map_err(|error| error.to_string())))
    }

    fn look_up_registrar(self: &Arc<Self>, id: AccountId, hops: &[SipUri]) -> Option<Input> {
        let wanted: Result<Vec<_>, _> = hops.iter().map(locate::wanted).collect();
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(error) => return Some(Input::Located(Err(error.to_string()))),
        };
        let engine = Arc::downgrade(self);
        self.resolver.locate(wanted, move |found| {
            if let Some(engine) = engine.upgrade() {
                let ways = found.and_then(|routes| engine.ways(&routes));
                let ways = ways.map(|ways| ways.iter().map(|way| way.destination).collect());
                engine.accounts.deliver(id, Input::Located(ways));
            }
        });
        None
    }
}
