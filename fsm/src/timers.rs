//! The timers of one machine: as many as there are names for them, each armed or not.

use crate::Instant;

/// The names of a machine's timers.
pub trait TimerName: Copy + Eq + 'static {
    /// All of them, those that matter most first: the order in which due ones are taken.
    const ALL: &'static [Self];
}

/// At most one deadline a name. Allocates nothing.
///
/// `N` is the number of names; another number does not compile.
///
/// ```
/// use offhook_fsm::{Instant, TimerName, TimerSet};
///
/// #[derive(Clone, Copy, PartialEq, Eq, Debug)]
/// enum Timer { GiveUp, TryAgain }
/// impl TimerName for Timer {
///     const ALL: &'static [Self] = &[Self::GiveUp, Self::TryAgain];
/// }
///
/// let mut timers = TimerSet::<Timer, 2>::new();
/// timers.arm(Timer::GiveUp, Instant::from_millis(32_000));
/// timers.arm(Timer::TryAgain, Instant::from_millis(500));
/// assert_eq!(timers.next_deadline(), Some(Instant::from_millis(500)));
/// let now = Instant::from_millis(501);
/// assert_eq!(timers.pop_due(now), Some((Timer::TryAgain, Instant::from_millis(500))));
/// assert_eq!(timers.pop_due(now), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerSet<K, const N: usize>([Option<(K, Instant)>; N]);

impl<K: TimerName, const N: usize> TimerSet<K, N> {
    /// A set with no timer armed.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N == K::ALL.len(), "a timer set has one place for each name") };
        Self([None; N])
    }

    fn slot(&mut self, name: K) -> Option<&mut Option<(K, Instant)>> {
        let place = K::ALL.iter().position(|other| *other == name)?;
        self.0.get_mut(place)
    }

    /// Arms a timer, anew if it was armed.
    pub fn arm(&mut self, name: K, at: Instant) {
        if let Some(slot) = self.slot(name) {
            *slot = Some((name, at));
        }
    }

    /// Disarms a timer, if it is armed.
    pub fn cancel(&mut self, name: K) {
        if let Some(slot) = self.slot(name) {
            *slot = None;
        }
    }

    /// Disarms all timers.
    pub const fn cancel_all(&mut self) {
        self.0 = [None; N];
    }

    /// Whether a timer is armed, and for when.
    #[must_use]
    pub fn deadline(&self, name: K) -> Option<Instant> {
        self.0.iter().flatten().find(|(other, _)| *other == name).map(|(_, at)| *at)
    }

    /// When to look for due timers again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().flatten().map(|(_, at)| *at).min()
    }

    /// Takes the first timer, in the order of [`TimerName::ALL`], that is due at `now`, with the
    /// instant for which it was armed; it is disarmed then.
    pub fn pop_due(&mut self, now: Instant) -> Option<(K, Instant)> {
        self.0.iter_mut().find_map(|slot| slot.take_if(|(_, at)| *at <= now))
    }
}

impl<K: TimerName, const N: usize> Default for TimerSet<K, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum Timer {
        First,
        Second,
    }

    impl TimerName for Timer {
        const ALL: &'static [Self] = &[Self::First, Self::Second];
    }

    const fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn the_next_deadline_is_the_earliest_of_those_armed() {
        let mut timers = TimerSet::<Timer, 2>::default();
        assert_eq!(timers.next_deadline(), None);
        timers.arm(Timer::First, at(20));
        timers.arm(Timer::Second, at(10));
        assert_eq!(timers.next_deadline(), Some(at(10)));
        timers.cancel(Timer::Second);
        assert_eq!((timers.next_deadline(), timers.deadline(Timer::Second)), (Some(at(20)), None));
    }

    #[test]
    fn a_timer_armed_twice_is_due_once_at_the_later_word() {
        let mut timers = TimerSet::<Timer, 2>::new();
        timers.arm(Timer::First, at(10));
        timers.arm(Timer::First, at(30));
        assert_eq!(timers.pop_due(at(10)), None);
        assert_eq!(timers.pop_due(at(30)), Some((Timer::First, at(30))));
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }

    #[test]
    fn of_several_due_timers_the_one_that_matters_most_comes_first() {
        let mut timers = TimerSet::<Timer, 2>::new();
        timers.arm(Timer::Second, at(10));
        timers.arm(Timer::First, at(20));
        assert_eq!(timers.pop_due(at(15)), Some((Timer::Second, at(10))));
        timers.arm(Timer::Second, at(10));
        assert_eq!(timers.pop_due(at(20)), Some((Timer::First, at(20))));
        assert_eq!(timers.pop_due(at(20)), Some((Timer::Second, at(10))));
        timers.arm(Timer::First, at(1));
        timers.cancel_all();
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }
}
