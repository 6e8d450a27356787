//! A 200 to an INVITE or a re-INVITE, and the wait for its ACK (RFC 3261 §13.3.1.4, §14.2).

use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::Event;

use super::{Cause, Core, Output};
use crate::notification::Originator;
use crate::transport::Transmit;

/// A 200 that is repeated, over every transport, until its ACK.
#[derive(Clone, Debug)]
pub(super) struct Unacknowledged {
    ok: Transmit,
    /// The number that the ACK carries.
    cseq: u32,
    again: Instant,
    pause: Duration,
    until: Instant,
}

impl Unacknowledged {
    pub(super) fn deadline(&self) -> Instant {
        self.again.min(self.until)
    }
}

impl Core {
    pub(super) fn await_acknowledgement(
        &mut self,
        now: Instant,
        cseq: Option<u32>,
        ok: Option<Transmit>,
    ) {
        let timers = self.settings.timers;
        self.unacknowledged = cseq.zip(ok).map(|(cseq, ok)| Unacknowledged {
            ok,
            cseq,
            again: now + timers.t1,
            pause: timers.t1.saturating_mul(2).min(timers.t2),
            until: now + timers.patience(),
        });
    }

    pub(super) fn acknowledgement_timeout(&mut self, now: Instant) {
        let t2 = self.settings.timers.t2;
        let Some(waiting) = &mut self.unacknowledged else { return };
        if waiting.until <= now {
            self.unacknowledged = None;
            self.offered_in_ok = None;
            self.cause = Cause::new(Originator::Local, 408, "the ACK never came");
            return self.apply(now, Event::NoAck);
        }
        if waiting.again <= now {
            waiting.again += waiting.pause;
            waiting.pause = waiting.pause.saturating_mul(2).min(t2);
            let ok = waiting.ok.clone();
            self.push(Output::Transmit(ok));
        }
    }

    pub(super) fn unacknowledged_cseq(&self) -> Option<u32> {
        self.unacknowledged.as_ref().map(|waiting| waiting.cseq)
    }

    /// The re-INVITE at hand came again: its 200 answers it again.
    pub(super) fn repeat_ok(&mut self) {
        let (waiting, request) = (self.unacknowledged.as_ref(), self.unanswered.take());
        if let (Some(ok), Some((key, _))) = (waiting.map(|waiting| waiting.ok.clone()), request) {
            self.push(Output::Respond { key, status: 200, transmit: ok });
        }
    }

    /// The ACK at hand: it may carry the answer to the offer in our 200.
    pub(super) fn acknowledged(&mut self, now: Instant) {
        let Some((_, received)) = self.unanswered.take() else { return };
        let ack = &received.message;
        let number = ack.cseq().map(|cseq| cseq.number).ok();
        let fits = self.dialog.as_ref().is_some_and(|dialog| dialog.is_of_request(ack));
        let awaited = self.unacknowledged.take_if(|ok| fits && Some(ok.cseq) == number);
        if awaited.is_none() {
            return;
        }
        let Some(lines) = self.offered_in_ok.take() else { return self.apply(now, Event::RxAck) };
        let missing = || Err("the ACK has no answer to our offer".into());
        let answer = self.read_answer(ack, &lines).unwrap_or_else(missing);
        match answer {
            Ok(settled) if !settled.is_empty() || self.settled.is_some() => {
                self.agree(lines, settled);
                self.apply(now, Event::RxAckAnswer);
            }
            Ok(settled) => {
                let unmet = settled.unmet.map(|unmet| unmet.reason).unwrap_or_default();
                self.cause = Cause::new(Originator::Local, 488, unmet);
                self.apply(now, Event::RxAckUnusable);
            }
            Err(reason) => {
                self.cause = Cause::new(Originator::Local, 488, reason);
                self.apply(now, Event::RxAckUnusable);
            }
        }
    }
}
