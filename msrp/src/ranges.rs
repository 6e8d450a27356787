//! Which bytes of a message are there: a sparse set of ranges, bounded.

use smallvec::SmallVec;

/// Ranges with gaps between them at most. A chunk that would make one more is refused.
pub const RANGES_MAX: usize = 64;

/// Half-open ranges of byte offsets, in order, never touching each other.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RangeSet(SmallVec<[(u64, u64); 2]>);

/// The set has [`RANGES_MAX`] ranges and the new one touches none of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl RangeSet {
    /// Adds `start..end`; an empty range adds nothing.
    ///
    /// # Errors
    /// [`Full`]; the set is as it was.
    pub fn insert(&mut self, start: u64, end: u64) -> Result<(), Full> {
        if start >= end {
            return Ok(());
        }
        // Chunks mostly follow each other.
        if let Some(last) = self.0.last_mut()
            && start >= last.0
            && start <= last.1
        {
            last.1 = last.1.max(end);
            return Ok(());
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let after = self.0.partition_point(|range| range.0 <= end);
        let mut merged = (start, end);
        for range in self.0.get(first..after).unwrap_or_default() {
            merged = (merged.0.min(range.0), merged.1.max(range.1));
        }
        if first == after && self.0.len() >= RANGES_MAX {
            return Err(Full);
        }
        self.0.drain(first..after);
        self.0.insert(first, merged);
        Ok(())
    }

    /// The parts of `start..end` that are not in the set, in order.
    pub fn gaps(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let first = self.0.partition_point(|range| range.1 <= start);
        let mut ranges = self.0.iter().skip(first);
        let mut at = start;
        std::iter::from_fn(move || {
            while at < end {
                let Some(range) = ranges.next() else {
                    return Some((std::mem::replace(&mut at, end), end));
                };
                let gap = (at, range.0.min(end));
                at = range.1.max(at);
                if gap.0 < gap.1 {
                    return Some(gap);
                }
            }
            None
        })
    }

    /// Whether all of `0..total` is in the set.
    #[must_use]
    pub fn is_whole(&self, total: u64) -> bool {
        total == 0 || self.0.first().is_some_and(|range| range.0 == 0 && range.1 >= total)
    }

    /// Bytes in the set.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.0.iter().fold(0, |sum, range| sum.saturating_add(range.1 - range.0))
    }

    /// One past the last byte in the set.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |range| range.1)
    }
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Entropy;

    use super::*;

    #[test]
    fn sixty_four_ranges_fit_and_one_more_that_touches_none_does_not() {
        let mut set = RangeSet::default();
        for n in 0..RANGES_MAX as u64 {
            assert_eq!(set.insert(n * 10, n * 10 + 5), Ok(()));
        }
        let before = set.clone();
        assert_eq!(set.insert(10_000, 10_001), Err(Full));
        assert_eq!(set, before);
        assert_eq!(set.insert(5, 10), Ok(()), "it joins two");
        assert_eq!(set.insert(10_000, 10_001), Ok(()));
        assert_eq!(set.insert(u64::MAX - 1, u64::MAX), Err(Full));
        assert_eq!(set.insert(0, u64::MAX), Ok(()));
        assert_eq!((set.covered(), set.end()), (u64::MAX, u64::MAX));
    }

    #[test]
    fn the_set_is_what_a_list_of_flags_would_be() {
        let mut entropy = Entropy::from_u64(3);
        for _ in 0..500 {
            let mut set = RangeSet::default();
            let mut flags = [false; 100];
            for _ in 0..20 {
                let start = entropy.below(100);
                let end = start + entropy.below(101 - start);
                let new: Vec<u64> = set.gaps(start, end).flat_map(|(a, b)| a..b).collect();
                let expected: Vec<u64> =
                    (start..end).filter(|&at| !flags[usize::try_from(at).unwrap()]).collect();
                assert_eq!(new, expected);
                set.insert(start, end).unwrap();
                for at in expected {
                    flags[usize::try_from(at).unwrap()] = true;
                }
                assert_eq!(set.covered(), flags.iter().filter(|flag| **flag).count() as u64);
                let whole = flags.iter().take_while(|flag| **flag).count() as u64;
                assert!(set.is_whole(whole) && !set.is_whole(whole + 1));
            }
        }
    }
}
