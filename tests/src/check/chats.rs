//! What became of each chat message: it is told once, and only of messages that were sent; what
//! the peer got was sent, came once, and in order (REFERENCE 0.13, 1.9).

use std::collections::{BTreeMap, BTreeSet};

use offhook::notification::NotificationData as Data;

use super::{Violation, at};
use crate::world::trace::{Trace, What};

const NAME: &str = "chats";

/// Every message that a session took is told to be delivered or not, once.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let (mut told, mut got) = (BTreeSet::new(), BTreeSet::new());
    for entry in &trace.entries {
        match &entry.what {
            What::Ordered { order, refused: None } => {
                if let Some(id) = order.strip_prefix("message ") {
                    sent.insert(id.to_owned(), entry.agent);
                }
            }
            What::Told(
                Data::SessionDidDeliverMessage { message_id, .. }
                | Data::SessionDidNotDeliverMessage { message_id, .. },
            ) => {
                if sent.get(message_id) != Some(&entry.agent) {
                    violations.push(at(NAME, entry, format!("{message_id} was never sent")));
                }
                if !told.insert(message_id.clone()) {
                    violations.push(at(NAME, entry, format!("{message_id} is told twice")));
                }
            }
            What::Told(Data::SessionGotMessage { message_id: id, .. }) => {
                if sent.get(id).is_none_or(|sender| *sender == entry.agent) {
                    violations.push(at(NAME, entry, format!("{id} was never sent to here")));
                }
                if !got.insert(id.clone()) {
                    violations.push(at(NAME, entry, format!("{id} came twice")));
                }
            }
            _ => {}
        }
    }
    if let Some(last) = trace.entries.last() {
        let silent = sent.into_keys().filter(|id| !told.contains(id));
        violations.extend(silent.map(|id| at(NAME, last, format!("nothing is told of {id}"))));
    }
    violations
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Instant;

    use super::*;
    use crate::check::testing::ID;

    fn ordered(id: &str) -> (usize, What) {
        (0, What::Ordered { order: format!("message {id}"), refused: None })
    }

    fn delivered(id: &str) -> (usize, What) {
        let (message_id, reason) = (id.into(), "OK".into());
        (0, What::Told(Data::SessionDidDeliverMessage { message_id, code: 200, reason }))
    }

    fn got(id: &str) -> (usize, What) {
        let (content_type, cpim_headers) = ("text/plain".into(), Vec::new());
        (
            1,
            What::Told(Data::SessionGotMessage {
                content: id.as_bytes().into(),
                content_type,
                cpim_headers,
                message_id: id.into(),
            }),
        )
    }

    fn found(happened: &[(usize, What)]) -> usize {
        let mut trace = Trace::default();
        for (agent, what) in happened {
            trace.push(Instant::ZERO, *agent, Some(ID), what.clone());
        }
        check(&trace).len()
    }

    #[test]
    fn a_message_that_comes_and_is_told_of_passes() {
        assert_eq!(found(&[ordered("a"), got("a"), delivered("a")]), 0);
    }

    #[test]
    fn a_message_that_is_told_of_twice_or_never_is_found() {
        assert_eq!(found(&[ordered("a"), delivered("a"), delivered("a")]), 1);
        assert_eq!(found(&[ordered("a")]), 1);
    }

    #[test]
    fn a_message_from_nowhere_and_one_that_comes_twice_are_found() {
        assert_eq!(found(&[got("a")]), 1);
        assert_eq!(found(&[delivered("a")]), 1);
        assert_eq!(found(&[ordered("a"), got("a"), got("a"), delivered("a")]), 1);
    }
}
