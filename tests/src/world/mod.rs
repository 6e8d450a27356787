//! Any number of user agents over a bad network, in simulated time: the very endpoint and session
//! cores and audio streams that serve real calls. The same seed gives the same run.
//!
//! A world does what it is told and what follows from it; it draws only what nature draws: the
//! links, the delays between threads, faults of the media layer. Users are outside of it: they
//! order, and [`World::next_occasion`] tells them what they notice.

pub mod agent;
pub mod audio;
pub mod chat;
mod endpoint;
mod event;
pub mod hop;
pub mod network;
mod session;
pub mod trace;

use std::time::Duration;

use offhook::id::SessionId;
use offhook::notification::{NotificationData, SessionState};
use offhook::session::{Core, Input, Order, Route};
use offhook::sip::SipUri;
use offhook::snapshot::Snapshot;
use offhook::transport::{Destination, Transport};
use offhook_fsm::{Entropy, Instant};

use self::agent::{Ability, Seat, UserAgent};
use self::chat::Chats;
use self::event::{Event, Events};
use self::hop::{Hops, Queue};
use self::network::{Network, Weather};
use self::trace::{Calm, CalmAudio, Left, Trace, What};
use crate::words;

/// Events at one moment, at most: a core whose timer is always due would go on for ever.
const AT_ONCE_MAX: usize = 100_000;

/// What tells the chats' seed from the world's.
const CHATS: u64 = 0x6d73_7270;

/// What a world is like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conditions {
    /// All that is drawn comes from it.
    pub seed: u64,
    /// The network.
    pub weather: Weather,
    /// Delays between threads.
    pub hops: Hops,
    /// The user agents.
    pub agents: Vec<Ability>,
}

/// What a user notices.
#[derive(Clone, Debug)]
pub enum Occasion {
    /// A session of theirs told something.
    Told(usize, SessionId, NotificationData),
    /// A time that they asked for has come.
    Alarm(u64),
}

/// User agents, the network between them, and what happened.
#[derive(Debug)]
pub struct World {
    now: Instant,
    events: Events,
    network: Network,
    hops: Hops,
    entropy: Entropy,
    agents: Vec<UserAgent>,
    chats: Chats,
    /// All that happened.
    pub trace: Trace,
    noticed: Option<Occasion>,
    dropped: Vec<(usize, usize, String)>,
    at_once: usize,
}

impl World {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(conditions: &Conditions) -> Self {
        let mut entropy = Entropy::from_u64(conditions.seed);
        let network = Network::new(conditions.weather, entropy.fork());
        let abilities = conditions.agents.iter().enumerate();
        let agents = abilities.map(|(n, able)| UserAgent::new(n, able, &mut entropy)).collect();
        Self {
            now: Instant::ZERO,
            events: Events::default(),
            network,
            hops: conditions.hops,
            entropy,
            agents,
            chats: Chats::new(
                conditions.seed ^ CHATS,
                matches!(conditions.weather, Weather::Drawn { .. }),
            ),
            trace: Trace::default(),
            noticed: None,
            dropped: Vec::new(),
            at_once: 0,
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.events.next_at()
    }

    /// Goes on until a user notices something; `None` when nothing is left to happen.
    pub fn next_occasion(&mut self) -> Option<Occasion> {
        loop {
            let Some((at, event)) = self.events.pop() else {
                if self.wake_endpoints() {
                    continue;
                }
                return None;
            };
            self.step(at, event);
            if let Some(noticed) = self.noticed.take() {
                return Some(noticed);
            }
        }
    }

    /// Goes on until that time, and tells what users noticed.
    pub fn run_until(&mut self, at: Instant) -> Vec<Occasion> {
        let mut noticed = Vec::new();
        while self.next_at().is_some_and(|next| next <= at) {
            if let Some((next, event)) = self.events.pop() {
                self.step(next, event);
                noticed.extend(self.noticed.take());
            }
        }
        self.now = self.now.max(at);
        noticed
    }

    fn step(&mut self, at: Instant, event: Event) {
        self.at_once = if at == self.now { self.at_once + 1 } else { 0 };
        assert!(self.at_once < AT_ONCE_MAX, "time stands still at {at:?}: {event:?}");
        self.now = at;
        self.trace.mix(at.as_micros());
        self.happen(event);
    }

    /// Asks for [`Occasion::Alarm`] with that number.
    pub fn wake_at(&mut self, at: Instant, number: u64) {
        self.schedule(at, Event::Alarm(number));
    }

    /// Loses the next message from one user agent to another whose first words begin so.
    pub fn lose_next(&mut self, from: usize, to: usize, title: &str) {
        self.dropped.push((from, to, title.to_owned()));
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.events.push(at.max(self.now), event);
    }

    /// A new session of a user agent, for that call.
    pub fn create(&mut self, agent: usize, call: u32) -> SessionId {
        let entropy = self.entropy.fork();
        let agent_ = &mut self.agents[agent];
        agent_.next_id += 1;
        let id = SessionId(agent_.next_id);
        let core = Core::new(id, agent_.settings.clone(), entropy);
        let seat = Seat { core, mailbox: Queue::default(), next: None, armed: None };
        agent_.sessions.insert(id, seat);
        self.trace.calls.insert((agent, id), call);
        id
    }

    /// What a user needs to call another: the URI and the way over that transport.
    #[must_use]
    pub fn way(&self, from: usize, to: usize, transport: Transport) -> (SipUri, Route) {
        let (local, remote) = (self.agents[from].address, agent::address(to));
        let way = |transport| Destination { transport, remote, local, flow: None };
        let when_long = (transport == Transport::Udp).then(|| way(Transport::Tcp));
        let uri = format!("sip:{}@{remote}", agent::name(to)).parse().unwrap();
        (uri, Route { destination: way(transport), when_long })
    }

    /// A user orders something of a session.
    pub fn order(&mut self, agent: usize, id: SessionId, order: Order) {
        self.mail(agent, id, Input::Order(order));
    }

    /// Something inside of a session's thread breaks: `lost` is a panic of the core, else the
    /// thread cannot go on.
    pub fn break_session(&mut self, agent: usize, id: SessionId, lost: bool) {
        if lost {
            self.schedule(self.now, Event::Lost(agent, id));
        } else {
            self.mail(agent, id, Input::Fault("a fault was injected".into()));
        }
    }

    /// A session's attributes, while it lives.
    #[must_use]
    pub fn snapshot(&self, agent: usize, id: SessionId) -> Option<&Snapshot> {
        self.agents[agent].sessions.get(&id).map(|seat| seat.core.snapshot())
    }

    /// Notes where every session stands: to be called when nobody has done anything for long.
    pub fn note_calm(&mut self) {
        for number in 0..self.agents.len() {
            let agent = &self.agents[number];
            let calm: Vec<_> =
                agent.sessions.iter().map(|(id, seat)| (*id, calm(agent, *id, seat))).collect();
            for (id, calm) in calm {
                self.trace.push(self.now, number, Some(id), What::Calm(calm));
            }
        }
    }

    /// Notes what every user agent holds: to be called when nothing is left to happen.
    pub fn note_left(&mut self) {
        for number in 0..self.agents.len() {
            let left = self.left(number);
            self.trace.push(self.now, number, None, What::Left(left));
        }
    }

    /// What a user agent holds.
    #[must_use]
    pub fn left(&self, number: usize) -> Left {
        let agent = &self.agents[number];
        Left {
            sessions: agent.sessions.len(),
            transactions: agent.endpoint.transactions(),
            streams: agent.audio.streams(),
            chats: self.chats.of(number) + self.chats.connections(),
        }
    }

    /// The delay of one hand-off.
    fn hop(&mut self) -> Duration {
        self.hops.draw(&mut self.entropy)
    }

    /// Puts something into a session's mailbox.
    fn mail(&mut self, agent: usize, id: SessionId, input: Input) {
        let delay = self.hop();
        let at = match self.agents[agent].sessions.get_mut(&id) {
            Some(seat) => seat.mailbox.pass(self.now, delay),
            // Nobody reads it: it comes back at once.
            None => self.now,
        };
        self.schedule(at, Event::Mail(agent, id, Box::new(input)));
    }

    fn note_order(&mut self, agent: usize, id: SessionId, order: &Order, refused: Option<String>) {
        let order = words::order(order);
        self.trace.push(self.now, agent, Some(id), What::Ordered { order, refused });
    }
}

fn calm(agent: &UserAgent, id: SessionId, seat: &Seat) -> Calm {
    let snapshot = seat.core.snapshot();
    let running = agent.audio.running(id.0).filter(|_| snapshot.has_audio);
    Calm {
        state: snapshot.state,
        on_hold_by_local: snapshot.on_hold_by_local,
        on_hold_by_remote: snapshot.on_hold_by_remote,
        has_chat: snapshot.has_chat,
        audio: running.map(|(local, settings)| CalmAudio {
            local,
            remote: settings.remote,
            flow: settings.flow,
            codec: settings.codec,
        }),
    }
}

/// Whether a call stands in that state.
#[must_use]
pub const fn stands(state: SessionState) -> bool {
    matches!(state, SessionState::Established | SessionState::Proposing | SessionState::Proposed)
}
