//! What an engine is told about TLS.

use std::path::PathBuf;

/// Who we are and whom we believe. Without a file for the certificate one is made for each engine;
/// chats tell its fingerprint (RFC 8122), so that nobody has to vouch for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsConfig {
    /// Our certificate, those that vouch for it, and its key, in one PEM file.
    pub certificate: Option<PathBuf>,
    /// The authorities that we believe, in PEM; none: the system's.
    pub authorities: Option<PathBuf>,
    /// Whether a peer that tells no fingerprint has to prove who it is. `false` is for tests: whoever
    /// is on the way can then read and change everything.
    pub verify: bool,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self { certificate: None, authorities: None, verify: true }
    }
}
