//! What happens on each MSRP connection: nothing of what it carries is lost, doubled, changed or
//! reordered while it lives; what is told to be delivered has come; nothing is told to be not
//! delivered while it lives (RFC 4975 §5, §7).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Violation, at};
use crate::sim::said;
use crate::world::trace::{Chatted, Entry, Trace, What};

const NAME: &str = "connections";

/// Content of at least so many bytes may be cut into chunks; the wrapper takes the rest.
const LARGE_MIN: usize = 1024;
/// Content of at most so many bytes may go in one chunk.
const SMALL_MAX: usize = offhook_msrp::chat::CHUNK_BYTES;

/// One message on its way from one path to another.
#[derive(Debug)]
struct Message<'a> {
    id: &'a str,
    length: usize,
    got: bool,
    told: bool,
}

/// One direction of a connection.
#[derive(Default, Debug)]
struct Way<'a> {
    sent: Vec<Message<'a>>,
    /// The sender's session ended it, or its connection is gone.
    over: bool,
}

impl<'a> Way<'a> {
    fn message(&mut self, id: &str) -> Option<&mut Message<'a>> {
        self.sent.iter_mut().find(|message| message.id == id)
    }

    fn gets(&mut self, id: &str, content: &[u8]) -> Option<String> {
        let Some(place) = self.sent.iter().position(|message| message.id == id) else {
            return Some(format!("{id} was never sent"));
        };
        if content != said::content(id) {
            return Some(format!("{id} came changed"));
        }
        let small = content.len() <= SMALL_MAX;
        // Who fits in a chunk overtakes who does not.
        let overtaken = self.sent.iter().take(place).find(|before| {
            let may = small && before.length >= LARGE_MIN;
            !before.got && !may
        });
        let wrong = overtaken.map(|before| format!("{id} came before {}", before.id));
        let message = self.sent.get_mut(place)?;
        let twice = std::mem::replace(&mut message.got, true);
        if twice { Some(format!("{id} came twice")) } else { wrong }
    }

    fn delivers(&mut self, id: &str, delivered: bool) -> Option<String> {
        let over = self.over;
        let Some(message) = self.message(id) else { return Some(format!("{id} was never sent")) };
        if std::mem::replace(&mut message.told, true) {
            return Some(format!("{id} is told twice"));
        }
        if delivered && !message.got {
            return Some(format!("{id} is told to be delivered and has not come"));
        }
        (!delivered && !over).then(|| format!("{id} is not delivered, on a living connection"))
    }
}

/// Follows each message of each connection.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let mut ways: BTreeMap<(Arc<str>, Arc<str>), Way<'_>> = BTreeMap::new();
    let mut violations = Vec::new();
    for entry in &trace.entries {
        let What::Chat { own, peer, chatted } = &entry.what else { continue };
        let out = (Arc::clone(own), Arc::clone(peer));
        let wrong = match chatted {
            Chatted::Sent { id, length } => {
                let message = Message { id, length: *length, got: false, told: false };
                ways.entry(out).or_default().sent.push(message);
                None
            }
            Chatted::Stopped | Chatted::Ended => {
                ways.entry(out).or_default().over = true;
                None
            }
            Chatted::Got { id, content } => {
                let back = (Arc::clone(peer), Arc::clone(own));
                ways.entry(back).or_default().gets(id, content)
            }
            Chatted::Delivered { id } => ways.entry(out).or_default().delivers(id, true),
            Chatted::NotDelivered { id, .. } => ways.entry(out).or_default().delivers(id, false),
            Chatted::Started | Chatted::Aside => None,
        };
        violations.extend(wrong.map(|text| at(NAME, entry, text)));
    }
    violations.extend(silent(trace, &ways));
    violations
}

/// At the end there is no message of which its core has told nothing.
fn silent(trace: &Trace, ways: &BTreeMap<(Arc<str>, Arc<str>), Way<'_>>) -> Vec<Violation> {
    let Some(last) = trace.entries.last() else { return Vec::new() };
    let silent = |entry: &Entry, message: &Message<'_>| {
        at(NAME, entry, format!("nothing is told of {}", message.id))
    };
    let messages = ways.values().flat_map(|way| &way.sent);
    messages.filter(|message| !message.told).map(|message| silent(last, message)).collect()
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Instant;

    use super::*;
    use crate::check::testing::ID;

    fn found(happened: &[(bool, Chatted)]) -> Vec<String> {
        let mut trace = Trace::default();
        for (alice, chatted) in happened {
            let (own, peer) = if *alice { ("a", "b") } else { ("b", "a") };
            let chatted = chatted.clone();
            let what = What::Chat { own: own.into(), peer: peer.into(), chatted };
            trace.push(Instant::ZERO, usize::from(!alice), Some(ID), what);
        }
        check(&trace).into_iter().map(|violation| violation.text).collect()
    }

    fn sent(id: &str, length: usize) -> (bool, Chatted) {
        (true, Chatted::Sent { id: id.into(), length })
    }

    fn got(id: &str) -> (bool, Chatted) {
        (false, Chatted::Got { id: id.into(), content: said::content(id).into() })
    }

    fn delivered(id: &str) -> (bool, Chatted) {
        (true, Chatted::Delivered { id: id.into() })
    }

    fn not_delivered(id: &str) -> (bool, Chatted) {
        (true, Chatted::NotDelivered { id: id.into(), code: 408 })
    }

    /// Ids whose content fits in a chunk.
    fn small() -> impl Iterator<Item = String> {
        let ids = (0..).map(|number: u32| format!("m{number}"));
        ids.filter(|id| said::content(id).len() < LARGE_MIN)
    }

    #[test]
    fn messages_that_come_in_order_and_are_told_of_pass() {
        let [a, b] = [0, 1].map(|at| small().nth(at).unwrap());
        let (a, b) = (a.as_str(), b.as_str());
        let whole = [sent(a, 1), sent(b, 1), got(a), got(b), delivered(a), delivered(b)];
        assert_eq!(found(&whole), [""; 0]);
        // One that needs some chunks may be overtaken.
        let whole = [sent(a, 9000), sent(b, 1), got(b), got(a), delivered(a), delivered(b)];
        assert_eq!(found(&whole), [""; 0]);
    }

    #[test]
    fn what_is_lost_doubled_changed_or_reordered_is_found() {
        let [a, b] = [0, 1].map(|at| small().nth(at).unwrap());
        let (a, b) = (a.as_str(), b.as_str());
        let all = [sent(a, 1), sent(b, 1), got(b), got(a), delivered(a), delivered(b)];
        assert_eq!(found(&all), [format!("{b} came before {a}")]);
        let lost = [sent(a, 1), sent(b, 1), got(b), delivered(b)];
        assert_eq!(found(&lost).len(), 2, "{:?}", found(&lost));
        let twice = [sent(a, 1), got(a), got(a), delivered(a)];
        assert_eq!(found(&twice), [format!("{a} came twice")]);
        let changed = (false, Chatted::Got { id: a.into(), content: Arc::from(*b"?") });
        assert_eq!(found(&[sent(a, 1), changed, not_delivered(a)]).len(), 2);
        assert_eq!(found(&[got(a)]), [format!("{a} was never sent")]);
    }

    #[test]
    fn what_is_told_is_told_once_and_true() {
        let a = small().next().unwrap();
        let a = a.as_str();
        assert_eq!(found(&[sent(a, 1), got(a)]), [format!("nothing is told of {a}")]);
        assert_eq!(
            found(&[sent(a, 1), delivered(a)]),
            [format!("{a} is told to be delivered and has not come")]
        );
        let twice = [sent(a, 1), got(a), delivered(a), delivered(a)];
        assert_eq!(found(&twice), [format!("{a} is told twice")]);
        let early = [sent(a, 1), not_delivered(a)];
        assert_eq!(found(&early), [format!("{a} is not delivered, on a living connection")]);
        let late = [sent(a, 1), (true, Chatted::Ended), not_delivered(a)];
        assert_eq!(found(&late), [""; 0]);
    }
}
