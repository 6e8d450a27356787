//! A 200 to an INVITE or a re-INVITE, and the wait for its ACK (RFC 3261 §13.3.1.4, §14.2).

use offhook_fsm::Instant;
use offhook_fsm::session::Event;

use super::{Cause, Core, Output};
use crate::notification::Originator;
use crate::transaction::{Missing, Unacknowledged};
use crate::transport::Transmit;

impl Core {
    pub(super) fn await_acknowledgement(
        &mut self,
        now: Instant,
        cseq: Option<u32>,
        ok: Option<Transmit>,
    ) {
        let timers = self.settings.timers;
        let waiting = cseq.zip(ok).map(|(cseq, ok)| Unacknowledged::new(now, timers, cseq, ok));
        self.unacknowledged = waiting;
    }

    pub(super) fn acknowledgement_timeout(&mut self, now: Instant) {
        match self.unacknowledged.as_mut().and_then(|waiting| waiting.handle_timeout(now)) {
            Some(Missing::Repeat(ok)) => self.push(Output::Transmit(ok)),
            Some(Missing::GivenUp) => {
                self.unacknowledged = None;
                self.offered_in_ok = None;
                self.cause = Cause::new(Originator::Local, 408, "the ACK never came");
                self.apply(now, Event::NoAck);
            }
            None => {}
        }
    }

    pub(super) fn unacknowledged_cseq(&self) -> Option<u32> {
        self.unacknowledged.as_ref().map(Unacknowledged::cseq)
    }

    /// The re-INVITE at hand came again: its 200 answers it again.
    pub(super) fn repeat_ok(&mut self) {
        let (waiting, request) = (self.unacknowledged.as_ref(), self.unanswered.take());
        if let (Some(ok), Some((key, _))) = (waiting.map(|waiting| waiting.ok().clone()), request) {
            self.push(Output::Respond { key, status: 200, transmit: ok });
        }
    }

    /// The ACK at hand: it may carry the answer to the offer in our 200.
    pub(super) fn acknowledged(&mut self, now: Instant) {
        let Some((_, received)) = self.unanswered.take() else { return };
        let ack = &received.message;
        let number = ack.cseq().map(|cseq| cseq.number).ok();
        let fits = self.dialog.as_ref().is_some_and(|dialog| dialog.is_of_request(ack));
        let awaited = self.unacknowledged.take_if(|ok| fits && Some(ok.cseq()) == number);
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
