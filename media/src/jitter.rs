//! The jitter buffer: puts samples back into the order and pace in which they were spoken.
//!
//! It works on decoded samples, addressed by RTP timestamp, so packets of any length, doubled,
//! late or out of order, need no special case. The play-out delay grows when packets come late
//! and shrinks when they have long come early.

/// Samples that fit: half a second at 8000 Hz. What is further ahead of the play-out starts it anew.
pub const CAPACITY: usize = 4000;
/// The play-out delay to start with, in samples at 8000 Hz: 40 ms.
pub const DELAY_START: u32 = 320;
/// The least play-out delay: 20 ms.
pub const DELAY_MIN: u32 = 160;
/// The largest play-out delay: 200 ms.
pub const DELAY_MAX: u32 = 1600;
/// One tick's samples.
const FRAME: usize = 160;
const FRAME_SAMPLES: u32 = 160;
/// Frames that are made up for lost ones, each quieter than the one before.
const CONCEALED_MAX: u32 = 3;
/// After so many frames without a sample the buffer starts anew with the next packet.
const DRY_FRAMES: u32 = 25;
/// Frames over which the least reserve is watched before the delay shrinks.
const WATCH_FRAMES: u32 = 150;

/// What became of a packet's samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// They will be played.
    InTime,
    /// Their time has passed, or they are here already.
    TooLate,
    /// They are far from what was expected: the buffer started anew with them.
    Restarted,
}

/// What a tick plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Played {
    /// What the peer sent.
    Sound,
    /// What was made up for something lost.
    Concealed,
    /// Nothing: zeros.
    Silence,
}

/// Samples on their way to the ear. All memory is taken in [`new`](Self::new).
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    samples: Box<[i16]>,
    /// Which of `samples` are there.
    filled: Box<[bool]>,
    /// The timestamp that is played next.
    next: u32,
    /// The timestamp after the newest sample.
    end: u32,
    running: bool,
    delay: u32,
    /// The last frame that was played, for concealment.
    last: [i16; FRAME],
    concealed: u32,
    dry: u32,
    /// Play one made-up frame without going on in time: the delay grows by it.
    stretch: bool,
    least_reserve: u32,
    watched: u32,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            samples: vec![0; CAPACITY].into(),
            filled: vec![false; CAPACITY].into(),
            next: 0,
            end: 0,
            running: false,
            delay: DELAY_START,
            last: [0; FRAME],
            concealed: 0,
            dry: 0,
            stretch: false,
            least_reserve: u32::MAX,
            watched: 0,
        }
    }

    /// Forgets everything that waits; the delay that was learnt stays.
    pub fn reset(&mut self) {
        self.running = false;
        self.filled.fill(false);
    }

    /// The play-out delay in samples.
    #[must_use]
    pub const fn delay(&self) -> u32 {
        self.delay
    }

    /// Takes in a packet's samples, spoken at `timestamp`.
    pub fn insert(&mut self, timestamp: u32, samples: &[i16]) -> Inserted {
        let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        if !self.running {
            self.begin(timestamp);
            self.write(timestamp, samples);
            self.end = timestamp.wrapping_add(length);
            return Inserted::InTime;
        }
        let ahead = timestamp.wrapping_sub(self.next).cast_signed();
        let capacity = i32::try_from(CAPACITY).unwrap_or(i32::MAX);
        let reach = ahead.saturating_add_unsigned(length);
        if ahead < -capacity || reach > capacity {
            self.reset();
            self.begin(timestamp);
            self.write(timestamp, samples);
            self.end = timestamp.wrapping_add(length);
            return Inserted::Restarted;
        }
        if ahead < 0 {
            self.come_late();
        }
        if reach <= 0 {
            return Inserted::TooLate;
        }
        if !self.write(timestamp, samples) {
            return Inserted::TooLate;
        }
        let end = timestamp.wrapping_add(length);
        if end.wrapping_sub(self.end).cast_signed() > 0 {
            self.end = end;
        }
        Inserted::InTime
    }

    fn begin(&mut self, timestamp: u32) {
        self.running = true;
        self.next = timestamp.wrapping_sub(self.delay);
        self.dry = 0;
        self.stretch = false;
        self.concealed = CONCEALED_MAX;
        self.least_reserve = u32::MAX;
        self.watched = 0;
    }

    /// A packet missed its time: the next frame waits for those behind it.
    const fn come_late(&mut self) {
        if !self.stretch && self.delay + FRAME_SAMPLES <= DELAY_MAX {
            self.stretch = true;
            self.delay += FRAME_SAMPLES;
        }
    }

    /// Writes what is not past; `false` when nothing of it is new.
    fn write(&mut self, timestamp: u32, samples: &[i16]) -> bool {
        let mut new = false;
        for (at, sample) in (0_u32..).zip(samples) {
            let time = timestamp.wrapping_add(at);
            if time.wrapping_sub(self.next).cast_signed() < 0 {
                continue;
            }
            let slot = slot(time);
            if let (Some(filled), Some(place)) =
                (self.filled.get_mut(slot), self.samples.get_mut(slot))
            {
                new |= !*filled;
                *filled = true;
                *place = *sample;
            }
        }
        new
    }

    /// The next 20 ms.
    pub fn pop(&mut self, frame: &mut [i16; FRAME]) -> Played {
        if !self.running {
            return self.conceal(frame);
        }
        if std::mem::take(&mut self.stretch) {
            return self.conceal(frame);
        }
        self.shrink();
        let mut found = 0;
        for (at, sample) in (0_u32..).zip(frame.iter_mut()) {
            let slot = slot(self.next.wrapping_add(at));
            let filled = self.filled.get_mut(slot).is_some_and(std::mem::take);
            *sample = 0;
            if filled {
                found += 1;
                *sample = self.samples.get(slot).copied().unwrap_or_default();
            }
        }
        self.next = self.next.wrapping_add(FRAME_SAMPLES);
        if found == 0 {
            self.dry += 1;
            if self.dry >= DRY_FRAMES {
                self.reset();
            }
            return self.conceal(frame);
        }
        self.dry = 0;
        self.concealed = 0;
        self.last = *frame;
        Played::Sound
    }

    /// Takes a frame out when the reserve was never needed for a while.
    fn shrink(&mut self) {
        let reserve = self.end.wrapping_sub(self.next).cast_signed().max(0).cast_unsigned();
        self.least_reserve = self.least_reserve.min(reserve);
        self.watched += 1;
        if self.watched < WATCH_FRAMES {
            return;
        }
        // A frame of reserve beyond the one that is played and the least delay is one too many.
        if self.least_reserve > DELAY_MIN + 2 * FRAME_SAMPLES {
            for at in 0..FRAME_SAMPLES {
                if let Some(filled) = self.filled.get_mut(slot(self.next.wrapping_add(at))) {
                    *filled = false;
                }
            }
            self.next = self.next.wrapping_add(FRAME_SAMPLES);
            self.delay = self.delay.saturating_sub(FRAME_SAMPLES).max(DELAY_MIN);
        }
        self.least_reserve = u32::MAX;
        self.watched = 0;
    }

    /// The last frame again, quieter each time; then silence.
    fn conceal(&mut self, frame: &mut [i16; FRAME]) -> Played {
        if self.concealed >= CONCEALED_MAX {
            frame.fill(0);
            return Played::Silence;
        }
        self.concealed += 1;
        for (out, last) in frame.iter_mut().zip(&mut self.last) {
            *last = i16::try_from(i32::from(*last) * 3 / 4).unwrap_or_default();
            *out = *last;
        }
        Played::Concealed
    }
}

fn slot(timestamp: u32) -> usize {
    usize::try_from(timestamp).unwrap_or_default() % CAPACITY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet whose samples all have its number.
    fn packet(number: i16) -> [i16; FRAME] {
        [number; FRAME]
    }

    fn insert(buffer: &mut JitterBuffer, number: i16) -> Inserted {
        let timestamp = u32::try_from(number).unwrap() * 160;
        buffer.insert(timestamp, &packet(number))
    }

    fn pop(buffer: &mut JitterBuffer) -> (Played, i16) {
        let mut frame = [0; FRAME];
        let played = buffer.pop(&mut frame);
        (played, frame[0])
    }

    fn skip(buffer: &mut JitterBuffer, frames: usize) {
        (0..frames).for_each(|_| {
            let _passed = pop(buffer);
        });
    }

    #[test]
    fn the_first_packet_is_played_after_the_delay() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 1);
        assert_eq!(pop(&mut buffer), (Played::Silence, 0));
        assert_eq!(pop(&mut buffer), (Played::Silence, 0));
        assert_eq!(pop(&mut buffer), (Played::Sound, 1));
    }

    #[test]
    fn packets_out_of_order_and_doubled_are_played_in_order_once() {
        let mut buffer = JitterBuffer::new();
        assert_eq!(insert(&mut buffer, 1), Inserted::InTime);
        assert_eq!(insert(&mut buffer, 3), Inserted::InTime);
        assert_eq!(insert(&mut buffer, 2), Inserted::InTime);
        assert_eq!(insert(&mut buffer, 2), Inserted::TooLate);
        let heard: Vec<i16> = (0..5).map(|_| pop(&mut buffer).1).collect();
        assert_eq!(heard, [0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_lost_packet_is_concealed_quieter_and_a_long_gap_falls_silent() {
        let mut buffer = JitterBuffer::new();
        buffer.insert(0, &packet(1000));
        skip(&mut buffer, 2);
        assert_eq!(pop(&mut buffer), (Played::Sound, 1000));
        assert_eq!(pop(&mut buffer), (Played::Concealed, 750));
        assert_eq!(pop(&mut buffer), (Played::Concealed, 562));
        assert_eq!(pop(&mut buffer), (Played::Concealed, 421));
        assert_eq!(pop(&mut buffer), (Played::Silence, 0));
    }

    #[test]
    fn a_late_packet_makes_the_delay_grow_up_to_its_limit() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 1);
        skip(&mut buffer, 4);
        assert_eq!(insert(&mut buffer, 2), Inserted::TooLate);
        assert_eq!(buffer.delay(), DELAY_START + 160);
        for number in 3..100 {
            skip(&mut buffer, 2);
            insert(&mut buffer, number);
        }
        assert!(buffer.delay() <= DELAY_MAX, "{}", buffer.delay());
    }

    #[test]
    fn a_delay_that_is_not_needed_shrinks_again() {
        let mut buffer = JitterBuffer { delay: DELAY_MAX, ..JitterBuffer::new() };
        for number in 0..2000 {
            insert(&mut buffer, number);
            pop(&mut buffer);
        }
        assert!(buffer.delay() < 5 * 160, "{}", buffer.delay());
    }

    #[test]
    fn packets_of_any_length_are_played_without_a_seam() {
        for length in [80_usize, 160, 240, 480] {
            let mut buffer = JitterBuffer::new();
            let sent: Vec<i16> = (1..=9600).collect();
            let mut at = 0;
            let mut heard = Vec::new();
            for tick in 1..=70 {
                while at < 9600 && at < tick * 160 {
                    let end = (at + length).min(9600);
                    buffer.insert(u32::try_from(at).unwrap(), &sent[at..end]);
                    at = end;
                }
                let mut frame = [0; FRAME];
                if buffer.pop(&mut frame) == Played::Sound {
                    heard.extend(frame);
                }
            }
            let heard: Vec<i16> = heard.into_iter().filter(|s| *s != 0).collect();
            assert_eq!(heard, sent, "{length}");
        }
    }

    #[test]
    fn a_jump_in_time_starts_anew_and_at_the_limit_it_does_not() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 10);
        let limit = 10 * 160 - DELAY_START + 4000;
        assert_eq!(buffer.insert(limit - 160, &packet(7)), Inserted::InTime);
        assert_eq!(buffer.insert(limit - 159, &packet(7)), Inserted::Restarted);
    }

    #[test]
    fn timestamps_wrap() {
        let mut buffer = JitterBuffer::new();
        let start = u32::MAX - 200;
        for n in 0..4 {
            let timestamp = start.wrapping_add(u32::try_from(n).unwrap() * 160);
            assert_eq!(buffer.insert(timestamp, &packet(n + 1)), Inserted::InTime);
        }
        let heard: Vec<i16> = (0..6).map(|_| pop(&mut buffer).1).collect();
        assert_eq!(heard, [0, 0, 1, 2, 3, 4]);
    }
}
