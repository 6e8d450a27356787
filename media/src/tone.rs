//! Tones made and measured: what tests and the demo judge recordings by.

use std::f64::consts::TAU;
use std::time::Duration;

/// Samples of the window that [`dominant_frequency`] looks at: a quarter of a second at
/// 8000 Hz.
const WINDOW_MAX: usize = 2048;
/// Samples that a frequency can be told from.
const WINDOW_MIN: usize = 64;

/// A sine that goes on from call to call.
#[derive(Clone, Debug)]
pub struct Sine {
    /// Turns, 0–1.
    phase: f64,
    /// Turns a sample.
    step: f64,
    amplitude: f64,
}

impl Sine {
    /// A sine of `frequency` Hz at `rate` samples a second, from −`amplitude` to `amplitude`.
    #[must_use]
    pub fn new(frequency: f64, rate: u32, amplitude: i16) -> Self {
        let step = frequency / f64::from(rate.max(1));
        Self { phase: 0.0, step: step.fract(), amplitude: f64::from(amplitude) }
    }

    /// The next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = to_sample(self.amplitude * (TAU * self.phase).sin());
            self.phase = (self.phase + self.step).fract();
        }
    }
}

/// The nearest sample; clipped.
fn to_sample(value: f64) -> i16 {
    // A cast from a float saturates.
    value.round() as i16
}

/// The power of one frequency by Goertzel's algorithm: a sine of amplitude `a` at that frequency
/// gives about `a² / 4`, whatever the length.
#[must_use]
pub fn goertzel_power(samples: &[i16], rate: u32, frequency: f64) -> f64 {
    let length = samples.len().max(1) as f64;
    energy_at(samples.iter().map(|sample| f64::from(*sample)), rate, frequency) / (length * length)
}

/// Goertzel's recursion.
fn energy_at(samples: impl Iterator<Item = f64>, rate: u32, frequency: f64) -> f64 {
    let coefficient = 2.0 * (TAU * frequency / f64::from(rate.max(1))).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        let next = sample + coefficient * last - before;
        (before, last) = (last, next);
    }
    (last * last + before * before - coefficient * last * before).max(0.0)
}

/// The strongest frequency in Hz, of the loudest 2048 samples. `None` for silence and for fewer
/// than 64 samples. Exact to about 1 Hz for a steady tone. Takes its time: not for realtime.
#[must_use]
pub fn dominant_frequency(samples: &[i16], rate: u32) -> Option<f64> {
    let energy = |window: &[i16]| -> i64 {
        window.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum()
    };
    let size = samples.len().min(WINDOW_MAX);
    let windows = samples.chunks_exact(size.max(1));
    let window = windows.max_by_key(|window| energy(window))?;
    if window.len() < WINDOW_MIN || energy(window) == 0 {
        return None;
    }
    // Hann's window keeps a strong tone from leaking into far bins.
    let turn = TAU / window.len() as f64;
    let weigh = |(place, sample): (usize, &i16)| {
        f64::from(*sample) * (0.5 - 0.5 * (turn * place as f64).cos())
    };
    let weighed: Vec<f64> = window.iter().enumerate().map(weigh).collect();
    let at = |frequency| energy_at(weighed.iter().copied(), rate, frequency);
    let step = f64::from(rate) / window.len() as f64;
    let bins = (1..window.len() / 2).map(|bin| bin as f64 * step);
    let mut best =
        bins.map(|frequency| (at(frequency), frequency)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Between the bins, by halving.
    let mut width = step / 2.0;
    while width > 0.01 {
        for frequency in [best.1 - width, best.1 + width] {
            let power = at(frequency);
            if power > best.0 {
                best = (power, frequency);
            }
        }
        width /= 2.0;
    }
    Some(best.1)
}

/// The longest run of samples that all are quieter than `threshold`: how long a tone was away.
#[must_use]
pub fn longest_gap(samples: &[i16], rate: u32, threshold: u16) -> Duration {
    let runs = samples.split(|sample| sample.unsigned_abs() >= threshold);
    let longest = runs.map(<[i16]>::len).max().unwrap_or_default();
    let longest = u64::try_from(longest).unwrap_or(u64::MAX);
    Duration::from_micros(longest.saturating_mul(1_000_000) / u64::from(rate.max(1)))
}

/// Whether the strongest frequency is `hertz`, to 2 Hz.
#[must_use]
pub fn sounds_like(samples: &[i16], rate: u32, hertz: f64) -> bool {
    dominant_frequency(samples, rate).is_some_and(|found| (found - hertz).abs() < 2.0)
}

/// How much of a frequency is in the samples, as a share of all their energy, 0–1.
#[must_use]
pub fn share(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if energy == 0.0 {
        return 0.0;
    }
    let power = goertzel_power(samples, rate, hertz);
    (2.0 * power * samples.len() as f64 / energy).clamp(0.0, 1.0)
}

/// `count` samples of a sine: see [`Sine`].
#[must_use]
pub fn sine(hertz: f64, amplitude: i16, rate: u32, count: usize) -> Vec<i16> {
    let mut samples = vec![0; count];
    Sine::new(hertz, rate, amplitude).fill(&mut samples);
    samples
}

/// The samples from the first to the last that reach `threshold`.
#[must_use]
pub fn sounding(samples: &[i16], threshold: u16) -> &[i16] {
    let loud = |sample: &i16| sample.unsigned_abs() >= threshold;
    let first = samples.iter().position(loud).unwrap_or(samples.len());
    let last = samples.iter().rposition(loud).map_or(first, |last| last + 1);
    samples.get(first..last).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, rate: u32, length: usize) -> Vec<i16> {
        let mut samples = vec![0; length];
        Sine::new(frequency, rate, 8000).fill(&mut samples);
        samples
    }

    #[test]
    fn a_sine_goes_on_from_call_to_call() {
        let whole = tone(440.0, 8000, 800);
        let mut sine = Sine::new(440.0, 8000, 8000);
        let mut pieces = vec![0; 800];
        pieces.chunks_mut(37).for_each(|piece| sine.fill(piece));
        assert_eq!(whole, pieces);
        assert!(whole.iter().all(|sample| sample.unsigned_abs() <= 8000));
    }

    #[test]
    fn power_is_a_quarter_of_the_amplitude_squared_at_the_tone_and_small_elsewhere() {
        let samples = tone(1000.0, 8000, 4000);
        let power = goertzel_power(&samples, 8000, 1000.0);
        assert!((15_900_000.0..16_100_000.0).contains(&power), "{power}");
        assert!(goertzel_power(&samples, 8000, 1500.0) < 100.0);
        assert!(goertzel_power(&[], 8000, 1000.0) < 1.0);
    }

    #[test]
    fn frequencies_are_told_to_a_hertz_at_usual_rates() {
        for rate in [8000, 16_000, 44_100, 48_000] {
            for frequency in [100.0, 440.0, 697.0, 1000.4, 3400.0] {
                let told = dominant_frequency(&tone(frequency, rate, 20_000), rate).unwrap();
                assert!((told - frequency).abs() < 1.0, "{rate}: {frequency} {told}");
            }
        }
    }

    #[test]
    fn the_tone_is_found_behind_silence() {
        let samples = [vec![0; 9000], tone(620.0, 8000, 9000)].concat();
        assert!((dominant_frequency(&samples, 8000).unwrap() - 620.0).abs() < 1.0);
    }

    #[test]
    fn silence_has_no_frequency() {
        assert_eq!(dominant_frequency(&[0; 8000], 8000), None);
        assert_eq!(dominant_frequency(&tone(440.0, 8000, 63), 8000), None);
        assert_eq!(dominant_frequency(&[], 8000), None);
    }

    #[test]
    fn a_gap_is_as_long_as_what_was_cut_out() {
        let mut samples = tone(440.0, 8000, 8000);
        assert!(longest_gap(&samples, 8000, 500) < Duration::from_millis(1));
        samples[4000..4160].fill(0);
        let gap = longest_gap(&samples, 8000, 500).as_millis();
        assert!((20..=21).contains(&gap), "{gap}");
        assert_eq!(longest_gap(&[0; 80], 8000, 1), Duration::from_millis(10));
        assert_eq!(longest_gap(&[], 8000, 1), Duration::ZERO);
    }

    #[test]
    fn a_tone_is_recognised_and_measured_between_silences() {
        let tone = sine(440.0, 8000, 8000, 8000);
        let padded = [&[0; 50][..], &tone, &[0; 70]].concat();
        assert!(sounding(&padded, 500).len() > 7990);
        assert!(sounds_like(&tone, 8000, 440.0) && !sounds_like(&tone, 8000, 445.0));
        assert!(share(&tone, 8000, 440.0) > 0.99 && share(&tone, 8000, 540.0) < 0.01);
    }
}
