//! The endpoint's tables and timers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use offhook_fsm::{Entropy, Instant};

use super::{Counters, Input, LEFTOVERS_MAX, Output, Settings};
use crate::id::{AccountId, SessionId};
use crate::sip::{Message, validate};
use crate::transaction::{
    ClientTransaction, ServerKey, ServerTransaction, Unacknowledged, Verdict,
};
use crate::transport::{Destination, Received, Transmit};

/// What makes two INVITEs with different branches one that a proxy forked and merged again
/// (RFC 3261 §8.2.2.2): From tag, Call-ID, CSeq.
pub(super) type MergeKey = (Box<[u8]>, Box<[u8]>, u32);

/// A server transaction and whose it is.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) transaction: ServerTransaction,
    pub(super) session: Option<SessionId>,
    pub(super) merge: MergeKey,
    /// An INVITE's Request-URI and the address that it came from: its CANCEL has the same.
    pub(super) origin: Option<(Box<[u8]>, IpAddr)>,
    /// For the 503 when no session takes it.
    pub(super) received: Option<Received>,
    armed: Option<Instant>,
}

/// A client transaction whose session has ended.
#[derive(Debug)]
struct Leftover {
    transaction: ClientTransaction,
    /// It waits for the ACK that carries this tag of ours.
    awaits: Option<Box<[u8]>>,
    /// A provisional response alone keeps an INVITE no longer than this (RFC 3261 §9.1).
    give_up: Instant,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Timer {
    Server(ServerKey),
    Leftover(u64),
}

/// The endpoint. Owned by one thread.
#[derive(Debug)]
pub struct Core {
    pub(super) settings: Settings,
    /// Makes the tags of stateless answers the same for a repeated request, and unguessable.
    pub(super) secret: [u8; 32],
    pub(super) servers: BTreeMap<ServerKey, Server>,
    pub(super) merges: BTreeMap<MergeKey, ServerKey>,
    leftovers: BTreeMap<u64, Leftover>,
    /// Which leftovers have a branch: an INVITE and its CANCEL share theirs.
    branches: BTreeSet<(Box<[u8]>, u64)>,
    /// Which leftover waits for the ACK with a tag.
    awaiting: BTreeMap<Box<[u8]>, u64>,
    next_leftover: u64,
    timers: BTreeSet<(Instant, Timer)>,
    outputs: VecDeque<Output>,
    pub(super) counters: Counters,
}

/// What a CANCEL has in common with its INVITE beside the transaction (RFC 3261 §9.1): whoever
/// guesses a branch from elsewhere ends no call.
pub(super) fn origin<B: AsRef<[u8]>>(
    message: &Message<B>,
    source: Destination,
) -> (Box<[u8]>, IpAddr) {
    (message.request_uri().unwrap_or_default().into(), source.remote.ip())
}

/// The To tag of a response of ours.
fn own_tag(response: &[u8]) -> Option<Box<[u8]>> {
    let response = Message::parse(response).ok()?;
    response.to().ok()?.tag().map(Into::into)
}

impl Core {
    /// An endpoint without transactions.
    #[must_use]
    pub fn new(mut settings: Settings, mut entropy: Entropy) -> Self {
        // It stands in every answer: what cannot be printed would keep all of them from being sent.
        settings.user_agent.retain(|c| !c.is_control());
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        Self {
            settings,
            secret,
            servers: BTreeMap::new(),
            merges: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            branches: BTreeSet::new(),
            awaiting: BTreeMap::new(),
            next_leftover: 0,
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// What was dropped.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Transactions of both kinds that live.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.servers.len() + self.leftovers.len()
    }

    /// Takes in one thing that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Message { source, bytes } => self.message(now, source, bytes),
            Input::Opened(key, session) => {
                if let Some(server) = self.servers.get_mut(&key) {
                    server.session = Some(session);
                    server.received = None;
                }
            }
            Input::NotOpened(key) => self.not_opened(now, &key),
            Input::Gone(key, received) => self.untaken(now, &key, &received, 481),
            Input::NotTaken(key, received) => self.untaken(now, &key, &received, 503),
            Input::Responded { key, status, transmit } => {
                if let Some(server) = self.servers.get_mut(&key) {
                    server.transaction.respond(now, status, transmit);
                    // The session has sent it.
                    let _sent = server.transaction.poll_transmit();
                    self.settle(&key);
                }
            }
            Input::Refused(key, received, code) => self.untaken(now, &key, &received, code),
            Input::Unread(received) => self.unread(now, &received),
            Input::HandOver(transaction) => self.take_over(now, *transaction),
            Input::Timeout => self.timeout(now),
        }
    }

    /// The next thing to do; [`Output::Timeout`] is the last.
    pub fn poll_output(&mut self) -> Output {
        let next = || self.timers.first().map(|(at, _)| *at);
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(next()))
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn message(&mut self, now: Instant, source: Destination, bytes: &[u8]) {
        let (message, broken) = Message::parse_lenient(bytes);
        let broken = broken.map(|error| (error.status(), error.to_string()));
        let fault =
            broken.or_else(|| validate(&message).err().map(|fault| (fault.status, fault.reason)));
        if let Some((status, reason)) = fault {
            return self.refuse_broken(source, &message, status, &reason);
        }
        if message.is_request() {
            self.request(now, source, &message);
        } else {
            self.response(now, source, &message);
        }
    }

    fn response(&mut self, now: Instant, source: Destination, message: &Message<&[u8]>) {
        if self.of_leftover(now, message, || Received { message: message.to_message(), source }) {
            return;
        }
        let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        if let Some(account) = AccountId::from_branch(branch) {
            let received = Received { message: message.to_message(), source };
            return self.push(Output::AccountResponse(account, received));
        }
        let Some(session) = SessionId::from_branch(branch) else {
            self.counters.strays += 1;
            return;
        };
        self.push(Output::Response(session, Received { message: message.to_message(), source }));
    }

    /// A response that its session ended before it could read.
    fn unread(&mut self, now: Instant, received: &Received) {
        if !self.of_leftover(now, &received.message, || received.clone()) {
            self.counters.strays += 1;
        }
    }

    /// Gives a response to the leftover that waits for it. `false` when none does.
    fn of_leftover<B: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        message: &Message<B>,
        received: impl FnOnce() -> Received,
    ) -> bool {
        let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let from = (Box::from(branch), 0);
        let same = self.branches.range(from..).take_while(|(other, _)| **other == *branch);
        let numbers: Vec<u64> = same.map(|(_, number)| *number).collect();
        for number in numbers {
            let Some(leftover) = self.leftovers.get_mut(&number) else { continue };
            let verdict = leftover.transaction.receive(now, message);
            if verdict == Verdict::NotMine {
                continue;
            }
            let is_invite = message.cseq().is_ok_and(|cseq| cseq.method == b"INVITE");
            let accepts = message.status().is_some_and(|status| (200..300).contains(&status));
            if verdict == Verdict::Deliver && is_invite && accepts {
                let invite = leftover.transaction.request().clone();
                self.outputs.push_back(Output::LateAnswer(Box::new((invite, received()))));
            }
            self.settle_leftover(number);
            return true;
        }
        false
    }

    /// A new server transaction.
    pub(super) fn open(
        &mut self,
        key: &ServerKey,
        received: &Received,
        merge: MergeKey,
        session: Option<SessionId>,
    ) {
        let reliable = received.source.transport.is_reliable();
        let is_invite = received.message.method() == Some(b"INVITE");
        let transaction = ServerTransaction::new(self.settings.timers, is_invite, reliable);
        let origin = is_invite.then(|| origin(&received.message, received.source));
        let received = session.is_none().then(|| received.clone());
        let merged = merge.clone();
        let server = Server { transaction, session, merge, origin, received, armed: None };
        self.servers.insert(key.clone(), server);
        // A CANCEL has its INVITE's, which stays.
        self.merges.entry(merged).or_insert_with(|| key.clone());
    }

    /// Answers in a transaction of the endpoint's own.
    pub(super) fn respond(&mut self, now: Instant, key: &ServerKey, status: u16, sent: Transmit) {
        if let Some(server) = self.servers.get_mut(key) {
            server.transaction.respond(now, status, sent);
        }
        self.settle(key);
    }

    /// Sends what a transaction has to send, arms its timer anew, drops it when it is over.
    pub(super) fn settle(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        while let Some(transmit) = server.transaction.poll_transmit() {
            self.outputs.push_back(Output::Transmit(transmit));
        }
        let next = server.transaction.deadline();
        if let Some(armed) = std::mem::replace(&mut server.armed, next) {
            self.timers.remove(&(armed, Timer::Server(key.clone())));
        }
        if server.transaction.is_terminated() {
            if let Some(server) = self.servers.remove(key)
                && self.merges.get(&server.merge) == Some(key)
            {
                self.merges.remove(&server.merge);
            }
        } else if let Some(at) = next {
            self.timers.insert((at, Timer::Server(key.clone())));
        }
    }

    fn take_over(&mut self, now: Instant, transaction: ClientTransaction) {
        if self.leftovers.len() >= LEFTOVERS_MAX
            && let Some((oldest, forgotten)) = self.leftovers.pop_first()
        {
            // Its timer finds nothing when it fires.
            self.branches.remove(&(forgotten.transaction.branch().into(), oldest));
            forgotten.awaits.and_then(|tag| self.awaiting.remove(&tag));
            self.counters.forgotten += 1;
        }
        let number = self.next_leftover;
        self.next_leftover += 1;
        self.branches.insert((transaction.branch().into(), number));
        let give_up = now + self.settings.timers.patience();
        self.timers.insert((give_up, Timer::Leftover(number)));
        let awaits = transaction.awaits_ack().and_then(|waiting| own_tag(&waiting.ok().bytes));
        self.awaiting.extend(awaits.clone().map(|tag| (tag, number)));
        self.leftovers.insert(number, Leftover { transaction, awaits, give_up });
        self.settle_leftover(number);
    }

    /// An ACK to the 2xx of a session that has ended: what waited for it leaves. `false` when
    /// nothing did.
    pub(super) fn acknowledged<B: AsRef<[u8]>>(&mut self, now: Instant, ack: &Message<B>) -> bool {
        let tag = ack.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let Some(number) = self.awaiting.get(tag).copied() else { return false };
        let Some(leftover) = self.leftovers.get_mut(&number) else { return false };
        let transaction = &mut leftover.transaction;
        let awaited = transaction.awaits_ack().map(Unacknowledged::cseq);
        if awaited.is_none() || awaited != ack.cseq().ok().map(|cseq| cseq.number) {
            return false;
        }
        transaction.acknowledged(now);
        self.settle_leftover(number);
        true
    }

    fn settle_leftover(&mut self, number: u64) {
        let Some(leftover) = self.leftovers.get_mut(&number) else { return };
        let Leftover { transaction, awaits, .. } = leftover;
        if transaction.awaits_ack().is_none() {
            awaits.take().and_then(|tag| self.awaiting.remove(&tag));
        }
        while let Some(transmit) = transaction.poll_transmit() {
            self.outputs.push_back(Output::Transmit(transmit));
        }
        if transaction.is_terminated() {
            self.branches.remove(&(transaction.branch().into(), number));
            self.leftovers.remove(&number);
        } else if let Some(at) = transaction.deadline() {
            // An earlier entry that is still there fires for nothing, once.
            self.timers.insert((at, Timer::Leftover(number)));
        }
    }

    fn timeout(&mut self, now: Instant) {
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            match self.timers.pop_first() {
                Some((_, Timer::Server(key))) => {
                    if let Some(server) = self.servers.get_mut(&key) {
                        server.armed = None;
                        // Nobody is left to hear of a missing ACK: the session has ended.
                        let _no_ack = server.transaction.handle_timeout(now);
                    }
                    self.settle(&key);
                }
                Some((_, Timer::Leftover(number))) => {
                    if let Some(leftover) = self.leftovers.get_mut(&number) {
                        let _failure = leftover.transaction.handle_timeout(now);
                        if leftover.transaction.is_proceeding() && leftover.give_up <= now {
                            let branch = leftover.transaction.branch().into();
                            self.branches.remove(&(branch, number));
                            self.leftovers.remove(&number);
                        }
                    }
                    self.settle_leftover(number);
                }
                None => return,
            }
        }
    }
}
