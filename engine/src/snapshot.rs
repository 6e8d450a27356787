//! What a session's handle can tell without asking the session: its last state, whole.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use offhook_media::statistics::{Statistics, StreamCounters};

use crate::negotiate::Chatroom;
use crate::notification::SessionState;
use crate::sdp::Direction;
use crate::timestamp::Timestamp;
use crate::transport::Destination;

/// Which side called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallDirection {
    /// The peer called us.
    Incoming,
    /// We called.
    Outgoing,
}

/// Every attribute of a session at one moment. `None` where the fact does not exist yet.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where the session stands.
    pub state: SessionState,
    /// Who called; `None` before `connect`.
    pub direction: Option<CallDirection>,
    /// When the 2xx was sent or received.
    pub start_time: Option<Timestamp>,
    /// When the session ended.
    pub stop_time: Option<Timestamp>,
    /// We put the call on hold.
    pub on_hold_by_local: bool,
    /// The peer put the call on hold.
    pub on_hold_by_remote: bool,
    /// User-Agent or Server of the peer.
    pub remote_user_agent: Option<String>,
    /// Our side, as `"Display" <uri>` or a bare URI.
    pub local_uri: Option<String>,
    /// The peer.
    pub remote_uri: Option<String>,
    /// The headers of the INVITE that came, or of the final answer to ours, in order.
    pub remote_headers: Arc<[(String, String)]>,
    /// The route in use, for outgoing sessions.
    pub route: Option<Destination>,
    /// Counts the audio streams that this session has had; `None` while there is none.
    pub audio_stream: Option<u32>,
    /// An audio stream is active.
    pub has_audio: bool,
    /// Who sends audio, from our point of view (RFC 3264 §5.1).
    pub audio_direction: Option<Direction>,
    /// Encoding name of the codec, like `PCMA`.
    pub audio_codec: Option<&'static str>,
    /// The codec's sample rate in Hz.
    pub audio_sample_rate: Option<u32>,
    /// Whether SRTP runs on the stream.
    pub audio_srtp_active: Option<bool>,
    /// Our RTP address.
    pub audio_local_rtp: Option<SocketAddr>,
    /// The peer's RTP address by its SDP.
    pub audio_remote_rtp_sdp: Option<SocketAddr>,
    /// Where the peer's RTP really comes from.
    pub audio_remote_rtp_received: Option<SocketAddr>,
    /// Audio came in.
    pub audio_was_received: bool,
    /// The file being recorded to.
    pub audio_recording_file_name: Option<PathBuf>,
    /// Counts the chat streams that this session has had; `None` while there is none.
    pub chat_stream: Option<u32>,
    /// A chat stream is active.
    pub has_chat: bool,
    /// The peer of the chat is a chat room, and what that can do (RFC 7701).
    pub chatroom: Option<Chatroom>,
    /// The audio stream's counters, while it exists and after.
    pub counters: Option<Arc<StreamCounters>>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            state: SessionState::Null,
            direction: None,
            start_time: None,
            stop_time: None,
            on_hold_by_local: false,
            on_hold_by_remote: false,
            remote_user_agent: None,
            local_uri: None,
            remote_uri: None,
            remote_headers: Arc::default(),
            route: None,
            audio_stream: None,
            has_audio: false,
            audio_direction: None,
            audio_codec: None,
            audio_sample_rate: None,
            audio_srtp_active: None,
            audio_local_rtp: None,
            audio_remote_rtp_sdp: None,
            audio_remote_rtp_received: None,
            audio_was_received: false,
            audio_recording_file_name: None,
            chat_stream: None,
            has_chat: false,
            chatroom: None,
            counters: None,
        }
    }
}

impl Snapshot {
    /// One of both sides, or both, put the call on hold.
    #[must_use]
    pub const fn on_hold(&self) -> bool {
        self.on_hold_by_local || self.on_hold_by_remote
    }

    /// Who called: `local_uri` or `remote_uri`, by the direction.
    #[must_use]
    pub fn caller_uri(&self) -> Option<&str> {
        match self.direction? {
            CallDirection::Incoming => self.remote_uri.as_deref(),
            CallDirection::Outgoing => self.local_uri.as_deref(),
        }
    }

    /// Who was called: the other one.
    #[must_use]
    pub fn callee_uri(&self) -> Option<&str> {
        match self.direction? {
            CallDirection::Incoming => self.local_uri.as_deref(),
            CallDirection::Outgoing => self.remote_uri.as_deref(),
        }
    }

    /// What the audio stream has counted so far, or had when it ended; `None` before there is one.
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        self.counters.as_ref().map(|counters| counters.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_called_follows_from_the_direction_and_is_unknown_without_one() {
        let mut snapshot = Snapshot {
            local_uri: Some("sip:me@example.com".into()),
            remote_uri: Some("sip:you@example.com".into()),
            ..Snapshot::default()
        };
        assert_eq!((snapshot.caller_uri(), snapshot.callee_uri()), (None, None));
        snapshot.direction = Some(CallDirection::Outgoing);
        assert_eq!(snapshot.caller_uri(), Some("sip:me@example.com"));
        assert_eq!(snapshot.callee_uri(), Some("sip:you@example.com"));
        snapshot.direction = Some(CallDirection::Incoming);
        assert_eq!(snapshot.caller_uri(), Some("sip:you@example.com"));
        assert_eq!(snapshot.callee_uri(), Some("sip:me@example.com"));
    }

    #[test]
    fn a_call_is_on_hold_when_either_side_holds() {
        for (local, remote) in [(false, false), (true, false), (false, true), (true, true)] {
            let snapshot = Snapshot {
                on_hold_by_local: local,
                on_hold_by_remote: remote,
                ..Snapshot::default()
            };
            assert_eq!(snapshot.on_hold(), local || remote);
        }
    }
}
