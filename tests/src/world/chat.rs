//! The chats of all user agents of a world: connections between two paths, as MSRP would make
//! them, without its messages. They run over the links' streams.

use std::collections::BTreeMap;
use std::net::IpAddr;

use offhook::chat::{ChatCommand, ChatEvent, ChatId, ChatMessage};
use offhook::negotiate::LocalChat;

/// The port that IANA gave to MSRP (RFC 4975 §15.4).
const PORT: u16 = 2855;

/// What goes from one path to another.
#[derive(Clone, Debug)]
pub enum Frame {
    /// The side that connects binds the connection.
    Hello,
    /// The other side takes it.
    Welcome,
    /// A message.
    Message(ChatMessage),
    /// It has come.
    Report(String),
    /// The connection is closed, or nobody is there.
    Close,
}

/// One end of a chat.
#[derive(Debug)]
struct End {
    agent: usize,
    chat: ChatId,
    passive: bool,
    /// The peer's path, once the session has ordered to start.
    peer: Option<String>,
    /// Somebody has connected already.
    greeted_by: Option<String>,
    up: bool,
}

/// What the chats want done.
#[derive(Debug)]
pub enum Effect {
    /// Tell a session.
    Tell(usize, ChatEvent),
    /// Send from one path to another.
    Send(String, String, Frame),
    /// The end of that path gives up in 30 s unless it stands by then.
    Patience(String),
}

/// All ends of all chats, by path.
#[derive(Default, Debug)]
pub struct Chats {
    ends: BTreeMap<String, End>,
    made: u64,
    effects: Vec<Effect>,
}

/// Whose host a path names.
#[must_use]
pub fn host(path: &str) -> Option<IpAddr> {
    path.strip_prefix("msrp://")?.split(':').next()?.parse().ok()
}

impl Chats {
    /// Ends that a user agent holds.
    #[must_use]
    pub fn of(&self, agent: usize) -> usize {
        self.ends.values().filter(|end| end.agent == agent).count()
    }

    /// What is to be done since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn path_of(&self, agent: usize, chat: ChatId) -> Option<String> {
        let own = |(_, end): &(&String, &End)| end.agent == agent && end.chat == chat;
        self.ends.iter().find(own).map(|(path, _)| path.clone())
    }

    fn send(&mut self, from: &str, to: &str, frame: Frame) {
        self.effects.push(Effect::Send(from.to_owned(), to.to_owned(), frame));
    }

    /// Carries out an order of a session.
    pub fn obey(&mut self, agent: usize, command: ChatCommand) {
        match command {
            ChatCommand::Prepare { chat, address, passive } => {
                self.made += 1;
                let path = format!("msrp://{address}:{PORT}/{:x};tcp", self.made);
                let (peer, greeted_by) = (None, None);
                let end = End { agent, chat, passive, peer, greeted_by, up: false };
                self.ends.insert(path.clone(), end);
                let local = LocalChat { port: PORT, path, tls: false };
                self.effects.push(Effect::Tell(agent, ChatEvent::Prepared { chat, local }));
            }
            ChatCommand::Start { chat, peer, .. } => {
                let Some(path) = self.path_of(agent, chat) else { return };
                let Some(end) = self.ends.get_mut(&path) else { return };
                end.peer = Some(peer.path.clone());
                self.effects.push(Effect::Patience(path.clone()));
                if !end.passive {
                    self.send(&path, &peer.path, Frame::Hello);
                } else if end.greeted_by.as_ref() == Some(&peer.path) {
                    self.welcome(&path, &peer.path);
                }
            }
            ChatCommand::Send { chat, message } => {
                let Some(path) = self.path_of(agent, chat) else { return };
                if let Some(peer) = self.ends.get(&path).and_then(|end| end.peer.clone()) {
                    self.send(&path, &peer, Frame::Message(message));
                }
            }
            ChatCommand::Stop { chat } => {
                let Some(path) = self.path_of(agent, chat) else { return };
                let end = self.ends.remove(&path);
                if let Some(peer) = end.and_then(|end| end.peer) {
                    self.send(&path, &peer, Frame::Close);
                }
            }
        }
    }

    fn welcome(&mut self, path: &str, peer: &str) {
        if let Some(end) = self.ends.get_mut(path) {
            end.up = true;
            self.effects.push(Effect::Tell(end.agent, ChatEvent::Started { chat: end.chat }));
            self.send(path, peer, Frame::Welcome);
        }
    }

    /// Something came to a path.
    pub fn receive(&mut self, from: &str, to: &str, frame: Frame) {
        let Some(end) = self.ends.get_mut(to) else {
            if !matches!(frame, Frame::Close) {
                self.send(to, from, Frame::Close);
            }
            return;
        };
        let (agent, chat) = (end.agent, end.chat);
        let known = end.peer.as_deref() == Some(from);
        let event = match frame {
            Frame::Hello if known => return self.welcome(to, from),
            Frame::Hello => {
                end.greeted_by = Some(from.to_owned());
                return;
            }
            _ if !known => return,
            Frame::Welcome => {
                end.up = true;
                ChatEvent::Started { chat }
            }
            Frame::Message(ChatMessage { id, content, content_type, .. }) => {
                self.send(to, from, Frame::Report(id));
                ChatEvent::Message { chat, content, content_type, cpim_headers: Vec::new() }
            }
            Frame::Report(id) => ChatEvent::Delivered { chat, id, code: 200, reason: "OK".into() },
            Frame::Close => {
                let up = end.up;
                self.ends.remove(to);
                let reason = "nobody is there".into();
                if up { ChatEvent::Ended { chat } } else { ChatEvent::Failed { chat, reason } }
            }
        };
        self.effects.push(Effect::Tell(agent, event));
    }

    /// The patience of an end is over.
    pub fn give_up(&mut self, path: &str) {
        if self.ends.get(path).is_none_or(|end| end.up) {
            return;
        }
        if let Some(End { agent, chat, .. }) = self.ends.remove(path) {
            let reason = "nobody came".into();
            self.effects.push(Effect::Tell(agent, ChatEvent::Failed { chat, reason }));
        }
    }
}
