//! Both sides of a transaction together: all pairs of states that their tables can reach over a
//! network that loses, doubles and delays, and the real ones over simulated links.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::collections::{BTreeMap, BTreeSet};

use offhook::sip::{Builder, HeaderName, Message};
use offhook::transaction::{ClientTransaction, Failure, ServerTransaction, Timers, Verdict};
use offhook::transport::{Transmit, Transport};
use offhook_fsm::{Entropy, Instant, Machine, Rule};
use offhook_fsm::{invite_client, invite_server, non_invite_client, non_invite_server};
use offhook_tests::destination;

/// What may be on its way. A message that was sent once may come at any later time, so the set
/// only grows.
type Network = BTreeSet<&'static str>;

/// One client, the server that its first request makes, and the network between them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Pair {
    client: &'static str,
    server: Option<&'static str>,
    network: Network,
}

/// Two machines that talk to each other.
struct Talk {
    client: &'static Machine,
    server: &'static Machine,
    /// The request, and what it is to a server that has it.
    request: &'static str,
}

const INVITE: Talk =
    Talk { client: &invite_client::MACHINE, server: &invite_server::MACHINE, request: "RxInvite" };
const OTHER: Talk = Talk {
    client: &non_invite_client::MACHINE,
    server: &non_invite_server::MACHINE,
    request: "RxRequest",
};

fn go(
    machine: &Machine,
    state: &str,
    event: &str,
) -> Option<(&'static str, &'static [&'static str])> {
    let row = machine.rows.iter().find(|row| row.state == state && row.event == event)?;
    match row.rule {
        Rule::Go { next, actions } => Some((next, actions)),
        Rule::Ignore | Rule::Refuse => None,
    }
}

fn timers(machine: &Machine) -> impl Iterator<Item = &'static str> {
    machine.events.iter().copied().filter(|event| event.starts_with("Timer"))
}

impl Talk {
    fn start(&self) -> Pair {
        Pair { client: self.client.start, server: None, network: [self.request].into() }
    }

    fn client(&self, pair: &Pair, event: &str) -> Option<Pair> {
        let (next, actions) = go(self.client, pair.client, event)?;
        let mut after = Pair { client: next, ..pair.clone() };
        let acknowledges = event == "Rx2xx" && actions.contains(&"Deliver");
        // The user of an INVITE acknowledges each 2xx.
        if actions.contains(&"SendAck") || acknowledges {
            after.network.insert("RxAck");
        }
        Some(after)
    }

    fn server(&self, pair: &Pair, event: &'static str) -> Option<Pair> {
        let (next, actions) = go(self.server, pair.server?, event)?;
        let mut after = Pair { server: Some(next), ..pair.clone() };
        if actions.contains(&"Send") {
            // What the server's user says is what the client gets.
            after.network.insert(match event {
                "Tx1xx" => "Rx1xx",
                "Tx2xx" => "Rx2xx",
                "Tx3xx6xx" => "Rx3xx6xx",
                _ => "RxFinal",
            });
        }
        Some(after)
    }

    /// All that may happen next.
    fn next(&self, pair: &Pair) -> Vec<Pair> {
        let mut after = Vec::new();
        for message in &pair.network {
            after.extend(self.client(pair, message));
            after.extend(self.server(pair, message));
        }
        if pair.server.is_none() {
            after.push(Pair { server: Some(self.server.start), ..pair.clone() });
        }
        let said = self.server.events.iter().filter(|event| event.starts_with("Tx"));
        after.extend(said.filter_map(|event| self.server(pair, event)));
        after.extend(self.with_time(pair));
        after
    }

    /// What time alone may do.
    fn with_time(&self, pair: &Pair) -> Vec<Pair> {
        let mut after: Vec<_> = timers(self.client).filter_map(|t| self.client(pair, t)).collect();
        after.extend(timers(self.server).filter_map(|t| self.server(pair, t)));
        after
    }

    fn reachable(&self) -> BTreeSet<Pair> {
        let mut known = BTreeSet::new();
        let mut open = vec![self.start()];
        while let Some(pair) = open.pop() {
            if known.insert(pair.clone()) {
                open.extend(self.next(&pair));
            }
        }
        known
    }

    /// Where time alone leads to when every message is lost from now on.
    fn ends(&self, pair: &Pair) -> BTreeSet<(&'static str, Option<&'static str>)> {
        let (mut known, mut ends, mut open) =
            (BTreeSet::new(), BTreeSet::new(), vec![pair.clone()]);
        while let Some(pair) = open.pop() {
            if !known.insert(pair.clone()) {
                continue;
            }
            let after = self.with_time(&pair);
            if after.iter().all(|next| *next == pair) {
                ends.insert((pair.client, pair.server));
            }
            open.extend(after);
        }
        ends
    }
}

#[test]
fn when_the_network_dies_time_ends_both_sides_but_for_what_their_users_must_end() {
    for (talk, client_waits, server_waits) in [
        // RFC 3261 §9.1: an INVITE that only rings is its user's to give up.
        (INVITE, &["PROCEEDING"][..], &["PROCEEDING"][..]),
        (OTHER, &[], &["TRYING", "PROCEEDING"]),
    ] {
        let reachable = talk.reachable();
        assert!(reachable.len() > 20, "{}", reachable.len());
        for pair in reachable {
            for (client, server) in talk.ends(&pair) {
                let client_ends = client == "TERMINATED" || client_waits.contains(&client);
                let over = |server| server == "TERMINATED" || server_waits.contains(&server);
                assert!(client_ends && server.is_none_or(over), "{pair:?}: {client} {server:?}");
            }
        }
    }
}

#[test]
fn while_messages_come_through_every_pair_can_end() {
    for talk in [INVITE, OTHER] {
        let reachable = talk.reachable();
        // Backwards from the pairs that are over, until nothing is added.
        let over = |pair: &&Pair| pair.client == "TERMINATED" && pair.server == Some("TERMINATED");
        let mut good: BTreeSet<Pair> = reachable.iter().filter(over).cloned().collect();
        loop {
            let more: Vec<Pair> = reachable
                .difference(&good)
                .filter(|pair| talk.next(pair).iter().any(|next| good.contains(next)))
                .cloned()
                .collect();
            if more.is_empty() {
                break;
            }
            good.extend(more);
        }
        let stuck: Vec<_> = reachable.difference(&good).collect();
        // The client may still ring while its server has forgotten the call: see above.
        let rings =
            |pair: &&&Pair| pair.client == "PROCEEDING" && pair.server == Some("TERMINATED");
        assert_eq!(stuck.iter().filter(|pair| !rings(pair)).count(), 0, "{stuck:?}");
    }
}

#[test]
fn both_sides_of_an_invite_agree_on_its_outcome() {
    for pair in INVITE.reachable() {
        let (accepted, refused) =
            (["ACCEPTED"].contains(&pair.client), ["COMPLETED"].contains(&pair.client));
        let server = pair.server.unwrap_or("none");
        assert!(!(accepted && ["COMPLETED", "CONFIRMED"].contains(&server)), "{pair:?}");
        assert!(!(refused && server == "ACCEPTED"), "{pair:?}");
        assert!(!(pair.network.contains("Rx2xx") && pair.network.contains("Rx3xx6xx")), "{pair:?}");
    }
}

/// A client and a server transaction over a link that loses and doubles.
struct Link {
    entropy: Entropy,
    loss: u64,
    now: Instant,
    sequence: u64,
    /// On its way: to the server (`true`) or to the client.
    flying: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    client: ClientTransaction,
    server: Option<ServerTransaction>,
    status: u16,
    delivered: usize,
    failure: Option<Failure>,
}

impl Link {
    fn new(seed: u64, loss: u64, method: &str, status: u16) -> Self {
        let bytes = Builder::request(method.as_bytes(), b"sip:b@192.0.2.9")
            .and_then(|b| b.header(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"))
            .and_then(|b| b.header(HeaderName::From, "<sip:a@h>;tag=1"))
            .and_then(|b| b.header(HeaderName::To, "<sip:b@h>"))
            .and_then(|b| b.header(HeaderName::CallId, "c"))
            .and_then(|b| b.header(HeaderName::CSeq, format!("1 {method}")))
            .unwrap()
            .finish();
        let request = Transmit { destination: destination(Transport::Udp), bytes: bytes.into() };
        let client = ClientTransaction::new(Instant::ZERO, Timers::default(), request).unwrap();
        Self {
            entropy: Entropy::from_u64(seed),
            loss,
            now: Instant::ZERO,
            sequence: 0,
            flying: BTreeMap::new(),
            client,
            server: None,
            status,
            delivered: 0,
            failure: None,
        }
    }

    fn send(&mut self, to_server: bool, transmit: &Transmit) {
        for _ in 0..=self.entropy.below(2) {
            if self.entropy.below(100) >= self.loss {
                let delay = std::time::Duration::from_millis(self.entropy.below(800));
                self.sequence += 1;
                let message = (to_server, transmit.bytes.to_vec());
                self.flying.insert((self.now + delay, self.sequence), message);
            }
        }
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.client.poll_transmit() {
            self.send(true, &transmit);
        }
        while let Some(transmit) = self.server.as_mut().and_then(ServerTransaction::poll_transmit) {
            self.send(false, &transmit);
        }
    }

    fn arrive(&mut self, to_server: bool, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        if !to_server {
            let verdict = self.client.receive(self.now, &message);
            self.delivered += usize::from(verdict == Verdict::Deliver);
        } else if message.method() == Some(b"ACK") {
            let acknowledged = self.server.as_mut().map(|server| server.receive_ack(self.now));
            assert_ne!(acknowledged, Some(true), "an ACK to a refusal is the transaction's own");
        } else if let Some(server) = &mut self.server {
            server.receive_again(self.now);
        } else {
            let is_invite = message.method() == Some(b"INVITE");
            let mut server = ServerTransaction::new(Timers::default(), is_invite, false);
            let built = Builder::response(&message, self.status, "Phrase", Some("t"), None);
            let bytes = built.unwrap().finish().into();
            let response = Transmit { destination: destination(Transport::Udp), bytes };
            server.respond(self.now, self.status, response);
            self.server = Some(server);
        }
    }

    /// Runs until both are over.
    fn run(&mut self) {
        loop {
            self.flush();
            let message = self.flying.keys().next().copied();
            let client = self.client.deadline();
            let server = self.server.as_ref().and_then(ServerTransaction::deadline);
            let times = [message.map(|(at, _)| at), client, server];
            let Some(next) = times.into_iter().flatten().min() else { return };
            self.now = self.now.max(next);
            if let Some(key) = message.filter(|(at, _)| *at == next) {
                let (to_server, bytes) = self.flying.remove(&key).unwrap();
                self.arrive(to_server, &bytes);
            } else if client == Some(next) {
                let failure = self.client.handle_timeout(self.now);
                self.failure = self.failure.or(failure);
            } else if let Some(server) = &mut self.server {
                let _no_ack = server.handle_timeout(self.now);
            }
        }
    }
}

#[test]
fn over_a_link_that_only_doubles_and_delays_every_transaction_is_answered_once() {
    for (method, status) in [("INVITE", 486), ("BYE", 200), ("OPTIONS", 481)] {
        for seed in 0..200 {
            let mut link = Link::new(seed, 0, method, status);
            link.run();
            assert_eq!((link.delivered, link.failure), (1, None), "{method} {seed}");
            assert!(link.client.is_terminated() && link.server.unwrap().is_terminated());
        }
    }
}

#[test]
fn over_a_link_that_loses_half_a_transaction_is_answered_once_or_times_out() {
    for (method, status) in [("INVITE", 486), ("BYE", 200)] {
        let mut answered = 0;
        for seed in 0..500 {
            let mut link = Link::new(seed, 50, method, status);
            link.run();
            let outcome = (link.delivered, link.failure);
            assert!(matches!(outcome, (1, None) | (0, Some(Failure::Timeout))), "{method} {seed}");
            assert!(link.client.is_terminated(), "{method} {seed}");
            assert!(link.server.is_none_or(|server| server.is_terminated()), "{method} {seed}");
            // Both sides wait for at most 64·T1 each, one after the other.
            assert!(link.now <= Instant::from_millis(97_000), "{method} {seed}: {:?}", link.now);
            answered += link.delivered;
        }
        assert!(answered >= 495, "{method}: {answered} of 500");
    }
}
