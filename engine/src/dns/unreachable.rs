//! Which ways led nowhere lately (RFC 3263 §4.3).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::Instant;

use crate::route::{Route, RouteHost};
use crate::transport::Transport;

/// Ways that are remembered at most; then the oldest is forgotten.
pub const UNREACHABLE_MAX: usize = 256;
/// How long a way that led nowhere is tried after all others.
pub const UNREACHABLE_FOR: Duration = Duration::from_secs(60);

/// Ways that led nowhere.
#[derive(Clone, Debug, Default)]
pub struct Unreachable(BTreeMap<(Transport, SocketAddr), Instant>);

impl Unreachable {
    /// Nobody answered there.
    pub fn note(&mut self, now: Instant, transport: Transport, remote: SocketAddr) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= UNREACHABLE_MAX && !self.0.contains_key(&(transport, remote)) {
            let oldest = self.0.iter().min_by_key(|(_, until)| **until).map(|(way, _)| *way);
            oldest.map(|way| self.0.remove(&way));
        }
        self.0.insert((transport, remote), now + UNREACHABLE_FOR);
    }

    /// Puts those ways behind the others; the order is kept else. None is left out: there may be no
    /// better one.
    pub fn put_last(&self, now: Instant, routes: &mut [Route]) {
        routes.sort_by_key(|route| match route.host() {
            RouteHost::Ip(ip) => {
                let way = (route.transport(), SocketAddr::new(*ip, route.port()));
                self.0.get(&way).is_some_and(|until| *until > now)
            }
            RouteHost::Name(_) => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        text.parse().unwrap()
    }

    #[test]
    fn a_way_that_led_nowhere_is_last_for_a_while() {
        let (a, b) = (route("192.0.2.1:5060"), route("192.0.2.2:5060"));
        let (mut memory, now) = (Unreachable::default(), Instant::ZERO);
        memory.note(now, Transport::Udp, "192.0.2.1:5060".parse().unwrap());
        memory.note(now, Transport::Tcp, "192.0.2.2:5060".parse().unwrap());
        let mut routes = vec![a.clone(), b.clone()];
        memory.put_last(now, &mut routes);
        assert_eq!(routes, [b.clone(), a.clone()]);
        let mut routes = vec![a.clone(), b.clone()];
        memory.put_last(now + UNREACHABLE_FOR, &mut routes);
        assert_eq!(routes, [a, b]);
    }

    #[test]
    fn the_memory_is_full_at_its_limit_and_forgets_the_oldest() {
        let mut memory = Unreachable::default();
        let remote = |n: usize| SocketAddr::from(([192, 0, 2, 1], 1000 + n as u16));
        for n in 0..=UNREACHABLE_MAX {
            memory.note(Instant::from_micros(n as u64), Transport::Udp, remote(n));
        }
        assert_eq!(memory.0.len(), UNREACHABLE_MAX);
        assert!(!memory.0.contains_key(&(Transport::Udp, remote(0))));
        assert!(memory.0.contains_key(&(Transport::Udp, remote(UNREACHABLE_MAX))));
    }
}
