//! The core's state, its two verbs, and the way from an event through the table to its actions.

use std::collections::VecDeque;
use std::sync::Arc;

use offhook_fsm::session::{Event, State, allowed, step};
use offhook_fsm::{Entropy, Instant, Step, TimerSet};

use super::auth::Authentication;
use super::callee::Incoming;
use super::caller::Outgoing;
use super::chat::Chat;
use super::description::Description;
use super::file::File;
use super::fork::Fork;
use super::offering::{AnsweredOffer, Offering};
use super::policy::Alarm;
use super::proposal::Proposal;
use super::queue::Job;
use super::reinvite::Reoffer;
use super::reliable::{EarlyDialog, Reliable};
use super::streams::Audio;
use super::timer::SessionTimer;
use super::{Cause, Input, Output, Settings};
use crate::dialog::Dialog;
use crate::error::{SessionError, SessionStateError};
use crate::id::SessionId;
use crate::negotiate::{OwnLine, Settled};
use crate::notification::{Notification, NotificationData, Originator, Sender};
use crate::snapshot::Snapshot;
use crate::streams::Streams;
use crate::timestamp::Timestamp;
use crate::transaction::{ClientTransaction, ServerKey, Unacknowledged};
use crate::transport::Received;

/// One session. Owned by one thread; all it knows of the world is what it is told.
#[derive(Debug)]
pub struct Core {
    pub(super) id: SessionId,
    pub(super) settings: Arc<Settings>,
    pub(super) entropy: Entropy,
    pub(super) state: State,
    pub(super) cause: Cause,
    pub(super) outgoing: Option<Outgoing>,
    pub(super) incoming: Option<Incoming>,
    /// Shared with the last [`Farewell`](super::Farewell).
    pub(super) dialog: Option<Arc<Dialog>>,
    /// The 200 that waits for its ACK, to the INVITE or to a re-INVITE.
    pub(super) unacknowledged: Option<Unacknowledged>,
    /// Our answer to the peer's offer at hand.
    pub(super) reoffer: Option<Reoffer>,
    /// What a refusal of the peer's offer says: code and Warning text.
    pub(super) reoffer_refusal: (u16, String),
    /// What our 200 to an INVITE without an offer offers; the answer comes in the ACK.
    pub(super) offered_in_ok: Option<Vec<OwnLine>>,
    /// The peer's proposal that waits for the application.
    pub(super) proposal: Option<Proposal>,
    /// What waits for its turn.
    pub(super) queue: VecDeque<Job>,
    /// For [`Action::Enqueue`](offhook_fsm::session::Action).
    pub(super) ordered: Option<Job>,
    /// Our offer under way.
    pub(super) offering: Option<Offering>,
    /// Our last offer, for repetitions of its answer.
    pub(super) answered_offer: Option<AnsweredOffer>,
    /// Our UPDATE that refreshes the session.
    pub(super) refreshing: Option<ClientTransaction>,
    pub(super) session_timer: Option<SessionTimer>,
    /// The peer takes UPDATE.
    pub(super) takes_update: bool,
    pub(super) alarms: TimerSet<Alarm, 6>,
    /// Branches of our INVITE that sent reliable provisional responses.
    pub(super) early: Vec<EarlyDialog>,
    pub(super) pracks: Vec<ClientTransaction>,
    /// Our provisional response that awaits its PRACK.
    pub(super) reliable: Option<Reliable>,
    pub(super) rseq: u32,
    /// The next one, which waits for that PRACK.
    pub(super) provisional_waiting: Option<u16>,
    /// Whom a 3xx names.
    pub(super) redirects: Vec<String>,
    pub(super) description: Description,
    /// What the last answer settled.
    pub(super) settled: Option<Settled>,
    /// Streams that the call, the answer or the proposal at hand wants.
    pub(super) wanted: Streams,
    /// Those of them that are being prepared.
    pub(super) preparing: Streams,
    /// Nothing had to be prepared.
    pub(super) prepared_at_once: bool,
    pub(super) audio: Audio,
    pub(super) chat: Chat,
    pub(super) file: File,
    /// The last set of active streams that was posted.
    pub(super) told_streams: Streams,
    pub(super) cancel: Option<ClientTransaction>,
    pub(super) bye: Option<ClientTransaction>,
    /// Other branches of our INVITE that answered too.
    pub(super) forks: Vec<Fork>,
    /// A BYE or CANCEL of the peer that waits for its answer.
    pub(super) unanswered: Option<(ServerKey, Received)>,
    /// When the wait for the answer to our CANCEL or BYE is over.
    pub(super) farewell: Option<Instant>,
    pub(super) snapshot: Snapshot,
    pub(super) local_tag: Arc<str>,
    pub(super) auth: Authentication,
    outputs: VecDeque<Output>,
    /// The last output was not `Timeout`: another input now would break the order of things.
    undrained: bool,
}

impl Core {
    /// A session in state NULL.
    #[must_use]
    pub fn new(id: SessionId, settings: Arc<Settings>, mut entropy: Entropy) -> Self {
        let local_tag = id.tag(&mut entropy).into();
        let auth = Authentication::new(settings.credentials.clone());
        Self {
            id,
            settings,
            entropy,
            state: State::START,
            cause: Cause::new(Originator::Local, 0, ""),
            outgoing: None,
            incoming: None,
            dialog: None,
            unacknowledged: None,
            reoffer: None,
            reoffer_refusal: (488, String::new()),
            offered_in_ok: None,
            proposal: None,
            queue: VecDeque::new(),
            ordered: None,
            offering: None,
            answered_offer: None,
            refreshing: None,
            session_timer: None,
            takes_update: false,
            alarms: TimerSet::new(),
            early: Vec::new(),
            pracks: Vec::new(),
            reliable: None,
            rseq: 0,
            provisional_waiting: None,
            redirects: Vec::new(),
            description: Description::default(),
            settled: None,
            wanted: Streams::default(),
            preparing: Streams::default(),
            prepared_at_once: false,
            audio: Audio::default(),
            chat: Chat::default(),
            file: File::default(),
            told_streams: Streams::default(),
            cancel: None,
            bye: None,
            forks: Vec::new(),
            unanswered: None,
            farewell: None,
            snapshot: Snapshot::default(),
            local_tag,
            auth,
            outputs: VecDeque::new(),
            undrained: false,
        }
    }

    /// Every attribute as it stands.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether it is over: once the outputs are drained it may be dropped.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Takes in one thing that happened.
    ///
    /// # Errors
    /// Only for an [`Order`](super::Order), when the state does not allow it or an argument cannot be used.
    ///
    /// # Panics
    /// In debug builds, when the outputs of the last input were not drained.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), SessionError> {
        debug_assert!(!self.undrained, "poll_output() until Timeout before the next input");
        self.undrained = true;
        let result = match input {
            Input::Order(order) => self.order(now, order),
            Input::Invite(key, received) => {
                self.invited(now, key, received);
                Ok(())
            }
            Input::Request(key, received) => {
                self.request(now, key, received);
                Ok(())
            }
            Input::Response(received) => {
                self.response(now, &received);
                Ok(())
            }
            Input::TransportError { branch, reason } => {
                self.transport_error(now, &branch, &reason);
                Ok(())
            }
            Input::Located(found) => {
                self.located(now, found);
                Ok(())
            }
            Input::Media(event) => {
                self.media(now, event);
                Ok(())
            }
            Input::Chat(event) => {
                self.chat(now, event);
                Ok(())
            }
            Input::Timeout => {
                self.timeout(now);
                Ok(())
            }
            Input::Fault(reason) => {
                self.fail_locally(now, Event::InternalError, reason);
                Ok(())
            }
        };
        self.run_queue(now);
        self.collect();
        result
    }

    /// The next thing to do; [`Output::Timeout`] is the last.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| {
            self.undrained = false;
            Output::Timeout(self.deadline())
        })
    }

    fn deadline(&self) -> Option<Instant> {
        if self.is_terminated() {
            return None;
        }
        let deadlines = self.transactions().filter_map(ClientTransaction::deadline);
        let answer = self.unacknowledged.as_ref().map(Unacknowledged::deadline);
        let offering = self.offering.as_ref();
        let offering = offering.map(|offering| offering.again.into_iter().chain(offering.expires));
        let reliable = self.reliable.as_ref().map(Reliable::deadline);
        let alarms = self.alarms.next_deadline().into_iter().chain(reliable);
        let waits = self.farewell.into_iter().chain(self.audio.silent_until).chain(alarms);
        deadlines.chain(answer).chain(waits).chain(offering.into_iter().flatten()).min()
    }

    /// The client transactions, our INVITE first.
    pub(super) fn transactions(&self) -> impl Iterator<Item = &ClientTransaction> {
        let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
        let forks = self.forks.iter().filter_map(|fork| fork.bye.as_ref());
        let own = invite.into_iter().chain(&self.cancel).chain(&self.bye).chain(forks);
        let own = own.chain(&self.refreshing).chain(&self.pracks);
        let offering = self.offering.as_ref();
        let offering = offering.map(|o| o.transaction.iter().chain(&o.cancel));
        let answered = self.answered_offer.as_ref().map(|answered| &answered.transaction);
        own.chain(offering.into_iter().flatten()).chain(answered)
    }

    /// All but our INVITE.
    fn requests(&mut self) -> impl Iterator<Item = &mut Option<ClientTransaction>> {
        let forks = self.forks.iter_mut().map(|fork| &mut fork.bye);
        [&mut self.cancel, &mut self.bye, &mut self.refreshing].into_iter().chain(forks)
    }

    /// Takes what the transactions have to send; a session that is over gives them away.
    fn collect(&mut self) {
        let over = self.is_terminated();
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut left = Vec::new();
        let invite = self.outgoing.as_mut().map(|outgoing| &mut outgoing.transaction);
        let forks = self.forks.iter_mut().map(|fork| &mut fork.bye);
        let side = [&mut self.cancel, &mut self.bye, &mut self.refreshing];
        let own = invite.into_iter().chain(side);
        let mut pracks: Vec<_> = self.pracks.drain(..).map(Some).collect();
        let mut answered = self.answered_offer.take().map(|a| (Some(a.transaction), a.ack));
        let offering = self.offering.as_mut();
        let offering = offering.map(|o| [&mut o.transaction, &mut o.cancel]);
        let offers = offering.into_iter().flatten().chain(answered.as_mut().map(|a| &mut a.0));
        for slot in own.chain(forks).chain(offers).chain(pracks.iter_mut()) {
            while let Some(transmit) = slot.as_mut().and_then(ClientTransaction::poll_transmit) {
                outputs.push_back(Output::Transmit(transmit));
            }
            let taken = if over { slot.take() } else { None };
            left.extend(taken.filter(|transaction| !transaction.is_terminated()));
        }
        self.pracks.extend(pracks.into_iter().flatten());
        self.answered_offer = answered.and_then(|(transaction, ack)| {
            transaction.map(|transaction| AnsweredOffer { transaction, ack })
        });
        outputs.extend(left.into_iter().map(|t| Output::HandOver(Box::new(t))));
        self.outputs = outputs;
    }

    fn transport_error(&mut self, now: Instant, branch: &[u8], reason: &str) {
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        if let Some(invite) = invite.filter(|invite| invite.branch() == branch) {
            if invite.transport_failed(now).is_some() {
                self.invite_unanswered(now, 503, reason);
            }
            return;
        }
        self.offer_transport_error(now, branch, reason);
        for transaction in self.requests().flatten().filter(|other| other.branch() == branch) {
            // A fork that cannot be reached is nobody's loss.
            let _failure = transaction.transport_failed(now);
        }
        let own = [&self.cancel, &self.bye].into_iter().flatten();
        if own.filter(|other| other.branch() == branch).any(ClientTransaction::is_terminated) {
            self.apply(now, Event::Farewell);
        }
    }

    fn timeout(&mut self, now: Instant) {
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        if invite.is_some_and(|invite| invite.handle_timeout(now).is_some()) {
            self.invite_unanswered(now, 408, "Request Timeout");
        }
        for transaction in self.requests().flatten() {
            // Nobody answered: the farewell below ends the wait.
            let _failure = transaction.handle_timeout(now);
        }
        for prack in &mut self.pracks {
            // The peer gives up on its own.
            let _failure = prack.handle_timeout(now);
        }
        self.pracks.retain(|prack| !prack.is_terminated());
        self.acknowledgement_timeout(now);
        self.reliable_timeout(now);
        self.alarm(now);
        self.offering_timeout(now);
        if self.audio.silent_until.is_some_and(|at| at <= now) {
            self.audio.silent_until = None;
            self.tell(now, NotificationData::SessionGotNoAudio);
        }
        if self.farewell.is_some_and(|at| at <= now) {
            self.farewell = None;
            self.apply(now, Event::Farewell);
        }
    }

    /// Sends an event through the table and does what it says.
    pub(super) fn apply(&mut self, now: Instant, event: Event) {
        let previous = self.state;
        if let Step::Go { next, actions } = step(previous, event) {
            self.state = next;
            self.snapshot.state = next;
            if next != previous {
                self.watch(now, next);
            }
            for action in actions {
                self.act(now, *action, event, previous);
            }
        }
        if std::mem::take(&mut self.prepared_at_once) {
            self.prepared(now);
        }
    }

    /// Whether the table allows a method now.
    pub(super) fn permit(&self, method: &'static str, event: Event) -> Result<(), SessionError> {
        if step(self.state, event) == Step::Refused {
            let allowed = allowed(event).collect();
            let error = SessionStateError { method, state: self.state, allowed };
            return Err(SessionError::State(error));
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, now: Instant, data: NotificationData) {
        let (timestamp, sender) = (self.timestamp(now), Sender::Session(self.id));
        self.push(Output::Notification(Notification { timestamp, sender, data }));
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn timestamp(&self, now: Instant) -> Timestamp {
        self.settings.epoch.at(now)
    }

    pub(super) fn watch_for_audio(&mut self, now: Instant) {
        self.audio.silent_until = Some(now + self.settings.policy.no_audio_timeout);
    }
}
