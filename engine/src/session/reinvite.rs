//! The peer's re-INVITE in a running call (RFC 3261 §14.2): a refresh, a hold, another address or
//! codec. What adds or removes streams is refused.

use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::Core;
use super::message::warning;
use crate::negotiate::{Refusal, Settled, answer};
use crate::sdp::SessionDescription;
use crate::sip::{HeaderName, reason_phrase};

/// Seconds within which a peer is asked to try again (RFC 3261 §14.2).
const RETRY_AFTER_MAX_S: u64 = 10;

/// Our description for the 200 to a re-INVITE, or why there is none.
pub(super) type Reoffer = Result<Vec<u8>, Refusal>;

impl Core {
    /// The re-INVITE at hand.
    pub(super) fn reinvited(&mut self, now: Instant) {
        if self.state != State::Established {
            // Another INVITE is under way in either direction, or the call is over.
            let reason = String::from("another INVITE is not done");
            self.reoffer = Some(Err(Refusal { status: 500, reason }));
            return self.apply(now, Event::RxReinviteUnusable);
        }
        match self.read_reoffer(now) {
            Ok((body, settled)) => {
                self.reoffer = Some(Ok(body));
                self.audio.settled = Some(settled);
                self.apply(now, Event::RxReinvite);
            }
            Err(refusal) => {
                self.reoffer = Some(Err(refusal));
                self.apply(now, Event::RxReinviteUnusable);
            }
        }
    }

    /// Our answer to the offer at hand, if it is about the very stream that runs.
    fn read_reoffer(&mut self, now: Instant) -> Result<(Vec<u8>, Settled), Refusal> {
        let refused = |reason: &str| Err(Refusal { status: 488, reason: reason.into() });
        let Some((_, received)) = &self.unanswered else { return refused("there is no offer") };
        let offer = received.message.body().to_vec();
        if offer.is_empty() {
            return refused("a re-INVITE without an offer is not supported");
        }
        let before = (self.audio.described.clone(), self.audio.version());
        let made = self.describe(now, |able, local| answer(&offer, able, local))?;
        let ((old_lines, old), (lines, new)) = (lines(&before.0), lines(&made.0));
        if lines < old_lines || new != old {
            self.audio.redescribe(before);
            return refused("a stream may not move to another line or vanish");
        }
        Ok(made)
    }

    pub(super) fn answer_reinvite(&mut self, now: Instant) {
        let (Some((key, received)), Some(Ok(body))) = (self.unanswered.take(), self.reoffer.take())
        else {
            return;
        };
        // A re-INVITE is a target refresh (§12.2.2).
        if let Some(dialog) = &mut self.dialog {
            Arc::make_mut(dialog).refresh_target(&received.message);
        }
        let ok = self.respond(&key, &received, 200, "OK", |b| b.body(b"application/sdp", &body));
        let cseq = received.message.cseq().ok().map(|cseq| cseq.number);
        self.await_acknowledgement(now, cseq, ok);
    }

    pub(super) fn refuse_reinvite(&mut self) {
        let (Some((key, received)), Some(Err(refusal))) =
            (self.unanswered.take(), self.reoffer.take())
        else {
            return;
        };
        let again = self.entropy.below(RETRY_AFTER_MAX_S + 1);
        let status = refusal.status;
        self.respond(&key, &received, status, reason_phrase(status), |mut builder| {
            builder = builder.header(HeaderName::Warning, warning(&received, &refusal.reason))?;
            if status == 500 {
                builder = builder.header(HeaderName::RetryAfter, again.to_string())?;
            }
            Ok(builder.finish())
        });
    }
}

/// How many lines a description of ours has, and which of them runs.
fn lines(description: &[u8]) -> (usize, Option<usize>) {
    let sdp = SessionDescription::parse(description);
    sdp.map_or((0, None), |sdp| {
        (sdp.media.len(), sdp.media.iter().position(|media| media.port != 0))
    })
}
