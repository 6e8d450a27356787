//! Longer ways of a session, and what else can be asked of a [`Rig`].

use offhook::chat::{ChatEvent, ChatId, ChatMessage};
use offhook::error::SessionError;
use offhook::media::control::{Flow, MediaCommand};
use offhook::session::{Input, Order, Route};
use offhook::sip::{HeaderName, Message, text};
use offhook::streams::Streams;
use offhook::transport::Transport;

use crate::{CHAT_LINE, Rig, SDP, destination};

/// Audio and chat.
pub const BOTH: Streams = Streams { audio: true, chat: true };
/// Chat alone.
pub const CHAT: Streams = Streams { audio: false, chat: true };

/// The peer's audio with that direction.
#[must_use]
pub fn going(direction: &str) -> String {
    format!("{SDP}a={direction}\r\n")
}

/// The peer's audio and chat.
#[must_use]
pub fn with_chat_line() -> String {
    format!("{SDP}{CHAT_LINE}")
}

/// The peer's chat alone.
#[must_use]
pub fn chat_alone() -> String {
    let (head, _) = SDP.split_once("m=").unwrap();
    format!("{head}{CHAT_LINE}")
}

/// A message to send.
#[must_use]
pub fn message(id: &str) -> Order {
    Order::SendMessage(ChatMessage {
        id: id.into(),
        content: b"hi".to_vec(),
        content_type: "text/plain".into(),
        to: None,
        date: None,
    })
}

impl Rig {
    /// An incoming call that stands.
    #[must_use]
    pub fn callee() -> Self {
        let mut rig = Self::answered();
        rig.request("ACK", 1);
        rig.clear();
        rig
    }

    /// An outgoing call with audio that we hold.
    #[must_use]
    pub fn holding() -> Self {
        let mut rig = Self::established();
        rig.order(Order::Hold).unwrap();
        rig.reply(200, "", &going("recvonly"));
        rig.clear();
        rig
    }

    /// An outgoing call with audio that the peer holds.
    #[must_use]
    pub fn held() -> Self {
        let mut rig = Self::established();
        rig.request_with("INVITE", 1, &going("sendonly"));
        rig.request("ACK", 1);
        rig.clear();
        rig
    }

    /// An outgoing call with chat alone that stands.
    #[must_use]
    pub fn chatting() -> Self {
        let mut rig = Self::new();
        rig.call(CHAT).unwrap();
        rig.chat_prepared();
        rig.reply(200, "", &chat_alone());
        rig.chat_started();
        rig.clear();
        rig
    }

    /// A call with audio in which we propose a chat; the re-INVITE is out.
    #[must_use]
    pub fn proposing() -> Self {
        let mut rig = Self::established();
        rig.order(Order::Add(offhook::notification::StreamKind::Chat)).unwrap();
        rig.chat_prepared();
        rig.clear();
        rig
    }

    /// A call with audio in which the peer proposes a chat (CSeq 5).
    #[must_use]
    pub fn proposed() -> Self {
        let mut rig = Self::established();
        rig.request_with("INVITE", 5, &with_chat_line());
        rig.clear();
        rig
    }

    /// Forgets what was told, sent and ordered.
    pub fn clear(&mut self) {
        self.told();
        self.sent();
        self.media();
        self.orders();
    }

    /// Calls over one route with those streams.
    ///
    /// # Errors
    /// What the core says of it.
    pub fn call(&mut self, streams: Streams) -> Result<(), SessionError> {
        let routes = vec![Route { destination: destination(Transport::Udp), when_long: None }];
        let uri = "sip:bob@192.0.2.9".parse().unwrap();
        self.order(Order::Connect { uri, routes, streams, headers: Vec::new() })
    }

    /// Accepts with those streams.
    ///
    /// # Errors
    /// What the core says of it.
    pub fn accept_with(&mut self, streams: Streams) -> Result<(), SessionError> {
        self.order(Order::Accept { streams, headers: Vec::new() })
    }

    /// A response, whole.
    pub fn response(&mut self, bytes: Vec<u8>) {
        self.feed(Input::Response(crate::received(bytes))).unwrap();
    }

    /// The chat that the session has now.
    #[must_use]
    pub fn chat(&self) -> ChatId {
        self.chat_id()
    }

    /// The chat's path cannot be made.
    pub fn chat_prepare_failed(&mut self) {
        let (chat, reason) = (self.chat_id(), String::from("no listener"));
        self.chat_event(ChatEvent::PrepareFailed { chat, reason });
    }

    /// The transport of our last INVITE fails.
    pub fn transport_failed(&mut self) {
        let invite = Message::parse(&self.invite[..]).unwrap();
        let branch = invite.via().unwrap().branch().unwrap().to_vec();
        self.feed(Input::TransportError { branch, reason: "unreachable".into() }).unwrap();
    }

    /// The last message that we sent.
    #[must_use]
    pub fn last(&self) -> Message<Vec<u8>> {
        Message::parse(self.wire.last().unwrap().1.clone()).unwrap()
    }

    /// The last message that we sent which begins with that word or code.
    #[must_use]
    pub fn find(&self, first: &str) -> Message<Vec<u8>> {
        let bytes = self.wire.iter().rev().map(|(_, bytes)| bytes);
        let mut messages = bytes.map(|bytes| Message::parse(bytes.clone()).unwrap());
        let begins = |message: &Message<Vec<u8>>| match message.status() {
            Some(status) => status.to_string() == first,
            None => text(message.method().unwrap()) == first,
        };
        messages.find(begins).unwrap()
    }

    /// The Warning text of the last message that we sent.
    #[must_use]
    pub fn warning(&self) -> String {
        let last = self.last();
        let warning = text(last.header(HeaderName::Warning).unwrap()).into_owned();
        assert!(warning.starts_with("399 192.0.2.1 \""), "{warning}");
        warning
    }

    /// The version in the last description that we sent.
    #[must_use]
    pub fn version(&self) -> u64 {
        let description = self.description();
        let origin = description.lines().find(|line| line.starts_with("o=")).unwrap();
        origin.split(' ').nth(2).unwrap().parse().unwrap()
    }

    /// How audio runs after the orders to the media layer since the last look at them.
    pub fn flow(&mut self) -> Flow {
        let orders = self.orders();
        let flows = orders.iter().rev().filter_map(|order| match order {
            MediaCommand::Start { settings, .. } | MediaCommand::Update { settings, .. } => {
                Some(settings.flow)
            }
            _ => None,
        });
        flows.into_iter().next().unwrap()
    }
}
