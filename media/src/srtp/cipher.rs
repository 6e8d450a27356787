//! AES in counter mode (RFC 3711 §4.1.1).

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};
use zeroize::Zeroize;

/// Octets of a block.
const BLOCK: usize = 16;
/// Blocks that are encrypted at once: what the processor's AES unit does side by side.
const BATCH: usize = 12;

/// A session key with its session salt.
pub(super) struct Cipher {
    aes: Aes128,
    salt: [u8; 14],
}

impl Cipher {
    pub(super) fn new(key: &[u8; 16], salt: [u8; 14]) -> Self {
        Self { aes: Aes128::new(key.into()), salt }
    }

    /// Encrypts or decrypts what lies in one packet: `IV = salt·2^16 ⊕ SSRC·2^64 ⊕ index·2^16`.
    pub(super) fn apply(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let [_, _, i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
        let mut nonce = [0, 0, 0, 0, s0, s1, s2, s3, i0, i1, i2, i3, i4, i5];
        nonce.iter_mut().zip(&self.salt).for_each(|(byte, salt)| *byte ^= salt);
        xor_keystream(&self.aes, &nonce, data);
    }
}

impl Drop for Cipher {
    /// The key's own schedule is wiped by its crate.
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

/// Adds the keystream that begins at counter 0 of a nonce. A datagram is far shorter than the
/// 2^16 blocks that the counter counts.
pub(super) fn xor_keystream(aes: &Aes128, nonce: &[u8; 14], data: &mut [u8]) {
    let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13] = *nonce;
    let mut counter = 0_u16;
    for part in data.chunks_mut(BATCH * BLOCK) {
        let mut blocks = [Block::default(); BATCH];
        let needed = part.len().div_ceil(BLOCK);
        let Some(blocks) = blocks.get_mut(..needed) else { return };
        for block in &mut *blocks {
            let [c0, c1] = counter.to_be_bytes();
            let bytes = [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, c0, c1];
            *block = Block::from(bytes);
            counter = counter.wrapping_add(1);
        }
        aes.encrypt_blocks(blocks);
        for (bytes, key) in part.chunks_mut(BLOCK).zip(&*blocks) {
            bytes.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 B.2.
    #[test]
    fn rfc_3711_b_2_keystream() {
        let key: [u8; 16] = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
        let salt: [u8; 14] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
        let mut stream = vec![0; 0xff02 * 16];
        Cipher::new(&key, salt).apply(0, 0, &mut stream);
        for (counter, expected) in [
            (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
            (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
            (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
            (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ] {
            assert_eq!(stream[counter * 16..counter * 16 + 16], hex(expected), "{counter:04x}");
        }
    }

    #[test]
    fn the_keystream_does_not_depend_on_how_much_is_asked_for() {
        let cipher = Cipher::new(&[7; 16], [9; 14]);
        let mut whole = [0; 1500];
        cipher.apply(0xdead_beef, 0x1234_5678_9abc, &mut whole);
        for length in 0..whole.len() {
            let mut part = vec![0; length];
            cipher.apply(0xdead_beef, 0x1234_5678_9abc, &mut part);
            assert_eq!(part, whole[..length]);
        }
    }
}
