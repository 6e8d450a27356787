//! Asking name servers (RFC 1035 §7), and hardening it (RFC 5452): each query goes over a socket of
//! its own with a random port and number, and an answer is one only if server, number and question
//! are those of the query.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use super::cache::Cache;
use super::job::{ATTEMPTS_MAX, Attempt, Job, LIES_MAX, Verdict};
use super::{Data, Hosts, Kind, NameServers, Question, Response, decode_response, encode_query};

/// Questions under way at most.
const QUESTIONS_MAX: usize = 256;
/// The lowest source port (RFC 6335 §6: those below are the system's).
const PORT_MIN: u16 = 1024;

/// A socket of one query. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SocketId(pub u64);

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The name does not exist.
    NoSuchName,
    /// No server answered in time.
    TimedOut,
    /// This server does not answer the query; with the number it gives as its reason.
    Refused {
        /// Which one.
        server: SocketAddr,
        /// RFC 1035 §4.1.1.
        code: u16,
    },
    /// This server cannot be reached.
    Unreachable {
        /// Which one.
        server: SocketAddr,
    },
    /// One name leads to the next, and none to an answer.
    Aliases,
    /// Too much is asked for at once.
    Busy,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName => f.write_str("the name does not exist"),
            Self::TimedOut => f.write_str("no name server answered in time"),
            Self::Refused { server, code } => {
                write!(f, "the name server {server} does not answer the query (code {code})")
            }
            Self::Unreachable { server } => {
                write!(f, "the name server {server} cannot be reached")
            }
            Self::Aliases => f.write_str("its aliases lead to no end"),
            Self::Busy => f.write_str("too many names are being looked up"),
        }
    }
}

/// What a question is answered with; nothing at all when the name has nothing of that kind.
pub type Answer = Result<Arc<[Data]>, Failure>;

/// What is to be done with sockets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Open a UDP socket at that port, or at any if it is taken, and send this.
    Datagram {
        /// The new socket.
        socket: SocketId,
        /// Its own port.
        port: u16,
        /// Where to.
        server: SocketAddr,
        /// The query.
        bytes: Vec<u8>,
    },
    /// Connect over TCP and send this.
    Stream {
        /// The new socket.
        socket: SocketId,
        /// Where to.
        server: SocketAddr,
        /// The query, after its length.
        bytes: Vec<u8>,
    },
    /// Close it.
    Close(SocketId),
}

/// Questions to name servers, as a pure core.
#[derive(Debug)]
pub struct Resolver {
    servers: NameServers,
    hosts: Hosts,
    cache: Cache,
    jobs: BTreeMap<Question, Job>,
    sockets: BTreeMap<SocketId, Question>,
    next_socket: u64,
    entropy: Entropy,
    commands: VecDeque<Command>,
    answered: VecDeque<(Question, Answer)>,
}

impl Resolver {
    /// One that asks these servers about all that the hosts file does not know.
    #[must_use]
    pub const fn new(servers: NameServers, hosts: Hosts, entropy: Entropy) -> Self {
        Self {
            servers,
            hosts,
            cache: Cache::new(),
            jobs: BTreeMap::new(),
            sockets: BTreeMap::new(),
            next_socket: 0,
            entropy,
            commands: VecDeque::new(),
            answered: VecDeque::new(),
        }
    }

    /// From now on these hold; what other servers said is forgotten.
    pub fn configure(&mut self, servers: NameServers, hosts: Hosts) {
        if servers != self.servers {
            self.cache.clear();
        }
        (self.servers, self.hosts) = (servers, hosts);
    }

    /// The hosts file.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The answer, if it is known; else [`poll_answer`](Self::poll_answer) gives it by `until`.
    pub fn ask(&mut self, now: Instant, question: &Question, until: Instant) -> Option<Answer> {
        let (name, kind) = (&question.name, question.kind);
        if matches!(kind, Kind::A | Kind::Aaaa)
            && let Some(addresses) = self.hosts.of_kind(name, kind)
        {
            return Some(Ok(addresses.into_iter().map(Data::Address).collect()));
        }
        if name.is_localhost() {
            return Some(Ok([].into()));
        }
        if let Some(answer) = self.cache.get(now, question) {
            return Some(answer);
        }
        if let Some(job) = self.jobs.get_mut(question) {
            job.until = job.until.max(until);
            return None;
        }
        if self.jobs.len() >= QUESTIONS_MAX {
            return Some(Err(Failure::Busy));
        }
        let mut job = Job::new(question.clone(), until);
        self.attempt(now, &mut job);
        self.jobs.insert(question.clone(), job);
        None
    }

    /// A datagram came over that socket.
    pub fn datagram(&mut self, now: Instant, socket: SocketId, source: SocketAddr, bytes: &[u8]) {
        let Some(mut job) = self.take(socket) else { return };
        let current = job.current();
        let Some(attempt) = job.attempt(socket).filter(|a| a.stream.is_none()) else {
            return self.put(job);
        };
        let response = decode_response(bytes).filter(|response| {
            // RFC 5452 §9.1
            source == attempt.server
                && response.id == attempt.id
                && response.question.as_ref() == Some(&current)
        });
        match response {
            Some(response) => self.respond(now, job, socket, &response),
            None => {
                attempt.lies += 1;
                if attempt.lies > LIES_MAX {
                    let server = attempt.server;
                    self.close(&mut job, socket);
                    self.send(&mut job, server, true);
                }
                self.put(job);
            }
        }
    }

    /// Bytes came over that connection.
    pub fn stream(&mut self, now: Instant, socket: SocketId, bytes: &[u8]) {
        let Some(mut job) = self.take(socket) else { return };
        let current = job.current();
        let Some(attempt) = job.attempt(socket) else { return self.put(job) };
        let (server, id) = (attempt.server, attempt.id);
        match attempt.read_stream(bytes) {
            Ok(None) => self.put(job),
            Ok(Some(got)) if got.id == id && got.question.as_ref() == Some(&current) => {
                self.respond(now, job, socket, &got);
            }
            _ => self.give_up(now, job, socket, Failure::Refused { server, code: 1 }),
        }
    }

    /// The socket could not be opened, or broke, or the server closed it.
    pub fn failed(&mut self, now: Instant, socket: SocketId) {
        let Some(mut job) = self.take(socket) else { return };
        let Some(attempt) = job.attempt(socket) else { return self.put(job) };
        let why = Failure::Unreachable { server: attempt.server };
        self.give_up(now, job, socket, why);
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Instant) {
        let due = |(question, job): (&Question, &Job)| {
            (job.until.min(job.next) <= now).then(|| question.clone())
        };
        let due: Vec<Question> = self.jobs.iter().filter_map(due).collect();
        for question in due {
            let Some(mut job) = self.jobs.remove(&question) else { continue };
            if job.until <= now {
                let why = job.last.take().unwrap_or(Failure::TimedOut);
                self.finish(now, job, Err(why), 0);
            } else {
                self.attempt(now, &mut job);
                self.put(job);
            }
        }
    }

    /// When [`timeout`](Self::timeout) is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.jobs.values().map(|job| job.until.min(job.next)).min()
    }

    /// What is to be done next with a socket.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next question that is answered.
    pub fn poll_answer(&mut self) -> Option<(Question, Answer)> {
        self.answered.pop_front()
    }

    fn take(&mut self, socket: SocketId) -> Option<Job> {
        let question = self.sockets.get(&socket)?;
        self.jobs.remove(question)
    }

    fn put(&mut self, job: Job) {
        self.jobs.insert(job.question.clone(), job);
    }

    fn respond(&mut self, now: Instant, mut job: Job, socket: SocketId, response: &Response) {
        let Some(attempt) = job.attempt(socket) else { return self.put(job) };
        let (server, by_stream) = (attempt.server, attempt.stream.is_some());
        match job.judge(server, by_stream, response) {
            Verdict::Done(answer, ttl) => return self.finish(now, job, answer, ttl),
            Verdict::Refused(why) => return self.give_up(now, job, socket, why),
            Verdict::AskForAlias => {
                self.close_all(&mut job);
                job.begin_anew();
                self.attempt(now, &mut job);
            }
            Verdict::AskByStream => {
                self.close(&mut job, socket);
                self.send(&mut job, server, true);
            }
            Verdict::AskPlainly => {
                job.edns = false;
                self.close(&mut job, socket);
                self.send(&mut job, server, by_stream);
            }
        }
        self.put(job);
    }

    /// That server does not answer: the next one is asked at once, if there is one.
    fn give_up(&mut self, now: Instant, mut job: Job, socket: SocketId, why: Failure) {
        let Some(server) = job.attempt(socket).map(|attempt| attempt.server) else {
            return self.put(job);
        };
        self.close(&mut job, socket);
        if job.refuse(server, why.clone(), self.servers.servers.len()) {
            return self.finish(now, job, Err(why), 0);
        }
        self.attempt(now, &mut job);
        self.put(job);
    }

    /// Asks the server whose turn it is, and sees to it that the next one gets its own.
    fn attempt(&mut self, now: Instant, job: &mut Job) {
        let servers = u32::try_from(self.servers.servers.len()).unwrap_or(u32::MAX).max(1);
        let (round, turn) = (job.attempts / servers, job.attempts % servers);
        let server = usize::try_from(turn).ok().and_then(|turn| self.servers.servers.get(turn));
        let Some(server) = server.copied().filter(|_| job.attempts < ATTEMPTS_MAX) else {
            job.next = job.until;
            return;
        };
        job.attempts += 1;
        job.next = now + self.servers.retry.saturating_mul(1 << round.min(5));
        self.send(job, server, false);
    }

    fn send(&mut self, job: &mut Job, server: SocketAddr, by_stream: bool) {
        let [low, high, ..] = self.entropy.next_u32().to_le_bytes();
        let id = u16::from_le_bytes([low, high]);
        let ports = u64::from(u16::MAX - PORT_MIN) + 1;
        let port = u16::try_from(self.entropy.below(ports)).unwrap_or_default();
        let port = port.saturating_add(PORT_MIN);
        // A name fits into a query: it was checked when it was made.
        let Some(query) = encode_query(id, &job.current(), job.edns) else { return };
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        self.sockets.insert(socket, job.question.clone());
        let stream = by_stream.then(Vec::new);
        job.sent.push(Attempt { socket, server, id, stream, lies: 0 });
        self.commands.push_back(if by_stream {
            let length = u16::try_from(query.len()).unwrap_or(u16::MAX);
            let bytes = [&length.to_be_bytes()[..], &query].concat();
            Command::Stream { socket, server, bytes }
        } else {
            Command::Datagram { socket, port, server, bytes: query }
        });
    }

    fn close(&mut self, job: &mut Job, socket: SocketId) {
        job.sent.retain(|attempt| attempt.socket != socket);
        self.sockets.remove(&socket);
        self.commands.push_back(Command::Close(socket));
    }

    fn close_all(&mut self, job: &mut Job) {
        for attempt in std::mem::take(&mut job.sent) {
            self.sockets.remove(&attempt.socket);
            self.commands.push_back(Command::Close(attempt.socket));
        }
    }

    fn finish(&mut self, now: Instant, mut job: Job, answer: Answer, ttl: u32) {
        self.close_all(&mut job);
        if matches!(answer, Ok(_) | Err(Failure::NoSuchName)) {
            let ttl = Duration::from_secs(u64::from(ttl));
            self.cache.put(now, &job.question, answer.clone(), ttl);
        }
        self.answered.push_back((job.question, answer));
    }
}
