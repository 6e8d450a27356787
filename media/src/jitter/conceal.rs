//! Packet loss concealment: the last pitch period again and again, fading out.

/// Samples of the past that are kept: 40 ms.
pub(super) const HISTORY: usize = 320;
/// Pitch periods that are looked for, in samples: 200 Hz down to 66 Hz. Higher pitches are found
/// as a multiple.
const LAG_MIN: usize = 40;
const LAG_MAX: usize = 120;
/// Samples that are compared to find the period.
const TEMPLATE: usize = 80;
/// Concealment at full level: 10 ms.
const FULL: usize = 80;
/// Concealment altogether: 60 ms.
const FADED: usize = 480;
/// Over so many samples what comes back is faded in: 4 ms.
const HEAL: usize = 32;

/// Remembers what played, and goes on with it when nothing comes.
#[derive(Clone, Debug)]
pub(super) struct Concealer {
    history: [i16; HISTORY],
    lag: usize,
    /// Samples made up since the last real one.
    concealed: usize,
    /// Samples that are still to be faded in.
    heal: usize,
}

impl Default for Concealer {
    fn default() -> Self {
        Self { history: [0; HISTORY], lag: LAG_MIN, concealed: 0, heal: 0 }
    }
}

impl Concealer {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The last thing heard was made up, at least in part.
    pub(super) const fn is_concealing(&self) -> bool {
        self.concealed > 0
    }

    /// What played last.
    pub(super) const fn history(&self) -> &[i16; HISTORY] {
        &self.history
    }

    /// Real samples: fades them in after concealment, and remembers them.
    pub(super) fn play(&mut self, samples: &mut [i16]) {
        for sample in samples.iter_mut() {
            if self.heal == 0 {
                break;
            }
            self.heal -= 1;
            *sample = fade(self.next(), *sample, HEAL - self.heal, HEAL + 1);
        }
        if self.heal == 0 {
            self.concealed = 0;
        }
        self.remember(samples);
    }

    /// Makes samples up. False once they have faded to silence.
    pub(super) fn conceal(&mut self, samples: &mut [i16]) -> bool {
        if self.concealed == 0 {
            self.lag = self.pitch();
        }
        let heard = self.concealed < FADED;
        self.heal = HEAL;
        for sample in samples {
            *sample = self.next();
        }
        heard
    }

    /// Silence that the peer meant.
    pub(super) fn silence(&mut self, samples: &mut [i16]) {
        // What was playing ends in a short fade instead of a click.
        let (end, rest) = samples.split_at_mut(HEAL.min(samples.len()));
        if self.concealed < FADED {
            self.conceal(end);
            let length = end.len();
            for (place, sample) in end.iter_mut().enumerate() {
                *sample = fade(*sample, 0, place + 1, length);
            }
            self.concealed = FADED;
        } else {
            end.fill(0);
        }
        rest.fill(0);
    }

    fn next(&mut self) -> i16 {
        let place = HISTORY - self.lag + self.concealed % self.lag;
        let sample = self.history.get(place).copied().unwrap_or_default();
        let left = FADED.saturating_sub(self.concealed.max(FULL));
        self.concealed = self.concealed.saturating_add(1);
        fade(0, sample, left, FADED - FULL)
    }

    fn remember(&mut self, samples: &[i16]) {
        let newest = samples.len().min(HISTORY);
        self.history.copy_within(newest.., 0);
        let places = self.history.iter_mut().rev();
        places.zip(samples.iter().rev()).for_each(|(place, sample)| *place = *sample);
    }

    fn pitch(&self) -> usize {
        let from = |lag: usize| self.history.get(HISTORY - TEMPLATE - lag..).unwrap_or_default();
        let template = self.history.get(HISTORY - TEMPLATE..).unwrap_or_default();
        best_lag(template, from)
    }
}

/// The lag, between 5 and 15 ms, at which `candidate` resembles `template` most.
pub(super) fn best_lag<'a>(template: &[i16], candidate: impl Fn(usize) -> &'a [i16]) -> usize {
    let likeness = |lag: usize| {
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in template.iter().zip(candidate(lag)) {
            let (a, b) = (f32::from(*a), f32::from(*b));
            product += a * b;
            energy += b * b;
        }
        product / energy.sqrt()
    };
    let mut best = (LAG_MIN, likeness(LAG_MIN));
    for lag in LAG_MIN + 1..=LAG_MAX {
        let likeness = likeness(lag);
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
}

/// The mix of two samples, `place` of `whole` on the way from one to the other.
pub(super) fn fade(from: i16, to: i16, place: usize, whole: usize) -> i16 {
    let share = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (place, whole) = (share(place.min(whole)), share(whole.max(1)));
    let sum = i32::from(from) * (whole - place) + i32::from(to) * place;
    i16::try_from(sum / whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Sine, dominant_frequency, longest_gap};

    fn primed(sine: &mut Sine) -> Concealer {
        let mut concealer = Concealer::default();
        let mut samples = [0; 640];
        sine.fill(&mut samples);
        concealer.play(&mut samples);
        concealer
    }

    #[test]
    fn a_lost_frame_of_a_tone_is_bridged_without_gap_or_change_of_pitch() {
        for frequency in [150.0, 440.0, 1000.0, 1633.0] {
            let mut sine = Sine::new(frequency, 8000, 8000);
            let mut concealer = primed(&mut sine);
            let mut samples = [0; 480];
            sine.fill(&mut samples);
            assert!(concealer.conceal(&mut samples[..160]));
            concealer.play(&mut samples[160..]);
            assert!(longest_gap(&samples, 8000, 800).as_micros() < 2000, "{frequency}");
            let told = dominant_frequency(&samples, 8000).unwrap();
            assert!((told - frequency).abs() < 12.0, "{frequency}: {told}");
        }
    }

    #[test]
    fn concealment_fades_to_silence_within_60_ms() {
        let mut concealer = primed(&mut Sine::new(440.0, 8000, 8000));
        let mut frames = [[0; 160]; 4];
        let heard: Vec<bool> = frames.iter_mut().map(|frame| concealer.conceal(frame)).collect();
        assert_eq!(heard, [true, true, true, false]);
        let peaks = frames.map(|frame| frame.iter().map(|s| s.unsigned_abs()).max().unwrap());
        assert!(
            peaks[0] > 7000 && peaks[1] < 6800 && peaks[2] < 3500 && peaks[3] == 0,
            "{peaks:?}"
        );
    }

    #[test]
    fn what_comes_back_is_faded_in_and_then_untouched() {
        let mut concealer = primed(&mut Sine::new(440.0, 8000, 8000));
        concealer.conceal(&mut [0; 800]);
        let mut samples = [1000; 100];
        let (first, rest) = samples.split_at_mut(10);
        concealer.play(first);
        concealer.play(rest);
        assert!(samples[..32].is_sorted() && samples[0] < 100);
        assert_eq!(samples[32..], [1000; 68]);
        assert!(!concealer.is_concealing());
    }

    #[test]
    fn meant_silence_begins_without_a_click() {
        let mut concealer = primed(&mut Sine::new(200.0, 8000, 8000));
        let mut samples = [1; 160];
        concealer.silence(&mut samples);
        assert_eq!(samples[32..], [0; 128]);
        assert!(samples[..31].iter().any(|sample| *sample != 0));
        concealer.silence(&mut samples);
        assert_eq!(samples, [0; 160]);
    }
}
