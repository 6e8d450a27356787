//! Indication of message composition (RFC 3994), `application/im-iscomposing+xml`.

use std::fmt::{self, Write as _};
use std::time::Duration;

use offhook_fsm::composing_receiver::{self, Event as RxEvent};
use offhook_fsm::composing_sender::{self, Event as TxEvent};
use offhook_fsm::{Instant, Step, TimerName, TimerSet};

use super::date_time;
use super::xml::{Element, XmlError, escape};
use crate::scan::{is_media_type, number};

/// The media type.
pub const CONTENT_TYPE: &str = "application/im-iscomposing+xml";
/// The namespace of the document.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:im-iscomposing";
/// How long a user may write nothing before it is told (RFC 3994 §3.2).
pub const IDLE_S: u64 = 15;
/// After how long an active state is told again: before the peer stops believing it.
pub const REFRESH_S: u64 = 90;
/// How long an active state is believed when its sender names no refresh (RFC 3994 §3.3), and what
/// ours name (§3.1 allows no less than 60).
pub const REFRESH_DEFAULT_S: u64 = 120;
/// How long an active state is believed at most, whatever its sender says.
pub const REFRESH_MAX_S: u64 = 3600;

/// One document.
///
/// ```
/// use offhook_msrp::composing::Composing;
/// let told = Composing { refresh_s: Some(90), ..Composing::new(true) };
/// assert_eq!(Composing::parse(told.print().as_bytes()).as_ref(), Ok(&told));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Composing {
    /// The peer writes.
    pub active: bool,
    /// What it writes: a media type, or its part before the slash.
    pub content_type: Option<String>,
    /// When it last wrote, in microseconds since 1970 UTC.
    pub last_active_us: Option<i64>,
    /// After how many seconds it will tell so again.
    pub refresh_s: Option<u64>,
}

/// Why bytes are no such document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ComposingError {
    /// Another document, or one without a state.
    State,
    /// No document.
    Xml(XmlError),
}

impl fmt::Display for ComposingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => f.write_str("the document tells no state of composing"),
            Self::Xml(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ComposingError {}

impl Composing {
    /// A document that tells the state alone.
    #[must_use]
    pub const fn new(active: bool) -> Self {
        Self { active, content_type: None, last_active_us: None, refresh_s: None }
    }

    /// Reads a document. A state that is not known is idle (RFC 3994 §4); what else cannot be read
    /// counts as left out.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ComposingError> {
        let root = Element::parse(bytes).map_err(ComposingError::Xml)?;
        if root.name != "isComposing" || root.namespace != NAMESPACE {
            return Err(ComposingError::State);
        }
        let state = root.child_text("state").ok_or(ComposingError::State)?;
        let kind = |text: &&str| is_media_type(text) || crate::scan::is_token(text);
        Ok(Self {
            active: state == "active",
            content_type: root.child_text("contenttype").filter(kind).map(ToOwned::to_owned),
            last_active_us: root.child_text("lastactive").and_then(date_time::parse),
            refresh_s: root.child_text("refresh").and_then(number),
        })
    }

    /// Prints it.
    #[must_use]
    pub fn print(&self) -> String {
        let state = if self.active { "active" } else { "idle" };
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<isComposing xmlns=\"{NAMESPACE}\">\r\n  \
             <state>{state}</state>\r\n"
        );
        let rest = [
            ("lastactive", self.last_active_us.map(date_time::print)),
            ("contenttype", self.content_type.clone()),
            ("refresh", self.refresh_s.map(|seconds| seconds.to_string())),
        ];
        for (name, text) in rest {
            if let Some(text) = text {
                // Writing to a String does not fail.
                let _written = write!(out, "  <{name}>{}</{name}>\r\n", escape(&text));
            }
        }
        out + "</isComposing>\r\n"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    Idle,
    Refresh,
}

impl TimerName for Timer {
    const ALL: &'static [Self] = &[Self::Idle, Self::Refresh];
}

/// Our side: what the user does, and what the peer is told.
#[derive(Clone, Debug)]
pub struct Composer {
    state: composing_sender::State,
    timers: TimerSet<Timer, 2>,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new()
    }
}

impl Composer {
    /// Nothing is being written.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: composing_sender::State::START, timers: TimerSet::new() }
    }

    /// The user writes. Gives what to tell the peer, if anything.
    #[must_use]
    pub fn compose(&mut self, now: Instant) -> Option<Composing> {
        self.step(now, TxEvent::Compose)
    }

    /// The message goes out; the peer knows without being told (RFC 3994 §3.2).
    pub fn send(&mut self, now: Instant) {
        let told = self.step(now, TxEvent::Send);
        debug_assert_eq!(told, None);
    }

    /// The user gave up what was being written. Gives what to tell the peer, if anything.
    #[must_use]
    pub fn stop(&mut self, now: Instant) -> Option<Composing> {
        self.step(now, TxEvent::Stop)
    }

    /// The time of [`next_deadline`](Self::next_deadline) has come. Gives what to tell the peer.
    #[must_use]
    pub fn time_out(&mut self, now: Instant) -> Option<Composing> {
        let (timer, _) = self.timers.pop_due(now)?;
        self.step(
            now,
            match timer {
                Timer::Idle => TxEvent::IdleTimeOut,
                Timer::Refresh => TxEvent::RefreshTimeOut,
            },
        )
    }

    /// When to come back.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }

    fn step(&mut self, now: Instant, event: TxEvent) -> Option<Composing> {
        use composing_sender::Action;
        let Step::Go { next, actions } = composing_sender::step(self.state, event) else {
            return None;
        };
        self.state = next;
        let mut told = None;
        for action in actions {
            match action {
                Action::TellActive => {
                    told = Some(Composing {
                        refresh_s: Some(REFRESH_DEFAULT_S),
                        ..Composing::new(true)
                    });
                }
                Action::TellIdle => told = Some(Composing::new(false)),
                Action::ArmIdle => self.timers.arm(Timer::Idle, now + Duration::from_secs(IDLE_S)),
                Action::ArmRefresh => {
                    self.timers.arm(Timer::Refresh, now + Duration::from_secs(REFRESH_S));
                }
                Action::Disarm => self.timers.cancel_all(),
            }
        }
        told
    }
}

/// The peer's side: what it tells, and what is shown.
#[derive(Clone, Debug)]
pub struct PeerComposing {
    state: composing_receiver::State,
    deadline: Option<Instant>,
}

impl Default for PeerComposing {
    fn default() -> Self {
        Self::new()
    }
}

impl PeerComposing {
    /// The peer writes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: composing_receiver::State::START, deadline: None }
    }

    /// Whether the peer writes.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == composing_receiver::State::Active
    }

    /// The peer tells its state. Gives what to show now, if that changes.
    #[must_use]
    pub fn told(&mut self, now: Instant, told: &Composing) -> Option<bool> {
        let event = if told.active { RxEvent::RxActive } else { RxEvent::RxIdle };
        self.step(now, event, told.refresh_s.unwrap_or(REFRESH_DEFAULT_S).min(REFRESH_MAX_S))
    }

    /// A message of the peer's came. Gives what to show now, if that changes.
    #[must_use]
    pub fn message(&mut self, now: Instant) -> Option<bool> {
        self.step(now, RxEvent::RxMessage, 0)
    }

    /// The time of [`next_deadline`](Self::next_deadline) has come. Gives what to show now.
    #[must_use]
    pub fn time_out(&mut self, now: Instant) -> Option<bool> {
        self.deadline.filter(|deadline| *deadline <= now)?;
        self.step(now, RxEvent::TimeOut, 0)
    }

    /// When to come back.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn step(&mut self, now: Instant, event: RxEvent, refresh_s: u64) -> Option<bool> {
        use composing_receiver::Action;
        let Step::Go { next, actions } = composing_receiver::step(self.state, event) else {
            return None;
        };
        self.state = next;
        let mut shown = None;
        for action in actions {
            match action {
                Action::ShowActive => shown = Some(true),
                Action::ShowIdle => shown = Some(false),
                Action::ArmRefresh => self.deadline = Some(now + Duration::from_secs(refresh_s)),
                Action::Disarm => self.deadline = None,
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn the_peer_is_told_once_again_after_ninety_seconds_and_when_writing_stops() {
        let mut composer = Composer::new();
        let active = Composing { refresh_s: Some(120), ..Composing::new(true) };
        assert_eq!(composer.compose(at(0)), Some(active.clone()));
        for second in (10..=90).step_by(10) {
            assert_eq!(composer.compose(at(second)), None);
        }
        assert_eq!(composer.next_deadline(), Some(at(90)));
        assert_eq!(composer.time_out(at(90)), Some(active));
        assert_eq!(composer.time_out(at(104)), None);
        assert_eq!(composer.time_out(at(105)), Some(Composing::new(false)));
        assert_eq!(composer.next_deadline(), None);
    }

    #[test]
    fn a_message_that_goes_out_says_enough() {
        let mut composer = Composer::new();
        assert!(composer.compose(at(0)).is_some());
        composer.send(at(3));
        assert_eq!((composer.next_deadline(), composer.time_out(at(1000))), (None, None));
        assert!(composer.compose(at(4)).is_some());
    }

    #[test]
    fn what_is_given_up_is_told_once() {
        let mut composer = Composer::new();
        assert_eq!(composer.stop(at(0)), None);
        assert!(composer.compose(at(1)).is_some());
        assert_eq!(composer.stop(at(2)), Some(Composing::new(false)));
        assert_eq!((composer.stop(at(3)), composer.next_deadline()), (None, None));
    }

    #[test]
    fn the_peer_is_shown_until_it_stops_sends_or_falls_silent() {
        for end in 0..3 {
            let mut peer = PeerComposing::new();
            assert_eq!(peer.told(at(0), &Composing::new(true)), Some(true));
            assert_eq!(peer.told(at(100), &Composing::new(true)), None);
            assert_eq!(peer.next_deadline(), Some(at(220)));
            assert_eq!(peer.time_out(at(219)), None);
            let shown = match end {
                0 => peer.told(at(200), &Composing::new(false)),
                1 => peer.message(at(200)),
                _ => peer.time_out(at(220)),
            };
            assert_eq!(shown, Some(false));
            assert!(!peer.is_active() && peer.next_deadline().is_none());
            assert_eq!(peer.message(at(300)), None);
        }
    }

    #[test]
    fn no_refresh_is_believed_for_more_than_an_hour() {
        let mut peer = PeerComposing::new();
        let told = Composing { refresh_s: Some(u64::MAX), ..Composing::new(true) };
        assert_eq!(peer.told(at(0), &told), Some(true));
        assert_eq!(peer.next_deadline(), Some(at(REFRESH_MAX_S)));
    }
}
