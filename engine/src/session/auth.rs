//! Answers to 401 and 407 (RFC 3261 §22.2, §22.3, §8.1.3.5), and credentials in what is sent after
//! them: the same Call-ID and From tag, a new CSeq and branch.

use std::net::IpAddr;
use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::State;

use super::message::failure_text;
use super::{CHALLENGED_FAREWELL_MS, Core, FAREWELL_MS, Output};
use crate::auth::{Asker, Attempt, AuthError, Authenticator, Hop, Request};
use crate::credentials::Credentials;
use crate::sip::{Builder, HeaderName, Host, Message, Unprintable, text};
use crate::transaction::{ClientTransaction, Timers, Verdict};
use crate::transport::Transmit;

/// Headers of credentials, as they go into a request.
pub(super) type Proof = Vec<(HeaderName, Vec<u8>)>;

/// What a session knows of those who ask it for a password.
#[derive(Debug, Default)]
pub(super) struct Authentication {
    authenticator: Authenticator,
    /// What was tried for the INVITE on its way.
    invite: Attempt,
    /// What was tried for other requests, by the branch of the last try. Those whose transaction is
    /// gone are dropped, so there are no more than transactions.
    attempts: Vec<(Box<[u8]>, Attempt)>,
    /// Why the last challenge was not answered.
    failure: Option<AuthError>,
}

impl Authentication {
    pub(super) fn new(credentials: Vec<Credentials>) -> Self {
        Self { authenticator: Authenticator::new(credentials), ..Self::default() }
    }

    /// Another server is tried, which may ask, too.
    pub(super) fn begin_try(&mut self) {
        self.invite = Attempt::default();
    }
}

/// Which request of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slot {
    Offer,
    Refresh,
    Prack(usize),
    Bye,
    Fork(usize),
}

impl Core {
    /// Credentials for a request, where its neighbour asked for some before.
    pub(super) fn proof(&mut self, request: &Request<'_>, address: IpAddr) -> Proof {
        proof(&mut self.auth.authenticator, request, address)
    }

    /// A request in a dialog that is about to be sent, with credentials where its neighbour asked
    /// for some before.
    pub(super) fn with_proof(
        &mut self,
        now: Instant,
        transaction: ClientTransaction,
    ) -> ClientTransaction {
        proven(now, self.settings.timers, &mut self.auth.authenticator, transaction)
    }

    /// What the last words of a core that is lost are proven with; `None` where nobody asked.
    pub(super) fn authenticator(&self) -> Option<Box<Authenticator>> {
        let own = &self.auth.authenticator;
        self.peer().filter(|peer| own.knows(peer.remote.ip())).map(|_| Box::new(own.clone()))
    }

    /// Makes ready to answer who asks from that address; `None` when nobody is answered.
    fn challenge<B: AsRef<[u8]>>(
        &mut self,
        address: IpAddr,
        mut attempt: Attempt,
        response: &Message<B>,
    ) -> Option<Attempt> {
        let (host, is_chosen) = self.chosen_host(address);
        let hop = Hop { address, host: host.as_deref(), is_chosen };
        let challenges = Asker::challenges(response);
        let entropy = &mut self.entropy;
        let answered = self.auth.authenticator.challenged(&hop, &mut attempt, challenges, entropy);
        self.auth.failure = answered.err();
        self.auth.failure.is_none().then_some(attempt)
    }

    /// The host that the application called over a way of its own choice to that address, and
    /// whether it did.
    fn chosen_host(&self, address: IpAddr) -> (Option<String>, bool) {
        let way = self.snapshot.route.filter(|route| route.remote.ip() == address);
        let called = self.outgoing.as_ref().filter(|_| way.is_some());
        let host = called.and_then(|call| match call.uri().as_uri().host? {
            Host::Name(name) => Some(text(name).into_owned()),
            Host::Ip(_) => None,
        });
        (host, called.is_some())
    }

    /// How long the end waits for the answer to our BYE.
    pub(super) fn farewell_ms(&self) -> u64 {
        let Some(bye) = &self.bye else { return FAREWELL_MS };
        let address = bye.request().destination.remote.ip();
        let (host, is_chosen) = self.chosen_host(address);
        let hop = Hop { address, host: host.as_deref(), is_chosen };
        let may_be_asked = self.auth.authenticator.may_answer(&hop);
        if may_be_asked { CHALLENGED_FAREWELL_MS } else { FAREWELL_MS }
    }

    /// Whether the INVITE is to be sent again with credentials.
    pub(super) fn challenged_invite(&mut self, response: &Message) -> bool {
        if self.auth.authenticator.is_empty() || self.state != State::Calling {
            return false;
        }
        let Some(route) = self.snapshot.route.filter(|_| self.dialog.is_none()) else {
            return false;
        };
        let attempt = std::mem::take(&mut self.auth.invite);
        let Some(attempt) = self.challenge(route.remote.ip(), attempt, response) else {
            return false;
        };
        self.auth.invite = attempt;
        // What rang before it answered the INVITE that is over.
        self.early.clear();
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.raise_cseq();
        }
        true
    }

    /// What a failure says, and why it was not answered with credentials.
    pub(super) fn failure_reason(&mut self, response: &Message) -> String {
        let said = failure_text(response);
        let asked = matches!(response.status(), Some(401 | 407));
        match self.auth.failure.take().filter(|_| asked) {
            Some(error) => format!("{said} ({error})"),
            None => said,
        }
    }

    /// A response to a request of ours other than the INVITE: `true` when it asked for credentials
    /// and the request was sent again with them. Takes the next nonce of any response.
    pub(super) fn authentication(&mut self, now: Instant, response: &Message) -> bool {
        let status = response.status().unwrap_or_default();
        if status < 200 || self.auth.authenticator.is_empty() {
            return false;
        }
        let Some(branch) = response.via().ok().and_then(|via| via.branch()) else { return false };
        if !matches!(status, 401 | 407) {
            self.take_next_nonce(branch, response);
            return false;
        }
        self.auth.failure = None;
        let Some(slot) = self.slot_of(branch) else { return false };
        let Some(old) = self.slot(slot) else { return false };
        let sent = old.request().clone();
        if old.is_answered() || old.is_terminated() {
            return false;
        }
        let known = self.auth.attempts.iter().position(|(own, _)| **own == *branch);
        let attempt = known.map(|at| self.auth.attempts.swap_remove(at).1).unwrap_or_default();
        let Some(attempt) = self.challenge(sent.destination.remote.ip(), attempt, response) else {
            return false;
        };
        let Some(next) = self.try_again(now, slot, &sent) else { return false };
        self.auth.attempts.push((next.branch().into(), attempt));
        self.replace(now, slot, next, response);
        let branches: Vec<Box<[u8]>> = self.transactions().map(|t| t.branch().into()).collect();
        self.auth.attempts.retain(|(branch, _)| branches.contains(branch));
        true
    }

    fn take_next_nonce(&mut self, branch: &[u8], response: &Message) {
        // A repetition says nothing new, and its nonce may be used up.
        let sent = {
            let mut own = self.transactions();
            let own = own.find(|own| own.branch() == branch && !own.is_answered());
            own.map(|own| own.request().clone())
        };
        let Some(sent) = sent else { return };
        let Ok(message) = Message::parse(&sent.bytes[..]) else { return };
        if let Some(request) = request_of(&message) {
            let address = sent.destination.remote.ip();
            self.auth.authenticator.informed(response, &request, address);
        }
    }

    fn slot_of(&self, branch: &[u8]) -> Option<Slot> {
        let is = |own: &Option<ClientTransaction>| {
            own.as_ref().is_some_and(|own| own.branch() == branch)
        };
        // An offer that is cancelled is not made again, nor is one of a session that ends.
        let offer = self.offering.as_ref().filter(|offering| offering.cancel.is_none());
        let ends = matches!(self.state, State::Terminating | State::Terminated);
        if offer.is_some_and(|offering| !ends && is(&offering.transaction)) {
            return Some(Slot::Offer);
        }
        if is(&self.refreshing) {
            return Some(Slot::Refresh);
        }
        if is(&self.bye) {
            return Some(Slot::Bye);
        }
        let prack = self.pracks.iter().position(|prack| prack.branch() == branch);
        let fork = || self.forks.iter().position(|fork| is(&fork.bye));
        prack.map(Slot::Prack).or_else(|| fork().map(Slot::Fork))
    }

    fn slot(&self, slot: Slot) -> Option<&ClientTransaction> {
        match slot {
            Slot::Offer => self.offering.as_ref()?.transaction.as_ref(),
            Slot::Refresh => self.refreshing.as_ref(),
            Slot::Prack(at) => self.pracks.get(at),
            Slot::Bye => self.bye.as_ref(),
            Slot::Fork(at) => self.forks.get(at)?.bye.as_ref(),
        }
    }

    /// The same request with another branch, the next CSeq of its dialog, and credentials.
    fn try_again(
        &mut self,
        now: Instant,
        slot: Slot,
        sent: &Transmit,
    ) -> Option<ClientTransaction> {
        let message = Message::parse(&sent.bytes[..]).ok()?;
        let last = message.cseq().ok()?.number;
        let number = match slot {
            Slot::Fork(_) => last.checked_add(1).filter(|next| *next < 1 << 31)?,
            Slot::Prack(_) => {
                let tag = message.to().ok()?.tag().unwrap_or_default();
                let mut early = self.early.iter_mut().map(|early| &mut early.dialog);
                match early.find(|dialog| dialog.remote_tag() == tag) {
                    Some(dialog) => dialog.next_cseq().ok()?,
                    None => Arc::make_mut(self.dialog.as_mut()?).next_cseq().ok()?,
                }
            }
            Slot::Offer | Slot::Refresh | Slot::Bye => {
                Arc::make_mut(self.dialog.as_mut()?).next_cseq().ok()?
            }
        };
        let destination = sent.destination;
        let proof = self.proof(&request_of(&message)?, destination.remote.ip());
        let via = self.via(destination);
        let bytes = rewritten(&message, Some((&via, number)), &proof).ok()?;
        let transmit = Transmit { destination, bytes: bytes.into() };
        let next = ClientTransaction::new(now, self.settings.timers, transmit).ok()?;
        if let (Slot::Offer, Some(offering)) = (slot, &mut self.offering) {
            offering.cseq = number;
        }
        Some(next)
    }

    /// Puts the new try in the place of the old one, which gets its ACK and goes on elsewhere.
    fn replace(&mut self, now: Instant, slot: Slot, next: ClientTransaction, response: &Message) {
        let old = match slot {
            Slot::Offer => self.offering.as_mut().and_then(|own| own.transaction.replace(next)),
            Slot::Refresh => self.refreshing.replace(next),
            Slot::Prack(at) => self.pracks.get_mut(at).map(|prack| std::mem::replace(prack, next)),
            Slot::Bye => self.bye.replace(next),
            Slot::Fork(at) => self.forks.get_mut(at).and_then(|fork| fork.bye.replace(next)),
        };
        let Some(mut old) = old else { return };
        let _final: Verdict = old.receive(now, response);
        while let Some(transmit) = old.poll_transmit() {
            self.push(Output::Transmit(transmit));
        }
        if !old.is_terminated() {
            self.push(Output::HandOver(Box::new(old)));
        }
    }
}

fn proof(own: &mut Authenticator, request: &Request<'_>, address: IpAddr) -> Proof {
    if !own.knows(address) {
        return Vec::new();
    }
    let answers = own.authorize(request, address).unwrap_or_default().into_iter();
    answers.map(|(asker, answer)| (asker.answered_in(), answer.to_bytes())).collect()
}

/// A request in a dialog that is about to be sent, with credentials where its neighbour asked for
/// some before.
pub(super) fn proven(
    now: Instant,
    timers: Timers,
    own: &mut Authenticator,
    transaction: ClientTransaction,
) -> ClientTransaction {
    let sent = transaction.request();
    let (destination, address) = (sent.destination, sent.destination.remote.ip());
    if !own.knows(address) {
        return transaction;
    }
    let mut prove = || {
        let message = Message::parse(&sent.bytes[..]).ok()?;
        let proof = proof(own, &request_of(&message)?, address);
        let bytes = rewritten(&message, None, &proof).ok()?;
        let sent = Transmit { destination, bytes: bytes.into() };
        ClientTransaction::new(now, timers, sent).ok()
    };
    let proven = prove();
    proven.unwrap_or(transaction)
}

/// What of a request its digest is made of.
fn request_of<B: AsRef<[u8]>>(message: &Message<B>) -> Option<Request<'_>> {
    let (method, uri) = (message.method()?, message.request_uri()?);
    Some(Request { method, uri, body: message.body() })
}

/// An ACK with the credentials of the INVITE whose 2xx it answers (RFC 3261 §22.1), where it takes
/// the same way: nobody else has a use for them.
pub(super) fn proven_ack(ack: Transmit, invite: &Transmit) -> Transmit {
    if ack.destination.remote.ip() != invite.destination.remote.ip() {
        return ack;
    }
    let Ok(invite) = Message::parse(&invite.bytes[..]) else { return ack };
    let proof = invite.headers().filter(|header| is_proof(header.id));
    let proof: Proof = proof.map(|header| (header.id, header.value.to_vec())).collect();
    if proof.is_empty() {
        return ack;
    }
    let Ok(message) = Message::parse(&ack.bytes[..]) else { return ack };
    match rewritten(&message, None, &proof) {
        Ok(bytes) => Transmit { destination: ack.destination, bytes: bytes.into() },
        Err(_) => ack,
    }
}

const fn is_proof(name: HeaderName) -> bool {
    matches!(name, HeaderName::Authorization | HeaderName::ProxyAuthorization)
}

/// A request with other credentials; with another Via and CSeq number, too.
fn rewritten<B: AsRef<[u8]>>(
    message: &Message<B>,
    again: Option<(&str, u32)>,
    proof: &[(HeaderName, Vec<u8>)],
) -> Result<Vec<u8>, Unprintable> {
    let method = message.method().unwrap_or_default();
    let mut builder = Builder::request(method, message.request_uri().unwrap_or_default())?;
    let mut content_type = None;
    for header in message.headers() {
        builder = match (header.id, again) {
            (HeaderName::ContentLength, _) => builder,
            (HeaderName::ContentType, _) => {
                content_type = Some(header.value);
                builder
            }
            (name, _) if is_proof(name) => builder,
            (HeaderName::Via, Some((via, _))) => builder.header(HeaderName::Via, via)?,
            (HeaderName::CSeq, Some((_, number))) => {
                builder.header(HeaderName::CSeq, format!("{number} {}", text(method)))?
            }
            (HeaderName::Other, _) => builder.extension(&text(header.name), header.value)?,
            (name, _) => builder.header(name, header.value)?,
        };
    }
    for (name, value) in proof {
        builder = builder.header(*name, value)?;
    }
    match content_type {
        Some(kind) => builder.body(kind, message.body()),
        None => Ok(builder.finish()),
    }
}
