//! The resolver's thread: sockets around [`dns::Core`](crate::dns::Core). It starts with the first
//! name that is looked up, sleeps while nothing is asked, and stops with the engine.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use offhook_fsm::{Entropy, Instant};

use super::clock::Clock;
use super::name_files::NameFiles;
use super::notification_center::lock;
use crate::dns::{Command, Core, Input, LOOKUPS_MAX, LookupId, Output, Patience, SocketId, Wanted};
use crate::route::Route;
use crate::transport::Transport;

/// Lookups and notes that wait for the thread.
const MAILBOX_MAX: usize = 2 * LOOKUPS_MAX;
/// The longest datagram.
const DATAGRAM_MAX: usize = 65_535;
const WAKER: Token = Token(0);

/// How names are looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnsConfig {
    /// The name servers to ask, in order; none: those of the system (`/etc/resolv.conf`).
    pub nameservers: Vec<SocketAddr>,
    /// How long one query may take on the way to a SIP server.
    pub query_timeout: Duration,
    /// How long finding a SIP server may take in all.
    pub timeout: Duration,
    /// How long one query may take on the way to a relay.
    pub service_query_timeout: Duration,
    /// How long finding a relay may take in all.
    pub service_timeout: Duration,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            query_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            service_query_timeout: Duration::from_secs(3),
            service_timeout: Duration::from_secs(15),
        }
    }
}

type Tell = Box<dyn FnOnce(Result<Vec<Route>, String>) + Send>;

/// Who waits for a lookup. He is told in any case: also when the thread stops or breaks.
struct Asker(Option<Tell>);

impl Asker {
    fn tell(mut self, found: Result<Vec<Route>, String>) {
        if let Some(tell) = self.0.take() {
            tell(found);
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell(Err("names are not looked up any more".into()));
        }
    }
}

enum Mail {
    Locate(Vec<Wanted>, Patience, Asker),
    Unreachable(Transport, SocketAddr),
    Stop,
}

enum State {
    /// Nobody has asked yet; the thread's chance.
    Idle(Box<Entropy>),
    Running(Sender<Mail>, Arc<Waker>, JoinHandle<()>),
    Stopped,
}

/// The way to the resolver's thread.
pub(crate) struct Resolver {
    config: DnsConfig,
    transports: Vec<Transport>,
    clock: Clock,
    state: Mutex<State>,
}

impl Resolver {
    /// `transports` are those that can be used, the preferred one first.
    pub(crate) fn new(
        config: DnsConfig,
        transports: Vec<Transport>,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self { config, transports, clock, state: Mutex::new(State::Idle(Box::new(entropy))) }
    }

    /// Looks these up. `tell` is called once, on the resolver's thread as a rule, and must not wait.
    pub(crate) fn locate(
        &self,
        wanted: Vec<Wanted>,
        tell: impl FnOnce(Result<Vec<Route>, String>) + Send + 'static,
    ) {
        let is_relay = wanted.iter().all(|wanted| wanted.is_relay);
        let config = &self.config;
        let patience = match is_relay {
            true => Patience { query: config.service_query_timeout, total: config.service_timeout },
            false => Patience { query: config.query_timeout, total: config.timeout },
        };
        let asker = Asker(Some(Box::new(tell)));
        let refused = self.post(Mail::Locate(wanted, patience, asker), true);
        // Told with no lock held.
        if let Err((reason, Mail::Locate(_, _, asker))) = refused {
            asker.tell(Err(reason.into()));
        }
    }

    /// Nobody answered there: for a while it is tried after all others.
    pub(crate) fn unreachable(&self, transport: Transport, remote: SocketAddr) {
        // Without a thread nothing was looked up, and a full mailbox only forgets a hint.
        let _forgotten = self.post(Mail::Unreachable(transport, remote), false);
    }

    fn post(&self, mail: Mail, starts: bool) -> Result<(), (&'static str, Mail)> {
        let mut state = lock(&self.state);
        if let State::Idle(entropy) = &mut *state {
            if !starts {
                return Err(("nobody has asked yet", mail));
            }
            let (entropy, config) = (entropy.fork(), self.config.clone());
            let transports = self.transports.clone();
            match ResolverThread::start(config, transports, self.clock, entropy) {
                Ok(running) => *state = running,
                Err(error) => {
                    log::error!("the resolver does not start: {error}");
                    return Err(("the operating system gives no thread to look names up", mail));
                }
            }
        }
        let State::Running(sender, waker, _) = &*state else {
            return Err(("names are not looked up any more", mail));
        };
        let sent = sender.try_send(mail);
        if let Err(error) = waker.wake() {
            log::error!("the resolver cannot be woken: {error}");
        }
        sent.map_err(|refused| ("too many names are being looked up", refused.into_inner()))
    }

    /// Ends the thread; who still waits is told.
    pub(crate) fn stop(&self) {
        let state = std::mem::replace(&mut *lock(&self.state), State::Stopped);
        let State::Running(sender, waker, thread) = state else { return };
        // A full mailbox: its end, below, stops the thread as well.
        let _full = sender.try_send(Mail::Stop);
        drop(sender);
        if let Err(error) = waker.wake() {
            return log::error!("the resolver cannot be woken: {error}");
        }
        if thread.join().is_err() {
            log::error!("the resolver's thread broke");
        }
    }
}

enum Socket {
    Datagram(UdpSocket, SocketAddr),
    Stream(TcpStream, Vec<u8>),
}

struct ResolverThread {
    poll: Poll,
    mail: Receiver<Mail>,
    core: Core,
    sockets: BTreeMap<SocketId, Socket>,
    askers: BTreeMap<LookupId, Asker>,
    next: u64,
    files: NameFiles,
    clock: Clock,
}

impl ResolverThread {
    fn start(
        config: DnsConfig,
        transports: Vec<Transport>,
        clock: Clock,
        entropy: Entropy,
    ) -> std::io::Result<State> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, mail) = bounded(MAILBOX_MAX);
        let mut files = NameFiles::new(config.nameservers);
        let (servers, hosts) = files.read();
        let core = Core::new(servers, hosts, transports, entropy);
        let mut this = Self {
            poll,
            mail,
            core,
            sockets: BTreeMap::new(),
            askers: BTreeMap::new(),
            next: 0,
            files,
            clock,
        };
        let thread = std::thread::Builder::new()
            .name("offhook-resolver".into())
            .spawn(move || this.run())?;
        Ok(State::Running(sender, waker, thread))
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(64);
        loop {
            loop {
                match self.mail.try_recv() {
                    Ok(Mail::Locate(wanted, patience, asker)) => {
                        self.locate(wanted, patience, asker);
                    }
                    Ok(Mail::Unreachable(transport, remote)) => {
                        self.input(Input::Unreachable(transport, remote));
                    }
                    Ok(Mail::Stop) | Err(TryRecvError::Disconnected) => return,
                    Err(TryRecvError::Empty) => break,
                }
            }
            let at = self.carry_out_all();
            let timeout = at.map(|at| at - self.clock.now());
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return log::error!("the resolver cannot wait: {error}"),
            }
            for event in events.iter().filter(|event| event.token() != WAKER) {
                let socket = u64::try_from(event.token().0).unwrap_or_default();
                self.serve(SocketId(socket.wrapping_sub(1)));
            }
            if at.is_some_and(|at| at <= self.clock.now()) {
                self.input(Input::Timeout);
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.core.handle_input(self.clock.now(), input);
    }

    fn locate(&mut self, wanted: Vec<Wanted>, patience: Patience, asker: Asker) {
        if let Some((servers, hosts)) = self.files.changed() {
            self.input(Input::Configure(servers, hosts));
        }
        let id = LookupId(self.next);
        self.next += 1;
        self.askers.insert(id, asker);
        self.input(Input::Locate { id, wanted, patience });
    }

    fn carry_out_all(&mut self) -> Option<Instant> {
        loop {
            match self.core.poll_output() {
                Output::Command(command) => {
                    if let Err((socket, error)) = self.carry_out(command) {
                        log::debug!("a name server cannot be asked: {error}");
                        self.input(Input::Failed(socket));
                    }
                }
                Output::Located(id, found) => {
                    if let Some(asker) = self.askers.remove(&id) {
                        asker.tell(found);
                    }
                }
                Output::Timeout(at) => return at,
            }
        }
    }

    fn carry_out(&mut self, command: Command) -> Result<(), (SocketId, std::io::Error)> {
        let (socket, opened) = match command {
            Command::Datagram { socket, port, server, bytes } => {
                (socket, self.open_datagram(socket, port, server, &bytes))
            }
            Command::Stream { socket, server, bytes } => {
                (socket, self.open_stream(socket, server, bytes))
            }
            Command::Close(socket) => {
                self.sockets.remove(&socket);
                return Ok(());
            }
        };
        opened.map_err(|error| (socket, error))
    }

    fn open_datagram(
        &mut self,
        socket: SocketId,
        port: u16,
        server: SocketAddr,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // The port may be taken: then the system chooses one.
        let bound = UdpSocket::bind(SocketAddr::new(any, port));
        let mut udp = bound.or_else(|_| UdpSocket::bind(SocketAddr::new(any, 0)))?;
        // What comes from elsewhere does not come in at all, and that nobody listens is told.
        udp.connect(server)?;
        self.poll.registry().register(&mut udp, token(socket), Interest::READABLE)?;
        udp.send(bytes)?;
        self.sockets.insert(socket, Socket::Datagram(udp, server));
        Ok(())
    }

    fn open_stream(
        &mut self,
        socket: SocketId,
        server: SocketAddr,
        bytes: Vec<u8>,
    ) -> std::io::Result<()> {
        let mut tcp = TcpStream::connect(server)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut tcp, token(socket), interest)?;
        self.sockets.insert(socket, Socket::Stream(tcp, bytes));
        Ok(())
    }

    /// Something happened to a socket: reads it until there is no more, or it is closed. A socket
    /// takes a limited number of datagrams and bytes before the core closes it.
    fn serve(&mut self, id: SocketId) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        while let Some(socket) = self.sockets.get_mut(&id) {
            let input = match socket {
                Socket::Datagram(udp, server) => match udp.recv(&mut buffer) {
                    Ok(length) => {
                        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                        Input::Datagram { socket: id, source: *server, bytes }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                    Err(_) => Input::Failed(id),
                },
                Socket::Stream(tcp, unwritten) => match pass(tcp, unwritten, &mut buffer) {
                    Ok(0) => Input::Failed(id),
                    Ok(length) => {
                        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                        Input::Stream { socket: id, bytes }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                    Err(error) if error.kind() == ErrorKind::NotConnected => return,
                    Err(_) => Input::Failed(id),
                },
            };
            self.input(input);
            self.carry_out_all();
        }
    }
}

/// Writes what waits, then reads.
fn pass(tcp: &mut TcpStream, unwritten: &mut Vec<u8>, buffer: &mut [u8]) -> std::io::Result<usize> {
    if let Some(error) = tcp.take_error()? {
        return Err(error);
    }
    while !unwritten.is_empty() {
        let written = tcp.write(unwritten)?;
        unwritten.drain(..written);
    }
    tcp.read(buffer)
}

fn token(socket: SocketId) -> Token {
    Token(usize::try_from(socket.0.wrapping_add(1)).unwrap_or(usize::MAX))
}
