//! Tones: made, and found again in a recording. What tests and the demo judge audio by.

use std::f64::consts::TAU;

/// `count` samples of a sine of `hertz`, as loud as `amplitude` (0–32767), at `rate` samples a
/// second.
#[must_use]
pub fn sine(hertz: f64, amplitude: f64, rate: u32, count: usize) -> Vec<i16> {
    let step = TAU * hertz / f64::from(rate);
    let mut phase = 0.0_f64;
    let next = || {
        let sample = phase.sin() * amplitude;
        phase = (phase + step) % TAU;
        to_sample(sample)
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[allow(clippy::cast_possible_truncation, reason = "the value is clamped to what fits")]
fn to_sample(value: f64) -> i16 {
    value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

/// How much of a frequency is in the samples (Goertzel), as a share of all their energy, 0–1.
#[must_use]
pub fn share(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / f64::from(rate)).cos();
    let (mut last, mut before, mut energy, mut count) = (0.0, 0.0, 0.0, 0.0);
    for sample in samples {
        let value = f64::from(*sample);
        (before, last) = (last, coefficient.mul_add(last, value) - before);
        energy += value * value;
        count += 1.0;
    }
    if energy == 0.0 {
        return 0.0;
    }
    let power = last.mul_add(last, before * before) - coefficient * last * before;
    (2.0 * power / (energy * count)).clamp(0.0, 1.0)
}

/// The loudest frequency between 50 Hz and half the rate, to 5 Hz; `None` for silence.
#[must_use]
pub fn dominant_frequency(samples: &[i16], rate: u32) -> Option<f64> {
    if samples.iter().all(|sample| *sample == 0) {
        return None;
    }
    let steps = (10..rate / 10).map(|step| f64::from(step * 5));
    let shares = steps.map(|hertz| (share(samples, rate, hertz), hertz));
    shares.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, hertz)| hertz)
}

/// The longest run of samples that stay below `threshold`, in samples.
#[must_use]
pub fn longest_gap(samples: &[i16], threshold: u16) -> usize {
    let (mut longest, mut run) = (0, 0);
    for sample in samples {
        run = if sample.unsigned_abs() < threshold { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
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

    #[test]
    fn a_tone_is_found_by_its_frequency() {
        for hertz in [300.0, 440.0, 3400.0] {
            let tone = sine(hertz, 8000.0, 8000, 4000);
            assert_eq!(dominant_frequency(&tone, 8000), Some(hertz));
            assert!(share(&tone, 8000, hertz) > 0.99);
            assert!(share(&tone, 8000, hertz + 100.0) < 0.01);
        }
        assert_eq!(dominant_frequency(&[0; 100], 8000), None);
    }

    #[test]
    fn a_gap_is_the_longest_quiet_run() {
        let mut tone = sine(440.0, 8000.0, 8000, 8000);
        assert!(longest_gap(&tone, 500) <= 2);
        tone[3000..3160].fill(0);
        assert!((160..165).contains(&longest_gap(&tone, 500)));
        let padded = [&[0; 50][..], &tone, &[0; 70]].concat();
        assert!(sounding(&padded, 500).len() > 7990);
    }
}
