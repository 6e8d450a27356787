//! The sessions' threads, as `shell::session_thread` runs them.

use std::time::Duration;

use offhook::id::SessionId;
use offhook::notification::SessionState;
use offhook::session::{Input, Output};
use offhook::transport::Transport;
use offhook_fsm::Entropy;

use super::World;
use super::agent::Mail;
use super::event::Event;
use super::hop::Hops;
use super::trace::What;

/// How late a thread wakes for its timer at most, in µs, where hand-offs take time.
const LATE_US: u64 = 1_500;

impl World {
    pub(super) fn session_mail(&mut self, agent: usize, id: SessionId, input: Input) {
        if self.agents[agent].sessions.contains_key(&id) {
            return self.session(agent, id, input);
        }
        match input {
            // The session ended before it read this.
            Input::Request(key, received) => self.post(agent, Mail::Gone(key, Box::new(received))),
            Input::Order(order) => {
                self.note_order(agent, id, &order, Some("the session is over".into()));
            }
            _ => {}
        }
    }

    pub(super) fn session_timer(&mut self, agent: usize, id: SessionId) {
        let Some(seat) = self.agents[agent].sessions.get_mut(&id) else { return };
        if seat.armed != Some(self.now) {
            return;
        }
        seat.armed = None;
        if seat.next.is_some_and(|at| at <= self.now) {
            self.session(agent, id, Input::Timeout);
        } else {
            self.arm_session(agent, id);
        }
    }

    fn arm_session(&mut self, agent: usize, id: SessionId) {
        let late = match self.hops {
            Hops::Instant => Duration::ZERO,
            Hops::Drawn => Duration::from_micros(self.entropy.below(LATE_US)),
        };
        let Some(seat) = self.agents[agent].sessions.get_mut(&id) else { return };
        let Some(next) = seat.next.map(|at| at.max(self.now)) else { return };
        if seat.armed.is_none_or(|armed| next < armed) {
            let at = next + late;
            seat.armed = Some(at);
            self.schedule(at, Event::SessionTimer(agent, id));
        }
    }

    fn session(&mut self, agent: usize, id: SessionId, input: Input) {
        let Some(seat) = self.agents[agent].sessions.get_mut(&id) else { return };
        let order = if let Input::Order(order) = &input { Some(order.clone()) } else { None };
        let result = seat.core.handle_input(self.now, input);
        let mut outputs = Vec::new();
        loop {
            match seat.core.poll_output() {
                Output::Timeout(at) => {
                    seat.next = at;
                    break;
                }
                output => outputs.push(output),
            }
        }
        let fresh = seat.core.snapshot().state == SessionState::Null;
        let over = seat.core.is_terminated() || (result.is_err() && fresh);
        if let Some(order) = &order {
            self.note_order(agent, id, order, result.err().map(|error| error.to_string()));
        }
        for output in outputs {
            self.carry_out(agent, id, output);
        }
        if over {
            self.agents[agent].sessions.remove(&id);
        } else {
            self.arm_session(agent, id);
        }
    }

    /// The core panics: what it left for this case is carried out in its place.
    pub(super) fn lose_core(&mut self, agent: usize, id: SessionId) {
        let Some(seat) = self.agents[agent].sessions.remove(&id) else { return };
        let farewell = seat.core.farewell();
        let mut entropy: Entropy = self.entropy.fork();
        for output in farewell.outputs(self.now, &mut entropy) {
            self.carry_out(agent, id, output);
        }
    }

    fn carry_out(&mut self, agent: usize, id: SessionId, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                if transmit.destination.transport == Transport::Udp {
                    self.transmit(agent, Some(id), &transmit);
                } else {
                    self.name_call(agent, id, &transmit.bytes);
                    self.post(agent, Mail::Send(transmit));
                }
            }
            Output::Respond { key, status, transmit } => {
                let direct = transmit.destination.transport == Transport::Udp;
                if direct {
                    self.transmit(agent, Some(id), &transmit);
                }
                self.post(agent, Mail::Responded { key, status, transmit, send: !direct });
            }
            Output::HandOver(transaction) => self.post(agent, Mail::HandOver(transaction)),
            Output::Media(command) => {
                let delay = self.hop();
                let at = self.agents[agent].to_audio.pass(self.now, delay);
                self.schedule(at, Event::Media(agent, Box::new(command)));
            }
            Output::Chat(command) => {
                let delay = self.hop();
                let at = self.agents[agent].to_chat.pass(self.now, delay);
                self.schedule(at, Event::Chat(agent, Box::new(command)));
            }
            Output::Notification(notification) => {
                let delay = self.hop();
                let at = self.agents[agent].notifier.pass(self.now, delay);
                let data = notification.data;
                self.trace.push(self.now, agent, Some(id), What::Told(data.clone()));
                self.schedule(at, Event::Notified(agent, id, Box::new(data)));
            }
            // Who calls by name is told where that is.
            Output::Locate(_) | Output::Unreachable(_) => {}
            Output::Timeout(_) => {}
        }
    }
}
