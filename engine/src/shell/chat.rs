//! Where the chat's connection will be. Until MSRP itself is there a chat is negotiated like any
//! stream, and then tells that it cannot start.

use offhook_fsm::Entropy;

use crate::chat::{ChatCommand, ChatEvent};
use crate::negotiate::LocalChat;
use crate::sip::text;

/// The port that IANA gave to MSRP (RFC 4975 §15.4).
const MSRP_PORT: u16 = 2855;

/// What comes of an order; `None` when nothing does.
pub(super) fn carry_out(command: ChatCommand, entropy: &mut Entropy) -> Option<ChatEvent> {
    match command {
        ChatCommand::Prepare { chat, address, .. } => {
            let host = std::net::SocketAddr::new(address, MSRP_PORT);
            let path = format!("msrp://{host}/{};tcp", text(&entropy.hex::<20>()));
            let local = LocalChat { port: MSRP_PORT, path, tls: false };
            Some(ChatEvent::Prepared { chat, local })
        }
        ChatCommand::Start { chat, .. } => {
            let reason = "MSRP connections are not built yet".into();
            Some(ChatEvent::Failed { chat, reason })
        }
        ChatCommand::Send { .. } | ChatCommand::Stop { .. } => None,
    }
}
