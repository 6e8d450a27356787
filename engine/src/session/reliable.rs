//! Reliable provisional responses (RFC 3262): ours until their PRACK, theirs with a PRACK of ours.

use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::{Core, FORKS_MAX, LATE_BYE_GAP, Output};
use crate::dialog::Dialog;
use crate::sip::{HeaderName, Message, text};
use crate::transaction::ClientTransaction;
use crate::transport::Transmit;

/// PRACKs of ours under way at most.
const PRACKS_MAX: usize = 32;

/// A provisional response of ours that is repeated until its PRACK.
#[derive(Clone, Debug)]
pub(super) struct Reliable {
    rseq: u32,
    sent: Transmit,
    /// It carries our answer.
    answers: bool,
    again: Instant,
    pause: Duration,
    until: Instant,
}

impl Reliable {
    pub(super) fn deadline(&self) -> Instant {
        self.again.min(self.until)
    }
}

/// A branch of our INVITE that sent reliable provisional responses.
#[derive(Clone, Debug)]
pub(super) struct EarlyDialog {
    pub(super) dialog: Dialog,
    rseq: u32,
}

impl Core {
    /// Whether a provisional response to the INVITE has to be, or had better be, reliable.
    pub(super) fn must_be_reliable(&self, answers: bool) -> bool {
        let invite = self.incoming.as_ref().map(|incoming| &incoming.invite.1.message);
        invite.is_some_and(|invite| {
            invite.lists(HeaderName::Require, "100rel")
                || answers && invite.lists(HeaderName::Supported, "100rel")
        })
    }

    /// The number of the next reliable response.
    pub(super) fn next_rseq(&mut self) -> u32 {
        if self.rseq == 0 {
            // RFC 3262 §3: from 1 to 2³¹ − 1.
            self.rseq = u32::try_from(self.entropy.below(1 << 30)).unwrap_or(0) + 1;
        } else {
            self.rseq = self.rseq.saturating_add(1);
        }
        self.rseq
    }

    pub(super) fn await_prack(&mut self, now: Instant, sent: Option<Transmit>, answers: bool) {
        let timers = self.settings.timers;
        self.reliable = sent.map(|sent| Reliable {
            rseq: self.rseq,
            sent,
            answers,
            again: now + timers.t1,
            pause: timers.t1.saturating_mul(2),
            until: now + timers.patience(),
        });
    }

    /// Whether our answer went out and its PRACK is still to come: no 200 before that (§3).
    pub(super) fn awaits_prack(&self) -> bool {
        self.reliable.as_ref().is_some_and(|reliable| reliable.answers)
    }

    pub(super) fn reliable_timeout(&mut self, now: Instant) {
        let Some(reliable) = &mut self.reliable else { return };
        if reliable.until <= now {
            self.reliable = None;
            let reason = "the peer did not acknowledge a provisional response";
            self.fail_locally(now, Event::PrepareFailed, reason.into());
            return;
        }
        if reliable.again <= now {
            reliable.again += reliable.pause;
            reliable.pause = reliable.pause.saturating_mul(2);
            let sent = reliable.sent.clone();
            self.push(Output::Transmit(sent));
        }
    }

    /// The PRACK at hand.
    pub(super) fn pracked(&mut self, now: Instant) {
        let Some((_, received)) = &self.unanswered else { return };
        let invite = self.incoming.as_ref().map(|incoming| &incoming.invite.1.message);
        let cseq = invite.and_then(|invite| invite.cseq().ok()).map(|cseq| cseq.number);
        let rack = received.message.header(HeaderName::RAck).map(text).unwrap_or_default();
        let mut words = rack.split_ascii_whitespace();
        let rseq = words.next().and_then(|word| word.parse::<u32>().ok());
        let number = words.next().and_then(|word| word.parse::<u32>().ok());
        let method = words.next();
        let fits = self.reliable.as_ref().is_some_and(|reliable| Some(reliable.rseq) == rseq)
            && number == cseq
            && method == Some("INVITE");
        if !fits {
            return self.answer_request(481);
        }
        self.reliable = None;
        if received.message.body().is_empty() {
            self.answer_request(200);
        } else {
            self.answer_prack_offer(now);
        }
        if let Some(status) = self.provisional_waiting.take() {
            self.send_provisional(now, status);
        }
        if self.state == State::Accepting {
            self.prepared(now);
        }
    }

    /// A reliable provisional response of the peer: `false` when it is a repetition, or one came
    /// before it that is missing; then it is nothing to the session (§4).
    pub(super) fn acknowledge_provisional(&mut self, now: Instant, response: &Message) -> bool {
        let rseq = response.header(HeaderName::RSeq).map(text);
        let rseq = rseq.and_then(|rseq| rseq.trim().parse::<u32>().ok());
        let Some(rseq) = rseq.filter(|_| response.lists(HeaderName::Require, "100rel")) else {
            return true;
        };
        let tag = response.to().ok().and_then(|to| to.tag()).unwrap_or_default().to_vec();
        let known = self.early.iter().position(|early| early.dialog.remote_tag() == tag);
        let at = match known {
            Some(at) => {
                let Some(early) = self.early.get_mut(at) else { return false };
                if rseq != early.rseq.wrapping_add(1) {
                    return false;
                }
                early.rseq = rseq;
                at
            }
            None => {
                let dialog = self.dialog_of(response);
                let Some(dialog) = dialog.filter(|_| self.early.len() < FORKS_MAX) else {
                    return false;
                };
                self.early.push(EarlyDialog { dialog, rseq });
                self.early.len() - 1
            }
        };
        self.send_prack(now, at, rseq);
        true
    }

    fn send_prack(&mut self, now: Instant, at: usize, rseq: u32) {
        let Some(peer) = self.peer() else { return };
        let cseq = self.invite_cseq();
        let Some(mut dialog) = self.early.get(at).map(|early| early.dialog.clone()) else { return };
        if dialog.local_cseq() >= cseq.saturating_add(LATE_BYE_GAP) {
            return;
        }
        let settings = Arc::clone(&self.settings);
        let destination = super::message::towards(&dialog, peer);
        let via = self.via(destination);
        let built = dialog
            .request(b"PRACK", via.as_bytes())
            .and_then(|b| b.header(HeaderName::RAck, format!("{rseq} {cseq} INVITE")))
            .and_then(|b| b.header(HeaderName::UserAgent, &settings.user_agent));
        if let Some(early) = self.early.get_mut(at) {
            early.dialog = dialog;
        }
        let Ok(built) = built else { return };
        let transmit = Transmit { destination, bytes: built.finish().into() };
        if self.pracks.len() < PRACKS_MAX {
            let prack = ClientTransaction::new(now, settings.timers, transmit).ok();
            let prack = prack.map(|prack| self.with_proof(now, prack));
            self.pracks.extend(prack);
        }
    }
}
