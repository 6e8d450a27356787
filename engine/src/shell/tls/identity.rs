//! The certificate that we show, and its key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;
use crate::sdp::fingerprint::Fingerprint;

/// Certificates of one chain at most.
const CHAIN_MAX: usize = 16;

/// A certificate with its chain, and the key that proves that it is ours. Cheap to clone; the key is
/// never shown.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Makes a key (ECDSA, P-256) and a certificate that nobody but itself vouches for. It is known
    /// by its fingerprint (RFC 8122), in which it differs from every other.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn generate() -> Result<Self, TlsError> {
        let fault = |error: rcgen::Error| TlsError::Identity(error.to_string());
        let mut parameters = rcgen::CertificateParams::new(vec!["offhook.invalid".into()]);
        if let Ok(parameters) = &mut parameters {
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, "offhook");
        }
        let key = rcgen::KeyPair::generate().map_err(fault)?;
        let made = parameters.and_then(|parameters| parameters.self_signed(&key)).map_err(fault)?;
        let key = PrivateKeyDer::try_from(key.serialize_der());
        let key = key.map_err(|reason| TlsError::Identity(reason.to_owned()))?;
        Self::of(vec![made.der().clone()], &key)
    }

    /// Reads the certificate, then those that vouch for it, and the key, all in PEM. `key` may be
    /// the same file. The key is PKCS#8, PKCS#1 or SEC1, without a password.
    ///
    /// # Errors
    /// [`TlsError::File`] for a file that cannot be read or lacks what is looked for,
    /// [`TlsError::Identity`] when certificate and key do not belong together.
    pub(super) fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        if chain.len() > CHAIN_MAX {
            let reason = format!("{} certificates, {CHAIN_MAX} may be", chain.len());
            return Err(TlsError::File { file: certificate.into(), reason });
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| fault(key, &error, "no private key in PEM"))?;
        Self::of(chain, &key)
    }

    fn of(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let refused = |error: rustls::Error| TlsError::Identity(error.to_string());
        let certified = CertifiedKey::new(chain, any_supported_type(key).map_err(refused)?);
        certified.keys_match().map_err(refused)?;
        Ok(Self { certified: Arc::new(certified) })
    }

    /// What the peer is told in SDP, so that it knows us again (RFC 8122 §5).
    #[must_use]
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.certified.cert.first().map_or(&[][..], |first| first))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// All certificates in a PEM file; there is at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let told = |error| fault(file, &error, "no certificate in PEM");
    let read: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(told)?
        .collect::<Result<_, _>>()
        .map_err(told)?;
    if read.is_empty() {
        return Err(TlsError::File { file: file.into(), reason: "no certificate in PEM".into() });
    }
    Ok(read)
}

fn fault(file: &Path, error: &rustls::pki_types::pem::Error, nothing: &str) -> TlsError {
    use rustls::pki_types::pem::Error;
    let reason = match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => nothing.to_owned(),
        other => other.to_string(),
    };
    TlsError::File { file: file.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_made_identity_is_another() {
        let (one, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert!(one.fingerprint().fits(&one.certified.cert[0]));
    }

    #[test]
    fn what_lacks_in_a_file_is_named() {
        let file = std::env::temp_dir().join(format!("offhook-identity-{}", std::process::id()));
        let missing = Identity::from_files(&file, &file).unwrap_err().to_string();
        assert!(missing.contains("No such file"), "{missing}");
        std::fs::write(&file, "nothing of the kind").unwrap();
        let empty = Identity::from_files(&file, &file).unwrap_err().to_string();
        assert!(empty.ends_with("no certificate in PEM"), "{empty}");
        std::fs::remove_file(&file).unwrap();
    }
}
