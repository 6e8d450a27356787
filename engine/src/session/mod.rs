//! The session: one call, from `connect` or the INVITE to its end, as a pure core.
//!
//! [`Core::handle_input`] takes one thing that happened; [`Core::poll_output`] is then called until
//! it gives [`Output::Timeout`]. What the session may do in which state is the table
//! [`offhook_fsm::session`]; this module splits what happens into that table's events and carries
//! out its actions.

mod acknowledgement;
mod act;
mod answers;
mod auth;
mod callee;
mod caller;
mod chat;
mod core;
mod description;
mod farewell;
mod file;
mod fork;
mod hold;
mod message;
mod offering;
mod order;
mod policy;
mod proposal;
mod queue;
mod recording;
mod reinvite;
mod reliable;
mod streams;
mod talk;
mod timer;

use std::path::PathBuf;

use offhook_fsm::Instant;
use offhook_media::control::{MediaCommand, MediaEvent};

use crate::chat::{ChatCommand, ChatEvent, ChatMessage, FileWork, Say};
use crate::credentials::Credentials;
use crate::dns::Wanted;
use crate::negotiate::Capabilities;
use crate::notification::{Notification, Originator, StreamKind};
use crate::sip::SipUri;
use crate::streams::Streams;
use crate::timestamp::Epoch;
use crate::transaction::{ClientTransaction, ServerKey, Timers};
use crate::transport::{Destination, Received, Transmit};

pub use self::chat::MESSAGES_MAX;
pub use self::core::Core;
pub use self::farewell::Farewell;
pub use self::fork::{FORKS_MAX, LATE_BYE_GAP, end_late_answer};
pub use self::offering::{PROPOSAL_MS, RETRY_AFTER_MAX_S};
pub use self::policy::Policy;
pub use self::queue::QUEUE_MAX;

/// Requests longer than this go over TCP where UDP was chosen (RFC 3261 §18.1.1), in bytes.
pub const UDP_REQUEST_MAX: usize = 1300;
/// How long the end of a session waits for the answer to its BYE; then the endpoint goes on with
/// it alone.
pub const FAREWELL_MS: u64 = 200;
/// The same where the BYE may be answered with a challenge: only the session can prove who it is,
/// and a server that has forgotten its nonce would leave the call standing.
pub const CHALLENGED_FAREWELL_MS: u64 = 2000;

/// What does not change in a session's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// User-Agent and Server.
    pub user_agent: String,
    /// Our own address for From, as `sip:alice@example.com`, with the name that others see if any.
    pub local_uri: SipUri,
    /// T1, T2, T4.
    pub timers: Timers,
    /// Codecs and DTMF.
    pub capabilities: Capabilities,
    /// Joins `now` to the calendar.
    pub epoch: Epoch,
    /// What it does without being asked.
    pub policy: Policy,
    /// Whether there is a TCP listener. Without one Contact names the UDP listener, also in calls
    /// over a connection of ours.
    pub listens_on_tcp: bool,
    /// How it proves who it is, to whom. Challenges for others fail the request.
    pub credentials: Vec<Credentials>,
}

/// One way to the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where the INVITE goes to.
    pub destination: Destination,
    /// Where it goes first when it is longer than [`UDP_REQUEST_MAX`].
    pub when_long: Option<Destination>,
}

/// What an application orders.
#[derive(Clone, Debug)]
pub enum Order {
    /// Call.
    Connect {
        /// Whom.
        uri: SipUri,
        /// Over which ways, tried in order.
        routes: Vec<Route>,
        /// With which streams.
        streams: Streams,
        /// More headers for the INVITE.
        headers: Vec<(String, String)>,
    },
    /// Call, once it is known where.
    ConnectByName {
        /// Whom.
        uri: SipUri,
        /// Over which names, tried in order.
        wanted: Vec<Wanted>,
        /// With which streams.
        streams: Streams,
        /// More headers for the INVITE.
        headers: Vec<(String, String)>,
    },
    /// Take an incoming call.
    Accept {
        /// With which of its streams.
        streams: Streams,
        /// More headers for the 200.
        headers: Vec<(String, String)>,
    },
    /// Refuse an incoming call.
    Reject {
        /// 300–699.
        code: u16,
        /// The reason phrase; `None`: the code's own.
        reason: Option<String>,
        /// More headers for the response.
        headers: Vec<(String, String)>,
    },
    /// Send early media: our answer in a 183, before the call is taken.
    Progress(Streams),
    /// End, whatever the session does.
    End,
    /// Hold the call.
    Hold,
    /// Hold it no more.
    Unhold,
    /// Propose to add a stream.
    Add(StreamKind),
    /// Remove a stream.
    Remove(StreamKind),
    /// Take these of the streams that the peer proposes.
    AcceptProposal(Streams),
    /// Take none of them.
    RejectProposal,
    /// Send a chat message.
    SendMessage(ChatMessage),
    /// Say something over the chat beside messages.
    Say(Say),
    /// Propose to send this file.
    SendFile(Box<FileWork>),
    /// Take the file that the peer proposes into this directory.
    AcceptFile(PathBuf),
    /// Give up the file that is on its way.
    CancelFile,
    /// Send one DTMF digit.
    SendDtmf(char),
    /// Record both directions to this WAV file; armed until nobody holds the call.
    StartRecording(PathBuf),
    /// Stop recording.
    StopRecording,
    /// Play this WAV file to the peer; before audio is active it is kept and starts with it.
    Play(PathBuf),
    /// Stop playing.
    StopPlaying,
    /// Send back what comes in, or no more.
    Echo(bool),
    /// Send silence in place of the microphone, or no more.
    Mute(bool),
}

impl Order {
    /// Refuse an incoming call with a code of 300–699 and its own phrase.
    #[must_use]
    pub const fn reject(code: u16) -> Self {
        Self::Reject { code, reason: None, headers: Vec::new() }
    }
}

/// What happens to a session.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application orders.
    Order(Order),
    /// The INVITE that the session is made for.
    Invite(ServerKey, Received),
    /// A request in the dialog, or a CANCEL.
    Request(ServerKey, Received),
    /// A response.
    Response(Received),
    /// A message could not be sent.
    TransportError {
        /// The branch of the request.
        branch: Vec<u8>,
        /// What failed.
        reason: String,
    },
    /// What [`Output::Locate`] has found: ways to try in order, or why there is none.
    Located(Result<Vec<Route>, String>),
    /// The media layer tells.
    Media(MediaEvent),
    /// The chat's connection tells.
    Chat(ChatEvent),
    /// The time of [`Output::Timeout`] has come.
    Timeout,
    /// What runs the core cannot go on; the text is for people. The session ends.
    Fault(String),
}

/// What a session wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a request.
    Transmit(Transmit),
    /// Send a response, and remember it for that transaction.
    Respond {
        /// Whose answer it is.
        key: ServerKey,
        /// Its code.
        status: u16,
        /// The bytes.
        transmit: Transmit,
    },
    /// Find these, and tell by [`Input::Located`].
    Locate(Vec<Wanted>),
    /// Nobody answered on this way, which was looked up.
    Unreachable(Destination),
    /// Order the media layer.
    Media(MediaCommand),
    /// Order the chat's connection.
    Chat(ChatCommand),
    /// Tell the application.
    Notification(Notification),
    /// The session is over; run this transaction to its end.
    HandOver(Box<ClientTransaction>),
    /// Nothing more for now; come back at that time, if any.
    Timeout(Option<Instant>),
}

/// Why a session ends.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Cause {
    originator: Originator,
    code: u16,
    reason: String,
}

impl Cause {
    fn new(originator: Originator, code: u16, reason: impl Into<String>) -> Self {
        Self { originator, code, reason: reason.into() }
    }
}
