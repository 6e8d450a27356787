//! The client's side: a request, sent until it is answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::{Instant, Step, invite_client as invite, non_invite_client as other};

use super::Timers;
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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Invite(invite::State),
    Other(other::State),
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
    /// Timers A and E: when, and the pause after it.
    retransmit: Option<(Instant, Duration)>,
    /// Timers B and F.
    patience: Option<Instant>,
    /// Timers D, K and M.
    linger: Option<Instant>,
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
        let reliable = request.destination.transport.is_reliable();
        Ok(Self {
            state,
            timers,
            branch,
            method,
            outgoing: Some(request.clone()),
            request,
            ack: None,
            retransmit: (!reliable).then(|| (now + timers.t1, timers.t1.saturating_mul(2))),
            patience: Some(now + timers.patience()),
            linger: None,
        })
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
        let retransmit = self.retransmit.map(|(at, _)| at);
        [retransmit, self.patience, self.linger].into_iter().flatten().min()
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

    /// Runs the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Failure> {
        if self.patience.is_some_and(|at| at <= now) {
            self.patience = None;
            return self.step(now, invite::Event::TimerB, other::Event::TimerF);
        }
        if self.linger.is_some_and(|at| at <= now) {
            self.linger = None;
            let event = match self.state {
                State::Invite(invite::State::Accepted) => invite::Event::TimerM,
                _ => invite::Event::TimerD,
            };
            return self.step(now, event, other::Event::TimerK);
        }
        if let Some((at, pause)) = self.retransmit.filter(|(at, _)| *at <= now) {
            let next = match self.state {
                State::Invite(_) => pause.saturating_mul(2),
                State::Other(_) => pause.saturating_mul(2).min(self.timers.t2),
            };
            let pause = if matches!(self.state, State::Other(_)) {
                pause.min(self.timers.t2)
            } else {
                pause
            };
            // From the moment it was due, so that a late call does not stretch the series.
            self.retransmit = Some((at + pause, next));
            return self.step(now, invite::Event::TimerA, other::Event::TimerE);
        }
        None
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
                invite::Action::ArmTimerD => self.arm_linger(now, Duration::from_secs(32)),
                // RFC 6026 §7.2: 64·T1 over any transport, since other branches may answer.
                invite::Action::ArmTimerM => self.linger = Some(now + self.timers.patience()),
                invite::Action::DisarmTimersAB => (self.retransmit, self.patience) = (None, None),
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
                other::Action::SlowTimerE => {
                    let slow = self.timers.t2;
                    self.retransmit = self.retransmit.map(|(at, _)| (at, slow));
                }
                other::Action::DisarmTimersEF => (self.retransmit, self.patience) = (None, None),
                other::Action::ArmTimerK => self.arm_linger(now, self.timers.t4),
                other::Action::Deliver => verdict = Verdict::Deliver,
                other::Action::TellTimeout => failure = Some(Failure::Timeout),
                other::Action::TellTransportError => failure = Some(Failure::Transport),
            }
        }
        self.stop_if_over();
        (verdict, failure)
    }

    /// Timers D and K are zero over reliable transports: what would linger is over at once.
    fn arm_linger(&mut self, now: Instant, wait: Duration) {
        if !self.request.destination.transport.is_reliable() {
            self.linger = Some(now + wait);
            return;
        }
        self.state = match self.state {
            State::Invite(_) => State::Invite(invite::State::Terminated),
            State::Other(_) => State::Other(other::State::Terminated),
        };
    }

    const fn stop_if_over(&mut self) {
        if self.is_terminated() {
            (self.retransmit, self.patience, self.linger) = (None, None, None);
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
