//! Master keys and suites (RFC 3711 §3.2.1, RFC 4568 §6.2).

use std::fmt;

use offhook_fsm::Entropy;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Octets of a master key with its salt: 16 and 14.
pub const MASTER_KEY_LEN: usize = 30;

/// How packets are encrypted and authenticated. All of RTP's and RTCP's keys are 128 bits long,
/// SRTCP's tag is 80 bits long in both (RFC 4568 §6.2.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suite {
    /// Tags of 80 bits.
    AesCm128HmacSha1_80,
    /// Tags of 32 bits on RTP.
    AesCm128HmacSha1_32,
}

impl Suite {
    /// Every suite, best first.
    pub const ALL: [Self; 2] = [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// Its registered name (RFC 4568 §6.2).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The suite of that name. Letters are compared as written, as the RFC's grammar has them.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.as_str().as_bytes() == name)
    }

    /// Octets of the tag behind an RTP packet.
    #[must_use]
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 => 4,
        }
    }
}

/// A master key with its master salt. It is not shown, and it is wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    key: [u8; 16],
    salt: [u8; 14],
}

impl MasterKey {
    /// Key, then salt, as SDES carries them (RFC 4568 §6.1).
    #[must_use]
    pub fn new(key_and_salt: &[u8; MASTER_KEY_LEN]) -> Self {
        let (mut key, mut salt) = ([0; 16], [0; 14]);
        let mut bytes = key_and_salt.iter();
        key.iter_mut().zip(&mut bytes).for_each(|(place, byte)| *place = *byte);
        // `zip` asks the places first, so no byte is lost between the two.
        salt.iter_mut().zip(&mut bytes).for_each(|(place, byte)| *place = *byte);
        Self { key, salt }
    }

    /// A fresh key.
    #[must_use]
    pub fn random(entropy: &mut Entropy) -> Self {
        let mut made = Self { key: [0; 16], salt: [0; 14] };
        entropy.fill(&mut made.key);
        entropy.fill(&mut made.salt);
        made
    }

    /// The master key.
    #[must_use]
    pub const fn key(&self) -> &[u8; 16] {
        &self.key
    }

    /// The master salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8; 14] {
        &self.salt
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}

impl PartialEq for MasterKey {
    /// Takes as long for keys that differ in their first bit as for the same.
    fn eq(&self, other: &Self) -> bool {
        (self.key.ct_eq(&other.key) & self.salt.ct_eq(&other.salt)).into()
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// What a negotiation settles about SRTP: one suite, and a key for each direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SrtpKeys {
    /// The suite of both directions.
    pub suite: Suite,
    /// Ours: what we send is protected with it.
    pub local: MasterKey,
    /// The peer's: what we receive is protected with it.
    pub remote: MasterKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let key = MasterKey::new(&[0xab; 30]);
        let keys =
            SrtpKeys { suite: Suite::AesCm128HmacSha1_80, local: key.clone(), remote: key.clone() };
        let shown = format!("{key:?} {keys:?}");
        assert!(!shown.contains("171") && !shown.contains("ab"), "{shown}");
    }

    #[test]
    fn a_key_is_its_first_sixteen_octets_and_the_salt_the_rest() {
        let bytes: [u8; 30] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let key = MasterKey::new(&bytes);
        assert_eq!([key.key().as_slice(), key.salt()].concat(), bytes);
        assert_eq!(key, key.clone());
        for bit in 0..240 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(key, MasterKey::new(&other), "{bit}");
        }
    }

    #[test]
    fn fresh_keys_repeat_with_their_source_and_only_then() {
        let draw = |seed| MasterKey::random(&mut Entropy::from_u64(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut entropy = Entropy::from_u64(1);
        assert_ne!(MasterKey::random(&mut entropy), MasterKey::random(&mut entropy));
    }

    #[test]
    fn suites_are_found_by_their_names() {
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.as_str().as_bytes()), Some(suite));
        }
        assert_eq!(Suite::named(b"AES_CM_128_HMAC_SHA1_8"), None);
        assert_eq!(Suite::named(b"F8_128_HMAC_SHA1_80"), None);
    }
}
