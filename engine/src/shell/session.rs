//! A session's handle.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::SessionError;
use crate::id::SessionId;
use crate::snapshot::Snapshot;
use crate::streams::Streams;

/// A call. Clones are handles on one session; dropping the last one is `end()`.
///
/// Every method may be called from any thread, also inside an observer. Methods that order
/// something return when the session has taken the order or refused it.
#[derive(Clone, Debug)]
pub struct Session {}

impl Session {
    /// Which session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        todo!()
    }
    /// All attributes as they stand; no lock, no wait.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        todo!()
    }
    /// Calls `uri` over `routes`, tried in order; none: the URI's own address. Route and URI are
    /// `sip:HOST:PORT;transport=…`. `headers` are added to the INVITE.
    pub fn connect(
        &self,
        _uri: &str,
        _routes: &[String],
        _streams: Streams,
        _headers: &[(String, String)],
    ) -> Result<(), SessionError> {
        todo!()
    }
    /// Takes an incoming call with those of its streams.
    pub fn accept(
        &self,
        _streams: Streams,
        _headers: &[(String, String)],
    ) -> Result<(), SessionError> {
        todo!()
    }
    /// Refuses an incoming call; 300–699, 486 by default.
    pub fn reject(&self, _code: Option<u16>) -> Result<(), SessionError> {
        todo!()
    }
    /// Ends the session, whatever it does; no-op when it has not begun or is over.
    pub fn end(&self) -> Result<(), SessionError> {
        todo!()
    }
    /// Sends one DTMF digit, `0-9*#A-D`.
    pub fn send_dtmf(&self, _digit: char) -> Result<(), SessionError> {
        todo!()
    }
    /// Records both directions to a WAV file; `None`: a name from time and parties.
    pub fn start_recording_audio(&self, _file: Option<PathBuf>) -> Result<(), SessionError> {
        todo!()
    }
    /// Stops recording.
    pub fn stop_recording_audio(&self) -> Result<(), SessionError> {
        todo!()
    }
    /// Plays a WAV file to the peer (in place of the microphone). Before audio is active the file is
    /// kept and starts with it.
    pub fn play(&self, _file: PathBuf) -> Result<(), SessionError> {
        todo!()
    }
    /// Sends back what comes in.
    pub fn echo(&self, _on: bool) -> Result<(), SessionError> {
        todo!()
    }
    /// Sends silence in place of the microphone.
    pub fn mute(&self, _on: bool) -> Result<(), SessionError> {
        todo!()
    }
    /// Waits until the session is ESTABLISHED (`true`) or over (`false`); `None` after `timeout`.
    #[must_use]
    pub fn wait_established(&self, _timeout: Duration) -> Option<bool> {
        todo!()
    }
    /// Waits until the session is TERMINATED and `SIPSessionDidEnd` is posted; `false` after
    /// `timeout`.
    #[must_use]
    pub fn wait_ended(&self, _timeout: Duration) -> bool {
        todo!()
    }
}
