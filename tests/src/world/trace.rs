//! What happened in a world, in order, and one number that stands for all of it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::media::control::Flow;
use offhook::notification::{NotificationData, SessionState};
use offhook::transport::Transport;
use offhook_fsm::Instant;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// To which user agent.
    pub agent: usize,
    /// To which of its sessions; `None`: to its endpoint, or to the whole.
    pub session: Option<SessionId>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A SIP message was sent.
    Sent {
        /// Where to.
        to: SocketAddr,
        /// Over what.
        over: Transport,
        /// The message.
        bytes: Arc<[u8]>,
        /// How many copies arrive.
        arrivals: usize,
    },
    /// A SIP message came.
    Received {
        /// From where.
        from: SocketAddr,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// The user ordered something.
    Ordered {
        /// What.
        order: String,
        /// Why it was refused.
        refused: Option<String>,
    },
    /// The session told something.
    Told(NotificationData),
    /// Something happened to a chat of the session, at its MSRP core.
    Chat {
        /// Our path.
        own: Arc<str>,
        /// The peer's; empty while it is not known.
        peer: Arc<str>,
        /// What.
        chatted: Chatted,
    },
    /// Where the session stands while nobody does anything.
    Calm(Calm),
    /// What a user agent holds when nothing is left to happen.
    Left(Left),
}

/// What happens to a chat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Chatted {
    /// The session gave it a message to send.
    Sent {
        /// Its Message-ID.
        id: String,
        /// Bytes of content.
        length: usize,
    },
    /// The session ends it.
    Stopped,
    /// The connection is bound.
    Started,
    /// It failed, broke or ended.
    Ended,
    /// A whole message came.
    Got {
        /// Its Message-ID.
        id: String,
        /// The content.
        content: Arc<[u8]>,
    },
    /// A message of ours is delivered.
    Delivered {
        /// Its Message-ID.
        id: String,
    },
    /// It is not.
    NotDelivered {
        /// Its Message-ID.
        id: String,
        /// The status; 0 when it is our own doing.
        code: u16,
    },
    /// Something else; never noted.
    Aside,
}

/// Where a session stands while nobody does anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calm {
    /// Its state.
    pub state: SessionState,
    /// We hold the call.
    pub on_hold_by_local: bool,
    /// The peer holds it.
    pub on_hold_by_remote: bool,
    /// A chat is active.
    pub has_chat: bool,
    /// The audio as the media layer has it, when it is active.
    pub audio: Option<CalmAudio>,
}

/// An audio stream as the media layer has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalmAudio {
    /// Where we receive.
    pub local: SocketAddr,
    /// Where we send to.
    pub remote: SocketAddr,
    /// Whether we send and play.
    pub flow: Flow,
    /// What both speak.
    pub codec: Codec,
}

/// What a user agent holds. All zero when it has forgotten everything.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Left {
    /// Sessions.
    pub sessions: usize,
    /// Transactions of the endpoint.
    pub transactions: usize,
    /// Audio streams.
    pub streams: usize,
    /// Chats.
    pub chats: usize,
}

/// All that happened.
#[derive(Clone, Debug)]
pub struct Trace {
    /// In order.
    pub entries: Vec<Entry>,
    /// Which call a session belongs to, by user agent and session.
    pub calls: BTreeMap<(usize, SessionId), u32>,
    /// Which call a Call-ID belongs to.
    pub call_ids: BTreeMap<Box<[u8]>, u32>,
    hash: u64,
}

impl Default for Trace {
    fn default() -> Self {
        let hash = 0xcbf2_9ce4_8422_2325;
        Self { entries: Vec::new(), calls: BTreeMap::new(), call_ids: BTreeMap::new(), hash }
    }
}

impl Trace {
    /// Notes what happened.
    pub fn push(&mut self, at: Instant, agent: usize, session: Option<SessionId>, what: What) {
        match &what {
            // Their bytes are mixed in where they arrive.
            What::Sent { arrivals, .. } => self.mix(*arrivals as u64),
            What::Received { bytes, .. } => self.mix_bytes(bytes),
            What::Ordered { order, refused } => {
                self.mix_bytes(order.as_bytes());
                self.mix(u64::from(refused.is_some()));
            }
            // Its content is mixed in where it is told.
            What::Chat { chatted: Chatted::Got { id, .. }, .. } => self.mix_bytes(id.as_bytes()),
            What::Told(NotificationData::SessionGotMessage { content, message_id, .. }) => {
                self.mix_bytes(content);
                self.mix_bytes(message_id.as_bytes());
            }
            other => {
                let _infallible = write!(Mixer(self), "{other:?}");
            }
        }
        self.entries.push(Entry { at, agent, session, what });
    }

    /// Mixes a number into the hash.
    pub const fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// Mixes bytes into the hash.
    pub fn mix_bytes(&mut self, bytes: &[u8]) {
        let words = bytes.chunks_exact(8);
        let rest = words.remainder().iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        for word in words {
            self.mix(word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        self.mix(rest);
    }

    /// The hash of all that happened, in order.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// What one session told, in order.
    pub fn told(&self, agent: usize, id: SessionId) -> impl Iterator<Item = &NotificationData> {
        let own = move |entry: &&Entry| entry.agent == agent && entry.session == Some(id);
        self.entries.iter().filter(own).filter_map(|entry| match &entry.what {
            What::Told(data) => Some(data),
            _ => None,
        })
    }

    /// The call that a SIP message belongs to.
    #[must_use]
    pub fn call_of(&self, message: &[u8]) -> Option<u32> {
        self.call_ids.get(call_id(message)?).copied()
    }
}

/// The Call-ID of a message that a core of ours has printed.
#[must_use]
pub fn call_id(message: &[u8]) -> Option<&[u8]> {
    message
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Call-ID: ")?.strip_suffix(b"\r"))
}

/// Text as bytes of the hash.
struct Mixer<'a>(&'a mut Trace);

impl fmt::Write for Mixer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.mix_bytes(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(words: &[&[u8]]) -> u64 {
        let mut trace = Trace::default();
        words.iter().for_each(|word| trace.mix_bytes(word));
        trace.hash()
    }

    #[test]
    fn the_hash_knows_every_byte_and_the_order() {
        let hash = hash_of(&[b"INVITE sip:bob", b"BYE"]);
        assert_eq!(hash, hash_of(&[b"INVITE sip:bob", b"BYE"]));
        assert_ne!(hash, hash_of(&[b"BYE", b"INVITE sip:bob"]));
        assert_ne!(hash, hash_of(&[b"INVITE sip:bab", b"BYE"]));
        assert_ne!(hash, hash_of(&[b"INVITE sip:bob", b"BYF"]));
    }

    #[test]
    fn a_call_id_is_found_in_a_printed_message() {
        let message = b"SIP/2.0 200 OK\r\nTo: <sip:b@h>\r\nCall-ID: abc\r\nCSeq: 1 BYE\r\n\r\n";
        assert_eq!(call_id(message), Some(&b"abc"[..]));
        assert_eq!(call_id(b"SIP/2.0 200 OK\r\n\r\n"), None);
    }
}
