//! What a call is answered with.

use offhook::notification::StreamKind;
use offhook::streams::Streams;

use super::wish::Wish;

/// Busy Here (RFC 3261 §21.4.24).
const BUSY_HERE: u16 = 486;
/// Not Acceptable Here (RFC 3261 §21.4.26).
const NOT_ACCEPTABLE_HERE: u16 = 488;

/// An answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Accept(Streams),
    Reject(u16),
    /// Nobody decides yet.
    Ring,
}

/// The answer to a call with these streams; none: the caller leaves the offer to us. `busy` when
/// no other call is wanted.
pub(super) fn answer(wish: &Wish, busy: bool, proposed: &[StreamKind]) -> Answer {
    match (wish.reject, wish.auto_answer) {
        _ if busy => Answer::Reject(BUSY_HERE),
        (Some(code), _) => Answer::Reject(code),
        (None, Some(streams)) => {
            let taken = both(streams, proposed);
            let none = taken == Streams::default();
            if none { Answer::Reject(NOT_ACCEPTABLE_HERE) } else { Answer::Accept(taken) }
        }
        (None, None) => Answer::Ring,
    }
}

/// Those of the proposed streams that are wanted; of none all of them.
pub(super) fn both(wanted: Streams, proposed: &[StreamKind]) -> Streams {
    if proposed.is_empty() {
        return wanted;
    }
    Streams {
        audio: wanted.audio && proposed.contains(&StreamKind::Audio),
        chat: wanted.chat && proposed.contains(&StreamKind::Chat),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIO: &[StreamKind] = &[StreamKind::Audio];

    #[test]
    fn the_wish_decides() {
        let mut wish = Wish::default();
        assert_eq!(answer(&wish, false, AUDIO), Answer::Ring);
        wish.auto_answer = Some(Streams::AUDIO);
        assert_eq!(answer(&wish, false, AUDIO), Answer::Accept(Streams::AUDIO));
        assert_eq!(answer(&wish, false, &[]), Answer::Accept(Streams::AUDIO));
        assert_eq!(answer(&wish, false, &[StreamKind::Chat]), Answer::Reject(488));
        let two = Streams { audio: true, chat: true };
        let chat = Streams { audio: false, chat: true };
        wish.auto_answer = Some(two);
        assert_eq!(answer(&wish, false, AUDIO), Answer::Accept(Streams::AUDIO));
        assert_eq!(answer(&wish, false, &[StreamKind::Chat]), Answer::Accept(chat));
        assert_eq!(answer(&wish, false, &[]), Answer::Accept(two));
        wish.auto_answer = None;
        wish.reject = Some(603);
        assert_eq!(answer(&wish, false, AUDIO), Answer::Reject(603));
    }

    #[test]
    fn while_busy_others_are_refused() {
        let wish = Wish { auto_answer: Some(Streams::AUDIO), ..Wish::default() };
        assert_eq!(answer(&wish, true, AUDIO), Answer::Reject(486));
    }
}
