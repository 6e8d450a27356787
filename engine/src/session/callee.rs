//! The callee's side: ringing, the answer and its repetition, and the peer's requests.

use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::message::{address_text, check_headers, headers_of, warning};
use super::{Cause, Core};
use crate::dialog::{Dialog, Order};
use crate::error::SessionError;
use crate::negotiate::{Offered, Refusal, answer, screen};
use crate::notification::{Originator, StreamKind};
use crate::sip::{HeaderName, reason_phrase};
use crate::snapshot::CallDirection;
use crate::streams::Streams;
use crate::transaction::ServerKey;
use crate::transport::{Received, Transmit};

/// A call that came in.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// The INVITE and its transaction. Shared with the last [`Farewell`](super::Farewell).
    pub(super) invite: Arc<(ServerKey, Received)>,
    offered: Offered,
    headers: Vec<(String, String)>,
    /// Our description for the 200.
    answer: Vec<u8>,
    /// What a refusal says: code and Warning text.
    refusal: (u16, String),
    /// The reason phrase of a refusal by the application.
    phrase: Option<String>,
    final_sent: bool,
}

impl Incoming {
    fn invite(&self) -> &Received {
        &self.invite.1
    }

    /// Whether a final response was sent.
    pub(super) const fn is_answered(&self) -> bool {
        self.final_sent
    }

    /// Whether early media has answered the offer: there is no other answer (RFC 3261 §13.2.1).
    const fn is_promised(&self) -> bool {
        !self.answer.is_empty()
    }

    /// Whether the caller leaves the offer to us (RFC 3261 §13.2.1).
    pub(super) fn is_offerless(&self) -> bool {
        self.invite().message.body().is_empty()
    }
}

impl Core {
    pub(super) fn invited(&mut self, now: Instant, key: ServerKey, received: Received) {
        if self.state != State::Null {
            return;
        }
        let invite = &received.message;
        let offered = screen(invite.body(), &self.settings.capabilities);
        let offered = offered.unwrap_or(Offered { audio: false, chat: false });
        let shown = |address: Result<crate::sip::NameAddr<'_>, _>| {
            address.ok().map(|address| address_text(&address))
        };
        self.snapshot.direction = Some(CallDirection::Incoming);
        self.snapshot.remote_uri = shown(invite.from());
        self.snapshot.local_uri = shown(invite.to());
        self.snapshot.remote_user_agent = invite.user_agent();
        self.snapshot.remote_headers = headers_of(invite);
        self.dialog = Dialog::of_callee(invite, &self.local_tag).ok().map(Arc::new);
        self.incoming = Some(Incoming {
            invite: Arc::new((key, received)),
            offered,
            headers: Vec::new(),
            answer: Vec::new(),
            refusal: (486, String::new()),
            phrase: None,
            final_sent: false,
        });
        self.apply(now, Event::RxInvite);
        self.watch_for_auto_answer(now);
        if self.dialog.is_none() {
            // The endpoint refuses such an INVITE before there is a session.
            self.refuse_with(400, "");
            self.cause = Cause::new(Originator::Remote, 400, "the INVITE makes no dialog");
            self.apply(now, Event::InternalError);
        }
    }

    pub(super) fn offered_streams(&self) -> Vec<StreamKind> {
        let offered = self.incoming.as_ref().map(|incoming| incoming.offered);
        offered.map(|o| Streams { audio: o.audio, chat: o.chat }.kinds()).unwrap_or_default()
    }

    /// The streams of the offer; audio where the offer is ours.
    pub(super) fn offered(&self) -> Streams {
        let Some(incoming) = &self.incoming else { return Streams::default() };
        if incoming.is_offerless() {
            return Streams::AUDIO;
        }
        Streams { audio: incoming.offered.audio, chat: incoming.offered.chat }
    }

    /// A 180, or a 183 with our answer.
    pub(super) fn send_provisional(&mut self, now: Instant, status: u16) {
        let answer = self.incoming.as_ref().map(|incoming| incoming.answer.clone());
        let body = answer.filter(|body| status == 183 && !body.is_empty());
        if !self.must_be_reliable(body.is_some()) {
            self.answer_invite(now, status, body.as_deref(), None);
        } else if self.reliable.is_some() {
            self.provisional_waiting = Some(status);
        } else {
            let rseq = self.next_rseq();
            let sent = self.answer_invite(now, status, body.as_deref(), Some(rseq));
            self.await_prack(now, sent, body.is_some());
        }
    }

    /// Early media: what is offered of these streams starts before the call is taken.
    pub(super) fn progress(&mut self, now: Instant, streams: Streams) -> Result<(), SessionError> {
        self.permit("send_progress()", Event::Progress)?;
        let (offered, incoming) = (self.offered(), self.incoming.as_ref());
        let invalid =
            |why: &str| Err(SessionError::InvalidArgument(format!("send_progress(): {why}")));
        let Some(incoming) = incoming.filter(|incoming| !incoming.is_offerless()) else {
            return invalid("the INVITE has no offer to answer");
        };
        if streams.is_empty() || streams.kinds().iter().any(|kind| !offered.contains(*kind)) {
            return invalid("ask for streams that the peer proposes");
        }
        if incoming.is_promised() && streams != self.wanted {
            return invalid("the offer is answered already, with other streams");
        }
        self.description.address = Some(incoming.invite().source.local.ip());
        self.wanted = streams;
        self.apply(now, Event::Progress);
        Ok(())
    }

    pub(super) fn accept(
        &mut self,
        now: Instant,
        streams: Streams,
        headers: Vec<(String, String)>,
    ) -> Result<(), SessionError> {
        self.permit("accept()", Event::Accept)?;
        let Some(incoming) = &self.incoming else { return Err(SessionError::EngineEnded) };
        let invalid = |why: &str| Err(SessionError::InvalidArgument(format!("accept(): {why}")));
        if streams.is_empty() {
            return invalid("ask for audio or chat");
        }
        if incoming.is_promised() && streams != self.wanted {
            return invalid("send_progress() has answered the offer with other streams");
        }
        // Where the offer is ours, any stream may be asked for.
        let offered = incoming.offered;
        let lacking = (streams.audio && !offered.audio) || (streams.chat && !offered.chat);
        if lacking && !incoming.is_offerless() {
            return invalid("the peer does not propose that stream");
        }
        if streams.chat && !self.settings.capabilities.chat {
            return Err(SessionError::NotBuilt("chat"));
        }
        check_headers(&headers)?;
        self.description.address = Some(incoming.invite().source.local.ip());
        self.wanted = Streams {
            audio: streams.audio || self.wanted.audio,
            chat: streams.chat || self.wanted.chat,
        };
        if let Some(incoming) = &mut self.incoming {
            incoming.headers = headers;
        }
        self.apply(now, Event::Accept);
        Ok(())
    }

    /// Makes our description for the 200: the answer, or the offer where the INVITE has none.
    pub(super) fn negotiate_answer(&mut self, now: Instant) -> Result<(), Refusal> {
        let missing = || Refusal { status: 500, reason: "nothing is prepared".into() };
        let invite = Arc::clone(&self.incoming.as_ref().ok_or_else(missing)?.invite);
        let theirs = invite.1.message.body();
        let body = if theirs.is_empty() {
            let lines = self.lines_with(self.wanted).ok_or_else(missing)?;
            let body = self.describe_offer(now, false, &lines)?;
            self.offered_in_ok = Some(lines);
            body
        } else {
            let wishes = self.wishes(self.wanted);
            let (body, (lines, settled)) = self.describe(now, false, |able, origin| {
                let made = answer(theirs, able, origin, &wishes)?;
                Ok((made.body, (made.lines, made.settled)))
            })?;
            if settled.is_empty() {
                return Err(settled.unmet.unwrap_or_else(missing));
            }
            self.description.lines = lines;
            self.settled = Some(settled);
            body
        };
        self.incoming.as_mut().ok_or_else(missing)?.answer = body;
        Ok(())
    }

    /// The 200, again and again until the ACK.
    pub(super) fn send_answer(&mut self, now: Instant) {
        let Some(body) = self.incoming.as_ref().map(|incoming| incoming.answer.clone()) else {
            return;
        };
        let ok = self.answer_invite(now, 200, Some(&body), None);
        let invite = self.incoming.as_ref().map(|incoming| &incoming.invite().message);
        let cseq = invite.and_then(|invite| invite.cseq().ok()).map(|cseq| cseq.number);
        self.await_acknowledgement(now, cseq, ok);
    }

    /// Sets what the next refusal says.
    pub(super) fn refuse_with(&mut self, code: u16, warning: &str) {
        if let Some(incoming) = &mut self.incoming {
            incoming.refusal = (code, warning.into());
        }
    }

    /// The application's own refusal.
    pub(super) fn refuse_as(
        &mut self,
        code: u16,
        phrase: Option<String>,
        headers: Vec<(String, String)>,
    ) -> Result<(), SessionError> {
        if phrase.as_ref().is_some_and(|phrase| phrase.contains(['\r', '\n', '\0'])) {
            let text = "reject(): the reason has a line end".into();
            return Err(SessionError::InvalidArgument(text));
        }
        self.refuse_with(code, "");
        if let Some(incoming) = &mut self.incoming {
            (incoming.phrase, incoming.headers) = (phrase, headers);
        }
        Ok(())
    }

    pub(super) fn send_refusal(&mut self, now: Instant) {
        let Some(incoming) = self.incoming.as_ref().filter(|incoming| !incoming.final_sent) else {
            return;
        };
        self.answer_invite(now, incoming.refusal.0, None, None);
    }

    fn answer_invite(
        &mut self,
        now: Instant,
        status: u16,
        body: Option<&[u8]>,
        rseq: Option<u32>,
    ) -> Option<Transmit> {
        let mut incoming = self.incoming.take()?;
        if status >= 200 {
            incoming.final_sent = true;
            (self.reliable, self.provisional_waiting) = (None, None);
        }
        let message = &incoming.invite.1.message;
        let timer = (status == 200).then(|| self.answer_timer(now, message));
        let phrase = incoming.phrase.as_deref().filter(|_| status >= 300);
        let reason = phrase.unwrap_or_else(|| reason_phrase(status));
        let (key, received) = &*incoming.invite;
        let warned = Some(&incoming.refusal.1).filter(|text| status >= 300 && !text.is_empty());
        let sent = self.respond(key, received, status, reason, |mut builder| {
            if let Some(text) = warned {
                builder = builder.header(HeaderName::Warning, warning(received, text))?;
            }
            if let Some(timer) = timer {
                builder = timer.write(builder)?;
            }
            if let Some(rseq) = rseq {
                builder = builder
                    .header(HeaderName::Require, "100rel")?
                    .header(HeaderName::RSeq, rseq.to_string())?;
            }
            for (name, value) in incoming.headers.iter().filter(|_| status >= 200) {
                builder = builder.extension(name, value)?;
            }
            match body {
                Some(body) => builder.body(b"application/sdp", body),
                None => Ok(builder.finish()),
            }
        });
        self.incoming = Some(incoming);
        sent
    }

    /// A request in the dialog, or the CANCEL of its INVITE.
    pub(super) fn request(&mut self, now: Instant, key: ServerKey, received: Received) {
        let method = received.message.method().unwrap_or_default().to_vec();
        self.unanswered = Some((key, received));
        match method.as_slice() {
            b"CANCEL" => self.cancelled(now),
            b"ACK" => self.acknowledged(now),
            _ => self.in_dialog(now, &method),
        }
        // An event that the table ignores leaves its request without an answer.
        if method == b"ACK" {
            self.unanswered = None;
        }
        self.answer_request(481);
    }

    fn cancelled(&mut self, now: Instant) {
        let cancelled = self.unanswered.as_ref();
        let cancelled = cancelled.and_then(|(_, r)| ServerKey::of_cancelled(&r.message).ok());
        self.answer_request(200);
        let open = self.incoming.as_ref().filter(|incoming| !incoming.final_sent);
        if self.proposal.as_ref().map(|proposal| &proposal.request.0) == cancelled.as_ref()
            && cancelled.is_some()
        {
            self.reoffer_refusal = (487, "cancelled by the peer".into());
            return self.apply(now, Event::RxCancel);
        }
        // Other re-INVITEs are answered at once: their CANCEL comes too late.
        if open.is_some_and(|incoming| Some(&incoming.invite.0) == cancelled.as_ref()) {
            self.cause = Cause::new(Originator::Remote, 487, "the caller cancelled the call");
            self.apply(now, Event::RxCancel);
        }
    }

    fn in_dialog(&mut self, now: Instant, method: &[u8]) {
        let Some((key, received)) = &self.unanswered else { return };
        let Some(dialog) = &self.dialog else {
            return match method {
                b"UPDATE" => self.early_update(now),
                b"BYE" => self.bye_before_answer(),
                _ => {}
            };
        };
        let repeats = |first: &Received| first.message.cseq().ok() == received.message.cseq().ok();
        let rings = self.proposal.as_ref().map(|proposal| &*proposal.request);
        if rings.is_some_and(|(of, first)| of == key && repeats(first)) {
            // The endpoint had no room to recognize a repetition.
            return self.ring_proposal();
        }
        if !dialog.is_of_request(&received.message) {
            return;
        }
        let cseq = received.message.cseq().ok().map(|cseq| cseq.number);
        if method == b"INVITE" && cseq.is_some() && cseq == self.unacknowledged_cseq() {
            return self.repeat_ok();
        }
        let Some((_, received)) = &self.unanswered else { return };
        let Some(dialog) = &mut self.dialog else { return };
        if Arc::make_mut(dialog).note_request(&received.message) == Order::Stale {
            return self.answer_request(500);
        }
        match method {
            b"BYE" => {
                let text = "the peer ended the call before it stood";
                self.cause = Cause::new(Originator::Remote, 487, text);
                self.apply(now, Event::RxBye);
            }
            b"OPTIONS" => self.answer_request(200),
            b"PRACK" => self.pracked(now),
            b"INVITE" | b"UPDATE" => self.reinvited(now),
            _ => self.answer_request(405),
        }
    }

    /// An UPDATE before the call stands, in a dialog that a reliable response made (RFC 3311 §5.2).
    fn early_update(&mut self, now: Instant) {
        let Some((_, received)) = &self.unanswered else { return };
        let mut early = self.early.iter_mut().map(|early| &mut early.dialog);
        let Some(dialog) = early.find(|dialog| dialog.is_of_request(&received.message)) else {
            return;
        };
        if dialog.note_request(&received.message) == Order::Stale {
            return self.answer_request(500);
        }
        self.reinvited(now);
    }

    /// A BYE that has overtaken the 2xx which makes its dialog: the call is over before it stands.
    fn bye_before_answer(&mut self) {
        let (Some((_, received)), Some(outgoing)) = (&self.unanswered, &mut self.outgoing) else {
            return;
        };
        let (from, to) = (received.message.from(), received.message.to());
        let ours = to.ok().and_then(|to| to.tag()) == Some(self.local_tag.as_bytes())
            && outgoing.is_call(received.message.call_id().unwrap_or_default());
        let theirs = from.ok().and_then(|from| from.tag());
        if let (true, Some(tag)) = (ours, theirs) {
            outgoing.ended_by = Some(tag.into());
            self.answer_request(200);
        }
    }

    /// Answers the request at hand, if it is still unanswered.
    pub(super) fn answer_request(&mut self, status: u16) {
        if let Some((key, received)) = self.unanswered.take() {
            let reason = reason_phrase(status);
            self.respond(&key, &received, status, reason, |builder| Ok(builder.finish()));
        }
    }
}
