//! What a run is made of. Each call is drawn from the seed and its own number, so that a run with
//! fewer calls has the others unchanged.

use std::collections::BTreeSet;
use std::time::Duration;

use offhook::negotiate::SrtpPolicy;
use offhook::session::{Order, Policy, Route};
use offhook::streams::Streams;
use offhook::transport::{Destination, Transport};
use offhook_fsm::{Entropy, Instant};

use crate::world::Conditions;
use crate::world::World;
use crate::world::agent::{Ability, address, fork};
use crate::world::audio::Faults;
use crate::world::hop::Hops;
use crate::world::network::{Link, Weather};

/// Calls of a run.
pub const CALLS: u32 = 50;
/// They begin within this time.
const BEGIN_MS: u64 = 120_000;
/// What a person does in one session at most.
const ACTS: u32 = 12;
/// The number of nobody's address.
const NOBODY: usize = 200;

/// A run to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// All that is drawn comes from it.
    pub seed: u64,
    /// Datagrams that every link loses, in percent; `None`: each link draws its own, up to 30.
    pub loss: Option<u64>,
    /// User agents.
    pub agents: usize,
    /// The calls, by number.
    pub only: BTreeSet<u32>,
    /// What a person does in one session at most.
    pub acts: u32,
    /// Things go wrong inside of the user agents, too, and limits are narrow.
    pub rough: bool,
    /// Threads hand off at once, and links only take their time.
    pub plain: bool,
}

/// One call to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// When.
    pub begin: Instant,
    /// Who calls.
    pub from: usize,
    /// Whom.
    pub to: usize,
    transport: Transport,
    streams: Streams,
    /// A first way that leads nowhere.
    detour: Option<Transport>,
    /// Too long for a datagram.
    long: bool,
    /// Who is called beside.
    beside: Option<usize>,
    /// It asks to be answered by itself, after so many seconds.
    auto_answer: Option<u64>,
}

impl Plan {
    /// The run of a seed.
    #[must_use]
    pub fn new(seed: u64, loss: Option<u64>) -> Self {
        let mut entropy = Entropy::from_u64(seed);
        Self {
            seed,
            loss,
            agents: 2 + usize::try_from(entropy.below(4)).unwrap_or(0),
            only: (0..CALLS).collect(),
            acts: ACTS,
            rough: entropy.below(2) == 0,
            plain: false,
        }
    }

    /// The numbers of its calls.
    pub fn calls(&self) -> impl Iterator<Item = u32> {
        self.only.iter().copied()
    }

    /// What is drawn for one call, and `part` of it.
    #[must_use]
    pub fn chance(&self, call: u32, part: u64) -> Entropy {
        let mut seed = [0; 32];
        let words = [self.seed, call.into(), part];
        for (place, word) in seed.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Entropy::from_seed(seed)
    }

    /// A call by its number.
    #[must_use]
    pub fn call(&self, number: u32) -> Call {
        let mut chance = self.chance(number, 0);
        let mut one_of =
            |count: usize| usize::try_from(chance.below(count as u64)).unwrap_or_default();
        let from = one_of(self.agents);
        let to = (from + 1 + one_of(self.agents - 1)) % self.agents;
        let streams = match chance.below(10) {
            0 => Streams { audio: false, chat: true },
            1..5 => Streams { audio: true, chat: true },
            _ => Streams::AUDIO,
        };
        let some_transport = |chance: &mut Entropy| match chance.below(4) {
            0 => Transport::Tcp,
            _ => Transport::Udp,
        };
        Call {
            begin: Instant::from_micros(chance.below(BEGIN_MS * 1000)),
            from,
            to,
            transport: some_transport(&mut chance),
            streams,
            detour: (chance.below(12) == 0).then(|| some_transport(&mut chance)),
            long: chance.below(10) == 0,
            beside: self.beside(from, to, &mut chance),
            auto_answer: (chance.below(8) == 0).then(|| chance.below(10)),
        }
    }

    /// Another one whom a call reaches as well.
    fn beside(&self, from: usize, to: usize, chance: &mut Entropy) -> Option<usize> {
        let other = usize::try_from(chance.below(self.agents as u64)).unwrap_or_default();
        (chance.below(6) == 0 && other != from && other != to).then_some(other)
    }

    /// The world of this run.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        let mut entropy = Entropy::from_u64(self.seed ^ 0xa5a5);
        let agents = (0..self.agents).map(|_| self.ability(&mut entropy)).collect();
        let (weather, hops) = if self.plain {
            (Weather::Same(Link::steady(Duration::from_millis(10))), Hops::Instant)
        } else {
            (Weather::Drawn { loss: self.loss }, Hops::Drawn)
        };
        Conditions { seed: self.seed, weather, hops, agents }
    }

    fn ability(&self, entropy: &mut Entropy) -> Ability {
        let narrow = self.rough && entropy.below(6) == 0;
        let able = Ability {
            tcp: entropy.below(8) != 0,
            chat: entropy.below(5) != 0,
            srtp: match entropy.below(8) {
                0 => SrtpPolicy::Mandatory,
                1..4 => SrtpPolicy::Disabled,
                _ => SrtpPolicy::Optional,
            },
            policy: policy(entropy),
            ..Ability::default()
        };
        if !self.rough {
            return able;
        }
        Ability {
            sessions_max: if narrow {
                3 + usize::try_from(entropy.below(8)).unwrap_or(0)
            } else {
                usize::MAX
            },
            transactions_max: if narrow { 8 } else { offhook::endpoint::SERVER_TRANSACTIONS_MAX },
            faults: Faults { prepare: 20, record: 50, start: 10 },
            ..able
        }
    }
}

/// The default one as a rule, else one of short patience.
fn policy(entropy: &mut Entropy) -> Policy {
    if entropy.below(3) > 0 {
        return Policy { auto_answer: entropy.below(4) == 0, ..Policy::default() };
    }
    let mut some = |least: u64, most: u64| {
        let seconds = Duration::from_secs(least + entropy.below(most - least));
        (entropy.below(3) > 0).then_some(seconds)
    };
    Policy {
        invite_timeout: some(10, 60),
        ring_timeout: some(5, 60),
        duration_max: some(20, 120),
        session_expires: some(90, 200),
        auto_answer: entropy.below(2) == 0,
        ..Policy::default()
    }
}

impl Call {
    /// The order that places it.
    #[must_use]
    pub fn connect(&self, world: &World) -> Order {
        let (to, transport) = match self.beside {
            Some(other) => (fork(self.to, other), Transport::Udp),
            None => (self.to, self.transport),
        };
        let (uri, route) = world.way(self.from, to, transport);
        let nowhere = self.detour.map(|transport| {
            let remote = address(NOBODY);
            Route {
                destination: Destination { transport, remote, ..route.destination },
                when_long: None,
            }
        });
        let long = self.long.then(|| ("X-Long".into(), "x".repeat(1000)));
        let asked = self.auto_answer.map(|after| {
            ("Call-Info".into(), format!("<sip:{NOBODY}@invalid>;answer-after={after}"))
        });
        let headers = long.into_iter().chain(asked).collect();
        let routes = nowhere.into_iter().chain([route]).collect();
        Order::Connect { uri, routes, streams: self.streams, headers }
    }
}
