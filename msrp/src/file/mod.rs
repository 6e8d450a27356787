//! File transfer (RFC 5547): the attributes that describe a file, and the two ends of its way as
//! pure cores over a [`Chat`].
//!
//! Each file has a session of its own. The one that sends holds a [`Sender`], the other a
//! [`Receiver`] and a [`Local::pass_on`](crate::chat::Local::pass_on) session. Every
//! [`Event`](crate::chat::Event) of the session goes into the core; what the core orders is
//! [carried out](Order::carry_out) on the session. Neither holds more of a file than one piece.

mod attributes;
mod date;
mod error;
mod hash;
mod name;
mod receiver;
mod sender;

pub use self::attributes::{
    AttributeError, Disposition, FileAttributes, FileDates, ICON_BYTES_MAX, TRANSFER_ID_MAX,
    transfer_id,
};
pub use self::error::FileError;
pub use self::hash::{Algorithm, Hasher};
pub use self::name::{NAME_BYTES_MAX, numbered_name, part_name, safe_name};
pub use self::receiver::{READ_BYTES, Receiver, ReceiverInput, ReceiverOutput};
pub use self::sender::{Sender, SenderInput, SenderOutput};

use offhook_fsm::Instant;

use crate::chat::{Chat, ChatError, Input, Outgoing};

/// Bytes of content in a chunk of a file: a session that carries nothing else has nothing to
/// interrupt for.
pub const FILE_CHUNK_BYTES: usize = 256 * 1024;

/// What a core wants of its session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Send a message.
    Send(Outgoing),
    /// The next bytes of the message.
    Data {
        /// Its Message-ID.
        id: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Give up our message.
    Abort {
        /// Its Message-ID.
        id: String,
    },
    /// Take no more of the peer's message.
    Refuse {
        /// Its Message-ID.
        id: String,
        /// What its chunks are answered with.
        status: u16,
    },
}

impl Order {
    /// Does it.
    ///
    /// # Errors
    /// What the session says. `UnknownId` needs no care: the message is done, and the event that
    /// tells so is on its way.
    pub fn carry_out(self, chat: &mut Chat, now: Instant) -> Result<(), ChatError> {
        match self {
            Self::Send(message) => chat.handle_input(now, Input::Send(message)),
            Self::Data { id, bytes } => {
                chat.handle_input(now, Input::Data { id: &id, bytes: &bytes })
            }
            Self::Abort { id } => chat.handle_input(now, Input::Abort { id: &id }),
            Self::Refuse { id, status } => {
                chat.handle_input(now, Input::Refuse { id: &id, status })
            }
        }
    }
}
