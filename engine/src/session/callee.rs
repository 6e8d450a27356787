//! The callee's side: ringing, the answer and its repetition, and the peer's requests.

use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::message::{address_text, check_headers};
use super::{Cause, Core, Output};
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
    key: ServerKey,
    pub(super) received: Received,
    offered: Offered,
    headers: Vec<(String, String)>,
    /// Our description for the 200.
    answer: Vec<u8>,
    /// What a refusal says: code and Warning text.
    refusal: (u16, String),
    /// The 200, for as long as it is repeated.
    ok: Option<Transmit>,
    final_sent: bool,
    /// When the 200 goes out again, and the pause after it.
    repeat: Option<(Instant, Duration)>,
    /// When the wait for the ACK is over.
    ack_by: Option<Instant>,
}

impl Incoming {
    /// Whether a final response was sent.
    pub(super) const fn is_answered(&self) -> bool {
        self.final_sent
    }

    /// Whether our 200 is out and its ACK is not here.
    pub(super) const fn awaits_ack(&self) -> bool {
        self.ack_by.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.repeat.map(|(at, _)| at), self.ack_by].into_iter().flatten().min()
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
        self.dialog = Dialog::of_callee(invite, &self.local_tag).ok();
        self.incoming = Some(Incoming {
            key,
            received,
            offered,
            headers: Vec::new(),
            answer: Vec::new(),
            refusal: (486, String::new()),
            ok: None,
            final_sent: false,
            repeat: None,
            ack_by: None,
        });
        self.apply(now, Event::RxInvite);
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

    pub(super) fn send_ringing(&mut self) {
        self.answer_invite(180, "Ringing", None);
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
        if (streams.audio && !incoming.offered.audio) || (streams.chat && !incoming.offered.chat) {
            return invalid("the peer does not propose that stream");
        }
        if streams.chat {
            return Err(SessionError::NotBuilt("chat"));
        }
        check_headers(&headers)?;
        self.audio.address = Some(incoming.received.source.local.ip());
        if let Some(incoming) = &mut self.incoming {
            incoming.headers = headers;
        }
        self.apply(now, Event::Accept);
        Ok(())
    }

    pub(super) fn negotiate_answer(&mut self, now: Instant) -> Result<(), Refusal> {
        let missing = || Refusal { status: 500, reason: "nothing is prepared".into() };
        let local = self.local_media(now).ok_or_else(missing)?;
        let incoming = self.incoming.as_mut().ok_or_else(missing)?;
        let offer = incoming.received.message.body();
        let (body, settled) = answer(offer, &self.settings.capabilities, &local)?;
        incoming.answer = body;
        self.audio.settled = Some(settled);
        Ok(())
    }

    /// The 200, again and again until the ACK (RFC 3261 §13.3.1.4), over every transport.
    pub(super) fn send_answer(&mut self, now: Instant) {
        let Some(body) = self.incoming.as_ref().map(|incoming| incoming.answer.clone()) else {
            return;
        };
        let timers = self.settings.timers;
        let ok = self.answer_invite(200, "OK", Some(&body));
        if let Some(incoming) = &mut self.incoming {
            incoming.ok = ok;
            let pause = timers.t1.saturating_mul(2).min(timers.t2);
            incoming.repeat = Some((now + timers.t1, pause));
            incoming.ack_by = Some(now + timers.patience());
        }
    }

    /// Sets what the next refusal says.
    pub(super) fn refuse_with(&mut self, code: u16, warning: &str) {
        if let Some(incoming) = &mut self.incoming {
            incoming.refusal = (code, warning.into());
        }
    }

    pub(super) fn send_refusal(&mut self) {
        let Some(incoming) = self.incoming.as_ref().filter(|incoming| !incoming.final_sent) else {
            return;
        };
        self.answer_invite(incoming.refusal.0, reason_phrase(incoming.refusal.0), None);
    }

    fn answer_invite(
        &mut self,
        status: u16,
        reason: &str,
        body: Option<&[u8]>,
    ) -> Option<Transmit> {
        let mut incoming = self.incoming.take()?;
        incoming.final_sent |= status >= 200;
        let agent = incoming.received.source.local.ip();
        let warning = Some(&incoming.refusal.1).filter(|text| status >= 300 && !text.is_empty());
        let sent =
            self.respond(&incoming.key, &incoming.received, status, reason, |mut builder| {
                if let Some(text) = warning {
                    let text = text.replace(['"', '\\'], "'");
                    builder =
                        builder.header(HeaderName::Warning, format!("399 {agent} \"{text}\""))?;
                }
                for (name, value) in incoming.headers.iter().filter(|_| status == 200) {
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

    pub(super) fn answer_timeout(&mut self, now: Instant) {
        let t2 = self.settings.timers.t2;
        let Some(incoming) = &mut self.incoming else { return };
        if incoming.ack_by.is_some_and(|at| at <= now) {
            (incoming.ack_by, incoming.repeat, incoming.ok) = (None, None, None);
            self.cause = Cause::new(Originator::Local, 408, "the ACK never came");
            return self.apply(now, Event::NoAck);
        }
        if let Some((at, pause)) = incoming.repeat.filter(|(at, _)| *at <= now) {
            incoming.repeat = Some((at + pause, pause.saturating_mul(2).min(t2)));
            if let Some(ok) = incoming.ok.clone() {
                self.push(Output::Transmit(ok));
            }
        }
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
        self.answer_request(481, "Call/Transaction Does Not Exist");
    }

    fn cancelled(&mut self, now: Instant) {
        self.answer_request(200, "OK");
        if self.incoming.as_ref().is_some_and(|incoming| !incoming.final_sent) {
            self.cause = Cause::new(Originator::Remote, 487, "the caller cancelled the call");
            self.apply(now, Event::RxCancel);
        }
    }

    fn acknowledged(&mut self, now: Instant) {
        let fits = self.unanswered.as_ref().is_some_and(|(_, received)| {
            self.dialog.as_ref().is_some_and(|dialog| dialog.is_of_request(&received.message))
        });
        if let Some(incoming) = self.incoming.as_mut().filter(|i| fits && i.ack_by.is_some()) {
            (incoming.ack_by, incoming.repeat, incoming.ok) = (None, None, None);
            self.apply(now, Event::RxAck);
        }
    }

    fn in_dialog(&mut self, now: Instant, method: &[u8]) {
        let Some((_, received)) = &self.unanswered else { return };
        let Some(dialog) = &mut self.dialog else { return };
        if !dialog.is_of_request(&received.message) {
            return;
        }
        if dialog.note_request(&received.message) == Order::Stale {
            return self.answer_request(500, "Server Internal Error");
        }
        match method {
            b"BYE" => {
                let text = "the peer ended the call before it stood";
                self.cause = Cause::new(Originator::Remote, 487, text);
                self.apply(now, Event::RxBye);
            }
            b"OPTIONS" => self.answer_request(200, "OK"),
            // Changes of a running call are not built yet; the call itself goes on.
            b"INVITE" if self.state == State::Established => {
                self.answer_request(488, "Not Acceptable Here");
            }
            b"INVITE" => {}
            _ => self.answer_request(405, "Method Not Allowed"),
        }
    }

    /// Answers the request at hand, if it is still unanswered.
    pub(super) fn answer_request(&mut self, status: u16, reason: &str) {
        if let Some((key, received)) = self.unanswered.take() {
            self.respond(&key, &received, status, reason, |builder| Ok(builder.finish()));
        }
    }
}
