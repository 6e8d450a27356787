//! DidFail: when it is told and when it is not, by whom, with which code, and DidEnd after it
//! (REFERENCE 0.8, 0.9, 0.11, 1.5).

use offhook::notification::{NotificationData as Data, Originator, SessionState as State};

use super::{Told, Violation, at, each_session};
use crate::world::stands;
use crate::world::trace::Trace;

const NAME: &str = "failure";

/// Each session fails in one of the ways that there are, and only where there are any.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    each_session(trace, rule)
}

fn rule(told: &[Told<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut from = State::Null;
    let mut failures = 0;
    for (place, (entry, data)) in told.iter().enumerate() {
        match data {
            Data::SessionChangedState { prev_state, state: State::Terminated } => {
                from = *prev_state;
                let fails = matches!(told.get(place + 1), Some((_, Data::SessionDidFail { .. })));
                // In TERMINATING the end is ours; what never stood has failed.
                if fails && from == State::Terminating {
                    violations.push(at(NAME, entry, "DidFail of a session that was being ended"));
                } else if !fails && !stands(from) && from != State::Terminating {
                    violations.push(at(NAME, entry, format!("no DidFail from {from}")));
                }
            }
            Data::SessionDidFail { originator, code, .. } => {
                failures += 1;
                let last = place.checked_sub(1).and_then(|last| told.get(last));
                if !matches!(
                    last,
                    Some((_, Data::SessionChangedState { state: State::Terminated, .. }))
                ) {
                    violations.push(at(NAME, entry, "DidFail is not right behind TERMINATED"));
                }
                let ends = Data::SessionDidEnd { originator: *originator };
                if told.get(place + 1).map(|(_, data)| *data) != Some(&ends) {
                    violations.push(at(
                        NAME,
                        entry,
                        "no DidEnd of the same originator follows DidFail",
                    ));
                }
                if !is_allowed(from, *originator, *code) {
                    let text = format!("DidFail{{{originator}, {code}}} from {from}");
                    violations.push(at(NAME, entry, text));
                }
            }
            _ => {}
        }
    }
    if failures > 1 {
        violations.extend(told.last().map(|(entry, _)| at(NAME, entry, "DidFail more than once")));
    }
    violations
}

/// 0: an internal or local preparation error, nothing else.
const fn is_allowed(from: State, originator: Originator, code: u16) -> bool {
    match (from, originator, code) {
        // Whatever breaks here.
        (_, Originator::Local, 0) => true,
        // Nobody answered, or the transport failed; an answer that cannot be used.
        (State::Calling, Originator::Local, 408 | 503 | 488) => true,
        // A refusal; a BYE that comes before the 2xx.
        (State::Calling, Originator::Remote, 300..700) => true,
        // CANCEL.
        (State::Incoming, Originator::Remote, 487) => true,
        // Nothing in common.
        (State::Incoming, Originator::Local, 400..=699) => true,
        // No ACK, an unusable one, nothing in common.
        (State::Accepting, Originator::Local, 408 | 488 | 415) => true,
        // CANCEL, or BYE before the ACK.
        (State::Accepting, Originator::Remote, 487) => true,
        // An offer of ours was lost; the ACK to a re-INVITE's 200 never came.
        (State::Established | State::Proposing | State::Proposed, Originator::Local, 408 | 503) => {
            true
        }
        (
            State::Established | State::Proposing | State::Proposed,
            Originator::Remote,
            408 | 481,
        ) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{changed, cs, did_fail, trace_of};

    fn ended(told: &[Data], originator: Originator) -> Vec<Violation> {
        let mut told = told.to_vec();
        told.push(Data::SessionDidEnd { originator });
        check(&trace_of(&told))
    }

    #[test]
    fn what_never_stood_must_fail_and_what_stood_need_not() {
        assert_eq!(check(&changed(|_| {})), []);
        let refused = [cs(State::Calling, State::Terminated), did_fail(Originator::Remote, 486)];
        assert_eq!(ended(&refused, Originator::Remote), []);
        assert_eq!(ended(&refused[..1], Originator::Remote).len(), 1);
    }

    #[test]
    fn a_session_that_is_being_ended_does_not_fail() {
        let told = [cs(State::Terminating, State::Terminated), did_fail(Originator::Local, 0)];
        assert_eq!(ended(&told, Originator::Local).len(), 1);
        assert_eq!(ended(&told[..1], Originator::Local), []);
    }

    #[test]
    fn a_bye_in_a_call_that_stands_is_no_failure() {
        let told = [cs(State::Established, State::Terminated), did_fail(Originator::Remote, 487)];
        assert_eq!(ended(&told, Originator::Remote).len(), 1);
    }

    #[test]
    fn code_0_is_never_the_peers() {
        let told = [cs(State::Calling, State::Terminated), did_fail(Originator::Remote, 0)];
        assert_eq!(ended(&told, Originator::Remote).len(), 1);
    }

    #[test]
    fn did_end_has_the_originator_of_did_fail_and_follows_at_once() {
        let told = [cs(State::Calling, State::Terminated), did_fail(Originator::Remote, 486)];
        assert_eq!(ended(&told, Originator::Local).len(), 1);
        let early = [did_fail(Originator::Remote, 486), cs(State::Calling, State::Terminated)];
        assert!(ended(&early, Originator::Remote).len() > 1);
    }

    #[test]
    fn a_second_failure_is_found() {
        let fail = did_fail(Originator::Local, 0);
        let told = [cs(State::Calling, State::Terminated), fail.clone(), fail];
        assert!(!ended(&told, Originator::Local).is_empty());
    }
}
