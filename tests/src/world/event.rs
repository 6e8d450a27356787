//! What will happen, by time, and what is done when it does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use offhook::chat::ChatCommand;
use offhook::endpoint;
use offhook::id::SessionId;
use offhook::media::control::{MediaCommand, StreamId};
use offhook::notification::NotificationData;
use offhook::session::Input;
use offhook::sip::Framed;
use offhook::transport::{Destination, Transport};
use offhook_fsm::Instant;

use super::agent::{PORT, number};
use super::audio::{self, TICK};
use super::chat::wire::{Packet, Place};
use super::chat::{self, Who};
use super::trace::What;
use super::{Occasion, World};

/// One thing that will happen.
#[derive(Debug)]
pub(super) enum Event {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Arc<[u8]>,
    },
    /// Bytes of a stream between two user agents.
    Chunk {
        from: usize,
        to: usize,
        bytes: Arc<[u8]>,
    },
    EndpointTimer(usize),
    /// The endpoint is woken for its mail.
    EndpointWoken(usize),
    SessionTimer(usize, SessionId),
    Mail(usize, SessionId, Box<Input>),
    /// The session's core panics.
    Lost(usize, SessionId),
    Media(usize, Box<MediaCommand>),
    Tick(usize, StreamId),
    PlayEnds(usize, StreamId, PathBuf),
    Chat(usize, Box<ChatCommand>),
    /// Something of a chat's connection comes to a side of it.
    Packet(usize, Place, Packet),
    ChatTimer(Who),
    Notified(usize, SessionId, Box<NotificationData>),
    Alarm(u64),
}

/// All of it, in order of time, then of origin.
#[derive(Default, Debug)]
pub(super) struct Events {
    waiting: BTreeMap<(Instant, u64), Event>,
    made: u64,
}

impl Events {
    pub(super) fn push(&mut self, at: Instant, event: Event) {
        self.made += 1;
        self.waiting.insert((at, self.made), event);
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Event)> {
        self.waiting.pop_first().map(|((at, _), event)| (at, event))
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }
}

impl World {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Datagram { from, to, bytes } => self.datagram(from, to, &bytes),
            Event::Chunk { from, to, bytes } => self.chunk(from, to, &bytes),
            Event::EndpointTimer(agent) => self.endpoint_timer(agent),
            Event::EndpointWoken(agent) => self.read_mails(agent),
            Event::SessionTimer(agent, id) => self.session_timer(agent, id),
            Event::Mail(agent, id, input) => self.session_mail(agent, id, *input),
            Event::Lost(agent, id) => self.lose_core(agent, id),
            Event::Media(agent, command) => {
                self.agents[agent].audio.obey(self.now, *command);
                self.audio_effects(agent);
            }
            Event::Tick(agent, stream) => {
                self.agents[agent].audio.tick(self.now, stream);
                self.audio_effects(agent);
            }
            Event::PlayEnds(agent, stream, file) => {
                self.agents[agent].audio.play_ends(stream, &file);
                self.audio_effects(agent);
            }
            Event::Chat(agent, command) => {
                self.chats.obey(self.now, agent, *command);
                self.chat_effects();
            }
            Event::Packet(agent, place, packet) => {
                if let Packet::Data(bytes) = &packet {
                    self.trace.mix_bytes(bytes);
                }
                self.chats.arrive(self.now, agent, place, packet);
                self.chat_effects();
            }
            Event::ChatTimer(who) => {
                self.chats.wake(self.now, who);
                self.chat_effects();
            }
            Event::Notified(agent, id, data) => {
                self.trace.mix(agent as u64);
                self.noticed = Some(Occasion::Told(agent, id, *data));
            }
            Event::Alarm(number) => self.noticed = Some(Occasion::Alarm(number)),
        }
    }

    fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &Arc<[u8]>) {
        let Some(agent) = number(to).filter(|agent| *agent < self.agents.len()) else { return };
        if to.port() != PORT {
            self.trace.mix_bytes(bytes);
            self.agents[agent].audio.receive(self.now, from, to, bytes);
            return self.audio_effects(agent);
        }
        let what = What::Received { from, bytes: Arc::clone(bytes) };
        self.trace.push(self.now, agent, None, what);
        let transport = Transport::Udp;
        let source = Destination { transport, remote: from, local: to, flow: None };
        self.endpoint(agent, endpoint::Input::Message { source, bytes });
    }

    fn chunk(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let framer = self.agents[to].framers.entry(from).or_default();
        framer.push(bytes);
        loop {
            let framer = self.agents[to].framers.entry(from).or_default();
            let bytes: Arc<[u8]> = match framer.next_frame() {
                Ok(Some(Framed::Message(bytes))) => bytes.into(),
                Ok(Some(Framed::Ping)) => continue,
                Ok(None) => return,
                Err(error) => panic!("our own stream cannot be followed: {error}"),
            };
            let (remote, local) = (self.agents[from].address, self.agents[to].address);
            let what = What::Received { from: remote, bytes: Arc::clone(&bytes) };
            self.trace.push(self.now, to, None, what);
            let source = Destination { transport: Transport::Tcp, remote, local, flow: None };
            self.endpoint(to, endpoint::Input::Message { source, bytes: &bytes });
        }
    }

    pub(super) fn audio_effects(&mut self, agent: usize) {
        for effect in self.agents[agent].audio.effects() {
            match effect {
                audio::Effect::Tell(event) => {
                    if let Some(stream) = event.stream() {
                        self.mail(agent, SessionId(stream.session), Input::Media(event));
                    }
                }
                audio::Effect::Send(from, to, bytes) => self.send_datagram(from, to, &bytes),
                audio::Effect::Tick(stream) => {
                    self.schedule(self.now + TICK, Event::Tick(agent, stream));
                }
                audio::Effect::Play(stream, file) => {
                    let length = Duration::from_millis(self.entropy.below(20_000));
                    self.schedule(self.now + length, Event::PlayEnds(agent, stream, file));
                }
            }
        }
    }

    fn chat_effects(&mut self) {
        for effect in self.chats.effects() {
            match effect {
                chat::Effect::Tell(agent, event) => {
                    self.mail(agent, SessionId(event.chat().session), Input::Chat(event));
                }
                chat::Effect::Note((agent, chat), what) => {
                    self.trace.push(self.now, agent, Some(SessionId(chat.session)), what);
                }
                chat::Effect::Carry(sent) => {
                    let at = self.network.stream(self.now, sent.from, sent.to);
                    let place = (sent.wire, sent.side);
                    self.schedule(at, Event::Packet(sent.to, place, sent.packet));
                }
                chat::Effect::Wake(who, at) => self.schedule(at, Event::ChatTimer(who)),
            }
        }
    }

    /// A datagram leaves, however often it arrives; the number of copies that do.
    pub(super) fn send_datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &Arc<[u8]>) {
        let _arrivals = self.datagram_leaves(from, to, bytes);
    }

    pub(super) fn datagram_leaves(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &Arc<[u8]>,
    ) -> usize {
        let (Some(a), Some(b)) = (number(from), number(to)) else { return 0 };
        let mut count = 0;
        for b in super::agent::branches(b).into_iter().flatten() {
            let to = SocketAddr::new(super::agent::address(b).ip(), to.port());
            for at in self.network.datagram(self.now, a, b).into_iter().flatten() {
                count += 1;
                self.schedule(at, Event::Datagram { from, to, bytes: Arc::clone(bytes) });
            }
        }
        count
    }
}
