//! Our nickname in a chat room (RFC 7701 §7): one request at a time.

use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use super::{ChatError, Event, WAIT_MS};
use crate::encode::transaction_id;
use crate::error::Unprintable;
use crate::nickname;
use crate::uri::Path;

/// A nickname that we asked for.
#[derive(Clone, Debug)]
struct Asked {
    transaction: String,
    nickname: String,
    deadline: Instant,
}

/// What became of our last request.
#[derive(Clone, Default, Debug)]
pub(super) struct Naming {
    asked: Option<Asked>,
}

impl Naming {
    /// The request for a nickname; an empty one gives it back.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        nickname: &str,
        (to, from): (&str, &str),
        entropy: &mut Entropy,
    ) -> Result<Vec<u8>, ChatError> {
        if self.asked.is_some() {
            return Err(ChatError::Pending);
        }
        let transaction = transaction_id(entropy, b"");
        let path = |text| Path::parse(text).map_err(|_| ChatError::Invalid("the path"));
        let invalid = |_: Unprintable| ChatError::Invalid("the nickname");
        let bytes = nickname::request(&transaction, path(to)?, path(from)?, nickname);
        let deadline = now + Duration::from_millis(WAIT_MS);
        let bytes = bytes.map_err(invalid)?;
        self.asked = Some(Asked { transaction, nickname: nickname.into(), deadline });
        Ok(bytes)
    }

    /// An answer came: what to tell when it is ours.
    pub(super) fn response(&mut self, id: &str, code: u16, comment: &str) -> Option<Event> {
        self.asked.as_ref().filter(|asked| asked.transaction == id)?;
        self.done(code, comment)
    }

    /// Time has passed.
    pub(super) fn time_out(&mut self, now: Instant) -> Option<Event> {
        self.next_deadline().filter(|deadline| *deadline <= now)?;
        self.done(408, "no response came in time")
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.asked.as_ref().map(|asked| asked.deadline)
    }

    /// Nothing more is waited for.
    pub(super) fn done(&mut self, code: u16, reason: &str) -> Option<Event> {
        let nickname = self.asked.take()?.nickname;
        Some(Event::Nickname { nickname, code, reason: reason.into() })
    }
}
