//! The endpoint's thread: SIP sockets in, [`endpoint::Core`] in the middle, session mailboxes and
//! sockets out. What it hears from the sessions comes through a bounded mailbox that is emptied
//! before each datagram.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use offhook_fsm::Instant;

use super::engine::{EngineShared, LaunchError, Listener};
use super::flow::Flows;
use super::notification_center::lock;
use super::registry::{Mail, Undelivered};
use super::way;
use crate::endpoint::{Core, Input, Output};
use crate::id::{AccountId, SessionId};
use crate::registration;
use crate::session;
use crate::sip::Message;
use crate::transaction::{ClientTransaction, ServerKey};
use crate::transport::{Destination, Received, Transmit, Transport};

/// What sessions have posted and the endpoint has not read. A session that finds it full tries
/// again.
const MAILBOX_MAX: usize = 16_384;
/// Datagrams that one listener is read for before the others have their turn.
const BURST: usize = 256;
/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_535;
/// Peers whose route is remembered, and for how long.
const ROUTES_MAX: usize = 1024;
const ROUTES_KEPT: Duration = Duration::from_secs(30);

pub(super) const WAKER: Token = Token(0);
/// Listeners have the tokens from here on, flows those from [`FIRST_FLOW`].
const FIRST_LISTENER: usize = 1;
pub(super) const FIRST_FLOW: usize = 1024;

/// What a session posts to the endpoint.
pub(crate) enum EndpointMail {
    /// It answered a request; `send`: the endpoint is to send it.
    Responded { key: ServerKey, status: u16, transmit: Transmit, send: bool },
    /// It ended and leaves a transaction.
    HandOver(Box<ClientTransaction>),
    /// Send this over a stream.
    Send(Transmit),
    /// It ended before it read this request.
    Gone(ServerKey, Box<Received>),
    /// It ended before it read this response, which what it left behind may still wait for.
    Unread(Box<Received>),
    /// It broke before it answered this INVITE.
    Broken(ServerKey, Box<Received>),
    /// This INVITE does not ring and is answered with that code.
    Refused(ServerKey, Box<Received>, u16),
    /// Close everything and end.
    Stop(Sender<()>),
}

impl EndpointMail {
    /// Whether the endpoint must act at once. Other mail is read before the next datagram, which is
    /// early enough for a response that only answers retransmissions.
    fn is_urgent(&self) -> bool {
        match self {
            Self::Responded { status, send, .. } => *send || *status >= 300,
            _ => true,
        }
    }
}

/// The endpoint as the other threads reach it.
#[derive(Clone)]
pub(crate) struct EndpointHandle {
    mailbox: Sender<EndpointMail>,
    waker: Arc<Waker>,
    /// Empty once the endpoint has ended: handles that live on keep no port.
    udp: Arc<ArcSwap<UdpSockets>>,
    listeners: Vec<Listener>,
}

/// Sockets by the address that they are bound to.
type UdpSockets = Vec<(SocketAddr, Arc<UdpSocket>)>;

impl EndpointHandle {
    pub(crate) fn listeners(&self) -> Vec<Listener> {
        self.listeners.clone()
    }

    /// Never waits: mail comes back when the mailbox is full.
    pub(crate) fn post(&self, mail: EndpointMail) -> Result<(), Box<EndpointMail>> {
        let urgent = mail.is_urgent();
        match self.mailbox.try_send(mail) {
            Ok(()) if urgent => {
                if let Err(error) = self.waker.wake() {
                    log::error!("the endpoint cannot be woken: {error}");
                }
                Ok(())
            }
            Ok(()) => Ok(()),
            Err(crossbeam_channel::TrySendError::Full(mail)) => Err(Box::new(mail)),
            // The endpoint has ended, and its transactions with it.
            Err(crossbeam_channel::TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    /// Sends a datagram from the listener that the destination names.
    pub(crate) fn send_datagram(&self, transmit: &Transmit) -> std::io::Result<()> {
        let Destination { remote, local, .. } = transmit.destination;
        let port = |(address, _): &&(SocketAddr, Arc<UdpSocket>)| {
            address.port() == local.port() && address.is_ipv4() == remote.is_ipv4()
        };
        let udp = self.udp.load();
        let exact = udp.iter().find(|(address, _)| *address == local);
        let Some((_, socket)) = exact.or_else(|| udp.iter().find(port)) else {
            return Err(ErrorKind::AddrNotAvailable.into());
        };
        match socket.send_to(&transmit.bytes, remote) {
            // A full send buffer loses the datagram, as the network may; it is repeated.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            sent => sent.map(drop),
        }
    }

    fn close(&self) {
        self.udp.store(Arc::default());
    }

    /// Ends the thread, within a second.
    pub(crate) fn stop(&self) {
        let (done, wait) = bounded(1);
        if self.mailbox.send_timeout(EndpointMail::Stop(done), Duration::from_secs(1)).is_ok() {
            let _woken = self.waker.wake();
            let _ended = wait.recv_timeout(Duration::from_secs(1));
        }
        // A thread that broke closed nothing.
        self.close();
    }
}

/// The top Via's branch of a request of ours; empty for anything else.
pub(crate) fn branch(bytes: &[u8]) -> Vec<u8> {
    let Ok(message) = Message::parse(bytes) else { return Vec::new() };
    if !message.is_request() {
        return Vec::new();
    }
    let via = message.via().ok();
    via.and_then(|via| via.branch()).unwrap_or_default().to_vec()
}

/// The thread's own things.
pub(crate) struct EndpointThread {
    poll: Poll,
    core: Core,
    mailbox: Receiver<EndpointMail>,
    udp: UdpSockets,
    flows: Flows,
    handle: EndpointHandle,
    /// Whose endpoint this is; set before the thread starts.
    engine: Weak<EngineShared>,
    routes: BTreeMap<IpAddr, IpAddr>,
    routes_since: Instant,
    next: Option<Instant>,
    /// The end is ordered: whom to tell of it.
    stopping: Option<Sender<()>>,
}

impl EndpointThread {
    /// Opens the listeners. The thread is started with [`run`](Self::run).
    pub(crate) fn open(
        listeners: &[Listener],
        core: Core,
    ) -> Result<(Self, EndpointHandle), (Listener, std::io::Error)> {
        let unnamed = listeners.first().copied().unwrap_or(super::start::ANY_UDP);
        let (poll, waker) = Poll::new()
            .and_then(|poll| Waker::new(poll.registry(), WAKER).map(|waker| (poll, waker)))
            .map_err(|error| (unnamed, error))?;
        let mut flows = Flows::default();
        let (mut udp, mut bound) = (Vec::new(), Vec::new());
        for (number, listener) in listeners.iter().enumerate() {
            let token = Token(FIRST_LISTENER + number);
            let address = match listener.transport {
                Transport::Udp => super::sockets::udp(listener.address).and_then(|mut socket| {
                    poll.registry().register(&mut socket, token, Interest::READABLE)?;
                    let address = socket.local_addr()?;
                    udp.push((address, Arc::new(socket)));
                    Ok(address)
                }),
                Transport::Tcp => flows.listen(poll.registry(), token, listener.address),
                Transport::Tls => Err(ErrorKind::Unsupported.into()),
            };
            let address = address.map_err(|error| (*listener, error))?;
            bound.push(Listener { address, ..*listener });
        }
        let (sender, mailbox) = bounded(MAILBOX_MAX);
        let handle = EndpointHandle {
            mailbox: sender,
            waker: Arc::new(waker),
            udp: Arc::new(ArcSwap::from_pointee(udp.clone())),
            listeners: bound,
        };
        let thread = Self {
            poll,
            core,
            mailbox,
            udp,
            flows,
            handle: handle.clone(),
            engine: Weak::new(),
            routes: BTreeMap::new(),
            routes_since: Instant::ZERO,
            next: None,
            stopping: None,
        };
        Ok((thread, handle))
    }

    /// Serves until `Stop`, or until the engine is gone.
    pub(crate) fn run(mut self, engine: &Arc<EngineShared>) {
        self.engine = Arc::downgrade(engine);
        let engine = Arc::clone(engine);
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0_u8; DATAGRAM_MAX].into_boxed_slice();
        let mut unread = vec![true; self.udp.len()];
        while self.stopping.is_none() {
            let wake = self.next.into_iter().chain(self.flows.deadline()).min();
            let pause = wake.map(|at| at - engine.clock.now());
            let pause = if unread.contains(&true) { Some(Duration::ZERO) } else { pause };
            match self.poll.poll(&mut events, pause) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return engine.fail(format!("the endpoint cannot poll: {error}")),
            }
            self.drain_mailbox(&engine);
            for event in &events {
                match event.token() {
                    WAKER => {}
                    Token(token) if token >= FIRST_FLOW => {
                        self.flows.ready(self.poll.registry(), event, engine.clock.now());
                    }
                    Token(token) => match self.udp_of(token).and_then(|at| unread.get_mut(at)) {
                        Some(unread) => *unread = true,
                        None => {
                            let now = engine.clock.now();
                            self.flows.accept(self.poll.registry(), token, now);
                        }
                    },
                }
            }
            for (at, unread) in unread.iter_mut().enumerate() {
                *unread = *unread && self.read_datagrams(&engine, at, &mut buffer);
            }
            self.serve_flows(&engine);
            let now = engine.clock.now();
            if self.next.is_some_and(|at| at <= now) {
                self.core.handle_input(now, Input::Timeout);
                self.drain(&engine);
            }
        }
        self.end();
    }

    /// Writes out what goes, closes everything, says so.
    fn end(mut self) {
        self.flows.flush_all(self.poll.registry());
        self.handle.close();
        let done = self.stopping.take();
        drop(self);
        if let Some(done) = done {
            // Whoever stops us waits no longer than it said.
            let _gone = done.try_send(());
        }
    }

    /// Which UDP socket has that token; `None` for a TCP listener.
    fn udp_of(&self, token: usize) -> Option<usize> {
        let is_udp = |listener: &Listener| listener.transport == Transport::Udp;
        let at = token.checked_sub(FIRST_LISTENER)?;
        self.handle.listeners.get(at).filter(|listener| is_udp(listener))?;
        Some(self.handle.listeners.iter().take(at).filter(|listener| is_udp(listener)).count())
    }

    /// Reads a burst; `true` when there may be more.
    fn read_datagrams(&mut self, engine: &Arc<EngineShared>, at: usize, buffer: &mut [u8]) -> bool {
        let Some((local, socket)) = self.udp.get(at).cloned() else { return false };
        for _ in 0..BURST {
            let (length, remote) = match socket.recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // An ICMP answer to something that was sent, or a signal.
                Err(_) => continue,
            };
            self.drain_mailbox(engine);
            if self.stopping.is_some() {
                return false;
            }
            let bytes = buffer.get(..length).unwrap_or_default();
            let local = self.seen_from(engine.clock.now(), local, remote.ip());
            let source = Destination { transport: Transport::Udp, remote, local, flow: None };
            self.message(engine, source, bytes);
        }
        true
    }

    fn message(&mut self, engine: &Arc<EngineShared>, source: Destination, bytes: &[u8]) {
        if engine.config.trace_sip && !bytes.iter().all(u8::is_ascii_whitespace) {
            engine.trace(true, &source, &bytes.into());
        }
        self.core.handle_input(engine.clock.now(), Input::Message { source, bytes });
        self.drain(engine);
    }

    /// Our address as that peer knows it.
    fn seen_from(&mut self, now: Instant, bound: SocketAddr, peer: IpAddr) -> SocketAddr {
        if !bound.ip().is_unspecified() {
            return bound;
        }
        if now - self.routes_since > ROUTES_KEPT || self.routes.len() >= ROUTES_MAX {
            self.routes.clear();
            self.routes_since = now;
        }
        let known = self.routes.get(&peer).copied();
        let found = known.or_else(|| way::local_towards(peer));
        match found {
            Some(local) => {
                self.routes.insert(peer, local);
                SocketAddr::new(local, bound.port())
            }
            None => way::reachable(bound),
        }
    }

    /// Reads what sessions have posted, up to the order to end.
    fn drain_mailbox(&mut self, engine: &Arc<EngineShared>) {
        while let Ok(mail) = self.mailbox.try_recv() {
            let now = engine.clock.now();
            match mail {
                EndpointMail::Responded { key, status, transmit, send } => {
                    if send {
                        self.send(engine, transmit.clone());
                    }
                    self.core.handle_input(now, Input::Responded { key, status, transmit });
                }
                EndpointMail::HandOver(transaction) => {
                    self.core.handle_input(now, Input::HandOver(transaction));
                }
                EndpointMail::Send(transmit) => self.send(engine, transmit),
                EndpointMail::Gone(key, received) => {
                    self.core.handle_input(now, Input::Gone(key, received));
                }
                EndpointMail::Unread(received) => {
                    self.core.handle_input(now, Input::Unread(received));
                }
                EndpointMail::Refused(key, received, code) => {
                    self.core.handle_input(now, Input::Refused(key, received, code));
                }
                EndpointMail::Broken(key, received) => {
                    self.core.handle_input(now, Input::NotTaken(key, received));
                }
                EndpointMail::Stop(done) => {
                    self.stopping = Some(done);
                    return;
                }
            }
            self.drain(engine);
        }
    }

    /// Carries out what the core wants.
    fn drain(&mut self, engine: &Arc<EngineShared>) {
        loop {
            match self.core.poll_output() {
                Output::Transmit(transmit) => self.send(engine, transmit),
                Output::Request(id, key, received) => self.deliver(engine, id, key, received),
                Output::Response(id, received) => self.deliver_response(engine, id, received),
                Output::AccountResponse(id, received) => {
                    let response = Box::new(received.message);
                    engine.accounts.deliver(id, registration::Input::Response(response));
                }
                Output::LateAnswer(late) => self.end_late(engine, &late.0, &late.1),
                Output::NewCall(key, received, _) => self.new_call(engine, key, received),
                Output::Timeout(next) => {
                    self.next = next;
                    return;
                }
            }
        }
    }

    fn deliver(
        &mut self,
        engine: &Arc<EngineShared>,
        id: SessionId,
        key: ServerKey,
        received: Received,
    ) {
        let input = session::Input::Request(key, received);
        let (input, status) = match engine.registry.deliver(id, input) {
            Ok(()) => return,
            Err(Undelivered::Gone(input)) => (input, 481),
            Err(Undelivered::Full(input)) => (input, 503),
        };
        if let session::Input::Request(key, received) = *input {
            let refused = match status {
                481 => Input::Gone(key, Box::new(received)),
                _ => Input::NotTaken(key, Box::new(received)),
            };
            self.core.handle_input(engine.clock.now(), refused);
        }
    }

    fn deliver_response(&mut self, engine: &EngineShared, id: SessionId, received: Received) {
        let input = session::Input::Response(received);
        let unread = match engine.registry.deliver(id, input) {
            Ok(()) => return,
            Err(Undelivered::Gone(input)) => *input,
            Err(Undelivered::Full(_)) => {
                return log::warn!("session {id} has too much to do: a response is dropped");
            }
        };
        // What the session left behind is in the mailbox by now, before this.
        if let session::Input::Response(received) = unread
            && engine.post(EndpointMail::Unread(Box::new(received))).is_err()
        {
            log::debug!("a response to a session that has ended is dropped");
        }
    }

    fn new_call(&mut self, engine: &Arc<EngineShared>, key: ServerKey, received: Received) {
        let now = engine.clock.now();
        let shared = engine.registry.create(engine.called(&received.message));
        let local = received.source.local;
        let invite = session::Input::Invite(key.clone(), received);
        // What the session answers is read from the mailbox, after this.
        let input = match engine.launch(&shared, local, Mail::Input(Box::new(invite))) {
            Ok(()) => Input::Opened(key, shared.id),
            Err(error) => {
                if matches!(error, LaunchError::Limit) {
                    log::warn!("no room for one more call: 503");
                }
                Input::NotOpened(key)
            }
        };
        self.core.handle_input(now, input);
    }

    /// Acknowledges and ends a call that its session has given up.
    fn end_late(&mut self, engine: &Arc<EngineShared>, invite: &Transmit, answer: &Received) {
        let now = engine.clock.now();
        let (timers, agent) = (engine.settings.timers, &engine.settings.user_agent);
        let ending = {
            let mut entropy = lock(&engine.entropy);
            session::end_late_answer(now, timers, agent, &mut entropy, invite, &answer.message)
        };
        if let Some((ack, bye)) = ending {
            self.send(engine, ack);
            self.core.handle_input(now, Input::HandOver(Box::new(bye)));
        }
    }

    fn send(&mut self, engine: &Arc<EngineShared>, transmit: Transmit) {
        engine.trace(false, &transmit.destination, &transmit.bytes);
        match transmit.destination.transport {
            Transport::Udp => {
                if let Err(error) = self.handle.send_datagram(&transmit) {
                    log::debug!("nothing goes to {}: {error}", transmit.destination.remote);
                }
            }
            Transport::Tcp => {
                self.flows.send(self.poll.registry(), transmit, engine.clock.now());
            }
            Transport::Tls => log::warn!("TLS is not built"),
        }
    }

    /// Takes what the streams have: whole messages, and requests that could not be sent.
    fn serve_flows(&mut self, engine: &Arc<EngineShared>) {
        while let Some((source, bytes)) = self.flows.next_message() {
            let local = self.seen_from(engine.clock.now(), source.local, source.remote.ip());
            self.message(engine, Destination { local, ..source }, &bytes);
        }
        while let Some((branch, reason)) = self.flows.next_failure() {
            if let Some(id) = AccountId::from_branch(&branch) {
                let input = registration::Input::TransportError { branch, reason };
                engine.accounts.deliver(id, input);
            } else if let Some(id) = SessionId::from_branch(&branch) {
                let input = session::Input::TransportError { branch, reason };
                engine.registry.deliver_once(id, input);
            }
        }
        // Last, so that what breaks off is answered first.
        self.flows.expire(self.poll.registry(), engine.clock.now());
    }
}
