//! Session timers (RFC 4028): a call whose peer is gone does not stand for ever.

use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::policy::Alarm;
use super::queue::Job;
use super::{Cause, Core};
use crate::notification::Originator;
use crate::sip::{
    Builder, HeaderName, MAX_SE_S, MIN_SE_S, Message, SUPPORTED_OPTIONS, Unprintable,
};
use crate::transaction::{ClientTransaction, Verdict};
use crate::transport::Transmit;

/// The session timer that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SessionTimer {
    /// Seconds.
    interval: u32,
    we_refresh: bool,
}

impl Core {
    /// What we support, and the session timer, for a request of ours.
    pub(super) fn with_timer(&self, builder: Builder) -> Result<Builder, Unprintable> {
        let builder = builder.header(HeaderName::Supported, SUPPORTED_OPTIONS.join(", "))?;
        match self.session_timer {
            Some(SessionTimer { interval, we_refresh }) => {
                let who = if we_refresh { "uac" } else { "uas" };
                let value = format!("{interval};refresher={who}");
                builder.header(HeaderName::SessionExpires, value)
            }
            None => Ok(builder),
        }
    }

    /// The same for our first INVITE. `floor`: what a peer's 422 asked for.
    pub(super) fn with_timer_wish(
        &self,
        builder: Builder,
        floor: Option<u32>,
    ) -> Result<Builder, Unprintable> {
        let builder = builder.header(HeaderName::Supported, SUPPORTED_OPTIONS.join(", "))?;
        let Some(wish) = self.settings.policy.session_expires else { return Ok(builder) };
        let wish = u32::try_from(wish.as_secs()).unwrap_or(MAX_SE_S).clamp(MIN_SE_S, MAX_SE_S);
        let wish = wish.max(floor.unwrap_or(0));
        let builder = builder.header(HeaderName::SessionExpires, wish.to_string())?;
        match floor {
            Some(floor) => builder.extension("Min-SE", floor.to_string()),
            None => Ok(builder),
        }
    }

    /// A 2xx to our INVITE, re-INVITE or UPDATE.
    pub(super) fn timer_answered(&mut self, now: Instant, response: &Message) {
        self.note_abilities(response);
        let settled = response.session_expires().map(|expires| SessionTimer {
            interval: expires.interval.max(MIN_SE_S),
            we_refresh: expires.uac_refreshes.unwrap_or(true),
        });
        self.set_timer(now, settled);
    }

    /// What the peer can do with requests of ours.
    pub(super) fn note_abilities(&mut self, message: &Message) {
        if message.header(HeaderName::Allow).is_some() {
            self.takes_update = message.lists(HeaderName::Allow, "UPDATE");
        }
    }

    /// The peer's INVITE, re-INVITE or UPDATE is about to be answered with a 2xx: the headers for
    /// it (RFC 4028 §9).
    pub(super) fn answer_timer(&mut self, now: Instant, request: &Message) -> TimerAnswer {
        self.note_abilities(request);
        let wish = request.session_expires();
        let understands = request.lists(HeaderName::Supported, "timer")
            || request.lists(HeaderName::Require, "timer");
        let settled = wish.map(|wish| SessionTimer {
            interval: wish.interval.max(MIN_SE_S),
            we_refresh: !(understands && wish.uac_refreshes.unwrap_or(true)),
        });
        self.set_timer(now, settled);
        TimerAnswer(settled)
    }

    fn set_timer(&mut self, now: Instant, timer: Option<SessionTimer>) {
        self.session_timer = timer;
        self.alarms.cancel(Alarm::Refresh);
        self.alarms.cancel(Alarm::Expiry);
        let Some(SessionTimer { interval, we_refresh }) = timer else { return };
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        if we_refresh {
            self.alarms.arm(Alarm::Refresh, now + seconds(interval / 2));
            self.alarms.arm(Alarm::Expiry, now + seconds(interval));
        } else {
            // A moment early, so that the BYE still finds the peer (§10).
            let margin = (interval / 3).min(32);
            self.alarms.arm(Alarm::Expiry, now + seconds(interval - margin));
        }
    }

    /// It is on us to refresh: with an UPDATE where the peer takes one, else with a re-INVITE.
    pub(super) fn refresh(&mut self, now: Instant) {
        if !matches!(self.state, State::Established | State::Proposing | State::Proposed) {
            return;
        }
        if self.takes_update {
            let update = self.build_update(now);
            self.refreshing = update.map(|update| self.with_proof(now, update));
        } else if !self.queue.contains(&Job::Refresh) {
            self.queue.push_back(Job::Refresh);
        }
    }

    fn build_update(&mut self, now: Instant) -> Option<ClientTransaction> {
        let peer = self.peer()?;
        let mut dialog = self.dialog.take()?;
        let settings = Arc::clone(&self.settings);
        let destination = super::message::towards(&dialog, peer);
        let (via, contact) = (self.via(destination), self.contact(peer));
        let built = Arc::make_mut(&mut dialog)
            .request(b"UPDATE", via.as_bytes())
            .and_then(|b| b.header(HeaderName::Contact, contact))
            .and_then(|b| self.with_timer(b))
            .and_then(|b| b.header(HeaderName::UserAgent, &settings.user_agent));
        self.dialog = Some(dialog);
        let transmit = Transmit { destination, bytes: built.ok()?.finish().into() };
        ClientTransaction::new(now, settings.timers, transmit).ok()
    }

    /// A response to our UPDATE; `false` when it is none.
    pub(super) fn refresh_response(&mut self, now: Instant, response: &Message) -> bool {
        let Some(update) = &mut self.refreshing else { return false };
        match update.receive(now, response) {
            Verdict::NotMine => return false,
            Verdict::Absorbed => return true,
            Verdict::Deliver => {}
        }
        let status = response.status().unwrap_or_default();
        match status {
            200..300 => self.timer_answered(now, response),
            408 | 481 => {
                let phrase = super::message::failure_text(response);
                self.cause = Cause::new(Originator::Remote, status, phrase);
                let lost = if status == 481 { Event::OfferLostDialog } else { Event::OfferLost };
                self.apply(now, lost);
            }
            // It asks for a longer one.
            422 => {
                if let (Some(floor), Some(timer)) = (response.min_se(), self.session_timer) {
                    let interval = timer.interval.max(floor);
                    self.session_timer = Some(SessionTimer { interval, ..timer });
                    let update = self.build_update(now);
                    self.refreshing = update.map(|update| self.with_proof(now, update));
                }
            }
            // Whatever else: the next try comes with the next half of the time, or later where the
            // peer asks for it and there is time (RFC 3261 §20.33).
            300.. => {
                if let Some(expiry) = self.alarms.deadline(Alarm::Expiry) {
                    let left = expiry.saturating_duration_since(now);
                    let asked = Duration::from_secs(response.retry_after().unwrap_or(0).into());
                    let wait = if asked < left { asked.max(left / 2) } else { left / 2 };
                    if left / 2 > Duration::from_secs(1) {
                        self.alarms.arm(Alarm::Refresh, now + wait);
                    }
                }
            }
            _ => {}
        }
        true
    }
}

/// What a 2xx says about the session timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimerAnswer(Option<SessionTimer>);

impl TimerAnswer {
    pub(super) fn write(self, builder: Builder) -> Result<Builder, Unprintable> {
        let builder = builder.header(HeaderName::Supported, SUPPORTED_OPTIONS.join(", "))?;
        let Some(SessionTimer { interval, we_refresh }) = self.0 else { return Ok(builder) };
        let who = if we_refresh { "uas" } else { "uac" };
        let builder =
            builder.header(HeaderName::SessionExpires, format!("{interval};refresher={who}"))?;
        // Whoever refreshes has to understand it.
        if we_refresh { Ok(builder) } else { builder.header(HeaderName::Require, "timer") }
    }
}
