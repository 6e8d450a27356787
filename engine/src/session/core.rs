//! The core's state, its two verbs, and the way from an event through the table to its actions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::session::{Event, State, allowed, step};
use offhook_fsm::{Entropy, Instant, Step};

use super::callee::Incoming;
use super::caller::Outgoing;
use super::streams::Audio;
use super::{Cause, Input, NO_AUDIO_MS, Order, Output, Settings};
use crate::dialog::Dialog;
use crate::error::{SessionError, SessionStateError};
use crate::id::SessionId;
use crate::notification::{Notification, NotificationData, Originator, Sender};
use crate::snapshot::Snapshot;
use crate::timestamp::Timestamp;
use crate::transaction::{ClientTransaction, ServerKey};
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
    pub(super) dialog: Option<Dialog>,
    pub(super) audio: Audio,
    pub(super) cancel: Option<ClientTransaction>,
    /// Our BYE, and those to other branches of a forked INVITE.
    pub(super) byes: Vec<ClientTransaction>,
    /// A BYE or CANCEL of the peer that waits for its answer.
    pub(super) unanswered: Option<(ServerKey, Received)>,
    /// When the wait for the answer to our CANCEL or BYE is over.
    pub(super) farewell: Option<Instant>,
    pub(super) snapshot: Snapshot,
    pub(super) local_tag: String,
    outputs: VecDeque<Output>,
    /// The last output was not `Timeout`: another input now would break the order of things.
    undrained: bool,
}

impl Core {
    /// A session in state NULL.
    #[must_use]
    pub fn new(id: SessionId, settings: Arc<Settings>, mut entropy: Entropy) -> Self {
        let local_tag = id.tag(&mut entropy);
        Self {
            id,
            settings,
            entropy,
            state: State::START,
            cause: Cause::new(Originator::Local, 0, ""),
            outgoing: None,
            incoming: None,
            dialog: None,
            audio: Audio::default(),
            cancel: None,
            byes: Vec::new(),
            unanswered: None,
            farewell: None,
            snapshot: Snapshot::default(),
            local_tag,
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
    /// Only for an [`Order`], when the state does not allow it or an argument cannot be used.
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
            Input::Media(event) => {
                self.media(now, event);
                Ok(())
            }
            Input::Timeout => {
                self.timeout(now);
                Ok(())
            }
        };
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
        let transactions = self.byes.iter().chain(&self.cancel);
        let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
        let deadlines = transactions.chain(invite).filter_map(ClientTransaction::deadline);
        let answer = self.incoming.as_ref().and_then(Incoming::deadline);
        deadlines.chain(answer).chain(self.farewell).chain(self.audio.silent_until).min()
    }

    /// Takes what the transactions have to send; a session that is over gives them away.
    fn collect(&mut self) {
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        for transaction in invite.into_iter().chain(&mut self.cancel).chain(&mut self.byes) {
            while let Some(transmit) = transaction.poll_transmit() {
                self.outputs.push_back(Output::Transmit(transmit));
            }
        }
        self.byes.retain(|bye| !bye.is_terminated());
        if self.is_terminated() {
            let invite = self.outgoing.as_mut().and_then(|out| out.transaction.take());
            let left = invite.into_iter().chain(self.cancel.take()).chain(self.byes.drain(..));
            let left = left.filter(|transaction| !transaction.is_terminated());
            self.outputs.extend(left.map(|t| Output::HandOver(Box::new(t))));
        }
    }

    fn order(&mut self, now: Instant, order: Order) -> Result<(), SessionError> {
        match order {
            Order::Connect { uri, routes, streams, headers } => {
                self.connect(now, uri, routes, streams, headers)
            }
            Order::Accept { streams, headers } => self.accept(now, streams, headers),
            Order::Reject(code) => {
                self.permit("reject()", Event::Reject)?;
                if !(300..700).contains(&code) {
                    let text = format!("reject() takes a code from 300 to 699, not {code}");
                    return Err(SessionError::InvalidArgument(text));
                }
                self.refuse_with(code, "");
                self.apply(now, Event::Reject);
                self.apply(now, Event::Farewell);
                Ok(())
            }
            Order::End => {
                self.end(now);
                Ok(())
            }
            Order::SendDtmf(digit) => self.send_dtmf(digit),
        }
    }

    /// `end`, split by how far things have gone.
    fn end(&mut self, now: Instant) {
        let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
        let event = match self.state {
            State::Calling => match invite {
                None => Event::EndUnsent,
                Some(invite) if invite.is_proceeding() => Event::End,
                Some(_) => Event::EndUnanswered,
            },
            State::Accepting if !self.incoming.as_ref().is_some_and(Incoming::is_answered) => {
                Event::EndUnsent
            }
            State::Incoming => Event::EndUnsent,
            _ => Event::End,
        };
        self.cause = Cause::new(Originator::Local, 0, "");
        let over_at_once = event == Event::EndUnsent;
        self.apply(now, event);
        if over_at_once {
            self.apply(now, Event::Farewell);
        }
    }

    fn transport_error(&mut self, now: Instant, branch: &[u8], reason: &str) {
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        if let Some(invite) = invite.filter(|invite| invite.branch() == branch) {
            if invite.transport_failed(now).is_some() {
                self.invite_unanswered(now, 503, reason);
            }
            return;
        }
        let mut others = self.cancel.iter_mut().chain(&mut self.byes);
        if let Some(transaction) = others.find(|transaction| transaction.branch() == branch)
            && transaction.transport_failed(now).is_some()
        {
            self.apply(now, Event::Farewell);
        }
    }

    fn timeout(&mut self, now: Instant) {
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        if invite.is_some_and(|invite| invite.handle_timeout(now).is_some()) {
            self.invite_unanswered(now, 408, "Request Timeout");
        }
        for transaction in self.cancel.iter_mut().chain(&mut self.byes) {
            // Nobody answered: the farewell below ends the wait.
            let _failure = transaction.handle_timeout(now);
        }
        self.answer_timeout(now);
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
            for action in actions {
                self.act(now, *action, event, previous);
            }
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
        self.audio.silent_until = Some(now + Duration::from_millis(NO_AUDIO_MS));
    }
}
