//! Whose packets a stream believes: the address in the SDP at once, another one only in the first
//! seconds and only while that one is silent, and from then on nobody else.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::Instant;

use crate::rtp::{Arrival, Source};

/// How long after its start a stream may find its peer behind another address than the SDP's.
pub const LATCH: Duration = Duration::from_secs(5);

/// What a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The next one, or one behind a gap.
    InOrder,
    /// From before the last one, or that one again.
    Late,
    /// The source is believed from here on; `anew`: it is a new one.
    Locked {
        /// There was none, or another one, before.
        anew: bool,
    },
    /// It may become the source.
    Probation,
    /// It is not from our peer.
    Stranger,
}

#[derive(Clone, Debug)]
struct Known {
    address: SocketAddr,
    ssrc: u32,
    source: Source,
}

/// The source of a stream. Allocates nothing.
#[derive(Clone, Debug)]
pub struct SourceLock {
    /// What the peer's SDP says.
    named: SocketAddr,
    opened: Instant,
    known: Option<Known>,
    candidate: Option<Known>,
}

impl SourceLock {
    /// No source yet; `named` is the address in the SDP.
    #[must_use]
    pub const fn new(named: SocketAddr, now: Instant) -> Self {
        Self { named, opened: now, known: None, candidate: None }
    }

    /// The source's address, once there is one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.known.as_ref().map(|known| known.address)
    }

    /// Its number.
    #[must_use]
    pub fn ssrc(&self) -> Option<u32> {
        self.known.as_ref().map(|known| known.ssrc)
    }

    /// Its number and count.
    #[must_use]
    pub fn current(&self) -> Option<(u32, &Source)> {
        self.known.as_ref().map(|known| (known.ssrc, &known.source))
    }

    /// Its count.
    pub fn source_mut(&mut self) -> Option<&mut Source> {
        self.known.as_mut().map(|known| &mut known.source)
    }

    /// Judges a packet.
    pub fn receive(
        &mut self,
        now: Instant,
        address: SocketAddr,
        ssrc: u32,
        sequence: u16,
    ) -> Verdict {
        let Some(known) = &mut self.known else { return self.first(now, address, ssrc, sequence) };
        if known.address != address {
            return Verdict::Stranger;
        }
        if known.ssrc != ssrc {
            return self.try_candidate(address, ssrc, sequence);
        }
        match known.source.receive(sequence) {
            Arrival::InOrder(_) => Verdict::InOrder,
            Arrival::Late(_) => Verdict::Late,
            Arrival::Restart(_) => Verdict::Locked { anew: false },
            Arrival::Jump | Arrival::Probation => Verdict::Probation,
        }
    }

    fn first(&mut self, now: Instant, address: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        if address == self.named {
            // The peer said so itself: its first packet counts.
            let mut source = Source::new(sequence);
            source.believe(sequence);
            self.known = Some(Known { address, ssrc, source });
            self.candidate = None;
            return Verdict::Locked { anew: true };
        }
        if now - self.opened > LATCH {
            return Verdict::Stranger;
        }
        self.try_candidate(address, ssrc, sequence)
    }

    fn try_candidate(&mut self, address: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        let same = |c: &Known| c.address == address && c.ssrc == ssrc;
        let mut candidate = match self.candidate.take().filter(same) {
            Some(candidate) => candidate,
            None => Known { address, ssrc, source: Source::new(sequence) },
        };
        if let Arrival::InOrder(_) = candidate.source.receive(sequence) {
            self.known = Some(candidate);
            return Verdict::Locked { anew: true };
        }
        self.candidate = Some(candidate);
        Verdict::Probation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4000);
    const OTHER: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);

    fn lock() -> SourceLock {
        SourceLock::new(NAMED, Instant::ZERO)
    }

    #[test]
    fn the_address_in_the_sdp_is_believed_at_once_and_strangers_never_after() {
        let (mut lock, now) = (lock(), Instant::from_millis(1));
        assert_eq!(lock.receive(now, NAMED, 1, 10), Verdict::Locked { anew: true });
        assert_eq!(lock.receive(now, NAMED, 1, 11), Verdict::InOrder);
        for sequence in 0..100 {
            assert_eq!(lock.receive(now, OTHER, 1, 12 + sequence), Verdict::Stranger);
        }
        assert_eq!(lock.address(), Some(NAMED));
    }

    #[test]
    fn another_address_is_believed_after_two_packets_in_order_while_the_named_one_is_silent() {
        let (mut lock, now) = (lock(), Instant::from_millis(1));
        assert_eq!(lock.receive(now, OTHER, 1, 10), Verdict::Probation);
        assert_eq!(lock.address(), None);
        assert_eq!(lock.receive(now, OTHER, 1, 11), Verdict::Locked { anew: true });
        assert_eq!(lock.receive(now, NAMED, 1, 12), Verdict::Stranger);
    }

    #[test]
    fn another_address_is_not_believed_once_the_first_seconds_are_over() {
        let mut lock = lock();
        let at_the_end = Instant::ZERO + LATCH;
        let after = at_the_end + Duration::from_micros(1);
        assert_eq!(lock.receive(at_the_end, OTHER, 1, 10), Verdict::Probation);
        assert_eq!(lock.receive(after, OTHER, 1, 11), Verdict::Stranger);
        assert_eq!(lock.receive(after, NAMED, 1, 1), Verdict::Locked { anew: true });
    }

    #[test]
    fn the_peer_may_begin_anew_with_another_number_from_the_same_address() {
        let (mut lock, now) = (lock(), Instant::from_millis(1));
        lock.receive(now, NAMED, 1, 10);
        assert_eq!(lock.receive(now, NAMED, 2, 500), Verdict::Probation);
        assert_eq!(lock.receive(now, NAMED, 1, 11), Verdict::InOrder);
        assert_eq!(lock.receive(now, NAMED, 2, 501), Verdict::Locked { anew: true });
        assert_eq!(lock.ssrc(), Some(2));
    }
}
