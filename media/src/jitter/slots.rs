//! The places where packets wait.

use crate::codec::Codec;

use super::Incoming;

/// Pieces of packets that wait, at most; one more drives out the oldest.
pub const SLOTS_MAX: usize = 40;
/// Samples of a piece: 20 ms. Both codecs take an octet a sample.
pub const SLOT_SAMPLES: usize = 160;

/// A packet, or 20 ms of a longer one; its payload lies elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    used: bool,
    pub(super) marker: bool,
    codec: Codec,
    length: u8,
    pub(super) sequence: u64,
    pub(super) timestamp: i64,
}

impl Slot {
    fn end(&self) -> i64 {
        self.timestamp + i64::from(self.length)
    }
}

/// A piece that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) slot: &'a Slot,
    payload: &'a [u8; SLOT_SAMPLES],
}

impl Piece<'_> {
    /// Decodes from a place inside it. Returns the samples written.
    pub(super) fn decode(&self, from: i64, samples: &mut [i16]) -> usize {
        let skip = usize::try_from(from - self.slot.timestamp).unwrap_or(0);
        let payload = self.payload.get(skip..usize::from(self.slot.length)).unwrap_or_default();
        self.slot.codec.decode(payload, samples)
    }
}

/// What became of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inserted {
    /// It waits.
    Stored,
    /// It waits already.
    Duplicate,
    /// All slots are taken: the oldest is gone, which may be this one.
    Overflow,
}

/// All slots; the order in memory means nothing. They are looked through in every tick, so they
/// lie close together, without the payloads.
#[derive(Debug)]
pub(super) struct Slots {
    slots: [Slot; SLOTS_MAX],
    payloads: Box<[[u8; SLOT_SAMPLES]; SLOTS_MAX]>,
}

impl Slots {
    pub(super) fn new() -> Self {
        let empty = Slot {
            used: false,
            marker: false,
            codec: Codec::Pcmu,
            length: 0,
            sequence: 0,
            timestamp: 0,
        };
        Self { slots: [empty; SLOTS_MAX], payloads: Box::new([[0; SLOT_SAMPLES]; SLOTS_MAX]) }
    }

    fn used(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.used)
    }

    /// Stores a piece, cut at [`SLOT_SAMPLES`].
    pub(super) fn insert(
        &mut self,
        packet: &Incoming<'_>,
        timestamp: i64,
        piece: &[u8],
    ) -> Inserted {
        // A free slot, else the oldest.
        let mut best = (true, i64::MAX, 0);
        for (place, slot) in self.slots.iter().enumerate() {
            if slot.used && slot.sequence == packet.sequence && slot.timestamp == timestamp {
                return Inserted::Duplicate;
            }
            best = best.min((slot.used, slot.timestamp, place));
        }
        let (full, oldest, place) = best;
        if full && oldest >= timestamp {
            return Inserted::Overflow;
        }
        let piece = piece.get(..SLOT_SAMPLES).unwrap_or(piece);
        let payload = self.payloads.get_mut(place).and_then(|to| to.get_mut(..piece.len()));
        if let (Some(payload), Some(slot)) = (payload, self.slots.get_mut(place)) {
            payload.copy_from_slice(piece);
            *slot = Slot {
                used: true,
                marker: packet.marker,
                codec: packet.codec,
                length: u8::try_from(piece.len()).unwrap_or(0),
                sequence: packet.sequence,
                timestamp,
            };
        }
        if full { Inserted::Overflow } else { Inserted::Stored }
    }

    /// The piece that holds that sample.
    pub(super) fn at(&self, position: i64) -> Option<Piece<'_>> {
        let holds = |slot: &Slot| slot.used && slot.timestamp <= position && position < slot.end();
        let place = self.slots.iter().position(holds)?;
        Some(Piece { slot: self.slots.get(place)?, payload: self.payloads.get(place)? })
    }

    /// The next piece that begins after that sample.
    pub(super) fn next_after(&self, position: i64) -> Option<&Slot> {
        self.used().filter(|slot| slot.timestamp > position).min_by_key(|slot| slot.timestamp)
    }

    /// The oldest sample.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.used().map(|slot| slot.timestamp).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used().next().is_none()
    }

    /// Frees what ends before that sample. Returns how many pieces.
    pub(super) fn drop_before(&mut self, position: i64) -> u64 {
        let mut dropped = 0;
        for slot in &mut self.slots {
            if slot.used && slot.end() <= position {
                slot.used = false;
                dropped += 1;
            }
        }
        dropped
    }

    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.used = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u64) -> Incoming<'static> {
        Incoming {
            sequence,
            in_order: true,
            timestamp: 0,
            marker: false,
            codec: Codec::Pcma,
            payload: &[],
        }
    }

    #[test]
    fn forty_pieces_fit_and_one_more_drives_out_the_oldest() {
        let mut slots = Slots::new();
        for n in 1..=40_u8 {
            let inserted = slots.insert(&packet(n.into()), i64::from(n) * 160, &[0; 160]);
            assert_eq!(inserted, Inserted::Stored);
        }
        assert_eq!(slots.insert(&packet(41), 41 * 160, &[0; 160]), Inserted::Overflow);
        assert_eq!(slots.oldest(), Some(320));
        assert_eq!(slots.insert(&packet(0), 0, &[0; 160]), Inserted::Overflow);
        assert_eq!(slots.oldest(), Some(320), "what is older than all is not taken");
    }

    #[test]
    fn the_same_piece_is_taken_once() {
        let mut slots = Slots::new();
        assert_eq!(slots.insert(&packet(1), 0, &[0; 160]), Inserted::Stored);
        assert_eq!(slots.insert(&packet(1), 0, &[0; 160]), Inserted::Duplicate);
        assert_eq!(slots.insert(&packet(1), 160, &[0; 160]), Inserted::Stored);
    }

    #[test]
    fn pieces_are_found_by_their_samples() {
        let mut slots = Slots::new();
        slots.insert(&packet(1), 100, &[0; 80]);
        slots.insert(&packet(3), 300, &[0; 160]);
        assert!(slots.at(99).is_none());
        assert_eq!(slots.at(179).map(|piece| piece.slot.sequence), Some(1));
        assert!(slots.at(180).is_none());
        assert_eq!(slots.next_after(180).map(|slot| slot.sequence), Some(3));
        assert_eq!(slots.drop_before(180), 1);
        assert_eq!(slots.drop_before(459), 0);
        let mut samples = [0; 160];
        assert_eq!(slots.at(300).map(|piece| piece.decode(455, &mut samples)), Some(5));
    }
}
