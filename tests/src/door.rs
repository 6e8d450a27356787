//! One endpoint core in simulated time: what is thrown at it, what comes back.

use offhook::endpoint::{Callee, Core, Input, Output, Settings};
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SrtpPolicy};
use offhook::sip::Message;
use offhook::transaction::{ServerKey, Timers};
use offhook::transport::{Destination, Received, Transmit, Transport};
use offhook_fsm::{Entropy, Instant};

use crate::{SDP, destination};

/// An endpoint and all that it did.
#[derive(Debug)]
pub struct Door {
    /// The endpoint.
    pub core: Core,
    /// Simulated time.
    pub now: Instant,
    /// What the last [`receive`](Self::receive) made it send.
    pub sent: Vec<Transmit>,
    /// Messages for sessions: `s7 BYE`, `s7 200`.
    pub passed: Vec<String>,
    /// Calls that passed every filter.
    pub calls: Vec<(ServerKey, Received)>,
    deadline: Option<Instant>,
}

impl Default for Door {
    fn default() -> Self {
        Self::with(settings())
    }
}

/// An endpoint's settings: any user, PCMU and PCMA, at most 100 transactions.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        timers: Timers::default(),
        capabilities: Capabilities {
            codecs: Codec::ALL.into(),
            telephone_event: true,
            chat: true,
            chat_over_tls: false,
            srtp: SrtpPolicy::Disabled,
        },
        callees: Vec::new(),
        takes_anybody: true,
        user_agent: "offhook".into(),
        server_transactions_max: 100,
    }
}

/// The settings of an endpoint where that user is, and nobody else.
#[must_use]
pub fn only(user: &str) -> Settings {
    let (uri, settings) = (format!("sip:{user}@x").parse().unwrap(), settings());
    let callees = vec![Callee { uri, capabilities: settings.capabilities.clone() }];
    Settings { callees, takes_anybody: false, ..settings }
}

impl Door {
    /// An endpoint with those settings.
    #[must_use]
    pub fn with(settings: Settings) -> Self {
        Self {
            core: Core::new(settings, Entropy::from_u64(1)),
            now: Instant::ZERO,
            sent: Vec::new(),
            passed: Vec::new(),
            calls: Vec::new(),
            deadline: None,
        }
    }

    /// Gives the core one input and takes all its outputs.
    pub fn feed(&mut self, input: Input<'_>) {
        self.core.handle_input(self.now, input);
        loop {
            match self.core.poll_output() {
                Output::Transmit(transmit) => self.sent.push(transmit),
                Output::Request(id, _, received) => {
                    let method = String::from_utf8_lossy(received.message.method().unwrap());
                    self.passed.push(format!("{id} {method}"));
                }
                Output::Response(id, received) => {
                    self.passed.push(format!("{id} {}", received.message.status().unwrap()));
                }
                Output::AccountResponse(id, received) => {
                    self.passed.push(format!("{id} {}", received.message.status().unwrap()));
                }
                Output::LateAnswer(_) => self.passed.push("late answer".into()),
                Output::NewCall(key, received, _) => self.calls.push((key, received)),
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    break;
                }
            }
        }
    }

    /// A datagram from the usual peer; the codes of the answers.
    pub fn receive(&mut self, bytes: impl AsRef<[u8]>) -> Vec<u16> {
        self.receive_from(destination(Transport::Udp), bytes)
    }

    /// A message that came that way; the codes of the answers.
    pub fn receive_from(&mut self, source: Destination, bytes: impl AsRef<[u8]>) -> Vec<u16> {
        self.sent.clear();
        self.feed(Input::Message { source, bytes: bytes.as_ref() });
        let status = |sent: &Transmit| Message::parse(&sent.bytes[..]).unwrap().status().unwrap();
        self.sent.iter().map(status).collect()
    }

    /// The only answer to the last message, as text.
    #[must_use]
    pub fn answer(&self) -> String {
        assert_eq!(self.sent.len(), 1);
        String::from_utf8_lossy(&self.sent[0].bytes).into_owned()
    }

    /// Takes that INVITE as the call of session 7.
    pub fn open(&mut self, invite: &str) -> ServerKey {
        self.open_from(destination(Transport::Udp), invite)
    }

    /// Takes an INVITE that came that way as the call of session 7.
    pub fn open_from(&mut self, source: Destination, invite: &str) -> ServerKey {
        assert_eq!(self.receive_from(source, invite), [100]);
        let (key, _) = self.calls.pop().unwrap();
        self.feed(Input::Opened(key.clone(), SessionId(7)));
        key
    }

    /// Lets simulated time pass, deadline by deadline.
    pub fn run_until(&mut self, millis: u64) {
        while let Some(at) = self.deadline.filter(|at| *at <= Instant::from_millis(millis)) {
            self.now = at;
            self.feed(Input::Timeout);
        }
        self.now = Instant::from_millis(millis);
    }
}

/// A whole request of the usual peer.
#[must_use]
pub fn request(method: &str, branch: &str, to: &str, extra: &str, body: &str) -> String {
    format!(
        "{method} sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\nFrom: <sip:bob@h>;tag=theirs\r\nTo: <sip:alice@h>{to}\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\nContact: <sip:bob@192.0.2.9>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A whole INVITE with an offer.
#[must_use]
pub fn invite(branch: &str) -> String {
    request("INVITE", branch, "", "Content-Type: application/sdp\r\n", SDP)
}

/// A whole INVITE with that offer.
#[must_use]
pub fn invite_with(offer: &str) -> String {
    request("INVITE", "1", "", "Content-Type: application/sdp\r\n", offer)
}

/// That INVITE with one piece of its text changed.
#[must_use]
pub fn changed(from: &str, to: &str) -> String {
    let whole = invite("1");
    assert!(whole.contains(from), "{from}");
    whole.replacen(from, to, 1)
}

/// What a fresh endpoint answers to one message; nothing of a refused one may stay.
#[must_use]
pub fn verdict(bytes: impl AsRef<[u8]>) -> Vec<u16> {
    let mut door = Door::default();
    let answers = door.receive(bytes);
    let taken = answers.contains(&100);
    assert_eq!((door.calls.len(), door.core.transactions()), (taken.into(), taken.into()));
    answers
}
