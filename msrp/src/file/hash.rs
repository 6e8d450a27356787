//! The hashes of RFC 5547 §6 as files stream by: `sha-1`, and `sha-256` that newer peers add.

use std::fmt;

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::FileError;
use crate::file_selector::FileSelector;

/// A hash that is understood.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Algorithm {
    /// The one that every implementation must know (RFC 5547 §6). It tells damage, not malice.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// The name in a selector.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha256 => "sha-256",
        }
    }

    /// Bytes of its value.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The strongest one that a selector has a value of, and the value.
    ///
    /// # Errors
    /// [`FileError::HashInvalid`] when its value has another length than the algorithm makes.
    pub fn strongest(selector: &FileSelector) -> Result<Option<(Self, &[u8])>, FileError> {
        let mut known = [Self::Sha256, Self::Sha1].into_iter();
        let found = known.find_map(|own| Some((own, selector.hash(own.name())?)));
        match found {
            Some((own, value)) if value.len() != own.bytes() => Err(FileError::HashInvalid),
            found => Ok(found),
        }
    }
}

#[derive(Clone)]
enum State {
    Sha1(Sha1),
    Sha256(Sha256),
}

/// A hash that is being made.
///
/// ```
/// use offhook_msrp::file::{Algorithm, Hasher};
/// let mut hasher = Hasher::new(Algorithm::Sha1);
/// hasher.update(b"abc");
/// assert_eq!(hasher.finish()[..4], [0xa9, 0x99, 0x3e, 0x36]);
/// ```
#[derive(Clone)]
pub struct Hasher {
    state: State,
    hashed: u64,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = self.algorithm();
        f.debug_struct("Hasher")
            .field("algorithm", &algorithm)
            .field("hashed", &self.hashed)
            .finish()
    }
}

impl Hasher {
    /// Begins.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha1 => State::Sha1(Sha1::new()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
        };
        Self { state, hashed: 0 }
    }

    /// What it makes.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.state {
            State::Sha1(_) => Algorithm::Sha1,
            State::Sha256(_) => Algorithm::Sha256,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hashed = self.hashed.saturating_add(bytes.len() as u64);
        match &mut self.state {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// Bytes that it took.
    #[must_use]
    pub const fn hashed(&self) -> u64 {
        self.hashed
    }

    /// The value.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_hash_counts_and_must_have_its_length() {
        let selector = |text: &str| FileSelector::parse(text).unwrap();
        let (one, two) = (vec!["AA"; 20].join(":"), vec!["BB"; 32].join(":"));
        let both = selector(&format!("hash:sha-1:{one} hash:sha-256:{two}"));
        let found = Algorithm::strongest(&both).unwrap();
        assert_eq!(found, Some((Algorithm::Sha256, &[0xbb; 32][..])));
        let old = selector(&format!("hash:md5:AA hash:sha-1:{one}"));
        assert_eq!(Algorithm::strongest(&old).unwrap(), Some((Algorithm::Sha1, &[0xaa; 20][..])));
        assert_eq!(Algorithm::strongest(&selector("hash:md5:AA size:1")), Ok(None));
        for text in [format!("hash:sha-1:{two}"), format!("hash:sha-1:{one} hash:sha-256:{one}")] {
            assert_eq!(Algorithm::strongest(&selector(&text)), Err(FileError::HashInvalid));
        }
    }

    #[test]
    fn a_hash_does_not_depend_on_how_its_bytes_are_cut() {
        let data: Vec<u8> = (0..=255).collect();
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
            let mut whole = Hasher::new(algorithm);
            whole.update(&data);
            let expected = whole.finish();
            assert_eq!(expected.len(), algorithm.bytes());
            for cut in 0..=data.len() {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&data[..cut]);
                hasher.update(&data[cut..]);
                assert_eq!((hasher.hashed(), hasher.finish()), (256, expected.clone()));
            }
        }
    }
}
