//! From one sample rate to another: a polyphase low-pass filter, piece by piece.

use std::f64::consts::PI;
use std::fmt;

/// The least rate in Hz that is resampled.
pub const RATE_MIN: u32 = 4000;
/// The highest rate in Hz that is resampled.
pub const RATE_MAX: u32 = 192_000;
/// Zero crossings of the filter on each side: more is steeper and dearer.
const CROSSINGS: f64 = 10.0;
/// Positions between two input samples that the filter is computed for, at most. 441 and 80 are
/// what 44 100 Hz needs; odder ratios take the nearest.
const PHASES_MAX: u32 = 512;
/// The share of the band that is kept, so that the filter has room to fall.
const PASS_BAND: f64 = 0.92;

/// A rate that is not resampled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateError {
    /// The rate in Hz.
    pub rate: u32,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a rate of {} Hz is outside of {RATE_MIN} to {RATE_MAX} Hz", self.rate)
    }
}

impl std::error::Error for RateError {}

/// What [`Resampler::process`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Input samples that were taken.
    pub consumed: usize,
    /// Output samples that were written.
    pub written: usize,
}

/// Changes the rate of one mono voice.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Output rate over the greatest common divisor.
    up: u32,
    /// Input rate over the greatest common divisor.
    down: u32,
    /// Where the next output sample lies after the newest input sample, in 1/`up`; when it is
    /// `up` or more, input is missing.
    phase: u32,
    /// Coefficients, one row of `taps` for each phase.
    filter: Vec<f32>,
    phases: u32,
    taps: usize,
    /// The last `taps` input samples, written twice so that they always lie in one piece.
    history: Vec<f32>,
    newest: usize,
}

impl Resampler {
    /// A resampler from one rate to another, both in Hz. Allocates; nothing later does.
    ///
    /// # Errors
    /// When a rate is outside of [`RATE_MIN`] to [`RATE_MAX`].
    pub fn new(from: u32, to: u32) -> Result<Self, RateError> {
        for rate in [from, to] {
            if !(RATE_MIN..=RATE_MAX).contains(&rate) {
                return Err(RateError { rate });
            }
        }
        let divisor = common_divisor(from, to);
        let (up, down) = (to / divisor, from / divisor);
        // Down: the filter must cut at the output's band, and is longer by as much.
        let cut = PASS_BAND * (f64::from(to) / f64::from(from)).min(1.0);
        let taps = if up == down { 1 } else { 2 * (CROSSINGS / cut).ceil() as usize };
        let phases = up.min(PHASES_MAX);
        let filter = (0..phases)
            .flat_map(|phase| row(f64::from(phase) / f64::from(phases), taps, cut))
            .collect();
        let history = vec![0.0; taps * 2];
        Ok(Self { up, down, phase: up, filter, phases, taps, history, newest: 0 })
    }

    /// Takes what input it needs and writes what output there is, until one of both ends. What
    /// was not consumed is to be given again. Delays by half the filter's length.
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) -> Progress {
        let mut progress = Progress { consumed: 0, written: 0 };
        let mut rest = input.iter();
        for sample in output {
            while self.phase >= self.up {
                let Some(next) = rest.next() else { return progress };
                self.push(f32::from(*next));
                self.phase -= self.up;
                progress.consumed += 1;
            }
            *sample = self.sample();
            self.phase += self.down;
            progress.written += 1;
        }
        progress
    }

    fn push(&mut self, sample: f32) {
        self.newest = (self.newest + 1) % self.taps;
        for place in [self.newest, self.newest + self.taps] {
            if let Some(slot) = self.history.get_mut(place) {
                *slot = sample;
            }
        }
    }

    fn sample(&self) -> i16 {
        let phase = u64::from(self.phase) * u64::from(self.phases) / u64::from(self.up.max(1));
        let first = usize::try_from(phase).unwrap_or(0) * self.taps;
        let row = self.filter.get(first..first + self.taps).unwrap_or_default();
        let oldest = self.newest + 1;
        let window = self.history.get(oldest..oldest + self.taps).unwrap_or_default();
        let sum: f32 = row.iter().zip(window).map(|(tap, sample)| tap * sample).sum();
        // A cast from a float saturates.
        sum.round() as i16
    }
}

/// The coefficients for an output sample that lies `offset` of an input sample after the middle
/// of the window: a sinc under Blackman's window. They add up to one.
fn row(offset: f64, taps: usize, cut: f64) -> Vec<f32> {
    if taps == 1 {
        return vec![1.0];
    }
    let half = taps as f64 / 2.0;
    let tap = |place: usize| {
        let distance = place as f64 - (half - 1.0) - offset;
        let turn = PI * distance * cut;
        let sinc = if turn.abs() < 1e-9 { 1.0 } else { turn.sin() / turn };
        let window =
            0.42 + 0.5 * (PI * distance / half).cos() + 0.08 * (2.0 * PI * distance / half).cos();
        if distance.abs() > half { 0.0 } else { sinc * window }
    };
    let sum: f64 = (0..taps).map(tap).sum();
    (0..taps).map(|place| (tap(place) / sum) as f32).collect()
}

const fn common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Sine, dominant_frequency, goertzel_power, longest_gap};

    const RATES: [u32; 6] = [8000, 11_025, 16_000, 32_000, 44_100, 48_000];

    fn resample(input: &[i16], from: u32, to: u32) -> Vec<i16> {
        let mut output = vec![0; input.len() * to as usize / from as usize];
        let progress = Resampler::new(from, to).unwrap().process(input, &mut output);
        assert!(progress.written + 1 >= output.len(), "{from} {to} {progress:?}");
        // The last output sample lies less than two of its steps before the input's end.
        assert!(progress.consumed + 2 * (from / to + 1) as usize >= input.len());
        output
    }

    fn tone(frequency: f64, rate: u32) -> Vec<i16> {
        let mut samples = vec![0; rate as usize];
        Sine::new(frequency, rate, 10_000).fill(&mut samples);
        samples
    }

    #[test]
    fn tones_keep_their_pitch_and_level_between_all_usual_rates() {
        for from in RATES {
            for to in RATES {
                let told =
                    dominant_frequency(&resample(&tone(1000.0, from), from, to), to).unwrap();
                assert!((told - 1000.0).abs() < 1.0, "{from} {to}: {told}");
                for frequency in [200.0, 1000.0, 3000.0] {
                    let output = resample(&tone(frequency, from), from, to);
                    let steady = &output[to as usize / 10..];
                    let amplitude = 2.0 * goertzel_power(steady, to, frequency).sqrt();
                    assert!((9400.0..10_300.0).contains(&amplitude), "{from} {to} {amplitude}");
                    assert!(longest_gap(steady, to, 1500).as_millis() < 2);
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_filtered_out() {
        for from in [16_000, 32_000, 44_100, 48_000] {
            let output = resample(&tone(5500.0, from), from, 8000);
            let loudest = output[800..].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!(loudest < 100, "{from}: {loudest}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_as_the_whole() {
        let input = tone(700.0, 44_100);
        let whole = resample(&input, 44_100, 8000);
        for (take, give) in [(1, 1), (160, 160), (441, 80), (1000, 7)] {
            let mut resampler = Resampler::new(44_100, 8000).unwrap();
            let (mut pieces, mut rest) = (Vec::new(), &input[..]);
            let mut out = vec![0; give];
            loop {
                let progress = resampler.process(&rest[..take.min(rest.len())], &mut out);
                pieces.extend_from_slice(&out[..progress.written]);
                rest = &rest[progress.consumed..];
                if progress == (Progress { consumed: 0, written: 0 }) {
                    break;
                }
            }
            assert_eq!(pieces[..whole.len() - 1], whole[..whole.len() - 1], "{take} {give}");
        }
    }

    #[test]
    fn equal_rates_change_nothing() {
        let input = tone(700.0, 8000);
        assert_eq!(resample(&input, 8000, 8000), input);
    }

    #[test]
    fn a_minute_has_as_many_samples_as_the_rate_says() {
        let mut resampler = Resampler::new(44_100, 8000).unwrap();
        let (input, mut output) = ([0; 441], [0; 160]);
        let written: usize =
            (0..6000).map(|_| resampler.process(&input, &mut output).written).sum();
        assert_eq!(written, 480_000);
    }

    #[test]
    fn rates_at_the_limits_work_and_beyond_are_refused() {
        for (from, to) in [(RATE_MIN, RATE_MAX), (RATE_MAX, RATE_MIN), (191_999, 8000)] {
            resample(&vec![1000; 40_000], from, to);
        }
        for rate in [0, RATE_MIN - 1, RATE_MAX + 1, u32::MAX] {
            assert_eq!(Resampler::new(rate, 8000).err(), Some(RateError { rate }));
            assert_eq!(Resampler::new(8000, rate).err(), Some(RateError { rate }));
        }
    }

    #[test]
    fn full_scale_clips_and_does_not_wrap() {
        let square: Vec<i16> =
            (0..8000).map(|n| if n / 20 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let output = resample(&square, 8000, 48_000);
        // In the middle of each half wave the sign is the input's.
        let delay = 60;
        for wave in 10..300 {
            let sample = output[wave * 120 + 60 + delay];
            assert_eq!(sample > 0, wave % 2 == 0, "{wave}: {sample}");
        }
    }
}
