//! What must hold in every run, whatever was drawn. Each checker reads a trace and knows nothing
//! of how it came about.

pub mod agreement;
pub mod chats;
pub mod connections;
pub mod ending;
pub mod failure;
pub mod grammar;
pub mod handing;
pub mod leftovers;
pub mod recording;
pub mod states;
pub mod traffic;

use std::collections::BTreeMap;
use std::fmt;

use offhook::id::SessionId;
use offhook::notification::NotificationData;
use offhook_fsm::Instant;

use crate::world::agent;
use crate::world::trace::{Entry, Trace, What};

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which checker says so.
    pub check: &'static str,
    /// When it showed.
    pub at: Instant,
    /// At which user agent.
    pub agent: usize,
    /// In which session.
    pub session: Option<SessionId>,
    /// What.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {}", self.check, self.at, agent::name(self.agent))?;
        if let Some(id) = self.session {
            write!(f, " {id}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// A checker.
pub type Check = fn(&Trace) -> Vec<Violation>;

/// Every checker.
pub const CHECKS: &[Check] = &[
    ending::check,
    failure::check,
    states::check,
    grammar::check,
    recording::check,
    chats::check,
    connections::check,
    handing::check,
    leftovers::check,
    agreement::check,
    traffic::check,
];

/// All that is wrong with a trace.
#[must_use]
pub fn all(trace: &Trace) -> Vec<Violation> {
    CHECKS.iter().flat_map(|check| check(trace)).collect()
}

/// One notification, with where it stands.
pub type Told<'a> = (&'a Entry, &'a NotificationData);

/// The notifications of each session, in order.
#[must_use]
pub fn by_session(trace: &Trace) -> BTreeMap<(usize, SessionId), Vec<Told<'_>>> {
    let mut sessions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in &trace.entries {
        if let (What::Told(data), Some(id)) = (&entry.what, entry.session) {
            sessions.entry((entry.agent, id)).or_default().push((entry, data));
        }
    }
    sessions
}

/// A violation at that entry.
#[must_use]
pub fn at(check: &'static str, entry: &Entry, text: impl Into<String>) -> Violation {
    let Entry { at, agent, session, .. } = *entry;
    Violation { check, at, agent, session, text: text.into() }
}

/// A rule over the notifications of one session.
pub type Rule = fn(&[Told<'_>]) -> Vec<Violation>;

/// Holds each session's notifications against a rule.
#[must_use]
pub fn each_session(trace: &Trace, rule: Rule) -> Vec<Violation> {
    by_session(trace).values().flat_map(|told| rule(told)).collect()
}

#[cfg(test)]
pub(crate) mod testing {
    //! Traces made by hand.

    use offhook::notification::{NotificationData as Data, Originator, SessionState as State};

    use super::*;

    /// The only session of the traces made here.
    pub(crate) const ID: SessionId = SessionId(1);

    /// A trace in which one session tells these.
    pub(crate) fn trace_of(told: &[Data]) -> Trace {
        let mut trace = Trace::default();
        for (step, data) in told.iter().enumerate() {
            let at = Instant::from_millis(step as u64);
            trace.push(at, 0, Some(ID), What::Told(data.clone()));
        }
        trace
    }

    /// `CS(prev>state)`.
    pub(crate) const fn cs(prev_state: State, state: State) -> Data {
        Data::SessionChangedState { prev_state, state }
    }

    /// `DidFail`, with some reason.
    pub(crate) fn did_fail(originator: Originator, code: u16) -> Data {
        let (reason, redirect_identities) = ("some reason".into(), Vec::new());
        Data::SessionDidFail { originator, code, reason, redirect_identities }
    }

    /// An outgoing call that stands, is ended by the peer, and is over.
    pub(crate) fn whole_call() -> Vec<Data> {
        let audio = vec![offhook::notification::StreamKind::Audio];
        vec![
            cs(State::Null, State::Calling),
            Data::SessionNewOutgoing { streams: audio.clone() },
            Data::SessionGotRingIndication,
            Data::SessionWillStart,
            Data::SessionGotStreamUpdate { streams: audio },
            cs(State::Calling, State::Established),
            Data::SessionDidStart,
            Data::SessionGotStreamUpdate { streams: Vec::new() },
            cs(State::Established, State::Terminated),
            Data::SessionDidEnd { originator: Originator::Remote },
        ]
    }

    /// The whole call with one change.
    pub(crate) fn changed(change: impl FnOnce(&mut Vec<Data>)) -> Trace {
        let mut told = whole_call();
        change(&mut told);
        trace_of(&told)
    }
}
