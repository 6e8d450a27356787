//! A peer that is not heard any more.

use std::time::Duration;

use offhook_fsm::Instant;

/// Watches how long nothing came.
#[derive(Default, Debug)]
pub(super) struct Silence {
    /// Since when it is watched: the last packet, or when watching began anew.
    since: Option<Instant>,
    /// It was told, and nothing came since.
    told: bool,
    /// It is to be told.
    over: bool,
}

impl Silence {
    /// RTP came.
    pub(super) const fn heard(&mut self, now: Instant) {
        (self.since, self.told) = (Some(now), false);
    }

    /// RTCP came: the peer lives, if its voice was heard before.
    pub(super) const fn heard_again(&mut self, now: Instant) {
        if self.since.is_some() {
            self.heard(now);
        }
    }

    /// Looks at the clock. With no `limit` silence is in order, and counts anew afterwards.
    pub(super) fn watch(&mut self, now: Instant, limit: Option<Duration>) {
        match (limit, self.since) {
            (Some(limit), Some(since)) if !self.told && now - since >= limit => {
                (self.told, self.over) = (true, true);
            }
            (None, Some(_)) => self.since = Some(now),
            _ => {}
        }
    }

    /// Whether it is to be told that the peer fell silent.
    pub(super) const fn take_end(&mut self) -> bool {
        std::mem::replace(&mut self.over, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Option<Duration> = Some(Duration::from_secs(30));

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_after_a_voice_is_told_once_at_its_limit_and_again_after_another_voice() {
        let mut silence = Silence::default();
        silence.heard(at(0));
        silence.watch(at(29), LIMIT);
        assert!(!silence.take_end());
        silence.watch(at(30), LIMIT);
        assert!(silence.take_end());
        silence.watch(at(90), LIMIT);
        assert!(!silence.take_end());
        silence.heard(at(91));
        silence.watch(at(121), LIMIT);
        assert!(silence.take_end());
    }

    #[test]
    fn a_peer_that_never_spoke_is_not_missed() {
        let mut silence = Silence::default();
        silence.heard_again(at(0));
        silence.watch(at(100), LIMIT);
        assert!(!silence.take_end());
    }

    #[test]
    fn a_peer_that_only_reports_lives() {
        let mut silence = Silence::default();
        silence.heard(at(0));
        silence.heard_again(at(20));
        silence.watch(at(49), LIMIT);
        assert!(!silence.take_end());
    }

    #[test]
    fn silence_on_hold_does_not_count() {
        let mut silence = Silence::default();
        silence.heard(at(0));
        silence.watch(at(100), None);
        silence.watch(at(129), LIMIT);
        assert!(!silence.take_end());
        silence.watch(at(130), LIMIT);
        assert!(silence.take_end());
    }
}
