//! A re-INVITE of the peer that adds streams: it rings until the application decides
//! (REFERENCE 1.3 rows 39–43).

use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_msrp::file::FileAttributes;

use super::Core;
use super::message::warning;
use crate::error::SessionError;
use crate::negotiate::{Refusal, answer};
use crate::notification::StreamKind;
use crate::sip::{HeaderName, reason_phrase};
use crate::streams::Streams;
use crate::transaction::ServerKey;
use crate::transport::Received;

/// The peer's proposal.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    /// The re-INVITE. Shared with the last [`Farewell`](super::Farewell).
    pub(super) request: Arc<(ServerKey, Received)>,
    /// What it adds.
    pub(super) streams: Streams,
    /// The file that it adds.
    pub(super) file: Option<FileAttributes>,
    pub(super) accepting: bool,
}

impl Proposal {
    pub(super) fn new(
        key: ServerKey,
        received: Received,
        streams: Streams,
        file: Option<FileAttributes>,
    ) -> Self {
        Self { request: Arc::new((key, received)), streams, file, accepting: false }
    }
}

impl Core {
    pub(super) fn accept_proposal(
        &mut self,
        now: Instant,
        streams: Streams,
    ) -> Result<(), SessionError> {
        self.permit("accept_proposal()", Event::AcceptProposal)?;
        let Some(proposal) = &mut self.proposal else { return Err(SessionError::EngineEnded) };
        if proposal.accepting {
            let method = "accept_proposal() while the first one works";
            return self.permit(method, Event::AcceptProposalAgain);
        }
        let invalid =
            |why: &str| Err(SessionError::InvalidArgument(format!("accept_proposal(): {why}")));
        if streams.is_empty() {
            return invalid("ask for audio or chat");
        }
        let offered = proposal.streams;
        if streams.kinds().iter().any(|kind| !offered.contains(*kind)) {
            return invalid("the peer does not propose that stream");
        }
        proposal.accepting = true;
        let file = proposal.file.take();
        self.tell_file_refused(now, file);
        self.wanted = streams;
        self.apply(now, Event::AcceptProposal);
        Ok(())
    }

    pub(super) fn reject_proposal(&mut self, now: Instant) -> Result<(), SessionError> {
        self.permit("reject_proposal()", Event::RejectProposal)?;
        self.reoffer_refusal = (488, "rejected by the user".into());
        self.apply(now, Event::RejectProposal);
        Ok(())
    }

    pub(super) fn proposal_streams(&self) -> Vec<StreamKind> {
        let Some(proposal) = &self.proposal else { return Vec::new() };
        let mut kinds = proposal.streams.kinds();
        kinds.extend(proposal.file.as_ref().map(|_| StreamKind::File));
        kinds
    }

    /// The proposal at hand is settled; why, if it was refused.
    pub(super) fn proposal_ends(&self) -> String {
        self.reoffer_refusal.1.clone()
    }

    pub(super) fn ring_proposal(&mut self) {
        let Some((key, received)) = self.proposal.as_ref().map(|p| (*p.request).clone()) else {
            return;
        };
        self.unanswered = None;
        self.respond(&key, &received, 180, "Ringing", |builder| Ok(builder.finish()));
    }

    /// Our answer to the proposal, with what the application took of it.
    pub(super) fn negotiate_proposal(&mut self, now: Instant) -> Result<(), Refusal> {
        let missing = || Refusal::new(500, "there is no proposal");
        let request = Arc::clone(&self.proposal.as_ref().ok_or_else(missing)?.request);
        let wanted = self.wanted;
        let wishes = self.wishes(wanted);
        let before = self.description.clone();
        let (body, made) = self.describe(now, false, |able, origin| {
            let made = answer(request.1.message.body(), able, origin, &wishes)?;
            Ok((made.body, (made.lines, made.settled)))
        })?;
        let (lines, settled) = made;
        let has_file = self.description.line_of(StreamKind::File).is_some();
        let taken = (wanted.audio && settled.audio.is_some())
            || (wanted.chat && settled.chat.is_some())
            || (!has_file && settled.file.is_some());
        let keeps = self.keeps_what_runs(&settled);
        if !taken || !keeps {
            self.description = before;
            let unmet =
                settled.unmet.map_or_else(|| "nothing in it can be used".into(), |u| u.reason);
            self.drop_wanted(now);
            return Err(Refusal::new(488, unmet));
        }
        self.reoffer = Some((body, lines, settled));
        Ok(())
    }

    /// Streams that were prepared for an answer that is not given.
    pub(super) fn drop_wanted(&mut self, now: Instant) {
        for kind in std::mem::take(&mut self.wanted).kinds() {
            if self.exists(kind) && self.description.line_of(kind).is_none() {
                self.remove_stream(now, kind);
            }
        }
        if self.description.line_of(StreamKind::File).is_none() {
            self.remove_file(now);
        }
    }

    /// Refuses the proposal with what is at hand.
    pub(super) fn refuse_proposal(&mut self, now: Instant, event: Event) {
        let Some(proposal) = self.proposal.take() else { return };
        let refused = proposal.file.clone().filter(|_| !proposal.accepting);
        self.tell_file_refused(now, refused);
        let (status, reason) = match event {
            Event::RejectProposal | Event::PrepareFailed | Event::NegotiationFailed => {
                self.reoffer_refusal.clone()
            }
            Event::InternalError | Event::MediaFailed => (500, String::new()),
            _ => (487, String::new()),
        };
        if self.state == State::Established {
            self.drop_wanted(now);
        }
        let (key, received) = (*proposal.request).clone();
        self.respond(&key, &received, status, reason_phrase(status), |mut builder| {
            if !reason.is_empty() {
                builder = builder.header(HeaderName::Warning, warning(&received, &reason))?;
            }
            Ok(builder.finish())
        });
    }
}
