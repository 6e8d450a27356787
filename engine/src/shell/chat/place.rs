//! A chat's place at a relay (RFC 4976): the relay is asked for it before the chat has a path, and
//! all that is said goes over the connection to it.

use std::sync::Arc;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};
use offhook_msrp::MsrpUri;
use offhook_msrp::relay::{Event, Input, Output, Relay, RelayFailure, Settings};

use crate::auth::RelayCredentials;
use crate::chat::MsrpRelay;
use crate::credentials::Hop;

/// How long the connection to the relay may take.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// Octets that the peer may say before its description has come; more stays in the socket.
pub(super) const EARLY_MAX: usize = 64 * 1024;

/// What became of the place.
#[derive(Debug)]
pub(super) enum News {
    /// The relay serves us: our path.
    Ready(String),
    /// It does not; why, for people.
    Failed(String),
}

/// The place of one chat.
pub(super) struct Place {
    config: Arc<MsrpRelay>,
    relay: Relay,
    credentials: RelayCredentials,
    entropy: Entropy,
    path: Option<String>,
    /// Why the relay got no proof, or the one it got was not good enough.
    refusal: Option<String>,
    deadline: Option<Instant>,
    connect_by: Option<Instant>,
    /// What is to be written between the chat's own outputs; so much of it is.
    out: Vec<u8>,
    out_at: usize,
    /// What the peer said before there was a chat to hear it.
    pub(super) early: Vec<u8>,
}

impl Place {
    /// A place that is asked for once the connection stands. `own`: our URI.
    pub(super) fn new(
        config: &Arc<MsrpRelay>,
        own: &str,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Result<Self, String> {
        let settings =
            Settings { relays: vec![config.uri()], local: own.to_owned(), expires: None };
        let relay = Relay::new(settings, entropy.fork()).map_err(|error| error.to_string())?;
        Ok(Self {
            relay,
            credentials: RelayCredentials::new(config.credentials.clone()),
            config: Arc::clone(config),
            entropy: entropy.fork(),
            path: None,
            refusal: None,
            deadline: None,
            connect_by: Some(now + CONNECT_MAX),
            out: Vec::new(),
            out_at: 0,
            early: Vec::new(),
        })
    }

    /// Our path, once the relay serves us.
    pub(super) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The way to a peer with that path, through the relay.
    pub(super) fn path_to(&self, peer: &str) -> Option<String> {
        self.relay.path_to(peer)
    }

    /// When to come back.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.connect_by).min()
    }

    /// The connection stands: asks for the place.
    pub(super) fn connected(&mut self, now: Instant) -> Option<News> {
        self.connect_by = None;
        self.feed(now, Input::Connected)
    }

    /// Looks at the clock.
    pub(super) fn wake(&mut self, now: Instant) -> Option<News> {
        if self.connect_by.is_some_and(|by| by <= now) {
            self.connect_by = None;
            return self.feed(now, Input::Disconnected("no answer within 30 s".into()));
        }
        self.deadline.filter(|at| *at <= now)?;
        self.deadline = None;
        self.feed(now, Input::Timeout)
    }

    /// Takes what happened; what came of it is told.
    pub(super) fn feed(&mut self, now: Instant, input: Input<'_>) -> Option<News> {
        if let Err(error) = self.relay.handle_input(now, input) {
            log::debug!("MSRP relay: {error}");
        }
        loop {
            match self.relay.poll_output() {
                Output::Transmit(bytes) => self.out.extend_from_slice(&bytes),
                Output::Authorize { uri, challenges } => {
                    let hop = Hop {
                        address: self.config.address.ip(),
                        host: Some(&self.config.host),
                        is_chosen: true,
                    };
                    let proof = self.credentials.answer(&hop, &challenges, &uri, &mut self.entropy);
                    let proof = proof.unwrap_or_else(|error| {
                        self.refusal = Some(format!("the relay {uri}: {error}"));
                        None
                    });
                    if let Err(error) = self.relay.handle_input(now, Input::Authorization(proof)) {
                        log::debug!("MSRP relay: {error}");
                    }
                }
                Output::Event(Event::Ready { path }) => match &self.path {
                    None => {
                        self.path = Some(path.clone());
                        return Some(News::Ready(path));
                    }
                    Some(told) if *told != path => {
                        log::warn!("the MSRP relay moved us; the peer knows the old path: {told}");
                    }
                    Some(_) => {}
                },
                Output::Event(Event::Failed(failure)) => {
                    self.deadline = None;
                    let refusal = self.refusal.take();
                    let known =
                        refusal.filter(|_| matches!(failure, RelayFailure::NoCredentials(_)));
                    return Some(News::Failed(known.unwrap_or_else(|| failure.to_string())));
                }
                Output::Timeout(at) => {
                    self.deadline = at;
                    return None;
                }
            }
        }
    }

    /// What is to be written now.
    pub(super) fn to_write(&self) -> &[u8] {
        self.out.get(self.out_at..).unwrap_or_default()
    }

    /// So much of it was written.
    pub(super) fn written(&mut self, count: usize) {
        self.out_at = self.out_at.saturating_add(count);
        if self.out_at >= self.out.len() {
            self.out.clear();
            self.out_at = 0;
        }
    }
}

/// The port that a path leads to.
pub(super) fn port_of(path: &str) -> Option<u16> {
    let first = path.split_ascii_whitespace().next()?;
    Some(MsrpUri::parse(first)?.port.unwrap_or(offhook_msrp::DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let relay = MsrpRelay::new("192.0.2.1:2855".parse().unwrap());
        let own = "msrps://192.0.2.2:9/a;tcp";
        Place::new(&Arc::new(relay), own, &mut Entropy::from_u64(1), Instant::ZERO).unwrap()
    }

    fn failure(news: Option<News>) -> String {
        match news {
            Some(News::Failed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// REFERENCE 1.9 item 4
    #[test]
    fn a_connection_to_a_relay_is_waited_for_thirty_seconds() {
        let mut place = place();
        let by = Instant::ZERO + Duration::from_secs(30);
        assert_eq!(place.deadline(), Some(by));
        assert!(place.wake(Instant::ZERO + Duration::from_secs(29)).is_none());
        let reason = failure(place.wake(by));
        assert!(reason.contains("the relay") && reason.contains("30 s"), "{reason}");
        assert_eq!(place.deadline(), None);
    }

    /// REFERENCE 1.9 item 4
    #[test]
    fn the_answer_of_a_relay_is_waited_for_thirty_seconds_more() {
        let mut place = place();
        let connected = Instant::ZERO + Duration::from_secs(20);
        assert!(place.connected(connected).is_none());
        assert!(place.to_write().starts_with(b"MSRP "));
        let by = connected + Duration::from_secs(30);
        assert_eq!(place.deadline(), Some(by));
        assert!(place.wake(Instant::ZERO + Duration::from_secs(49)).is_none());
        let reason = failure(place.wake(by));
        assert!(reason.contains("does not answer"), "{reason}");
        assert_eq!(place.deadline(), None);
    }
}
