//! One end of a chat: the very core that serves real chats, and its side of a connection, as
//! `shell::chat::link` joins them.

use std::net::IpAddr;
use std::time::Duration;

use offhook::chat::{ChatEvent, ChatId, ChatMessage, Identities, Say, Told};
use offhook::negotiate::{ACCEPT_TYPES, ACCEPT_WRAPPED_TYPES, SettledChat};
use offhook_fsm::msrp_link::State;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{
    Chat, Content, Event, Features, Input, Local, Outgoing, Output, Peer, Refuser,
};
use offhook_msrp::{Frame, Framer, Path};

use super::wire::{Got, Last, Place, Wires};
use super::{Effect, Who};
use crate::world::agent::number;
use crate::world::trace::{Chatted, What};

/// How long a peer may take to read the last words.
const LINGER: Duration = Duration::from_secs(2);

/// What an end needs of the world.
pub(super) struct Ground<'a> {
    pub now: Instant,
    pub who: Who,
    pub wires: &'a mut Wires,
    pub effects: &'a mut Vec<Effect>,
}

impl Ground<'_> {
    const fn chat(&self) -> ChatId {
        self.who.1
    }

    fn tell(&mut self, event: ChatEvent) {
        self.effects.push(Effect::Tell(self.who.0, event));
    }
}

/// One end of a chat.
#[derive(Debug)]
pub(super) struct End {
    pub uri: String,
    pub port: u16,
    passive: bool,
    peer: String,
    core: Option<Chat>,
    wire: Option<Place>,
    stands: bool,
    candidates: Vec<Candidate>,
    out: Vec<u8>,
    deadline: Option<Instant>,
    armed: Option<Instant>,
    closing: Option<Instant>,
    over: bool,
}

#[derive(Debug)]
struct Candidate {
    wire: Place,
    said: Vec<u8>,
}

impl End {
    pub(super) const fn new(uri: String, port: u16, passive: bool) -> Self {
        Self {
            uri,
            port,
            passive,
            peer: String::new(),
            core: None,
            wire: None,
            stands: false,
            candidates: Vec::new(),
            out: Vec::new(),
            deadline: None,
            armed: None,
            closing: None,
            over: false,
        }
    }

    /// Whether it lets connections in.
    pub(super) const fn listens(&self) -> bool {
        self.passive && self.wire.is_none() && self.closing.is_none() && !self.over
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over || self.closing.is_some_and(|at| at <= now)
    }

    /// The peer's path is known.
    pub(super) fn start(
        &mut self,
        settled: &SettledChat,
        identities: Identities,
        entropy: Entropy,
        ground: &mut Ground<'_>,
    ) {
        let local = Local {
            accept_types: ACCEPT_TYPES.into(),
            accept_wrapped_types: ACCEPT_WRAPPED_TYPES.into(),
            identity: identities.own,
            features: Features { composing: true, dispositions: true, ..Features::default() },
            ..Local::new(self.uri.clone(), !self.passive)
        };
        let peer = Peer {
            path: settled.path.clone(),
            accept_types: settled.accept_types.clone(),
            accept_wrapped_types: settled.accept_wrapped_types.clone(),
            identity: identities.peer,
        };
        self.peer.clone_from(&settled.path);
        let mut core = Chat::new(local, entropy).unwrap();
        core.handle_input(ground.now, Input::Start(peer)).unwrap();
        self.core = Some(core);
        if !self.passive {
            match next_hop(&settled.path) {
                Some((agent, port)) => {
                    self.wire = Some(ground.wires.connect(ground.who, agent, port));
                }
                None => self.feed(Input::Disconnected(Some("no way there".into())), ground),
            }
        }
    }

    pub(super) fn send(&mut self, message: ChatMessage, ground: &mut Ground<'_>) {
        let id = message.id.clone();
        let length = message.content.len();
        let outgoing = Outgoing {
            id: message.id,
            content: Content::Bytes(message.content),
            content_type: message.content_type,
            to: message.to,
            written_us: message.date.and_then(|date| i64::try_from(date.unix_micros()).ok()),
            reports: None,
        };
        let Some(core) = &mut self.core else { return };
        if let Err(error) = core.handle_input(ground.now, Input::Send(outgoing)) {
            let (chat, reason) = (ground.chat(), error.to_string());
            return ground.tell(ChatEvent::NotDelivered { chat, id, code: 0, reason });
        }
        self.note(Chatted::Sent { id, length }, ground);
    }

    pub(super) fn say(&mut self, say: &Say, ground: &mut Ground<'_>) {
        let input = match say {
            Say::Composing(active) => Input::Composing(*active),
            Say::Ask(ask) => Input::Ask(*ask),
            Say::Nickname(nickname) => Input::Nickname(nickname),
            Say::Displayed(id) => Input::Displayed { id },
        };
        self.feed(input, ground);
    }

    pub(super) fn stop(&mut self, ground: &mut Ground<'_>) {
        self.note(Chatted::Stopped, ground);
        for candidate in std::mem::take(&mut self.candidates) {
            ground.wires.close(candidate.wire);
        }
        if self.core.is_none() {
            self.over = true;
            return;
        }
        self.feed(Input::Stop, ground);
    }

    pub(super) fn knock(&mut self, wire: Place, ground: &mut Ground<'_>) {
        ground.wires.accept(wire, ground.who);
        self.candidates.push(Candidate { wire, said: Vec::new() });
    }

    pub(super) fn let_in(&mut self, ground: &mut Ground<'_>) {
        self.stands = true;
        self.feed(Input::Connected, ground);
    }

    /// Does all that can be done now.
    pub(super) fn serve(&mut self, ground: &mut Ground<'_>) {
        if self.deadline.is_some_and(|at| at <= ground.now) {
            self.deadline = None;
            self.feed(Input::Timeout, ground);
        }
        self.hear_candidates(ground);
        self.read(ground);
        self.pump(ground);
    }

    /// When to come back, where that is not known yet.
    pub(super) fn arm(&mut self, now: Instant) -> Option<Instant> {
        if self.armed.is_some_and(|armed| armed <= now) {
            self.armed = None;
        }
        let next = self.deadline.into_iter().chain(self.closing).min()?.max(now);
        if self.armed.is_some_and(|armed| armed <= next) {
            return None;
        }
        self.armed = Some(next);
        self.armed
    }

    pub(super) fn leave(&self, wires: &mut Wires) {
        let candidates = self.candidates.iter().map(|candidate| candidate.wire);
        self.wire.into_iter().chain(candidates).for_each(|wire| wires.close(wire));
    }

    fn hear_candidates(&mut self, ground: &mut Ground<'_>) {
        let Some(core) = self.core.as_ref().filter(|_| self.listens()) else { return };
        let mut peer = None;
        let mut waiting = Vec::new();
        for mut candidate in std::mem::take(&mut self.candidates) {
            if peer.is_some() {
                waiting.push(candidate);
                continue;
            }
            match ground.wires.read(candidate.wire) {
                Got::Nothing => {
                    waiting.push(candidate);
                    continue;
                }
                Got::End(_) => {
                    ground.wires.close(candidate.wire);
                    continue;
                }
                Got::Bytes(bytes) => candidate.said.extend(bytes),
            }
            let mut framer = Framer::new();
            framer.push(&candidate.said);
            match framer.next_frame() {
                Ok(None) => waiting.push(candidate),
                Ok(Some(Frame::Head { head, .. })) if core.is_for(&head) => peer = Some(candidate),
                _ => {
                    let answer = Refuser::new(481).answer(&candidate.said).unwrap_or_default();
                    let _sent = ground.wires.write(candidate.wire, &answer);
                    ground.wires.close(candidate.wire);
                }
            }
        }
        self.candidates = waiting;
        let Some(candidate) = peer else { return };
        self.wire = Some(candidate.wire);
        self.let_in(ground);
        self.feed(Input::Received(&candidate.said), ground);
    }

    fn read(&mut self, ground: &mut Ground<'_>) {
        while let Some(wire) = self.wire
            && self.core.as_ref().is_some_and(|core| core.wants_bytes() || !self.stands)
        {
            match ground.wires.read(wire) {
                Got::Nothing => return,
                Got::Bytes(bytes) => self.feed(Input::Received(&bytes), ground),
                Got::End(Last::Fin) => self.lost(None, ground),
                Got::End(Last::Reset) => self.lost(Some("reset by the peer"), ground),
            }
        }
    }

    fn lost(&mut self, reason: Option<&str>, ground: &mut Ground<'_>) {
        if let Some(wire) = self.wire.take() {
            ground.wires.close(wire);
        }
        self.out.clear();
        self.note(Chatted::Ended, ground);
        self.feed(Input::Disconnected(reason.map(str::to_owned)), ground);
    }

    fn feed(&mut self, input: Input<'_>, ground: &mut Ground<'_>) {
        let Some(core) = &mut self.core else { return };
        // A fault of ours, like asking for a nickname where nobody gives them.
        let _refused = core.handle_input(ground.now, input);
        self.drain(ground);
    }

    fn drain(&mut self, ground: &mut Ground<'_>) {
        loop {
            let Some(core) = &mut self.core else { return };
            match core.poll_output() {
                Output::Transmit(bytes) => self.out.extend_from_slice(&bytes),
                Output::Event(event) => self.told(event, ground),
                Output::Close => self.closing = Some(ground.now + LINGER),
                Output::Timeout(at) => {
                    self.deadline = at;
                    if core.state() == State::Terminated && self.closing.is_none() {
                        self.closing = Some(ground.now + LINGER);
                    }
                    return;
                }
            }
        }
    }

    fn pump(&mut self, ground: &mut Ground<'_>) {
        self.drain(ground);
        while let Some(wire) = self.wire.filter(|_| self.stands && !self.out.is_empty()) {
            match ground.wires.write(wire, &self.out) {
                Some(0) => break,
                Some(count) => {
                    self.out.drain(..count);
                    self.feed(Input::Written(count), ground);
                }
                None => self.lost(Some("reset by the peer"), ground),
            }
        }
        if self.closing.is_some() && (self.out.is_empty() || self.wire.is_none()) {
            self.over = true;
        }
    }

    fn note(&self, chatted: Chatted, ground: &mut Ground<'_>) {
        let (own, peer) = (self.uri.as_str().into(), self.peer.as_str().into());
        ground.effects.push(Effect::Note(ground.who, What::Chat { own, peer, chatted }));
    }

    fn told(&mut self, event: Event, ground: &mut Ground<'_>) {
        let chat = ground.chat();
        let chatted = match &event {
            Event::Started => Chatted::Started,
            Event::Failed { .. } | Event::Ended => Chatted::Ended,
            Event::Message(message) => {
                Chatted::Got { id: message.id.clone(), content: message.content.as_slice().into() }
            }
            Event::Sent { id } | Event::Delivered { id, .. } => {
                Chatted::Delivered { id: id.clone() }
            }
            Event::NotDelivered { id, code, .. } => {
                Chatted::NotDelivered { id: id.clone(), code: *code }
            }
            _ => Chatted::Aside,
        };
        if chatted != Chatted::Aside {
            self.note(chatted, ground);
        }
        if let Some(told) = of_session(chat, event) {
            ground.tell(told);
        }
    }
}

/// What the session is told, as `shell::chat` tells it.
fn of_session(chat: ChatId, event: Event) -> Option<ChatEvent> {
    Some(match event {
        Event::Started => ChatEvent::Started { chat },
        Event::Failed { reason } => ChatEvent::Failed { chat, reason },
        Event::Ended => ChatEvent::Ended { chat },
        Event::Message(message) => ChatEvent::Message {
            chat,
            id: message.id,
            content: message.content,
            content_type: message.content_type,
            cpim_headers: message.cpim_headers,
        },
        Event::Sent { id } => ChatEvent::Delivered { chat, id, code: 200, reason: "OK".into() },
        Event::Delivered { id, code, reason } => ChatEvent::Delivered { chat, id, code, reason },
        Event::NotDelivered { id, code, reason } => {
            ChatEvent::NotDelivered { chat, id, code, reason }
        }
        Event::Composing { from, told } => {
            let told = Told::Composing {
                from,
                active: told.active,
                content_type: told.content_type,
                last_active_us: told.last_active_us,
                refresh_s: told.refresh_s,
            };
            ChatEvent::Told { chat, told }
        }
        _ => return None,
    })
}

/// The user agent and the port that a path leads to first.
fn next_hop(path: &str) -> Option<(usize, u16)> {
    let uri = Path::parse(path).ok()?.first()?;
    let host: IpAddr = uri.host.parse().ok()?;
    let port = uri.port.unwrap_or(offhook_msrp::DEFAULT_PORT);
    Some((number(std::net::SocketAddr::new(host, port))?, port))
}
