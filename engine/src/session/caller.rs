//! The caller's side: the INVITE over one route after the other, and what comes back.

use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};

use super::answers::EarlyAnswer;
use super::auth::{Proof, proven_ack};
use super::message::{check_headers, headers_of};
use super::{Cause, Core, Output, Route, UDP_REQUEST_MAX};
use crate::auth::Request;
use crate::dialog::Dialog;
use crate::dns::Wanted;
use crate::error::SessionError;
use crate::negotiate::{OwnLine, Settled, apply_answer};
use crate::notification::Originator;
use crate::sip::{Builder, HeaderName, Message, SipUri, Unprintable, text};
use crate::snapshot::CallDirection;
use crate::streams::Streams;
use crate::transaction::{ClientTransaction, Verdict};
use crate::transport::{Destination, Received, Transmit};

/// Targets of a redirection that are passed on at most.
const REDIRECTS_MAX: usize = 16;

/// A call that we place.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    uri: SipUri,
    /// None as long as they are looked up.
    routes: Vec<Route>,
    /// They were looked up.
    by_name: bool,
    /// Which route's turn it is.
    at: usize,
    /// The long INVITE could not go its own way: it goes as a datagram after all.
    long_refused: bool,
    headers: Vec<(String, String)>,
    /// What the INVITE offers.
    pub(super) lines: Vec<OwnLine>,
    call_id: String,
    /// The INVITE's number. Each route's try repeats it with a new branch; a 422 asks for another
    /// INVITE.
    cseq: u32,
    /// The shortest session timer that the peer takes.
    min_se: Option<u32>,
    pub(super) transaction: Option<ClientTransaction>,
    ack: Option<Transmit>,
    /// What branches of it have answered before their final response.
    pub(super) answers: Vec<EarlyAnswer>,
    /// The tag of a peer whose BYE came before its 2xx.
    pub(super) ended_by: Option<Box<[u8]>>,
}

impl Outgoing {
    pub(super) const fn uri(&self) -> &SipUri {
        &self.uri
    }

    /// Another INVITE follows.
    pub(super) const fn raise_cseq(&mut self) {
        self.cseq += 1;
    }

    pub(super) fn is_call(&self, call_id: &[u8]) -> bool {
        self.call_id.as_bytes() == call_id
    }
}

impl Core {
    pub(super) fn connect(
        &mut self,
        now: Instant,
        uri: SipUri,
        routes: Vec<Route>,
        streams: Streams,
        headers: Vec<(String, String)>,
    ) -> Result<(), SessionError> {
        if routes.is_empty() {
            self.permit("connect()", Event::Connect)?;
            let text = "connect(): there is no route to try".into();
            return Err(SessionError::InvalidArgument(text));
        }
        self.begin_call(now, uri, routes, streams, headers)
    }

    /// Calls somebody whom the shell finds first.
    pub(super) fn connect_by_name(
        &mut self,
        now: Instant,
        uri: SipUri,
        wanted: Vec<Wanted>,
        streams: Streams,
        headers: Vec<(String, String)>,
    ) -> Result<(), SessionError> {
        self.begin_call(now, uri, Vec::new(), streams, headers)?;
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.by_name = true;
        }
        self.push(Output::Locate(wanted));
        Ok(())
    }

    /// The ways to the peer are known, or that there is none: streams are prepared from here on.
    pub(super) fn located(&mut self, now: Instant, found: Result<Vec<Route>, String>) {
        let is_calling = self.state == State::Calling;
        let outgoing = self.outgoing.as_mut().filter(|outgoing| outgoing.routes.is_empty());
        let Some(outgoing) = outgoing.filter(|_| is_calling) else { return };
        let reason = match found {
            Ok(routes) if !routes.is_empty() => {
                self.description.address = routes.first().map(|way| way.destination.local.ip());
                outgoing.routes = routes;
                self.prepare_streams();
                if std::mem::take(&mut self.prepared_at_once) {
                    self.prepared(now);
                }
                return;
            }
            Ok(_) => "there is no way to the peer".into(),
            Err(reason) => reason,
        };
        self.cause = Cause::new(Originator::Local, 0, format!("DNS: {reason}"));
        self.apply(now, Event::PrepareFailed);
    }

    /// `routes` may come later.
    fn begin_call(
        &mut self,
        now: Instant,
        uri: SipUri,
        routes: Vec<Route>,
        streams: Streams,
        headers: Vec<(String, String)>,
    ) -> Result<(), SessionError> {
        self.permit("connect()", Event::Connect)?;
        let invalid = |why: &str| Err(SessionError::InvalidArgument(format!("connect(): {why}")));
        if streams.is_empty() {
            return invalid("ask for audio or chat");
        }
        if streams.chat && !self.settings.capabilities.chat {
            return Err(SessionError::NotBuilt("chat"));
        }
        check_headers(&headers)?;
        self.snapshot.direction = Some(CallDirection::Outgoing);
        self.snapshot.local_uri = Some(self.settings.local_uri.to_string());
        self.snapshot.remote_uri = Some(uri.to_string());
        self.description.address = routes.first().map(|way| way.destination.local.ip());
        self.wanted = streams;
        let random = self.entropy.hex::<32>();
        let call_id = text(&random).into_owned();
        self.outgoing = Some(Outgoing {
            uri,
            routes,
            by_name: false,
            at: 0,
            long_refused: false,
            headers,
            lines: Vec::new(),
            call_id,
            cseq: 1,
            min_se: None,
            transaction: None,
            ack: None,
            answers: Vec::new(),
            ended_by: None,
        });
        self.apply(now, Event::Connect);
        Ok(())
    }

    pub(super) fn send_invite(&mut self, now: Instant) {
        if self.try_invite(now).is_none() {
            let reason = "the INVITE cannot be built";
            self.cause = Cause::new(Originator::Local, 0, reason);
            self.apply(now, Event::PrepareFailed);
        }
    }

    fn try_invite(&mut self, now: Instant) -> Option<()> {
        let lines = self.lines_with(self.wanted)?;
        let body = self.describe_offer(now, false, &lines).ok()?;
        let outgoing = self.outgoing.as_mut()?;
        outgoing.lines = lines;
        outgoing.answers.clear();
        let route = *outgoing.routes.get(outgoing.at)?;
        let long_way = route.when_long.filter(|_| !outgoing.long_refused);
        let mut destination = route.destination;
        let uri = outgoing.uri.as_str().to_owned();
        let request = Request { method: b"INVITE", uri: uri.as_bytes(), body: &body };
        let mut proof = self.proof(&request, destination.remote.ip());
        let mut bytes = self.build_invite(destination, &proof, &body).ok()?;
        if let (true, Some(other)) = (bytes.len() > UDP_REQUEST_MAX, long_way) {
            if other.remote.ip() != destination.remote.ip() {
                proof = self.proof(&request, other.remote.ip());
            }
            destination = other;
            bytes = self.build_invite(destination, &proof, &body).ok()?;
        }
        self.snapshot.route = Some(destination);
        let transmit = Transmit { destination, bytes: Arc::from(bytes) };
        let transaction = ClientTransaction::new(now, self.settings.timers, transmit).ok()?;
        let mut last = self.outgoing.as_mut()?.transaction.replace(transaction);
        // A refused try still has its ACK to send, and repetitions of the refusal to absorb.
        // Over a reliable transport it is over with its ACK still to be sent.
        if let Some(mut last) = last.take_if(|last| last.is_answered() || last.is_terminated()) {
            while let Some(transmit) = last.poll_transmit() {
                self.push(Output::Transmit(transmit));
            }
            if !last.is_terminated() {
                self.push(Output::HandOver(Box::new(last)));
            }
        }
        Some(())
    }

    fn build_invite(
        &mut self,
        to: Destination,
        proof: &Proof,
        body: &[u8],
    ) -> Result<Vec<u8>, Unprintable> {
        let via = self.via(to);
        let missing = || Unprintable { what: "an INVITE without a call".into() };
        let outgoing = self.outgoing.as_ref().ok_or_else(missing)?;
        let uri = outgoing.uri.as_str();
        let from = format!("{};tag={}", self.settings.local_uri.to_name_addr(), self.local_tag);
        let mut builder = Builder::request(b"INVITE", uri.as_bytes())?
            .header(HeaderName::Via, via)?
            .header(HeaderName::MaxForwards, "70")?
            .header(HeaderName::From, from)?
            .header(HeaderName::To, format!("<{uri}>"))?
            .header(HeaderName::CallId, &outgoing.call_id)?
            .header(HeaderName::CSeq, format!("{} INVITE", outgoing.cseq))?
            .header(HeaderName::Contact, self.contact(to))?
            .header(HeaderName::Allow, crate::sip::ALLOWED_METHODS.join(", "))?
            .header(HeaderName::UserAgent, &self.settings.user_agent)?;
        builder = self.with_timer_wish(builder, outgoing.min_se)?;
        for (name, value) in &outgoing.headers {
            builder = builder.extension(name, value)?;
        }
        for (name, value) in proof {
            builder = builder.header(*name, value)?;
        }
        builder.body(b"application/sdp", body)
    }

    pub(super) fn response(&mut self, now: Instant, received: &Received) {
        let response = &received.message;
        if self.authentication(now, response) {
            return;
        }
        if self.offer_response(now, response) || self.refresh_response(now, response) {
            return;
        }
        for prack in &mut self.pracks {
            if prack.receive(now, response) != Verdict::NotMine {
                return;
            }
        }
        let invite = self.outgoing.as_mut().and_then(|out| out.transaction.as_mut());
        match invite.map_or(Verdict::NotMine, |invite| invite.receive(now, response)) {
            Verdict::Deliver => return self.invite_response(now, response),
            Verdict::Absorbed => return,
            Verdict::NotMine => {}
        }
        for transaction in self.forks.iter_mut().filter_map(|fork| fork.bye.as_mut()) {
            let _verdict = transaction.receive(now, response);
        }
        if let Some(cancel) = &mut self.cancel {
            let _verdict = cancel.receive(now, response);
        }
        let Some(bye) = &mut self.bye else { return };
        let verdict = bye.receive(now, response);
        if verdict == Verdict::Deliver && (bye.is_answered() || bye.is_terminated()) {
            self.apply(now, Event::Farewell);
        }
    }

    fn invite_response(&mut self, now: Instant, response: &Message) {
        let status = response.status().unwrap_or_default();
        if status >= 200 && self.snapshot.remote_user_agent.is_none() {
            self.snapshot.remote_user_agent = response.user_agent();
        }
        if status >= 300 {
            self.note_answer(response);
        }
        match status {
            100..200 => {
                if !self.acknowledge_provisional(now, response) {
                    return;
                }
                let answer = self.early_answer(response);
                let early = self.state == State::Calling && answer.is_some();
                if let Some((lines, settled)) = answer.filter(|_| early) {
                    self.agree(lines, settled);
                }
                let event = match (status == 180, early) {
                    (true, true) => Event::RxRingingMedia,
                    (true, false) => Event::RxRinging,
                    (false, true) => Event::RxProgressMedia,
                    (false, false) => Event::RxProgress,
                };
                self.apply(now, event);
            }
            200..300 => self.invite_accepted(now, response),
            401 | 407 if self.challenged_invite(response) => {
                self.apply(now, Event::TryNextRoute);
            }
            422 if self.lengthen_timer(response) => self.apply(now, Event::TryNextRoute),
            503 if self.gone() && self.advance() => self.apply(now, Event::TryNextRoute),
            _ => {
                let reason = self.failure_reason(response);
                self.cause = Cause::new(Originator::Remote, status, reason);
                self.apply(now, Event::RxFailure);
            }
        }
    }

    /// The description in a response, read as the answer to our offer.
    pub(super) fn read_answer(
        &self,
        response: &Message,
        lines: &[OwnLine],
    ) -> Option<Result<Settled, String>> {
        let is_sdp = response.content_type().is_some_and(|kind| kind == "application/sdp");
        if !is_sdp || response.body().is_empty() {
            return None;
        }
        let settled = apply_answer(response.body(), &self.settings.capabilities, lines);
        Some(settled.map_err(|refusal| refusal.reason))
    }

    fn invite_accepted(&mut self, now: Instant, response: &Message) {
        let known = self.dialog.as_ref().map(|dialog| dialog.is_of_response(response));
        if known == Some(false) {
            return self.end_fork(now, response);
        }
        if known == Some(true) {
            return self.apply(now, Event::Rx2xx);
        }
        self.dialog = self.dialog_of(response).map(Arc::new);
        // Those of other branches have numbers that the BYE to a late answer goes on from.
        let tag = self.dialog.as_ref().map(|dialog| dialog.remote_tag());
        self.early.retain(|early| Some(early.dialog.remote_tag()) != tag);
        self.note_answer(response);
        let tag = response.to().ok().and_then(|to| to.tag());
        let ended_by = self.outgoing.as_ref().and_then(|outgoing| outgoing.ended_by.as_deref());
        if tag.is_some() && tag == ended_by && self.state == State::Calling {
            self.send_ack();
            let text = "the peer ended the call before it stood";
            self.cause = Cause::new(Originator::Remote, 487, text);
            return self.apply(now, Event::RxBye);
        }
        self.timer_answered(now, response);
        let usable = match (self.final_answer(response), self.dialog.is_some()) {
            (Ok((_, settled)), _) if settled.is_empty() => {
                Err(settled.unmet.map(|unmet| unmet.reason).unwrap_or_default())
            }
            (Ok((lines, settled)), true) => {
                self.agree(lines, settled);
                Ok(())
            }
            (Err(reason), _) => Err(reason),
            (Ok(_), false) => Err("the answer makes no dialog".into()),
        };
        match usable {
            Ok(()) => self.apply(now, Event::Rx2xx),
            Err(reason) => {
                self.cause = Cause::new(Originator::Local, 488, reason);
                self.apply(now, Event::Rx2xxUnusable);
            }
        }
    }

    /// What the final answer says beside its status.
    fn note_answer(&mut self, response: &Message) {
        self.snapshot.remote_headers = headers_of(response);
        if response.status().is_some_and(|status| (300..400).contains(&status)) {
            let contacts = response.addresses(HeaderName::Contact).flatten();
            let contacts = contacts.take(REDIRECTS_MAX);
            self.redirects = contacts.map(|contact| text(contact.uri.raw).into_owned()).collect();
        }
    }

    /// The peer wants a longer session timer (RFC 4028 §7.3): another INVITE asks for it.
    fn lengthen_timer(&mut self, response: &Message) -> bool {
        let (Some(floor), Some(outgoing)) = (response.min_se(), &mut self.outgoing) else {
            return false;
        };
        if self.state != State::Calling || outgoing.min_se.is_some_and(|last| last >= floor) {
            return false;
        }
        outgoing.min_se = Some(floor);
        outgoing.cseq += 1;
        true
    }

    pub(super) fn invite_cseq(&self) -> u32 {
        self.outgoing.as_ref().map_or(1, |outgoing| outgoing.cseq)
    }

    pub(super) fn dialog_of(&self, response: &Message) -> Option<Dialog> {
        let invite = self.outgoing.as_ref()?.transaction.as_ref()?.request();
        let invite = Message::parse(&invite.bytes[..]).ok()?;
        let mut dialog = Dialog::of_caller(&invite, response).ok()?;
        let mut early = self.early.iter().map(|early| &early.dialog);
        if let Some(early) = early.find(|early| early.remote_tag() == dialog.remote_tag()) {
            dialog.continue_from(early);
        }
        Some(dialog)
    }

    /// Nobody answered, or the transport failed.
    pub(super) fn invite_unanswered(&mut self, now: Instant, code: u16, reason: &str) {
        if self.gone() && self.advance() {
            return self.apply(now, Event::TryNextRoute);
        }
        self.cause = Cause::new(Originator::Local, code, reason);
        self.apply(now, Event::NoAnswer);
    }

    /// The way at hand leads nowhere: later lookups try it last (RFC 3263 §4.3). Always true.
    fn gone(&mut self) -> bool {
        let by_name = self.outgoing.as_ref().is_some_and(|outgoing| outgoing.by_name);
        if let Some(way) = self.snapshot.route.filter(|_| by_name) {
            self.push(Output::Unreachable(way));
        }
        true
    }

    /// Moves to the next try; `false` when there is none, or nobody wants one any more.
    fn advance(&mut self) -> bool {
        if self.state != State::Calling || self.dialog.is_some() {
            return false;
        }
        let used = self.snapshot.route;
        let Some(outgoing) = &mut self.outgoing else { return false };
        let Some(route) = outgoing.routes.get(outgoing.at) else { return false };
        if used != Some(route.destination) && !outgoing.long_refused {
            outgoing.long_refused = true;
            return true;
        }
        self.auth.begin_try();
        outgoing.at += 1;
        outgoing.long_refused = false;
        outgoing.at < outgoing.routes.len()
    }

    pub(super) fn send_ack(&mut self) {
        let sent = self.outgoing.as_ref().and_then(|outgoing| outgoing.ack.clone());
        let built = || -> Option<Transmit> {
            let (dialog, peer) = (self.dialog.clone()?, self.peer()?);
            let cseq = self.invite_cseq();
            let ack = self.sender().ack(&dialog, peer, cseq)?;
            let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
            Some(invite.map_or(ack.clone(), |invite| proven_ack(ack, invite.request())))
        };
        let Some(ack) = sent.or_else(built) else { return };
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.ack = Some(ack.clone());
        }
        self.push(Output::Transmit(ack));
    }

    /// RFC 3261 §9.1: only after a provisional response, with the INVITE's own Via.
    pub(super) fn send_cancel(&mut self, now: Instant) {
        let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
        let Some(invite) = invite.filter(|invite| invite.is_proceeding()) else { return };
        if self.cancel.is_some() {
            return;
        }
        let destination = invite.request().destination;
        let Ok(bytes) = build_cancel(&invite.request().bytes) else { return };
        let transmit = Transmit { destination, bytes: Arc::from(bytes) };
        let timers = self.settings.timers;
        self.cancel = ClientTransaction::new(now, timers, transmit).ok();
        self.farewell = Some(now + timers.patience());
    }
}

/// RFC 3261 §9.1: Request-URI, Via, From, To, Call-ID, the number in CSeq and Route are the INVITE's.
pub(super) fn build_cancel(invite: &[u8]) -> Result<Vec<u8>, Unprintable> {
    let missing = || Unprintable { what: "the INVITE".into() };
    let invite = Message::parse(invite).map_err(|_| missing())?;
    let number = invite.cseq().map_err(|_| missing())?.number;
    let value = |name| invite.header(name).unwrap_or_default();
    let mut builder = Builder::request(b"CANCEL", invite.request_uri().unwrap_or_default())?
        .header(HeaderName::Via, value(HeaderName::Via))?
        .header(HeaderName::MaxForwards, "70")?;
    for route in invite.elements(HeaderName::Route) {
        builder = builder.header(HeaderName::Route, route)?;
    }
    Ok(builder
        .header(HeaderName::From, value(HeaderName::From))?
        .header(HeaderName::To, value(HeaderName::To))?
        .header(HeaderName::CallId, value(HeaderName::CallId))?
        .header(HeaderName::CSeq, format!("{number} CANCEL"))?
        .finish())
}
