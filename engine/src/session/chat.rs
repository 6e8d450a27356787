//! The session's chat: prepared, started, ended, and the messages that wait for it.

use std::collections::VecDeque;
use std::net::IpAddr;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::{Core, Output};
use crate::chat::{ChatCommand, ChatEvent, ChatId, ChatMessage, Identities};
use crate::error::SessionError;
use crate::negotiate::LocalChat;
use crate::notification::{NotificationData, StreamKind};
use crate::sip::{NameAddr, text};

/// Messages of ours that wait for the chat, or for their report, at most; more are refused as
/// busy.
pub const MESSAGES_MAX: usize = 256;

/// Why a message was not delivered when its chat is gone.
pub(super) const CHAT_ENDED: &str = "the chat has ended";

/// What the session knows of its chat.
#[derive(Clone, Default, Debug)]
pub(super) struct Chat {
    /// It is prepared, or is being prepared.
    pub(super) exists: bool,
    index: u32,
    pub(super) local: Option<LocalChat>,
    /// The connection was ordered.
    started: bool,
    /// The connection stands.
    up: bool,
    waiting: VecDeque<ChatMessage>,
    /// Messages that were sent and not reported on.
    sent: VecDeque<String>,
    /// For [`Action::QueueMessage`](offhook_fsm::session::Action).
    ordered: Option<ChatMessage>,
}

impl Chat {
    /// Messages that nothing was told of, oldest first.
    pub(super) fn undelivered(&self) -> Vec<String> {
        let waiting = self.waiting.iter().map(|message| &message.id);
        self.sent.iter().chain(waiting).cloned().collect()
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    /// Whether a description of ours has had it.
    pub(super) const fn is_offered(&self) -> bool {
        self.local.is_some()
    }
}

impl Core {
    const fn chat_id(&self) -> ChatId {
        ChatId { session: self.id.0, index: self.chat.index }
    }

    /// The side that offers the line connects (RFC 4975 §5.4).
    pub(super) fn prepare_chat(&mut self, address: IpAddr) {
        let passive = matches!(self.state, State::Incoming | State::Accepting | State::Proposed);
        self.chat.exists = true;
        self.preparing.chat = true;
        let chat = self.chat_id();
        self.push(Output::Chat(ChatCommand::Prepare { chat, address, passive }));
    }

    pub(super) fn start_chat(&mut self) {
        let peer = self.settled.as_ref().and_then(|settled| settled.chat.clone());
        let Some(peer) = peer.filter(|_| self.chat.exists && !self.chat.started) else { return };
        self.chat.started = true;
        let chat = self.chat_id();
        let of = |shown: &Option<String>| {
            let address = shown.as_ref().and_then(|text| NameAddr::parse(text.as_bytes()).ok());
            let address =
                address.map(|found| (found.display_text(), text(found.uri.raw).into_owned()));
            address.unwrap_or_default()
        };
        let (own, peer_is) = (of(&self.snapshot.local_uri), of(&self.snapshot.remote_uri));
        let identities = Identities { own, peer: peer_is };
        self.push(Output::Chat(ChatCommand::Start { chat, peer, identities }));
    }

    pub(super) fn chat(&mut self, now: Instant, event: ChatEvent) {
        if event.chat() != self.chat_id() || !self.chat.exists || self.is_terminated() {
            return;
        }
        match event {
            ChatEvent::Prepared { local, .. } => {
                self.chat.local = Some(local);
                self.snapshot.chat_stream = Some(self.chat.index);
                self.tell(now, NotificationData::MsrpChatDidInitialize);
                self.preparing.chat = false;
                self.prepared(now);
            }
            ChatEvent::PrepareFailed { reason, .. } => {
                self.tell(now, NotificationData::MsrpChatDidFail { reason: reason.clone() });
                self.preparing.chat = false;
                self.prepare_failed(now, StreamKind::Chat, &reason);
            }
            ChatEvent::Started { .. } => {
                self.chat.up = true;
                self.tell(now, NotificationData::MsrpChatDidStart);
                for message in std::mem::take(&mut self.chat.waiting) {
                    self.send_now(message);
                }
                self.apply(now, Event::ChatStarted);
            }
            ChatEvent::Failed { reason, .. } => {
                self.tell(now, NotificationData::MsrpChatDidFail { reason });
                self.apply(now, Event::ChatEnded);
            }
            ChatEvent::Ended { .. } => {
                self.tell(now, NotificationData::MsrpChatDidEnd);
                self.apply(now, Event::ChatEnded);
            }
            ChatEvent::Message { content, content_type, cpim_headers, .. } => {
                let data = NotificationData::SessionGotMessage {
                    content: content.into(),
                    content_type,
                    cpim_headers,
                };
                self.tell(now, data);
            }
            ChatEvent::Delivered { id: message_id, code, reason, .. } => {
                self.chat.sent.retain(|sent| *sent != message_id);
                let data = NotificationData::SessionDidDeliverMessage { message_id, code, reason };
                self.tell(now, data);
            }
            ChatEvent::NotDelivered { id, code, reason, .. } => {
                self.chat.sent.retain(|sent| *sent != id);
                self.tell_not_delivered(now, id, code, &reason);
            }
        }
    }

    fn tell_not_delivered(&mut self, now: Instant, message_id: String, code: u16, reason: &str) {
        let reason = reason.to_owned();
        let data = NotificationData::SessionDidNotDeliverMessage { message_id, code, reason };
        self.tell(now, data);
    }

    pub(super) fn send_message(
        &mut self,
        now: Instant,
        message: ChatMessage,
    ) -> Result<(), SessionError> {
        self.permit("send_message()", Event::SendMessage)?;
        if !self.chat.exists {
            return self.permit("send_message() without a chat", Event::MissChat);
        }
        let is_type = message.content_type.split_once('/').is_some_and(|(kind, rest)| {
            let plain =
                |text: &str| !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~'));
            plain(kind) && plain(rest)
        });
        if !is_type {
            let text = format!("send_message(): {:?} is no media type", message.content_type);
            return Err(SessionError::InvalidArgument(text));
        }
        if self.chat.waiting.len() + self.chat.sent.len() >= MESSAGES_MAX {
            return Err(SessionError::Busy);
        }
        self.chat.ordered = Some(message);
        self.apply(now, Event::SendMessage);
        Ok(())
    }

    pub(super) fn queue_message(&mut self) {
        let Some(message) = self.chat.ordered.take() else { return };
        if self.chat.up {
            self.send_now(message);
        } else {
            self.chat.waiting.push_back(message);
        }
    }

    fn send_now(&mut self, message: ChatMessage) {
        self.chat.sent.push_back(message.id.clone());
        let chat = self.chat_id();
        self.push(Output::Chat(ChatCommand::Send { chat, message }));
    }

    /// The chat is gone: what was not delivered is told, in order (REFERENCE 0.13).
    pub(super) fn stop_chat(&mut self, now: Instant) {
        if !self.chat.exists {
            return;
        }
        let chat = self.chat_id();
        self.push(Output::Chat(ChatCommand::Stop { chat }));
        let gone = std::mem::take(&mut self.chat);
        self.chat.index = gone.index.saturating_add(1);
        self.snapshot.chat_stream = None;
        self.preparing.chat = false;
        for id in gone.undelivered() {
            self.tell_not_delivered(now, id, 0, CHAT_ENDED);
        }
    }

    /// What is left to do for the chat of a session whose core is lost.
    pub(super) fn chat_farewell(&self) -> Option<ChatCommand> {
        self.chat.exists.then(|| ChatCommand::Stop { chat: self.chat_id() })
    }

    /// A chat that broke in a call that goes on: its line is closed in its turn.
    pub(super) fn close_chat(&mut self, now: Instant) {
        self.stop_chat(now);
        self.close_later(StreamKind::Chat);
    }
}
