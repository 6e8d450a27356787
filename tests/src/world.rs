//! Two user agents over a bad network, in simulated time: the very endpoint and session cores that
//! serve real calls. The same seed gives the same run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offhook::endpoint;
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::media::control::{MediaCommand, MediaEvent};
use offhook::negotiate::{Capabilities, SrtpPolicy};
use offhook::notification::NotificationData;
use offhook::session::{self, Order, Route};
use offhook::streams::Streams;
use offhook::timestamp::{Epoch, Timestamp};
use offhook::transaction::Timers;
use offhook::transport::{Destination, Received, Transmit, Transport};
use offhook_fsm::{Entropy, Instant};

/// What will happen.
#[derive(Debug)]
enum Event {
    Datagram { from: SocketAddr, to: SocketAddr, bytes: Arc<[u8]> },
    EndpointTimer(usize),
    SessionTimer(usize, SessionId),
    Order(usize, SessionId, Order),
}

#[derive(Debug)]
struct UserAgent {
    address: SocketAddr,
    endpoint: endpoint::Core,
    sessions: BTreeMap<SessionId, session::Core>,
    settings: Arc<session::Settings>,
    next_id: u64,
}

/// Both user agents, the network between them, and what was told.
#[derive(Debug)]
pub struct World {
    now: Instant,
    events: BTreeMap<(Instant, u64), Event>,
    sequence: u64,
    entropy: Entropy,
    loss_percent: u64,
    agents: Vec<UserAgent>,
    /// Names of the notifications of each session, by user agent and session.
    pub told: BTreeMap<(usize, SessionId), Vec<&'static str>>,
    /// Datagrams that were sent.
    pub datagrams: u64,
}

impl World {
    /// A world of that seed, losing so many percent of all datagrams, doubling one in twenty,
    /// delaying each by up to 100 ms.
    #[must_use]
    pub fn new(seed: u64, loss_percent: u64) -> Self {
        let mut entropy = Entropy::from_u64(seed);
        let agents = (1..=2).map(|n| UserAgent::new(n, entropy.fork())).collect();
        Self {
            now: Instant::ZERO,
            events: BTreeMap::new(),
            sequence: 0,
            entropy,
            loss_percent,
            agents,
            told: BTreeMap::new(),
            datagrams: 0,
        }
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        self.events.insert((at.max(self.now), self.sequence), event);
    }

    fn soon(&mut self, at_most_ms: u64) -> Instant {
        self.now + Duration::from_millis(self.entropy.below(at_most_ms))
    }

    /// One agent calls the other; who hangs up, when, and what the callee says is drawn.
    pub fn call(&mut self) {
        let (local, remote) = (self.agents[0].address, self.agents[1].address);
        let id = self.new_session(0);
        let destination = Destination { transport: Transport::Udp, remote, local, flow: None };
        let routes = vec![Route { destination, when_long: None }];
        let uri = format!("sip:bob@{remote}").parse().unwrap();
        let order = Order::Connect { uri, routes, streams: Streams::AUDIO, headers: Vec::new() };
        let (begin, end) = (self.soon(10_000), self.soon(60_000));
        self.schedule(begin, Event::Order(0, id, order));
        if self.entropy.below(2) == 0 {
            self.schedule(begin.max(end), Event::Order(0, id, Order::End));
        } else {
            // The caller hangs up in the end at any rate.
            self.schedule(Instant::from_millis(120_000), Event::Order(0, id, Order::End));
        }
    }

    fn new_session(&mut self, agent: usize) -> SessionId {
        let entropy = self.entropy.fork();
        let agent = &mut self.agents[agent];
        agent.next_id += 1;
        let id = SessionId(agent.next_id);
        let core = session::Core::new(id, Arc::clone(&agent.settings), entropy);
        agent.sessions.insert(id, core);
        id
    }

    /// Runs until nothing is left to happen; gives the simulated time that took.
    pub fn run(&mut self) -> Instant {
        while let Some(((at, _), event)) = self.events.pop_first() {
            self.now = at;
            match event {
                Event::Datagram { from, to, bytes } => {
                    let Some(agent) = self.agents.iter().position(|a| a.address == to) else {
                        continue;
                    };
                    let transport = Transport::Udp;
                    let source = Destination { transport, remote: from, local: to, flow: None };
                    self.endpoint(agent, endpoint::Input::Message { source, bytes: &bytes });
                }
                Event::EndpointTimer(agent) => self.endpoint(agent, endpoint::Input::Timeout),
                Event::SessionTimer(agent, id) => self.session(agent, id, session::Input::Timeout),
                Event::Order(agent, id, order) => {
                    self.session(agent, id, session::Input::Order(order));
                }
            }
        }
        self.now
    }

    /// Sessions and transactions that still live.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.agents.iter().map(|a| a.sessions.len() + a.endpoint.transactions()).sum()
    }

    fn endpoint(&mut self, agent: usize, input: endpoint::Input<'_>) {
        self.agents[agent].endpoint.handle_input(self.now, input);
        loop {
            match self.agents[agent].endpoint.poll_output() {
                endpoint::Output::Transmit(transmit) => self.transmit(agent, &transmit),
                endpoint::Output::Request(id, key, received) => {
                    self.session(agent, id, session::Input::Request(key, received));
                }
                endpoint::Output::Response(id, received) => {
                    self.session(agent, id, session::Input::Response(received));
                }
                endpoint::Output::LateAnswer(late) => self.end_late(agent, &late.0, &late.1),
                endpoint::Output::NewCall(key, received, _) => {
                    let id = self.new_session(agent);
                    self.agents[agent]
                        .endpoint
                        .handle_input(self.now, endpoint::Input::Opened(key.clone(), id));
                    self.session(agent, id, session::Input::Invite(key, received));
                    self.decide(agent, id);
                }
                endpoint::Output::Timeout(at) => {
                    if let Some(at) = at {
                        self.schedule(at, Event::EndpointTimer(agent));
                    }
                    return;
                }
            }
        }
    }

    /// As the endpoint's thread does it.
    fn end_late(&mut self, agent: usize, invite: &Transmit, answer: &Received) {
        let (timers, entropy) = (Timers::default(), &mut self.entropy);
        let ending =
            session::end_late_answer(self.now, timers, "late", entropy, invite, &answer.message);
        if let Some((ack, bye)) = ending {
            self.transmit(agent, &ack);
            let input = endpoint::Input::HandOver(Box::new(bye));
            self.agents[agent].endpoint.handle_input(self.now, input);
            self.schedule(self.now, Event::EndpointTimer(agent));
        }
    }

    /// What the callee's user does.
    fn decide(&mut self, agent: usize, id: SessionId) {
        let (answer, hang_up) = (self.soon(20_000), self.soon(80_000));
        let order = match self.entropy.below(5) {
            0 => Order::reject(486),
            1 => Order::End,
            _ => Order::Accept { streams: Streams::AUDIO, headers: Vec::new() },
        };
        self.schedule(answer, Event::Order(agent, id, order));
        if self.entropy.below(3) == 0 {
            self.schedule(hang_up, Event::Order(agent, id, Order::End));
        }
    }

    fn session(&mut self, agent: usize, id: SessionId, input: session::Input) {
        let Some(mut core) = self.agents[agent].sessions.remove(&id) else {
            if let session::Input::Request(key, received) = input {
                let gone = endpoint::Input::Gone(key, Box::new(received));
                self.agents[agent].endpoint.handle_input(self.now, gone);
                self.schedule(self.now, Event::EndpointTimer(agent));
            }
            return;
        };
        // A wrong state is the drawn user's fault, and refused.
        let _refused = core.handle_input(self.now, input);
        let mut media = Vec::new();
        loop {
            match core.poll_output() {
                session::Output::Transmit(transmit) => self.transmit(agent, &transmit),
                session::Output::Respond { key, status, transmit } => {
                    self.transmit(agent, &transmit);
                    let input = endpoint::Input::Responded { key, status, transmit };
                    self.agents[agent].endpoint.handle_input(self.now, input);
                    self.schedule(self.now, Event::EndpointTimer(agent));
                }
                session::Output::HandOver(transaction) => {
                    let input = endpoint::Input::HandOver(transaction);
                    self.agents[agent].endpoint.handle_input(self.now, input);
                    self.schedule(self.now, Event::EndpointTimer(agent));
                }
                session::Output::Media(command) => media.push(command),
                // The world's users call with audio alone.
                session::Output::Chat(_) => {}
                session::Output::Notification(notification) => {
                    let name = match notification.data {
                        NotificationData::SessionChangedState { state, .. } => state.name(),
                        other => other.name(),
                    };
                    self.told.entry((agent, id)).or_default().push(name);
                }
                session::Output::Timeout(at) => {
                    if let Some(at) = at {
                        self.schedule(at, Event::SessionTimer(agent, id));
                    }
                    break;
                }
            }
        }
        if core.is_terminated() {
            return;
        }
        self.agents[agent].sessions.insert(id, core);
        for command in media {
            if let MediaCommand::Prepare { stream, address } = command {
                let local = SocketAddr::new(address, 4000);
                let event = MediaEvent::Prepared { stream, local, counters: Arc::default() };
                self.session(agent, id, session::Input::Media(event));
            }
        }
    }

    fn transmit(&mut self, agent: usize, transmit: &Transmit) {
        self.datagrams += 1;
        let (from, to) = (self.agents[agent].address, transmit.destination.remote);
        let copies = if self.entropy.below(20) == 0 { 2 } else { 1 };
        for _ in 0..copies {
            if self.entropy.below(100) >= self.loss_percent {
                let at = self.soon(100);
                let bytes = Arc::clone(&transmit.bytes);
                self.schedule(at, Event::Datagram { from, to, bytes });
            }
        }
    }
}

impl UserAgent {
    fn new(number: u8, entropy: Entropy) -> Self {
        let address = SocketAddr::from(([192, 0, 2, number], 5060));
        let capabilities = Capabilities {
            codecs: Codec::ALL.into(),
            telephone_event: true,
            chat: true,
            srtp: SrtpPolicy::Disabled,
        };
        let (timers, user_agent) = (Timers::default(), String::from("offhook"));
        let settings = session::Settings {
            user_agent: user_agent.clone(),
            local_uri: format!("sip:user{number}@{address}").parse().unwrap(),
            timers,
            capabilities: capabilities.clone(),
            epoch: Epoch { instant: Instant::ZERO, timestamp: Timestamp::from_unix_micros(0) },
            policy: session::Policy::default(),
        };
        let endpoint = endpoint::Settings {
            timers,
            capabilities,
            user: None,
            user_agent,
            server_transactions_max: endpoint::SERVER_TRANSACTIONS_MAX,
        };
        Self {
            address,
            endpoint: endpoint::Core::new(endpoint, entropy),
            sessions: BTreeMap::new(),
            settings: Arc::new(settings),
            next_id: 0,
        }
    }
}
