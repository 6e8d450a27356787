//! What goes along with messages, in the words of the MSRP core and of the session.

use offhook_msrp::chat::{ChatError, Event, Input};

use crate::chat::{ChatEvent, ChatId, Say, Told};

/// What the core is to do.
pub(super) const fn input(say: &Say) -> Input<'_> {
    match say {
        Say::Composing(active) => Input::Composing(*active),
        Say::Ask(ask) => Input::Ask(*ask),
        Say::Nickname(nickname) => Input::Nickname(nickname.as_str()),
        Say::Displayed(id) => Input::Displayed { id: id.as_str() },
    }
}

/// What the session is told of what the core refused.
pub(super) fn refused(chat: ChatId, say: Say, error: &ChatError) -> Option<ChatEvent> {
    let Say::Nickname(nickname) = say else { return None };
    let told = Told::Nickname { nickname, code: 0, reason: error.to_string() };
    Some(ChatEvent::Told { chat, told })
}

/// What the session is told of it.
pub(super) fn told(chat: ChatId, event: Event) -> Option<ChatEvent> {
    let told = match event {
        Event::Composing { from, told } => Told::Composing {
            from,
            active: told.active,
            content_type: told.content_type,
            last_active_us: told.last_active_us,
            refresh_s: told.refresh_s,
        },
        Event::Disposition { from, told } => Told::Disposition {
            from,
            id: told.message_id,
            kind: told.kind,
            disposition: told.disposition,
        },
        Event::Nickname { nickname, code, reason } => Told::Nickname { nickname, code, reason },
        _ => return None,
    };
    Some(ChatEvent::Told { chat, told })
}
