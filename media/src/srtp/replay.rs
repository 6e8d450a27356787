//! The replay list (RFC 3711 §3.3.2): which of the last numbers came.

use super::SrtpError;

/// Numbers up to so far behind the highest are known one by one; older ones are refused. 64 at
/// least, says the RFC.
pub const REPLAY_WINDOW: u64 = 128;

/// A sliding window over one source's numbers.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Window {
    highest: u64,
    /// The lowest bit is `highest`; none is set while nothing came.
    seen: u128,
}

impl Window {
    /// The highest number so far.
    pub(super) const fn highest(&self) -> Option<u64> {
        if self.seen == 0 { None } else { Some(self.highest) }
    }

    /// Whether a number may come.
    pub(super) fn check(&self, number: u64) -> Result<(), SrtpError> {
        let Some(behind) = self.highest.checked_sub(number).filter(|_| self.seen != 0) else {
            return Ok(());
        };
        let bit = u32::try_from(behind).ok().and_then(|behind| self.seen.checked_shr(behind));
        if bit.is_none_or(|bit| bit & 1 == 1) { Err(SrtpError::Replayed) } else { Ok(()) }
    }

    /// A number came.
    pub(super) fn note(&mut self, number: u64) {
        if self.seen == 0 {
            (self.highest, self.seen) = (number, 1);
        } else if let Some(ahead) = number.checked_sub(self.highest) {
            let shifted = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead));
            (self.highest, self.seen) = (number, shifted.unwrap_or(0) | 1);
        } else {
            let behind = u32::try_from(self.highest - number).unwrap_or(u32::MAX);
            self.seen |= 1_u128.checked_shl(behind).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_comes_once_in_any_order() {
        let mut window = Window::default();
        assert_eq!(window.highest(), None);
        for number in [100, 99, 101, 110, 105, 0x1_0000] {
            assert_eq!(window.check(number), Ok(()), "{number}");
            window.note(number);
            assert_eq!(window.check(number), Err(SrtpError::Replayed), "{number}");
        }
        assert_eq!(window.highest(), Some(0x1_0000));
    }

    #[test]
    fn numbers_are_known_as_far_back_as_the_window_and_refused_behind_it() {
        let mut window = Window::default();
        window.note(1000);
        assert_eq!(window.check(1001 - REPLAY_WINDOW), Ok(()));
        assert_eq!(window.check(1000 - REPLAY_WINDOW), Err(SrtpError::Replayed));
        window.note(1001 - REPLAY_WINDOW);
        assert_eq!(window.check(1001 - REPLAY_WINDOW), Err(SrtpError::Replayed));
        assert_eq!(window.check(1002 - REPLAY_WINDOW), Ok(()));
        assert_eq!(window.check(0), Err(SrtpError::Replayed));
    }

    #[test]
    fn a_leap_forgets_no_more_than_it_must() {
        for leap in [1, 63, 64, 127, 128, 129, 1 << 33] {
            let mut window = Window::default();
            window.note(5);
            window.note(5 + leap);
            assert_eq!(window.highest(), Some(5 + leap));
            assert_eq!(window.check(5), Err(SrtpError::Replayed), "{leap}");
            assert_eq!(window.check(4 + leap).is_ok(), leap > 1, "{leap}");
        }
    }

    #[test]
    fn number_zero_counts() {
        let mut window = Window::default();
        window.note(0);
        assert_eq!((window.highest(), window.check(0)), (Some(0), Err(SrtpError::Replayed)));
    }
}
