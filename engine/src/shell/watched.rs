//! A value whose changes others wait for. Waking them is a system call: it is made only when
//! somebody waits.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::notification_center::lock;

pub(crate) struct Watched<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

struct Inner<T> {
    value: T,
    waiting: usize,
}

impl<T> Watched<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { inner: Mutex::new(Inner { value, waiting: 0 }), changed: Condvar::new() }
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&lock(&self.inner).value)
    }

    /// Changes the value; all who wait for it look again.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut inner = lock(&self.inner);
        let result = change(&mut inner.value);
        let wake = inner.waiting > 0;
        drop(inner);
        if wake {
            self.changed.notify_all();
        }
        result
    }

    /// Waits until `until` holds, at most for `timeout` where there is one; what `look` then sees.
    pub(crate) fn wait<R>(
        &self,
        timeout: Option<Duration>,
        until: impl Fn(&T) -> bool,
        look: impl FnOnce(&T) -> R,
    ) -> R {
        let mut inner = lock(&self.inner);
        inner.waiting += 1;
        let goes_on = |inner: &mut Inner<T>| !until(&inner.value);
        inner = match timeout {
            None => self.changed.wait_while(inner, goes_on).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.changed
                    .wait_timeout_while(inner, timeout, goes_on)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        inner.waiting -= 1;
        look(&inner.value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn who_waits_is_woken_by_the_change_it_waits_for() {
        let watched = Arc::new(Watched::new(0));
        let other = Arc::clone(&watched);
        let thread = std::thread::Builder::new()
            .spawn(move || (0..1000).for_each(|_| other.change(|value| *value += 1)))
            .unwrap();
        assert_eq!(watched.wait(None, |value| *value == 1000, |value| *value), 1000);
        thread.join().unwrap();
    }

    #[test]
    fn a_wait_ends_at_its_time_with_the_value_as_it_is() {
        let watched = Watched::new(7);
        assert_eq!(watched.wait(Some(Duration::ZERO), |_| false, |value| *value), 7);
        assert_eq!(watched.read(|value| *value), 7);
    }
}
