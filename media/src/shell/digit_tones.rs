//! Digits that the user hears: those that are sent, and those that come.

use std::collections::VecDeque;

use crate::mixer::Mixer;
use crate::stream::FRAME;
use crate::tone::Sine;

/// Ticks of 20 ms that a digit sounds.
const ON: usize = 10;
/// Ticks of 20 ms or so between two digits: 50 ms, rounded up.
const OFF: usize = 3;
/// Digits that wait; one more is not heard.
const WAITING_MAX: usize = 32;
/// Of each of the two tones.
const AMPLITUDE: i16 = 4000;
const RATE: u32 = 8000;

/// Plays one digit after the other. Takes no memory once made.
#[derive(Debug)]
pub(super) struct DigitTones {
    waiting: VecDeque<char>,
    tones: Option<[Sine; 2]>,
    /// Ticks that are left of the digit and its pause.
    left: usize,
}

impl Default for DigitTones {
    fn default() -> Self {
        Self { waiting: VecDeque::with_capacity(WAITING_MAX), tones: None, left: 0 }
    }
}

impl DigitTones {
    /// Falls silent.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
        self.left = 0;
    }

    pub(super) fn play(&mut self, digit: char) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(digit);
        }
    }

    /// Adds the next 20 ms.
    pub(super) fn add_to(&mut self, mix: &mut Mixer) {
        if self.left == 0 {
            let Some(digit) = self.waiting.pop_front() else { return };
            self.tones = frequencies(digit).map(|pair| pair.map(|f| Sine::new(f, RATE, AMPLITUDE)));
            self.left = ON + OFF;
        }
        self.left -= 1;
        if let Some(tones) = self.tones.as_mut().filter(|_| self.left >= OFF) {
            let mut frame = [0; FRAME];
            for tone in tones {
                tone.fill(&mut frame);
                mix.add(&frame);
            }
        }
    }
}

/// The two frequencies of a digit (ITU-T Q.23), in Hz.
fn frequencies(digit: char) -> Option<[f64; 2]> {
    const KEYS: [&str; 4] = ["123A", "456B", "789C", "*0#D"];
    const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    KEYS.into_iter().zip(LOW).find_map(|(row, low)| {
        let (_, high) = row.chars().zip(HIGH).find(|(key, _)| *key == digit)?;
        Some([low, high])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::share;

    fn heard(tones: &mut DigitTones, ticks: usize) -> Vec<i16> {
        let mut heard = Vec::new();
        for _ in 0..ticks {
            let (mut mix, mut frame) = (Mixer::default(), [0; FRAME]);
            tones.add_to(&mut mix);
            mix.all(&mut frame);
            heard.extend(frame);
        }
        heard
    }

    fn is_over(tones: &mut DigitTones) -> bool {
        heard(tones, 2).iter().all(|sample| *sample == 0)
    }

    #[test]
    fn a_digit_is_two_tones_of_200_ms_and_a_pause() {
        let mut tones = DigitTones::default();
        tones.play('5');
        let heard = heard(&mut tones, ON + OFF);
        let (on, off) = heard.split_at(ON * FRAME);
        assert!(share(on, RATE, 770.0) > 0.45 && share(on, RATE, 1336.0) > 0.45);
        assert!(off.iter().all(|sample| *sample == 0) && is_over(&mut tones));
    }

    #[test]
    fn digits_sound_one_after_the_other() {
        let mut tones = DigitTones::default();
        "1#".chars().for_each(|digit| tones.play(digit));
        let heard = heard(&mut tones, 2 * (ON + OFF));
        let second = &heard[(ON + OFF) * FRAME..][..ON * FRAME];
        assert!(share(second, RATE, 941.0) > 0.45 && share(second, RATE, 1477.0) > 0.45);
    }

    #[test]
    fn thirty_two_digits_wait_and_one_more_is_not_heard() {
        let mut tones = DigitTones::default();
        (0..=WAITING_MAX).for_each(|_| tones.play('1'));
        let _heard = heard(&mut tones, WAITING_MAX * (ON + OFF));
        assert!(is_over(&mut tones));
    }

    #[test]
    fn what_is_stopped_is_not_heard_later() {
        let mut tones = DigitTones::default();
        "12".chars().for_each(|digit| tones.play(digit));
        let _heard = heard(&mut tones, 2);
        tones.stop();
        assert!(is_over(&mut tones));
    }

    #[test]
    fn every_key_has_its_two_tones_and_nothing_else_has() {
        let tone = |digit| frequencies(digit);
        assert_eq!("0123456789*#ABCD".chars().filter_map(tone).count(), 16);
        assert_eq!((tone('D'), tone('E')), (Some([941.0, 1633.0]), None));
    }
}
