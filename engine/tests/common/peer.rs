//! A peer that says what a test tells it to, over plain sockets.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Deadline, PATIENCE};

/// A number that no other part of this process was given.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An audio description with PCMU and DTMF at that port.
pub(crate) fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n"
    )
}

/// A request's line and headers up to CSeq, and its body.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) call_id: String,
    pub(crate) branch: String,
    pub(crate) from_tag: String,
    pub(crate) to_tag: String,
    pub(crate) cseq: u32,
    pub(crate) body: String,
}

impl Request {
    /// A request outside of any dialog, with a Call-ID of its own.
    pub(crate) fn new(method: &'static str) -> Self {
        let number = unique();
        Self {
            method,
            call_id: format!("hostile-{number}"),
            branch: format!("z9hG4bKhostile{number}"),
            from_tag: format!("from{number}"),
            to_tag: String::new(),
            cseq: 1,
            body: String::new(),
        }
    }

    /// An INVITE that offers audio.
    pub(crate) fn invite() -> Self {
        Self { body: sdp(9), ..Self::new("INVITE") }
    }

    /// The ACK to a 2xx that answered this INVITE.
    pub(crate) fn ack(&self, ok: &str) -> Self {
        let (call_id, from_tag) = (self.call_id.clone(), self.from_tag.clone());
        let to_tag = tag(ok, "To").to_owned();
        Self { call_id, from_tag, to_tag, cseq: self.cseq, ..Self::new("ACK") }
    }

    /// The request as sent from `own`; `transport` is Via's word.
    pub(crate) fn print(&self, transport: &str, own: SocketAddr) -> String {
        let Self { method, call_id, branch, from_tag, cseq, body, .. } = self;
        let to_tag = match self.to_tag.as_str() {
            "" => String::new(),
            tag => format!(";tag={tag}"),
        };
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:offhook@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {own};branch={branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:mallory@127.0.0.1>;tag={from_tag}\r\n\
             To: <sip:offhook@127.0.0.1>{to_tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:mallory@{own}>\r\n{content}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// A message's header, by its full name.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> &'a str {
    message
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// The tag of From or To; empty without one.
pub(crate) fn tag<'a>(message: &'a str, name: &str) -> &'a str {
    header(message, name).split_once(";tag=").map_or("", |(_, tag)| tag)
}

/// The status of a response, 0 for a request.
pub(crate) fn status(message: &str) -> u16 {
    let code = message.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
    code.map_or(0, |code| code.parse().unwrap())
}

/// The port of the audio line of a message's body.
pub(crate) fn audio_port(message: &str) -> u16 {
    let line = message.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

/// A response to a request, copied from its headers.
pub(crate) fn answer(request: &str, status: u16, to_tag: &str, more: &str, body: &str) -> String {
    let copied = |name| format!("{name}: {}\r\n", header(request, name));
    let to = match header(request, "To") {
        to if to.contains(";tag=") || to_tag.is_empty() => to.to_owned(),
        to => format!("{to};tag={to_tag}"),
    };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status} Whatever\r\n{}{}To: {to}\r\n{}{}{more}{content}\
         Content-Length: {}\r\n\r\n{body}",
        copied("Via"),
        copied("From"),
        copied("Call-ID"),
        copied("CSeq"),
        body.len()
    )
}

/// One UDP socket of a peer.
pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
    pub(crate) own: SocketAddr,
    pub(crate) engine: SocketAddr,
}

impl Peer {
    /// A peer of the engine at that address.
    pub(crate) fn of(engine: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap();
        Self { socket, own, engine }
    }

    pub(crate) fn uri(&self) -> String {
        format!("sip:mallory@{}", self.own)
    }

    pub(crate) fn send(&self, message: impl AsRef<[u8]>) {
        // What finds no room in the engine's socket is lost, as on any network.
        let _sent = self.socket.send_to(message.as_ref(), self.engine);
    }

    pub(crate) fn request(&self, request: &Request) {
        self.send(request.print("UDP", self.own));
    }

    /// The next message of any kind; `None` after `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Option<String> {
        let mut buffer = vec![0; 65_535];
        self.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).unwrap();
        let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
        assert_eq!(from, self.engine, "an answer from elsewhere");
        Some(String::from_utf8_lossy(buffer.get(..length)?).into_owned())
    }

    /// The first message that fits.
    pub(crate) fn wait(&self, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Deadline::after(PATIENCE);
        let mut seen = Vec::new();
        while let Some(message) = self.next(deadline.left()) {
            if fits(&message) {
                return message;
            }
            seen.push(message.lines().next().unwrap_or_default().to_owned());
        }
        panic!("it never came; what came: {seen:#?}");
    }

    /// The first response with that status to that Call-ID.
    pub(crate) fn wait_status(&self, call_id: &str, wanted: u16) -> String {
        self.wait(|m| status(m) == wanted && header(m, "Call-ID") == call_id)
    }

    /// The first request with that method.
    pub(crate) fn wait_request(&self, method: &str) -> String {
        self.wait(|m| m.split(' ').next() == Some(method))
    }
}
