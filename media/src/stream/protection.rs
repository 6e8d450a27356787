//! SRTP of one stream: the contexts of both directions, and the change from one pair of keys to
//! the next while the stream runs.

use std::time::Duration;

use offhook_fsm::Instant;

use super::{DATAGRAM_MAX, RtpStream, add};
use crate::control::StreamSettings;
use crate::srtp::{CryptoContext, SrtpError, SrtpKeys};

/// Behind a change of the peer's key, packets under the one before are let in for so long: they
/// were under way, or the peer has not seen our answer yet.
pub const OLD_KEY_GRACE: Duration = Duration::from_secs(2);

/// New settings for a running stream, with all that they need. Made where memory may be taken;
/// behind [`RtpStream::exchange`] it holds what is to be freed, and is of no other use.
#[derive(Debug)]
pub struct StreamUpdate {
    pub(super) settings: StreamSettings,
    pub(super) protection: Option<Box<Protection>>,
}

impl StreamUpdate {
    /// Derives the session keys when there are keys.
    #[must_use]
    pub fn new(settings: StreamSettings) -> Self {
        let protection = settings.srtp.as_ref().map(Protection::new);
        Self { settings, protection }
    }
}

/// Both directions. What is big is boxed, so that a change moves no key.
#[derive(Debug)]
pub(super) struct Protection {
    keys: SrtpKeys,
    send: Box<CryptoContext>,
    receive: Box<CryptoContext>,
    /// What the peer's key was before.
    before: Option<Box<Self>>,
    before_until: Instant,
    /// Where a datagram is decrypted.
    plain: [u8; DATAGRAM_MAX],
}

/// RTP or RTCP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

impl Protection {
    pub(super) fn new(keys: &SrtpKeys) -> Box<Self> {
        Box::new(Self {
            send: Box::new(CryptoContext::new(keys.suite, &keys.local)),
            receive: Box::new(CryptoContext::new(keys.suite, &keys.remote)),
            keys: keys.clone(),
            before: None,
            before_until: Instant::ZERO,
            plain: [0; DATAGRAM_MAX],
        })
    }

    /// Decrypts a datagram. It is read only if it is authentic.
    fn open(&mut self, now: Instant, kind: Kind, datagram: &[u8]) -> Result<&[u8], SrtpError> {
        let packet = self.plain.get_mut(..datagram.len()).ok_or(SrtpError::Malformed)?;
        packet.copy_from_slice(datagram);
        let before = self.before.as_deref_mut();
        let opened = match kind {
            Kind::Rtp => {
                self.receive.unprotect_after(before.as_ref().map(|old| &*old.receive), packet)
            }
            Kind::Rtcp => self.receive.unprotect_rtcp(packet),
        };
        let length = match (opened, before) {
            (Err(SrtpError::Unauthentic), Some(old)) if now < self.before_until => match kind {
                Kind::Rtp => old.receive.unprotect(packet),
                Kind::Rtcp => old.receive.unprotect_rtcp(packet),
            },
            (opened, _) => opened,
        }?;
        Ok(packet.get(..length).unwrap_or_default())
    }

    #[cfg(test)]
    pub(super) const fn wear_out(&mut self, left: u64) {
        self.send.wear_out(left);
    }

    /// Encrypts what was written.
    fn seal(&mut self, kind: Kind, out: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        match kind {
            Kind::Rtp => self.send.protect(out, length),
            Kind::Rtcp => self.send.protect_rtcp(out, length),
        }
    }
}

/// Puts the new protection in the old one's place. A key that stays keeps its context: its numbers
/// must go on. True when our packets are under another key from now on.
pub(super) fn exchange(
    now: Instant,
    current: &mut Option<Box<Protection>>,
    next: &mut Option<Box<Protection>>,
) -> bool {
    let (mut new, mut old) = match (next.take(), current.take()) {
        (Some(new), Some(old)) => (new, old),
        (new, old) => {
            let begins = new.is_some();
            (*current, *next) = (new, old);
            return begins;
        }
    };
    let same_suite = new.keys.suite == old.keys.suite;
    let same_local = same_suite && new.keys.local == old.keys.local;
    if same_local {
        std::mem::swap(&mut new.send, &mut old.send);
    }
    if same_suite && new.keys.remote == old.keys.remote {
        std::mem::swap(&mut new.receive, &mut old.receive);
        std::mem::swap(&mut new.before, &mut old.before);
        new.before_until = old.before_until;
        *next = Some(old);
    } else {
        *next = old.before.take();
        new.before = Some(old);
        new.before_until = now + OLD_KEY_GRACE;
    }
    *current = Some(new);
    !same_local
}

impl RtpStream {
    /// Hands a datagram on in the clear; one that does not pass goes no further, and moves nothing.
    pub(super) fn unprotected(
        &mut self,
        now: Instant,
        kind: Kind,
        datagram: &[u8],
        take: impl FnOnce(&mut Self, &[u8]),
    ) {
        // Out of its place for as long as its buffer is read.
        let Some(mut protection) = self.protection.take() else {
            if self.settings.srtp.is_none() {
                return take(self, datagram);
            }
            return add(&self.counters.packets_unauthenticated, 1);
        };
        match protection.open(now, kind, datagram) {
            Ok(plain) => take(self, plain),
            Err(SrtpError::Replayed) => {
                self.jumped += 1;
                self.count_received();
            }
            Err(_) => add(&self.counters.packets_unauthenticated, 1),
        }
        self.protection = Some(protection);
    }

    /// Protects what was written; what cannot be is not sent.
    pub(super) fn protected(
        &mut self,
        kind: Kind,
        out: &mut [u8; DATAGRAM_MAX],
        length: usize,
    ) -> Option<usize> {
        let sealed = match &mut self.protection {
            None if self.settings.srtp.is_none() => return Some(length),
            None => None,
            Some(protection) => protection.seal(kind, out, length).ok(),
        };
        if sealed.is_none() {
            add(&self.counters.packets_withheld, 1);
        }
        sealed
    }
}
