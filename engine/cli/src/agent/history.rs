//! What was printed and no `wait` has matched yet.

use std::collections::VecDeque;

use offhook::id::SessionId;

/// Notifications that a later `wait` may still find; above it the oldest are forgotten.
const PRINTED_MAX: usize = 65_536;

/// Notifications about what has just begun: a `wait` for one means whichever comes.
const BEGINNINGS: [&str; 2] = ["SIPSessionNewIncoming", "SIPSessionNewOutgoing"];

/// What a `wait` looks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// The notification's name.
    pub(crate) name: String,
    /// The session that the command acts on; none: any.
    pub(crate) session: Option<SessionId>,
    /// Whether the command itself named the session.
    pub(crate) named: bool,
}

impl Wanted {
    fn is(&self, name: &str, session: Option<SessionId>) -> bool {
        let any = self.session.is_none()
            || session.is_none()
            || (!self.named && BEGINNINGS.contains(&name));
        self.name == name && (any || self.session == session)
    }
}

/// Names and sessions of printed notifications, oldest first.
#[derive(Default, Debug)]
pub(crate) struct History {
    printed: VecDeque<(&'static str, Option<SessionId>)>,
}

impl History {
    /// Notes what was printed.
    pub(crate) fn push(&mut self, name: &'static str, session: Option<SessionId>) {
        if self.printed.len() >= PRINTED_MAX {
            self.printed.pop_front();
        }
        self.printed.push_back((name, session));
    }

    /// Finds what is wanted, and forgets of that session all that was printed up to it: the next
    /// `wait` looks from there.
    pub(crate) fn find(&mut self, wanted: &Wanted) -> bool {
        let at = self.printed.iter().position(|(name, session)| wanted.is(name, *session));
        let Some((at, (_, found))) = at.and_then(|at| Some((at, *self.printed.get(at)?))) else {
            return false;
        };
        let mut index = 0;
        self.printed.retain(|(_, session)| {
            let keep = index > at || *session != found;
            index += 1;
            keep
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S1: Option<SessionId> = Some(SessionId(1));
    const S2: Option<SessionId> = Some(SessionId(2));

    fn wanted(name: &str, session: Option<SessionId>) -> Wanted {
        Wanted { name: name.into(), session, named: false }
    }

    #[test]
    fn a_match_is_found_once() {
        let mut history = History::default();
        history.push("Ring", S1);
        history.push("Ring", S1);
        let ring = wanted("Ring", S1);
        assert_eq!([(); 3].map(|()| history.find(&ring)), [true, true, false]);
    }

    #[test]
    fn the_next_wait_looks_behind_the_last_match() {
        let mut history = History::default();
        for name in ["Ring", "Start", "End"] {
            history.push(name, S1);
        }
        assert!(history.find(&wanted("Start", S1)));
        assert!(!history.find(&wanted("Ring", S1)));
        assert!(history.find(&wanted("End", S1)));
    }

    #[test]
    fn a_miss_forgets_nothing() {
        let mut history = History::default();
        history.push("Ring", S1);
        assert!(!history.find(&wanted("Start", S1)));
        assert!(history.find(&wanted("Ring", S1)));
    }

    #[test]
    fn sessions_do_not_match_each_other() {
        let mut history = History::default();
        history.push("Start", S2);
        history.push("Start", S1);
        assert!(history.find(&wanted("Start", S1)));
        assert!(!history.find(&wanted("Start", S1)));
        assert!(history.find(&wanted("Start", S2)));
    }

    #[test]
    fn the_engine_s_notifications_match_for_any_session() {
        let mut history = History::default();
        history.push("SIPEngineDidStart", None);
        assert!(history.find(&wanted("SIPEngineDidStart", S1)));
    }

    #[test]
    fn without_a_session_any_one_matches() {
        let mut history = History::default();
        history.push("Start", S2);
        assert!(history.find(&wanted("Start", None)));
    }

    #[test]
    fn a_new_call_matches_unless_another_session_was_named() {
        let mut history = History::default();
        history.push("SIPSessionNewIncoming", S2);
        let mut new = wanted("SIPSessionNewIncoming", S1);
        new.named = true;
        assert!(!history.find(&new));
        new.named = false;
        assert!(history.find(&new));
    }

    #[test]
    fn the_oldest_are_forgotten_above_the_limit() {
        let mut history = History::default();
        history.push("First", S1);
        history.push("Second", S1);
        for _ in 2..PRINTED_MAX {
            history.push("Other", S1);
        }
        assert!(history.printed.contains(&("First", S1)));
        history.push("Other", S1);
        assert!(!history.find(&wanted("First", S1)));
        assert!(history.find(&wanted("Second", S1)));
    }
}
