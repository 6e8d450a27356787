//! TCP connections (RFC 3261 §18, RFC 5923): made when needed, used again while they stand, closed
//! when idle, slow or wrong.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use offhook_fsm::Instant;

use super::endpoint_thread::{FIRST_FLOW, branch};
use super::sockets;
use crate::sip::{FrameError, Framed, StreamFramer};
use crate::transport::{Destination, FlowId, Transmit, Transport};

/// Connections at once; beyond it new ones are closed unread.
pub(crate) const FLOWS_MAX: usize = 4096;
/// Connections at once from one address.
pub(crate) const FLOWS_PER_ADDRESS_MAX: usize = 512;
/// Bytes that wait to be written to one connection; beyond it the connection is closed.
pub(crate) const WRITE_MAX: usize = 1 << 20;
/// A connection on which nothing passes is closed after this long.
pub(crate) const IDLE: Duration = Duration::from_secs(600);
/// A message that has begun must be whole after this long (a connection to be made, made).
pub(crate) const HALF_DONE: Duration = Duration::from_secs(32);
/// Requests per connection whose failure would be told.
const WATCHED_MAX: usize = 256;
/// Bytes read from one connection before the others have their turn.
const READ_MAX: usize = 256 << 10;
/// Bytes of whole messages that wait to be served; beyond it nothing more is read.
const QUEUED_MAX: usize = 4 << 20;
/// Connections taken before the others have their turn.
const ACCEPT_MAX: usize = 64;
/// How long a connection waits that could not be taken, for want of a descriptor as it may be.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The answer to a keep-alive (RFC 5626 §4.4.1).
const PONG: &[u8] = b"\r\n";

struct Flow {
    id: FlowId,
    stream: TcpStream,
    remote: SocketAddr,
    local: SocketAddr,
    framer: StreamFramer,
    connecting: bool,
    unwritten: VecDeque<Arc<[u8]>>,
    /// How much of the first of `unwritten` is written.
    written: usize,
    waiting_bytes: usize,
    /// Branches of the last requests that went this way.
    watched: VecDeque<Vec<u8>>,
    last_use: Instant,
    /// Since when a message, or the connection, is incomplete.
    half_done: Option<Instant>,
    /// Nothing more is read; it is closed once written out.
    closing: bool,
    /// There may be more to read.
    unread: bool,
}

/// All connections of an endpoint.
#[derive(Default)]
pub(crate) struct Flows {
    listeners: BTreeMap<usize, (TcpListener, SocketAddr)>,
    flows: BTreeMap<usize, Flow>,
    next: u64,
    messages: VecDeque<(Destination, Box<[u8]>)>,
    /// The length of all `messages`.
    queued: usize,
    /// The connection that was read last: the next turn begins behind it.
    read_last: usize,
    /// Listeners where more connections may wait, and when to look. Nothing else tells of them.
    accept_again: BTreeMap<usize, Instant>,
    failures: VecDeque<(Vec<u8>, String)>,
}

impl Flows {
    pub(crate) fn listen(
        &mut self,
        registry: &Registry,
        token: Token,
        address: SocketAddr,
    ) -> std::io::Result<SocketAddr> {
        let mut listener = sockets::tcp_listener(address)?;
        registry.register(&mut listener, token, Interest::READABLE)?;
        let bound = listener.local_addr()?;
        self.listeners.insert(token.0, (listener, bound));
        Ok(bound)
    }

    /// Takes new connections, some at a time.
    pub(crate) fn accept(&mut self, registry: &Registry, token: usize, now: Instant) {
        for _ in 0..ACCEPT_MAX {
            let Some((listener, bound)) = self.listeners.get(&token) else { return };
            let bound = *bound;
            match listener.accept() {
                Ok((stream, remote)) => self.accepted(registry, stream, remote, bound, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_again.remove(&token);
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    if self.accept_again.insert(token, now + ACCEPT_AGAIN).is_none() {
                        log::warn!("a connection could not be taken: {error}");
                    }
                    return;
                }
            }
        }
        self.accept_again.insert(token, now);
    }

    fn accepted(
        &mut self,
        registry: &Registry,
        stream: TcpStream,
        remote: SocketAddr,
        bound: SocketAddr,
        now: Instant,
    ) {
        let of_address = self.flows.values().filter(|f| f.remote.ip() == remote.ip());
        if self.flows.len() >= FLOWS_MAX || of_address.count() >= FLOWS_PER_ADDRESS_MAX {
            return log::debug!("too many connections: one from {remote} is closed");
        }
        let local =
            stream.local_addr().map_or(bound, |own| SocketAddr::new(own.ip(), bound.port()));
        self.insert(registry, stream, remote, local, false, now);
    }

    fn insert(
        &mut self,
        registry: &Registry,
        mut stream: TcpStream,
        remote: SocketAddr,
        local: SocketAddr,
        connecting: bool,
        now: Instant,
    ) -> Option<usize> {
        let id = FlowId(self.next);
        self.next += 1;
        let token = FIRST_FLOW + usize::try_from(id.0).unwrap_or(usize::MAX - FIRST_FLOW);
        // Small messages must not wait for each other's acknowledgement.
        let _refused = stream.set_nodelay(true);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = registry.register(&mut stream, Token(token), interest) {
            log::warn!("a connection with {remote} cannot be watched: {error}");
            return None;
        }
        let flow = Flow {
            id,
            stream,
            remote,
            local,
            framer: StreamFramer::new(),
            connecting,
            unwritten: VecDeque::new(),
            written: 0,
            waiting_bytes: 0,
            watched: VecDeque::new(),
            last_use: now,
            half_done: Some(now),
            closing: false,
            unread: !connecting,
        };
        self.flows.insert(token, flow);
        Some(token)
    }

    /// Sends over the flow that is named, else one with the same peer, else a new one.
    pub(crate) fn send(&mut self, registry: &Registry, transmit: Transmit, now: Instant) {
        let Transmit { destination, bytes } = transmit;
        // A connection that closes still takes the answer to what it broke with.
        let is_response = bytes.starts_with(b"SIP/2.0");
        let named = destination.flow.and_then(|id| {
            self.flows.iter().find(|(_, flow)| flow.id == id && (is_response || !flow.closing))
        });
        if is_response && destination.flow.is_some() && named.is_none() {
            // Nobody listens at the port that the connection came from.
            return log::debug!("the connection with {} is gone", destination.remote);
        }
        let same = || self.flows.iter().find(|(_, f)| f.remote == destination.remote && !f.closing);
        let known = named.or_else(same).map(|(token, _)| *token);
        let failed = |reason: String| (branch(&bytes), reason);
        let token = match known {
            Some(token) => Some(token),
            None if self.flows.len() >= FLOWS_MAX => {
                self.failures.push_back(failed("too many connections".into()));
                return;
            }
            None => match TcpStream::connect(destination.remote) {
                Ok(stream) => {
                    let (remote, local) = (destination.remote, destination.local);
                    self.insert(registry, stream, remote, local, true, now)
                }
                Err(error) => {
                    self.failures.push_back(failed(error.to_string()));
                    return;
                }
            },
        };
        let Some(flow) = token.and_then(|token| self.flows.get_mut(&token)) else {
            self.failures.push_back(failed("the connection cannot be watched".into()));
            return;
        };
        let mark = branch(&bytes);
        if !mark.is_empty() {
            if flow.watched.len() >= WATCHED_MAX {
                flow.watched.pop_front();
            }
            flow.watched.push_back(mark);
        }
        flow.waiting_bytes += bytes.len();
        flow.unwritten.push_back(bytes);
        flow.last_use = now;
        let fault = if flow.waiting_bytes > WRITE_MAX {
            Some("the peer does not read".to_owned())
        } else if flow.connecting {
            None
        } else {
            flow.write().err().map(|error| error.to_string())
        };
        if let (Some(token), Some(reason)) = (token, fault) {
            self.close(registry, token, &reason);
        }
    }

    /// A flow can be read or written.
    pub(crate) fn ready(&mut self, registry: &Registry, event: &mio::event::Event, now: Instant) {
        let token = event.token().0;
        let Some(flow) = self.flows.get_mut(&token) else { return };
        if flow.connecting && (event.is_writable() || event.is_error()) {
            let fault = flow.stream.take_error().ok().flatten();
            match (fault, flow.stream.peer_addr()) {
                (None, Ok(_)) => {
                    flow.connecting = false;
                    flow.half_done = None;
                    flow.unread = true;
                }
                (Some(error), _) => {
                    let reason = error.to_string();
                    return self.close(registry, token, &reason);
                }
                // Not yet.
                (None, Err(error)) if error.kind() == ErrorKind::NotConnected => return,
                (None, Err(error)) => {
                    let reason = error.to_string();
                    return self.close(registry, token, &reason);
                }
            }
        }
        if event.is_readable() {
            flow.unread = true;
        }
        if let Err(error) = flow.write() {
            let reason = error.to_string();
            return self.close(registry, token, &reason);
        }
        self.read(registry, token, now);
    }

    fn read(&mut self, registry: &Registry, token: usize, now: Instant) {
        let Some(flow) = self.flows.get_mut(&token) else { return };
        let mut buffer = [0_u8; 16 << 10];
        let mut taken = 0;
        let mut over: Option<String> = None;
        while flow.unread
            && !flow.closing
            && over.is_none()
            && taken < READ_MAX
            && self.queued < QUEUED_MAX
        {
            match flow.stream.read(&mut buffer) {
                Ok(0) => over = Some("the peer closed the connection".into()),
                Ok(length) => {
                    taken += length;
                    flow.last_use = now;
                    flow.framer.push(buffer.get(..length).unwrap_or_default());
                    self.queued += flow.frame(now, &mut self.messages);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => flow.unread = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => over = Some(error.to_string()),
            }
        }
        if let Some(reason) = over {
            self.close(registry, token, &reason);
        }
    }

    /// The next whole message.
    pub(crate) fn next_message(&mut self) -> Option<(Destination, Box<[u8]>)> {
        let next = self.messages.pop_front();
        self.queued -= next.as_ref().map_or(0, |(_, bytes)| bytes.len());
        next
    }

    /// The next request that could not be sent, by its branch.
    pub(crate) fn next_failure(&mut self) -> Option<(Vec<u8>, String)> {
        self.failures.pop_front()
    }

    /// When the next connection must be looked after; at once while something waits to be taken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if !self.messages.is_empty() || !self.failures.is_empty() {
            return Some(Instant::ZERO);
        }
        let accept = self.accept_again.values().copied();
        self.flows.values().map(Flow::deadline).chain(accept).min()
    }

    /// Closes what is done, idle or half done for too long; reads on where a burst was cut. What
    /// is read here is answered before the next call closes its connection.
    pub(crate) fn expire(&mut self, registry: &Registry, now: Instant) {
        let of = |flows: &BTreeMap<usize, Flow>, wanted: &dyn Fn(&Flow) -> bool| -> Vec<usize> {
            flows.iter().filter(|(_, flow)| wanted(flow)).map(|(token, _)| *token).collect()
        };
        let late = of(&self.flows, &|flow| flow.is_done() || flow.gives_up() <= now);
        late.into_iter().for_each(|token| self.close(registry, token, "it took too long"));
        let mut unread = of(&self.flows, &Flow::has_more);
        let behind = unread.partition_point(|token| *token <= self.read_last);
        unread.rotate_left(behind);
        for token in unread {
            if self.queued >= QUEUED_MAX {
                break;
            }
            self.read_last = token;
            self.read(registry, token, now);
        }
        let waiting = self.accept_again.iter().filter(|(_, at)| **at <= now);
        let waiting: Vec<usize> = waiting.map(|(token, _)| *token).collect();
        waiting.into_iter().for_each(|token| self.accept(registry, token, now));
    }

    /// Writes out what can be written at once, before the end.
    pub(crate) fn flush_all(&mut self, registry: &Registry) {
        let tokens: Vec<usize> = self.flows.keys().copied().collect();
        for token in tokens {
            if let Some(flow) = self.flows.get_mut(&token) {
                // What does not go now goes nowhere: the engine ends.
                let _lost = flow.write();
            }
            self.close(registry, token, "the engine ends");
        }
    }

    fn close(&mut self, registry: &Registry, token: usize, reason: &str) {
        let Some(mut flow) = self.flows.remove(&token) else { return };
        log::debug!("the connection with {} is closed: {reason}", flow.remote);
        // The descriptor goes away with the flow in any case.
        let _unknown = registry.deregister(&mut flow.stream);
        let reason = format!("the connection with {} failed: {reason}", flow.remote);
        self.failures.extend(flow.watched.drain(..).map(|branch| (branch, reason.clone())));
    }
}

impl Flow {
    /// When it must be looked after next.
    fn deadline(&self) -> Instant {
        if self.has_more() || self.is_done() { Instant::ZERO } else { self.gives_up() }
    }

    /// There may be more to read. A connection that closes is not read any more.
    const fn has_more(&self) -> bool {
        self.unread && !self.connecting && !self.closing
    }

    /// When it was idle or half done for too long.
    fn gives_up(&self) -> Instant {
        let idle = self.last_use + IDLE;
        self.half_done.map_or(idle, |since| idle.min(since + HALF_DONE))
    }

    fn is_done(&self) -> bool {
        self.closing && self.unwritten.is_empty()
    }

    fn write(&mut self) -> std::io::Result<()> {
        if self.connecting {
            return Ok(());
        }
        while let Some(first) = self.unwritten.front() {
            match self.stream.write(first.get(self.written..).unwrap_or_default()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.written += length;
                    self.waiting_bytes = self.waiting_bytes.saturating_sub(length);
                    if self.written >= first.len() {
                        self.unwritten.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Cuts messages out of what was read; how many bytes they have.
    fn frame(&mut self, now: Instant, messages: &mut VecDeque<(Destination, Box<[u8]>)>) -> usize {
        let (remote, local) = (self.remote, self.local);
        let source = Destination { transport: Transport::Tcp, remote, local, flow: Some(self.id) };
        let mut length = 0;
        loop {
            match self.framer.next_frame() {
                Ok(Some(Framed::Message(bytes))) => {
                    length += bytes.len();
                    messages.push_back((source, bytes));
                }
                Ok(Some(Framed::Ping)) => self.pong(),
                Ok(None) => break,
                Err(FrameError { error, message }) => {
                    log::debug!("{remote}: {error}");
                    // It is answered if it can be, and the connection is closed behind it.
                    length += message.len();
                    messages.push_back((source, message));
                    self.closing = true;
                    break;
                }
            }
        }
        // What closes must be written out in time, too.
        self.half_done = match (self.framer.is_pending() || self.closing, self.half_done) {
            (false, _) => None,
            (true, since) => Some(since.unwrap_or(now)),
        };
        length
    }

    /// Answers a keep-alive. One answer that waits is enough for a peer that does not read.
    fn pong(&mut self) {
        if self.unwritten.back().is_none_or(|last| **last != *PONG) {
            self.waiting_bytes += PONG.len();
            self.unwritten.push_back(PONG.into());
            // A failure shows at the next write.
            let _later = self.write();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Client;

    const MESSAGE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n";

    struct Rig {
        poll: mio::Poll,
        flows: Flows,
        address: SocketAddr,
        now: Instant,
    }

    impl Rig {
        fn new() -> Self {
            let poll = mio::Poll::new().unwrap();
            let mut flows = Flows::default();
            let any = ([127, 0, 0, 1], 0).into();
            let address = flows.listen(poll.registry(), Token(1), any).unwrap();
            Self { poll, flows, address, now: Instant::from_millis(1000) }
        }

        /// A client whose connection was taken.
        fn client(&mut self) -> Client {
            let before = self.flows.flows.len();
            let client = Client::connect(self.address).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            self.serve_until(|flows| flows.flows.len() > before);
            client
        }

        /// Serves sockets until something holds.
        fn serve_until(&mut self, done: impl Fn(&Flows) -> bool) {
            let mut events = mio::Events::with_capacity(16);
            for _ in 0..400 {
                if done(&self.flows) {
                    return;
                }
                self.flows.expire(self.poll.registry(), self.now);
                self.poll.poll(&mut events, Some(Duration::from_millis(50))).unwrap();
                for event in &events {
                    match event.token().0 {
                        1 => self.flows.accept(self.poll.registry(), 1, self.now),
                        _ => self.flows.ready(self.poll.registry(), event, self.now),
                    }
                }
            }
            panic!("it never came about");
        }
    }

    fn is_closed(client: &mut Client) -> bool {
        // A reset is an end, too.
        client.read(&mut [0; 64]).unwrap_or(0) == 0
    }

    #[test]
    fn a_message_that_is_never_finished_ends_its_connection() {
        let mut rig = Rig::new();
        let mut client = rig.client();
        client.write_all(&MESSAGE[..20]).unwrap();
        rig.serve_until(|flows| flows.flows.values().any(|f| f.framer.is_pending()));
        let begun = rig.now;
        rig.now = begun + (HALF_DONE - Duration::from_micros(1));
        rig.flows.expire(rig.poll.registry(), rig.now);
        assert_eq!(rig.flows.flows.len(), 1);
        // An octet now and then does not help.
        client.write_all(&MESSAGE[20..21]).unwrap();
        rig.serve_until(|flows| flows.flows.values().any(|f| f.last_use > begun));
        rig.now = begun + HALF_DONE;
        rig.serve_until(|flows| flows.flows.is_empty());
        assert!(is_closed(&mut client));
    }

    #[test]
    fn a_connection_on_which_nothing_is_said_is_closed_and_keep_alives_keep_it() {
        let mut rig = Rig::new();
        let mut client = rig.client();
        client.write_all(b"\r\n\r\n").unwrap();
        let mut pong = [0; 2];
        rig.serve_until(|flows| flows.flows.values().any(|f| f.half_done.is_none()));
        client.read_exact(&mut pong).unwrap();
        assert_eq!(&pong, b"\r\n");
        rig.now += IDLE - Duration::from_micros(1);
        rig.flows.expire(rig.poll.registry(), rig.now);
        assert_eq!(rig.flows.flows.len(), 1);
        rig.now += Duration::from_micros(1);
        rig.serve_until(|flows| flows.flows.is_empty());
        assert!(is_closed(&mut client));
    }

    #[test]
    fn a_stream_that_cannot_be_followed_gets_its_answer_before_it_is_closed() {
        let mut rig = Rig::new();
        let mut client = rig.client();
        client.write_all(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n").unwrap();
        rig.serve_until(|flows| !flows.messages.is_empty());
        let (source, _) = rig.flows.next_message().unwrap();
        let bytes = Arc::from(&b"SIP/2.0 400 Bad Request\r\n\r\n"[..]);
        let answer = Transmit { destination: source, bytes };
        rig.flows.send(rig.poll.registry(), answer, rig.now);
        rig.serve_until(|flows| flows.flows.is_empty());
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("SIP/2.0 400"), "{answer}");
    }

    #[test]
    fn one_connection_more_than_an_address_may_have_is_closed() {
        let mut rig = Rig::new();
        let clients: Vec<Client> = (0..FLOWS_PER_ADDRESS_MAX).map(|_| rig.client()).collect();
        let mut more = Client::connect(rig.address).unwrap();
        more.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut events = mio::Events::with_capacity(16);
        rig.poll.poll(&mut events, Some(Duration::from_secs(5))).unwrap();
        rig.flows.accept(rig.poll.registry(), 1, rig.now);
        assert!(is_closed(&mut more));
        assert_eq!(rig.flows.flows.len(), clients.len());
    }

    #[test]
    fn a_peer_that_sends_keep_alives_and_reads_no_answers_makes_none_wait() {
        let mut rig = Rig::new();
        let mut client = rig.client();
        client.set_nonblocking(true).unwrap();
        let pings = b"\r\n\r\n".repeat(16 << 10);
        let mut stuck = 0;
        // Until the answers fill what the kernel holds for a peer that does not read.
        while stuck < 20 {
            stuck += usize::from(client.write(&pings).is_err());
            let mut events = mio::Events::with_capacity(16);
            rig.poll.poll(&mut events, Some(Duration::from_millis(1))).unwrap();
            for event in &events {
                rig.flows.ready(rig.poll.registry(), event, rig.now);
            }
            rig.flows.expire(rig.poll.registry(), rig.now);
            let waiting = rig.flows.flows.values().map(|flow| flow.unwritten.len()).max();
            assert!(waiting.unwrap() <= 1, "{waiting:?} answers wait");
            if rig.flows.flows.values().any(|flow| !flow.unwritten.is_empty()) {
                stuck += 1;
            }
        }
        assert_eq!(rig.flows.flows.len(), 1);
    }

    #[test]
    fn what_many_connections_send_at_once_is_read_bit_by_bit_and_in_turn() {
        let mut rig = Rig::new();
        let mut clients: Vec<Client> = (0..40).map(|_| rig.client()).collect();
        let body = vec![b'x'; 60_000];
        let mut message =
            format!("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        message.extend(body);
        for client in &mut clients {
            client.set_nonblocking(true).unwrap();
            while client.write(&message).is_ok_and(|written| written == message.len()) {}
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut events = mio::Events::with_capacity(64);
            rig.poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            for event in &events {
                rig.flows.ready(rig.poll.registry(), event, rig.now);
            }
            rig.flows.expire(rig.poll.registry(), rig.now);
            let queued: usize = rig.flows.messages.iter().map(|(_, bytes)| bytes.len()).sum();
            assert_eq!(queued, rig.flows.queued);
            assert!(queued < QUEUED_MAX + READ_MAX, "{queued} bytes wait");
            while let Some((source, _)) = rig.flows.next_message() {
                seen.insert(source.flow);
            }
        }
        assert_eq!(seen.len(), clients.len());
        assert_eq!(rig.flows.queued, 0);
    }

    #[test]
    fn what_was_read_or_lost_while_looking_after_connections_is_not_slept_on() {
        let mut rig = Rig::new();
        let mut client = rig.client();
        client.write_all(MESSAGE).unwrap();
        rig.serve_until(|flows| !flows.messages.is_empty());
        assert_eq!(rig.flows.deadline(), Some(Instant::ZERO));
        while rig.flows.next_message().is_some() {}
        assert!(rig.flows.deadline().unwrap() > rig.now);
        rig.flows.failures.push_back((b"z9hG4bK1".to_vec(), "lost".into()));
        assert_eq!(rig.flows.deadline(), Some(Instant::ZERO));
    }

    #[test]
    fn r62_requests_that_wait_on_a_lost_connection_are_all_told() {
        let mut rig = Rig::new();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = listener.local_addr().unwrap();
        let (transport, local) = (Transport::Tcp, rig.address);
        let destination = Destination { transport, remote, local, flow: None };
        for number in 0..100 {
            let text = format!(
                "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{number}\r\n\r\n"
            );
            let transmit = Transmit { destination, bytes: text.into_bytes().into() };
            rig.flows.send(rig.poll.registry(), transmit, rig.now);
        }
        assert_eq!(rig.flows.flows.len(), 1, "one connection serves them all");
        let (peer, _) = listener.accept().unwrap();
        drop(peer);
        rig.serve_until(|flows| flows.flows.is_empty());
        let told = std::iter::from_fn(|| rig.flows.next_failure()).count();
        assert_eq!(told, 100);
    }
}
