//! The engine: threads, listeners, sessions.
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::{NotificationCenter, Session};
use crate::id::SessionId;
use crate::transport::Transport;
use offhook_media::codec::Codec;
use offhook_media::shell::AudioDevice;

/// One SIP socket to open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address; port 0 for any.
    pub address: SocketAddr,
}

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// SIP sockets; empty: UDP and TCP on any free port of `0.0.0.0`.
    pub listeners: Vec<Listener>,
    /// The account as a URI (`sip:alice@example.com`); `None`: any user is accepted and calls come
    /// from `sip:offhook@ADDRESS`.
    pub account: Option<String>,
    /// User-Agent and Server header.
    pub user_agent: String,
    /// Codecs to offer and accept, best first.
    pub codecs: Vec<Codec>,
    /// RTP ports.
    pub rtp_ports: RangeInclusive<u16>,
    /// Microphone and speaker.
    pub audio_device: AudioDevice,
    /// Where recordings without an absolute name go.
    pub recordings_directory: PathBuf,
    /// Tell every SIP message as `SIPEngineSIPTrace`.
    pub trace_sip: bool,
    /// Sessions at once; `None`: what the machine's limits allow.
    pub sessions_max: Option<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            account: None,
            user_agent: concat!("offhook/", env!("CARGO_PKG_VERSION")).into(),
            codecs: Codec::ALL.into(),
            rtp_ports: 16384..=65534,
            audio_device: AudioDevice::Null,
            recordings_directory: PathBuf::from("."),
            trace_sip: false,
            sessions_max: None,
        }
    }
}

/// Why an engine did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// A setting cannot be used; the text says which and why.
    InvalidConfig(String),
    /// A listener could not be opened.
    Listen(Listener, std::io::Error),
    /// The operating system refused something; the text says what.
    Local(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(text) | Self::Local(text) => f.write_str(text),
            Self::Listen(listener, error) => {
                write!(f, "cannot listen on {} {}: {error}", listener.transport, listener.address)
            }
        }
    }
}

impl std::error::Error for EngineError {}

/// A running user agent.
#[derive(Debug, Clone)]
pub struct Engine {}

impl Engine {
    /// Opens the listeners and starts the threads. Observers that must hear of the start are
    /// registered at `center` before.
    pub fn start(_config: Config, _center: NotificationCenter) -> Result<Self, EngineError> {
        todo!()
    }
    /// The bound listeners.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        todo!()
    }
    /// The notification center that the engine was started with.
    #[must_use]
    pub fn notification_center(&self) -> NotificationCenter {
        todo!()
    }
    /// A new session in state NULL.
    pub fn session(&self) -> Session {
        todo!()
    }
    /// The sessions.
    #[must_use]
    pub fn session_manager(&self) -> SessionManager {
        todo!()
    }
    /// Ends all sessions (BYE, CANCEL), waits for them up to 5 s, then closes everything.
    /// `SIPEngineDidEnd` is the last notification. Called on the notifier thread (inside an
    /// observer) it returns at once and the stop goes on behind it. Twice is once.
    pub fn stop(&self) {
        todo!()
    }
}

/// The sessions of an engine that are neither NULL nor TERMINATED.
#[derive(Debug, Clone)]
pub struct SessionManager {}

impl SessionManager {
    /// A list of them, oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        todo!()
    }
    /// The session of that id, if it lives.
    #[must_use]
    pub fn get(&self, _id: SessionId) -> Option<Session> {
        todo!()
    }
}
