//! Tones: written, and found again in a recording.

use std::f64::consts::TAU;
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

const RATE: u32 = 8000;
const AMPLITUDE: f64 = 8000.0;
/// A window of 20 ms, and how far the next one starts behind it.
const WINDOW_MILLIS: u32 = 20;
const STEP_MILLIS: u32 = 5;
/// How far around the wanted frequency the real one is looked for, in Hz.
const SEARCH: u32 = 60;

/// What was heard of a tone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Heard {
    /// Its frequency in Hz.
    pub(super) frequency: u32,
    /// The longest hole in it, in ms.
    pub(super) longest_gap: u32,
    /// From its start to its end, in ms.
    pub(super) millis: u32,
}

/// Writes a tone as WAV, 16 bit mono.
pub(super) fn write(file: &Path, hz: u32, seconds: u32) -> Result<(), String> {
    let failed = |error: hound::Error| format!("{}: {error}", file.display());
    let spec = WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(file, spec).map_err(failed)?;
    for sample in tone(hz, RATE * seconds) {
        writer.write_sample(sample).map_err(failed)?;
    }
    writer.finalize().map_err(failed)
}

fn tone(hz: u32, samples: u32) -> impl Iterator<Item = i16> {
    let turn = TAU * f64::from(hz) / f64::from(RATE);
    (0..samples).map(move |n| ((turn * f64::from(n)).sin() * AMPLITUDE) as i16)
}

/// Looks for a tone of about `hz` in a recording, whichever of its channels has it, whatever else
/// is to be heard.
pub(super) fn measure(file: &Path, hz: u32) -> Result<Heard, String> {
    let failed = |error: hound::Error| format!("{}: {error}", file.display());
    let mut reader = WavReader::open(file).map_err(failed)?;
    let WavSpec { channels, sample_rate, .. } = reader.spec();
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(failed)?;
    let channels = usize::from(channels.max(1));
    let one = |channel: usize| -> Vec<f64> {
        samples.iter().skip(channel).step_by(channels).map(|s| f64::from(*s)).collect()
    };
    let loudest = (0..channels)
        .map(one)
        .max_by(|a, b| {
            let level = |samples: &[f64]| level(samples, f64::from(hz), sample_rate);
            level(a).total_cmp(&level(b))
        })
        .unwrap_or_default();
    heard(&loudest, hz, sample_rate).ok_or_else(|| format!("no tone of {hz} Hz is to be heard"))
}

fn heard(samples: &[f64], hz: u32, rate: u32) -> Option<Heard> {
    let window = usize::try_from(rate * WINDOW_MILLIS / 1000).ok()?.max(1);
    let step = usize::try_from(rate * STEP_MILLIS / 1000).ok()?.max(1);
    let levels: Vec<f64> = samples
        .windows(window)
        .step_by(step)
        .map(|part| level(part, f64::from(hz), rate))
        .collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    // Loud is what is near the loudest tenth: a recording may be mostly silence.
    let loud = sorted.get(sorted.len() * 9 / 10).copied()? / 2.0;
    if loud < AMPLITUDE / 100.0 {
        return None;
    }
    let first = levels.iter().position(|level| *level >= loud)?;
    let last = levels.iter().rposition(|level| *level >= loud)?;
    let (mut gap, mut longest) = (0, 0);
    for level in levels.get(first..=last)? {
        gap = if *level < loud { gap + 1 } else { 0 };
        longest = longest.max(gap);
    }
    let tone = samples.get(first * step..last * step + window)?;
    // The real frequency stands out of a second from the middle.
    let second = usize::try_from(rate).ok()?.min(tone.len());
    let middle = tone.get((tone.len() - second) / 2..)?.get(..second)?;
    let frequency = (hz.saturating_sub(SEARCH)..=hz + SEARCH).max_by(|a, b| {
        let level = |hz: &u32| level(middle, f64::from(*hz), rate);
        level(a).total_cmp(&level(b))
    })?;
    let millis =
        |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX).saturating_mul(STEP_MILLIS);
    Some(Heard {
        frequency,
        longest_gap: millis(longest),
        millis: millis(last - first).saturating_add(WINDOW_MILLIS),
    })
}

/// The amplitude of one frequency (Goertzel's algorithm under a Hann window, which keeps the other
/// side's tone out).
fn level(samples: &[f64], hz: f64, rate: u32) -> f64 {
    let turn = TAU * hz / f64::from(rate);
    let length = samples.len() as f64;
    let factor = 2.0 * turn.cos();
    let (mut before, mut last) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let hann = 0.5 - 0.5 * (TAU * n as f64 / length).cos();
        let next = sample * hann + factor * last - before;
        (before, last) = (last, next);
    }
    let power: f64 = last * last + before * before - factor * last * before;
    // Half of the window's weight is left, and half of a tone's amplitude on this side of zero.
    4.0 * power.max(0.0).sqrt() / length.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(hz: u32, millis: u32) -> Vec<f64> {
        tone(hz, RATE * millis / 1000).map(f64::from).collect()
    }

    fn mixed(a: &[f64], b: &[f64]) -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    #[test]
    fn a_tone_s_amplitude_is_measured() {
        let level = level(&samples(440, 1000), 440.0, RATE);
        assert!((level - AMPLITUDE).abs() < AMPLITUDE / 50.0, "{level}");
    }

    #[test]
    fn a_tone_is_found_under_another_one() {
        let recording = mixed(&samples(440, 2000), &samples(700, 2000));
        for hz in [440, 700] {
            let heard = heard(&recording, hz, RATE).unwrap();
            assert_eq!((heard.frequency, heard.longest_gap), (hz, 0));
            assert!(heard.millis.abs_diff(2000) <= WINDOW_MILLIS, "{heard:?}");
        }
    }

    #[test]
    fn a_gap_is_measured_and_silence_around_is_none() {
        let silence = |millis: usize| vec![0.0; millis * 8];
        let recording =
            [silence(500), samples(440, 800), silence(100), samples(440, 800), silence(300)]
                .concat();
        let heard = heard(&recording, 440, RATE).unwrap();
        assert!(heard.longest_gap.abs_diff(100) <= WINDOW_MILLIS, "{heard:?}");
        assert!(heard.millis.abs_diff(1700) <= WINDOW_MILLIS, "{heard:?}");
    }

    #[test]
    fn another_frequency_is_named() {
        let heard = heard(&samples(470, 1500), 440, RATE).unwrap();
        assert_eq!(heard.frequency, 470);
    }

    #[test]
    fn silence_and_another_tone_are_no_tone() {
        assert_eq!(heard(&vec![0.0; 8000], 440, RATE), None);
        assert_eq!(heard(&samples(700, 1000), 440, RATE), None);
        assert_eq!(heard(&[], 440, RATE), None);
    }
}
