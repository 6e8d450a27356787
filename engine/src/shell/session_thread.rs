//! One session's loop: wait for mail or the core's next timeout, hand it in, carry out what comes
//! out. It decides nothing and waits on nobody.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, TryRecvError};
use offhook_fsm::{Entropy, Instant};
use offhook_media::control::MediaCommand;
use offhook_media::shell::mailbox;

use super::chat::{Chats, Tracer};
use super::endpoint_thread::EndpointMail;
use super::engine::EngineShared;
use super::registry::{Mail, Shared, Wish};
use crate::error::SessionError;
use crate::notification::{Notification, NotificationData, Originator, Sender, SessionState};
use crate::session::{Core, Farewell, Input, Order, Output};
use crate::snapshot::Snapshot;
use crate::transaction::ServerKey;
use crate::transport::{Received, Transport};

/// Notifications and endpoint mail that wait because a queue is full; beyond it the session ends.
const OUTBOX_MAX: usize = 1024;
/// Of these, what a chat's messages may fill; then its peer is no longer read.
const OUTBOX_READ_MAX: usize = 256;
/// How long to wait before a full queue is tried again.
const RETRY: Duration = Duration::from_millis(5);
/// How often an ended session tries to get its last words out.
const LAST_RETRIES: u32 = 2000;

/// Where an order's result goes.
type Reply = mailbox::Sender<Result<(), SessionError>>;

/// A session and all that its thread needs.
pub(crate) struct SessionThread {
    core: Core,
    shared: Arc<Shared>,
    mailbox: mailbox::Receiver<Mail>,
    engine: Arc<EngineShared>,
    /// For the farewell of a core that broke.
    entropy: Entropy,
    outbox: VecDeque<Posted>,
    /// Sends that failed.
    failed: VecDeque<Input>,
    chats: Chats,
    /// Came while the chat's sockets were served: what they brought goes first.
    held: Option<Mail>,
    /// What the core wants and what was not yet done.
    outputs: VecDeque<Output>,
    /// What to do should the core break on the next input.
    farewell: Farewell,
    /// The INVITE that the core works on.
    invite: Option<(ServerKey, Box<Received>)>,
    /// Who waits for the result of the order that the core works on.
    reply: Option<Reply>,
    next: Option<Instant>,
    /// The next input makes the core panic.
    breaks: bool,
}

/// What waits in the outbox.
enum Posted {
    Notification(Box<Notification>),
    Endpoint(Box<EndpointMail>),
    /// The end of a stream, which the media layer must hear of.
    Media(Box<MediaCommand>),
    /// The end of the application's own audio.
    Detach,
}

impl SessionThread {
    pub(crate) fn new(
        core: Core,
        shared: Arc<Shared>,
        mailbox: mailbox::Receiver<Mail>,
        engine: Arc<EngineShared>,
        entropy: Entropy,
        breaks: bool,
    ) -> Self {
        let chats = Chats::new(Tracer::new(&engine, shared.id), Arc::clone(&engine.tls));
        Self {
            farewell: core.farewell(),
            core,
            shared,
            mailbox,
            engine,
            entropy,
            outbox: VecDeque::new(),
            failed: VecDeque::new(),
            chats,
            held: None,
            outputs: VecDeque::new(),
            invite: None,
            reply: None,
            next: None,
            breaks,
        }
    }

    /// Runs the session to its end, whatever breaks.
    pub(crate) fn run(mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.serve())).is_ok() {
            return;
        }
        // It may have been the application's logger that broke.
        let id = self.shared.id;
        let _logged = catch_unwind(|| log::error!("session {id} broke and is ended"));
        if catch_unwind(AssertUnwindSafe(|| self.broken())).is_err() {
            lost(&self.shared, &self.engine);
        }
    }

    fn serve(&mut self) {
        self.engine.pool.replenish();
        while !self.core.is_terminated() {
            let Some((input, reply)) = self.next_input() else { continue };
            self.reply = reply;
            if let Input::Invite(key, received) = &input {
                self.invite = Some((key.clone(), Box::new(received.clone())));
                if let Some(code) = self.engine.refuses(self.shared.id, received) {
                    return self.refuse(code);
                }
            }
            #[allow(clippy::panic, reason = "a test asks for it")]
            if self.breaks {
                panic!("a fault was injected");
            }
            let result = self.core.handle_input(self.engine.clock.now(), input);
            self.next = loop {
                match self.core.poll_output() {
                    Output::Timeout(at) => break at,
                    output => self.outputs.push_back(output),
                }
            };
            self.farewell = self.core.farewell();
            self.invite = None;
            if result.is_err() && self.core.snapshot().state == SessionState::Null {
                // `connect` was refused.
                return self.withdraw(result);
            }
            self.shared.publish(self.core.snapshot());
            self.answer(result);
            self.carry_out_all();
        }
        self.finish();
    }

    fn carry_out_all(&mut self) {
        while let Some(output) = self.outputs.pop_front() {
            self.carry_out(output);
        }
    }

    /// The next thing that happened, with the channel for an order's result.
    fn next_input(&mut self) -> Option<(Input, Option<Reply>)> {
        if let Some(input) = self.failed.pop_front() {
            return Some((input, None));
        }
        if let Some(event) = self.chats.next_event() {
            return Some((Input::Chat(event), None));
        }
        if let Some(mail) = self.held.take() {
            return self.open(mail);
        }
        self.flush();
        if self.outbox.len() > OUTBOX_MAX {
            self.outbox.truncate(OUTBOX_MAX);
            let reason = "the notifications of this session are not taken".to_owned();
            return Some((Input::Fault(reason), None));
        }
        if let Some(input) = self.wished() {
            return Some((input, None));
        }
        // A mailbox that is never empty must not keep the timers from running.
        if self.next.is_some_and(|at| at <= self.engine.clock.now()) {
            return Some((Input::Timeout, None));
        }
        let retry = (!self.outbox.is_empty()).then(|| self.engine.clock.now() + RETRY);
        let wake = self.next.into_iter().chain(retry).min();
        let mail = match wake {
            _ if self.chats.has_sockets() => self.wait_for_sockets(wake),
            None => self.mailbox.recv().ok_or(RecvTimeoutError::Disconnected),
            Some(at) => self.mailbox.recv_deadline(self.engine.clock.os(at)),
        };
        match mail {
            Ok(mail) => self.open(mail),
            Err(RecvTimeoutError::Timeout) => None,
            // Nobody can reach this session any more; the registry holds it till it ends.
            Err(RecvTimeoutError::Disconnected) => {
                Some((Input::Fault("the session is lost".into()), None))
            }
        }
    }

    fn open(&mut self, mail: Mail) -> Option<(Input, Option<Reply>)> {
        match mail {
            Mail::Order(order, reply) => Some((Input::Order(*order), Some(reply))),
            Mail::Input(input) => Some((*input, None)),
            Mail::Panic => {
                self.breaks = true;
                Some((Input::Timeout, None))
            }
            Mail::Wish => None,
        }
    }

    /// Serves the chat's sockets, then looks once into the mailbox. Whatever there is of the one, the
    /// other has its turn. A message that was answered is told before the BYE of a peer who waited
    /// for the answer.
    fn wait_for_sockets(&mut self, wake: Option<Instant>) -> Result<Mail, RecvTimeoutError> {
        let clock = self.engine.clock;
        let wake = wake.into_iter().chain(self.chats.deadline()).min();
        let timeout = match self.mailbox.is_empty() {
            true => wake.map(|at| at - clock.now()),
            false => Some(Duration::ZERO),
        };
        let has_room = self.outbox.len() < OUTBOX_READ_MAX;
        self.chats.wait(timeout, has_room, || clock.now());
        self.shared.set_waker(self.chats.waker());
        match self.mailbox.try_recv() {
            Ok(mail) if self.chats.has_events() => {
                self.held = Some(mail);
                Err(RecvTimeoutError::Timeout)
            }
            Ok(mail) => Ok(mail),
            Err(TryRecvError::Empty) => Err(RecvTimeoutError::Timeout),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// What was asked for beside the mailbox. What begins the session comes first.
    fn wished(&self) -> Option<Input> {
        if self.core.snapshot().state == SessionState::Null {
            return None;
        }
        match self.shared.take_wish() {
            Wish::Nothing => None,
            Wish::End => Some(Input::Order(Order::End)),
            Wish::Overrun => Some(Input::Fault("the session has too much to do".into())),
            Wish::Cut => Some(Input::Fault("the engine ends".into())),
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                if let Err(failed) = self.engine.send_request(transmit) {
                    self.failed.push_back(*failed);
                }
            }
            Output::Respond { key, status, transmit } => {
                let direct = transmit.destination.transport == Transport::Udp;
                let copy = direct.then(|| transmit.clone());
                // What goes over a stream the endpoint sends, and a refusal over UDP it repeats. It
                // hears of a response before the peer does, and so before the peer's ACK.
                let mail = EndpointMail::Responded { key, status, transmit, send: !direct };
                self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
                self.flush();
                if let Some(transmit) = copy {
                    self.engine.send_datagram(&transmit);
                }
            }
            Output::Media(command) => {
                let Err(refused) = self.engine.media.command(command) else { return };
                match *refused.0 {
                    // The session may be over: its sockets must not outlive it.
                    MediaCommand::Stop { .. } => self.outbox.push_back(Posted::Media(refused.0)),
                    _ => self.failed.push_back(Input::Fault(refused.to_string())),
                }
            }
            Output::Chat(command) => {
                let (now, epoch) = (self.engine.clock.now(), self.engine.clock.epoch().timestamp);
                let epoch_us = i64::try_from(epoch.unix_micros()).unwrap_or(i64::MAX);
                self.chats.carry_out(command, now, &mut self.entropy, epoch_us);
                self.shared.set_waker(self.chats.waker());
            }
            Output::Notification(notification) => {
                self.outbox.push_back(Posted::Notification(Box::new(notification)));
            }
            Output::HandOver(transaction) => {
                let mail = EndpointMail::HandOver(transaction);
                self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
            }
            Output::Locate(wanted) => self.engine.locate(self.shared.id, wanted),
            Output::Unreachable(way) => self.engine.resolver.unreachable(way.transport, way.remote),
            Output::Timeout(_) => {}
        }
    }

    /// Hands on what waits, in order, until a queue is full.
    fn flush(&mut self) {
        while let Some(posted) = self.outbox.pop_front() {
            let refused = match posted {
                Posted::Notification(notification) => {
                    let ends = matches!(notification.data, NotificationData::SessionDidEnd { .. });
                    let posted = self.engine.center.post(*notification);
                    if ends && posted.is_ok() {
                        self.shared.did_end();
                    }
                    posted.err().map(|full| Posted::Notification(full.0))
                }
                Posted::Endpoint(mail) => self.engine.post(*mail).err().map(Posted::Endpoint),
                Posted::Detach => {
                    self.engine.media.detach(self.shared.id.0).err().map(|_| Posted::Detach)
                }
                Posted::Media(command) => {
                    self.engine.media.command(*command).err().map(|busy| Posted::Media(busy.0))
                }
            };
            if let Some(posted) = refused {
                self.outbox.push_front(posted);
                return;
            }
        }
    }

    /// What the endpoint is to know overtakes notifications that wait: whoever finds the mailbox
    /// shut may count on it that the endpoint has what the session left behind.
    fn flush_endpoint(&mut self) {
        let waits = std::mem::take(&mut self.outbox);
        let (mail, others) = waits.into_iter().partition(|p| matches!(p, Posted::Endpoint(_)));
        self.outbox = mail;
        self.flush();
        self.outbox.extend::<VecDeque<_>>(others);
    }

    /// The core, or what carries out its will, broke: what it left for this case is done in its
    /// place. An INVITE that it broke on is answered by the endpoint.
    fn broken(&mut self) {
        let now = self.engine.clock.now();
        let value = format!("session {} panicked", self.shared.id);
        self.engine.tell(NotificationData::EngineGotException {
            kind: "panic",
            value,
            traceback: None,
        });
        if let Some((key, received)) = self.invite.take() {
            let mail = EndpointMail::Broken(key, received);
            self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
        }
        let mut snapshot = Snapshot::clone(&self.shared.latest());
        self.farewell.settle(now, &mut snapshot);
        if snapshot.state == SessionState::Null {
            // It had not begun: there is nothing to end, and nobody to tell.
            return self.withdraw(Err(SessionError::Local("internal error".into())));
        }
        self.shared.publish(&snapshot);
        self.reply = None;
        // What the core wanted last is still due, unless the core broke on it.
        self.outputs.extend(self.farewell.clone().outputs(now, &mut self.entropy));
        self.carry_out_all();
        self.finish();
    }

    /// The call does not ring, and nobody is told of it.
    fn refuse(&mut self, code: u16) {
        if let Some((key, received)) = self.invite.take() {
            let mail = EndpointMail::Refused(key, received, code);
            self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
        }
        self.withdraw(Ok(()));
    }

    /// Tells an order's result.
    fn answer(&mut self, result: Result<(), SessionError>) {
        if let Some(reply) = self.reply.take() {
            // The caller may have gone away.
            let _told = reply.try_send(result);
        }
    }

    /// The session is as fresh as before, and only then hears of it who ordered `connect`.
    fn withdraw(&mut self, result: Result<(), SessionError>) {
        self.engine.retract(&self.shared);
        self.answer(result);
        self.turn_away();
        self.flush_out();
    }

    /// What was put into the mailbox and never read. Orders are answered by the snapshot.
    fn turn_away(&mut self) {
        let held = self.held.take();
        let rest = std::iter::from_fn(|| self.mailbox.try_recv().ok());
        for mail in held.into_iter().chain(rest) {
            let Mail::Input(input) = mail else { continue };
            let unread = match *input {
                Input::Request(key, received) => EndpointMail::Gone(key, Box::new(received)),
                Input::Response(received) => EndpointMail::Unread(Box::new(received)),
                _ => continue,
            };
            self.outbox.push_back(Posted::Endpoint(Box::new(unread)));
        }
    }

    /// Gets the last words out and leaves.
    fn finish(&mut self) {
        self.flush_endpoint();
        // A handle that orders something from here on finds nobody and reads the snapshot: an
        // observer that waited here would wait for the room that only its return makes.
        self.shared.close();
        self.turn_away();
        if self.shared.has_raw_audio.load(Ordering::Acquire) {
            self.outbox.push_back(Posted::Detach);
        }
        self.flush_out();
        let clock = self.engine.clock;
        self.chats.finish(|| clock.now());
        self.shared.did_end();
        self.engine.registry.ended(&self.shared);
        if !self.outbox.is_empty() {
            log::error!("session {} ended, but its notifications are not taken", self.shared.id);
            // Nobody will hear of its end, and take it off the list then.
            self.engine.registry.forget(self.shared.id);
        }
    }

    /// Hands on what waits, for as long as an observer may block.
    fn flush_out(&mut self) {
        for _ in 0..LAST_RETRIES {
            self.flush();
            if self.outbox.is_empty() {
                return;
            }
            std::thread::park_timeout(RETRY);
        }
    }
}

/// A session's thread broke twice: its end is told in its place.
fn lost(shared: &Shared, engine: &EngineShared) {
    let mut snapshot = Snapshot::clone(&shared.latest());
    let prev_state = snapshot.state;
    if prev_state == SessionState::Null {
        return engine.retract(shared);
    }
    let timestamp = engine.clock.timestamp();
    let originator = Originator::Local;
    let mut told = Vec::new();
    if prev_state != SessionState::Terminated {
        snapshot.state = SessionState::Terminated;
        snapshot.stop_time = Some(timestamp);
        shared.publish(&snapshot);
        let (state, reason) = (snapshot.state, "internal error".into());
        told.push(NotificationData::SessionChangedState { prev_state, state });
        told.push(NotificationData::SessionDidFail {
            originator,
            code: 0,
            reason,
            redirect_identities: Vec::new(),
        });
    }
    if !shared.has_ended() {
        told.push(NotificationData::SessionDidEnd { originator });
    }
    shared.close();
    for data in told {
        let sender = Sender::Session(shared.id);
        if engine.center.post(Notification { timestamp, sender, data }).is_err() {
            // Nobody will hear of its end, and take it off the list then.
            engine.registry.forget(shared.id);
        }
    }
    shared.did_end();
    engine.registry.ended(shared);
}
