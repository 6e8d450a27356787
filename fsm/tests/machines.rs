//! What holds for every machine, walked over its table.

use std::collections::BTreeSet;
use std::path::Path;

use offhook_fsm::{MACHINES, Rule, STATES_MAX, Step, session};

#[test]
fn every_state_can_be_reached() {
    for machine in MACHINES {
        for state in machine.states {
            assert!(machine.is_reachable(state), "{}: {state}", machine.name);
        }
    }
}

#[test]
fn only_terminated_has_no_way_out() {
    for machine in MACHINES {
        for state in machine.states {
            let over = *state == "TERMINATED";
            assert_eq!(machine.is_final(state), over, "{}: {state}", machine.name);
        }
    }
}

#[test]
fn every_pair_is_written_once() {
    for machine in MACHINES {
        let pairs: BTreeSet<_> = machine.rows.iter().map(|row| (row.state, row.event)).collect();
        assert_eq!(pairs.len(), machine.rows.len(), "{}", machine.name);
        assert_eq!(pairs.len(), machine.states.len() * machine.events.len(), "{}", machine.name);
        assert!(machine.states.len() <= STATES_MAX);
    }
}

#[test]
fn step_does_what_the_row_says() {
    for &state in session::State::ALL {
        for &event in session::Event::ALL {
            let row = session::MACHINE
                .rows
                .iter()
                .find(|row| row.state == state.name() && row.event == event.name())
                .unwrap();
            match (session::step(state, event), row.rule) {
                (Step::Go { next, actions }, Rule::Go { next: name, actions: names }) => {
                    assert_eq!(next.name(), name);
                    assert!(actions.iter().map(|action| action.name()).eq(names.iter().copied()));
                }
                (Step::Ignored, Rule::Ignore) | (Step::Refused, Rule::Refuse) => {}
                (step, rule) => panic!("{state} {event}: {step:?} but {rule:?}"),
            }
        }
    }
}

#[test]
fn a_session_tells_its_end_exactly_once_and_last() {
    for row in session::MACHINE.rows {
        let Rule::Go { next, actions } = row.rule else { continue };
        let ends = next == "TERMINATED" && row.state != "TERMINATED";
        let told = actions.iter().filter(|action| **action == "TellDidEnd").count();
        assert_eq!(told, usize::from(ends), "{} {}", row.state, row.event);
        if ends {
            assert_eq!(actions.last(), Some(&"TellDidEnd"), "{} {}", row.state, row.event);
            assert!(actions.contains(&"TellState"), "{} {}", row.state, row.event);
        }
    }
}

#[test]
fn a_session_tells_each_change_of_state_once() {
    for row in session::MACHINE.rows {
        let Rule::Go { next, actions } = row.rule else { continue };
        let told = actions.iter().filter(|action| **action == "TellState").count();
        assert_eq!(told, usize::from(next != row.state), "{} {}", row.state, row.event);
    }
}

#[test]
fn terminating_never_fails_and_never_comes_back() {
    for row in session::MACHINE.rows.iter().filter(|row| row.state == "TERMINATING") {
        let Rule::Go { next, actions } = row.rule else { continue };
        assert!(matches!(next, "TERMINATING" | "TERMINATED"), "{}", row.event);
        assert!(!actions.contains(&"TellDidFail"), "{}", row.event);
    }
}

#[test]
fn accept_is_allowed_in_incoming_alone() {
    assert!(session::allowed(session::Event::Accept).eq([session::State::Incoming]));
    assert!(session::allowed(session::Event::Connect).eq([session::State::Null]));
}

#[test]
fn diagrams_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("diagrams");
    for machine in MACHINES {
        let pictures = [
            ("mmd", machine.mermaid().to_string()),
            ("dot", machine.dot().to_string()),
            ("json", machine.json().to_string()),
        ];
        for (kind, expected) in pictures {
            let file = folder.join(format!("{}.{kind}", machine.name));
            let found = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(found == expected, "{} is stale: run `cargo xtask fsm`", file.display());
        }
    }
}
