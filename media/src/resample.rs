//! From one sample rate to another, by linear interpolation behind a low-pass filter: good enough
//! for speech, and for nothing else.

/// Rates that are taken, in Hz.
pub const RATE_MIN: u32 = 8000;
/// The highest rate that is taken.
pub const RATE_MAX: u32 = 192_000;

/// Converts a stream of mono samples. Holds its place between calls; allocates nothing.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Input samples per output sample, in 1/65536.
    step: u64,
    /// Where the next output sample lies behind `before`, in 1/65536 of an input sample.
    position: u64,
    before: i32,
    current: i32,
    /// Smooths the input when the rate goes down: a running mean over so many samples.
    width: usize,
    recent: [i32; WIDTH_MAX],
    at: usize,
    sum: i32,
}

const ONE: u64 = 1 << 16;
const WIDTH_MAX: usize = 24;

impl Resampler {
    /// From `from` to `to` samples a second; both are brought between [`RATE_MIN`] and
    /// [`RATE_MAX`].
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from.clamp(RATE_MIN, RATE_MAX), to.clamp(RATE_MIN, RATE_MAX));
        let width = usize::try_from(from / to).unwrap_or(1).clamp(1, WIDTH_MAX);
        Self {
            step: u64::from(from) * ONE / u64::from(to),
            position: ONE,
            before: 0,
            current: 0,
            width,
            recent: [0; WIDTH_MAX],
            at: 0,
            sum: 0,
        }
    }

    /// Takes in one sample and hands out those that lie before it.
    pub fn push(&mut self, sample: i16, mut out: impl FnMut(i16)) {
        let smooth = self.smooth(i32::from(sample));
        self.before = std::mem::replace(&mut self.current, smooth);
        self.position = self.position.saturating_sub(ONE);
        while self.position < ONE {
            let part = i64::try_from(self.position).unwrap_or_default();
            let rise = i64::from(self.current) - i64::from(self.before);
            let value = i64::from(self.before) + ((rise * part) >> 16);
            out(i16::try_from(value).unwrap_or_default());
            self.position += self.step;
        }
    }

    fn smooth(&mut self, sample: i32) -> i32 {
        if self.width == 1 {
            return sample;
        }
        if let Some(oldest) = self.recent.get_mut(self.at) {
            self.sum += sample - *oldest;
            *oldest = sample;
        }
        self.at = (self.at + 1) % self.width;
        self.sum / i32::try_from(self.width).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{dominant_frequency, longest_gap, share, sine};

    fn convert(from: u32, to: u32, samples: &[i16]) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        samples.iter().for_each(|sample| resampler.push(*sample, |s| out.push(s)));
        out
    }

    #[test]
    fn a_tone_keeps_its_frequency_and_length_at_any_rate() {
        for rate in [8000, 11_025, 16_000, 44_100, 48_000] {
            let count = usize::try_from(rate / 4).unwrap();
            let down = convert(rate, 8000, &sine(440.0, 8000.0, rate, count));
            assert!(down.len().abs_diff(2000) <= 1, "{rate}: {}", down.len());
            assert_eq!(dominant_frequency(&down, 8000), Some(440.0), "{rate}");
            assert!(longest_gap(&down[100..], 300) <= 3, "{rate}");
            let up = convert(8000, rate, &sine(440.0, 8000.0, 8000, 2000));
            assert!(up.len().abs_diff(count) <= 30, "{rate}: {}", up.len());
            assert!(share(&up, rate, 440.0) > 0.98, "{rate}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_damped() {
        let high = convert(48_000, 8000, &sine(7000.0, 8000.0, 48_000, 48_000));
        let loudest = high.iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!(loudest < 3000, "{loudest}");
    }
}
