//! What takes the place of TLS in a build without it: it says so.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Read, Write};

use super::TlsConfig;
use crate::sdp::fingerprint::Fingerprint;

/// TLS is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TlsError;

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this build has no TLS: build it with the feature `tls`")
    }
}

/// There is none.
#[derive(Debug)]
pub(crate) struct EngineTls;

impl EngineTls {
    #[expect(clippy::unnecessary_wraps, reason = "with TLS files are read here")]
    pub(crate) const fn new(_: &TlsConfig) -> Result<Self, TlsError> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "with TLS it is used")]
    pub(crate) const fn fingerprint(&self) -> Result<Fingerprint, TlsError> {
        Err(TlsError)
    }

    #[expect(clippy::unused_self, reason = "with TLS it is used")]
    pub(crate) fn connect<S>(
        &self,
        _: S,
        _: &[Fingerprint],
        _: &str,
    ) -> Result<TlsStream<S>, TlsError> {
        Err(TlsError)
    }

    #[expect(clippy::unused_self, reason = "with TLS it is used")]
    pub(crate) fn accept<S>(&self, _: S) -> Result<TlsStream<S>, TlsError> {
        Err(TlsError)
    }
}

pub(crate) fn reason(error: &io::Error) -> String {
    error.to_string()
}

/// There is never one.
pub(crate) struct TlsStream<S> {
    never: Infallible,
    _socket: S,
}

impl<S> TlsStream<S> {
    pub(crate) const fn socket(&mut self) -> &mut S {
        match self.never {}
    }

    pub(crate) const fn inner(&self) -> &S {
        match self.never {}
    }

    pub(crate) const fn handshake(&mut self) -> io::Result<bool> {
        match self.never {}
    }

    pub(crate) const fn wants_write(&self) -> bool {
        match self.never {}
    }

    pub(crate) const fn shows_one_of(&self, _: &[Fingerprint]) -> bool {
        match self.never {}
    }

    pub(crate) const fn close(&mut self) -> io::Result<()> {
        match self.never {}
    }
}

impl<S> Read for TlsStream<S> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.never {}
    }
}

impl<S> Write for TlsStream<S> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.never {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.never {}
    }
}
