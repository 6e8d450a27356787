//! Master keys and suites (RFC 3711 §3.2.1, RFC 4568 §6.2).

use std::fmt;

use offhook_fsm::Entropy;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Octets of a master key with its salt: 16 and 14.
pub const MASTER_KEY_LEN: usize = 30;

/// Characters of the same in base64: no padding is needed.
pub const MASTER_KEY_BASE64_LEN: usize = MASTER_KEY_LEN / 3 * 4;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

    /// Reads base64 (RFC 4648 §4), as SDES carries it; `None` for any other length or letter.
    #[must_use]
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        let text: &[u8; MASTER_KEY_BASE64_LEN] = text.try_into().ok()?;
        let mut bytes = [0; MASTER_KEY_LEN];
        let (groups, _) = text.as_chunks::<4>();
        let (places, _) = bytes.as_chunks_mut::<3>();
        let mut right = true;
        for (group, place) in groups.iter().zip(places) {
            let mut word = 0_u32;
            for letter in group {
                let value = sextet(*letter);
                right &= value.is_some();
                word = word << 6 | u32::from(value.unwrap_or_default());
            }
            let [_, b0, b1, b2] = word.to_be_bytes();
            *place = [b0, b1, b2];
        }
        let made = right.then(|| Self::new(&bytes));
        bytes.zeroize();
        made
    }

    /// Writes base64. It ends in a message, so it is not wiped.
    #[must_use]
    pub fn to_base64(&self) -> [u8; MASTER_KEY_BASE64_LEN] {
        let mut bytes = [0; MASTER_KEY_LEN];
        let own = self.key.iter().chain(&self.salt);
        bytes.iter_mut().zip(own).for_each(|(place, byte)| *place = *byte);
        let mut text = [b'='; MASTER_KEY_BASE64_LEN];
        let (groups, _) = bytes.as_chunks::<3>();
        let (places, _) = text.as_chunks_mut::<4>();
        for (&[b0, b1, b2], place) in groups.iter().zip(places) {
            let word = u32::from_be_bytes([0, b0, b1, b2]);
            let letter = |shift: u32| {
                let value = usize::try_from(word >> shift & 0x3f).unwrap_or_default();
                BASE64.get(value).copied().unwrap_or(b'=')
            };
            *place = [letter(18), letter(12), letter(6), letter(0)];
        }
        bytes.zeroize();
        text
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

/// What a letter of base64 stands for.
const fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
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
    fn base64_is_read_as_it_is_written() {
        // RFC 4568 §6.1.
        let text = b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        let key = MasterKey::from_base64(text).unwrap();
        assert_eq!(key, MasterKey::new(b"YS___semctl () {\t220;}\n}\nunles"));
        assert_eq!(&key.to_base64(), text);
        let mut entropy = Entropy::from_u64(4);
        for _ in 0..1000 {
            let key = MasterKey::random(&mut entropy);
            assert_eq!(MasterKey::from_base64(&key.to_base64()), Some(key));
        }
    }

    #[test]
    fn what_is_not_base64_of_thirty_octets_is_no_key() {
        let text = *b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        for length in 0..text.len() {
            assert_eq!(MasterKey::from_base64(&text[..length]), None);
        }
        assert_eq!(MasterKey::from_base64(&[&text[..], b"A"].concat()), None);
        for at in 0..text.len() {
            for letter in [b'=', b'-', b'_', b' ', b'|', 0, 0x80, 0xff] {
                let mut wrong = text;
                wrong[at] = letter;
                assert_eq!(MasterKey::from_base64(&wrong), None);
            }
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
