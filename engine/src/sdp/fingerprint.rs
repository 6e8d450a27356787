//! `a=fingerprint`: the hash of the certificate that a connection will show (RFC 8122 §5).

use std::fmt;
use std::str::FromStr;

use sha1::{Digest as _, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// Fingerprints of one medium that are looked at.
pub const FINGERPRINTS_MAX: usize = 16;

/// A hash function of RFC 8122 §5 that still says something. MD5 and MD2 do not: whoever wants can
/// make two certificates with one hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HashFunction {
    /// `sha-1`, for peers that know nothing better.
    Sha1,
    /// `sha-224`.
    Sha224,
    /// `sha-256`, what we offer.
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

impl HashFunction {
    /// All of them, the weakest first.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in IANA's registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// Octets of the hash.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Hashes a certificate in DER.
    #[must_use]
    pub fn hash(self, certificate: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(certificate).to_vec(),
            Self::Sha224 => Sha224::digest(certificate).to_vec(),
            Self::Sha256 => Sha256::digest(certificate).to_vec(),
            Self::Sha384 => Sha384::digest(certificate).to_vec(),
            Self::Sha512 => Sha512::digest(certificate).to_vec(),
        }
    }
}

/// Why an attribute is no fingerprint that can be held against a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FingerprintError {
    /// It is not `FUNCTION HEX:HEX…`.
    Grammar,
    /// The hash function is unknown, or too weak.
    Function,
    /// The hash has another length than its function gives.
    Length,
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grammar => "a fingerprint is a hash function and pairs of hex digits with colons",
            Self::Function => "this hash function is unknown or too weak for a fingerprint",
            Self::Length => "the fingerprint is longer or shorter than its hash function's",
        })
    }
}

impl std::error::Error for FingerprintError {}

/// One `a=fingerprint` value.
///
/// ```
/// use offhook::sdp::fingerprint::Fingerprint;
///
/// let told: Fingerprint =
///     "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB".parse()?;
/// assert!(!told.fits(b"some other certificate"));
/// # Ok::<(), offhook::sdp::fingerprint::FingerprintError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint {
    /// How the certificate is hashed.
    pub function: HashFunction,
    /// The hash.
    pub hash: Vec<u8>,
}

impl Fingerprint {
    /// Of a certificate in DER, by SHA-256.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let function = HashFunction::Sha256;
        Self { function, hash: function.hash(certificate) }
    }

    /// Whether the certificate, in DER, is the one that was told of.
    #[must_use]
    pub fn fits(&self, certificate: &[u8]) -> bool {
        self.function.hash(certificate) == self.hash
    }
}

/// Whether a certificate is one of those that a description tells of: of all functions the
/// strongest counts alone, and of that any hash may fit (RFC 8122 §5).
#[must_use]
pub fn any_fits(told: &[Fingerprint], certificate: &[u8]) -> bool {
    let strongest = told.iter().map(|one| one.function).max();
    told.iter().any(|one| Some(one.function) == strongest && one.fits(certificate))
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (function, hash) = text.trim().split_once(' ').ok_or(FingerprintError::Grammar)?;
        let named = HashFunction::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(function));
        let function = named.ok_or(FingerprintError::Function)?;
        let mut octets = Vec::with_capacity(function.length());
        for pair in hash.trim().split(':') {
            let is_pair = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            let octet = u8::from_str_radix(pair, 16).ok().filter(|_| is_pair);
            if octets.len() == function.length() {
                return Err(FingerprintError::Length);
            }
            octets.push(octet.ok_or(FingerprintError::Grammar)?);
        }
        if octets.len() != function.length() {
            return Err(FingerprintError::Length);
        }
        Ok(Self { function, hash: octets })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.function.name())?;
        for (index, octet) in self.hash.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for function in HashFunction::ALL {
            let told = Fingerprint { function, hash: function.hash(b"certificate") };
            assert_eq!(told.to_string().parse(), Ok(told.clone()));
            assert_eq!(told.to_string().to_lowercase().parse(), Ok(told.clone()));
            assert!(told.fits(b"certificate") && !told.fits(b"certificatf"));
        }
    }

    #[test]
    fn the_hash_of_nothing_by_sha_256_is_the_standards() {
        let told = Fingerprint::of(b"").to_string();
        assert!(told.starts_with("sha-256 E3:B0:C4:42:98:FC:1C:14"), "{told}");
        assert!(told.ends_with("78:52:B8:55"), "{told}");
    }

    #[test]
    fn broken_weak_and_cut_off_ones_are_refused_each_for_its_reason() {
        let whole = Fingerprint::of(b"x").to_string();
        let cut = whole.get(..whole.len() - 3).unwrap();
        for (text, reason) in [
            ("", FingerprintError::Grammar),
            ("sha-256", FingerprintError::Grammar),
            ("md5 00:11", FingerprintError::Function),
            ("sha-256 0011", FingerprintError::Grammar),
            ("sha-256 +1:00", FingerprintError::Grammar),
            (cut, FingerprintError::Length),
            (&format!("{whole}:00"), FingerprintError::Length),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn of_several_functions_the_strongest_decides() {
        let weak = Fingerprint { function: HashFunction::Sha1, hash: Sha1::digest(b"a").to_vec() };
        let (right, wrong) = (Fingerprint::of(b"a"), Fingerprint::of(b"b"));
        assert!(any_fits(std::slice::from_ref(&weak), b"a"));
        assert!(!any_fits(&[weak.clone(), wrong.clone()], b"a"));
        assert!(any_fits(&[weak, wrong, right], b"a"));
        assert!(!any_fits(&[], b"a"));
    }
}
