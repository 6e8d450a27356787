//! The session core: inputs become events of the link's table, frames of the two halves.

use std::collections::VecDeque;
use std::time::Duration;

use offhook_fsm::msrp_link::{self, Action, Event as LinkEvent, State};
use offhook_fsm::{Entropy, Instant, Step};

use super::dispositions::Ask;
use super::incoming::{Done, Receiver};
use super::naming::Naming;
use super::outgoing::{Context, Sender, takes};
use super::talk::Talk;
use super::{
    BACKLOG_BYTES, ChatError, Content, Event, FLUSH_MS, Input, Local, Matching, Output, Peer,
    STRANGERS_MAX, WAIT_MS, WINDOW_BYTES,
};
use crate::encode::{Builder, transaction_id};
use crate::error::Unprintable;
use crate::frame::{Frame, Framer};
use crate::imdn;
use crate::message::{ContinuationFlag, Head, Start};
use crate::uri::{MsrpUri, Path};

/// One MSRP session. See the [module](super).
#[derive(Clone, Debug)]
pub struct Chat {
    state: State,
    now: Instant,
    local: Local,
    peer: Option<Peer>,
    entropy: Entropy,
    framer: Framer,
    receiver: Receiver,
    sender: Sender,
    talk: Talk,
    naming: Naming,
    outputs: VecDeque<Output>,
    /// Answers and reports that are not handed out yet.
    control: Vec<u8>,
    handed_out: u64,
    written: u64,
    deadline: Option<Instant>,
    /// The transaction of our first, empty SEND.
    first: Option<String>,
    strangers: u32,
    /// Why the link fails, for people.
    reason: String,
}

impl Chat {
    /// A session whose path is made and whose peer is not known yet.
    ///
    /// # Errors
    /// When our URI is none.
    pub fn new(local: Local, entropy: Entropy) -> Result<Self, ChatError> {
        MsrpUri::parse(&local.uri).ok_or(ChatError::Invalid("our URI"))?;
        Ok(Self {
            state: State::START,
            now: Instant::ZERO,
            receiver: Receiver::new(&local),
            local,
            peer: None,
            entropy,
            framer: Framer::new(),
            sender: Sender::default(),
            talk: Talk::default(),
            naming: Naming::default(),
            outputs: VecDeque::new(),
            control: Vec::new(),
            handed_out: 0,
            written: 0,
            deadline: None,
            first: None,
            strangers: 0,
            reason: String::new(),
        })
    }

    /// Where in its life the session is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Our side.
    #[must_use]
    pub const fn local(&self) -> &Local {
        &self.local
    }

    /// Whether the connection is to be read: not before the peer's path is known, and not while
    /// the peer does not read our answers.
    #[must_use]
    pub const fn wants_bytes(&self) -> bool {
        matches!(self.state, State::Binding | State::Started | State::Ending)
            && self.backlog() < BACKLOG_BYTES
    }

    const fn backlog(&self) -> u64 {
        self.handed_out.saturating_sub(self.written).saturating_add(self.control.len() as u64)
    }

    /// Whether a request is for this session: what a listener that several sessions share asks.
    #[must_use]
    pub fn is_for(&self, head: &Head<'_>) -> bool {
        let Some(peer) = &self.peer else { return false };
        // Mostly both are written as they were in the descriptions.
        if head.to_path.as_str() == self.local.uri && head.from_path.as_str() == peer.path {
            return true;
        }
        let own = MsrpUri::parse(&self.local.uri);
        let (Some(own), Ok(theirs)) = (own, Path::parse(&peer.path)) else { return false };
        match self.local.matching {
            Matching::ExactPath => {
                let mut to = head.to_path.iter();
                let alone = to.next().is_some_and(|uri| uri.is_equivalent(&own));
                alone && to.next().is_none() && head.from_path.is_equivalent(theirs)
            }
            Matching::SessionId => {
                let same = |a: Option<MsrpUri<'_>>, b: Option<MsrpUri<'_>>| {
                    a.zip(b).is_some_and(|(a, b)| a.has_session_of(&b))
                };
                same(head.to_path.last(), Some(own)) && same(head.from_path.last(), theirs.last())
            }
        }
    }

    /// Takes one input.
    ///
    /// # Errors
    /// A mistake of the caller; nothing has changed. What the peer does is never an error.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), ChatError> {
        self.now = self.now.max(now);
        match input {
            Input::Start(peer) => {
                Path::parse(&peer.path).map_err(|_| ChatError::Invalid("the peer's path"))?;
                self.check(LinkEvent::Start)?;
                self.peer = Some(peer);
                self.step(LinkEvent::Start);
            }
            Input::Connected if self.local.active => self.called(LinkEvent::ConnectedOut)?,
            Input::Connected => self.called(LinkEvent::ConnectedIn)?,
            Input::Received(bytes) => self.received(bytes)?,
            Input::Written(bytes) => {
                self.written = self.written.saturating_add(bytes as u64).min(self.handed_out);
                self.sender.written(self.written);
            }
            Input::Disconnected(None) => self.step(LinkEvent::Close),
            Input::Disconnected(Some(reason)) => self.fail(&reason),
            Input::Send(message) => self.send(message)?,
            Input::Data { id, bytes } => self.sender.data(id, bytes)?,
            Input::Abort { id } => {
                let chunk = self.with_context(|sender, context| sender.abort(id, context))?;
                self.control.append(&mut chunk.unwrap_or_default());
            }
            Input::Refuse { id, status } => self.receiver.refuse(id, status),
            Input::Composing(active) => {
                if self.tells_composing() {
                    self.talk.compose(self.now, active, &mut self.entropy);
                }
            }
            Input::Ask(ask) => self.talk.dispositions.ask = ask,
            Input::Displayed { id } => {
                let (local, now_us) = (&self.local, self.now_us());
                self.talk.displayed(id, &local.identity.1, now_us, &mut self.entropy);
            }
            Input::Nickname(nickname) => self.nickname(nickname)?,
            Input::Stop => self.step(LinkEvent::Stop),
            Input::Timeout => {
                self.talk.time_out(self.now, &mut self.entropy);
                self.outputs.extend(self.naming.time_out(self.now).map(Output::Event));
                self.sender.time_out(self.now);
                if self.deadline.is_some_and(|deadline| deadline <= self.now) {
                    self.reason = match self.state {
                        State::Waiting => "no connection came to stand in time".into(),
                        _ => "the peer did not bind the session in time".into(),
                    };
                    self.step(LinkEvent::TimeOut);
                }
            }
        }
        self.talked();
        Ok(())
    }

    /// Whether the peer is to know who writes. It must name the type: one that takes everything
    /// may show documents that it does not know to its user.
    fn tells_composing(&self) -> bool {
        let kind = crate::composing::CONTENT_TYPE;
        let knows = |peer: &Peer| {
            let lists = [&peer.accept_types, &peer.accept_wrapped_types];
            let mut named = lists.into_iter().flat_map(|list| list.split_ascii_whitespace());
            named.any(|name| name.eq_ignore_ascii_case(kind))
                && takes(kind, &self.local, peer).is_some()
        };
        self.local.features.composing
            && self.state == State::Started
            && self.peer.as_ref().is_some_and(knows)
    }

    fn nickname(&mut self, nickname: &str) -> Result<(), ChatError> {
        let peer = self.peer.as_ref().filter(|_| self.state == State::Started);
        let paths = (&*peer.ok_or(ChatError::State(self.state))?.path, &*self.local.uri);
        let mut bytes = self.naming.ask(self.now, nickname, paths, &mut self.entropy)?;
        self.control.append(&mut bytes);
        Ok(())
    }

    /// What a wall clock shows, in microseconds since 1970 UTC.
    fn now_us(&self) -> i64 {
        let since = i64::try_from(self.now.as_micros()).unwrap_or(i64::MAX);
        self.local.epoch_us.saturating_add(since)
    }

    /// A request of the peer's ended.
    fn ended(&mut self, mut done: Done) {
        self.control.append(&mut done.bytes);
        match done.event {
            Some(Event::Message(message)) => {
                let takes = |peer| takes(imdn::CONTENT_TYPE, &self.local, peer) == Some(true);
                // Who cannot be told is not.
                let wants = done.wants.filter(|_| self.peer.as_ref().is_some_and(takes));
                let (local, now_us) = (&self.local, self.now_us());
                let entropy = &mut self.entropy;
                self.talk.arrived(self.now, message, wants, local, now_us, entropy);
                self.talked();
            }
            told => self.outputs.extend(told.map(Output::Event)),
        }
    }

    /// Carries out what goes along with messages.
    fn talked(&mut self) {
        while let Some(document) = self.talk.documents.pop_front() {
            let id = document.id.clone();
            // In a full queue it finds no room; who ends says nothing more.
            let pushed = self.state == State::Started
                && self.sender.push(document, Ask::default(), &self.local).is_ok();
            if !pushed {
                self.talk.forget(&id);
            }
        }
        self.outputs.extend(self.talk.events.drain(..).map(Output::Event));
    }

    /// What is to be done now, one thing a call, until it is [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        loop {
            let output = self.next_output();
            if !matches!(&output, Output::Event(event) if self.talk.hides(event)) {
                return output;
            }
        }
    }

    fn next_output(&mut self) -> Output {
        loop {
            if let Some(event) = self.sender.events.pop_front() {
                return Output::Event(event);
            }
            if let Some(output) = self.outputs.pop_front() {
                return output;
            }
            if !self.control.is_empty() {
                let bytes = std::mem::take(&mut self.control);
                return self.transmit(bytes);
            }
            if matches!(self.state, State::Started | State::Ending) {
                if let Some(event) = self.sender.ask() {
                    return Output::Event(event);
                }
                let handed_out = self.handed_out;
                if self.backlog() < WINDOW_BYTES
                    && let Some(chunk) =
                        self.with_context(|sender, context| sender.next_chunk(context, handed_out))
                {
                    return self.transmit(chunk);
                }
                if self.state == State::Ending
                    && self.sender.events.is_empty()
                    && self.sender.is_empty()
                    && self.backlog() == 0
                {
                    self.step(LinkEvent::Flushed);
                }
            }
            if self.sender.events.is_empty() && self.outputs.is_empty() {
                let own = [self.sender.next_deadline(), self.talk.next_deadline()];
                let own = own.into_iter().chain([self.naming.next_deadline(), self.deadline]);
                let next = own.flatten().min();
                return Output::Timeout(next.filter(|_| self.state != State::Terminated));
            }
        }
    }

    fn transmit(&mut self, bytes: Vec<u8>) -> Output {
        self.handed_out = self.handed_out.saturating_add(bytes.len() as u64);
        Output::Transmit(bytes)
    }

    fn with_context<T>(&mut self, what: impl FnOnce(&mut Sender, &mut Context<'_>) -> T) -> T {
        let peer = self.peer.as_ref();
        let unknown = Peer::new(String::new());
        let mut context = Context {
            now: self.now,
            local: &self.local,
            peer: peer.unwrap_or(&unknown),
            entropy: &mut self.entropy,
        };
        what(&mut self.sender, &mut context)
    }

    fn send(&mut self, message: super::Outgoing) -> Result<(), ChatError> {
        if matches!(self.state, State::Ending | State::Terminated) {
            return Err(ChatError::State(self.state));
        }
        let cpim = |list: &str| super::accepts(list, crate::cpim::CONTENT_TYPE);
        let known = self.peer.as_ref().is_none_or(|peer| cpim(&peer.accept_types));
        let source = matches!(message.content, Content::Source { .. });
        if message.to.is_some() && (source || !known || !cpim(&self.local.accept_types)) {
            return Err(ChatError::NeedsCpim);
        }
        let document = [crate::composing::CONTENT_TYPE, imdn::CONTENT_TYPE];
        if document.contains(&message.content_type.as_str()) {
            return self.sender.push(message, Ask::default(), &self.local);
        }
        let ask = self.talk.dispositions.ask;
        let ask = if self.local.features.dispositions { ask } else { Ask::default() };
        let id = message.id.clone();
        self.sender.push(message, ask, &self.local)?;
        self.talk.sends(self.now, &id, ask);
        Ok(())
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), ChatError> {
        match self.state {
            State::Binding | State::Started | State::Ending => {}
            State::Terminated => return Ok(()),
            other => return Err(ChatError::State(other)),
        }
        if self.backlog() >= BACKLOG_BYTES.saturating_mul(4) {
            self.fail("the peer does not read what it is answered");
            return Ok(());
        }
        let mut framer = std::mem::take(&mut self.framer);
        framer.push(bytes);
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => self.frame(frame),
                Ok(None) => break,
                Err(error) => self.fail(&error.to_string()),
            }
            if self.state == State::Terminated {
                break;
            }
        }
        self.framer = framer;
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) {
        match frame {
            Frame::Head { head, fault } => match head.start {
                Start::Response { status, comment } => self.response(&head, status, comment),
                Start::Request { method } => {
                    let refused = fault.map(|fault| fault.status());
                    let refused = refused.or_else(|| self.refusal(&head, method));
                    if method == "REPORT" && refused.is_none() {
                        self.sender.report(&head);
                    }
                    self.receiver.begin(&head, refused, &self.local);
                    if method == "SEND" && refused.is_none() {
                        self.step(LinkEvent::Bind);
                    }
                }
            },
            Frame::Body(bytes) => {
                let mut told = Vec::new();
                if !self.receiver.body(bytes, self.local.pass_on, &mut told) {
                    self.fail("the peer goes on with what was refused");
                }
                self.outputs.extend(told.into_iter().map(Output::Event));
            }
            Frame::End(flag) => {
                let id = transaction_id(&mut self.entropy, b"");
                let done = self.receiver.end(flag, &id, &self.local);
                self.ended(done);
            }
        }
    }

    /// What a request is refused with before its content is looked at.
    fn refusal(&mut self, head: &Head<'_>, method: &str) -> Option<u16> {
        if !self.is_for(head) {
            self.strangers = self.strangers.saturating_add(1);
            if self.strangers > STRANGERS_MAX {
                self.fail("the peer means other sessions");
            }
            return Some(481);
        }
        if matches!(method, "SEND" | "REPORT") { None } else { Some(501) }
    }

    fn response(&mut self, head: &Head<'_>, status: u16, comment: &str) {
        let first = self.first.as_deref() == Some(head.transaction_id);
        if first {
            self.first = None;
        } else if let Some(event) = self.naming.response(head.transaction_id, status, comment) {
            self.tell(event);
        } else {
            self.sender.response(head.transaction_id, status, comment);
        }
        match status {
            200 if first => self.step(LinkEvent::Bind),
            // The session is gone (RFC 4975 §10.8).
            481 => self.refused(status, comment),
            _ if first && status != 200 => self.refused(status, comment),
            _ => {}
        }
    }

    fn refused(&mut self, status: u16, comment: &str) {
        self.reason = format!("the peer refuses the session: {status} {comment}");
        self.step(LinkEvent::Refuse);
    }

    fn fail(&mut self, reason: &str) {
        self.reason = reason.into();
        self.step(LinkEvent::Break);
    }

    fn check(&self, event: LinkEvent) -> Result<(), ChatError> {
        match msrp_link::step(self.state, event) {
            Step::Refused => Err(ChatError::State(self.state)),
            Step::Go { .. } | Step::Ignored => Ok(()),
        }
    }

    fn called(&mut self, event: LinkEvent) -> Result<(), ChatError> {
        self.check(event)?;
        self.step(event);
        Ok(())
    }

    fn step(&mut self, event: LinkEvent) {
        let Step::Go { next, actions } = msrp_link::step(self.state, event) else { return };
        self.state = next;
        for action in actions {
            self.act(*action);
        }
    }

    fn act(&mut self, action: Action) {
        let within = |millis| Some(self.now + Duration::from_millis(millis));
        match action {
            Action::ArmConnect | Action::ArmBind => self.deadline = within(WAIT_MS),
            Action::ArmFlush => self.deadline = within(FLUSH_MS),
            Action::Disarm => self.deadline = None,
            Action::SendFirst => match self.first_send() {
                Ok(mut bytes) => self.control.append(&mut bytes),
                // Both paths were looked at before: this does not come to pass.
                Err(error) => self.fail(&error.to_string()),
            },
            Action::CloseConnection => {
                if !self.control.is_empty() {
                    let bytes = std::mem::take(&mut self.control);
                    let output = self.transmit(bytes);
                    self.outputs.push_back(output);
                }
                self.outputs.push_back(Output::Close);
            }
            Action::TellStarted => self.tell(Event::Started),
            Action::TellFailed => {
                let reason = std::mem::take(&mut self.reason);
                let lost = "the connection was lost";
                let reason = if reason.is_empty() { lost.into() } else { reason };
                self.tell(Event::Failed { reason });
            }
            Action::TellEnded => self.tell(Event::Ended),
            Action::FailMessages => {
                let over = "the session is over";
                self.outputs.extend(self.naming.done(0, over).map(Output::Event));
                self.talk.end();
                self.talked();
                self.sender.fail_all(over);
                self.outputs.extend(self.sender.events.drain(..).map(Output::Event));
            }
        }
    }

    /// Everything that the two halves told before goes first.
    fn tell(&mut self, event: Event) {
        self.outputs.extend(self.sender.events.drain(..).map(Output::Event));
        self.outputs.push_back(Output::Event(event));
    }

    /// An empty SEND (RFC 4975 §5.4, REFERENCE 1.9).
    fn first_send(&mut self) -> Result<Vec<u8>, Unprintable> {
        let path = |text| Path::parse(text).map_err(|_| Unprintable::new("the path"));
        let id = transaction_id(&mut self.entropy, b"");
        let message: [u8; 16] = self.entropy.hex();
        let to = self.peer.as_ref().map(|peer| peer.path.as_str()).unwrap_or_default();
        let bytes = Builder::request(&id, "SEND", path(to)?, path(&self.local.uri)?)?
            .header("Message-ID", String::from_utf8_lossy(&message))?
            .header("Byte-Range", "1-0/0")?
            .finish(ContinuationFlag::Complete);
        self.first = Some(id);
        Ok(bytes)
    }
}
