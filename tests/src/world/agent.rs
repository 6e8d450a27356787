//! One user agent of a world: its endpoint, its sessions, its media layer, and the queues between.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use offhook::endpoint;
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SrtpPolicy};
use offhook::session;
use offhook::sip::StreamFramer;
use offhook::timestamp::{Epoch, Timestamp};
use offhook::transaction::{ClientTransaction, ServerKey, Timers};
use offhook::transport::{Received, Transmit};
use offhook_fsm::{Entropy, Instant};

use super::audio::{Audio, Faults};
use super::hop::Queue;

/// What every user agent's SIP port is.
pub const PORT: u16 = 5060;

/// What a user agent is able to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ability {
    /// It takes connections; else they are refused.
    pub tcp: bool,
    /// It chats.
    pub chat: bool,
    /// It offers chats over TLS.
    pub chat_over_tls: bool,
    /// What it encrypts.
    pub srtp: SrtpPolicy,
    /// What its sessions do without being asked.
    pub policy: session::Policy,
    /// Sessions at once; one more call is answered 503.
    pub sessions_max: usize,
    /// Server transactions at once.
    pub transactions_max: usize,
    /// What goes wrong with its media.
    pub faults: Faults,
}

impl Default for Ability {
    fn default() -> Self {
        Self {
            tcp: true,
            chat: true,
            chat_over_tls: false,
            srtp: SrtpPolicy::Disabled,
            policy: session::Policy::default(),
            sessions_max: usize::MAX,
            transactions_max: endpoint::SERVER_TRANSACTIONS_MAX,
            faults: Faults::default(),
        }
    }
}

/// One session and its thread.
#[derive(Debug)]
pub struct Seat {
    pub(super) core: session::Core,
    pub(super) mailbox: Queue,
    /// What the core asked for.
    pub(super) next: Option<Instant>,
    /// When the thread will wake.
    pub(super) armed: Option<Instant>,
}

/// What a session posts to the endpoint.
#[derive(Debug)]
pub(super) enum Mail {
    /// It answered a request; `send`: the endpoint is to send it.
    Responded { key: ServerKey, status: u16, transmit: Transmit, send: bool },
    /// It ended and leaves a transaction.
    HandOver(Box<ClientTransaction>),
    /// Send this over a stream.
    Send(Transmit),
    /// It ended before it read this request.
    Gone(ServerKey, Box<Received>),
}

impl Mail {
    /// Whether the endpoint wakes for it: as the endpoint's thread has it.
    pub(super) const fn is_urgent(&self) -> bool {
        match self {
            Self::Responded { status, send, .. } => *send || *status >= 300,
            _ => true,
        }
    }
}

/// A user agent.
#[derive(Debug)]
pub struct UserAgent {
    pub(super) address: SocketAddr,
    pub(super) ability: Ability,
    pub(super) endpoint: endpoint::Core,
    pub(super) endpoint_armed: Option<Instant>,
    pub(super) endpoint_next: Option<Instant>,
    /// Mail to the endpoint, with when it can be seen.
    pub(super) mails: VecDeque<(Instant, Mail)>,
    pub(super) mailbox: Queue,
    pub(super) sessions: BTreeMap<SessionId, Seat>,
    pub(super) settings: Arc<session::Settings>,
    pub(super) next_id: u64,
    pub(super) audio: Audio,
    /// To the media layer, and from it to the sessions.
    pub(super) to_audio: Queue,
    pub(super) to_chat: Queue,
    pub(super) notifier: Queue,
    /// What comes over the streams, by the sender.
    pub(super) framers: BTreeMap<usize, StreamFramer>,
}

/// The address of the user agent of that number.
#[must_use]
pub fn address(number: usize) -> SocketAddr {
    let last = u8::try_from(number + 1).unwrap();
    SocketAddr::from(([192, 0, 2, last], PORT))
}

/// The number of an address where two user agents are called at once: whatever is sent there goes
/// to both, as over a proxy that forks and then steps aside.
#[must_use]
pub const fn fork(one: usize, other: usize) -> usize {
    FORKS + 10 * one + other
}

/// Who is called under that number.
#[must_use]
pub fn branches(number: usize) -> [Option<usize>; 2] {
    match number.checked_sub(FORKS) {
        Some(pair) if pair < 100 => [Some(pair / 10), Some(pair % 10)],
        _ => [Some(number), None],
    }
}

/// The first number of a fork.
const FORKS: usize = 100;

/// The number of the user agent at that address; `None` where nobody is.
#[must_use]
pub fn number(address: SocketAddr) -> Option<usize> {
    let std::net::IpAddr::V4(ip) = address.ip() else { return None };
    usize::from(ip.octets()[3]).checked_sub(1)
}

impl UserAgent {
    pub(super) fn new(number: usize, ability: &Ability, entropy: &mut Entropy) -> Self {
        let address = address(number);
        let capabilities = Capabilities {
            codecs: Codec::ALL.into(),
            telephone_event: true,
            chat: ability.chat,
            chat_over_tls: ability.chat_over_tls,
            srtp: ability.srtp,
        };
        let (timers, user_agent) = (Timers::default(), String::from("offhook"));
        let settings = session::Settings {
            user_agent: user_agent.clone(),
            local_uri: format!("sip:{}@{address}", name(number)).parse().unwrap(),
            timers,
            capabilities: capabilities.clone(),
            epoch: Epoch { instant: Instant::ZERO, timestamp: Timestamp::from_unix_micros(0) },
            policy: ability.policy.clone(),
            listens_on_tcp: true,
            credentials: Vec::new(),
        };
        let endpoint = endpoint::Settings {
            timers,
            capabilities,
            callees: Vec::new(),
            takes_anybody: true,
            user_agent,
            server_transactions_max: ability.transactions_max,
        };
        Self {
            address,
            ability: ability.clone(),
            endpoint: endpoint::Core::new(endpoint, entropy.fork()),
            endpoint_armed: None,
            endpoint_next: None,
            mails: VecDeque::new(),
            mailbox: Queue::default(),
            sessions: BTreeMap::new(),
            settings: Arc::new(settings),
            next_id: 0,
            audio: Audio::new(ability.faults, entropy.fork()),
            to_audio: Queue::default(),
            to_chat: Queue::default(),
            notifier: Queue::default(),
            framers: BTreeMap::new(),
        }
    }
}

/// What people call the user agent of that number.
#[must_use]
pub fn name(number: usize) -> String {
    const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    NAMES.get(number).map_or_else(|| format!("user{number}"), |name| (*name).to_owned())
}
