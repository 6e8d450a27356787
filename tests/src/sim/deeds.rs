//! What a random user may do, and how often in which state: one line a deed.

use std::path::PathBuf;

use offhook::chat::ChatMessage;
use offhook::notification::SessionState as State;
use offhook::session::Order;

use super::person::Person;
use super::said;

/// What a user does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Orders something.
    Order(Order),
    /// Orders some things in one go.
    Say(Vec<Order>),
    /// Drops the last handle.
    Drop,
    /// Something inside of the session breaks.
    Break {
        /// The core panics; else its thread cannot go on.
        lost: bool,
    },
    /// Waits on.
    Nothing,
}

/// In which states how often; in all others never.
type Weights = &'static [(State, u64)];

/// What it is then.
type Make = fn(&mut Person) -> Deed;

/// Every deed. What a state refuses is in here, too, with a small weight: it must change nothing.
const DEEDS: &[(Weights, Make)] = &[
    (&[(State::Incoming, 40), (State::Established, 1)], accept),
    (&[(State::Incoming, 6), (State::Calling, 1)], |_| Deed::Order(Order::reject(486))),
    (&[(State::Incoming, 6), (State::Accepting, 1)], |p| {
        let offered = p.view.offered;
        Deed::Order(Order::Progress(p.some_of(offered)))
    }),
    (&[(State::Incoming, 2)], |p| Deed::Order(Order::reject(300 + number_below(p, 400)))),
    (&[(State::Incoming, 2)], |_| Deed::Order(Order::reject(302))),
    (&[(State::Calling, 10), (State::Incoming, 4), (State::Accepting, 10)], |_| END),
    (&[(State::Established, 6), (State::Proposing, 6), (State::Proposed, 6)], |_| END),
    (&[(State::Terminating, 5), (State::Null, 1)], |_| END),
    (&[(State::Calling, 2), (State::Established, 2), (State::Proposing, 1)], |_| Deed::Drop),
    (&[(State::Established, 14), (State::Proposing, 1), (State::Calling, 1)], |_| {
        Deed::Order(Order::Hold)
    }),
    (&[(State::Established, 14), (State::Proposed, 1), (State::Accepting, 1)], |_| {
        Deed::Order(Order::Unhold)
    }),
    (&[(State::Established, 12), (State::Proposing, 1)], |p| Deed::Order(Order::Add(p.one_kind()))),
    (&[(State::Established, 9), (State::Proposed, 1)], |p| {
        Deed::Order(Order::Remove(p.one_kind()))
    }),
    (&[(State::Proposed, 40), (State::Established, 1)], |p| {
        let offered = p.view.offered;
        Deed::Order(Order::AcceptProposal(p.some_of(offered)))
    }),
    (&[(State::Proposed, 14), (State::Proposing, 1)], |_| Deed::Order(Order::RejectProposal)),
    (&[(State::Established, 20), (State::Proposing, 4), (State::Calling, 2)], say),
    (&[(State::Established, 10), (State::Proposing, 3), (State::Accepting, 1)], dtmf),
    (&[(State::Established, 8), (State::Proposing, 2), (State::Proposed, 2)], record),
    (&[(State::Established, 6), (State::Proposing, 2), (State::Proposed, 2)], |_| {
        Deed::Order(Order::StopRecording)
    }),
    (&[(State::Established, 3), (State::Calling, 1), (State::Incoming, 2)], |p| {
        Deed::Order(Order::Play(file("play", p)))
    }),
    (&[(State::Established, 2)], |_| Deed::Order(Order::StopPlaying)),
    (&[(State::Established, 1), (State::Calling, 1)], |_| Deed::Order(Order::Echo(true))),
    (&[(State::Established, 1), (State::Accepting, 1)], |_| Deed::Order(Order::Mute(true))),
    (&[(State::Established, 1), (State::Calling, 1), (State::Accepting, 1)], broken),
    (&[(State::Calling, 60), (State::Accepting, 20), (State::Proposing, 40)], |_| Deed::Nothing),
];

const END: Deed = Deed::Order(Order::End);

/// Draws a deed for what the person has noticed.
pub fn choose(person: &mut Person) -> Deed {
    let state = person.view.state;
    let weight = |weights: Weights| {
        weights.iter().filter(|(of, _)| *of == state).map(|(_, weight)| weight).sum::<u64>()
    };
    let mut drawn = person.chance.below(DEEDS.iter().map(|(weights, _)| weight(weights)).sum());
    for (weights, deed) in DEEDS {
        let weight = weight(weights);
        if drawn < weight {
            return deed(person);
        }
        drawn -= weight;
    }
    Deed::Nothing
}

fn accept(person: &mut Person) -> Deed {
    let offered = person.view.offered;
    let streams = person.some_of(offered);
    Deed::Order(Order::Accept { streams, headers: Vec::new() })
}

/// Says something, or a lot.
fn say(person: &mut Person) -> Deed {
    let count = match person.chance.below(8) {
        0 => 1 + number_below(person, 120),
        1 => 1 + number_below(person, 20),
        _ => 1,
    };
    Deed::Say((0..count).map(|_| Order::SendMessage(message(person))).collect())
}

fn message(person: &mut Person) -> ChatMessage {
    let number = person.next_number();
    let id = format!("{}-{}-{number}", person.agent, person.id.0);
    ChatMessage {
        content: said::content(&id),
        id,
        content_type: "text/plain".into(),
        to: None,
        date: None,
    }
}

fn dtmf(person: &mut Person) -> Deed {
    let digits = b"0123456789*#ABCD";
    let at = usize::from(number_below(person, 16));
    Deed::Order(Order::SendDtmf(digits.get(at).map_or('0', |digit| char::from(*digit))))
}

fn record(person: &mut Person) -> Deed {
    Deed::Order(Order::StartRecording(file("record", person)))
}

fn file(what: &str, person: &mut Person) -> PathBuf {
    format!("{what}{}.wav", person.next_number()).into()
}

fn broken(person: &mut Person) -> Deed {
    if !person.rough || person.chance.below(3) > 0 {
        return Deed::Nothing;
    }
    Deed::Break { lost: person.chance.below(2) == 0 }
}

fn number_below(person: &mut Person, below: u16) -> u16 {
    u16::try_from(person.chance.below(below.into())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_something_to_do_in_every_state_in_which_a_call_stands() {
        for state in [State::Established, State::Proposing, State::Proposed] {
            let deeds =
                DEEDS.iter().filter(|(weights, _)| weights.iter().any(|(of, _)| *of == state));
            assert!(deeds.count() > 5, "{state}");
        }
    }
}
