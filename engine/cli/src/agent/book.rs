//! The sessions that an agent knows, running or over.

use std::collections::{BTreeMap, VecDeque};

use offhook::Session;
use offhook::id::SessionId;
use offhook::notification::SessionState;
use offhook::streams::Streams;

/// Ended sessions whose attributes are kept. Older ones are forgotten.
const ENDED_MAX: usize = 4096;

/// A session.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its handle; none when it was over before anyone could take it.
    pub(crate) handle: Option<Session>,
    /// What the peer proposed last.
    pub(crate) proposed: Streams,
}

/// All of them, by name.
#[derive(Default, Debug)]
pub(crate) struct Book {
    known: BTreeMap<SessionId, Known>,
    ended: VecDeque<SessionId>,
    newest: Option<SessionId>,
    used: Option<SessionId>,
}

impl Book {
    /// Takes in a session, the newest from now on.
    pub(crate) fn add(&mut self, id: SessionId, handle: Option<Session>, proposed: Streams) {
        self.known.insert(id, Known { handle, proposed });
        self.newest = Some(id);
    }

    /// Notes what the peer proposes to add.
    pub(crate) fn proposed(&mut self, id: SessionId, streams: Streams) {
        if let Some(known) = self.known.get_mut(&id) {
            known.proposed = streams;
        }
    }

    /// Notes that a session is over.
    pub(crate) fn ended(&mut self, id: SessionId) {
        self.ended.push_back(id);
        if self.ended.len() > ENDED_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Chooses a session for the commands to come; `false` when it is not known.
    pub(crate) fn choose(&mut self, id: SessionId) -> bool {
        let known = self.known.contains_key(&id);
        if known {
            self.used = Some(id);
        }
        known
    }

    /// Which session a command acts on that named `named` or none.
    pub(crate) fn target(&self, named: Option<SessionId>) -> Option<SessionId> {
        named.or(self.used).or(self.newest)
    }

    /// A session of that name.
    pub(crate) fn get(&self, id: SessionId) -> Option<&Known> {
        self.known.get(&id)
    }

    /// The newest session if its `connect` was refused, so that it never began: the next one is
    /// made with it.
    pub(crate) fn spare(&self) -> Option<SessionId> {
        let id = self.newest?;
        let handle = self.known.get(&id)?.handle.as_ref()?;
        (handle.snapshot().state == SessionState::Null).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SessionId {
        SessionId(number)
    }

    #[test]
    fn a_command_acts_on_the_named_the_used_then_the_newest_session() {
        let mut book = Book::default();
        assert_eq!(book.target(None), None);
        book.add(id(1), None, Streams::AUDIO);
        book.add(id(2), None, Streams::AUDIO);
        assert_eq!(book.target(None), Some(id(2)));
        assert_eq!(book.target(Some(id(1))), Some(id(1)));
        assert!(book.choose(id(1)) && !book.choose(id(3)));
        book.add(id(3), None, Streams::AUDIO);
        assert_eq!(book.target(None), Some(id(1)));
    }

    #[test]
    fn an_ended_session_is_known_until_there_are_too_many() {
        let mut book = Book::default();
        let last = ENDED_MAX as u64;
        for number in 1..=last {
            book.add(id(number), None, Streams::AUDIO);
            book.ended(id(number));
        }
        assert!(book.get(id(1)).is_some());
        book.add(id(last + 1), None, Streams::AUDIO);
        book.ended(id(last + 1));
        assert!(book.get(id(1)).is_none() && book.get(id(2)).is_some());
    }
}
