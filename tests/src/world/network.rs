//! The network between user agents: one link for each direction of each pair, drawn from the seed.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

/// The longest that jitter, and one datagram in a hundred more, delays.
const STRAY_MS: u64 = 2000;

/// One direction between two user agents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// Datagrams that are lost, in percent.
    pub loss: u64,
    /// Datagrams that come twice, in percent.
    pub doubled: u64,
    /// Datagrams that stray and come up to two seconds late, in percent.
    pub stray: u64,
    /// What every message takes at least.
    pub delay: Duration,
    /// What it takes more, at most; later datagrams overtake.
    pub jitter: Duration,
}

impl Link {
    /// A link that only takes its time.
    #[must_use]
    pub const fn steady(delay: Duration) -> Self {
        Self { loss: 0, doubled: 0, stray: 0, delay, jitter: Duration::ZERO }
    }

    /// Some link, losing that many percent, or as many as are drawn (up to 30).
    fn drawn(entropy: &mut Entropy, loss: Option<u64>) -> Self {
        let drawn = entropy.below(31);
        Self {
            loss: loss.unwrap_or(drawn),
            doubled: entropy.below(10),
            stray: entropy.below(2),
            delay: Duration::from_micros(entropy.below(80_000)),
            jitter: Duration::from_micros(entropy.below(120_000)),
        }
    }
}

/// What the links are like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weather {
    /// Every link is this one.
    Same(Link),
    /// Each link is drawn; the loss in percent may be given.
    Drawn {
        /// For every link.
        loss: Option<u64>,
    },
}

/// All links, and the streams on them.
#[derive(Debug)]
pub struct Network {
    weather: Weather,
    entropy: Entropy,
    links: BTreeMap<(usize, usize), Link>,
    /// When the last bytes of a stream arrive: what follows comes later.
    streams: BTreeMap<(usize, usize), Instant>,
}

impl Network {
    /// A network without traffic.
    #[must_use]
    pub const fn new(weather: Weather, entropy: Entropy) -> Self {
        Self { weather, entropy, links: BTreeMap::new(), streams: BTreeMap::new() }
    }

    fn link(&mut self, from: usize, to: usize) -> Link {
        let (entropy, weather) = (&mut self.entropy, self.weather);
        *self.links.entry((from, to)).or_insert_with(|| match weather {
            Weather::Same(link) => link,
            Weather::Drawn { loss } => Link::drawn(entropy, loss),
        })
    }

    /// When a datagram arrives: never, once, or twice.
    pub fn datagram(&mut self, now: Instant, from: usize, to: usize) -> [Option<Instant>; 2] {
        let link = self.link(from, to);
        let doubled = self.entropy.below(100) < link.doubled;
        [Some(()), doubled.then_some(())].map(|copy| {
            copy?;
            if self.entropy.below(100) < link.loss {
                return None;
            }
            let stray = self.entropy.below(100) < link.stray;
            let stray = if stray { self.entropy.below(STRAY_MS * 1000) } else { 0 };
            Some(now + self.travel(link) + Duration::from_micros(stray))
        })
    }

    /// When bytes of a stream arrive: always, and after those before them.
    pub fn stream(&mut self, now: Instant, from: usize, to: usize) -> Instant {
        let link = self.link(from, to);
        let travel = self.travel(link);
        let last = self.streams.entry((from, to)).or_insert(now);
        *last = (now + travel).max(*last);
        *last
    }

    fn travel(&mut self, link: Link) -> Duration {
        let most = u64::try_from(link.jitter.as_micros()).unwrap_or(u64::MAX);
        link.delay + Duration::from_micros(self.entropy.below(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(link: Link) -> Network {
        Network::new(Weather::Same(link), Entropy::from_u64(1))
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken_as_often_as_the_link_says() {
        let jitter = Duration::from_millis(100);
        let link =
            Link { loss: 30, doubled: 10, jitter, ..Link::steady(Duration::from_millis(10)) };
        let mut network = network(link);
        let (mut none, mut both, mut overtaken, mut last) = (0, 0, 0, Instant::ZERO);
        for step in 0..1000 {
            let now = Instant::from_millis(step * 20);
            let arrivals = network.datagram(now, 0, 1);
            none += usize::from(arrivals == [None, None]);
            both += usize::from(arrivals[0].is_some() && arrivals[1].is_some());
            for at in arrivals.into_iter().flatten() {
                assert!(at >= now + link.delay && at <= now + link.delay + jitter);
                overtaken += usize::from(at < last);
                last = at;
            }
        }
        assert!((230..340).contains(&none), "{none}");
        assert!((20..90).contains(&both), "{both}");
        assert!(overtaken > 100, "{overtaken}");
    }

    #[test]
    fn a_stream_loses_nothing_and_keeps_its_order() {
        let jitter = Duration::from_millis(100);
        let mut network = network(Link { loss: 100, jitter, ..Link::steady(jitter) });
        let mut last = Instant::ZERO;
        for step in 0..1000 {
            let at = network.stream(Instant::from_millis(step), 0, 1);
            assert!(at >= last);
            last = at;
        }
    }

    #[test]
    fn each_direction_of_each_pair_has_a_link_of_its_own() {
        let drawn = Weather::Drawn { loss: Some(5) };
        let mut network = Network::new(drawn, Entropy::from_u64(1));
        let links = [network.link(0, 1), network.link(1, 0), network.link(0, 2)];
        assert!(links[0] != links[1] && links[0] != links[2]);
        assert!(links.iter().all(|link| link.loss == 5));
        assert_eq!(network.link(0, 1), links[0]);
    }
}
