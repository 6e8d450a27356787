//! When nothing is left to happen, nothing is left: no session, no transaction, no stream, no
//! chat.

use super::{Violation, at};
use crate::world::trace::{Left, Trace, What};

const NAME: &str = "leftovers";

/// No user agent holds anything at the end.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let left = |entry: &crate::world::trace::Entry| match entry.what {
        What::Left(left) if left != Left::default() => {
            Some(at(NAME, entry, format!("{left:?} are left")))
        }
        _ => None,
    };
    trace.entries.iter().filter_map(left).collect()
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Instant;

    use super::*;

    #[test]
    fn each_kind_of_leftover_is_found_and_none_passes() {
        let found = |left: Left| {
            let mut trace = Trace::default();
            trace.push(Instant::ZERO, 0, None, What::Left(left));
            check(&trace).len()
        };
        assert_eq!(found(Left::default()), 0);
        assert_eq!(found(Left { sessions: 1, ..Left::default() }), 1);
        assert_eq!(found(Left { transactions: 1, ..Left::default() }), 1);
        assert_eq!(found(Left { streams: 1, ..Left::default() }), 1);
        assert_eq!(found(Left { chats: 1, ..Left::default() }), 1);
    }
}
