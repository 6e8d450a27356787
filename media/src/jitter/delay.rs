//! The playout delay: as short as the packets' jitter allows.

use offhook_fsm::Instant;

/// The least delay in samples: 20 ms.
pub const DELAY_MIN: i64 = 160;
/// The delay of a new source: 40 ms.
pub const DELAY_START: i64 = 320;
/// The longest delay: 200 ms. What is later than that is lost.
pub const DELAY_MAX: i64 = 1600;
/// Kept beyond the latest packets: 10 ms.
const MARGIN: i64 = 80;
/// Packets in which the fastest one is looked for; twice that many are remembered.
const WINDOW: u32 = 128;
/// The latest packet is forgotten by this share with each packet: half of it in 7 s.
const DECAY: i64 = 512;
/// Transit changing by so much, it is the peer's clock that jumped: 1 s.
const RESYNC: i64 = 8000;

/// The last instant in samples: 140 years.
const UNITS_MAX: i64 = 1 << 45;

/// An instant in samples at 8000 Hz.
pub(super) fn units(now: Instant) -> i64 {
    // Cut far beyond any uptime, so that sums and the 256ths below never overflow.
    i64::try_from(now.as_micros() / 125).unwrap_or(UNITS_MAX).min(UNITS_MAX)
}

/// Watches the transit of packets: arrival less timestamp. Its zero is arbitrary.
#[derive(Clone, Debug, Default)]
pub(super) struct PlayoutDelay {
    /// The fastest transit in this window and the one before.
    fastest: Option<[i64; 2]>,
    count: u32,
    last: i64,
    /// The transit that nearly all packets keep below, times 256.
    latest_256: i64,
}

impl PlayoutDelay {
    /// The transit belongs to the same clock as those before.
    pub(super) const fn is_near(&self, transit: i64) -> bool {
        self.fastest.is_none() || transit.abs_diff(self.last) <= RESYNC.unsigned_abs()
    }

    /// Notes the transit of a packet in order.
    pub(super) fn note(&mut self, transit: i64) {
        self.last = transit;
        let Some([current, before]) = &mut self.fastest else {
            self.fastest = Some([transit; 2]);
            self.latest_256 = (transit + DELAY_START - MARGIN) * 256;
            return;
        };
        *current = transit.min(*current);
        self.count += 1;
        if self.count >= WINDOW {
            self.count = 0;
            *before = std::mem::replace(current, transit);
        }
        let (base, transit_256) = (self.base(), transit * 256);
        if transit_256 > self.latest_256 {
            // Half the way: one straggler does not delay all that follow.
            self.latest_256 += (transit_256 - self.latest_256) / 2;
        } else {
            self.latest_256 -= (self.latest_256 - base * 256) / DECAY;
        }
        self.latest_256 = self.latest_256.min((base + DELAY_MAX) * 256);
    }

    /// The fastest transit lately.
    pub(super) fn base(&self) -> i64 {
        self.fastest.map_or(0, |[current, before]| current.min(before))
    }

    /// The delay to aim at, in samples beyond the fastest transit.
    pub(super) fn target(&self) -> i64 {
        if self.fastest.is_none() {
            return DELAY_START;
        }
        (self.latest_256 / 256 - self.base() + MARGIN).clamp(DELAY_MIN, DELAY_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(transits: impl IntoIterator<Item = i64>) -> PlayoutDelay {
        let mut delay = PlayoutDelay::default();
        transits.into_iter().for_each(|transit| delay.note(transit));
        delay
    }

    #[test]
    fn a_new_source_is_delayed_by_40_ms() {
        assert_eq!(after([]).target(), DELAY_START);
        assert_eq!(after([-5000]).target(), DELAY_START);
    }

    #[test]
    fn a_steady_source_comes_down_to_20_ms() {
        assert_eq!(after([7; 1000]).target(), DELAY_MIN);
    }

    #[test]
    fn a_jittery_source_is_delayed_by_its_jitter() {
        let delay = after((0..2000).map(|n| 1000 + n % 7 * 100));
        assert_eq!(delay.base(), 1000);
        assert!((600..=700).contains(&delay.target()), "{}", delay.target());
    }

    #[test]
    fn the_delay_never_passes_200_ms_and_comes_back() {
        let mut delay = after((0..500).map(|n| n % 2 * 5000));
        assert_eq!(delay.target(), DELAY_MAX);
        (0..5000).for_each(|_| delay.note(0));
        assert_eq!(delay.target(), DELAY_MIN);
    }

    #[test]
    fn one_straggler_costs_half_its_lateness() {
        let mut delay = after([0; 2000]);
        delay.note(1000);
        assert!(delay.target() <= 600, "{}", delay.target());
    }

    #[test]
    fn a_longer_path_is_learnt_within_two_windows() {
        let mut delay = after([0; 2000]);
        (0..256).for_each(|_| delay.note(400));
        assert_eq!(delay.base(), 400);
        assert!(delay.target() <= DELAY_START);
    }

    #[test]
    fn a_second_is_the_same_clock_and_one_sample_more_is_not() {
        let delay = after([0]);
        assert!(delay.is_near(RESYNC) && delay.is_near(-RESYNC));
        assert!(!delay.is_near(RESYNC + 1) && !delay.is_near(-RESYNC - 1));
        assert!(after([]).is_near(i64::MAX));
    }
}
