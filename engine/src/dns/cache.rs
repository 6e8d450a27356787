//! What was answered, for as long as it may be kept.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_fsm::Instant;

use super::{Answer, Question};

/// Answers that are kept at most; then the one that ends first makes room.
pub const CACHE_MAX: usize = 512;
/// How long an answer is kept at most, whatever its TTL says.
pub const TTL_MAX: Duration = Duration::from_secs(3600);
/// How long it is kept at most that there is nothing (RFC 2308 §5).
pub const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Default)]
pub(super) struct Cache(BTreeMap<Question, (Instant, Answer)>);

impl Cache {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn get(&mut self, now: Instant, question: &Question) -> Option<Answer> {
        let (until, answer) = self.0.get(question)?;
        if *until > now {
            return Some(answer.clone());
        }
        self.0.remove(question);
        None
    }

    /// Keeps an answer for so long; one of no time is not kept.
    pub(super) fn put(&mut self, now: Instant, question: &Question, answer: Answer, ttl: Duration) {
        let is_something = answer.as_ref().is_ok_and(|records| !records.is_empty());
        let ttl = ttl.min(if is_something { TTL_MAX } else { NEGATIVE_TTL_MAX });
        if ttl.is_zero() {
            return;
        }
        if self.0.len() >= CACHE_MAX && !self.0.contains_key(question) {
            let first = self.0.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(first) = first.map(|(question, _)| question.clone()) {
                self.0.remove(&first);
            }
        }
        self.0.insert(question.clone(), (now + ttl, answer));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, Kind, Name};
    use super::*;

    fn question(n: usize) -> Question {
        Question { name: Name::new(&format!("h{n}.example")).unwrap(), kind: Kind::A }
    }

    fn nothing() -> Answer {
        Err(Failure::NoSuchName)
    }

    #[test]
    fn the_cache_is_full_at_its_limit_and_forgets_what_ends_first() {
        let (mut cache, now) = (Cache::default(), Instant::ZERO);
        for n in 0..CACHE_MAX {
            let ttl = Duration::from_millis(100_000 - n as u64);
            cache.put(now, &question(n), nothing(), ttl);
        }
        assert!(cache.get(now, &question(0)).is_some());
        assert!(cache.get(now, &question(CACHE_MAX - 1)).is_some());
        cache.put(now, &question(CACHE_MAX), nothing(), Duration::from_secs(200));
        assert_eq!(cache.0.len(), CACHE_MAX);
        assert!(cache.get(now, &question(CACHE_MAX - 1)).is_none());
        assert!(cache.get(now, &question(CACHE_MAX)).is_some());
    }

    #[test]
    fn nothing_is_kept_beyond_its_time_or_the_limit() {
        let (mut cache, now) = (Cache::default(), Instant::ZERO);
        cache.put(now, &question(1), nothing(), Duration::ZERO);
        assert!(cache.get(now, &question(1)).is_none());
        cache.put(now, &question(1), nothing(), Duration::from_secs(u64::from(u32::MAX)));
        let last = NEGATIVE_TTL_MAX - Duration::from_micros(1);
        assert!(cache.get(now + last, &question(1)).is_some());
        assert!(cache.get(now + NEGATIVE_TTL_MAX, &question(1)).is_none());
    }
}
