//! A registrar that answers what a test tells it to.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// A UDP socket that REGISTER requests come to.
pub(crate) struct Registrar {
    socket: UdpSocket,
    pub(crate) address: SocketAddr,
}

/// A REGISTER and whence it came.
pub(crate) struct Asked {
    pub(crate) text: String,
    from: SocketAddr,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The URI of Contact.
    pub(crate) fn contact(&self) -> &str {
        self.header("Contact").trim_start_matches('<').split('>').next().unwrap()
    }
}

impl Registrar {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket, address }
    }

    /// An account of this registrar.
    pub(crate) fn account(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.address)
    }

    /// The next REGISTER.
    pub(crate) fn next(&self) -> Asked {
        let mut buffer = vec![0; 65_535];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        buffer.truncate(length);
        let text = String::from_utf8(buffer).unwrap();
        assert!(text.starts_with("REGISTER "), "{text}");
        Asked { text, from }
    }

    pub(crate) fn answer(&self, asked: &Asked, status: u16, headers: &str) {
        let copied = |name| format!("{name}: {}\r\n", asked.header(name));
        let response = format!(
            "SIP/2.0 {status} Whatever\r\n{}{}To: {};tag=registrar\r\n{}{}{headers}\
             Content-Length: 0\r\n\r\n",
            copied("Via"),
            copied("From"),
            asked.header("To"),
            copied("Call-ID"),
            copied("CSeq"),
        );
        self.socket.send_to(response.as_bytes(), asked.from).unwrap();
    }

    /// Keeps the address that is asked for, for so many seconds.
    pub(crate) fn keep(&self, asked: &Asked, seconds: u32) {
        let contact = format!("Contact: <{}>;expires={seconds}\r\n", asked.contact());
        self.answer(asked, 200, &contact);
    }
}
