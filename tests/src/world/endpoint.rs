//! The endpoint's thread, as `shell::endpoint_thread` runs it.

use std::sync::Arc;
use std::time::Duration;

use offhook::endpoint::{Input, Output};
use offhook::id::SessionId;
use offhook::session;
use offhook::sip::Message;
use offhook::transaction::{ServerKey, Timers};
use offhook::transport::{Received, Transmit, Transport};

use super::World;
use super::agent::{Mail, number};
use super::event::Event;
use super::trace::{What, call_id};
use crate::words;

/// Calls that no user of this world has placed.
const NOBODYS: u32 = u32::MAX;

impl World {
    /// One input, after the mail that is there.
    pub(super) fn endpoint(&mut self, agent: usize, input: Input<'_>) {
        self.read_mails(agent);
        self.agents[agent].endpoint.handle_input(self.now, input);
        self.drain_endpoint(agent);
    }

    pub(super) fn endpoint_timer(&mut self, agent: usize) {
        let endpoint = &mut self.agents[agent];
        if endpoint.endpoint_armed != Some(self.now) {
            return;
        }
        endpoint.endpoint_armed = None;
        if endpoint.endpoint_next.is_some_and(|at| at <= self.now) {
            self.endpoint(agent, Input::Timeout);
        } else {
            self.read_mails(agent);
            self.arm_endpoint(agent);
        }
    }

    fn arm_endpoint(&mut self, agent: usize) {
        let endpoint = &mut self.agents[agent];
        let Some(next) = endpoint.endpoint_next.map(|at| at.max(self.now)) else { return };
        if endpoint.endpoint_armed.is_none_or(|armed| next < armed) {
            endpoint.endpoint_armed = Some(next);
            self.schedule(next, Event::EndpointTimer(agent));
        }
    }

    /// A session posts.
    pub(super) fn post(&mut self, agent: usize, mail: Mail) {
        let (delay, urgent) = (self.hop(), mail.is_urgent());
        let endpoint = &mut self.agents[agent];
        let at = endpoint.mailbox.pass(self.now, delay);
        endpoint.mails.push_back((at, mail));
        if urgent {
            self.schedule(at, Event::EndpointWoken(agent));
        }
    }

    /// Mail that nobody was woken for is read with the next that is; at the end of the world
    /// there is none.
    pub(super) fn wake_endpoints(&mut self) -> bool {
        let waiting =
            |(agent, ua): (usize, &super::UserAgent)| ua.mails.back().map(|(at, _)| (agent, *at));
        let waiting: Vec<_> = self.agents.iter().enumerate().filter_map(waiting).collect();
        for (agent, at) in &waiting {
            self.schedule(*at, Event::EndpointWoken(*agent));
        }
        !waiting.is_empty()
    }

    pub(super) fn read_mails(&mut self, agent: usize) {
        while let Some((_, mail)) = self.agents[agent].mails.pop_front_if(|(at, _)| *at <= self.now)
        {
            let input = match mail {
                Mail::Responded { key, status, transmit, send } => {
                    if send {
                        self.transmit(agent, None, &transmit);
                    }
                    Input::Responded { key, status, transmit }
                }
                Mail::HandOver(transaction) => Input::HandOver(transaction),
                Mail::Gone(key, received) => Input::Gone(key, received),
                Mail::Send(transmit) => {
                    self.transmit(agent, None, &transmit);
                    continue;
                }
            };
            self.agents[agent].endpoint.handle_input(self.now, input);
            self.drain_endpoint(agent);
        }
    }

    fn drain_endpoint(&mut self, agent: usize) {
        loop {
            match self.agents[agent].endpoint.poll_output() {
                Output::Transmit(transmit) => self.transmit(agent, None, &transmit),
                Output::Request(id, key, received) => {
                    self.deliver(agent, id, key, received);
                }
                Output::Response(id, received) => {
                    if self.agents[agent].sessions.contains_key(&id) {
                        self.mail(agent, id, session::Input::Response(received));
                    }
                }
                // No account asks anything in this world.
                Output::AccountResponse(..) => {}
                Output::LateAnswer(late) => self.end_late(agent, &late.0, &late.1),
                Output::NewCall(key, received, _) => self.new_call(agent, key, received),
                Output::Timeout(at) => {
                    self.agents[agent].endpoint_next = at;
                    return self.arm_endpoint(agent);
                }
            }
        }
    }

    fn deliver(&mut self, agent: usize, id: SessionId, key: ServerKey, received: Received) {
        if self.agents[agent].sessions.contains_key(&id) {
            return self.mail(agent, id, session::Input::Request(key, received));
        }
        let gone = Input::Gone(key, Box::new(received));
        self.agents[agent].endpoint.handle_input(self.now, gone);
    }

    fn new_call(&mut self, agent: usize, key: ServerKey, received: Received) {
        let endpoint = &mut self.agents[agent];
        if endpoint.sessions.len() >= endpoint.ability.sessions_max {
            return endpoint.endpoint.handle_input(self.now, Input::NotOpened(key));
        }
        let id = received.message.call_id().unwrap_or_default();
        let call = self.trace.call_ids.get(id).copied();
        let id = self.create(agent, call.unwrap_or(NOBODYS));
        let opened = Input::Opened(key.clone(), id);
        self.agents[agent].endpoint.handle_input(self.now, opened);
        self.mail(agent, id, session::Input::Invite(key, received));
    }

    fn end_late(&mut self, agent: usize, invite: &Transmit, answer: &Received) {
        let (timers, entropy) = (Timers::default(), &mut self.entropy);
        let ending =
            session::end_late_answer(self.now, timers, "late", entropy, invite, &answer.message);
        if let Some((ack, bye)) = ending {
            self.transmit(agent, None, &ack);
            let input = Input::HandOver(Box::new(bye));
            self.agents[agent].endpoint.handle_input(self.now, input);
        }
    }

    /// A message leaves a user agent.
    pub(super) fn transmit(&mut self, agent: usize, id: Option<SessionId>, transmit: &Transmit) {
        let (from, to) = (self.agents[agent].address, transmit.destination.remote);
        let (over, bytes) = (transmit.destination.transport, &transmit.bytes);
        if let Some(id) = id {
            self.name_call(agent, id, bytes);
        }
        let lost = number(to).is_some_and(|to| self.is_dropped(agent, to, bytes));
        let arrivals = match over {
            _ if lost => 0,
            Transport::Udp => self.datagram_leaves(from, to, bytes),
            Transport::Tcp | Transport::Tls => self.stream_leaves(agent, transmit),
        };
        let bytes = Arc::clone(bytes);
        self.trace.push(self.now, agent, id, What::Sent { to, over, bytes, arrivals });
    }

    /// From its first INVITE on a call is known by its Call-ID.
    pub(super) fn name_call(&mut self, agent: usize, id: SessionId, bytes: &[u8]) {
        if let Some(call) = self.trace.calls.get(&(agent, id))
            && bytes.starts_with(b"INVITE")
            && let Some(name) = call_id(bytes)
        {
            self.trace.call_ids.entry(name.into()).or_insert(*call);
        }
    }

    fn is_dropped(&mut self, from: usize, to: usize, bytes: &[u8]) -> bool {
        if self.dropped.is_empty() {
            return false;
        }
        let title = words::title(bytes);
        let fits = |(a, b, wanted): &(usize, usize, String)| {
            (*a, *b) == (from, to) && title.starts_with(wanted)
        };
        let at = self.dropped.iter().position(fits);
        at.map(|at| self.dropped.remove(at)).is_some()
    }

    /// Over a stream: cut somewhere, whole and in order; or refused.
    fn stream_leaves(&mut self, agent: usize, transmit: &Transmit) -> usize {
        let remote = transmit.destination.remote;
        let peer = number(remote).filter(|peer| *peer < self.agents.len());
        let Some(peer) = peer.filter(|peer| self.agents[*peer].ability.tcp) else {
            // Nobody there says so only after a while.
            let pause = Duration::from_millis(if peer.is_some() { 40 } else { 5_000 });
            self.refuse_stream(agent, &transmit.bytes, pause);
            return 0;
        };
        let cut = usize::try_from(self.entropy.below(transmit.bytes.len() as u64)).unwrap_or(0);
        let (head, tail) = transmit.bytes.split_at(cut);
        for part in [head, tail].into_iter().filter(|part| !part.is_empty()) {
            let at = self.network.stream(self.now, agent, peer);
            self.schedule(at, Event::Chunk { from: agent, to: peer, bytes: part.into() });
        }
        1
    }

    fn refuse_stream(&mut self, agent: usize, bytes: &[u8], pause: Duration) {
        let Ok(message) = Message::parse(bytes) else { return };
        if !message.is_request() {
            return;
        }
        let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default().to_vec();
        if let Some(id) = SessionId::from_branch(&branch) {
            let reason = "connection refused".into();
            let input = session::Input::TransportError { branch, reason };
            self.schedule(self.now + pause, Event::Mail(agent, id, Box::new(input)));
        }
    }
}
