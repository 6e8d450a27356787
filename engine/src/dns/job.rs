//! One question under way: to whom it went, and what came back.

use std::net::SocketAddr;

use offhook_fsm::Instant;

use super::{Answer, Code, Data, Failure, Kind, Name, Question, Response, SocketId};

/// Names that are followed from one to the next at most (CNAME).
pub const ALIASES_MAX: usize = 8;
/// How often one name is asked about at most, over all servers.
pub const ATTEMPTS_MAX: u32 = 16;
/// Datagrams that are no answer to what was asked; after one more the server is asked over TCP,
/// where nobody can guess.
pub const LIES_MAX: u32 = 16;
/// A response over TCP at most (RFC 1035 §4.2.2), with its length.
const STREAM_MAX: usize = 65_537;

/// One query as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) socket: SocketId,
    pub(super) server: SocketAddr,
    pub(super) id: u16,
    /// What came over TCP so far.
    pub(super) stream: Option<Vec<u8>>,
    pub(super) lies: u32,
}

impl Attempt {
    /// The response in what came over TCP: `None` as long as it is not whole, an error when it will
    /// never be one.
    pub(super) fn read_stream(&mut self, bytes: &[u8]) -> Result<Option<Response>, ()> {
        let Some(buffer) = &mut self.stream else { return Err(()) };
        let room = STREAM_MAX.saturating_sub(buffer.len());
        buffer.extend(bytes.iter().take(room));
        let Some((length, rest)) = buffer.split_first_chunk::<2>() else { return Ok(None) };
        match rest.get(..usize::from(u16::from_be_bytes(*length))) {
            None => Ok(None),
            Some(message) => super::decode_response(message).map(Some).ok_or(()),
        }
    }
}

/// What a response means for the question.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is answered; the answer may be kept for so many seconds.
    Done(Answer, u32),
    /// The name is another one's, which the response does not tell about.
    AskForAlias,
    /// The whole answer is to be had over TCP only.
    AskByStream,
    /// The server knows no EDNS.
    AskPlainly,
    /// This server does not answer.
    Refused(Failure),
}

/// A question that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// What was asked.
    pub(super) question: Question,
    /// The name that is asked about now.
    pub(super) name: Name,
    aliases: usize,
    /// The shortest time that a name on the way here holds.
    ttl: u32,
    /// When the question is given up.
    pub(super) until: Instant,
    /// When the next server is asked.
    pub(super) next: Instant,
    pub(super) attempts: u32,
    pub(super) edns: bool,
    pub(super) sent: Vec<Attempt>,
    /// Servers that do not answer.
    refused: Vec<SocketAddr>,
    pub(super) last: Option<Failure>,
}

impl Job {
    pub(super) fn new(question: Question, until: Instant) -> Self {
        Self {
            name: question.name.clone(),
            question,
            aliases: 0,
            ttl: u32::MAX,
            until,
            next: until,
            attempts: 0,
            edns: true,
            sent: Vec::new(),
            refused: Vec::new(),
            last: None,
        }
    }

    pub(super) fn current(&self) -> Question {
        Question { name: self.name.clone(), kind: self.question.kind }
    }

    pub(super) fn attempt(&mut self, socket: SocketId) -> Option<&mut Attempt> {
        self.sent.iter_mut().find(|attempt| attempt.socket == socket)
    }

    /// Counts a server that does not answer; whether all of so many have done so.
    pub(super) fn refuse(&mut self, server: SocketAddr, why: Failure, servers: usize) -> bool {
        self.last = Some(why);
        if !self.refused.contains(&server) {
            self.refused.push(server);
        }
        self.refused.len() >= servers
    }

    /// From here on another name is asked about.
    pub(super) fn begin_anew(&mut self) {
        self.attempts = 0;
        self.refused.clear();
        self.last = None;
    }

    /// What a response to the current question means.
    pub(super) fn judge(&mut self, server: SocketAddr, by_stream: bool, got: &Response) -> Verdict {
        if got.is_truncated && !by_stream {
            return Verdict::AskByStream;
        }
        match got.code {
            Code::FormatError if self.edns => return Verdict::AskPlainly,
            Code::FormatError => return Verdict::Refused(Failure::Refused { server, code: 1 }),
            Code::Refused(code) => return Verdict::Refused(Failure::Refused { server, code }),
            Code::Fine | Code::NoSuchName => {}
        }
        let before = self.aliases;
        loop {
            let records = data_of(got, &self.name, self.question.kind);
            if !records.is_empty() {
                let ttl = records.iter().map(|(ttl, _)| *ttl).min().unwrap_or_default();
                let data = records.into_iter().map(|(_, data)| data).collect();
                return Verdict::Done(Ok(data), ttl.min(self.ttl));
            }
            let Some(alias) = got.aliases.iter().find(|alias| alias.name == self.name) else {
                break;
            };
            self.aliases += 1;
            if self.aliases > ALIASES_MAX {
                return Verdict::Done(Err(Failure::Aliases), 0);
            }
            self.ttl = self.ttl.min(alias.ttl);
            self.name = alias.target.clone();
        }
        let ttl = got.negative_ttl.unwrap_or_default().min(self.ttl);
        match got.code {
            Code::NoSuchName => Verdict::Done(Err(Failure::NoSuchName), ttl),
            // Without an SOA record the server says nothing about the last name.
            _ if self.aliases > before && got.negative_ttl.is_none() => Verdict::AskForAlias,
            _ => Verdict::Done(Ok([].into()), ttl),
        }
    }
}

fn data_of(response: &Response, name: &Name, kind: Kind) -> Vec<(u32, Data)> {
    let records = response.records.iter();
    let fitting = records.filter(|record| record.name == *name && record.data.kind() == kind);
    fitting.map(|record| (record.ttl, record.data.clone())).collect()
}
