//! What becomes of a request: absorbed, refused, or passed on (RFC 3261 §8.2).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use offhook_fsm::Instant;

use super::core::{MergeKey, origin};
use super::{Callee, Core, Output, called};
use crate::id::SessionId;
use crate::negotiate::{Capabilities, Offered, screen};
use crate::sip::{
    ALLOWED_METHODS, Builder, HeaderName, MIN_SE_S, Message, SUPPORTED_OPTIONS, Unprintable,
    reason_phrase,
};
use crate::transaction::ServerKey;
use crate::transport::{Destination, Received, Transmit, Transport};

/// Seconds after which a peer may try again when there is no room.
const RETRY_AFTER_S: &str = "10";

impl Core {
    pub(super) fn request(&mut self, now: Instant, source: Destination, m: &Message<&[u8]>) {
        let method = m.method().unwrap_or_default();
        let Ok(key) = ServerKey::new(m) else { return };
        if method == b"ACK" {
            return self.ack(now, source, &key, m);
        }
        if let Some(server) = self.servers.get_mut(&key) {
            server.transaction.receive_again(now);
            return self.settle(&key);
        }
        if method == b"CANCEL" {
            let invite = ServerKey::of_cancelled(m).ok();
            let session = match invite.and_then(|key| self.servers.get(&key)) {
                Some(invite) if invite.origin.as_ref() != Some(&origin(m, source)) => None,
                Some(invite) => invite.session,
                // There was no room for a re-INVITE: its session knows, and knows its key.
                None => m.to().ok().and_then(|to| to.tag()).and_then(SessionId::from_tag),
            };
            return self.pass_on(source, &key, m, session);
        }
        if let Some(fault) = m.unsupported(&ALLOWED_METHODS, &SUPPORTED_OPTIONS) {
            let unsupported = fault.unsupported.join(", ");
            return self.refuse(source, m, fault.status, |b| match fault.status {
                405 => b.header(HeaderName::Allow, ALLOWED_METHODS.join(", ")),
                415 => b.header(HeaderName::Accept, "application/sdp"),
                420 => b.header(HeaderName::Unsupported, unsupported),
                _ => Ok(b),
            });
        }
        if let Some(tag) = m.to().ok().and_then(|to| to.tag()) {
            return self.pass_on(source, &key, m, SessionId::from_tag(tag));
        }
        if self.merges.contains_key(&merge_key(m)) {
            return self.refuse(source, m, 482, Ok);
        }
        match method {
            b"OPTIONS" | b"INVITE" if !self.is_here(m) => self.refuse(source, m, 404, Ok),
            b"OPTIONS" => self.refuse(source, m, 200, |b| {
                b.header(HeaderName::Allow, ALLOWED_METHODS.join(", "))?
                    .header(HeaderName::Supported, SUPPORTED_OPTIONS.join(", "))?
                    .header(HeaderName::Accept, "application/sdp")
            }),
            b"INVITE" => self.invite(now, source, &key, m),
            _ => self.refuse(source, m, 481, Ok),
        }
    }

    fn invite(&mut self, now: Instant, source: Destination, key: &ServerKey, m: &Message<&[u8]>) {
        if m.contact().is_none() {
            return self.refuse(source, m, 400, Ok);
        }
        if m.is_timed_too_short() {
            return self.refuse(source, m, 422, |b| b.extension("Min-SE", MIN_SE_S.to_string()));
        }
        let warn = |text: &str| {
            let text = text.replace(['"', '\\'], "'");
            let warning = format!("399 {} \"{text}\"", source.local.ip());
            move |b: Builder| b.header(HeaderName::Warning, warning)
        };
        // Without an offer the answer makes it (RFC 3261 §13.2.1).
        let none = Ok(Offered { audio: false, chat: false });
        let screened = match m.body() {
            [] => none,
            offer => screen(offer, self.capabilities(m)),
        };
        let offered = match screened {
            Ok(offered) => offered,
            Err(refusal) => {
                return self.refuse(source, m, refusal.status, warn(&refusal.reason));
            }
        };
        if self.servers.len() >= self.settings.server_transactions_max {
            return self
                .refuse(source, m, 503, |b| b.header(HeaderName::RetryAfter, RETRY_AFTER_S));
        }
        let received = Received { message: m.to_message(), source };
        self.open(key, &received, merge_key(m), None);
        if let Some(trying) = self.build(source, m, 100, Ok) {
            self.respond(now, key, 100, trying);
        }
        self.push(Output::NewCall(key.clone(), received, offered));
    }

    /// The shell found no session for a new call.
    pub(super) fn not_opened(&mut self, now: Instant, key: &ServerKey) {
        let Some(received) = self.servers.get_mut(key).and_then(|s| s.received.take()) else {
            return;
        };
        let retry = |b: Builder| b.header(HeaderName::RetryAfter, RETRY_AFTER_S);
        if let Some(sent) = self.build(received.source, &received.message, 503, retry) {
            self.counters.refused += 1;
            self.respond(now, key, 503, sent);
        }
    }

    /// The session that a request was passed on to is not there any more, or takes nothing.
    pub(super) fn untaken(
        &mut self,
        now: Instant,
        key: &ServerKey,
        received: &Received,
        status: u16,
    ) {
        if received.message.method() == Some(b"ACK") {
            if !self.acknowledged(now, &received.message) {
                self.counters.strays += 1;
            }
            return;
        }
        let retry = |b: Builder| match status {
            503 => b.header(HeaderName::RetryAfter, RETRY_AFTER_S),
            _ => Ok(b),
        };
        let Some(sent) = self.build(received.source, &received.message, status, retry) else {
            return;
        };
        self.counters.refused += 1;
        if self.servers.contains_key(key) {
            self.respond(now, key, status, sent);
        } else {
            self.push(Output::Transmit(sent));
        }
    }

    /// RFC 3261 §17.1.1.3, §13.2.2.4: an ACK to a refusal has the INVITE's branch and ends here; one
    /// to a 2xx has its own and goes to the session.
    fn ack(&mut self, now: Instant, source: Destination, key: &ServerKey, m: &Message<&[u8]>) {
        if self.acknowledged(now, m) {
            return;
        }
        let mut session = m.to().ok().and_then(|to| to.tag()).and_then(SessionId::from_tag);
        if let Some(server) = self.servers.get_mut(key) {
            let is_for_user = server.transaction.receive_ack(now);
            session = server.session.filter(|_| is_for_user);
            self.settle(key);
            if session.is_none() {
                return;
            }
        }
        match session {
            Some(session) => {
                let received = Received { message: m.to_message(), source };
                self.push(Output::Request(session, key.clone(), received));
            }
            None => self.counters.strays += 1,
        }
    }

    fn pass_on(
        &mut self,
        source: Destination,
        key: &ServerKey,
        m: &Message<&[u8]>,
        session: Option<SessionId>,
    ) {
        let full = self.servers.len() >= self.settings.server_transactions_max;
        let Some(session) = session else { return self.refuse(source, m, 481, Ok) };
        let received = Received { message: m.to_message(), source };
        // Without room it is still passed on; a repetition then reaches the session again.
        if !full {
            self.open(key, &received, merge_key(m), Some(session));
        }
        self.push(Output::Request(session, key.clone(), received));
    }

    /// A request that cannot be read as a whole gets an answer if that much of it can be read.
    pub(super) fn refuse_broken(
        &mut self,
        source: Destination,
        m: &Message<&[u8]>,
        status: u16,
        reason: &str,
    ) {
        log_refusal(status, reason);
        let readable = m.via().is_ok()
            && m.header(HeaderName::From).is_some()
            && m.header(HeaderName::To).is_some()
            && m.header(HeaderName::CallId).is_some()
            && m.header(HeaderName::CSeq).is_some();
        if !m.is_request() || m.method() == Some(b"ACK") || !readable {
            self.counters.garbage += 1;
            return;
        }
        self.refuse(source, m, status, Ok);
    }

    /// Answers without a transaction: a repeated request gets the very same bytes again.
    fn refuse(
        &mut self,
        source: Destination,
        m: &Message<&[u8]>,
        status: u16,
        more: impl FnOnce(Builder) -> Result<Builder, Unprintable>,
    ) {
        if status >= 300 {
            self.counters.refused += 1;
        }
        if let Some(transmit) = self.build(source, m, status, more) {
            self.push(Output::Transmit(transmit));
        }
    }

    fn build<B: AsRef<[u8]>>(
        &self,
        source: Destination,
        m: &Message<B>,
        status: u16,
        more: impl FnOnce(Builder) -> Result<Builder, Unprintable>,
    ) -> Option<Transmit> {
        let tag = self.tag(m);
        let built =
            Builder::response(m, status, reason_phrase(status), Some(&tag), Some(source.remote))
                .and_then(|b| b.header(HeaderName::Server, &self.settings.user_agent));
        // An addition that cannot be printed (the peer's own text in Unsupported) is left out.
        let built = built.map(|plain| more(plain.clone()).unwrap_or(plain));
        let mut destination = source;
        if let (Transport::Udp, Ok(via)) = (source.transport, m.via())
            && via.rport().is_none()
        {
            destination.remote.set_port(via.port.unwrap_or(5060));
        }
        Some(Transmit { destination, bytes: built.ok()?.finish().into() })
    }

    /// A tag that is the same for the same request and leads to no session.
    fn tag<B: AsRef<[u8]>>(&self, m: &Message<B>) -> String {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        m.header(HeaderName::CallId).hash(&mut hasher);
        m.header(HeaderName::From).hash(&mut hasher);
        m.header(HeaderName::CSeq).hash(&mut hasher);
        format!("e{:016x}", hasher.finish())
    }

    /// Whether the user that is called is here. OPTIONS and INVITE are answered alike.
    fn is_here(&self, m: &Message<&[u8]>) -> bool {
        self.settings.takes_anybody || self.callee(m).is_some()
    }

    fn callee(&self, m: &Message<&[u8]>) -> Option<&Callee> {
        let all = &self.settings.callees;
        if all.is_empty() {
            return None;
        }
        let index = called(m.request_uri()?, all.iter().map(|callee| &callee.uri))?;
        all.get(index)
    }

    /// What who is called can do.
    fn capabilities(&self, m: &Message<&[u8]>) -> &Capabilities {
        self.callee(m).map_or(&self.settings.capabilities, |callee| &callee.capabilities)
    }
}

fn merge_key(m: &Message<&[u8]>) -> MergeKey {
    let tag = m.from().ok().and_then(|from| from.tag()).unwrap_or_default();
    let number = m.cseq().map_or(0, |cseq| cseq.number);
    (tag.into(), m.call_id().unwrap_or_default().into(), number)
}

#[cfg(feature = "shell")]
fn log_refusal(status: u16, reason: &str) {
    log::debug!("a message is refused with {status}: {reason}");
}

#[cfg(not(feature = "shell"))]
const fn log_refusal(_status: u16, _reason: &str) {}
