//! Session keys out of a master key (RFC 3711 §4.3), derived once: the key derivation rate is 0.

use aes::Aes128;
use aes::cipher::KeyInit;
use zeroize::Zeroize;

use super::authentication::{Authentication, KEY_LEN};
use super::cipher::{Cipher, xor_keystream};
use super::key::MasterKey;

/// Labels of the keys of SRTP and SRTCP (§4.3.1, §4.3.2).
#[derive(Clone, Copy)]
pub(super) enum Labels {
    Rtp = 0,
    Rtcp = 3,
}

/// The session keys of SRTP or of SRTCP.
pub(super) struct SessionKeys {
    pub(super) cipher: Cipher,
    pub(super) authentication: Authentication,
}

impl SessionKeys {
    pub(super) fn new(master: &MasterKey, labels: Labels) -> Self {
        let label = labels as u8;
        let aes = Aes128::new(master.key().into());
        let (mut key, mut tagging, mut salt) = ([0; 16], [0; KEY_LEN], [0; 14]);
        derive(&aes, master.salt(), label, &mut key);
        derive(&aes, master.salt(), label + 1, &mut tagging);
        derive(&aes, master.salt(), label + 2, &mut salt);
        let made =
            Self { cipher: Cipher::new(&key, salt), authentication: Authentication::new(&tagging) };
        key.zeroize();
        tagging.zeroize();
        salt.zeroize();
        made
    }
}

/// `x = label·2^48 ⊕ salt`, and the keystream of `x·2^16` (§4.3.3).
fn derive(aes: &Aes128, salt: &[u8; 14], label: u8, out: &mut [u8]) {
    let mut nonce = *salt;
    let [_, _, _, _, _, _, _, place, ..] = &mut nonce;
    *place ^= label;
    xor_keystream(aes, &nonce, out);
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 B.3.
    #[test]
    fn rfc_3711_b_3_key_derivation() {
        let key: [u8; 16] = hex("E1F97A0D3E018BE0D64FA32C06DE4139").try_into().unwrap();
        let salt: [u8; 14] = hex("0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap();
        let derived = |label, length| {
            let mut out = vec![0; length];
            derive(&Aes128::new((&key).into()), &salt, label, &mut out);
            out
        };
        assert_eq!(derived(0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(derived(2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let authentication = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
            E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
            6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
        assert_eq!(derived(1, 94), hex(authentication));
    }
}
