//! The peer's offer in a call that stands: a re-INVITE (RFC 3261 §14.2) or an UPDATE (RFC 3311).

use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::Core;
use super::message::warning;
use super::proposal::Proposal;
use crate::negotiate::{FileRole, OwnLine, Refusal, Settled, answer, is_file, offered_file};
use crate::notification::{Originator, StreamKind};
use crate::sdp::{MediaDescription, SessionDescription};
use crate::sip::{HeaderName, reason_phrase};
use crate::streams::Streams;

/// Seconds within which a peer is asked to try again (RFC 3261 §14.2).
const RETRY_AFTER_MAX_S: u64 = 10;

/// Our description for the 200 to the peer's offer, its lines, and what it settles.
pub(super) type Reoffer = (Vec<u8>, Vec<OwnLine>, Settled);

/// What an offer does with the streams.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Change {
    added: Streams,
    removed: Streams,
    file_added: bool,
    file_removed: bool,
}

impl Change {
    const fn adds(self) -> bool {
        !self.added.is_empty() || self.file_added
    }

    const fn removes(self) -> bool {
        !self.removed.is_empty() || self.file_removed
    }
}

impl Core {
    /// The re-INVITE or UPDATE at hand.
    pub(super) fn reinvited(&mut self, now: Instant) {
        if self.state == State::Proposing && !self.is_offering() {
            self.give_way(now);
        }
        let (update, empty) = self.unanswered.as_ref().map_or((false, true), |(_, received)| {
            let message = &received.message;
            (message.method() == Some(b"UPDATE"), message.body().is_empty())
        });
        if update && empty {
            // It refreshes the session and the peer's address, and offers nothing.
            return self.answer_empty_update(now);
        }
        let read = match self.state {
            State::Established if self.is_offering() || self.offered_in_ok.is_some() => {
                Err(pending())
            }
            State::Established if empty => self.fresh_offer(now),
            State::Established => match self.classify(update) {
                Ok(change) if change.adds() => return self.proposed(now, change),
                Ok(change) => self.read_reoffer(now, change),
                Err(refusal) => Err(refusal),
            },
            // Our own INVITE awaits its answer, unless an early one has settled it.
            State::Calling if update && self.has_answered(&self.asking_tag()) => {
                self.classify(update).and_then(|change| self.read_reoffer(now, change))
            }
            State::Calling | State::Proposing => Err(pending()),
            State::Terminating | State::Terminated => return self.answer_request(481),
            _ => Err(Refusal::new(500, "another offer of yours is not done")),
        };
        match read {
            Ok(reoffer) => {
                self.reoffer = Some(reoffer);
                self.apply(now, Event::RxReinvite);
            }
            Err(refusal) => {
                self.reoffer_refusal = (refusal.status, refusal.reason);
                self.apply(now, Event::RxReinviteUnusable);
            }
        }
    }

    /// The tag of the branch whose request is at hand.
    fn asking_tag(&self) -> Vec<u8> {
        let from = self.unanswered.as_ref().and_then(|(_, received)| received.message.from().ok());
        from.and_then(|from| from.tag()).unwrap_or_default().to_vec()
    }

    fn answer_empty_update(&mut self, now: Instant) {
        self.refresh_target();
        let Some((key, received)) = self.unanswered.take() else { return };
        let timer = self.answer_timer(now, &received.message);
        self.respond(&key, &received, 200, "OK", |b| Ok(timer.write(b)?.finish()));
    }

    /// The offer in a PRACK is answered in its 200 (RFC 3262 §5).
    pub(super) fn answer_prack_offer(&mut self, now: Instant) {
        let read = if self.settled.is_some() {
            self.classify(true).and_then(|change| self.read_reoffer(now, change))
        } else {
            Err(pending())
        };
        let (body, lines, settled) = match read {
            Ok(reoffer) => reoffer,
            Err(refusal) => return self.answer_request(refusal.status),
        };
        let Some((key, received)) = self.unanswered.take() else { return };
        self.respond(&key, &received, 200, "OK", |b| b.body(b"application/sdp", &body));
        self.description.lines = lines;
        self.settled = Some(settled);
        self.start_streams(now);
    }

    fn refresh_target(&mut self) {
        let Some((_, received)) = &self.unanswered else { return };
        if let Some(dialog) = &mut self.dialog {
            Arc::make_mut(dialog).refresh_target(&received.message);
        }
    }

    /// The decision list of REFERENCE 1.7.
    fn classify(&self, update: bool) -> Result<Change, Refusal> {
        let refused = |reason: &str| Err(Refusal::new(488, reason));
        let Some((_, received)) = &self.unanswered else { return refused("there is no offer") };
        let sdp = SessionDescription::parse(received.message.body())?;
        let ours = &self.description.lines;
        if sdp.media.len() < ours.len() {
            return refused("an offer may not have fewer media lines than before");
        }
        let mut change = Change::default();
        for (at, media) in sdp.media.iter().enumerate() {
            let kind = kind_of(media);
            let running = [StreamKind::Audio, StreamKind::Chat, StreamKind::File]
                .into_iter()
                .find(|kind| self.description.line_of(*kind) == Some(at));
            match (running, kind) {
                // What closes a line need not say what it was for.
                (Some(StreamKind::File), Some(StreamKind::Chat)) if media.port == 0 => {
                    change.file_removed = true;
                }
                (Some(running), kind) if kind != Some(running) => {
                    return refused("a line that is in use may not change its medium");
                }
                (Some(StreamKind::Audio), _) if media.port == 0 => change.removed.audio = true,
                (Some(StreamKind::Chat), _) if media.port == 0 => change.removed.chat = true,
                (Some(StreamKind::File), _) if media.port == 0 => change.file_removed = true,
                (None, Some(kind)) if media.port != 0 && self.is_new(kind) => match kind {
                    StreamKind::Audio => change.added.audio = true,
                    StreamKind::Chat => change.added.chat = true,
                    StreamKind::File => change.file_added = true,
                },
                _ => {}
            }
        }
        // What asks for a file of ours, or is not understood, gets no port in the answer.
        change.file_added &= offered_file(received.message.body())
            .is_some_and(|offered| offered.role == FileRole::Receives);
        if change.adds() && change.removes() {
            return refused("an offer may not add and remove streams at once");
        }
        if update && change.adds() {
            // The user must be asked, and an UPDATE is answered at once (RFC 3311 §5.2).
            return Err(Refusal::new(504, "a stream that is added needs an INVITE"));
        }
        Ok(change)
    }

    /// Whether a line of that kind would be a new stream that we could take.
    fn is_new(&self, kind: StreamKind) -> bool {
        let able = kind == StreamKind::Audio || self.settings.capabilities.chat;
        able && self.description.line_of(kind).is_none() && !self.is_leaving(kind)
    }

    /// It adds streams: the user decides.
    fn proposed(&mut self, now: Instant, change: Change) {
        let Some((key, received)) = self.unanswered.take() else { return };
        self.refresh_target();
        self.reoffer_refusal = (487, String::new());
        self.wanted = Streams::default();
        let offered = offered_file(received.message.body()).filter(|_| change.file_added);
        let file = offered.map(|offered| offered.file);
        if let Some(file) = &file {
            self.tell_file(now, Originator::Remote, file);
        }
        self.proposal = Some(Proposal::new(key, received, change.added, file));
        self.apply(now, Event::RxProposal);
    }

    /// Our answer to an offer that is answered at once.
    fn read_reoffer(&mut self, now: Instant, change: Change) -> Result<Reoffer, Refusal> {
        let offer = self.unanswered.as_ref().map(|(_, r)| r.message.body().to_vec());
        let offer = offer.unwrap_or_default();
        let before = self.description.clone();
        let mut wishes = self.wishes(Streams::default());
        if change.removed.audio {
            wishes.audio.local = None;
        }
        if change.removed.chat {
            wishes.chat.local = None;
        }
        if change.file_removed {
            wishes.file.local = None;
        }
        let (body, (lines, settled)) = self.describe(now, false, |able, origin| {
            let made = answer(&offer, able, origin, &wishes)?;
            Ok((made.body, (made.lines, made.settled)))
        })?;
        if let Some(unmet) = settled.unmet {
            self.description = before;
            return Err(unmet);
        }
        Ok((body, lines, settled))
    }

    /// A re-INVITE without an offer gets ours, of what runs; the answer comes in the ACK.
    fn fresh_offer(&mut self, now: Instant) -> Result<Reoffer, Refusal> {
        let lines = self.lines_now();
        let body = self.describe_offer(now, false, &lines)?;
        self.offered_in_ok = Some(lines.clone());
        let settled = self.settled.clone().unwrap_or_default();
        Ok((body, lines, settled))
    }

    /// Whether what runs goes on under what was negotiated.
    pub(super) fn keeps_what_runs(&self, settled: &Settled) -> bool {
        let runs = |kind| self.exists(kind) && self.description.line_of(kind).is_some();
        (!runs(StreamKind::Audio) || settled.audio.is_some())
            && (!runs(StreamKind::Chat) || settled.chat.is_some())
            && (!runs(StreamKind::File) || settled.file.is_some())
    }

    pub(super) fn answer_reinvite(&mut self, now: Instant) {
        let Some((body, lines, settled)) = self.reoffer.take() else { return };
        self.refresh_target();
        let proposal = self.proposal.take().map(|proposal| (*proposal.request).clone());
        let Some((key, received)) = proposal.or_else(|| self.unanswered.take()) else { return };
        let timer = self.answer_timer(now, &received.message);
        let ok = self.respond(&key, &received, 200, "OK", |b| {
            timer.write(b)?.body(b"application/sdp", &body)
        });
        if received.message.method() == Some(b"INVITE") {
            let cseq = received.message.cseq().ok().map(|cseq| cseq.number);
            self.await_acknowledgement(now, cseq, ok);
        }
        if self.offered_in_ok.is_none() {
            self.description.lines = lines;
            self.settled = Some(settled);
        }
        if self.state == State::Calling {
            let from = received.message.from().ok().and_then(|from| from.tag());
            self.update_early_answer(from.unwrap_or_default());
        }
    }

    /// Refuses the offer at hand, or the proposal that is not decided.
    pub(super) fn refuse_reinvite(&mut self, now: Instant, event: Event) {
        if !matches!(event, Event::RxReinvite | Event::RxReinviteUnusable) {
            return self.refuse_proposal(now, event);
        }
        let Some((key, received)) = self.unanswered.take() else { return };
        self.reoffer = None;
        let again = self.entropy.below(RETRY_AFTER_MAX_S + 1);
        let (status, reason) = self.reoffer_refusal.clone();
        self.respond(&key, &received, status, reason_phrase(status), |mut builder| {
            builder = builder.header(HeaderName::Warning, warning(&received, &reason))?;
            if status == 500 {
                builder = builder.header(HeaderName::RetryAfter, again.to_string())?;
            }
            Ok(builder.finish())
        });
    }
}

fn pending() -> Refusal {
    Refusal::new(491, "an offer of ours is not answered yet")
}

fn kind_of(media: &MediaDescription<'_>) -> Option<StreamKind> {
    if media.media.eq_ignore_ascii_case(b"audio") {
        Some(StreamKind::Audio)
    } else if media.media.eq_ignore_ascii_case(b"message") {
        Some(if is_file(media) { StreamKind::File } else { StreamKind::Chat })
    } else {
        None
    }
}
