//! Sums of voices that clip instead of wrapping.

use crate::stream::FRAME;

/// Mixes two voices into one: their sum, clipped. Where one is shorter it counts as silence.
/// Returns the samples written: the longer of both, or what `out` holds.
pub fn mix(one: &[i16], other: &[i16], out: &mut [i16]) -> usize {
    let length = one.len().max(other.len()).min(out.len());
    for (place, sample) in out.iter_mut().enumerate().take(length) {
        let a = one.get(place).copied().unwrap_or_default();
        *sample = a.saturating_add(other.get(place).copied().unwrap_or_default());
    }
    length
}

/// One tick of a conference: everybody's sum, from which each takes away their own voice.
#[derive(Clone, Debug)]
pub struct Mixer {
    sum: [i32; FRAME],
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: [0; FRAME] }
    }
}

impl Mixer {
    /// Forgets all voices.
    pub fn clear(&mut self) {
        self.sum.fill(0);
    }

    /// Adds a voice. Order does not matter, as nothing clips until it is read: up to 65 535
    /// voices fit.
    pub fn add(&mut self, voice: &[i16; FRAME]) {
        for (sum, sample) in self.sum.iter_mut().zip(voice) {
            *sum = sum.saturating_add(i32::from(*sample));
        }
    }

    /// All voices.
    pub fn all(&self, out: &mut [i16; FRAME]) {
        for (sample, sum) in out.iter_mut().zip(self.sum) {
            *sample = clip(sum);
        }
    }

    /// All voices but this one, which was added before.
    pub fn without(&self, voice: &[i16; FRAME], out: &mut [i16; FRAME]) {
        for ((sample, sum), own) in out.iter_mut().zip(self.sum).zip(voice) {
            *sample = clip(sum.saturating_sub(i32::from(*own)));
        }
    }
}

fn clip(sum: i32) -> i16 {
    i16::try_from(sum).unwrap_or(if sum < 0 { i16::MIN } else { i16::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_clip_at_both_ends() {
        let mut out = [0; 4];
        mix(&[30_000, -30_000, 5, i16::MIN], &[10_000, -10_000, -7, i16::MIN], &mut out);
        assert_eq!(out, [i16::MAX, i16::MIN, -2, i16::MIN]);
    }

    #[test]
    fn the_shorter_voice_counts_as_silence() {
        let mut out = [9; 4];
        assert_eq!(mix(&[1, 2, 3], &[1], &mut out), 3);
        assert_eq!(out, [2, 2, 3, 9]);
        assert_eq!(mix(&[1; 6], &[], &mut out), 4);
    }

    #[test]
    fn each_hears_the_others_even_when_the_sum_would_clip() {
        let mut mixer = Mixer::default();
        let (a, b, c) = ([30_000; FRAME], [20_000; FRAME], [-15_000; FRAME]);
        [a, b, c].iter().for_each(|voice| mixer.add(voice));
        let mut out = [0; FRAME];
        mixer.all(&mut out);
        assert_eq!(out, [i16::MAX; FRAME]);
        mixer.without(&a, &mut out);
        assert_eq!(out, [5000; FRAME]);
        mixer.without(&b, &mut out);
        assert_eq!(out, [15_000; FRAME]);
        mixer.clear();
        mixer.all(&mut out);
        assert_eq!(out, [0; FRAME]);
    }
}
