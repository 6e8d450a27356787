//! The chats of all user agents of a world: the very MSRP cores that serve real chats, over
//! simulated TCP connections that cut their bytes anywhere and break now and then.

mod end;
pub mod wire;

use std::collections::BTreeMap;

use offhook::chat::{ChatCommand, ChatEvent, ChatId};
use offhook::negotiate::LocalChat;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::new_uri;

use self::end::{End, Ground};
use self::wire::{Packet, Place, Sent, Wires};
use super::trace::What;

/// The first port that chats take, and how many there are.
const PORTS: (u16, u16) = (10_000, 50_000);

/// Which end of which chat: the user agent and its chat.
pub type Who = (usize, ChatId);

/// What the chats want done.
#[derive(Debug)]
pub enum Effect {
    /// Tell a session.
    Tell(usize, ChatEvent),
    /// Note what happened to a chat.
    Note(Who, What),
    /// Carry a packet.
    Carry(Sent),
    /// Come back then.
    Wake(Who, Instant),
}

/// All ends of all chats.
#[derive(Debug)]
pub struct Chats {
    ends: BTreeMap<Who, End>,
    wires: Wires,
    made: u64,
    entropy: Entropy,
    effects: Vec<Effect>,
}

impl Chats {
    /// None; connections may break.
    #[must_use]
    pub fn new(seed: u64, breaks: bool) -> Self {
        let mut entropy = Entropy::from_u64(seed);
        let wires = Wires::new(breaks, entropy.fork());
        Self { ends: BTreeMap::new(), wires, made: 0, entropy, effects: Vec::new() }
    }

    /// Ends that a user agent holds.
    #[must_use]
    pub fn of(&self, agent: usize) -> usize {
        self.ends.keys().filter(|(owner, _)| *owner == agent).count()
    }

    /// What is to be done since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        self.effects.extend(self.wires.take_sent().into_iter().map(Effect::Carry));
        std::mem::take(&mut self.effects)
    }

    /// Does something with an end, and what follows from it.
    fn with(&mut self, now: Instant, who: Who, act: impl FnOnce(&mut End, &mut Ground<'_>)) {
        let Some(mut end) = self.ends.remove(&who) else { return };
        let (wires, effects) = (&mut self.wires, &mut self.effects);
        let mut ground = Ground { now, who, wires, effects };
        act(&mut end, &mut ground);
        end.serve(&mut ground);
        if end.is_over(now) {
            return end.leave(&mut self.wires);
        }
        if let Some(at) = end.arm(now) {
            self.effects.push(Effect::Wake(who, at));
        }
        self.ends.insert(who, end);
    }

    /// Carries out an order of a session.
    pub fn obey(&mut self, now: Instant, agent: usize, command: ChatCommand) {
        match command {
            ChatCommand::Prepare { chat, address, passive, tls, .. } => {
                let (first, count) = PORTS;
                let offset = u16::try_from(self.made % u64::from(count)).unwrap();
                self.made += 1;
                let port = first + offset;
                let uri = new_uri(false, &address.to_string(), port, &mut self.entropy).unwrap();
                let local = LocalChat { tls, ..LocalChat::new(port, uri.clone()) };
                self.ends.insert((agent, chat), End::new(uri, port, passive));
                self.effects.push(Effect::Tell(agent, ChatEvent::Prepared { chat, local }));
            }
            ChatCommand::Start { chat, peer, identities, .. } => {
                let entropy = self.entropy.fork();
                self.with(now, (agent, chat), |end, ground| {
                    end.start(&peer, identities, entropy, ground);
                });
            }
            ChatCommand::Send { chat, message } => {
                self.with(now, (agent, chat), |end, ground| end.send(message, ground));
            }
            ChatCommand::Say { chat, say } => {
                self.with(now, (agent, chat), |end, ground| end.say(&say, ground));
            }
            // Files have tests of their own.
            ChatCommand::Inspect { .. }
            | ChatCommand::Overlook { .. }
            | ChatCommand::GiveUp { .. }
            | ChatCommand::StartFile { .. } => {}
            ChatCommand::Stop { chat } => self.with(now, (agent, chat), End::stop),
        }
    }

    /// A packet came to a side of a connection of that user agent.
    pub fn arrive(&mut self, now: Instant, agent: usize, place: Place, packet: Packet) {
        match packet {
            Packet::Syn { port } => {
                let listens =
                    |(who, end): &(&Who, &End)| who.0 == agent && end.port == port && end.listens();
                match self.ends.iter().find(listens).map(|(who, _)| *who) {
                    Some(who) => self.with(now, who, |end, ground| end.knock(place, ground)),
                    None => self.wires.refuse(place),
                }
            }
            Packet::SynAck => {
                if let Some(who) = self.wires.owner(place) {
                    self.with(now, who, End::let_in);
                }
            }
            packet => {
                if self.wires.take(place, packet)
                    && let Some(who) = self.wires.owner(place)
                {
                    self.with(now, who, |_, _| {});
                }
            }
        }
    }

    /// A time has come that an end asked for.
    pub fn wake(&mut self, now: Instant, who: Who) {
        self.with(now, who, |_, _| {});
    }

    /// Connections of which a side is open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.wires.count()
    }
}
