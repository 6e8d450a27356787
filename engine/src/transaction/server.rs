//! The server's side: a request, answered, and answered again when it comes again.

use std::time::Duration;

use offhook_fsm::{Instant, Step, invite_server as invite, non_invite_server as other};

use super::Timers;
use crate::transport::Transmit;

/// Timer H: our final response to an INVITE was not acknowledged within 64·T1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoAck;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Invite(invite::State),
    Other(other::State),
}

/// A server transaction, for INVITE and for everything else but ACK.
///
/// It keeps the last response and answers retransmissions with it. A 2xx to INVITE it does not
/// retransmit: its user does, who sees the ACK (RFC 6026 §7.1).
#[derive(Clone, Debug)]
pub struct ServerTransaction {
    state: State,
    timers: Timers,
    reliable: bool,
    last: Option<Transmit>,
    outgoing: Option<Transmit>,
    /// Timer G: when, and the pause after it.
    retransmit: Option<(Instant, Duration)>,
    /// Timer H.
    patience: Option<Instant>,
    /// Timers I, J and L.
    linger: Option<Instant>,
}

impl ServerTransaction {
    /// A transaction for a request that just came, INVITE or not.
    #[must_use]
    pub const fn new(timers: Timers, is_invite: bool, reliable: bool) -> Self {
        let state = if is_invite {
            State::Invite(invite::State::START)
        } else {
            State::Other(other::State::START)
        };
        Self {
            state,
            timers,
            reliable,
            last: None,
            outgoing: None,
            retransmit: None,
            patience: None,
            linger: None,
        }
    }

    /// Whether it is over and may be dropped.
    #[must_use]
    pub const fn is_terminated(&self) -> bool {
        matches!(
            self.state,
            State::Invite(invite::State::Terminated) | State::Other(other::State::Terminated)
        )
    }

    /// Whether no final response was sent yet: only then does a CANCEL have an effect (§9.2).
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Invite(invite::State::Proceeding)
                | State::Other(other::State::Trying | other::State::Proceeding)
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

    /// The user answers with `status`. A response after a final one is dropped, except a 2xx again.
    pub fn respond(&mut self, now: Instant, status: u16, response: Transmit) {
        let (a, b) = match status {
            100..200 => (invite::Event::Tx1xx, other::Event::Tx1xx),
            200..300 => (invite::Event::Tx2xx, other::Event::TxFinal),
            _ => (invite::Event::Tx3xx6xx, other::Event::TxFinal),
        };
        self.step(now, a, b, Some(response));
    }

    /// The request came again.
    pub fn receive_again(&mut self, now: Instant) {
        self.step(now, invite::Event::RxInvite, other::Event::RxRequest, None);
    }

    /// An ACK came; `true` when it is its user's to see, because it acknowledges a 2xx.
    pub fn receive_ack(&mut self, now: Instant) -> bool {
        match self.state {
            State::Invite(_) => self.step_invite(now, invite::Event::RxAck, None).1,
            State::Other(_) => false,
        }
    }

    /// Runs the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<NoAck> {
        if self.patience.is_some_and(|at| at <= now) {
            self.patience = None;
            return self.step_invite(now, invite::Event::TimerH, None).0;
        }
        if self.linger.is_some_and(|at| at <= now) {
            self.linger = None;
            let accepted = matches!(self.state, State::Invite(invite::State::Accepted));
            let event = if accepted { invite::Event::TimerL } else { invite::Event::TimerI };
            self.step(now, event, other::Event::TimerJ, None);
        } else if let Some((at, pause)) = self.retransmit.filter(|(at, _)| *at <= now) {
            self.retransmit = Some((at + pause, pause.saturating_mul(2).min(self.timers.t2)));
            self.step_invite(now, invite::Event::TimerG, None);
        }
        None
    }

    fn step(
        &mut self,
        now: Instant,
        a: invite::Event,
        b: other::Event,
        response: Option<Transmit>,
    ) {
        match self.state {
            State::Invite(_) => drop(self.step_invite(now, a, response)),
            State::Other(_) => self.step_other(now, b, response),
        }
    }

    fn step_invite(
        &mut self,
        now: Instant,
        event: invite::Event,
        response: Option<Transmit>,
    ) -> (Option<NoAck>, bool) {
        let (mut no_ack, mut deliver) = (None, false);
        let State::Invite(state) = self.state else { return (no_ack, deliver) };
        let Step::Go { next, actions } = invite::step(state, event) else {
            return (no_ack, deliver);
        };
        self.state = State::Invite(next);
        for action in actions {
            match action {
                invite::Action::Send => self.send(response.clone()),
                invite::Action::Retransmit => self.outgoing.clone_from(&self.last),
                invite::Action::ArmTimersGH => {
                    let pause = self.timers.t1.saturating_mul(2).min(self.timers.t2);
                    self.retransmit = (!self.reliable).then(|| (now + self.timers.t1, pause));
                    self.patience = Some(now + self.timers.patience());
                }
                invite::Action::DisarmTimersGH => (self.retransmit, self.patience) = (None, None),
                invite::Action::ArmTimerI => self.arm_linger(now, self.timers.t4),
                // RFC 6026 §7.1: 64·T1 over any transport.
                invite::Action::ArmTimerL => self.linger = Some(now + self.timers.patience()),
                invite::Action::DeliverAck => deliver = true,
                invite::Action::TellNoAck => no_ack = Some(NoAck),
                // The user learns it from the transport itself.
                invite::Action::TellTransportError => {}
            }
        }
        self.stop_if_over();
        (no_ack, deliver)
    }

    fn step_other(&mut self, now: Instant, event: other::Event, response: Option<Transmit>) {
        let State::Other(state) = self.state else { return };
        let Step::Go { next, actions } = other::step(state, event) else { return };
        self.state = State::Other(next);
        for action in actions {
            match action {
                other::Action::Send => self.send(response.clone()),
                other::Action::Retransmit => self.outgoing.clone_from(&self.last),
                other::Action::ArmTimerJ => self.arm_linger(now, self.timers.patience()),
                other::Action::TellTransportError => {}
            }
        }
        self.stop_if_over();
    }

    fn send(&mut self, response: Option<Transmit>) {
        self.last.clone_from(&response);
        self.outgoing = response;
    }

    /// Timers I and J are zero over reliable transports: what would linger is over at once.
    fn arm_linger(&mut self, now: Instant, wait: Duration) {
        if !self.reliable {
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
}
