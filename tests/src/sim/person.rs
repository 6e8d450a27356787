//! Whoever uses one session: what they have noticed, and how long they think.

use std::time::Duration;

use offhook::id::SessionId;
use offhook::notification::{NotificationData, Originator, SessionState, StreamKind};
use offhook::streams::Streams;
use offhook_fsm::Entropy;

use super::deeds::{self, Deed};

/// What a person has noticed. It may be old by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// The state.
    pub state: SessionState,
    /// Active streams.
    pub streams: Streams,
    /// What the caller, or the peer's proposal, wants.
    pub offered: Streams,
}

/// The user of one session.
#[derive(Debug)]
pub struct Person {
    /// Of which user agent.
    pub agent: usize,
    /// Of which session.
    pub id: SessionId,
    /// What they have noticed.
    pub view: View,
    /// They have dropped the handle.
    pub dropped: bool,
    /// All that is left to do is to end.
    pub ends: bool,
    /// What they draw from.
    pub chance: Entropy,
    /// Things inside of the session may break.
    pub rough: bool,
    acts: u32,
    said: u64,
}

impl Person {
    /// A person who has noticed nothing, and does so many things at most.
    #[must_use]
    pub fn new(agent: usize, id: SessionId, acts: u32, rough: bool, chance: Entropy) -> Self {
        let none = Streams::default();
        let view = View { state: SessionState::Null, streams: none, offered: none };
        Self { agent, id, view, dropped: false, ends: false, chance, rough, acts, said: 0 }
    }

    /// Whether they do nothing any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.dropped || self.ends || self.acts == 0 || self.view.state == SessionState::Terminated
    }

    /// Notices a notification.
    pub fn hear(&mut self, data: NotificationData) {
        match data {
            NotificationData::SessionChangedState { state, .. } => self.view.state = state,
            NotificationData::SessionNewIncoming { streams }
            | NotificationData::SessionGotStreamProposal {
                proposer: Originator::Remote,
                streams,
            } => self.view.offered = of(&streams),
            NotificationData::SessionGotStreamUpdate { streams } => {
                self.view.streams = of(&streams)
            }
            _ => {}
        }
    }

    /// How long until they do something: a moment, or as long as a phone rings.
    pub fn pause(&mut self) -> Duration {
        let chance = &mut self.chance;
        let rings = matches!(
            self.view.state,
            SessionState::Null | SessionState::Calling | SessionState::Incoming
        );
        Duration::from_micros(match chance.below(10) {
            0..3 => chance.below(300_000),
            3 if rings => chance.below(120_000_000),
            _ => chance.below(8_000_000),
        })
    }

    /// What they do next.
    pub fn choose(&mut self) -> Deed {
        self.acts = self.acts.saturating_sub(1);
        deeds::choose(self)
    }

    /// A number that names what they say.
    pub const fn next_number(&mut self) -> u64 {
        self.said += 1;
        self.said
    }

    /// Some of those streams: all of them, as a rule.
    pub fn some_of(&mut self, streams: Streams) -> Streams {
        match self.chance.below(8) {
            0 => Streams { audio: false, ..streams },
            1 => Streams { chat: false, ..streams },
            2 => Streams { audio: true, chat: true },
            _ => streams,
        }
    }

    /// One kind of stream.
    pub fn one_kind(&mut self) -> StreamKind {
        if self.chance.below(2) == 0 { StreamKind::Audio } else { StreamKind::Chat }
    }
}

fn of(streams: &[StreamKind]) -> Streams {
    Streams {
        audio: streams.contains(&StreamKind::Audio),
        chat: streams.contains(&StreamKind::Chat),
    }
}
