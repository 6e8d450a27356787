//! The session's chat: prepared, started, ended, and the messages that wait for it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::{Core, Output};
use crate::chat::{Ask, ChatCommand, ChatEvent, ChatId, ChatMessage, Identities, MsrpRelay};
use crate::error::SessionError;
use crate::negotiate::{LocalChat, OfferedChat, Setup, offered_chat};
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
    /// What our offer says of who connects.
    setup: Option<Setup>,
    /// The connection was ordered.
    started: bool,
    /// The connection stands.
    up: bool,
    waiting: VecDeque<ChatMessage>,
    /// Messages that were sent and not reported on.
    sent: VecDeque<String>,
    /// What messages ask.
    pub(super) ask: Ask,
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
    pub(super) const fn chat_id(&self) -> ChatId {
        ChatId { session: self.id.0, index: self.chat.index }
    }

    /// What is offered is taken as it comes. Where nothing else is said the side that offers the line
    /// connects (RFC 4975 §5.4, RFC 6135 §4).
    pub(super) fn prepare_chat(&mut self, address: IpAddr) {
        let offered = self.their_chat();
        let (tls, passive) = match offered {
            Some(theirs) => (theirs.tls, !theirs.connect),
            None => (self.settings.capabilities.chat_over_tls, false),
        };
        let (relay, tls) = self.relay(offered.map(|theirs| theirs.tls), tls);
        // Who connects to whom is no question where one connects to a relay (RFC 6135 §3).
        let says_who = offered.is_none() && relay.is_none();
        self.chat.setup = says_who.then_some(Setup::ActPass);
        self.chat.exists = true;
        self.preparing.chat = true;
        let chat = self.chat_id();
        self.push(Output::Chat(ChatCommand::Prepare { chat, address, passive, tls, relay }));
    }

    /// The relay for a line that we offer, or that was offered over TLS or not, and whether the line
    /// is over TLS: ours are as the relay is, and a line that is not cannot go through it.
    pub(super) fn relay(&self, offered: Option<bool>, tls: bool) -> (Option<Arc<MsrpRelay>>, bool) {
        let relay = self.settings.policy.msrp_relay.as_ref().filter(|relay| match offered {
            None => relay.for_outbound,
            Some(theirs) => relay.for_inbound && theirs == relay.tls,
        });
        (relay.cloned(), relay.map_or(tls, |relay| relay.tls))
    }

    /// The chat line that we are about to answer.
    fn their_chat(&self) -> Option<OfferedChat> {
        let request = match self.state {
            State::Incoming | State::Accepting => &self.incoming.as_ref()?.invite,
            State::Proposed => &self.proposal.as_ref()?.request,
            _ => return None,
        };
        offered_chat(request.1.message.body())
    }

    pub(super) fn start_chat(&mut self) {
        let peer = self.settled.as_ref().and_then(|settled| settled.chat.clone());
        let Some(peer) = peer.filter(|_| self.chat.exists && !self.chat.started) else { return };
        self.chat.started = true;
        self.snapshot.chatroom = peer.chatroom;
        let chat = self.chat_id();
        let of = |shown: &Option<String>| {
            let address = shown.as_ref().and_then(|text| NameAddr::parse(text.as_bytes()).ok());
            let address =
                address.map(|found| (found.display_text(), text(found.uri.raw).into_owned()));
            address.unwrap_or_default()
        };
        let (own, peer_is) = (of(&self.snapshot.local_uri), of(&self.snapshot.remote_uri));
        let identities = Identities { own, peer: peer_is };
        let accept = self.settings.policy.accept_types.clone();
        self.push(Output::Chat(ChatCommand::Start { chat, peer, identities, accept }));
    }

    pub(super) fn chat(&mut self, now: Instant, event: ChatEvent) {
        if self.is_of_file(&event) && !self.is_terminated() {
            return self.file_event(now, event);
        }
        if event.chat() != self.chat_id() || !self.chat.exists || self.is_terminated() {
            return;
        }
        match event {
            ChatEvent::Prepared { local, .. } => {
                self.chat.local = {
                    let accept = self.settings.policy.accept_types.clone();
                    Some(LocalChat { setup: self.chat.setup, accept, ..local })
                };
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
                self.say_again();
                for message in std::mem::take(&mut self.chat.waiting) {
                    self.send_now(message);
                }
                self.apply(now, Event::ChatStarted);
            }
            ChatEvent::Failed { reason, .. } => {
                self.chat.up = false;
                self.tell(now, NotificationData::MsrpChatDidFail { reason });
                self.apply(now, Event::ChatEnded);
            }
            ChatEvent::Ended { .. } => {
                self.chat.up = false;
                self.tell(now, NotificationData::MsrpChatDidEnd);
                self.apply(now, Event::ChatEnded);
            }
            ChatEvent::Message { id: message_id, content, content_type, cpim_headers, .. } => {
                let data = NotificationData::SessionGotMessage {
                    content: content.into(),
                    content_type,
                    cpim_headers,
                    message_id,
                };
                self.tell(now, data);
            }
            ChatEvent::Told { told, .. } => self.hear(now, told),
            ChatEvent::File { .. } => {}
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
        let was_up = self.chat.up;
        if was_up {
            self.tell(now, NotificationData::MsrpChatWillEnd);
        }
        self.push(Output::Chat(ChatCommand::Stop { chat }));
        let gone = std::mem::take(&mut self.chat);
        self.chat.index = gone.index.saturating_add(1);
        self.chat.ask = gone.ask;
        self.snapshot.chat_stream = None;
        self.snapshot.chatroom = None;
        self.preparing.chat = false;
        for id in gone.undelivered() {
            self.tell_not_delivered(now, id, 0, CHAT_ENDED);
        }
        if was_up {
            self.tell(now, NotificationData::MsrpChatDidEnd);
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
