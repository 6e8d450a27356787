//! What the session layer says to the media layer and hears from it. Plain values: the shell
//! carries them between threads, the simulator between cores.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Codec;
use crate::srtp::SrtpKeys;
use crate::statistics::StreamCounters;

/// Names one audio stream of one session. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId {
    /// The session's number.
    pub session: u64,
    /// Counts the audio streams that this session has had.
    pub index: u32,
}

/// What we may do on a stream, from our own point of view (RFC 3264 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flow {
    /// We send.
    pub send: bool,
    /// We play what we receive.
    pub receive: bool,
}

/// What negotiation settled about an audio stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamSettings {
    /// Where RTP goes to, from the peer's SDP.
    pub remote: SocketAddr,
    /// Where RTCP goes to: `a=rtcp`, else the RTP port + 1, or `remote` with rtcp-mux.
    pub remote_rtcp: SocketAddr,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// The one codec of the answer.
    pub codec: Codec,
    /// The payload type we send the codec with (the peer's number).
    pub send_payload_type: u8,
    /// The payload type we receive the codec with (our number).
    pub receive_payload_type: u8,
    /// Payload type for telephone-events to the peer (RFC 4733), if it takes them.
    pub send_telephone_event: Option<u8>,
    /// Payload type on which we take telephone-events.
    pub receive_telephone_event: Option<u8>,
    /// Directions.
    pub flow: Flow,
    /// We hold the call: silence, or the file that plays, is sent in place of the microphone.
    pub on_hold: bool,
    /// Packet time to send with, in milliseconds (20 unless the peer's `a=ptime` asks otherwise;
    /// a multiple of 10 from 10 to 60).
    pub ptime_ms: u16,
    /// After so long without RTP and RTCP of a peer that was heard, [`MediaEvent::Silent`] comes,
    /// once until it is heard again; `None`: never. Only while we receive.
    pub silence: Option<Duration>,
    /// Keys for SRTP and SRTCP. With them nothing is sent or taken in the clear; without, nothing
    /// is encrypted. It is for negotiation to see that a call does not lose them (RFC 4568 §7.1.4).
    pub srtp: Option<SrtpKeys>,
}

/// Orders to the media layer. Each but `Prepare` names a stream that was prepared; one for a
/// stream that is gone is dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MediaCommand {
    /// Bind an even RTP port and the next for RTCP at `address`. Answered by `Prepared` or
    /// `PrepareFailed`.
    Prepare {
        /// The new stream.
        stream: StreamId,
        /// Local address to bind, of the family that the peer can reach.
        address: IpAddr,
    },
    /// Begin to send and to play.
    Start {
        /// Which stream.
        stream: StreamId,
        /// How.
        settings: StreamSettings,
    },
    /// Change a running stream in place: peer's address, codec, direction, keys.
    Update {
        /// Which stream.
        stream: StreamId,
        /// The new settings.
        settings: StreamSettings,
    },
    /// Queue one DTMF digit, `0-9*#A-D`.
    SendDtmf {
        /// Which stream.
        stream: StreamId,
        /// The digit.
        digit: char,
    },
    /// Record both directions, mixed to mono, 16 bit, at the codec's rate.
    StartRecording {
        /// Which stream.
        stream: StreamId,
        /// The WAV file; its folder is created.
        file: PathBuf,
    },
    /// Close the recording. Answered by `RecordingStopped`.
    StopRecording {
        /// Which stream.
        stream: StreamId,
    },
    /// Play a WAV file to the peer in place of the microphone.
    Play {
        /// Which stream.
        stream: StreamId,
        /// The WAV file.
        file: PathBuf,
    },
    /// Stop playing.
    StopPlaying {
        /// Which stream.
        stream: StreamId,
    },
    /// Send back what is received in place of the microphone.
    Echo {
        /// Which stream.
        stream: StreamId,
        /// On or off.
        on: bool,
    },
    /// Send silence in place of the microphone.
    Mute {
        /// Which stream.
        stream: StreamId,
        /// On or off.
        on: bool,
    },
    /// Send BYE on RTCP, close the sockets, forget the stream. Finishes a recording first.
    Stop {
        /// Which stream.
        stream: StreamId,
    },
}

/// What the media layer tells.
#[derive(Clone, Debug)]
pub enum MediaEvent {
    /// The sockets are bound.
    Prepared {
        /// Which stream.
        stream: StreamId,
        /// The RTP socket's address; RTCP is at the next port.
        local: SocketAddr,
        /// Counters that may be read at any time from any thread.
        counters: Arc<StreamCounters>,
    },
    /// The stream could not be made.
    PrepareFailed {
        /// Which stream.
        stream: StreamId,
        /// What failed, for people.
        reason: String,
    },
    /// The first RTP packet came, or the source changed.
    SourceSeen {
        /// Which stream.
        stream: StreamId,
        /// Its source.
        source: SocketAddr,
    },
    /// Nothing came for as long as the settings allow ([`StreamSettings::silence`]).
    Silent {
        /// Which stream.
        stream: StreamId,
    },
    /// A DTMF digit came (once per RFC 4733 event).
    Dtmf {
        /// Which stream.
        stream: StreamId,
        /// The digit, `0-9*#A-D`.
        digit: char,
    },
    /// The file is open and recording runs.
    RecordingStarted {
        /// Which stream.
        stream: StreamId,
        /// The file.
        file: PathBuf,
    },
    /// The file is closed, and whole.
    RecordingStopped {
        /// Which stream.
        stream: StreamId,
        /// The file.
        file: PathBuf,
    },
    /// The file could not be opened or written; recording is over.
    RecordingFailed {
        /// Which stream.
        stream: StreamId,
        /// The file.
        file: PathBuf,
        /// What failed, for people.
        reason: String,
    },
    /// `Play` reached the file's end, was stopped, or failed.
    PlayEnded {
        /// Which stream.
        stream: StreamId,
        /// The file.
        file: PathBuf,
        /// `None` at the end or on `StopPlaying`, else what failed.
        failure: Option<String>,
    },
    /// The sound device failed and is replaced by silence; streams go on.
    DeviceFailed {
        /// Which device.
        device: String,
        /// What failed, for people.
        reason: String,
    },
    /// The media layer broke: no audio runs any more.
    Broken {
        /// What broke, for people.
        reason: String,
    },
    /// The stream broke and is gone.
    Failed {
        /// Which stream.
        stream: StreamId,
        /// What failed, for people.
        reason: String,
    },
}

impl MediaEvent {
    /// The stream that the event is about; `None` for what concerns all.
    #[must_use]
    pub const fn stream(&self) -> Option<StreamId> {
        match self {
            Self::DeviceFailed { .. } | Self::Broken { .. } => None,
            Self::Prepared { stream, .. }
            | Self::PrepareFailed { stream, .. }
            | Self::SourceSeen { stream, .. }
            | Self::Silent { stream }
            | Self::Dtmf { stream, .. }
            | Self::RecordingStarted { stream, .. }
            | Self::RecordingStopped { stream, .. }
            | Self::RecordingFailed { stream, .. }
            | Self::PlayEnded { stream, .. }
            | Self::Failed { stream, .. } => Some(*stream),
        }
    }
}
