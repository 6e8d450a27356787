//! The order of one source's packets (RFC 3550 A.1, A.3, A.8).

/// A gap forward of fewer packets than this is still the same run.
const DROPOUT_MAX: u16 = 3000;
/// A step back of fewer packets than this is disorder, not a restart.
const MISORDER_MAX: u16 = 100;
/// Packets in order that make a new source believable.
const PROBATION: u8 = 2;
/// A change of transit by so much is a jump of the peer's clock, no jitter: 1 s at 8000 Hz.
const TRANSIT_JUMP: u32 = 8000;

/// What a packet is to its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The source is not believed yet.
    Probation,
    /// In order, or with a gap before it; the sequence number counted on over wraps.
    InOrder(u64),
    /// Late or twice; the sequence number it has in the count.
    Late(u64),
    /// Far from what was expected: dropped, unless its successor comes next.
    Jump,
    /// The source began anew; counts start again here.
    Restart(u64),
}

/// One SSRC's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    highest: u16,
    cycles: u64,
    base: u64,
    /// Where a restart would go on.
    after_jump: Option<u16>,
    probation: u8,
    received: u64,
    /// Interarrival jitter in timestamp units, times 16.
    jitter_16: u64,
    transit: Option<u32>,
}

impl Source {
    /// A source whose first packet has that number; give that packet to
    /// [`receive`](Self::receive) next.
    #[must_use]
    pub const fn new(sequence: u16) -> Self {
        Self {
            highest: sequence.wrapping_sub(1),
            cycles: 0,
            base: 0,
            after_jump: None,
            probation: PROBATION,
            received: 0,
            jitter_16: 0,
            transit: None,
        }
    }

    /// A source that is believed without probation, because its address is known otherwise; give
    /// its first packet to [`receive`](Self::receive) next.
    #[must_use]
    pub const fn trusted(sequence: u16) -> Self {
        // Before number 0 the count begins a wrap earlier.
        let base = if sequence == 0 { 1 << 16 } else { sequence as u64 };
        Self { base, probation: 0, ..Self::new(sequence) }
    }

    /// Takes in a packet's sequence number.
    pub fn receive(&mut self, sequence: u16) -> Arrival {
        let ahead = sequence.wrapping_sub(self.highest);
        if self.probation > 0 {
            self.probation = if ahead == 1 { self.probation - 1 } else { PROBATION - 1 };
            self.highest = sequence;
            if self.probation > 0 {
                return Arrival::Probation;
            }
            return Arrival::InOrder(self.begin(sequence));
        }
        if ahead == 0 || ahead > u16::MAX - MISORDER_MAX + 1 {
            self.received += 1;
            // A number above the highest is one from before the wrap.
            let before_wrap = sequence > self.highest;
            let cycles =
                if before_wrap { self.cycles.saturating_sub(1 << 16) } else { self.cycles };
            return Arrival::Late(cycles + u64::from(sequence));
        }
        if ahead < DROPOUT_MAX {
            if sequence < self.highest {
                self.cycles += 1 << 16;
            }
            self.highest = sequence;
            self.received += 1;
            return Arrival::InOrder(self.extended());
        }
        if self.after_jump == Some(sequence) {
            return Arrival::Restart(self.begin(sequence));
        }
        self.after_jump = Some(sequence.wrapping_add(1));
        Arrival::Jump
    }

    fn begin(&mut self, sequence: u16) -> u64 {
        self.highest = sequence;
        self.cycles = 0;
        self.base = u64::from(sequence);
        self.received = 1;
        self.after_jump = None;
        self.extended()
    }

    /// The highest number so far, counted on over wraps.
    #[must_use]
    pub fn extended(&self) -> u64 {
        self.cycles + u64::from(self.highest)
    }

    /// Packets received since the source is believed, late and doubled ones included.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Packets that should have come and did not; negative when some came twice (A.3).
    #[must_use]
    pub fn lost(&self) -> i64 {
        let expected = self.extended().saturating_sub(self.base) + 1;
        i64::try_from(expected).unwrap_or(i64::MAX)
            - i64::try_from(self.received).unwrap_or(i64::MAX)
    }

    /// Notes when a packet came, in its timestamp's clock (A.8).
    pub fn note_transit(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let change = transit.wrapping_sub(last);
            let distance = change.min(change.wrapping_neg());
            if distance > TRANSIT_JUMP {
                return;
            }
            self.jitter_16 = self.jitter_16 + u64::from(distance) - ((self.jitter_16 + 8) >> 4);
        }
    }

    /// Interarrival jitter in timestamp units.
    #[must_use]
    pub const fn jitter(&self) -> u64 {
        self.jitter_16 >> 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn believed(first: u16) -> Source {
        let mut source = Source::new(first);
        assert_eq!(source.receive(first), Arrival::Probation);
        let second = first.wrapping_add(1);
        assert_eq!(source.receive(second), Arrival::InOrder(u64::from(second)));
        source
    }

    #[test]
    fn two_packets_in_order_make_a_source_believable() {
        let mut source = Source::new(10);
        assert_eq!(source.receive(10), Arrival::Probation);
        assert_eq!(source.receive(12), Arrival::Probation);
        assert_eq!(source.receive(13), Arrival::InOrder(13));
    }

    #[test]
    fn a_trusted_source_is_believed_from_its_first_packet() {
        for first in [0, 1, 1000, 65_535] {
            let mut source = Source::trusted(first);
            let Arrival::InOrder(begin) = source.receive(first) else { panic!("{first}") };
            assert_eq!((source.lost(), source.received()), (0, 1), "{first}");
            assert_eq!(source.receive(first.wrapping_add(2)), Arrival::InOrder(begin + 2));
            assert_eq!(source.lost(), 1);
        }
    }

    #[test]
    fn numbers_count_on_over_the_wrap_in_spite_of_loss_and_disorder() {
        let mut source = believed(65_530);
        assert_eq!(source.receive(65_535), Arrival::InOrder(65_535));
        assert_eq!(source.receive(1), Arrival::InOrder(65_537));
        assert_eq!(source.receive(65_534), Arrival::Late(65_534));
        assert_eq!(source.receive(0), Arrival::Late(65_536));
        assert_eq!(source.receive(2), Arrival::InOrder(65_538));
    }

    #[test]
    fn loss_is_what_is_missing_and_a_double_counts_against_it() {
        let mut source = believed(99);
        source.receive(104);
        assert_eq!((source.lost(), source.received()), (3, 2));
        source.receive(104);
        assert_eq!(source.lost(), 2);
    }

    #[test]
    fn a_jump_is_dropped_unless_its_successor_follows() {
        let mut source = believed(100);
        assert_eq!(source.receive(40_000), Arrival::Jump);
        assert_eq!(source.receive(102), Arrival::InOrder(102));
        assert_eq!(source.receive(50_000), Arrival::Jump);
        assert_eq!(source.receive(50_001), Arrival::Restart(50_001));
        assert_eq!((source.receive(50_002), source.lost()), (Arrival::InOrder(50_002), 0));
    }

    #[test]
    fn gaps_up_to_the_limit_are_loss_and_one_more_is_a_jump() {
        assert_eq!(believed(0).receive(DROPOUT_MAX), Arrival::InOrder(u64::from(DROPOUT_MAX)));
        assert_eq!(believed(0).receive(1 + DROPOUT_MAX), Arrival::Jump);
        let mut late = believed(1000);
        assert_eq!(late.receive(1002 - MISORDER_MAX), Arrival::Late(902));
        assert_eq!(late.receive(1001 - MISORDER_MAX), Arrival::Jump);
    }

    #[test]
    fn jitter_is_zero_at_a_steady_pace_and_grows_with_its_change() {
        let mut source = believed(0);
        (0..50).for_each(|n| source.note_transit(1000 + n * 160, n * 160));
        assert_eq!(source.jitter(), 0);
        (50..500).for_each(|n| source.note_transit(1000 + n * 160 + n % 2 * 80, n * 160));
        assert!((70..=80).contains(&source.jitter()), "{}", source.jitter());
    }

    #[test]
    fn a_jump_of_the_clock_is_no_jitter() {
        let mut source = believed(0);
        source.note_transit(0, 0);
        source.note_transit(160, 160_000);
        source.note_transit(320, 160_160);
        assert_eq!(source.jitter(), 0);
    }
}
