//! Playing faster or slower without a change of pitch: a period is left out or played twice,
//! with a cross-fade where the voice resembles itself most.

use crate::stream::FRAME;

use super::conceal::{HISTORY, best_lag, fade};

/// Samples that [`faster`] looks at: a frame and the longest period.
pub(super) const AHEAD: usize = FRAME + 120;
/// Samples of the cross-fade.
const OVERLAP: usize = 80;

/// Plays a frame from more than a frame. Returns the samples used up.
pub(super) fn faster(ahead: &[i16; AHEAD], out: &mut [i16; FRAME]) -> usize {
    let later = |lag: usize| ahead.get(lag..).unwrap_or_default();
    let lag = best_lag(ahead.get(..OVERLAP).unwrap_or_default(), later);
    cross_fade(ahead.iter(), later(lag).iter(), out);
    FRAME + lag
}

/// Plays a frame from less than a frame; `ahead` needs only [`FRAME`] samples. Returns the
/// samples used up.
pub(super) fn slower(
    history: &[i16; HISTORY],
    ahead: &[i16; AHEAD],
    out: &mut [i16; FRAME],
) -> usize {
    let mut signal = [0; HISTORY + FRAME];
    let samples = history.iter().chain(ahead);
    signal.iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
    let earlier = |lag: usize| signal.get(HISTORY - lag..).unwrap_or_default();
    let lag = best_lag(ahead.get(..OVERLAP).unwrap_or_default(), earlier);
    cross_fade(ahead.iter(), earlier(lag).iter(), out);
    FRAME - lag
}

fn cross_fade<'a>(
    from: impl Iterator<Item = &'a i16>,
    to: impl Iterator<Item = &'a i16>,
    out: &mut [i16; FRAME],
) {
    for (place, (sample, (from, to))) in out.iter_mut().zip(from.zip(to)).enumerate() {
        *sample = fade(*from, *to, place + 1, OVERLAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Sine, dominant_frequency, longest_gap};

    /// A tone with every fourth frame stretched; what was used up of it.
    fn stretched(frequency: f64, fast: bool) -> (Vec<i16>, usize) {
        let mut input = vec![0; 40_000];
        Sine::new(frequency, 8000, 8000).fill(&mut input);
        let (mut played, mut position) = (input[..HISTORY].to_vec(), HISTORY);
        for tick in 0..100 {
            let mut out = [0; FRAME];
            let ahead = input[position..][..AHEAD].try_into().unwrap();
            position += match (tick % 4, fast) {
                (0, true) => faster(ahead, &mut out),
                (0, false) => slower(played.last_chunk().unwrap(), ahead, &mut out),
                _ => {
                    out.copy_from_slice(&ahead[..FRAME]);
                    FRAME
                }
            };
            played.extend_from_slice(&out);
        }
        (played, position)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_has_no_gap_either_way() {
        for fast in [true, false] {
            for frequency in [120.0, 440.0, 1000.0, 2500.0] {
                let (played, used) = stretched(frequency, fast);
                assert_eq!(used > played.len(), fast);
                assert!(used.abs_diff(played.len()) >= 25 * 40);
                assert!(longest_gap(&played, 8000, 700).as_micros() < 1000, "{frequency} {fast}");
                let told = dominant_frequency(&played, 8000).unwrap();
                assert!((told - frequency).abs() < 5.0, "{frequency} {fast}: {told}");
            }
        }
    }
}
