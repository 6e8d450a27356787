//! A connection that came in and has not said yet which session it is for.

use offhook_msrp::chat::{Chat, Refuser};
use offhook_msrp::{Frame, Framer};

use super::Context;
use super::connection::{Connection, Got};

/// Octets of a request's head before which it must be clear whom it is for.
const HEAD_MAX: usize = offhook_msrp::HEAD_BYTES_MAX + 1024;
/// Octets that are read of somebody who wants another session.
const STRANGER_MAX: usize = 64 * 1024;

/// What became of a candidate.
pub(super) enum Turn {
    /// It has more to say.
    Waits,
    /// It is the peer; so it began.
    Peer(Vec<u8>),
    /// It is of no use, or gone.
    Over,
}

/// A connection that came in.
pub(super) struct Candidate {
    pub(super) connection: Connection,
    said: Vec<u8>,
    /// It wants another session; so much was read of it.
    refuser: Option<(Refuser, usize)>,
}

impl Candidate {
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection, said: Vec::new(), refuser: None }
    }

    /// Reads once.
    pub(super) fn turn(&mut self, chat: &Chat, context: &mut Context<'_>) -> Turn {
        let count = match self.connection.read(context.buffer) {
            Ok(Got::Bytes(count)) => count,
            Ok(Got::Nothing) => return Turn::Waits,
            Ok(Got::End) | Err(_) => return Turn::Over,
        };
        let bytes = context.buffer.get(..count).unwrap_or_default();
        if self.refuser.is_some() {
            return self.refuse(bytes);
        }
        self.said.extend_from_slice(bytes);
        let mut framer = Framer::new();
        framer.push(&self.said);
        match framer.next_frame() {
            Ok(None) if self.said.len() > HEAD_MAX => Turn::Over,
            Ok(None) => Turn::Waits,
            Ok(Some(Frame::Head { head, .. })) if chat.is_for(&head) => {
                Turn::Peer(std::mem::take(&mut self.said))
            }
            Ok(Some(_)) => {
                self.refuser = Some((Refuser::new(481), 0));
                let said = std::mem::take(&mut self.said);
                self.refuse(&said)
            }
            Err(_) => Turn::Over,
        }
    }

    /// Answers with 481, in one piece or not at all, and is done.
    fn refuse(&mut self, bytes: &[u8]) -> Turn {
        let Some((refuser, read)) = &mut self.refuser else { return Turn::Over };
        *read = read.saturating_add(bytes.len());
        match refuser.answer(bytes) {
            Ok(answer) if answer.is_empty() && *read <= STRANGER_MAX => Turn::Waits,
            Ok(answer) => {
                // Whoever does not take so little is not owed it.
                let _sent = self.connection.write(&answer);
                let _said = self.connection.shut_down();
                Turn::Over
            }
            Err(_) => Turn::Over,
        }
    }
}
