//! Adds voices up.

/// Adds `other` to `frame`; what is too loud is clipped.
pub fn mix(frame: &mut [i16], other: &[i16]) {
    for (sample, other) in frame.iter_mut().zip(other) {
        *sample = sample.saturating_add(*other);
    }
}

/// Adds voices in 32 bits, so that clipping comes last and once.
#[derive(Clone, Debug)]
pub struct Mix<const N: usize>([i32; N]);

impl<const N: usize> Default for Mix<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Mix<N> {
    /// Starts with silence again.
    pub const fn clear(&mut self) {
        self.0 = [0; N];
    }

    /// Adds a voice.
    pub fn add(&mut self, frame: &[i16; N]) {
        for (sum, sample) in self.0.iter_mut().zip(frame) {
            *sum = sum.saturating_add(i32::from(*sample));
        }
    }

    /// The sum, clipped.
    pub fn write(&self, frame: &mut [i16; N]) {
        for (sample, sum) in frame.iter_mut().zip(&self.0) {
            let clipped = (*sum).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
            *sample = i16::try_from(clipped).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_add_up_and_clip() {
        let mut mix = Mix::<3>::default();
        mix.add(&[1, 30_000, -30_000]);
        mix.add(&[2, 30_000, -30_000]);
        mix.add(&[3, -30_000, 0]);
        let mut out = [0; 3];
        mix.write(&mut out);
        assert_eq!(out, [6, 30_000, i16::MIN]);
        super::mix(&mut out, &[1, 5000, -1]);
        assert_eq!(out, [7, i16::MAX, i16::MIN]);
        mix.clear();
        mix.write(&mut out);
        assert_eq!(out, [0; 3]);
    }
}
