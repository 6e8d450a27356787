//! The session's chat beside its messages.

use offhook_fsm::Instant;
use offhook_fsm::session::Event;
use offhook_msrp::nickname;

use super::{Core, Output};
use crate::chat::{Ask, ChatCommand, Say, Told};
use crate::error::SessionError;
use crate::notification::NotificationData;
use crate::timestamp::Timestamp;

impl Core {
    /// Says something over the chat. Before it stands nobody is there to hear it.
    pub(super) fn say(&mut self, say: Say) -> Result<(), SessionError> {
        let method = match &say {
            Say::Composing(_) => "send_composing_indication()",
            Say::Ask(_) => "request_dispositions()",
            Say::Displayed(_) => "report_displayed()",
            Say::Nickname(_) => "set_nickname()",
        };
        self.permit(method, Event::SendMessage)?;
        if !self.chat.exists {
            return self.permit(method, Event::MissChat);
        }
        if let Say::Nickname(nickname) = &say {
            self.may_name(nickname)?;
        }
        if let Say::Ask(ask) = say {
            self.chat.ask = ask;
        }
        if self.chat.is_up() {
            let chat = self.chat_id();
            self.push(Output::Chat(ChatCommand::Say { chat, say }));
        }
        Ok(())
    }

    fn may_name(&self, nickname: &str) -> Result<(), SessionError> {
        if !self.chat.is_up() {
            return self.permit("set_nickname() before the chat stands", Event::MissChat);
        }
        let invalid =
            |text: &str| Err(SessionError::InvalidArgument(format!("set_nickname(): {text}")));
        if !self.snapshot.chatroom.is_some_and(|room| room.nickname) {
            return invalid("the peer is no chat room that gives nicknames");
        }
        match nickname::print(nickname) {
            Ok(_) => Ok(()),
            Err(_) => invalid("it is too long, or has control characters"),
        }
    }

    /// What was said before there was somebody to hear it and still counts.
    pub(super) fn say_again(&mut self) {
        let (chat, ask) = (self.chat_id(), self.chat.ask);
        if ask != Ask::default() {
            self.push(Output::Chat(ChatCommand::Say { chat, say: Say::Ask(ask) }));
        }
    }

    /// Tells what was heard.
    pub(super) fn hear(&mut self, now: Instant, told: Told) {
        let data = match told {
            Told::Composing { from, active, content_type, last_active_us, refresh_s } => {
                NotificationData::ChatStreamGotComposingIndication {
                    active,
                    refresh: refresh_s,
                    content_type,
                    last_active: last_active_us
                        .and_then(|micros| u64::try_from(micros).ok())
                        .map(Timestamp::from_unix_micros),
                    sender: from,
                }
            }
            Told::Nickname { nickname, code: 200, .. } => {
                NotificationData::ChatStreamDidSetNickname { nickname }
            }
            Told::Nickname { nickname, code, reason } => {
                NotificationData::ChatStreamDidNotSetNickname { nickname, code, reason }
            }
            Told::Disposition { from, id, kind, disposition } => {
                NotificationData::ChatStreamGotDispositionNotification {
                    message_id: id,
                    kind,
                    disposition,
                    sender: from,
                }
            }
        };
        self.tell(now, data);
    }
}
