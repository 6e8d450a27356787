//! Tags by HMAC-SHA1 (RFC 3711 §4.2.1).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Octets of an authentication key.
pub(super) const KEY_LEN: usize = 20;
/// Octets of a tag before it is cut.
const TAG_LEN: usize = 20;

/// An authentication key, both of its pads hashed already. Its crates wipe it.
pub(super) struct Authentication(Hmac<Sha1>);

impl Authentication {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        // HMAC fills a key up to a block of its hash with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
        let made = Self(Hmac::new(&block.into()));
        zeroize::Zeroize::zeroize(&mut block);
        made
    }

    /// The tag of a message in two parts.
    pub(super) fn tag(&self, message: &[u8], more: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.update(more);
        mac.finalize().into_bytes().into()
    }

    /// Whether a cut tag is the message's, in a time that does not tell where it differs.
    pub(super) fn is_tag(&self, message: &[u8], more: &[u8], tag: &[u8]) -> bool {
        let own = self.tag(message, more);
        own.get(..tag.len()).is_some_and(|own| !tag.is_empty() && bool::from(own.ct_eq(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 2202 §3, test case 1.
    #[test]
    fn rfc_2202_tag() {
        let authentication = Authentication::new(&[0x0b; 20]);
        let expected = hex("b617318655057264e28bc0b6fb378c8ef146be00");
        assert_eq!(authentication.tag(b"Hi There", b"").as_slice(), expected);
        assert_eq!(authentication.tag(b"Hi", b" There").as_slice(), expected);
        assert!(authentication.is_tag(b"Hi There", b"", &expected[..10]));
        assert!(!authentication.is_tag(b"Hi There", b"", &[]));
        assert!(!authentication.is_tag(b"Hi There", b"", &[&expected[..], &[0]].concat()));
    }
}
