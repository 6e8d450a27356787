//! What is asked of a call that stands waits here for its turn: one offer at a time, first come,
//! first served.

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::Core;
use super::offering::Offering;
use crate::error::SessionError;
use crate::notification::StreamKind;
use crate::streams::Streams;

/// Orders that wait for their turn at most; more are refused as busy.
pub const QUEUE_MAX: usize = 32;

/// One thing to do with an offer of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Job {
    /// Hold.
    Hold,
    /// Unhold.
    Unhold,
    /// Add a stream.
    Add(StreamKind),
    /// Remove a stream.
    Remove(StreamKind),
    /// Close the line of a stream that is gone.
    Close(StreamKind),
    /// Offer what there is: the session timer asks for it.
    Refresh,
}

impl Core {
    pub(super) fn hold(&mut self, now: Instant, on: bool) -> Result<(), SessionError> {
        let (method, job) = if on { ("hold()", Job::Hold) } else { ("unhold()", Job::Unhold) };
        self.permit(method, Event::Hold)?;
        self.enqueue(now, Event::Hold, job)
    }

    pub(super) fn add(&mut self, now: Instant, kind: StreamKind) -> Result<(), SessionError> {
        let (method, again) = match kind {
            StreamKind::Audio => ("add_audio()", "add_audio() while there is audio"),
            StreamKind::Chat => ("add_chat()", "add_chat() while there is a chat"),
            StreamKind::File => return Err(no_file()),
        };
        self.permit(method, Event::Propose)?;
        if kind == StreamKind::Chat && !self.settings.capabilities.chat {
            return Err(SessionError::NotBuilt("chat"));
        }
        if self.will_have(kind) {
            return self.permit(again, Event::ProposePresent);
        }
        self.enqueue(now, Event::Propose, Job::Add(kind))
    }

    pub(super) fn remove(&mut self, now: Instant, kind: StreamKind) -> Result<(), SessionError> {
        let (method, absent) = match kind {
            StreamKind::Audio => ("remove_audio()", "remove_audio() without audio"),
            StreamKind::Chat => ("remove_chat()", "remove_chat() without a chat"),
            StreamKind::File => return Err(no_file()),
        };
        self.permit(method, Event::Remove)?;
        if !self.will_have(kind) {
            return self.permit(absent, Event::RemoveAbsent);
        }
        self.enqueue(now, Event::Remove, Job::Remove(kind))
    }

    pub(super) fn enqueue(
        &mut self,
        now: Instant,
        event: Event,
        job: Job,
    ) -> Result<(), SessionError> {
        if self.queue.len() >= QUEUE_MAX {
            return Err(SessionError::Busy);
        }
        self.ordered = Some(job);
        self.apply(now, event);
        Ok(())
    }

    /// Carries out [`Action::Enqueue`](offhook_fsm::session::Action).
    pub(super) fn enqueue_order(&mut self) {
        self.queue.extend(self.ordered.take());
    }

    /// The line of a stream that is gone, or never came to be, is closed in its turn.
    pub(super) fn close_later(&mut self, kind: StreamKind) {
        let close = Job::Close(kind);
        if self.description.line_of(kind).is_some() && !self.queue.contains(&close) {
            self.queue.push_back(close);
        }
    }

    /// Whether a stream is there once everything that waits is done.
    fn will_have(&self, kind: StreamKind) -> bool {
        let last = self.queue.iter().rev().find_map(|job| match job {
            Job::Add(of) if *of == kind => Some(true),
            Job::Remove(of) if *of == kind => Some(false),
            _ => None,
        });
        last.unwrap_or_else(|| self.exists(kind))
    }

    /// Whether the end of a stream is still to be offered. Until then the peer's own offers have its
    /// line, and propose nothing with it.
    pub(super) fn is_leaving(&self, kind: StreamKind) -> bool {
        let under_way = self.offering.as_ref().map(|offering| &offering.job);
        self.queue
            .iter()
            .chain(under_way)
            .any(|job| matches!(job, Job::Remove(of) | Job::Close(of) if *of == kind))
    }

    pub(super) const fn exists(&self, kind: StreamKind) -> bool {
        match kind {
            StreamKind::Audio => self.audio.exists,
            StreamKind::Chat => self.chat.exists,
            StreamKind::File => self.file.exists,
        }
    }

    /// Whether an offer of ours may leave now (RFC 3261 §14.1, RFC 3264 §4).
    fn may_offer(&self) -> bool {
        self.state == State::Established
            && self.offering.is_none()
            && self.unacknowledged_cseq().is_none()
    }

    /// Starts what waits, as long as nothing is under way.
    pub(super) fn run_queue(&mut self, now: Instant) {
        while self.may_offer() {
            let Some(job) = self.queue.pop_front() else { return };
            self.begin(now, job);
        }
    }

    /// What would change nothing is passed over without a word (REFERENCE 1.5).
    fn begin(&mut self, now: Instant, job: Job) {
        let event = match job {
            Job::Hold if !self.snapshot.on_hold_by_local => Event::BeginHold,
            Job::Unhold if self.snapshot.on_hold_by_local => Event::BeginHold,
            Job::Add(StreamKind::File) if !self.may_begin_file() => return,
            Job::Add(kind) if !self.exists(kind) => Event::BeginProposal,
            Job::Remove(kind) if self.exists(kind) => Event::BeginRemove,
            Job::Close(kind) if self.description.line_of(kind).is_some() => Event::BeginRemove,
            Job::Refresh => Event::RepeatOffer,
            _ => return,
        };
        match job {
            Job::Hold => self.set_hold(true),
            Job::Unhold => self.set_hold(false),
            Job::Add(StreamKind::File) => {
                self.wanted = Streams::default();
                self.begin_file();
            }
            Job::Add(kind) => self.wanted = Streams::only(kind),
            Job::Remove(_) | Job::Close(_) | Job::Refresh => {}
        }
        self.offering = Some(Offering::new(job));
        self.apply(now, event);
    }
}

fn no_file() -> SessionError {
    SessionError::InvalidArgument(
        "a file is added with send_file(), removed with cancel_file()".into(),
    )
}
