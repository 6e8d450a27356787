//! TLS on a connection that never blocks: who we are, whom we believe, and the stream itself.

mod identity;
mod stream;
mod verifier;

use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use super::TlsConfig;
use crate::sdp::fingerprint::Fingerprint;

use identity::Identity;
pub(crate) use stream::TlsStream;
use verifier::{Trust, client, server};

/// TLS as one engine does it: one certificate for all its connections.
#[derive(Debug)]
pub(crate) struct EngineTls {
    config: TlsConfig,
    identity: OnceLock<Result<Identity, TlsError>>,
}

impl EngineTls {
    /// # Errors
    /// When a file that the configuration names cannot be used.
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        let tls = Self { config: config.clone(), identity: OnceLock::new() };
        if config.certificate.is_some() {
            tls.identity()?;
        }
        if let Some(file) = &config.authorities {
            verifier::roots(Some(file))?;
        }
        Ok(tls)
    }

    /// Without a file it is made when it is first wanted.
    fn identity(&self) -> Result<&Identity, TlsError> {
        let made = self.identity.get_or_init(|| match &self.config.certificate {
            Some(file) => Identity::from_files(file, file),
            None => Identity::generate(),
        });
        made.as_ref().map_err(TlsError::clone)
    }

    /// What the peer is told of our certificate.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, TlsError> {
        Ok(self.identity()?.fingerprint())
    }

    /// Our side of a connection that we make. The peer has to show one of the certificates that were
    /// told of; without any an authority has to vouch for it under that name.
    pub(crate) fn connect<S: Read + Write>(
        &self,
        socket: S,
        told: &[Fingerprint],
        name: &str,
    ) -> Result<TlsStream<S>, TlsError> {
        let trust = if !told.is_empty() {
            Trust::Fingerprints(told.to_vec())
        } else if self.config.verify {
            Trust::Authorities(self.config.authorities.clone())
        } else {
            log::warn!("TLS: {name} may be anybody: verification is turned off");
            Trust::Anybody
        };
        TlsStream::client(socket, client(self.identity()?, &trust)?, name)
    }

    /// Our side of a connection that came in.
    pub(crate) fn accept<S: Read + Write>(&self, socket: S) -> Result<TlsStream<S>, TlsError> {
        TlsStream::server(socket, server(self.identity()?)?)
    }
}

/// What went wrong on a connection with TLS, for people.
pub(crate) fn reason(error: &io::Error) -> String {
    use rustls::{CertificateError, Error};
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            "the peer's certificate is not the one that its description tells of".into()
        }
        Some(Error::InvalidMessage(_)) => "the peer does not speak TLS".into(),
        Some(error) => format!("TLS: {error}"),
        None => error.to_string(),
    }
}

/// Why TLS cannot be set up.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub(crate) enum TlsError {
    /// A file cannot be read, or holds nothing of what it is to hold.
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate is not the key's, or neither can be used.
    Identity(String),
    /// The name of the peer is no host name or address that a certificate could be for.
    Name(String),
    /// The system knows no certificate authority.
    NoAuthorities(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, reason } => write!(f, "{}: {reason}", file.display()),
            Self::Identity(reason) => write!(f, "the certificate or its key: {reason}"),
            Self::Name(name) => write!(f, "{name:?} is no name that a certificate is made for"),
            Self::NoAuthorities(reason) => {
                write!(f, "the system's certificate authorities cannot be read: {reason}")
            }
        }
    }
}

impl std::error::Error for TlsError {}
