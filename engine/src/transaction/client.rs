//! The client's side: a request, sent until it is answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::{
    Instant, Step, TimerName, TimerSet, invite_client as invite, non_invite_client as other,
};

use super::{Missing, Timers, Unacknowledged};
use crate::sip::{Builder, HeaderName, Message, Unprintable};
use crate::transport::Transmit;

/// What a response means to the user of the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is the user's to see.
    Deliver,
    /// The transaction took care of it.
    Absorbed,
    /// It belongs to another transaction (RFC 3261 §17.1.3).
    NotMine,
}

/// How a transaction ends without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Timer B or F: nobody answered within 64·T1.
    Timeout,
    /// The transport failed.
    Transport,
}

/// The bytes to send are no request with a Via branch and a CSeq.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotARequest;

impl fmt::Display for NotARequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a client transaction needs a request with a Via branch and a CSeq")
    }
}

impl std::error::Error for NotARequest {}

/// Timer D over unreliable transports: a fixed time, since the server's T1 is not known (§17.1.1.2).
const TIMER_D: Duration = Duration::from_secs(32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Invite(invite::State),
    Other(other::State),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// B and F.
    Patience,
    /// D, K and M.
    Linger,
    /// A and E.
    Retransmit,
}

impl TimerName for Timer {
    const ALL: &'static [Self] = &[Self::Patience, Self::Linger, Self::Retransmit];
}

/// A client transaction, for INVITE and for everything else but ACK.
///
/// After each call: take what [`poll_transmit`](Self::poll_transmit) gives until it gives nothing,
/// then call [`handle_timeout`](Self::handle_timeout) at [`deadline`](Self::deadline).
#[derive(Clone, Debug)]
pub struct ClientTransaction {
    state: State,
    timers: Timers,
    branch: Box<[u8]>,
    method: Box<[u8]>,
    request: Transmit,
    ack: Option<Transmit>,
    outgoing: Option<Transmit>,
    armed: TimerSet<Timer, 3>,
    /// The last value of Timer A or E.
    pause: Duration,
    /// What must be acknowledged before the request may leave.
    held: Option<Box<Unacknowledged>>,
}

impl ClientTransaction {
    /// Starts with `request` as the first thing to transmit.
    ///
    /// # Errors
    /// When its bytes are no request, or one without branch or CSeq.
    pub fn new(now: Instant, timers: Timers, request: Transmit) -> Result<Self, NotARequest> {
        let message = Message::parse(&request.bytes[..]).map_err(|_| NotARequest)?;
        let via = message.via().map_err(|_| NotARequest)?;
        let branch: Box<[u8]> = via.branch().ok_or(NotARequest)?.into();
        message.cseq().map_err(|_| NotARequest)?;
        let method: Box<[u8]> = message.method().ok_or(NotARequest)?.into();
        let state = if *method == *b"INVITE" {
            State::Invite(invite::State::START)
        } else {
            State::Other(other::State::START)
        };
        let mut transaction = Self {
            state,
            timers,
            branch,
            method,
            outgoing: None,
            request,
            ack: None,
            armed: TimerSet::new(),
            pause: timers.t1,
            held: None,
        };
        transaction.begin(now);
        Ok(transaction)
    }

    fn begin(&mut self, now: Instant) {
        self.outgoing = Some(self.request.clone());
        self.armed.arm(Timer::Patience, now + self.timers.patience());
        if !self.request.destination.transport.is_reliable() {
            self.armed.arm(Timer::Retransmit, now + self.timers.t1);
        }
    }

    /// Holds a BYE back until our 2xx is acknowledged, or no ACK is to come (RFC 3261 §15). Until
    /// then the transaction repeats the 2xx, and nothing of its own has left.
    #[must_use]
    pub fn after_ack(mut self, ok: Unacknowledged) -> Self {
        self.outgoing = None;
        self.armed.cancel_all();
        self.held = Some(Box::new(ok));
        self
    }

    /// What the request waits for.
    #[must_use]
    pub fn awaits_ack(&self) -> Option<&Unacknowledged> {
        self.held.as_deref()
    }

    /// The ACK is here: the request leaves.
    pub fn acknowledged(&mut self, now: Instant) {
        if self.held.take().is_some() {
            self.begin(now);
        }
    }

    /// The branch that responses carry.
    #[must_use]
    pub const fn branch(&self) -> &[u8] {
        &self.branch
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Transmit {
        &self.request
    }

    /// Whether it is over and may be dropped.
    #[must_use]
    pub const fn is_terminated(&self) -> bool {
        matches!(
            self.state,
            State::Invite(invite::State::Terminated) | State::Other(other::State::Terminated)
        )
    }

    /// Whether a final response came.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        matches!(
            self.state,
            State::Invite(invite::State::Completed | invite::State::Accepted)
                | State::Other(other::State::Completed)
        )
    }

    /// Whether a provisional response came and no final one: only then may an INVITE be cancelled
    /// (RFC 3261 §9.1).
    #[must_use]
    pub const fn is_proceeding(&self) -> bool {
        matches!(
            self.state,
            State::Invite(invite::State::Proceeding) | State::Other(other::State::Proceeding)
        )
    }

    /// What to send next.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.take()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let held = self.held.as_ref().map(|held| held.deadline());
        held.or_else(|| self.armed.next_deadline())
    }

    /// Takes in a response.
    pub fn receive<B: AsRef<[u8]>>(&mut self, now: Instant, response: &Message<B>) -> Verdict {
        let matches = response.via().is_ok_and(|via| via.branch() == Some(&*self.branch))
            && response.cseq().is_ok_and(|cseq| cseq.method == &*self.method);
        let Some(status) = response.status().filter(|_| matches) else { return Verdict::NotMine };
        match self.state {
            State::Invite(_) => {
                let event = match status {
                    100..200 => invite::Event::Rx1xx,
                    200..300 => invite::Event::Rx2xx,
                    _ => {
                        if self.ack.is_none() {
                            self.ack = self.build_ack(response).ok();
                        }
                        invite::Event::Rx3xx6xx
                    }
                };
                self.step_invite(now, event).0
            }
            State::Other(_) => {
                let provisional = status < 200;
                let event = if provisional { other::Event::Rx1xx } else { other::Event::RxFinal };
                self.step_other(now, event).0
            }
        }
    }

    /// Runs one timer that is due, if any is. More may be due: see [`deadline`](Self::deadline).
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Failure> {
        if let Some(held) = &mut self.held {
            match held.handle_timeout(now) {
                Some(Missing::Repeat(ok)) => self.outgoing = Some(ok),
                Some(Missing::GivenUp) => self.acknowledged(now),
                None => {}
            }
            return None;
        }
        let (timer, due) = self.armed.pop_due(now)?;
        match timer {
            Timer::Patience => self.step(now, invite::Event::TimerB, other::Event::TimerF),
            Timer::Linger => {
                let event = match self.state {
                    State::Invite(invite::State::Accepted) => invite::Event::TimerM,
                    _ => invite::Event::TimerD,
                };
                self.step(now, event, other::Event::TimerK)
            }
            Timer::Retransmit => {
                self.arm_retransmit(now, due);
                self.step(now, invite::Event::TimerA, other::Event::TimerE)
            }
        }
    }

    /// Timer A doubles without end, Timer E up to T2, and is T2 once a 1xx came (§17.1.2.2).
    fn arm_retransmit(&mut self, now: Instant, due: Instant) {
        let doubled = self.pause.saturating_mul(2);
        self.pause = match self.state {
            State::Invite(_) => doubled,
            State::Other(other::State::Proceeding) => self.timers.t2,
            State::Other(_) => doubled.min(self.timers.t2),
        };
        // From the moment it was due, so that a late call does not stretch the series, unless it
        // is so late that several would go out in a row.
        let next = due + self.pause;
        self.armed.arm(Timer::Retransmit, if next > now { next } else { now + self.pause });
    }

    /// The transport could not deliver.
    pub fn transport_failed(&mut self, now: Instant) -> Option<Failure> {
        self.step(now, invite::Event::TransportError, other::Event::TransportError)
    }

    fn step(&mut self, now: Instant, a: invite::Event, b: other::Event) -> Option<Failure> {
        match self.state {
            State::Invite(_) => self.step_invite(now, a).1,
            State::Other(_) => self.step_other(now, b).1,
        }
    }

    fn step_invite(&mut self, now: Instant, event: invite::Event) -> (Verdict, Option<Failure>) {
        let (mut verdict, mut failure) = (Verdict::Absorbed, None);
        let State::Invite(state) = self.state else { return (verdict, failure) };
        let Step::Go { next, actions } = invite::step(state, event) else {
            return (verdict, failure);
        };
        self.state = State::Invite(next);
        for action in actions {
            match action {
                invite::Action::Retransmit => self.outgoing = Some(self.request.clone()),
                invite::Action::Deliver => verdict = Verdict::Deliver,
                invite::Action::SendAck => self.outgoing.clone_from(&self.ack),
                invite::Action::ArmTimerD => {
                    if self.linger(now, TIMER_D) {
                        let _over = self.step_invite(now, invite::Event::TimerD);
                    }
                }
                // RFC 6026 §7.2: 64·T1 over any transport, since other branches may answer.
                invite::Action::ArmTimerM => {
                    self.armed.arm(Timer::Linger, now + self.timers.patience());
                }
                invite::Action::DisarmTimersAB => self.disarm(),
                invite::Action::TellTimeout => failure = Some(Failure::Timeout),
                invite::Action::TellTransportError => failure = Some(Failure::Transport),
            }
        }
        self.stop_if_over();
        (verdict, failure)
    }

    fn step_other(&mut self, now: Instant, event: other::Event) -> (Verdict, Option<Failure>) {
        let (mut verdict, mut failure) = (Verdict::Absorbed, None);
        let State::Other(state) = self.state else { return (verdict, failure) };
        let Step::Go { next, actions } = other::step(state, event) else {
            return (verdict, failure);
        };
        self.state = State::Other(next);
        for action in actions {
            match action {
                other::Action::Retransmit => self.outgoing = Some(self.request.clone()),
                other::Action::DisarmTimersEF => self.disarm(),
                other::Action::ArmTimerK => {
                    if self.linger(now, self.timers.t4) {
                        let _over = self.step_other(now, other::Event::TimerK);
                    }
                }
                other::Action::Deliver => verdict = Verdict::Deliver,
                other::Action::TellTimeout => failure = Some(Failure::Timeout),
                other::Action::TellTransportError => failure = Some(Failure::Transport),
            }
        }
        self.stop_if_over();
        (verdict, failure)
    }

    /// Arms Timer D or K. `true` over a reliable transport, where they are zero: they are due.
    fn linger(&mut self, now: Instant, wait: Duration) -> bool {
        let due = self.request.destination.transport.is_reliable();
        if !due {
            self.armed.arm(Timer::Linger, now + wait);
        }
        due
    }

    fn disarm(&mut self) {
        self.armed.cancel(Timer::Patience);
        self.armed.cancel(Timer::Retransmit);
    }

    const fn stop_if_over(&mut self) {
        if self.is_terminated() {
            self.armed.cancel_all();
        }
    }

    /// RFC 3261 §17.1.1.3: the INVITE's own URI, topmost Via, From, Call-ID, CSeq number and
    /// Routes, the To of the response.
    fn build_ack<B: AsRef<[u8]>>(&self, response: &Message<B>) -> Result<Transmit, Unprintable> {
        let missing = |what: &str| Unprintable { what: what.into() };
        let invite = Message::parse(&self.request.bytes[..]).map_err(|_| missing("the INVITE"))?;
        let value = |name| invite.header(name).ok_or(missing(HeaderName::as_str(name)));
        let cseq = invite.cseq().map_err(|_| missing("CSeq"))?;
        let via = invite.elements(HeaderName::Via).next().unwrap_or_default();
        let to = response.header(HeaderName::To).ok_or(missing("To"))?;
        let mut ack = Builder::request(b"ACK", invite.request_uri().unwrap_or_default())?
            .header(HeaderName::Via, via)?
            .header(HeaderName::MaxForwards, b"70")?;
        for route in invite.headers().filter(|header| header.id == HeaderName::Route) {
            ack = ack.header(HeaderName::Route, route.value)?;
        }
        let bytes = ack
            .header(HeaderName::From, value(HeaderName::From)?)?
            .header(HeaderName::To, crate::sip::unfold(to))?
            .header(HeaderName::CallId, value(HeaderName::CallId)?)?
            .header(HeaderName::CSeq, format!("{} ACK", cseq.number))?
            .finish();
        Ok(Transmit { destination: self.request.destination, bytes: Arc::from(bytes) })
    }
}
