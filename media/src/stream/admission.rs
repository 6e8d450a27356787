//! Whose packets count: the negotiated address at once, another one only by symmetric latching,
//! then nobody else (attack class 4: injection, and answers sent to whoever asked first).

use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::Instant;

use crate::rtp::{Arrival, PacketHeader, Source};

/// After start, and after a change of the peer's address, another source may be latched for so
/// long.
pub const LATCH_WINDOW: Duration = Duration::from_secs(5);
/// Sources in probation at once, at most; one more is refused.
pub const CANDIDATES_MAX: usize = 4;
/// A candidate that is silent for so long gives up its place.
const CANDIDATE_IDLE: Duration = Duration::from_millis(500);
/// A locked source that is silent for so long may be followed by the one it replaced.
const LOCK_IDLE: Duration = Duration::from_millis(200);

/// The same address and port. IPv6 scopes and flow labels differ between SDP and sockets.
pub(super) fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Admitted {
    /// From the locked source.
    Known(Arrival),
    /// The first packet that counts of another source, and whether its address is another too.
    New { arrival: Arrival, moved: bool },
    /// Not acceptable, or not yet.
    Refused,
}

/// The source that is believed.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    pub(super) address: SocketAddr,
    pub(super) ssrc: u32,
    pub(super) source: Source,
    /// It said goodbye and was not heard since.
    pub(super) left: bool,
    heard: Instant,
    /// Locked since the peer's address is what it is.
    current: bool,
    /// The source before, at the same address.
    replaced: Option<u32>,
}

#[derive(Clone, Debug)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    source: Source,
    heard: Instant,
}

/// Decides whose packets count.
#[derive(Debug)]
pub(super) struct Admission {
    remote: SocketAddr,
    window_end: Instant,
    /// The negotiated address has sent.
    remote_heard: bool,
    lock: Option<Lock>,
    candidates: [Option<Candidate>; CANDIDATES_MAX],
    /// Packets that earlier sources lost.
    lost_before: u64,
}

impl Admission {
    pub(super) fn new(now: Instant, remote: SocketAddr) -> Self {
        Self {
            remote,
            window_end: now + LATCH_WINDOW,
            remote_heard: false,
            lock: None,
            candidates: [const { None }; CANDIDATES_MAX],
            lost_before: 0,
        }
    }

    /// The peer's negotiated address changed. The old source is still played until the new one
    /// comes.
    pub(super) fn retarget(&mut self, now: Instant, remote: SocketAddr) {
        if same(remote, self.remote) {
            return;
        }
        self.remote = remote;
        self.window_end = now + LATCH_WINDOW;
        self.candidates = [const { None }; CANDIDATES_MAX];
        self.remote_heard = false;
        if let Some(lock) = &mut self.lock {
            lock.current = same(lock.address, remote);
            self.remote_heard = lock.current;
        }
    }

    pub(super) const fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// For jitter and goodbyes.
    pub(super) const fn lock_mut(&mut self) -> Option<&mut Lock> {
        self.lock.as_mut()
    }

    /// Packets lost on the way to us by all sources so far.
    pub(super) fn lost(&self) -> u64 {
        let lost = self.lock.as_ref().map_or(0, |lock| lock.source.lost());
        self.lost_before.saturating_add(u64::try_from(lost).unwrap_or(0))
    }

    /// The address is the peer's for sure: negotiated or locked.
    pub(super) fn is_peer(&self, address: SocketAddr) -> bool {
        same(address, self.remote) || self.is_locked(address)
    }

    fn is_locked(&self, address: SocketAddr) -> bool {
        self.lock.as_ref().is_some_and(|lock| same(lock.address, address))
    }

    /// Where packets go to: the negotiated address, unless it is silent and another is latched.
    pub(super) fn destination(&self, now: Instant) -> SocketAddr {
        match &self.lock {
            Some(lock)
                if !self.remote_heard && (lock.current || self.is_left_behind(now, lock)) =>
            {
                lock.address
            }
            _ => self.remote,
        }
    }

    /// The peer announced another address and goes on to send from the old one.
    fn is_left_behind(&self, now: Instant, lock: &Lock) -> bool {
        now >= self.window_end && lock.heard >= self.window_end
    }

    /// Takes a packet's header. `acceptable`: its payload type is one that we take; others only
    /// count on a source that is locked.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        address: SocketAddr,
        header: &PacketHeader,
        acceptable: bool,
    ) -> Admitted {
        let from_remote = same(address, self.remote);
        if let Some(lock) = &mut self.lock
            && lock.ssrc == header.ssrc
            && same(lock.address, address)
        {
            (lock.heard, lock.left) = (now, false);
            self.remote_heard |= from_remote;
            let lost = lock.source.lost();
            let arrival = lock.source.receive(header.sequence);
            if matches!(arrival, Arrival::Restart(_)) {
                let lost = u64::try_from(lost).unwrap_or(0);
                self.lost_before = self.lost_before.saturating_add(lost);
            }
            return Admitted::Known(arrival);
        }
        if !acceptable {
            return Admitted::Refused;
        }
        if from_remote && !self.remote_heard {
            self.remote_heard = true;
            let mut source = Source::trusted(header.sequence);
            let arrival = source.receive(header.sequence);
            return self.lock_on(now, address, header.ssrc, source, arrival);
        }
        if !self.may_follow(now, address, header.ssrc) {
            return Admitted::Refused;
        }
        let Some(place) = self.candidate(now, address, header) else { return Admitted::Refused };
        let Some(candidate) = place else { return Admitted::Refused };
        let arrival = candidate.source.receive(header.sequence);
        if arrival == Arrival::Probation {
            return Admitted::Refused;
        }
        let source = candidate.source.clone();
        *place = None;
        self.lock_on(now, address, header.ssrc, source, arrival)
    }

    /// A source may be locked on once it is believed.
    fn may_follow(&self, now: Instant, address: SocketAddr, ssrc: u32) -> bool {
        let Some(lock) = &self.lock else { return self.may_latch(now) };
        if same(lock.address, address) {
            // Two that speak at once do not take turns.
            return lock.replaced != Some(ssrc) || now - lock.heard >= LOCK_IDLE;
        }
        same(address, self.remote) || (!lock.current && self.may_latch(now))
    }

    /// Strangers have a chance only early and while the negotiated address is silent.
    fn may_latch(&self, now: Instant) -> bool {
        !self.remote_heard && now < self.window_end
    }

    /// The candidate's place: its own, else a free one.
    fn candidate(
        &mut self,
        now: Instant,
        address: SocketAddr,
        header: &PacketHeader,
    ) -> Option<&mut Option<Candidate>> {
        let own = |place: &Option<Candidate>| {
            place.as_ref().is_some_and(|candidate| {
                candidate.ssrc == header.ssrc && same(candidate.address, address)
            })
        };
        if let Some(place) = self.candidates.iter().position(own) {
            let place = self.candidates.get_mut(place)?;
            if let Some(candidate) = place {
                candidate.heard = now;
            }
            return Some(place);
        }
        let free = |place: &&mut Option<Candidate>| {
            place.as_ref().is_none_or(|candidate| now - candidate.heard >= CANDIDATE_IDLE)
        };
        let place = self.candidates.iter_mut().find(free)?;
        let source = Source::new(header.sequence);
        *place = Some(Candidate { address, ssrc: header.ssrc, source, heard: now });
        Some(place)
    }

    fn lock_on(
        &mut self,
        now: Instant,
        address: SocketAddr,
        ssrc: u32,
        source: Source,
        arrival: Arrival,
    ) -> Admitted {
        self.lost_before = self.lost();
        let before = self.lock.take();
        let moved = before.as_ref().is_none_or(|lock| !same(lock.address, address));
        let replaced = before.filter(|_| !moved).map(|lock| lock.ssrc);
        self.lock =
            Some(Lock { address, ssrc, source, left: false, heard: now, current: true, replaced });
        Admitted::New { arrival, moved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// An admission of 192.0.2.1:4000, and who it took packets from.
    struct Rig {
        admission: Admission,
        now: Instant,
        sequence: u16,
    }

    const REMOTE: &str = "192.0.2.1:4000";
    const NATTED: &str = "198.51.100.7:61000";
    const STRANGER: &str = "203.0.113.66:5004";

    impl Rig {
        fn new() -> Self {
            let now = Instant::from_millis(1000);
            Self { admission: Admission::new(now, address(REMOTE)), now, sequence: 0 }
        }

        /// Sends that many packets, 20 ms apart; returns how many were taken.
        fn send(&mut self, from: &str, ssrc: u32, count: usize) -> usize {
            (0..count).filter(|_| self.packet(from, ssrc, true)).count()
        }

        fn packet(&mut self, from: &str, ssrc: u32, acceptable: bool) -> bool {
            self.now += Duration::from_millis(20);
            self.sequence = self.sequence.wrapping_add(1);
            let header = PacketHeader {
                marker: false,
                payload_type: 0,
                sequence: self.sequence,
                timestamp: 0,
                ssrc,
            };
            let admitted = self.admission.receive(self.now, address(from), &header, acceptable);
            admitted != Admitted::Refused
        }

        fn destination(&self) -> SocketAddr {
            self.admission.destination(self.now)
        }
    }

    #[test]
    fn the_negotiated_address_counts_from_its_first_packet() {
        let mut rig = Rig::new();
        assert_eq!(rig.destination(), address(REMOTE));
        assert_eq!(rig.send(REMOTE, 1, 3), 3);
        assert_eq!(rig.destination(), address(REMOTE));
    }

    #[test]
    fn r55_another_address_is_latched_after_probation_while_the_negotiated_one_is_silent() {
        let mut rig = Rig::new();
        assert_eq!(rig.send(NATTED, 1, 3), 2);
        assert_eq!(rig.destination(), address(NATTED));
        assert_eq!(rig.send(STRANGER, 1, 10), 0, "latched once");
        assert_eq!(rig.send(NATTED, 1, 1), 1);
    }

    #[test]
    fn r55_nobody_is_latched_after_the_window() {
        let mut rig = Rig::new();
        rig.now += LATCH_WINDOW - Duration::from_millis(20);
        assert_eq!(rig.send(NATTED, 1, 10), 0);
        assert_eq!(rig.destination(), address(REMOTE));
        let mut rig = Rig::new();
        rig.now += LATCH_WINDOW - Duration::from_millis(60);
        assert_eq!(rig.send(NATTED, 1, 2), 1, "the last moment of the window");
    }

    #[test]
    fn r55_nobody_is_latched_once_the_negotiated_address_was_heard() {
        let mut rig = Rig::new();
        rig.send(REMOTE, 1, 1);
        assert_eq!(rig.send(STRANGER, 1, 50), 0);
        assert_eq!(rig.send(STRANGER, 2, 50), 0);
        assert_eq!(rig.destination(), address(REMOTE));
    }

    #[test]
    fn the_negotiated_address_takes_over_from_who_was_latched() {
        let mut rig = Rig::new();
        rig.send(STRANGER, 9, 20);
        assert_eq!(rig.send(REMOTE, 1, 1), 1);
        assert_eq!(rig.destination(), address(REMOTE));
        assert_eq!(rig.send(STRANGER, 9, 20), 0);
    }

    #[test]
    fn r42_payload_types_that_nobody_takes_latch_nothing() {
        let mut rig = Rig::new();
        assert!((0..10).all(|_| !rig.packet(NATTED, 1, false)));
        assert!((0..10).all(|_| !rig.packet(REMOTE, 1, false)));
        assert_eq!(rig.destination(), address(REMOTE));
        rig.send(REMOTE, 1, 1);
        assert!(rig.packet(REMOTE, 1, false), "a locked source's numbers go on");
    }

    #[test]
    fn another_ssrc_of_the_locked_address_is_taken_after_probation() {
        let mut rig = Rig::new();
        rig.send(REMOTE, 1, 5);
        assert_eq!(rig.send(REMOTE, 2, 5), 4);
        assert_eq!(rig.admission.lock().unwrap().ssrc, 2);
    }

    #[test]
    fn two_sources_at_once_do_not_take_turns() {
        let mut rig = Rig::new();
        rig.send(REMOTE, 1, 5);
        rig.send(REMOTE, 2, 2);
        assert_eq!(rig.send(REMOTE, 1, 2), 0);
        rig.now += LOCK_IDLE;
        assert_eq!(rig.send(REMOTE, 1, 2), 1);
    }

    #[test]
    fn four_candidates_fit_one_more_waits_until_one_is_silent() {
        let mut rig = Rig::new();
        for ssrc in 0..4 {
            assert_eq!(rig.send(STRANGER, ssrc, 1), 0);
        }
        assert_eq!(rig.send(NATTED, 7, 3), 0);
        rig.now += CANDIDATE_IDLE;
        assert_eq!(rig.send(NATTED, 7, 3), 2);
    }

    #[test]
    fn a_new_address_is_answered_at_once_and_the_old_one_played_until_it_comes() {
        let mut rig = Rig::new();
        rig.send(REMOTE, 1, 5);
        rig.admission.retarget(rig.now, address(NATTED));
        assert_eq!(rig.destination(), address(NATTED));
        assert_eq!(rig.send(REMOTE, 1, 5), 5);
        assert_eq!(rig.destination(), address(NATTED));
        assert_eq!(rig.send(NATTED, 1, 1), 1);
        assert_eq!(rig.send(REMOTE, 1, 20), 0);
    }

    #[test]
    fn a_peer_that_stays_where_it_was_latched_is_answered_there_after_the_window() {
        let mut rig = Rig::new();
        rig.send(NATTED, 1, 5);
        rig.admission.retarget(rig.now, address("192.0.2.1:4002"));
        rig.send(NATTED, 1, 249);
        assert_eq!(rig.destination(), address("192.0.2.1:4002"));
        rig.send(NATTED, 1, 2);
        assert_eq!(rig.destination(), address(NATTED));
    }

    #[test]
    fn the_same_address_again_changes_nothing() {
        let mut rig = Rig::new();
        rig.send(NATTED, 1, 5);
        rig.now += LATCH_WINDOW;
        rig.admission.retarget(rig.now, address(REMOTE));
        assert_eq!(rig.send(STRANGER, 1, 20), 0);
        assert_eq!(rig.destination(), address(NATTED));
    }

    #[test]
    fn loss_adds_up_over_sources() {
        let mut rig = Rig::new();
        rig.send(REMOTE, 1, 5);
        rig.sequence += 3;
        rig.send(REMOTE, 1, 1);
        rig.send(REMOTE, 2, 3);
        assert_eq!(rig.admission.lost(), 3);
    }
}
