//! Everything that an application is told.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod fields;

pub use fields::FieldValue;
pub use offhook_fsm::session::State as SessionState;

use crate::chat::{Disposition, DispositionKind};
use crate::id::{AccountId, SessionId};
use crate::route::Route;
use crate::sip::SipUri;
use crate::timestamp::Timestamp;
use crate::transport::Transport;

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// When, in UTC.
    pub timestamp: Timestamp,
    /// Whom it is about.
    pub sender: Sender,
    /// What.
    pub data: NotificationData,
}

impl Notification {
    /// The notification's name, as the reference spells it: `SIPSessionDidStart`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.data.name()
    }
}

impl fmt::Display for Notification {
    /// One line for a log: `SIPSessionDidFail s1 originator=remote code=486 reason="Busy Here"`.
    /// Texts are quoted and escaped, contents are counted and not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.sender)?;
        for (name, value) in self.data.fields() {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// Whom a notification is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Sender {
    /// The engine as a whole.
    Engine,
    /// One session.
    Session(SessionId),
    /// All accounts.
    AccountManager,
    /// One account.
    Account(AccountId),
    /// The settings.
    Settings,
    /// Something of the application's own, by a number that the application chooses.
    Application(u64),
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.write_str("engine"),
            Self::Session(id) => id.fmt(f),
            Self::AccountManager => f.write_str("accounts"),
            Self::Account(id) => id.fmt(f),
            Self::Settings => f.write_str("settings"),
            Self::Application(number) => write!(f, "application-{number}"),
        }
    }
}

/// Which side did it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Originator {
    /// We.
    Local,
    /// The peer.
    Remote,
}

impl fmt::Display for Originator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Remote => "remote",
        })
    }
}

/// A kind of media stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StreamKind {
    /// Audio over RTP.
    Audio,
    /// Chat over MSRP.
    Chat,
    /// A file over MSRP (RFC 5547).
    File,
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Chat => "chat",
            Self::File => "file-transfer",
        })
    }
}

/// One setting that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingChange {
    /// Which, as `audio.codec_list`.
    pub path: String,
    /// Its value before, as text; a secret as `***`.
    pub old: Option<String>,
    /// Its value now, likewise.
    pub new: Option<String>,
}

/// What happened, with its data.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "fields carry the reference's own names; each variant says the rest"
)]
pub enum NotificationData {
    /// A session went from one state to another.
    SessionChangedState { prev_state: SessionState, state: SessionState },
    /// A call came in and rings; `streams` is what the peer proposes.
    SessionNewIncoming { streams: Vec<StreamKind> },
    /// `connect` began; `streams` is what we propose.
    SessionNewOutgoing { streams: Vec<StreamKind> },
    /// The peer rings (each 180).
    SessionGotRingIndication,
    /// The call was answered; the ACK follows.
    SessionWillStart,
    /// The call stands: the ACK was sent or received.
    SessionDidStart,
    /// The session failed; `SessionDidEnd` follows. Code 0: an internal or local preparation error.
    /// `redirect_identities`: whom a 3xx names in its place; the application may call them.
    SessionDidFail {
        originator: Originator,
        code: u16,
        reason: String,
        redirect_identities: Vec<String>,
    },
    /// The application ends the session.
    SessionWillEnd,
    /// The session is over. Last, and exactly once.
    SessionDidEnd { originator: Originator },
    /// Put on hold by `originator`.
    SessionGotHoldRequest { originator: Originator },
    /// Taken out of hold by `originator`.
    SessionGotUnholdRequest { originator: Originator },
    /// Recording is about to start.
    SessionWillStartRecordingAudio { file_name: PathBuf },
    /// Recording runs.
    SessionDidStartRecordingAudio { file_name: PathBuf },
    /// Recording is about to stop.
    SessionWillStopRecordingAudio { file_name: PathBuf },
    /// Recording stopped (also after it failed to start).
    SessionDidStopRecordingAudio { file_name: PathBuf },
    /// No audio came in the first 5 s.
    SessionGotNoAudio,
    /// The peer sent a DTMF digit.
    SessionGotDtmf { digit: char },
    /// The set of active streams changed to `streams`.
    SessionGotStreamUpdate { streams: Vec<StreamKind> },
    /// A stream is proposed: by us with `add_audio` or `add_chat`, or by the peer, who waits for
    /// `accept_proposal` or `reject_proposal`.
    SessionGotStreamProposal { proposer: Originator, streams: Vec<StreamKind> },
    /// The proposal was accepted; `SessionGotStreamUpdate` tells when the stream is active.
    SessionAcceptedStreamProposal { proposer: Originator },
    /// The proposal was refused, withdrawn, or failed.
    SessionRejectedStreamProposal { proposer: Originator, reason: String },
    /// A chat message came; `cpim_headers` is empty when it was not wrapped. `message_id` is for
    /// `report_displayed`.
    SessionGotMessage {
        content: Arc<[u8]>,
        content_type: String,
        cpim_headers: Vec<(String, String)>,
        message_id: String,
    },
    /// The peer has the message.
    SessionDidDeliverMessage { message_id: String, code: u16, reason: String },
    /// The peer does not have the message; code 0: the chat ended first.
    SessionDidNotDeliverMessage { message_id: String, code: u16, reason: String },
    /// Somebody in the chat began to write (`active`), or stopped (RFC 3994): told once each, also
    /// when a message or a long silence ends it. `refresh` counts seconds; `sender` is the URI in
    /// CPIM, empty without.
    ChatStreamGotComposingIndication {
        active: bool,
        refresh: Option<u64>,
        content_type: Option<String>,
        last_active: Option<Timestamp>,
        sender: String,
    },
    /// `sender`, a URI, tells what became of a message of ours that asked for it with
    /// `request_dispositions` (RFC 5438).
    ChatStreamGotDispositionNotification {
        message_id: String,
        kind: DispositionKind,
        disposition: Disposition,
        sender: String,
    },
    /// The chat room gave us that nickname, or took it back where it is empty (RFC 7701).
    ChatStreamDidSetNickname { nickname: String },
    /// The chat room did not; code 408: it did not answer; code 0: the chat ended first.
    ChatStreamDidNotSetNickname { nickname: String, code: u16, reason: String },
    /// A chat's own side is prepared.
    MsrpChatDidInitialize,
    /// A chat's connection stands.
    MsrpChatDidStart,
    /// A chat is about to be closed by us.
    MsrpChatWillEnd,
    /// A chat is closed.
    MsrpChatDidEnd,
    /// A chat could not start, or broke. The session goes on.
    MsrpChatDidFail { reason: String },
    /// A file is proposed: by us with `send_file`, or by the peer (`sender`), who waits for
    /// `accept_file` or `reject_proposal`. `name` is safe to show, and empty when nothing is left of
    /// what the peer calls it.
    FileTransferDidInitialize {
        transfer_id: String,
        sender: Originator,
        name: String,
        content_type: Option<String>,
        size: Option<u64>,
    },
    /// The connection of a file stands.
    FileTransferDidStart { transfer_id: String },
    /// A file is getting on: a hundred times at most.
    FileTransferProgress { transfer_id: String, transferred_bytes: u64, total_bytes: u64 },
    /// A file is through: `file_name` is the one that was sent, or under which it is stored. With
    /// `error` it is not, and `reason` tells why.
    FileTransferDidEnd {
        transfer_id: String,
        error: bool,
        reason: Option<String>,
        file_name: Option<PathBuf>,
    },
    /// A file that was played to the peer has ended or was stopped; `failure` tells if it broke.
    WaveFileDidFinishPlaying { file_name: PathBuf, failure: Option<String> },
    /// The RTP sockets of a session's audio are bound.
    RtpTransportDidInitialize { local: SocketAddr },
    /// The RTP sockets of a session's audio could not be bound.
    RtpTransportDidFail { reason: String },
    /// Nothing came from the peer for `rtp.timeout`, and its voice had been heard. Posted once until
    /// it is heard again, and only while we want to hear it.
    RtpStreamDidTimeout,
    /// The engine is about to start.
    EngineWillStart,
    /// The engine runs.
    EngineDidStart,
    /// The engine is about to end: its sessions end first.
    EngineWillEnd,
    /// The engine has ended. Last.
    EngineDidEnd,
    /// The engine failed and ends.
    EngineDidFail { reason: String },
    /// A fault inside offhook that was contained: its `kind` (`panic`), what happened, and where if
    /// that is known.
    EngineGotException { kind: &'static str, value: String, traceback: Option<String> },
    /// A line of the log.
    EngineLog { level: u8, sender: String, message: String },
    /// The search for a NAT in front of us ended: its type, or why it is not known.
    EngineDetectedNatType { result: Result<String, String> },
    /// A page-mode message came (RFC 3428).
    EngineGotMessage {
        from_uri: Box<SipUri>,
        to_uri: Box<SipUri>,
        content_type: String,
        content_subtype: String,
        body: Arc<[u8]>,
    },
    /// A page-mode message of ours was answered, or was not (408).
    EngineGotMessageResponse { to_uri: Box<SipUri>, code: u16, reason: String },
    /// One SIP message passed (only while tracing).
    EngineSipTrace {
        received: bool,
        source: SocketAddr,
        destination: SocketAddr,
        transport: Transport,
        data: Arc<[u8]>,
    },
    /// Octets of MSRP passed (only while tracing), as they were sent or came in; over TLS in the
    /// clear. Some may hold several messages, others a part of one.
    MsrpTransportTrace {
        received: bool,
        source: SocketAddr,
        destination: SocketAddr,
        transport: Transport,
        data: Arc<[u8]>,
    },
    /// A sound device failed or vanished and was replaced by the null device; calls go on.
    AudioDeviceDidFail { device: String, reason: String },
    /// An account is there; `account` is its id, `user@domain`, here and in all that follow.
    AccountManagerDidAddAccount { account: String },
    /// An account is gone.
    AccountManagerDidRemoveAccount { account: String },
    /// Another account is the default; none when the last one was disabled.
    AccountManagerDidChangeDefaultAccount { account: Option<String> },
    /// An account is in use from now on.
    AccountDidActivate { account: String },
    /// An account is out of use.
    AccountDidDeactivate { account: String },
    /// An account is registered. `expires` counts seconds; the list is all that the registrar knows.
    AccountRegistrationDidSucceed {
        account: String,
        code: u16,
        reason: String,
        contact_uri: Box<SipUri>,
        contact_uri_list: Vec<SipUri>,
        expires: u32,
    },
    /// A registration failed: what comes next is another route, or another try after a delay.
    AccountRegistrationDidFail {
        account: String,
        code: Option<u16>,
        reason: String,
        next_route: Option<Box<Route>>,
        delay: Option<Duration>,
    },
    /// An account is no longer registered.
    AccountRegistrationDidEnd { account: String, code: Option<u16>, reason: Option<String> },
    /// Settings were changed; `object` names the group, as an account's id.
    SettingsObjectDidChange { object: String, modified: Vec<SettingChange> },
    /// Changed settings could not be saved.
    SettingsSaveFailed { object: String, modified: Vec<SettingChange>, exception: String },
    /// A notification of the application's own.
    Application { name: &'static str, fields: Vec<(&'static str, FieldValue)> },
}

impl NotificationData {
    /// The notification's name, as the reference spells it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionChangedState { .. } => "SIPSessionChangedState",
            Self::SessionNewIncoming { .. } => "SIPSessionNewIncoming",
            Self::SessionNewOutgoing { .. } => "SIPSessionNewOutgoing",
            Self::SessionGotRingIndication => "SIPSessionGotRingIndication",
            Self::SessionWillStart => "SIPSessionWillStart",
            Self::SessionDidStart => "SIPSessionDidStart",
            Self::SessionDidFail { .. } => "SIPSessionDidFail",
            Self::SessionWillEnd => "SIPSessionWillEnd",
            Self::SessionDidEnd { .. } => "SIPSessionDidEnd",
            Self::SessionGotHoldRequest { .. } => "SIPSessionGotHoldRequest",
            Self::SessionGotUnholdRequest { .. } => "SIPSessionGotUnholdRequest",
            Self::SessionWillStartRecordingAudio { .. } => "SIPSessionWillStartRecordingAudio",
            Self::SessionDidStartRecordingAudio { .. } => "SIPSessionDidStartRecordingAudio",
            Self::SessionWillStopRecordingAudio { .. } => "SIPSessionWillStopRecordingAudio",
            Self::SessionDidStopRecordingAudio { .. } => "SIPSessionDidStopRecordingAudio",
            Self::SessionGotNoAudio => "SIPSessionGotNoAudio",
            Self::SessionGotDtmf { .. } => "SIPSessionGotDTMF",
            Self::SessionGotStreamUpdate { .. } => "SIPSessionGotStreamUpdate",
            Self::SessionGotStreamProposal { .. } => "SIPSessionGotStreamProposal",
            Self::SessionAcceptedStreamProposal { .. } => "SIPSessionAcceptedStreamProposal",
            Self::SessionRejectedStreamProposal { .. } => "SIPSessionRejectedStreamProposal",
            Self::SessionGotMessage { .. } => "SIPSessionGotMessage",
            Self::SessionDidDeliverMessage { .. } => "SIPSessionDidDeliverMessage",
            Self::SessionDidNotDeliverMessage { .. } => "SIPSessionDidNotDeliverMessage",
            Self::ChatStreamGotComposingIndication { .. } => "ChatStreamGotComposingIndication",
            Self::ChatStreamGotDispositionNotification { .. } => {
                "ChatStreamGotDispositionNotification"
            }
            Self::ChatStreamDidSetNickname { .. } => "ChatStreamDidSetNickname",
            Self::ChatStreamDidNotSetNickname { .. } => "ChatStreamDidNotSetNickname",
            Self::MsrpChatDidInitialize => "MSRPChatDidInitialize",
            Self::MsrpChatDidStart => "MSRPChatDidStart",
            Self::MsrpChatWillEnd => "MSRPChatWillEnd",
            Self::MsrpChatDidEnd => "MSRPChatDidEnd",
            Self::MsrpChatDidFail { .. } => "MSRPChatDidFail",
            Self::FileTransferDidInitialize { .. } => "FileTransferHandlerDidInitialize",
            Self::FileTransferDidStart { .. } => "FileTransferHandlerDidStart",
            Self::FileTransferProgress { .. } => "FileTransferHandlerProgress",
            Self::FileTransferDidEnd { .. } => "FileTransferHandlerDidEnd",
            Self::WaveFileDidFinishPlaying { .. } => "WaveFileDidFinishPlaying",
            Self::RtpTransportDidInitialize { .. } => "RTPTransportDidInitialize",
            Self::RtpTransportDidFail { .. } => "RTPTransportDidFail",
            Self::RtpStreamDidTimeout => "RTPStreamDidTimeout",
            Self::EngineWillStart => "SIPEngineWillStart",
            Self::EngineDidStart => "SIPEngineDidStart",
            Self::EngineWillEnd => "SIPEngineWillEnd",
            Self::EngineDidEnd => "SIPEngineDidEnd",
            Self::EngineDidFail { .. } => "SIPEngineDidFail",
            Self::EngineGotException { .. } => "SIPEngineGotException",
            Self::EngineSipTrace { .. } => "SIPEngineSIPTrace",
            Self::MsrpTransportTrace { .. } => "MSRPTransportTrace",
            Self::EngineLog { .. } => "SIPEngineLog",
            Self::EngineDetectedNatType { .. } => "SIPEngineDetectedNATType",
            Self::EngineGotMessage { .. } => "SIPEngineGotMessage",
            Self::EngineGotMessageResponse { .. } => "SIPEngineGotMessageResponse",
            Self::AudioDeviceDidFail { .. } => "AudioDeviceDidFail",
            Self::AccountManagerDidAddAccount { .. } => "SIPAccountManagerDidAddAccount",
            Self::AccountManagerDidRemoveAccount { .. } => "SIPAccountManagerDidRemoveAccount",
            Self::AccountManagerDidChangeDefaultAccount { .. } => {
                "SIPAccountManagerDidChangeDefaultAccount"
            }
            Self::AccountDidActivate { .. } => "SIPAccountDidActivate",
            Self::AccountDidDeactivate { .. } => "SIPAccountDidDeactivate",
            Self::AccountRegistrationDidSucceed { .. } => "SIPAccountRegistrationDidSucceed",
            Self::AccountRegistrationDidFail { .. } => "SIPAccountRegistrationDidFail",
            Self::AccountRegistrationDidEnd { .. } => "SIPAccountRegistrationDidEnd",
            Self::SettingsObjectDidChange { .. } => "CFGSettingsObjectDidChange",
            Self::SettingsSaveFailed { .. } => "CFGManagerSaveFailed",
            Self::Application { name, .. } => name,
        }
    }
}
