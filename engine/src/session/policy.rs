//! How long things may take, and what happens without being asked.

use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::session::{Event, State};
use offhook_fsm::{Instant, TimerName};

use super::{Cause, Core};
use crate::chat::MsrpRelay;
use crate::negotiate::AcceptTypes;
use crate::notification::Originator;
use crate::sip::{HeaderName, Message, text};

/// What a session does without being asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// How long our INVITE may go without a final answer; 90 s by default.
    pub invite_timeout: Option<Duration>,
    /// How long an incoming call rings before it is refused with 480; for ever by default.
    pub ring_timeout: Option<Duration>,
    /// How long a call may last once it stands; for ever by default.
    pub duration_max: Option<Duration>,
    /// The session timer that our INVITEs ask for (RFC 4028), 30 minutes by default. `None` asks
    /// for none; the peer's wish is followed all the same.
    pub session_expires: Option<Duration>,
    /// After this much silence from a stream's start `SIPSessionGotNoAudio` is posted; 5 s by
    /// default.
    pub no_audio_timeout: Duration,
    /// After so long without RTP and RTCP of a peer whose voice was heard, and whom we want to
    /// hear, `RTPStreamDidTimeout` is posted; 30 s by default.
    pub rtp_timeout: Option<Duration>,
    /// Then the call is ended; not by default.
    pub hangup_on_timeout: bool,
    /// The MSRP relay that chats go through (RFC 4976).
    pub msrp_relay: Option<Arc<MsrpRelay>>,
    /// The content types that our chats take.
    pub accept_types: AcceptTypes,
    /// Take a call with all of its streams when the INVITE asks for it (Alert-Info or Call-Info).
    pub auto_answer: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            invite_timeout: Some(Duration::from_secs(90)),
            ring_timeout: None,
            duration_max: None,
            session_expires: Some(Duration::from_secs(1800)),
            no_audio_timeout: Duration::from_secs(5),
            rtp_timeout: Some(Duration::from_secs(30)),
            hangup_on_timeout: false,
            msrp_relay: None,
            accept_types: AcceptTypes::default(),
            auto_answer: false,
        }
    }
}

/// What a session waits for by the clock alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alarm {
    /// The session timer ran out (RFC 4028 §10).
    Expiry,
    /// The call lasted as long as it may.
    Duration,
    /// Our INVITE had no final answer.
    Invite,
    /// Nobody took the call.
    Ring,
    /// The session timer asks us to refresh.
    Refresh,
    /// The caller asked us to answer by ourselves.
    AutoAnswer,
}

impl TimerName for Alarm {
    const ALL: &'static [Self] =
        &[Self::Expiry, Self::Duration, Self::Invite, Self::Ring, Self::Refresh, Self::AutoAnswer];
}

/// How many seconds after which the caller wants to be answered, if it does: `answer-after=N` or
/// `info=alert-autoanswer`, as PBXs write them.
fn auto_answer_after<B: AsRef<[u8]>>(invite: &Message<B>) -> Option<u64> {
    let values = [HeaderName::CallInfo, HeaderName::AlertInfo];
    let values = values.into_iter().flat_map(|name| invite.elements(name));
    values.map(text).find_map(|value| {
        let value = value.to_ascii_lowercase();
        let mut parameters = value.split(';').map(str::trim);
        parameters.find_map(|parameter| match parameter.split_once('=') {
            Some(("answer-after", seconds)) => seconds.trim().parse().ok(),
            Some(("info", what)) => {
                let what = what.trim_matches(['"', ' ']);
                matches!(what, "alert-autoanswer" | "alert autoanswer" | "auto answer").then_some(0)
            }
            _ => None,
        })
    })
}

impl Core {
    /// Follows the session into a state.
    pub(super) fn watch(&mut self, now: Instant, state: State) {
        let policy = &self.settings.policy;
        let (alarms, waits) = (&mut self.alarms, [Alarm::Invite, Alarm::Ring, Alarm::AutoAnswer]);
        let (arm, wait) = match state {
            State::Calling => (Alarm::Invite, policy.invite_timeout),
            State::Incoming => (Alarm::Ring, policy.ring_timeout),
            State::Established if alarms.deadline(Alarm::Duration).is_none() => {
                waits.into_iter().for_each(|alarm| alarms.cancel(alarm));
                (Alarm::Duration, policy.duration_max)
            }
            State::Accepting => {
                waits.into_iter().for_each(|alarm| alarms.cancel(alarm));
                return;
            }
            State::Terminating | State::Terminated => return alarms.cancel_all(),
            _ => return,
        };
        if let Some(wait) = wait {
            alarms.arm(arm, now + wait);
        }
    }

    /// The caller may ask to be answered without a word of the user.
    pub(super) fn watch_for_auto_answer(&mut self, now: Instant) {
        let invite = self.incoming.as_ref().map(|incoming| &incoming.invite.1.message);
        let wanted =
            invite.filter(|_| self.settings.policy.auto_answer).and_then(auto_answer_after);
        if let Some(seconds) = wanted {
            let wait = Duration::from_secs(seconds.min(3600));
            self.alarms.arm(Alarm::AutoAnswer, now + wait);
        }
    }

    pub(super) fn alarm(&mut self, now: Instant) {
        while let Some((alarm, _)) = self.alarms.pop_due(now) {
            match alarm {
                Alarm::Expiry => {
                    self.cause = Cause::new(Originator::Local, 408, "the session timer ran out");
                    self.apply(now, Event::OfferLost);
                }
                Alarm::Duration => {
                    self.cause = Cause::new(Originator::Local, 0, "");
                    self.apply(now, Event::End);
                }
                Alarm::Invite => {
                    self.cause = Cause::new(Originator::Local, 408, "nobody answered the call");
                    self.apply(now, Event::InviteExpired);
                }
                Alarm::Ring => {
                    self.refuse_with(480, "");
                    self.apply(now, Event::Reject);
                    self.apply(now, Event::Farewell);
                }
                Alarm::Refresh => self.refresh(now),
                Alarm::AutoAnswer => {
                    let streams = self.offered();
                    // Refused orders are the user's business, and there is no user here.
                    let _refused = self.accept(now, streams, Vec::new());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(header: &str) -> Option<u64> {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{header}\r\n\r\n");
        auto_answer_after(&Message::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn callers_ask_to_be_answered_in_several_words() {
        assert_eq!(asked("Call-Info: <sip:x>;answer-after=0"), Some(0));
        assert_eq!(asked("Call-Info: <sip:x>; Answer-After=5"), Some(5));
        assert_eq!(asked("Alert-Info: <http://x>;info=alert-autoanswer"), Some(0));
        assert_eq!(asked("Alert-Info: info=\"Auto Answer\""), Some(0));
        assert_eq!(asked("Alert-Info: <http://x/answer-after=3>"), None);
        assert_eq!(asked("Subject: answer-after=3"), None);
    }
}
