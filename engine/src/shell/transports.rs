//! The streams of a session, to be looked at. What is done with them is done by the session.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use offhook_media::statistics::Statistics;

use super::registry::Shared;
use crate::sdp::Direction;
use crate::snapshot::Snapshot;

/// One audio stream of a session. It stays when the stream or the session ends, tells that there is
/// nothing any more, and keeps neither alive; audio that is added later is another one.
#[derive(Clone)]
pub struct AudioTransport {
    shared: Arc<Shared>,
    index: u32,
}

impl AudioTransport {
    pub(super) fn of(shared: &Arc<Shared>) -> Option<Self> {
        let index = shared.latest().audio_stream?;
        Some(Self { shared: Arc::clone(shared), index })
    }

    fn now<T>(&self, look: impl FnOnce(&Snapshot) -> Option<T>) -> Option<T> {
        let snapshot = self.shared.latest();
        look(&snapshot).filter(|_| snapshot.audio_stream == Some(self.index))
    }

    /// Whether the peer has agreed to it and it runs, held or not.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.now(|snapshot| Some(snapshot.has_audio)).unwrap_or(false)
    }

    /// Who sends, from our point of view; `None` before it is active.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.now(|snapshot| snapshot.audio_direction)
    }

    /// The codec's encoding name, like `PCMA`.
    #[must_use]
    pub fn codec(&self) -> Option<&'static str> {
        self.now(|snapshot| snapshot.audio_codec)
    }

    /// The codec's sample rate in Hz.
    #[must_use]
    pub fn sample_rate(&self) -> Option<u32> {
        self.now(|snapshot| snapshot.audio_sample_rate)
    }

    /// Whether SRTP runs.
    #[must_use]
    pub fn srtp_active(&self) -> Option<bool> {
        self.now(|snapshot| snapshot.audio_srtp_active)
    }

    /// Where we receive RTP.
    #[must_use]
    pub fn local_rtp_address(&self) -> Option<SocketAddr> {
        self.now(|snapshot| snapshot.audio_local_rtp)
    }

    /// Where the peer wants RTP, by its SDP.
    #[must_use]
    pub fn remote_rtp_address_sdp(&self) -> Option<SocketAddr> {
        self.now(|snapshot| snapshot.audio_remote_rtp_sdp)
    }

    /// Where the peer's RTP really comes from.
    #[must_use]
    pub fn remote_rtp_address_received(&self) -> Option<SocketAddr> {
        self.now(|snapshot| snapshot.audio_remote_rtp_received)
    }

    /// What it has counted so far.
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        self.now(Snapshot::statistics)
    }
}

impl fmt::Debug for AudioTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioTransport")
            .field("session", &self.shared.id)
            .field("index", &self.index)
            .field("active", &self.is_active())
            .finish()
    }
}

/// One chat stream of a session; as [`AudioTransport`] in all else.
#[derive(Clone)]
pub struct MsrpChat {
    shared: Arc<Shared>,
    index: u32,
}

impl MsrpChat {
    pub(super) fn of(shared: &Arc<Shared>) -> Option<Self> {
        let index = shared.latest().chat_stream?;
        Some(Self { shared: Arc::clone(shared), index })
    }

    /// Whether its connection stands.
    #[must_use]
    pub fn is_active(&self) -> bool {
        let snapshot = self.shared.latest();
        snapshot.has_chat && snapshot.chat_stream == Some(self.index)
    }
}

impl fmt::Debug for MsrpChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MsrpChat")
            .field("session", &self.shared.id)
            .field("index", &self.index)
            .field("active", &self.is_active())
            .finish()
    }
}
