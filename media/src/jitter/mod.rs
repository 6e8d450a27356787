//! The jitter buffer: packets in as they come, 20 ms of samples out each tick.
//!
//! It works on timestamps, so the peer's packets may hold any number of samples. Packets wait in
//! a fixed number of slots. What plays is a position in the peer's clock; where it should be
//! follows from the adaptive playout delay, and small differences are made up by playing a little
//! faster or slower. Loss is concealed.

use std::time::Duration;

use offhook_fsm::Instant;

use crate::codec::Codec;
use crate::stream::FRAME;

mod conceal;
mod delay;
mod slots;
mod stretch;

use conceal::Concealer;
pub use delay::{DELAY_MAX, DELAY_MIN, DELAY_START};
use delay::{PlayoutDelay, units};
use slots::{Inserted, Slots};
pub use slots::{SLOT_SAMPLES, SLOTS_MAX};

/// So far behind its place, the position jumps instead of hurrying: 200 ms.
const JUMP: i64 = 1600;
/// So far behind, it plays faster: 30 ms.
const HURRY: i64 = 240;
/// So far ahead, it plays slower: 10 ms.
const LINGER: i64 = -80;
/// Ticks between two stretches, so that speech keeps its rhythm.
const STRETCH_EVERY: u8 = 4;
/// With nothing left to play for so long, the next packet begins anew: 60 ms.
const STARVED: usize = 480;

/// A packet for the buffer.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The sequence number, counted on over wraps.
    pub sequence: u64,
    /// It is the newest so far; else it is late or twice.
    pub in_order: bool,
    /// The packet's timestamp.
    pub timestamp: u32,
    /// The first packet after silence.
    pub marker: bool,
    /// What decodes the payload.
    pub codec: Codec,
    /// The payload.
    pub payload: &'a [u8],
}

/// What became of packets and samples since the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct JitterCounts {
    /// Packets whose time to play was over.
    pub late: u64,
    /// Packets that were there already.
    pub duplicates: u64,
    /// Pieces of packets that made room for newer ones, or were jumped over.
    pub overflowed: u64,
    /// Times that the buffer ran empty.
    pub underruns: u64,
    /// Times that timestamps jumped.
    pub resyncs: u64,
    /// Samples made up in place of lost ones.
    pub concealed: u64,
}

impl JitterCounts {
    /// Packets that came and were not played.
    #[must_use]
    pub const fn discarded(&self) -> u64 {
        self.late + self.duplicates + self.overflowed
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing is there.
    Idle,
    /// The first packet is there; it plays from then on.
    Waiting { start: Instant },
    /// The position moves.
    Playing,
}

/// Puts one source's packets back into order and time.
#[derive(Debug)]
pub struct JitterBuffer {
    slots: Slots,
    delay: PlayoutDelay,
    concealer: Concealer,
    state: State,
    /// The next sample to play, in the peer's clock counted on over wraps.
    position: i64,
    /// The newest timestamp in order, as it came and counted on.
    newest: Option<(u32, i64)>,
    /// The packet that was last played from.
    played: u64,
    /// How far the position is behind its place, smoothed, times 8.
    behind_8: i64,
    stretch_rest: u8,
    /// Samples since the last one that was really there.
    starving: usize,
    counts: JitterCounts,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl JitterBuffer {
    /// An empty buffer. Allocates all that it will ever use.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: Slots::new(),
            delay: PlayoutDelay::default(),
            concealer: Concealer::default(),
            state: State::Idle,
            position: 0,
            newest: None,
            played: 0,
            behind_8: 0,
            stretch_rest: 0,
            starving: 0,
            counts: JitterCounts::default(),
        }
    }

    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> JitterCounts {
        self.counts
    }

    /// The delay that is aimed at, from the fastest packets' arrival to their playing.
    #[must_use]
    pub fn target(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.delay.target()).unwrap_or(0).saturating_mul(125))
    }

    /// Forgets packets and timing: another source, or the same after a pause.
    pub fn reset(&mut self) {
        self.slots.clear();
        self.delay = PlayoutDelay::default();
        self.newest = None;
        self.rest();
    }

    /// Takes in a packet.
    pub fn put(&mut self, now: Instant, packet: Incoming<'_>) {
        let mut timestamp = self.counted_on(packet.timestamp);
        if !self.delay.is_near(units(now) - timestamp) {
            if !packet.in_order {
                self.counts.late += 1;
                return;
            }
            self.reset();
            self.counts.resyncs += 1;
            timestamp = i64::from(packet.timestamp);
        }
        if packet.in_order {
            self.newest = Some((packet.timestamp, timestamp));
            self.delay.note(units(now) - timestamp);
        }
        let end = timestamp + i64::try_from(packet.payload.len()).unwrap_or(0);
        if self.state == State::Playing && end <= self.position {
            self.counts.late += 1;
            return;
        }
        let talk_spurt = packet.marker && self.starving > 0 && self.slots.is_empty();
        if self.state == State::Idle || talk_spurt {
            self.rest();
            self.state = State::Waiting { start: now + self.target() };
        }
        let mut place = timestamp;
        for piece in packet.payload.chunks(SLOT_SAMPLES) {
            match self.slots.insert(&packet, place, piece) {
                Inserted::Stored => {}
                Inserted::Duplicate => {
                    self.counts.duplicates += 1;
                    return;
                }
                Inserted::Overflow => self.counts.overflowed += 1,
            }
            place += i64::try_from(piece.len()).unwrap_or(0);
        }
    }

    /// The next 20 ms; call once a tick. False when it is silence because nothing is there.
    pub fn pop(&mut self, now: Instant, out: &mut [i16; FRAME]) -> bool {
        if let State::Waiting { start } = self.state
            && now >= start
            && let Some(oldest) = self.slots.oldest()
        {
            self.position = oldest;
            self.state = State::Playing;
        }
        if self.state != State::Playing {
            out.fill(0);
            return false;
        }
        let behind = self.steer(now);
        if self.stretch_rest == 0 && self.stretch(behind, out) {
            self.stretch_rest = STRETCH_EVERY;
            return true;
        }
        self.stretch_rest = self.stretch_rest.saturating_sub(1);
        let heard = self.assemble(behind, out);
        self.slots.drop_before(self.position);
        if self.starving >= STARVED {
            self.counts.underruns += 1;
            self.rest();
        }
        heard
    }

    /// Nothing plays until the next packet.
    fn rest(&mut self) {
        self.state = State::Idle;
        self.concealer.reset();
        self.starving = 0;
        self.behind_8 = 0;
        self.stretch_rest = STRETCH_EVERY;
    }

    /// A timestamp without its wraps.
    fn counted_on(&self, timestamp: u32) -> i64 {
        self.newest.map_or(i64::from(timestamp), |(raw, newest)| {
            newest + i64::from(timestamp.wrapping_sub(raw).cast_signed())
        })
    }

    /// How far the position is behind its place, smoothed; catches up at once when it is hopeless.
    fn steer(&mut self, now: Instant) -> i64 {
        let place = units(now) - self.delay.base() - self.delay.target();
        if place - self.position > JUMP {
            self.position = place;
            self.behind_8 = 0;
            self.counts.overflowed += self.slots.drop_before(place);
        }
        self.behind_8 += place - self.position - self.behind_8 / 8;
        self.behind_8 / 8
    }

    /// Plays a frame faster or slower when that is needed and enough is there.
    fn stretch(&mut self, behind: i64, out: &mut [i16; FRAME]) -> bool {
        if self.concealer.is_concealing() || (LINGER..=HURRY).contains(&behind) {
            return false;
        }
        let mut ahead = [0; stretch::AHEAD];
        let mut there = 0;
        while let Some(rest) = ahead.get_mut(there..).filter(|rest| !rest.is_empty()) {
            let cursor = self.position + i64::try_from(there).unwrap_or(0);
            let Some(piece) = self.slots.at(cursor) else { break };
            there += piece.decode(cursor, rest).max(1);
        }
        let history = self.concealer.history();
        let step = if behind > HURRY && there == stretch::AHEAD {
            stretch::faster(&ahead, out)
        } else if behind < LINGER && there >= FRAME {
            stretch::slower(history, &ahead, out)
        } else {
            return false;
        };
        self.concealer.play(out);
        let step = i64::try_from(step).unwrap_or(0);
        self.position += step;
        self.behind_8 -= (step - i64::try_from(FRAME).unwrap_or(0)) * 8;
        self.slots.drop_before(self.position);
        true
    }

    /// Puts a frame together from what is there.
    fn assemble(&mut self, behind: i64, out: &mut [i16; FRAME]) -> bool {
        let (mut filled, mut heard) = (0, false);
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            if let Some(piece) = self.slots.at(self.position) {
                let count = piece.decode(self.position, rest).max(1);
                self.played = piece.slot.sequence;
                if let Some(samples) = rest.get_mut(..count) {
                    self.concealer.play(samples);
                }
                self.position += i64::try_from(count).unwrap_or(0);
                (self.starving, heard) = (0, true);
                filled += count;
                continue;
            }
            let (count, made_up) = self.gap(behind, rest);
            heard |= made_up;
            filled += count;
        }
        heard
    }

    /// Fills a gap, up to the next packet or the frame's end. Returns the samples written, and
    /// whether there is something to hear.
    fn gap(&mut self, behind: i64, rest: &mut [i16]) -> (usize, bool) {
        let whole = rest.len();
        let Some(next) = self.slots.next_after(self.position) else {
            // Nothing is left: an early position waits here, another goes on.
            self.starving += whole;
            let heard = self.concealer.conceal(rest);
            self.counts.concealed += u64::try_from(whole).unwrap_or(0);
            if behind >= LINGER {
                self.position += i64::try_from(whole).unwrap_or(0);
            }
            return (whole, heard);
        };
        let distance = next.timestamp - self.position;
        let count = usize::try_from(distance).unwrap_or(whole).min(whole);
        let piece = rest.get_mut(..count).unwrap_or_default();
        let step = i64::try_from(count).unwrap_or(0);
        if next.marker || next.sequence == self.played + 1 {
            // The peer was silent: the pause may be shorter or longer than it was.
            self.concealer.silence(piece);
            let hurry = behind.clamp(-step, distance - step);
            self.position += step + hurry;
            self.behind_8 -= hurry * 8;
            return (count, false);
        }
        self.position += step;
        self.counts.concealed += u64::try_from(count).unwrap_or(0);
        (count, self.concealer.conceal(piece))
    }
}

#[cfg(test)]
mod tests;
