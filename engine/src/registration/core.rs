//! One account's registration.

use std::collections::VecDeque;
use std::time::Duration;

use offhook_fsm::registration::{Action, Event, State, step};
use offhook_fsm::{Entropy, Instant, Step};

use super::answer::{Grant, elsewhere, grant, min_expires, retry_after};
use super::{BACK_OFF_MAX, BACK_OFF_MIN, Input, Output, REPEATS_MAX, ROUND, Settings};
use crate::auth::{Asker, Attempt, Authenticator, Hop, Request};
use crate::notification::NotificationData;
use crate::route::Route;
use crate::sip::{Builder, HeaderName, Host, Message, SipUri, Unprintable, text};
use crate::transaction::{ClientTransaction, Failure, Verdict};
use crate::transport::{Destination, Transmit, Transport};

/// The shortest time that a way is given to answer while there is another one.
const WAY_PATIENCE_MIN: Duration = Duration::from_secs(4);
/// A refresh leaves no later than this before the end.
const REFRESH_MARGIN: Duration = Duration::from_secs(10);
/// A lookup that took longer came to nothing; the resolver itself is done before.
const LOOKUP_MAX: Duration = Duration::from_secs(60);
/// What a failed lookup is followed by at least.
const LOOKUP_PAUSE: Duration = Duration::from_secs(1);

/// A REGISTER on its way.
#[derive(Debug)]
struct Pending {
    transaction: ClientTransaction,
    /// There are other ways: this one is left then.
    give_up: Option<Instant>,
}

/// What a registrar has of us.
#[derive(Debug)]
struct Binding {
    way: Destination,
    contact: SipUri,
    until: Instant,
}

/// One account's registration. Owned by one thread.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    entropy: Entropy,
    state: State,
    authenticator: Authenticator,
    attempt: Attempt,
    call_id: String,
    tag: String,
    cseq: u32,
    expires: u32,
    /// Where a 3xx sent us.
    registrar: Option<SipUri>,
    ways: Vec<Destination>,
    at: usize,
    round_began: Instant,
    repeats: u8,
    back_off: Duration,
    retry_after: Option<Duration>,
    pending: Option<Pending>,
    binding: Option<Binding>,
    /// The next REGISTER.
    due: Option<Instant>,
    /// No ways are found any more then.
    lookup_until: Option<Instant>,
    /// How long a failure is followed by nothing; told with it.
    pause: Option<Duration>,
    code: Option<u16>,
    reason: String,
    granted: Option<Grant>,
    outputs: VecDeque<Output>,
}

impl Core {
    /// A registration that is not wanted yet.
    #[must_use]
    pub fn new(settings: Settings, mut entropy: Entropy) -> Self {
        let (call_id, tag) = (entropy.hex::<32>(), entropy.hex::<32>());
        Self {
            authenticator: Authenticator::new(settings.credentials.clone()),
            expires: settings.expires,
            call_id: text(&call_id).into_owned(),
            tag: text(&tag).into_owned(),
            settings,
            entropy,
            state: State::START,
            attempt: Attempt::default(),
            cseq: 0,
            registrar: None,
            ways: Vec::new(),
            at: 0,
            round_began: Instant::ZERO,
            repeats: 0,
            back_off: BACK_OFF_MIN,
            retry_after: None,
            pending: None,
            binding: None,
            due: None,
            lookup_until: None,
            pause: None,
            code: None,
            reason: String::new(),
            granted: None,
            outputs: VecDeque::new(),
        }
    }

    /// What it is doing.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether a registrar has our address, as far as we know.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        self.binding.is_some()
    }

    /// Whether it looks for a registrar or waits for an answer.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Locating | State::Asking)
    }

    /// Whether it is not wanted, and nothing is left to take back.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        matches!(self.state, State::Off)
    }

    /// Takes in one thing that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Register => {
                self.repeats = 0;
                self.attempt = Attempt::default();
                self.apply(now, Event::Register);
            }
            Input::Unregister => {
                let bound = self.binding.is_some();
                self.attempt = Attempt::default();
                self.apply(now, if bound { Event::Unregister } else { Event::Abandon });
            }
            Input::Cut => self.cut(now),
            Input::Located(found) => self.located(now, found),
            Input::Response(response) => self.response(now, &response),
            Input::TransportError { branch, reason } => self.not_sent(now, &branch, reason),
            Input::Timeout => self.timeout(now),
        }
        self.flush();
    }

    /// The next thing to do; [`Output::Timeout`] is the last.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(self.deadline()))
    }

    fn deadline(&self) -> Option<Instant> {
        let pending = self.pending.as_ref();
        let transaction = pending.and_then(|pending| pending.transaction.deadline());
        let give_up = pending.and_then(|pending| pending.give_up);
        let lapse = self.binding.as_ref().map(|binding| binding.until);
        let lookup = self.lookup_until.filter(|_| self.state == State::Locating);
        [transaction, give_up, lapse, lookup, self.due].into_iter().flatten().min()
    }

    fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Sends what the transaction has to send.
    fn flush(&mut self) {
        while let Some(transmit) =
            self.pending.as_mut().and_then(|pending| pending.transaction.poll_transmit())
        {
            self.push(Output::Transmit(transmit));
        }
    }

    fn apply(&mut self, now: Instant, event: Event) {
        let Step::Go { next, actions } = step(self.state, event) else { return };
        self.state = next;
        for action in actions {
            match action {
                Action::Locate => {
                    if event != Event::Redirected {
                        self.registrar = None;
                        self.repeats = 0;
                        self.attempt = Attempt::default();
                    }
                    self.lookup_until = Some(now + LOOKUP_MAX);
                    let registrar = self.registrar.clone();
                    self.push(Output::Locate(registrar));
                }
                Action::Ask => self.ask(now, false),
                Action::AskToLeave => self.ask(now, true),
                Action::TellSuccess => self.tell_success(),
                Action::TellFailure => self.tell_failure(event),
                Action::TellEnd => self.tell_end(),
                Action::ArmRefresh => self.arm_refresh(now),
                Action::ArmRetry => self.arm_retry(now, event),
                Action::Disarm => self.due = None,
            }
        }
    }

    /// The end, whatever the registrar still has of us.
    fn cut(&mut self, now: Instant) {
        self.pending = None;
        self.failed_with(None, "the registrar has not answered in time");
        self.apply(now, Event::Cut);
    }

    fn located(&mut self, now: Instant, found: Result<Vec<Destination>, String>) {
        if self.state != State::Locating {
            return;
        }
        self.lookup_until = None;
        let reason = match found {
            Ok(ways) if !ways.is_empty() => {
                self.ways = ways;
                self.at = 0;
                self.round_began = now;
                return self.apply(now, Event::Located);
            }
            Ok(_) => "there is no way to the registrar".into(),
            Err(reason) => format!("DNS: {reason}"),
        };
        self.failed_with(None, reason);
        self.apply(now, Event::NotLocated);
    }

    fn failed_with(&mut self, code: Option<u16>, reason: impl Into<String>) {
        self.code = code;
        self.reason = reason.into();
    }

    /// Sends a REGISTER over the way whose turn it is; one that leaves goes where the binding is.
    fn ask(&mut self, now: Instant, leaves: bool) {
        let bound = self.binding.as_ref().filter(|_| leaves).map(|binding| binding.way);
        let way = bound.or_else(|| self.ways.get(self.at).copied());
        let transaction = way.and_then(|way| self.register(now, way, leaves));
        let Some(transaction) = transaction else {
            self.failed_with(None, "the REGISTER cannot be built from the account's settings");
            return self.apply(now, Event::Rejected);
        };
        let others = u32::try_from(self.ways.len().saturating_sub(self.at)).unwrap_or(u32::MAX);
        let patience = ROUND.checked_div(others).unwrap_or(ROUND).max(WAY_PATIENCE_MIN);
        let give_up = (others > 1 && !leaves).then(|| now + patience);
        self.pending = Some(Pending { transaction, give_up });
    }

    fn register(
        &mut self,
        now: Instant,
        way: Destination,
        leaves: bool,
    ) -> Option<ClientTransaction> {
        self.cseq = self.cseq.saturating_add(1);
        let expires = if leaves { 0 } else { self.expires };
        let bytes = self.build(way, expires).ok()?;
        let transmit = Transmit { destination: way, bytes: bytes.into() };
        ClientTransaction::new(now, self.settings.timers, transmit).ok()
    }

    /// The URI of the registrar: the account's domain (§10.2).
    fn request_uri(&self) -> String {
        match &self.registrar {
            Some(registrar) => registrar.as_uri(),
            None => self.settings.uri.as_uri(),
        }
        .host
        .map_or_else(String::new, |host| {
            let secure = self.settings.uri.is_secure();
            let port = self.registrar.as_ref().unwrap_or(&self.settings.uri).port();
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}:{host}{port}", if secure { "sips" } else { "sip" })
        })
    }

    /// Our address as the registrar is to have it.
    fn contact(&self, way: Destination) -> String {
        let user = &self.settings.contact_user;
        let parameter = match way.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("sip:{user}@{}{parameter}", way.local)
    }

    fn build(&mut self, way: Destination, expires: u32) -> Result<Vec<u8>, Unprintable> {
        let uri = self.request_uri();
        let request = Request { method: b"REGISTER", uri: uri.as_bytes(), body: b"" };
        let proof = match self.authenticator.knows(way.remote.ip()) {
            true => self.authenticator.authorize(&request, way.remote.ip()).unwrap_or_default(),
            false => Vec::new(),
        };
        let branch = self.settings.account.branch(&mut self.entropy);
        let via =
            format!("SIP/2.0/{} {};branch={branch};rport", way.transport.via_name(), way.local);
        let own = self.settings.uri.clone();
        let to = own.to_name_addr();
        let mut builder = Builder::request(b"REGISTER", uri.as_bytes())?
            .header(HeaderName::Via, via)?
            .header(HeaderName::MaxForwards, "70")?
            .header(HeaderName::From, format!("{to};tag={}", self.tag))?
            .header(HeaderName::To, own.without_display().to_name_addr())?
            .header(HeaderName::CallId, &self.call_id)?
            .header(HeaderName::CSeq, format!("{} REGISTER", self.cseq))?
            .header(HeaderName::Contact, format!("<{}>", self.contact(way)))?
            .header(HeaderName::Expires, expires.to_string())?
            .header(HeaderName::Supported, "path")?
            .header(HeaderName::UserAgent, &self.settings.user_agent)?;
        for (asker, answer) in proof {
            builder = builder.header(asker.answered_in(), answer.to_bytes())?;
        }
        Ok(builder.finish())
    }

    fn response(&mut self, now: Instant, response: &Message) {
        let Some(pending) = &mut self.pending else { return };
        if pending.transaction.receive(now, response) != Verdict::Deliver {
            return;
        }
        let status = response.status().unwrap_or_default();
        if status < 200 {
            // It is there: it may take its time (Timer F still counts).
            pending.give_up = None;
            return;
        }
        let way = pending.transaction.request().destination;
        let sent = pending.transaction.request().clone();
        self.pending = None;
        self.failed_with(Some(status), text(response.reason().unwrap_or_default()));
        let event = self.judge(now, (status, response), way, &sent);
        self.apply(now, event);
    }

    /// What a final response means.
    fn judge(
        &mut self,
        now: Instant,
        (status, response): (u16, &Message),
        way: Destination,
        sent: &Transmit,
    ) -> Event {
        let leaves = matches!(self.state, State::Leaving | State::Returning);
        match status {
            200..=299 => {
                self.inform(response, way, sent);
                self.accepted(now, response, way, leaves)
            }
            401 | 407 => self.challenged(response, way),
            423 if !leaves => match min_expires(response) {
                Some(least) if least > self.expires && self.may_repeat() => {
                    self.expires = least;
                    Event::Again
                }
                _ => self.failed(now),
            },
            300..=399 if !leaves => match elsewhere(response) {
                Some(registrar) if self.may_repeat() => {
                    self.registrar = Some(registrar);
                    Event::Redirected
                }
                _ => self.failed(now),
            },
            _ => {
                self.retry_after = retry_after(response);
                self.failed(now)
            }
        }
    }

    fn inform(&mut self, response: &Message, way: Destination, sent: &Transmit) {
        let Ok(message) = Message::parse(&sent.bytes[..]) else { return };
        let uri = message.request_uri().unwrap_or_default();
        let request = Request { method: b"REGISTER", uri, body: b"" };
        self.authenticator.informed(response, &request, way.remote.ip());
    }

    const fn may_repeat(&mut self) -> bool {
        self.repeats = self.repeats.saturating_add(1);
        self.repeats <= REPEATS_MAX
    }

    fn accepted(
        &mut self,
        now: Instant,
        response: &Message,
        way: Destination,
        leaves: bool,
    ) -> Event {
        if leaves {
            self.binding = None;
            return Event::Accepted;
        }
        let Ok(contact) = self.contact(way).parse::<SipUri>() else { return self.failed(now) };
        let granted = grant(response, &contact, self.expires);
        if granted.expires == 0 {
            self.binding = None;
            self.reason = "the registrar does not keep the address (0 seconds)".into();
            return self.failed(now);
        }
        let until = now + Duration::from_secs(granted.expires.into());
        self.binding = Some(Binding { way, contact, until });
        self.granted = Some(granted);
        self.back_off = BACK_OFF_MIN;
        self.repeats = 0;
        self.attempt = Attempt::default();
        Event::Accepted
    }

    fn challenged(&mut self, response: &Message, way: Destination) -> Event {
        let host = match self.settings.uri.as_uri().host {
            Some(Host::Name(name)) => Some(text(name).into_owned()),
            _ => None,
        };
        // The registrar of the account's own domain is whom the password is for; one that a
        // redirection named is not.
        let is_chosen = self.registrar.is_none() || self.settings.is_chosen_way;
        let hop = Hop { address: way.remote.ip(), host: host.as_deref(), is_chosen };
        let challenges = Asker::challenges(response);
        let answered =
            self.authenticator.challenged(&hop, &mut self.attempt, challenges, &mut self.entropy);
        match answered {
            Ok(()) => Event::Again,
            Err(error) => {
                self.reason = format!("{} ({error})", self.reason);
                Event::Rejected
            }
        }
    }

    /// The next way, if there is one and time for it.
    fn failed(&mut self, now: Instant) -> Event {
        let leaves = matches!(self.state, State::Leaving | State::Returning | State::Retracting);
        if !leaves && self.at.saturating_add(1) < self.ways.len() && now - self.round_began < ROUND
        {
            self.at = self.at.saturating_add(1);
            self.attempt = Attempt::default();
            return Event::NextWay;
        }
        Event::Failed
    }

    fn not_sent(&mut self, now: Instant, branch: &[u8], reason: String) {
        let Some(pending) = &mut self.pending else { return };
        if pending.transaction.branch() != branch {
            return;
        }
        self.pending = None;
        self.failed_with(None, reason);
        let event = self.failed(now);
        self.apply(now, event);
    }

    fn timeout(&mut self, now: Instant) {
        self.run_transaction(now);
        if self.binding.as_ref().is_some_and(|binding| binding.until <= now) {
            self.lapse(now);
        }
        if self.lookup_until.is_some_and(|at| at <= now) {
            self.lookup_until = None;
            self.located(now, Err("nobody looked the registrar up".into()));
        }
        if self.due.is_some_and(|at| at <= now) {
            self.due = None;
            self.apply(now, Event::Due);
        }
    }

    fn run_transaction(&mut self, now: Instant) {
        while let Some(pending) = &mut self.pending {
            let silent = pending.give_up.is_some_and(|at| at <= now);
            if !silent && pending.transaction.deadline().is_none_or(|at| at > now) {
                return;
            }
            let failure = if silent {
                Some(Failure::Timeout)
            } else {
                pending.transaction.handle_timeout(now)
            };
            if failure.is_some() {
                self.pending = None;
                self.failed_with(Some(408), "the registrar does not answer");
                let event = self.failed(now);
                return self.apply(now, event);
            }
            self.flush();
        }
    }

    /// The registrar has forgotten us before it heard from us again.
    fn lapse(&mut self, now: Instant) {
        self.binding = None;
        if matches!(self.state, State::Leaving | State::Returning) {
            // There is nothing left to take away.
            self.pending = None;
            self.failed_with(None, "the registration has run out");
            return self.apply(now, Event::Failed);
        }
        self.failed_with(None, "the registration has run out");
        self.tell_end();
    }

    fn arm_refresh(&mut self, now: Instant) {
        let granted = self.granted.as_ref().map_or(0, |granted| granted.expires);
        let granted = Duration::from_secs(granted.into());
        let part = u32::try_from(self.entropy.below(16)).unwrap_or_default().saturating_add(75);
        let wanted = granted.saturating_mul(part) / 100;
        let latest = granted.saturating_sub(REFRESH_MARGIN).max(granted / 2);
        self.due = Some(now + wanted.min(latest));
    }

    fn arm_retry(&mut self, now: Instant, event: Event) {
        if event == Event::NotLocated {
            self.back_off = self.back_off.max(LOOKUP_PAUSE);
        }
        let least = u64::try_from(self.back_off.as_millis()).unwrap_or(u64::MAX);
        let more = self.entropy.below(least.saturating_add(1));
        let pause = Duration::from_millis(least.saturating_add(more));
        let pause = pause.max(self.retry_after.take().unwrap_or_default());
        self.back_off = self.back_off.saturating_mul(2).min(BACK_OFF_MAX);
        self.due = Some(now + pause);
        self.pause = Some(pause);
    }

    fn tell_success(&mut self) {
        let (Some(binding), Some(granted)) = (&self.binding, &self.granted) else { return };
        let told = NotificationData::AccountRegistrationDidSucceed {
            account: self.settings.name.clone(),
            code: self.code.unwrap_or_default(),
            reason: self.reason.clone(),
            contact_uri: Box::new(binding.contact.clone()),
            contact_uri_list: granted.contacts.clone(),
            expires: granted.expires,
        };
        self.push(Output::Notify(told));
    }

    fn tell_failure(&mut self, event: Event) {
        let next = self.ways.get(self.at).filter(|_| event == Event::NextWay);
        let route = next.and_then(|way| {
            Route::to_address(way.remote.ip(), way.remote.port(), way.transport).map(Box::new)
        });
        let told = NotificationData::AccountRegistrationDidFail {
            account: self.settings.name.clone(),
            code: self.code,
            reason: self.reason.clone(),
            next_route: route,
            delay: self.pause.take(),
        };
        self.push(Output::Notify(told));
    }

    fn tell_end(&mut self) {
        self.binding = None;
        let reason = std::mem::take(&mut self.reason);
        let told = NotificationData::AccountRegistrationDidEnd {
            account: self.settings.name.clone(),
            code: self.code.take(),
            reason: (!reason.is_empty()).then_some(reason),
        };
        self.push(Output::Notify(told));
    }
}
