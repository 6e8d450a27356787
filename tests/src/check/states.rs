//! The states that a session tells are a path through the session's table, from NULL to
//! TERMINATED, and begin with what begins a session (REFERENCE 1.3).

use offhook::notification::{NotificationData as Data, SessionState as State};
use offhook_fsm::{Rule, session};

use super::{Told, Violation, at, each_session};
use crate::world::trace::Trace;

const NAME: &str = "states";

/// Each session's states follow each other as the table has them.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    each_session(trace, rule)
}

fn rule(told: &[Told<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut now = State::Null;
    for (place, (entry, data)) in told.iter().enumerate() {
        let next = told.get(place + 1).map(|(_, data)| *data);
        match data {
            Data::SessionChangedState { prev_state, state } => {
                if *prev_state != now {
                    violations.push(at(
                        NAME,
                        entry,
                        format!("from {prev_state}, but it was {now}"),
                    ));
                }
                if prev_state == state || !leads(prev_state.name(), state.name()) {
                    let text = format!("nothing leads from {prev_state} to {state}");
                    violations.push(at(NAME, entry, text));
                }
                if *state == State::Terminating && next != Some(&Data::SessionWillEnd) {
                    violations.push(at(NAME, entry, "no WillEnd follows TERMINATING"));
                }
                now = *state;
            }
            Data::SessionNewOutgoing { .. } if (place, now) != (1, State::Calling) => {
                violations.push(at(NAME, entry, "NewOutgoing does not follow CALLING"));
            }
            Data::SessionNewIncoming { .. } if (place, now) != (1, State::Incoming) => {
                violations.push(at(NAME, entry, "NewIncoming does not follow INCOMING"));
            }
            Data::SessionWillEnd => {
                let last = place.checked_sub(1).and_then(|last| told.get(last));
                if !matches!(
                    last,
                    Some((_, Data::SessionChangedState { state: State::Terminating, .. }))
                ) {
                    violations.push(at(NAME, entry, "WillEnd is not behind TERMINATING"));
                }
            }
            Data::SessionDidEnd { .. } if now != State::Terminated => {
                violations.push(at(NAME, entry, format!("DidEnd in {now}")));
            }
            _ => {}
        }
        let begins =
            matches!(data, Data::SessionNewOutgoing { .. } | Data::SessionNewIncoming { .. });
        if place == 1 && !begins {
            violations.push(at(NAME, entry, format!("it begins with {}", data.name())));
        }
    }
    violations
}

fn leads(from: &str, to: &str) -> bool {
    let goes = |row: &&offhook_fsm::Row| {
        row.state == from && matches!(row.rule, Rule::Go { next, .. } if next == to)
    };
    session::MACHINE.rows.iter().any(|row| goes(&row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{changed, cs};

    #[test]
    fn a_whole_call_passes() {
        assert_eq!(check(&changed(|_| {})), []);
    }

    #[test]
    fn a_step_that_the_table_does_not_have_is_found() {
        assert!(!check(&changed(|told| told[5] = cs(State::Calling, State::Proposed))).is_empty());
        assert!(!check(&changed(|told| told[5] = cs(State::Calling, State::Calling))).is_empty());
    }

    #[test]
    fn a_broken_chain_is_found() {
        assert!(
            !check(&changed(|told| told[8] = cs(State::Proposing, State::Terminated))).is_empty()
        );
        assert!(!check(&changed(|told| drop(told.remove(5)))).is_empty());
    }

    #[test]
    fn a_session_begins_with_its_first_state_and_what_is_new() {
        assert!(!check(&changed(|told| told.swap(1, 2))).is_empty());
        assert!(!check(&changed(|told| drop(told.remove(1)))).is_empty());
        let new = Data::SessionNewIncoming { streams: Vec::new() };
        assert!(!check(&changed(|told| told[1] = new)).is_empty());
    }

    #[test]
    fn will_end_belongs_to_terminating() {
        assert!(!check(&changed(|told| told.insert(7, Data::SessionWillEnd))).is_empty());
        let ending = [
            cs(State::Established, State::Terminating),
            Data::SessionWillEnd,
            cs(State::Terminating, State::Terminated),
        ];
        let end = |told: &mut Vec<Data>| drop(told.splice(8..9, ending.clone()));
        assert_eq!(check(&changed(end)), []);
        let silent =
            |told: &mut Vec<Data>| drop(told.splice(8..9, [ending[0].clone(), ending[2].clone()]));
        assert!(!check(&changed(silent)).is_empty());
    }

    #[test]
    fn an_end_before_terminated_is_found() {
        assert!(!check(&changed(|told| told.swap(8, 9))).is_empty());
    }
}
