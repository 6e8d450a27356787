//! Whom we believe: a certificate by its fingerprint (RFC 8122), or by who vouches for it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};

use super::{Identity, TlsError, identity};
use crate::sdp::fingerprint::{Fingerprint, any_fits};

/// Whose certificates are good enough.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Those that the peer's session description told of.
    Fingerprints(Vec<Fingerprint>),
    /// Those that an authority of the file, or of the system, vouches for, made for that name.
    Authorities(Option<PathBuf>),
    /// Anybody's: verification is turned off.
    Anybody,
}

/// A client that shows `identity` if it is asked and believes as `trust` says.
pub(crate) fn client(identity: &Identity, trust: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Identity(error.to_string()))?;
    let builder = match trust {
        Trust::Fingerprints(told) => {
            let verifier = Arc::new(ByFingerprint(Some(told.clone())));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        Trust::Anybody => {
            let verifier = Arc::new(ByFingerprint(None));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        Trust::Authorities(file) => {
            let verifier = WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots(file.as_ref())?),
                provider(),
            );
            let verifier =
                verifier.build().map_err(|error| TlsError::NoAuthorities(error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        }
    };
    let shown = SingleCertAndKey::from(Arc::clone(&identity.certified));
    Ok(Arc::new(builder.with_client_cert_resolver(Arc::new(shown))))
}

/// A server that shows `identity`, asks for the client's certificate and takes any: whose it is has
/// to be looked at by [`TlsStream::shows_one_of`](super::TlsStream::shows_one_of), once it is known
/// which session the client wants.
pub(crate) fn server(identity: &Identity) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Identity(error.to_string()))?;
    let shown = SingleCertAndKey::from(Arc::clone(&identity.certified));
    let mut config = builder
        .with_client_cert_verifier(Arc::new(ByFingerprint(None)))
        .with_cert_resolver(Arc::new(shown));
    // A ticket would let a client back in without its certificate.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn roots(file: Option<&PathBuf>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in identity::certificates(file)? {
            roots.add(certificate).map_err(|error| TlsError::File {
                file: file.clone(),
                reason: format!("this is no certificate of an authority: {error}"),
            })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    // Systems carry some that are broken or too old; the others are what counts.
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        let reason = found.errors.first().map_or("there are none".into(), ToString::to_string);
        return Err(TlsError::NoAuthorities(reason));
    }
    Ok(roots)
}

/// Believes who shows one of these certificates and has its key; `None` believes whoever has the key
/// of what is shown. Names, dates and who signed the certificate do not matter (RFC 8122 §6).
#[derive(Debug)]
struct ByFingerprint(Option<Vec<Fingerprint>>);

impl ByFingerprint {
    fn admits(&self, certificate: &[u8]) -> Result<(), Error> {
        match &self.0 {
            Some(told) if !any_fits(told, certificate) => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(()),
        }
    }
}

/// Signatures are checked as for any certificate.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let schemes = ring::default_provider().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signed, &schemes)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let schemes = ring::default_provider().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signed, &schemes)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            ring::default_provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for ByFingerprint {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.admits(certificate).map(|()| ServerCertVerified::assertion())
    }

    signatures!();
}

impl ClientCertVerifier for ByFingerprint {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.admits(certificate).map(|()| ClientCertVerified::assertion())
    }

    signatures!();
}
