//! Lookups: each asks its questions until its routes are known or its time is over.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use super::locator::ROUTES_MAX;
use super::{
    Answer, Command, Hosts, Name, NameServers, Plan, Question, Resolver, SocketId, Unreachable,
    Wanted, plan,
};
use crate::route::{Route, RouteHost};
use crate::transport::Transport;

/// Lookups under way at most; one more fails at once.
pub const LOOKUPS_MAX: usize = 256;

/// One lookup, by the number that its asker gave it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LookupId(pub u64);

/// How long a lookup may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Each of its questions.
    pub query: Duration,
    /// All of it.
    pub total: Duration,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody wants these found. The routes to the first come first.
    Locate {
        /// Which lookup; no other one under way has that number.
        id: LookupId,
        /// Whom to find.
        wanted: Vec<Wanted>,
        /// How long it may take.
        patience: Patience,
    },
    /// A datagram came.
    Datagram {
        /// Over which socket.
        socket: SocketId,
        /// From where.
        source: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Bytes came over a connection.
    Stream {
        /// Which one.
        socket: SocketId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A socket could not be opened, or broke, or was closed by the server.
    Failed(SocketId),
    /// Nobody answered there.
    Unreachable(Transport, SocketAddr),
    /// From now on these hold.
    Configure(NameServers, Hosts),
    /// The time of [`Output::Timeout`] has come.
    Timeout,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// With a socket.
    Command(Command),
    /// The lookup is over: routes to try in order, one at least, or why there is none.
    Located(LookupId, Result<Vec<Route>, String>),
    /// Nothing more for now; come back at that time, if any.
    Timeout(Option<Instant>),
}

/// The way to one of those who are wanted.
#[derive(Debug)]
struct Part {
    wanted: Wanted,
    entropy: Entropy,
    answers: BTreeMap<Question, Answer>,
    /// Asked and not answered.
    open: Vec<Question>,
    result: Option<Result<Vec<Route>, String>>,
}

#[derive(Debug)]
struct Lookup {
    parts: Vec<Part>,
    patience: Patience,
    until: Instant,
}

/// Finds servers by their names.
#[derive(Debug)]
pub struct Core {
    resolver: Resolver,
    transports: Vec<Transport>,
    entropy: Entropy,
    lookups: BTreeMap<LookupId, Lookup>,
    unreachable: Unreachable,
    outputs: VecDeque<Output>,
}

impl Core {
    /// One that asks `servers`. `transports` are those that can be used, the preferred one first.
    #[must_use]
    pub fn new(
        servers: NameServers,
        hosts: Hosts,
        transports: Vec<Transport>,
        mut entropy: Entropy,
    ) -> Self {
        Self {
            resolver: Resolver::new(servers, hosts, entropy.fork()),
            transports,
            entropy,
            lookups: BTreeMap::new(),
            unreachable: Unreachable::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes in one thing that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Locate { id, wanted, patience } => self.locate(now, id, wanted, patience),
            Input::Datagram { socket, source, bytes } => {
                self.resolver.datagram(now, socket, source, &bytes);
            }
            Input::Stream { socket, bytes } => self.resolver.stream(now, socket, &bytes),
            Input::Failed(socket) => self.resolver.failed(now, socket),
            Input::Unreachable(transport, remote) => self.unreachable.note(now, transport, remote),
            Input::Configure(servers, hosts) => self.resolver.configure(servers, hosts),
            Input::Timeout => self.resolver.timeout(now),
        }
        while let Some((question, answer)) = self.resolver.poll_answer() {
            self.answered(now, &question, &answer);
        }
        self.give_up(now);
        while let Some(command) = self.resolver.poll_command() {
            self.outputs.push_back(Output::Command(command));
        }
    }

    /// The next thing to do; [`Output::Timeout`] is the last.
    pub fn poll_output(&mut self) -> Output {
        let ends = || self.lookups.values().map(|lookup| lookup.until);
        let deadline = || self.resolver.deadline().into_iter().chain(ends()).min();
        let output = self.outputs.pop_front();
        output.unwrap_or_else(|| Output::Timeout(deadline()))
    }

    fn locate(&mut self, now: Instant, id: LookupId, wanted: Vec<Wanted>, patience: Patience) {
        if self.lookups.len() >= LOOKUPS_MAX {
            let busy = Err(super::Failure::Busy.to_string());
            return self.outputs.push_back(Output::Located(id, busy));
        }
        let part = |wanted| Part {
            wanted,
            entropy: self.entropy.fork(),
            answers: BTreeMap::new(),
            open: Vec::new(),
            result: None,
        };
        let parts = wanted.into_iter().take(ROUTES_MAX).map(part).collect();
        let mut lookup = Lookup { parts, patience, until: now + patience.total };
        self.advance(now, &mut lookup);
        self.keep(now, id, lookup);
    }

    fn answered(&mut self, now: Instant, question: &Question, answer: &Answer) {
        let waits = |lookup: &Lookup| lookup.parts.iter().any(|part| part.open.contains(question));
        let ids: Vec<LookupId> =
            self.lookups.iter().filter(|(_, l)| waits(l)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(mut lookup) = self.lookups.remove(&id) else { continue };
            for part in &mut lookup.parts {
                if part.open.contains(question) {
                    part.open.retain(|open| open != question);
                    part.answers.insert(question.clone(), answer.clone());
                }
            }
            self.advance(now, &mut lookup);
            self.keep(now, id, lookup);
        }
    }

    /// Asks what is to be asked next.
    fn advance(&mut self, now: Instant, lookup: &mut Lookup) {
        let until = lookup.until.min(now + lookup.patience.query);
        for part in lookup.parts.iter_mut().filter(|part| part.result.is_none()) {
            let is_local = match &part.wanted.host {
                RouteHost::Ip(_) => true,
                RouteHost::Name(name) => {
                    Name::new(name).is_some_and(|name| self.resolver.hosts().get(&name).is_some())
                }
            };
            // Each turn answers a question: there are as many turns as questions at most.
            while part.result.is_none() {
                let next =
                    plan(&part.wanted, &self.transports, is_local, &part.answers, &part.entropy);
                let questions = match next {
                    Plan::Ask(questions) => questions,
                    Plan::Try(routes) => {
                        part.result = Some(Ok(routes));
                        break;
                    }
                    Plan::Fail(reason) => {
                        part.result = Some(Err(reason));
                        break;
                    }
                };
                let mut is_stuck = true;
                for question in questions {
                    if part.open.contains(&question) {
                        continue;
                    }
                    match self.resolver.ask(now, &question, until) {
                        Some(answer) => {
                            is_stuck = false;
                            part.answers.insert(question, answer);
                        }
                        None => part.open.push(question),
                    }
                }
                if is_stuck {
                    break;
                }
            }
        }
    }

    /// Tells the result of a lookup, or keeps it under way.
    fn keep(&mut self, now: Instant, id: LookupId, lookup: Lookup) {
        if lookup.parts.iter().any(|part| part.result.is_none()) {
            self.lookups.insert(id, lookup);
        } else {
            self.tell(now, id, lookup);
        }
    }

    fn tell(&mut self, now: Instant, id: LookupId, lookup: Lookup) {
        let (mut routes, mut reasons) = (Vec::new(), Vec::new());
        for part in lookup.parts {
            let host = part.wanted.host;
            let in_time = || {
                let seconds = lookup.patience.total.as_secs();
                Err(format!("{host}: no name server answered within {seconds} s"))
            };
            match part.result.unwrap_or_else(in_time) {
                Ok(found) => {
                    for route in found {
                        if !routes.contains(&route) {
                            routes.push(route);
                        }
                    }
                }
                Err(reason) => reasons.push(reason),
            }
        }
        routes.truncate(ROUTES_MAX);
        self.unreachable.put_last(now, &mut routes);
        let nothing = || Err(reasons.first().cloned().unwrap_or_else(|| "nobody is wanted".into()));
        let result = if routes.is_empty() { nothing() } else { Ok(routes) };
        self.outputs.push_back(Output::Located(id, result));
    }

    /// Lookups whose time is over end with what they have.
    fn give_up(&mut self, now: Instant) {
        let late: Vec<LookupId> =
            self.lookups.iter().filter(|(_, l)| l.until <= now).map(|(id, _)| *id).collect();
        for id in late {
            if let Some(lookup) = self.lookups.remove(&id) {
                self.tell(now, id, lookup);
            }
        }
    }
}
