//! The order in which a session's notifications may come, beside its states: starts, streams,
//! holds, proposals, rings, digits (REFERENCE 1.3, 1.6, 3.3, 0.19–0.23).

use std::collections::BTreeMap;

use offhook::notification::{
    NotificationData as Data, Originator, SessionState as State, StreamKind,
};

use super::{Told, Violation, at, each_session};
use crate::world::stands;
use crate::world::trace::Trace;

const NAME: &str = "grammar";

/// Each session's notifications come in an order that there is.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    each_session(trace, |told| {
        let mut grammar = Grammar::default();
        let found = |(entry, data): &Told<'_>| grammar.read(data).map(|text| at(NAME, entry, text));
        told.iter().filter_map(found).collect()
    })
}

/// What was told so far, as far as it matters.
#[derive(Default)]
struct Grammar {
    state: Option<State>,
    will_start: bool,
    did_start: bool,
    streams: Vec<StreamKind>,
    /// By originator.
    held: BTreeMap<&'static str, bool>,
    /// A proposal that is not settled.
    proposer: Option<Originator>,
    /// The state changed right before.
    changed: bool,
    /// It changed from one of a proposal.
    settles: bool,
}

const fn side(originator: Originator) -> &'static str {
    match originator {
        Originator::Local => "local",
        Originator::Remote => "remote",
    }
}

impl Grammar {
    /// What is wrong with that notification here.
    fn read(&mut self, data: &Data) -> Option<String> {
        let (changed, settles) = (self.changed, self.settles);
        self.changed = false;
        self.settles = false;
        let wrong = match data {
            Data::SessionChangedState { prev_state, state } => self.change(*prev_state, *state),
            Data::SessionGotRingIndication => self.state != Some(State::Calling),
            Data::SessionWillStart => std::mem::replace(&mut self.will_start, true),
            Data::SessionDidStart => {
                let first = !std::mem::replace(&mut self.did_start, true);
                !(first && self.will_start && changed && self.state == Some(State::Established))
            }
            Data::SessionGotStreamUpdate { streams } => {
                let same = self.streams == *streams;
                self.streams.clone_from(streams);
                same
            }
            Data::SessionGotHoldRequest { originator } => self.hold(*originator, true),
            Data::SessionGotUnholdRequest { originator } => self.hold(*originator, false),
            Data::SessionGotStreamProposal { proposer, streams } => {
                let state = match proposer {
                    Originator::Local => State::Proposing,
                    Originator::Remote => State::Proposed,
                };
                let last = self.proposer.replace(*proposer);
                last.is_some() || !changed || self.state != Some(state) || streams.is_empty()
            }
            Data::SessionAcceptedStreamProposal { proposer }
            | Data::SessionRejectedStreamProposal { proposer, .. } => {
                self.proposer.take() != Some(*proposer) || !settles
            }
            Data::SessionGotNoAudio | Data::SessionGotDtmf { .. } => {
                !self.streams.contains(&StreamKind::Audio)
            }
            Data::SessionDidEnd { .. } => !self.streams.is_empty(),
            _ => false,
        };
        wrong.then(|| format!("{} does not belong here", crate::words::short(data)))
    }

    fn change(&mut self, from: State, to: State) -> bool {
        self.state = Some(to);
        self.changed = true;
        let proposal = matches!(from, State::Proposing | State::Proposed);
        self.settles = proposal && to == State::Established;
        // A call stands once it was told to start.
        let early = stands(from) && !self.did_start;
        let unsettled = to == State::Established && !proposal && self.proposer.is_some();
        early || unsettled
    }

    fn hold(&mut self, originator: Originator, on: bool) -> bool {
        let held = self.held.entry(side(originator)).or_default();
        std::mem::replace(held, on) == on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{changed, cs};

    fn with(at: usize, more: &[Data]) -> Vec<Violation> {
        check(&changed(|told| drop(told.splice(at..at, more.iter().cloned()))))
    }

    const LOCAL: Originator = Originator::Local;
    const REMOTE: Originator = Originator::Remote;
    const HOLD: Data = Data::SessionGotHoldRequest { originator: LOCAL };
    const UNHOLD: Data = Data::SessionGotUnholdRequest { originator: LOCAL };

    fn proposal(proposer: Originator) -> Data {
        Data::SessionGotStreamProposal { proposer, streams: vec![StreamKind::Chat] }
    }

    #[test]
    fn a_whole_call_passes() {
        assert_eq!(with(0, &[]), []);
    }

    #[test]
    fn starts_come_once_and_in_order() {
        assert!(!with(3, &[Data::SessionWillStart]).is_empty());
        assert!(!with(7, &[Data::SessionDidStart]).is_empty());
        assert!(!check(&changed(|told| drop(told.remove(3)))).is_empty(), "no WillStart");
        assert!(!check(&changed(|told| drop(told.remove(6)))).is_empty(), "no DidStart");
    }

    #[test]
    fn rings_are_heard_while_calling() {
        assert_eq!(with(2, &[Data::SessionGotRingIndication]), []);
        assert!(!with(7, &[Data::SessionGotRingIndication]).is_empty());
    }

    #[test]
    fn streams_are_told_when_they_change_and_are_gone_at_the_end() {
        let same = Data::SessionGotStreamUpdate { streams: vec![StreamKind::Audio] };
        assert!(!with(7, &[same]).is_empty());
        assert!(!check(&changed(|told| drop(told.remove(7)))).is_empty());
    }

    #[test]
    fn holds_of_one_side_alternate() {
        let theirs = Data::SessionGotHoldRequest { originator: REMOTE };
        assert_eq!(with(7, &[HOLD, theirs, UNHOLD, HOLD]), []);
        assert!(!with(7, &[HOLD, HOLD]).is_empty());
        assert!(!with(7, &[UNHOLD]).is_empty());
        assert!(!with(7, &[HOLD, Data::SessionGotUnholdRequest { originator: REMOTE }]).is_empty());
    }

    #[test]
    fn a_proposal_is_settled_by_its_proposer_and_once() {
        let accepted = Data::SessionAcceptedStreamProposal { proposer: LOCAL };
        let rejected =
            Data::SessionRejectedStreamProposal { proposer: REMOTE, reason: "no".into() };
        let begun = cs(State::Established, State::Proposing);
        let settled = cs(State::Proposing, State::Established);
        let all = [begun, proposal(LOCAL), settled, accepted.clone()];
        assert_eq!(with(7, &all), []);
        assert!(
            !with(7, &[all[0].clone(), proposal(REMOTE), all[2].clone(), accepted.clone()])
                .is_empty()
        );
        assert!(!with(7, &[all.to_vec(), vec![accepted]].concat()).is_empty());
        assert!(!with(7, &[all[..3].to_vec(), vec![rejected]].concat()).is_empty());
        assert!(!with(7, &[all[..3].to_vec(), all[..2].to_vec()].concat()).is_empty(), "unsettled");
    }

    #[test]
    fn digits_and_silence_need_audio() {
        assert_eq!(with(7, &[Data::SessionGotDtmf { digit: '1' }, Data::SessionGotNoAudio]), []);
        assert!(!with(8, &[Data::SessionGotDtmf { digit: '1' }]).is_empty());
        assert!(!with(4, &[Data::SessionGotNoAudio]).is_empty());
    }
}
