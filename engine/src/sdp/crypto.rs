//! SDES: keys for SRTP in session descriptions (RFC 4568). An offer carries an `a=crypto` line for
//! each suite, the answer repeats the tag of one with a key of its own.

use std::fmt;

use offhook_fsm::Entropy;
use offhook_media::srtp::{MasterKey, SrtpKeys, Suite};

/// Lines of one medium that are looked at; those behind them are as if they were not there.
pub const CRYPTO_LINES_MAX: usize = 32;
/// A key's lifetime, at most: 2^48 packets (RFC 3711 §9.2).
const LIFETIME_MAX: u64 = 1 << 48;

/// `a=crypto:TAG SUITE inline:KEY[|LIFETIME] [PARAMETER…]` (RFC 4568 §4, §6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CryptoAttribute {
    /// Names the line in its medium, 0–999 999 999.
    pub tag: u32,
    /// The suite.
    pub suite: Suite,
    /// The key of whoever wrote the line. It is not shown.
    pub key: MasterKey,
    /// For how many packets the key is to serve, if the line says. Nothing ends when it is over:
    /// the key's owner is to change it before.
    pub lifetime: Option<u64>,
}

/// Why a line, or an answer, cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CryptoError {
    /// It is not `TAG SUITE METHOD:KEY…`.
    Grammar,
    /// The suite is none of ours.
    Suite,
    /// The keys come by another method than `inline`.
    Method,
    /// There are several keys, to be told apart by MKIs.
    SeveralKeys,
    /// The key is not 30 octets in base64.
    Key,
    /// The lifetime is no number, 0, or above 2^48.
    Lifetime,
    /// Packets are to carry a master key identifier.
    MasterKeyIndex,
    /// A session parameter that we know and do not agree to (RFC 4568 §6.3).
    Refused(&'static str),
    /// A session parameter that we do not know and may not ignore (RFC 4568 §6.3.7).
    UnknownParameter,
    /// The answer has no line.
    NoAnswer,
    /// The answer has more than one line.
    SeveralAnswers,
    /// The answer has a tag that was not offered, or not with that suite.
    NotOffered,
    /// The answer has our own key: both directions would use one keystream.
    OurKey,
}

/// What would weaken a stream, or change its packets in a way that is not built.
const REFUSED: [&str; 6] = [
    "KDR",
    "UNENCRYPTED_SRTP",
    "UNENCRYPTED_SRTCP",
    "UNAUTHENTICATED_SRTP",
    "FEC_ORDER",
    "FEC_KEY",
];

impl CryptoAttribute {
    /// Reads what stands behind `a=crypto:`.
    ///
    /// # Errors
    /// When it cannot be read, or asks for something that is not built.
    ///
    /// ```
    /// use offhook::sdp::crypto::CryptoAttribute;
    /// let line = b"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20";
    /// let crypto = CryptoAttribute::parse(line)?;
    /// assert_eq!((crypto.tag, crypto.lifetime), (1, Some(1 << 20)));
    /// # Ok::<(), offhook::sdp::crypto::CryptoError>(())
    /// ```
    pub fn parse(value: &[u8]) -> Result<Self, CryptoError> {
        let tag = tag(value).ok_or(CryptoError::Grammar)?;
        let mut words = words(value).skip(1);
        let suite = words.next().ok_or(CryptoError::Grammar)?;
        let suite = Suite::named(suite).ok_or(CryptoError::Suite)?;
        let keys = words.next().ok_or(CryptoError::Grammar)?;
        let method = keys.split(|byte| *byte == b':').next().unwrap_or_default();
        let info = keys.get(method.len() + 1..).ok_or(CryptoError::Grammar)?;
        if !method.eq_ignore_ascii_case(b"inline") {
            return Err(CryptoError::Method);
        }
        if info.contains(&b';') {
            return Err(CryptoError::SeveralKeys);
        }
        let mut parts = info.split(|byte| *byte == b'|');
        let key = MasterKey::from_base64(parts.next().unwrap_or_default());
        let key = key.ok_or(CryptoError::Key)?;
        let mut lifetime = None;
        for (place, part) in parts.enumerate() {
            // Both parts may be left out; only the MKI has a colon.
            if part.contains(&b':') {
                return Err(CryptoError::MasterKeyIndex);
            }
            match (place, part) {
                (0, part) => lifetime = Some(parse_lifetime(part)?),
                (1, []) => {}
                _ => return Err(CryptoError::Grammar),
            }
        }
        words.try_for_each(check_parameter)?;
        Ok(Self { tag, suite, key, lifetime })
    }

    /// Writes the whole line, its end included.
    pub fn print(&self, out: &mut Vec<u8>) {
        let tag = self.tag.to_string();
        let lifetime = self.lifetime.map(|packets| format!("|{packets}")).unwrap_or_default();
        out.extend_from_slice(b"a=crypto:");
        out.extend_from_slice(tag.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.suite.as_str().as_bytes());
        out.extend_from_slice(b" inline:");
        out.extend_from_slice(&self.key.to_base64());
        out.extend_from_slice(lifetime.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// The lines of an offer: one a suite, best first, each with a key of its own.
#[must_use]
pub fn offer_crypto(entropy: &mut Entropy) -> [CryptoAttribute; 2] {
    let [best, other] = Suite::ALL;
    [(1, best), (2, other)].map(|(tag, suite)| CryptoAttribute {
        tag,
        suite,
        key: MasterKey::random(entropy),
        lifetime: None,
    })
}

/// The line of an offer that we take: the first, in the peer's order, that we can. Of lines with
/// one tag only the first counts.
pub fn choose<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<CryptoAttribute> {
    let mut tags = Vec::new();
    lines.into_iter().take(CRYPTO_LINES_MAX).find_map(|line| {
        let tag = tag(line)?;
        if tags.contains(&tag) {
            return None;
        }
        tags.push(tag);
        CryptoAttribute::parse(line).ok()
    })
}

/// Our answer to the line that was chosen, and the keys from then on.
#[must_use]
pub fn answer_crypto(
    chosen: &CryptoAttribute,
    entropy: &mut Entropy,
) -> (CryptoAttribute, SrtpKeys) {
    answer_with(chosen, MasterKey::random(entropy))
}

/// Like [`answer_crypto`] with a key that we have: in a running session ours need not change with
/// the peer's (RFC 4568 §7.1.4). It must be this session's own, of no other session or fork.
#[must_use]
pub fn answer_with(chosen: &CryptoAttribute, key: MasterKey) -> (CryptoAttribute, SrtpKeys) {
    let CryptoAttribute { tag, suite, .. } = *chosen;
    let keys = SrtpKeys { suite, local: key.clone(), remote: chosen.key.clone() };
    (CryptoAttribute { tag, suite, key, lifetime: None }, keys)
}

/// The keys that follow from our offer and the lines of the peer's answer.
///
/// # Errors
/// When there is not exactly one line, it cannot be used, it answers nothing that was offered, or
/// its key is one of ours.
pub fn apply_answer<'a>(
    offered: &[CryptoAttribute],
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<SrtpKeys, CryptoError> {
    let mut lines = lines.into_iter();
    let answer = CryptoAttribute::parse(lines.next().ok_or(CryptoError::NoAnswer)?)?;
    if lines.next().is_some() {
        return Err(CryptoError::SeveralAnswers);
    }
    let meant = |ours: &&CryptoAttribute| (ours.tag, ours.suite) == (answer.tag, answer.suite);
    let ours = offered.iter().find(meant).ok_or(CryptoError::NotOffered)?;
    if offered.iter().any(|line| line.key == answer.key) {
        return Err(CryptoError::OurKey);
    }
    Ok(SrtpKeys { suite: answer.suite, local: ours.key.clone(), remote: answer.key.clone() })
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// One to nine digits.
fn tag(value: &[u8]) -> Option<u32> {
    let word = words(value).next().filter(|word| word.len() <= 9)?;
    u32::try_from(number(word)?).ok()
}

fn number(digits: &[u8]) -> Option<u64> {
    // `parse` would take a sign.
    let right = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| right)?.parse().ok()
}

/// Packets: a number, or `2^N`.
fn parse_lifetime(text: &[u8]) -> Result<u64, CryptoError> {
    let packets = match text.strip_prefix(b"2^") {
        Some(exponent) => number(exponent)
            .and_then(|exponent| u32::try_from(exponent).ok())
            .and_then(|exponent| 1_u64.checked_shl(exponent)),
        None => number(text),
    };
    packets.filter(|packets| (1..=LIFETIME_MAX).contains(packets)).ok_or(CryptoError::Lifetime)
}

fn check_parameter(word: &[u8]) -> Result<(), CryptoError> {
    let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
    // What begins so may be ignored by who does not know it (§6.3.7). The window's size is a hint,
    // and ours is what it is (§6.3.6).
    if word.starts_with(b"-") || name == b"WSH" {
        return Ok(());
    }
    let known = REFUSED.into_iter().find(|known| known.as_bytes() == name);
    Err(known.map_or(CryptoError::UnknownParameter, CryptoError::Refused))
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grammar => "a crypto line is TAG SUITE inline:KEY",
            Self::Suite => "the crypto suite is not known",
            Self::Method => "the crypto line's keys are not inline",
            Self::SeveralKeys => "the crypto line has several keys",
            Self::Key => "the crypto line's key is not 30 octets in base64",
            Self::Lifetime => "the crypto line's lifetime is not between 1 and 2^48 packets",
            Self::MasterKeyIndex => "the crypto line asks for a master key identifier",
            Self::Refused(name) => return write!(f, "the crypto line asks for {name}"),
            Self::UnknownParameter => "the crypto line asks for something that is not known",
            Self::NoAnswer => "the answer has no crypto line",
            Self::SeveralAnswers => "the answer has several crypto lines",
            Self::NotOffered => "the answer's crypto line was not offered",
            Self::OurKey => "the answer's key is our own",
        })
    }
}

impl std::error::Error for CryptoError {}

#[cfg(test)]
#[path = "crypto_tests.rs"]
mod tests;
