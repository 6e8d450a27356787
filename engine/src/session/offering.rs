//! An offer of ours in a call that stands: the re-INVITE, its answer, and the peer's offers that
//! cross it (RFC 3261 §14.1).

use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::auth::proven_ack;
use super::queue::Job;
use super::{Cause, Core, Output};
use crate::negotiate::{OwnLine, Refusal, Settled};
use crate::notification::{NotificationData, Originator, StreamKind};
use crate::sip::{ALLOWED_METHODS, HeaderName, Message};
use crate::transaction::{ClientTransaction, Verdict};
use crate::transport::Transmit;

/// How often an offer that meets the peer's own is made again.
const GLARES_MAX: u32 = 10;
/// The longest wait that a peer may ask for before our offer comes again, in seconds; one that asks
/// for more has refused it. RFC 3261 §14.2 has it ask for 0–10.
pub const RETRY_AFTER_MAX_S: u64 = 32;
/// How long a proposal, or any other offer, may ring (REFERENCE 0.15).
pub const PROPOSAL_MS: u64 = 90_000;

/// An offer under way.
#[derive(Clone, Debug)]
pub(super) struct Offering {
    pub(super) job: Job,
    /// What is offered.
    lines: Vec<OwnLine>,
    /// `None` before it leaves, and while it waits for another try.
    pub(super) transaction: Option<ClientTransaction>,
    pub(super) cseq: u32,
    /// When it is made again.
    pub(super) again: Option<Instant>,
    glares: u32,
    /// When it has rung for too long; then, when its CANCEL has been in vain.
    pub(super) expires: Option<Instant>,
    pub(super) cancel: Option<ClientTransaction>,
    /// Why it failed.
    reason: String,
}

impl Offering {
    pub(super) const fn new(job: Job) -> Self {
        Self {
            job,
            lines: Vec::new(),
            transaction: None,
            cseq: 0,
            again: None,
            glares: 0,
            expires: None,
            cancel: None,
            reason: String::new(),
        }
    }

    const fn added(&self) -> Option<StreamKind> {
        match self.job {
            Job::Add(kind) => Some(kind),
            _ => None,
        }
    }
}

/// An offer of ours that was answered with a 2xx. Each repetition of the 2xx gets the ACK again.
#[derive(Clone, Debug)]
pub(super) struct AnsweredOffer {
    pub(super) transaction: ClientTransaction,
    pub(super) ack: Option<Transmit>,
}

impl Core {
    /// Whether an offer of ours awaits its answer.
    pub(super) fn is_offering(&self) -> bool {
        self.offering.as_ref().is_some_and(|offering| offering.transaction.is_some())
    }

    /// Sends the offer whose turn it is.
    pub(super) fn send_offer(&mut self, now: Instant) {
        if let Err(refusal) = self.try_offer(now) {
            self.cause = Cause::new(Originator::Local, 0, refusal.reason.clone());
            if let Some(offering) = &mut self.offering {
                offering.reason = refusal.reason;
            }
            let proposing = self.state == State::Proposing;
            let event = if proposing { Event::ProposalFailed } else { Event::RxOfferRefused };
            self.apply(now, event);
        }
    }

    fn try_offer(&mut self, now: Instant) -> Result<(), Refusal> {
        let broken = || Refusal::new(500, "the offer cannot be built");
        let job = self.offering.as_ref().ok_or_else(broken)?.job;
        let mut lines = self.lines_now();
        match job {
            Job::Add(kind) => {
                let room = || Refusal::new(500, "the session has no room for another line");
                lines = self.lines_with_kinds(&[kind]).ok_or_else(room)?;
            }
            Job::Remove(kind) | Job::Close(kind) => {
                let place = self.description.line_of(kind);
                if let Some(line) = place.and_then(|at| lines.get_mut(at)) {
                    *line = line.closed();
                }
            }
            Job::Hold | Job::Unhold | Job::Refresh => {}
        }
        // Without audio a hold shows in the version alone (REFERENCE 1.6).
        let must_differ = matches!(job, Job::Hold | Job::Unhold);
        let body = self.describe_offer(now, must_differ, &lines)?;
        let transaction = self.reinvite(now, &body).ok_or_else(broken)?;
        let transaction = (self.with_proof(now, transaction.0), transaction.1);
        let offering = self.offering.as_mut().ok_or_else(broken)?;
        offering.lines = lines;
        offering.again = None;
        offering.cseq = transaction.1;
        offering.transaction = Some(transaction.0);
        offering.expires = Some(now + Duration::from_millis(PROPOSAL_MS));
        // What the stream that is gone had is closed whatever the peer says to it.
        if matches!(job, Job::Remove(_) | Job::Close(_)) {
            self.description.lines.clone_from(&offering.lines);
        }
        Ok(())
    }

    fn reinvite(&mut self, now: Instant, body: &[u8]) -> Option<(ClientTransaction, u32)> {
        let peer = self.peer()?;
        let mut dialog = self.dialog.take()?;
        let contact = self.contact(peer);
        let settings = Arc::clone(&self.settings);
        let (timers, user_agent) = (settings.timers, &settings.user_agent);
        let destination = super::message::towards(&dialog, peer);
        let via = self.via(destination);
        let built = Arc::make_mut(&mut dialog)
            .request(b"INVITE", via.as_bytes())
            .and_then(|b| b.header(HeaderName::Contact, contact))
            .and_then(|b| b.header(HeaderName::Allow, ALLOWED_METHODS.join(", ")))
            .and_then(|b| self.with_timer(b))
            .and_then(|b| b.header(HeaderName::UserAgent, user_agent))
            .and_then(|b| b.body(b"application/sdp", body));
        let cseq = dialog.local_cseq();
        self.dialog = Some(dialog);
        let transmit = Transmit { destination, bytes: built.ok()?.into() };
        Some((ClientTransaction::new(now, timers, transmit).ok()?, cseq))
    }

    /// A response to our re-INVITE, or to the CANCEL of it; `false` when it is neither.
    pub(super) fn offer_response(&mut self, now: Instant, response: &Message) -> bool {
        if let Some(answered) = &mut self.answered_offer {
            match answered.transaction.receive(now, response) {
                Verdict::Deliver => {
                    let again = answered.ack.clone().map(Output::Transmit);
                    again.into_iter().for_each(|ack| self.push(ack));
                    return true;
                }
                Verdict::Absorbed => return true,
                Verdict::NotMine => {}
            }
        }
        let Some(offering) = &mut self.offering else { return false };
        if let Some(cancel) = &mut offering.cancel
            && cancel.receive(now, response) != Verdict::NotMine
        {
            return true;
        }
        let Some(transaction) = &mut offering.transaction else { return false };
        match transaction.receive(now, response) {
            Verdict::NotMine => return false,
            Verdict::Absorbed => {}
            Verdict::Deliver => self.offer_answered(now, response),
        }
        true
    }

    fn offer_answered(&mut self, now: Instant, response: &Message) {
        let status = response.status().unwrap_or_default();
        match (status, self.may_repeat(status, response)) {
            (100..200, _) => {}
            (200..300, _) => self.offer_accepted(now, response),
            // Whoever is asked to come again does so; a stream that is added asks the user first.
            (_, Some(wait)) => {
                if let Some(offering) = &mut self.offering {
                    offering.glares += 1;
                }
                self.repeat_later(now, wait);
            }
            _ => {
                let phrase = self.failure_reason(response);
                self.cause = Cause::new(Originator::Remote, status, phrase.clone());
                let added = self.offering.as_ref().and_then(Offering::added);
                if let Some(offering) = &mut self.offering {
                    offering.reason = format!("{status} {phrase}");
                }
                let event = match (status, added) {
                    (408, _) => Event::OfferLost,
                    (481, _) => Event::OfferLostDialog,
                    (_, Some(_)) => Event::ProposalFailed,
                    (_, None) => Event::RxOfferRefused,
                };
                self.retire_offer();
                self.apply(now, event);
            }
        }
    }

    /// Whether the offer comes again by itself, and how long it waits at least: a 500 has to ask for
    /// that (§14.2).
    fn may_repeat(&self, status: u16, response: &Message) -> Option<Duration> {
        let offering = self.offering.as_ref()?;
        let may = offering.added().is_none()
            && offering.glares < GLARES_MAX
            && self.state == State::Established;
        let says = response.header(HeaderName::RetryAfter).is_some();
        let asked = match status {
            491 if !says => Some(0),
            491 | 500 => response.retry_after().map(u64::from),
            _ => None,
        };
        let asked = asked.filter(|asked| may && *asked <= RETRY_AFTER_MAX_S);
        asked.map(Duration::from_secs)
    }

    /// RFC 3261 §14.1: the side that made the Call-ID waits 2.1–4 s, the other 0–2 s. It waits
    /// `least` in any case.
    fn repeat_later(&mut self, now: Instant, least: Duration) {
        let made_call_id = self.outgoing.is_some();
        let pause = if made_call_id {
            2100 + 10 * self.entropy.below(191)
        } else {
            10 * self.entropy.below(201)
        };
        self.hand_over_offer();
        if let Some(offering) = &mut self.offering {
            offering.again = Some(now + Duration::from_millis(pause).max(least));
        }
    }

    /// The refused transaction still absorbs repetitions: it goes on elsewhere.
    fn hand_over_offer(&mut self) {
        let Some(offering) = &mut self.offering else { return };
        let gone = [offering.transaction.take(), offering.cancel.take()];
        for mut transaction in gone.into_iter().flatten() {
            while let Some(transmit) = transaction.poll_transmit() {
                self.push(Output::Transmit(transmit));
            }
            if !transaction.is_terminated() {
                self.push(Output::HandOver(Box::new(transaction)));
            }
        }
    }

    /// The offer is answered; what it was for is still known to the actions that follow.
    fn retire_offer(&mut self) {
        self.hand_over_offer();
        if let Some(offering) = &mut self.offering {
            offering.expires = None;
        }
    }

    fn offer_accepted(&mut self, now: Instant, response: &Message) {
        if let Some(dialog) = &mut self.dialog {
            // A 2xx to a target refresh request is one too (§12.2.1.2).
            Arc::make_mut(dialog).refresh_target(response);
        }
        self.timer_answered(now, response);
        let Some(offering) = &mut self.offering else { return };
        let (cseq, added) = (offering.cseq, offering.added());
        let lines = std::mem::take(&mut offering.lines);
        let answer = self.read_answer(response, &lines);
        if let Some(offering) = &mut self.offering
            && let Some(transaction) = offering.transaction.take()
        {
            self.answered_offer = Some(AnsweredOffer { transaction, ack: None });
        }
        self.hand_over_offer();
        self.build_offer_ack(cseq);
        let answer = answer.unwrap_or_else(|| Err("the answer has no description".into()));
        let event = match answer {
            Ok(settled) => {
                let event = self.judge(added, &settled);
                self.agree(lines, settled);
                if let Some(gone) = added.filter(|kind| !self.exists(*kind)) {
                    self.close_later(gone);
                }
                event
            }
            Err(reason) => {
                if let Some(offering) = &mut self.offering {
                    offering.reason = reason;
                }
                if added.is_some() { Event::ProposalRefused } else { Event::RxOfferUnusable }
            }
        };
        self.apply(now, event);
        // In TERMINATING the table leaves the offer where it is.
        self.offering = None;
    }

    fn judge(&mut self, added: Option<StreamKind>, settled: &Settled) -> Event {
        let taken = |kind| match kind {
            StreamKind::Audio => settled.audio.is_some(),
            StreamKind::Chat => settled.chat.is_some(),
            StreamKind::File => settled.file.is_some(),
        };
        match added {
            None => Event::RxOfferAnswer,
            Some(kind) if taken(kind) && self.exists(kind) => Event::ProposalAccepted,
            Some(kind) if taken(kind) => {
                if let Some(offering) = &mut self.offering {
                    offering.reason = format!("the {kind} stream has ended");
                }
                Event::ProposalRefused
            }
            Some(_) => {
                let unmet = settled.unmet.as_ref().map(|unmet| unmet.reason.clone());
                if let Some(offering) = &mut self.offering {
                    offering.reason = unmet.unwrap_or_default();
                }
                Event::ProposalRefused
            }
        }
    }

    fn build_offer_ack(&mut self, cseq: u32) {
        let (Some(dialog), Some(peer)) = (self.dialog.clone(), self.peer()) else { return };
        let ack = self.sender().ack(&dialog, peer, cseq);
        if let Some(answered) = &mut self.answered_offer {
            let invite = answered.transaction.request();
            answered.ack = ack.map(|ack| proven_ack(ack, invite));
        }
    }

    pub(super) fn send_offer_ack(&mut self) {
        let ack = self.answered_offer.as_ref().and_then(|answered| answered.ack.clone());
        if let Some(ack) = ack {
            self.push(Output::Transmit(ack));
        }
    }

    /// What our offer wanted stays as it was.
    pub(super) fn drop_offer(&mut self, now: Instant) {
        let Some(job) = self.offering.as_ref().map(|offering| offering.job) else { return };
        match job {
            Job::Hold | Job::Unhold => self.take_back_hold(now),
            Job::Add(kind) => self.remove_stream(now, kind),
            Job::Remove(_) | Job::Close(_) | Job::Refresh => {}
        }
        self.hand_over_offer();
        // What a proposal is refused for is told after this.
        if !matches!(job, Job::Add(_)) {
            self.offering = None;
        }
    }

    /// Stops the stream that is removed.
    pub(super) fn drop_removed(&mut self, now: Instant) {
        if let Some(Job::Remove(kind)) = self.offering.as_ref().map(|offering| offering.job) {
            self.remove_stream(now, kind);
        }
    }

    /// `SIPSessionAcceptedStreamProposal` or `SIPSessionRejectedStreamProposal`; the proposal is
    /// settled.
    pub(super) fn tell_settled(&mut self, now: Instant, accepted: bool) {
        // A hold or a removal that waits for another try is no proposal, and goes on waiting.
        let ours = self.offering.take_if(|offering| offering.added().is_some());
        let (proposer, reason) = match (ours, self.proposal_ends()) {
            (Some(ours), _) => (Originator::Local, ours.reason),
            (None, theirs) => (Originator::Remote, theirs),
        };
        let data = if accepted {
            NotificationData::SessionAcceptedStreamProposal { proposer }
        } else {
            NotificationData::SessionRejectedStreamProposal { proposer, reason }
        };
        self.tell(now, data);
    }

    /// The peer's own offer comes before ours has left: ours gives way (REFERENCE 0.15).
    pub(super) fn give_way(&mut self, now: Instant) {
        if let Some(offering) = &mut self.offering {
            offering.reason = "the peer's own offer came first".into();
        }
        self.apply(now, Event::ProposalFailed);
    }

    /// The streams of the proposal at hand.
    pub(super) fn proposed_streams(&self) -> (Originator, Vec<StreamKind>) {
        let ours = self.offering.as_ref().and_then(Offering::added);
        match ours {
            Some(kind) => (Originator::Local, vec![kind]),
            None => (Originator::Remote, self.proposal_streams()),
        }
    }

    /// What made the preparation of our proposal fail.
    pub(super) fn blame_offer(&mut self, reason: &str) {
        if let Some(offering) = &mut self.offering {
            offering.reason = reason.to_owned();
        }
    }

    /// RFC 3261 §9.1, as soon as a provisional response came.
    pub(super) fn cancel_offer(&mut self, now: Instant) {
        let timers = self.settings.timers;
        let Some(offering) = &mut self.offering else { return };
        // No final answer within 64·T1 of the CANCEL, and none is to come (RFC 3261 §9.1).
        offering.expires = Some(now + timers.patience());
        offering.reason = "nobody decided about the proposal".into();
        let Some(invite) = offering.transaction.as_ref().filter(|t| t.is_proceeding()) else {
            return;
        };
        let destination = invite.request().destination;
        let Ok(bytes) = super::caller::build_cancel(&invite.request().bytes) else { return };
        let transmit = Transmit { destination, bytes: bytes.into() };
        offering.cancel = ClientTransaction::new(now, timers, transmit).ok();
    }

    /// Timers of the offer under way, and of the one before it.
    pub(super) fn offering_timeout(&mut self, now: Instant) {
        if let Some(answered) = &mut self.answered_offer {
            let _failure = answered.transaction.handle_timeout(now);
        }
        let gone = self.answered_offer.as_ref().is_some_and(|a| a.transaction.is_terminated());
        if gone {
            self.answered_offer = None;
        }
        let Some(offering) = &mut self.offering else { return };
        if let Some(cancel) = &mut offering.cancel {
            // Nobody answered it: the re-INVITE's own timer ends the wait.
            let _failure = cancel.handle_timeout(now);
        }
        let lost = offering.transaction.as_mut().and_then(|t| t.handle_timeout(now)).is_some();
        if lost {
            self.cause = Cause::new(Originator::Local, 408, "Request Timeout");
            return self.apply(now, Event::OfferLost);
        }
        if offering.expires.take_if(|at| *at <= now).is_some() {
            if offering.cancel.is_none() {
                return self.apply(now, Event::CancelProposal);
            }
            self.cause = Cause::new(Originator::Local, 408, "Request Timeout");
            return self.apply(now, Event::OfferLost);
        }
        if offering.again.is_some_and(|at| at <= now) {
            offering.again = None;
            if self.unacknowledged_cseq().is_some() || self.state == State::Proposed {
                // The peer's offer is being settled: a moment more.
                self.repeat_later(now, Duration::ZERO);
            } else {
                self.apply(now, Event::RepeatOffer);
            }
        }
    }

    /// The transport failed under our re-INVITE.
    pub(super) fn offer_transport_error(&mut self, now: Instant, branch: &[u8], reason: &str) {
        let Some(offering) = &mut self.offering else { return };
        let ours = offering.transaction.as_mut().filter(|t| t.branch() == branch);
        if ours.is_some_and(|transaction| transaction.transport_failed(now).is_some()) {
            self.cause = Cause::new(Originator::Local, 503, reason);
            self.apply(now, Event::OfferLost);
        }
    }
}
