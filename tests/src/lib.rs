//! What offhook's tests share: one session core with a peer that says what the test wants
//! ([`Rig`]), one endpoint ([`door`]), and the simulated world ([`world`]) with random users
//! ([`sim`]), checkers ([`check`]), call flows as text ([`flow`], [`ladder`]).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a rig of tests may fail them"
)]

pub mod audio_offer;
pub mod check;
pub mod door;
pub mod flow;
pub mod ladder;
pub mod pair;
pub mod sim;
pub mod steps;
pub mod verifier;
pub mod words;
pub mod world;

use std::sync::Arc;

use offhook::Credentials;
use offhook::chat::{ChatCommand, ChatEvent, ChatId};
use offhook::error::SessionError;
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::media::control::{MediaCommand, MediaEvent, StreamId, StreamSettings};
use offhook::negotiate::{Capabilities, LocalChat, SrtpPolicy};
use offhook::session::{Core, Input, Order, Output, Policy, Route, Settings};
use offhook::sip::{Builder, HeaderName, Message};
use offhook::streams::Streams;
use offhook::timestamp::{Epoch, Timestamp};
use offhook::transaction::{ClientTransaction, ServerKey, Timers};
use offhook::transport::{Destination, Received, Transport};
use offhook_fsm::{Entropy, Instant};

/// An answer and an offer with PCMU.
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A chat line to go with it.
pub const CHAT_LINE: &str = "m=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.9:2855/theirs;tcp\r\na=accept-types:text/plain\r\n";

/// A session and all that it did.
#[derive(Debug)]
pub struct Rig {
    /// The session.
    pub core: Core,
    /// Simulated time.
    pub now: Instant,
    /// The last audio stream that was prepared.
    pub stream: StreamId,
    /// Notifications since the last [`told`](Self::told), in short.
    told: Vec<String>,
    /// Messages since the last [`sent`](Self::sent).
    pub wire: Vec<(Destination, Vec<u8>)>,
    /// Orders to the media layer since the last [`media`](Self::media).
    media: Vec<String>,
    /// What the audio stream was started with.
    pub started: Option<StreamSettings>,
    /// Orders to the media layer since the last [`orders`](Self::orders), whole.
    orders: Vec<MediaCommand>,
    /// Orders to the chat's connection.
    pub chats: Vec<ChatCommand>,
    /// Requests and notifications as they left the core, all of them.
    pub trace: Vec<String>,
    /// Names of all notifications, with their timestamps.
    pub stamps: Vec<(&'static str, String)>,
    /// Transactions that were handed over.
    pub handed_over: usize,
    /// Those transactions.
    pub left: Vec<ClientTransaction>,
    deadline: Option<Instant>,
    /// The INVITE, sent or received.
    pub invite: Vec<u8>,
    /// The Via of the peer's requests.
    pub via: &'static str,
}

/// The peer's address over a transport.
#[must_use]
pub fn destination(transport: Transport) -> Destination {
    let remote = "192.0.2.9:5060".parse().unwrap();
    let local = "192.0.2.1:5060".parse().unwrap();
    Destination { transport, remote, local, flow: None }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// A session in state NULL.
    #[must_use]
    pub fn new() -> Self {
        Self::with_policy(Policy::default())
    }

    /// A session in state NULL that does such things by itself.
    #[must_use]
    pub fn with_policy(policy: Policy) -> Self {
        Self::with(policy, SrtpPolicy::Disabled, Vec::new())
    }

    /// A session in state NULL that has these credentials.
    #[must_use]
    pub fn with_credentials(credentials: Vec<Credentials>) -> Self {
        Self::with(Policy::default(), SrtpPolicy::Disabled, credentials)
    }

    /// A session in state NULL with that policy for SRTP.
    #[must_use]
    pub fn with_srtp(srtp: SrtpPolicy) -> Self {
        Self::with(Policy::default(), srtp, Vec::new())
    }

    fn with(policy: Policy, srtp: SrtpPolicy, credentials: Vec<Credentials>) -> Self {
        let settings = Settings {
            user_agent: "offhook".into(),
            local_uri: "sip:alice@192.0.2.1".parse().unwrap(),
            timers: Timers::default(),
            capabilities: Capabilities {
                codecs: Codec::ALL.into(),
                telephone_event: true,
                chat: true,
                chat_over_tls: false,
                srtp,
            },
            epoch: Epoch { instant: Instant::ZERO, timestamp: Timestamp::from_unix_micros(0) },
            policy,
            listens_on_tcp: true,
            credentials,
        };
        Self {
            core: Core::new(SessionId(1), Arc::new(settings), Entropy::from_u64(1)),
            now: Instant::ZERO,
            stream: STREAM,
            told: Vec::new(),
            wire: Vec::new(),
            media: Vec::new(),
            started: None,
            orders: Vec::new(),
            chats: Vec::new(),
            trace: Vec::new(),
            stamps: Vec::new(),
            handed_over: 0,
            left: Vec::new(),
            deadline: None,
            invite: Vec::new(),
            via: VIA,
        }
    }

    /// A call that was placed, its INVITE out.
    #[must_use]
    pub fn calling() -> Self {
        let mut rig = Self::new();
        rig.connect(1).unwrap();
        rig.prepared();
        rig.told();
        rig.sent();
        rig
    }

    /// An outgoing call that stands.
    #[must_use]
    pub fn established() -> Self {
        let mut rig = Self::calling();
        rig.reply(200, "", SDP);
        rig.told();
        rig.sent();
        rig
    }

    /// An incoming call that rings.
    #[must_use]
    pub fn incoming() -> Self {
        let mut rig = Self::new();
        rig.invited(SDP);
        rig.told();
        rig.sent();
        rig
    }

    /// An incoming call whose 200 is out.
    #[must_use]
    pub fn answered() -> Self {
        let mut rig = Self::incoming();
        rig.accept().unwrap();
        rig.prepared();
        rig.told();
        rig.sent();
        rig
    }

    /// Gives the core one input and takes all its outputs.
    ///
    /// # Errors
    /// What the core says of an order.
    pub fn feed(&mut self, input: Input) -> Result<(), SessionError> {
        let result = self.core.handle_input(self.now, input);
        loop {
            match self.core.poll_output() {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    break;
                }
                output => self.take(output),
            }
        }
        let invite = self.wire.iter().rfind(|(_, bytes)| bytes.starts_with(b"INVITE"));
        if let Some((_, bytes)) = invite {
            self.invite.clone_from(bytes);
        }
        result
    }

    /// Notes what the core, or what is left of it, wants done.
    pub fn take(&mut self, output: Output) {
        match output {
            Output::Transmit(sent) => {
                let method = sent.bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
                self.trace.push(format!("Transmit {}", String::from_utf8_lossy(method)));
                self.wire.push((sent.destination, sent.bytes.to_vec()));
            }
            Output::Respond { transmit, .. } => {
                self.wire.push((transmit.destination, transmit.bytes.to_vec()));
            }
            Output::Media(command) => {
                if let MediaCommand::Prepare { stream, .. } = command {
                    self.stream = stream;
                }
                if let MediaCommand::Start { settings, .. } = &command {
                    self.started = Some(settings.clone());
                }
                self.media.push(short_media(&command));
                self.orders.push(command);
            }
            Output::Notification(notification) => {
                self.stamps.push((notification.name(), notification.timestamp.to_string()));
                self.told.push(words::short(&notification.data));
                self.trace.push(words::short(&notification.data));
            }
            Output::Chat(command) => self.chats.push(command),
            Output::HandOver(transaction) => {
                self.handed_over += 1;
                self.left.push(*transaction);
            }
            Output::Locate(wanted) => self.trace.push(format!("Locate {}", wanted.len())),
            Output::Unreachable(way) => self.trace.push(format!("Unreachable {}", way.remote)),
            Output::Timeout(_) => {}
        }
    }

    /// Gives an order.
    ///
    /// # Errors
    /// What the core says of it.
    pub fn order(&mut self, order: Order) -> Result<(), SessionError> {
        self.feed(Input::Order(order))
    }

    /// Calls over `routes` routes.
    ///
    /// # Errors
    /// What the core says of it.
    pub fn connect(&mut self, routes: usize) -> Result<(), SessionError> {
        let route = Route { destination: destination(Transport::Udp), when_long: None };
        let uri = "sip:bob@192.0.2.9".parse().unwrap();
        let routes = vec![route; routes];
        self.order(Order::Connect { uri, routes, streams: Streams::AUDIO, headers: Vec::new() })
    }

    /// Accepts with audio.
    ///
    /// # Errors
    /// What the core says of it.
    pub fn accept(&mut self) -> Result<(), SessionError> {
        self.order(Order::Accept { streams: Streams::AUDIO, headers: Vec::new() })
    }

    /// A call with audio and chat that stands: we called.
    #[must_use]
    pub fn with_chat() -> Self {
        let mut rig = Self::new();
        let route = Route { destination: destination(Transport::Udp), when_long: None };
        let streams = Streams { audio: true, chat: true };
        let (uri, routes) = ("sip:bob@192.0.2.9".parse().unwrap(), vec![route]);
        rig.order(Order::Connect { uri, routes, streams, headers: Vec::new() }).unwrap();
        rig.prepared();
        rig.chat_prepared();
        rig.reply(200, "", &format!("{SDP}{CHAT_LINE}"));
        rig.chat_started();
        rig.told();
        rig.sent();
        rig
    }

    /// The chat that the session has now.
    fn chat_id(&self) -> ChatId {
        let prepared = self.chats.iter().rev().find_map(|command| match command {
            ChatCommand::Prepare { chat, .. } => Some(*chat),
            _ => None,
        });
        prepared.unwrap()
    }

    /// The chat's path is made.
    pub fn chat_prepared(&mut self) {
        let path = String::from("msrp://192.0.2.1:2855/ours;tcp");
        let local = LocalChat::new(2855, path);
        self.chat_event(ChatEvent::Prepared { chat: self.chat_id(), local });
    }

    /// The chat's connection stands.
    pub fn chat_started(&mut self) {
        self.chat_event(ChatEvent::Started { chat: self.chat_id() });
    }

    /// The chat breaks.
    pub fn chat_failed(&mut self) {
        let reason = String::from("the connection was reset");
        self.chat_event(ChatEvent::Failed { chat: self.chat_id(), reason });
    }

    /// The chat's connection tells.
    pub fn chat_event(&mut self, event: ChatEvent) {
        self.feed(Input::Chat(event)).unwrap();
    }

    /// A header of the last message that we sent.
    #[must_use]
    pub fn last_header(&self, name: &str) -> Option<String> {
        let message = Message::parse(&self.wire.last()?.1[..]).unwrap();
        message.header_by_name(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The last description that we sent.
    #[must_use]
    pub fn description(&self) -> String {
        let body = |bytes: &[u8]| Message::parse(bytes).unwrap().body().to_vec();
        let bodies = self.wire.iter().rev().map(|(_, bytes)| body(bytes));
        let last = bodies.into_iter().find(|body| !body.is_empty()).unwrap();
        String::from_utf8(last).unwrap()
    }

    /// The media lines of the last description that we sent, each with its direction.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let text = self.description();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                let mut words = media.split(' ');
                lines.push(format!("{} {}", words.next().unwrap(), words.next().unwrap()));
            }
            let direction = line
                .strip_prefix("a=")
                .filter(|name| matches!(*name, "sendrecv" | "sendonly" | "recvonly" | "inactive"));
            if let Some(direction) = direction {
                lines.last_mut().unwrap().push_str(&format!(" {direction}"));
            }
        }
        lines
    }

    /// The media layer tells.
    pub fn media_event(&mut self, event: MediaEvent) {
        self.feed(Input::Media(event)).unwrap();
    }

    /// The RTP socket is bound.
    pub fn prepared(&mut self) {
        let local = "192.0.2.1:4000".parse().unwrap();
        let stream = self.stream;
        self.media_event(MediaEvent::Prepared { stream, local, counters: Arc::default() });
    }

    /// The RTP socket cannot be bound.
    pub fn prepare_failed(&mut self) {
        let reason = "no free port".into();
        self.media_event(MediaEvent::PrepareFailed { stream: self.stream, reason });
    }

    /// The first RTP packet came.
    pub fn source_seen(&mut self) {
        let source = "192.0.2.9:9000".parse().unwrap();
        self.media_event(MediaEvent::SourceSeen { stream: STREAM, source });
    }

    /// A response to the INVITE from the branch `theirs`.
    pub fn reply(&mut self, status: u16, extra: &str, body: &str) {
        self.reply_from("theirs", status, extra, body);
    }

    /// A response to the INVITE from the branch of that tag.
    pub fn reply_from(&mut self, tag: &str, status: u16, extra: &str, body: &str) {
        let invite = self.invite.clone();
        self.respond(&invite, tag, status, extra, body);
    }

    /// A response to the last message that we sent of that method.
    pub fn reply_to(&mut self, method: &str, status: u16) {
        self.reply_headed(method, status, "");
    }

    /// A response with these header lines to the last message that we sent of that method.
    pub fn reply_headed(&mut self, method: &str, status: u16, extra: &str) {
        let found = self.wire.iter().rev().find(|(_, b)| b.starts_with(method.as_bytes()));
        let request = found.unwrap().1.clone();
        self.respond(&request, "theirs", status, extra, "");
    }

    fn respond(&mut self, request: &[u8], tag: &str, status: u16, extra: &str, body: &str) {
        let request = Message::parse(request).unwrap();
        let mut builder = Builder::response(&request, status, "Phrase", Some(tag), None)
            .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.9:5062>"))
            .unwrap();
        for (name, value) in extra.lines().filter_map(|line| line.split_once(": ")) {
            builder = builder.extension(name, value).unwrap();
        }
        let bytes = if body.is_empty() {
            builder.finish()
        } else {
            builder.body(b"application/sdp", body.as_bytes()).unwrap()
        };
        self.feed(Input::Response(received(bytes))).unwrap();
    }

    /// An INVITE with that offer; an empty one leaves the offer to us.
    pub fn invited(&mut self, offer: &str) {
        self.invited_with("", offer);
    }

    /// An INVITE with these header lines and that offer.
    pub fn invited_with(&mut self, headers: &str, offer: &str) {
        let mut builder = Builder::request(b"INVITE", b"sip:alice@192.0.2.1")
            .and_then(|b| b.header(HeaderName::Via, self.via))
            .and_then(|b| b.header(HeaderName::From, "\"Bob\" <sip:bob@192.0.2.9>;tag=theirs"))
            .and_then(|b| b.header(HeaderName::To, "<sip:alice@192.0.2.1>"))
            .and_then(|b| b.header(HeaderName::CallId, "c1"))
            .and_then(|b| b.header(HeaderName::CSeq, "1 INVITE"))
            .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.9:5062>"))
            .and_then(|b| b.header(HeaderName::UserAgent, "peer/1"))
            .unwrap();
        for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
            builder = builder.extension(name, value).unwrap();
        }
        let bytes = if offer.is_empty() {
            builder.finish()
        } else {
            builder.body(b"application/sdp", offer.as_bytes()).unwrap()
        };
        self.invite.clone_from(&bytes);
        let received = received(bytes);
        let key = ServerKey::new(&received.message).unwrap();
        self.feed(Input::Invite(key, received)).unwrap();
    }

    /// A request of the peer in the dialog of an incoming or outgoing call.
    pub fn request(&mut self, method: &str, cseq: u32) {
        self.request_with(method, cseq, "");
    }

    /// A request of the peer in the dialog, with that description.
    pub fn request_with(&mut self, method: &str, cseq: u32, body: &str) {
        self.request_headed(method, cseq, "", body);
    }

    /// A request of the peer in the dialog, with these header lines and that description.
    pub fn request_headed(&mut self, method: &str, cseq: u32, headers: &str, body: &str) {
        let invite = Message::parse(&self.invite[..]).unwrap();
        let outgoing = invite.from().unwrap().uri.user == Some(b"alice");
        let ours = String::from_utf8_lossy(&self.tag()).into_owned();
        let (from, to) = ("<sip:bob@192.0.2.9>;tag=theirs", format!("<sip:alice@h>;tag={ours}"));
        let to = if method == "CANCEL" && !outgoing { "<sip:alice@192.0.2.1>".into() } else { to };
        // Each request has a branch of its own; a CANCEL and its INVITE share one.
        let number = if cseq > 1 { cseq.to_string() } else { String::new() };
        let via = self.via.replace("z9hG4bKpeer", &format!("z9hG4bKpeer{number}"));
        let mut bytes = Builder::request(method.as_bytes(), b"sip:alice@192.0.2.1")
            .and_then(|b| b.header(HeaderName::Via, via))
            .and_then(|b| b.header(HeaderName::From, from))
            .and_then(|b| b.header(HeaderName::To, to))
            .and_then(|b| b.header(HeaderName::CallId, invite.call_id().unwrap()))
            .and_then(|b| b.header(HeaderName::CSeq, format!("{cseq} {method}")))
            .and_then(|b| b.header(HeaderName::Contact, "<sip:bob@192.0.2.9:5064>"))
            .unwrap();
        for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
            bytes = bytes.extension(name, value).unwrap();
        }
        let bytes = if body.is_empty() {
            bytes.finish()
        } else {
            bytes.body(b"application/sdp", body.as_bytes()).unwrap()
        };
        let received = received(bytes);
        let key = ServerKey::new(&received.message).unwrap();
        self.feed(Input::Request(key, received)).unwrap();
    }

    fn tag(&self) -> Vec<u8> {
        // The session's tag is the same in every message: one of the seed's first draws.
        let mut entropy = Entropy::from_u64(1);
        SessionId(1).tag(&mut entropy).into_bytes()
    }

    /// Lets simulated time pass, deadline by deadline.
    pub fn run_until(&mut self, millis: u64) {
        let end = Instant::from_millis(millis);
        while let Some(next) = self.deadline.filter(|at| *at <= end) {
            self.now = self.now.max(next);
            self.feed(Input::Timeout).unwrap();
        }
        self.now = end;
    }

    /// Notifications since the last call, in short.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// Orders to the media layer since the last call, in short.
    pub fn media(&mut self) -> Vec<String> {
        std::mem::take(&mut self.media)
    }

    /// Orders to the media layer since the last call, whole.
    pub fn orders(&mut self) -> Vec<MediaCommand> {
        std::mem::take(&mut self.orders)
    }

    /// First words of the messages since the last call: a method, or a status code.
    pub fn sent(&mut self) -> Vec<String> {
        let first = |bytes: &[u8]| {
            let line = String::from_utf8_lossy(bytes).into_owned();
            let mut words = line.split(' ');
            let (first, second) = (words.next().unwrap().to_owned(), words.next().unwrap());
            if first == "SIP/2.0" { second.to_owned() } else { first }
        };
        std::mem::take(&mut self.wire).iter().map(|(_, bytes)| first(bytes)).collect()
    }
}

/// The session's audio stream.
pub const STREAM: StreamId = StreamId { session: 1, index: 0 };
const VIA: &str = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKpeer;rport";

fn received(bytes: Vec<u8>) -> Received {
    let message = Message::parse(bytes.into_boxed_slice()).unwrap();
    Received { message, source: destination(Transport::Udp) }
}

fn short_media(command: &MediaCommand) -> String {
    let text = format!("{command:?}");
    text.split(' ').next().unwrap().to_owned()
}
