//! Chance as an input: tags, branches, Call-IDs and SSRCs are drawn from a source that is handed
//! in. The shell seeds it from the operating system, a test or the simulator from a number.

use core::fmt;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A cryptographically strong source of random bits; the same seed gives the same bits.
#[derive(Clone)]
pub struct Entropy(ChaCha12Rng);

impl Entropy {
    /// A source from 256 bits of seed. Whoever knows them knows all that follows, so outside of
    /// tests they come from the operating system.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// A source for tests and the simulator.
    #[must_use]
    pub fn from_u64(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A new, independent source, seeded from this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Self::from_seed(seed)
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from `0..bound`; 0 when `bound` is 0. Rejection keeps it uniform.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let zone = u64::MAX - u64::MAX % bound;
        loop {
            let drawn = self.next_u64();
            if drawn < zone {
                return drawn % bound;
            }
        }
    }

    /// `N` characters of `[0-9a-f]`, 4 random bits each: fit for SIP tags, branches and Call-IDs.
    pub fn hex<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        for byte in &mut out {
            *byte = match *byte & 0xf {
                digit @ 0..=9 => b'0' + digit,
                letter => b'a' + (letter - 10),
            };
        }
        out
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_bits() {
        let (mut a, mut b) = (Entropy::from_u64(7), Entropy::from_u64(7));
        assert_eq!(a.hex::<32>(), b.hex::<32>());
        assert_eq!(a.fork().next_u64(), b.fork().next_u64());
        assert_ne!(Entropy::from_u64(8).next_u64(), Entropy::from_u64(7).next_u64());
    }

    #[test]
    fn below_stays_below() {
        let mut entropy = Entropy::from_u64(1);
        assert_eq!(entropy.below(0), 0);
        assert!((0..1000).all(|_| entropy.below(3) < 3));
    }

    #[test]
    fn hex_is_lower_case_hexadecimal() {
        let token = Entropy::from_u64(1).hex::<64>();
        assert!(token.iter().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }
}
