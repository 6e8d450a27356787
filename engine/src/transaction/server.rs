//! The server's side: a request, answered, and answered again when it comes again.

use std::time::Duration;

use offhook_fsm::{
    Instant, Step, TimerName, TimerSet, invite_server as invite, non_invite_server as other,
};

use super::Timers;
use crate::transport::Transmit;

/// Timer H: our final response to an INVITE was not acknowledged within 64·T1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoAck;

/// What a step means to the transaction's user.
#[derive(Clone, Copy, Default, Debug)]
struct News {
    no_ack: bool,
    /// The ACK belongs to a 2xx.
    ack: bool,
    transport_failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Invite(invite::State),
    Other(other::State),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// H.
    Patience,
    /// I, J and L.
    Linger,
    /// G.
    Retransmit,
}

impl TimerName for Timer {
    const ALL: &'static [Self] = &[Self::Patience, Self::Linger, Self::Retransmit];
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
    armed: TimerSet<Timer, 3>,
    /// The last value of Timer G.
    pause: Duration,
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
            armed: TimerSet::new(),
            pause: timers.t1,
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
        self.armed.next_deadline()
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
            State::Invite(_) => self.step_invite(now, invite::Event::RxAck, None).ack,
            State::Other(_) => false,
        }
    }

    /// Runs one timer that is due, if any is. More may be due: see [`deadline`](Self::deadline).
    pub fn handle_timeout(&mut self, now: Instant) -> Option<NoAck> {
        let (timer, due) = self.armed.pop_due(now)?;
        match timer {
            Timer::Patience => {
                let news = self.step_invite(now, invite::Event::TimerH, None);
                return news.no_ack.then_some(NoAck);
            }
            Timer::Linger => {
                let accepted = matches!(self.state, State::Invite(invite::State::Accepted));
                let event = if accepted { invite::Event::TimerL } else { invite::Event::TimerI };
                self.step(now, event, other::Event::TimerJ, None);
            }
            Timer::Retransmit => {
                self.pause = self.pause.saturating_mul(2).min(self.timers.t2);
                // As the client's: in step with the series, but never several in a row.
                let next = due + self.pause;
                self.armed.arm(Timer::Retransmit, if next > now { next } else { now + self.pause });
                self.step_invite(now, invite::Event::TimerG, None);
            }
        }
        None
    }

    /// A response could not be sent; `true` when that is its user's to know. The transaction lives
    /// on, so that the request is not taken for a new one when it comes again (RFC 6026 §7.1).
    pub fn transport_failed(&mut self, now: Instant) -> bool {
        let (a, b) = (invite::Event::TransportError, other::Event::TransportError);
        self.step(now, a, b, None).transport_failed
    }

    fn step(
        &mut self,
        now: Instant,
        a: invite::Event,
        b: other::Event,
        response: Option<Transmit>,
    ) -> News {
        match self.state {
            State::Invite(_) => self.step_invite(now, a, response),
            State::Other(_) => self.step_other(now, b, response),
        }
    }

    fn step_invite(
        &mut self,
        now: Instant,
        event: invite::Event,
        response: Option<Transmit>,
    ) -> News {
        let mut news = News::default();
        let State::Invite(state) = self.state else { return news };
        let Step::Go { next, actions } = invite::step(state, event) else { return news };
        self.state = State::Invite(next);
        for action in actions {
            match action {
                invite::Action::Send => self.send(response.clone()),
                invite::Action::Retransmit => self.outgoing.clone_from(&self.last),
                invite::Action::ArmTimersGH => {
                    self.armed.arm(Timer::Patience, now + self.timers.patience());
                    if !self.reliable {
                        self.armed.arm(Timer::Retransmit, now + self.timers.t1);
                    }
                }
                invite::Action::DisarmTimersGH => {
                    self.armed.cancel(Timer::Patience);
                    self.armed.cancel(Timer::Retransmit);
                }
                invite::Action::ArmTimerI => {
                    if self.linger(now, self.timers.t4) {
                        self.step_invite(now, invite::Event::TimerI, None);
                    }
                }
                // RFC 6026 §7.1: 64·T1 over any transport.
                invite::Action::ArmTimerL => {
                    self.armed.arm(Timer::Linger, now + self.timers.patience());
                }
                invite::Action::DeliverAck => news.ack = true,
                invite::Action::TellNoAck => news.no_ack = true,
                invite::Action::TellTransportError => news.transport_failed = true,
            }
        }
        self.stop_if_over();
        news
    }

    fn step_other(
        &mut self,
        now: Instant,
        event: other::Event,
        response: Option<Transmit>,
    ) -> News {
        let mut news = News::default();
        let State::Other(state) = self.state else { return news };
        let Step::Go { next, actions } = other::step(state, event) else { return news };
        self.state = State::Other(next);
        for action in actions {
            match action {
                other::Action::Send => self.send(response.clone()),
                other::Action::Retransmit => self.outgoing.clone_from(&self.last),
                other::Action::ArmTimerJ => {
                    if self.linger(now, self.timers.patience()) {
                        self.step_other(now, other::Event::TimerJ, None);
                    }
                }
                other::Action::TellTransportError => news.transport_failed = true,
            }
        }
        self.stop_if_over();
        news
    }

    fn send(&mut self, response: Option<Transmit>) {
        self.last.clone_from(&response);
        self.outgoing = response;
    }

    /// Arms Timer I or J. `true` over a reliable transport, where they are zero: they are due.
    fn linger(&mut self, now: Instant, wait: Duration) -> bool {
        if !self.reliable {
            self.armed.arm(Timer::Linger, now + wait);
        }
        self.reliable
    }

    const fn stop_if_over(&mut self) {
        if self.is_terminated() {
            self.armed.cancel_all();
        }
    }
}
