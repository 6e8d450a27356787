//! What a session hands on between its user and its chat: every message of the peer's that its
//! chat got is told, in order, once, unchanged, until the session ends the chat.

use std::collections::BTreeMap;

use offhook::id::SessionId;
use offhook::notification::NotificationData as Data;

use super::{Violation, at};
use crate::sim::said;
use crate::world::trace::{Chatted, Entry, Trace, What};

const NAME: &str = "handing";

/// The messages of one chat of a session, in the order in which they came.
type Came<'a> = Vec<(&'a str, bool)>;

/// Compares what each chat got with what its session told.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut chats: BTreeMap<(usize, Option<SessionId>, &str), Came<'_>> = BTreeMap::new();
    for entry in &trace.entries {
        match &entry.what {
            What::Chat { own, chatted: Chatted::Got { id, .. }, .. } => {
                let key = (entry.agent, entry.session, own.as_ref());
                chats.entry(key).or_default().push((id, false));
            }
            What::Told(Data::SessionGotMessage { message_id, content, .. }) => {
                if **content != said::content(message_id) {
                    violations.push(at(NAME, entry, format!("{message_id} is told changed")));
                }
                let own = (entry.agent, entry.session);
                let mut of_session =
                    chats.iter_mut().filter(|(key, _)| (key.0, key.1) == own).map(|(_, came)| came);
                violations.extend(told(entry, message_id, &mut of_session));
            }
            _ => {}
        }
    }
    violations
}

/// The next of one of the chats is told.
fn told<'c, 'a: 'c>(
    entry: &Entry,
    id: &str,
    chats: &mut impl Iterator<Item = &'c mut Came<'a>>,
) -> Option<Violation> {
    let next = |came: &'c mut Came<'a>| came.iter_mut().find(|(_, told)| !told);
    match chats.filter_map(next).find(|(next, _)| *next == id) {
        Some((_, told)) => {
            *told = true;
            None
        }
        None => Some(at(NAME, entry, format!("{id} is not the next that came"))),
    }
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Instant;

    use super::*;
    use crate::check::testing::ID;

    fn came(id: &str) -> What {
        let chatted = Chatted::Got { id: id.into(), content: said::content(id).into() };
        What::Chat { own: "b".into(), peer: "a".into(), chatted }
    }

    fn tells(id: &str, content: &[u8]) -> What {
        What::Told(Data::SessionGotMessage {
            content: content.into(),
            content_type: "text/plain".into(),
            cpim_headers: Vec::new(),
            message_id: id.into(),
        })
    }

    fn found(happened: &[What]) -> usize {
        let mut trace = Trace::default();
        for what in happened {
            trace.push(Instant::ZERO, 0, Some(ID), what.clone());
        }
        check(&trace).len()
    }

    #[test]
    fn messages_that_are_told_in_order_pass_and_the_last_may_come_too_late() {
        let [a, b] = ["a", "b"].map(said::content);
        assert_eq!(found(&[came("a"), came("b"), came("c"), tells("a", &a), tells("b", &b)]), 0);
    }

    #[test]
    fn what_is_left_out_doubled_changed_or_invented_is_found() {
        let [a, b] = ["a", "b"].map(said::content);
        assert_eq!(found(&[came("a"), came("b"), tells("b", &b)]), 1);
        assert_eq!(found(&[came("a"), tells("a", &a), tells("a", &a)]), 1);
        assert_eq!(found(&[came("a"), tells("a", b"?")]), 1);
        assert_eq!(found(&[tells("a", &a)]), 1);
    }
}
