//! What of traced MSRP may be shown: the heads of its messages, and how much they carry.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use offhook::msrp::{Frame, Framer, Head, Start};
use offhook::notification::{NotificationData as Data, Sender};

/// Directions that are followed at once; above it all begin anew.
const DIRECTIONS_MAX: usize = 4096;

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    framer: Framer,
    /// The message that is under way, and what was seen of its content.
    transaction: String,
    content: u64,
    lost: bool,
}

/// Follows the connections.
#[derive(Default)]
pub(crate) struct Heads {
    directions: BTreeMap<(Sender, SocketAddr, SocketAddr), Direction>,
}

impl Heads {
    /// The traced octets with contents counted in place of shown; empty for a part of a content.
    pub(crate) fn of(&mut self, sender: Sender, data: &Data) -> String {
        let Data::MsrpTransportTrace { source, destination, data, .. } = data else {
            return String::new();
        };
        if self.directions.len() >= DIRECTIONS_MAX {
            self.directions.clear();
        }
        let direction = self.directions.entry((sender, *source, *destination)).or_default();
        direction.read(data)
    }
}

impl Direction {
    fn read(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        if self.lost {
            return out;
        }
        self.framer.push(bytes);
        loop {
            match self.framer.next_frame() {
                Ok(Some(Frame::Head { head, .. })) => {
                    self.transaction = head.transaction_id.into();
                    self.content = 0;
                    show(&head, &mut out);
                }
                Ok(Some(Frame::Body(bytes))) => {
                    self.content = self.content.saturating_add(bytes.len() as u64);
                }
                Ok(Some(Frame::End(flag))) => {
                    if self.content > 0 {
                        out.push_str(&format!("({} bytes)\r\n", self.content));
                    }
                    let flag = char::from(flag.as_byte());
                    out.push_str(&format!("-------{}{flag}\r\n", self.transaction));
                }
                Ok(None) => return out,
                Err(error) => {
                    self.lost = true;
                    out.push_str(&format!("(no MSRP any more: {error})\r\n"));
                    return out;
                }
            }
        }
    }
}

fn show(head: &Head<'_>, out: &mut String) {
    let id = head.transaction_id;
    out.push_str(&match head.start {
        Start::Request { method } => format!("MSRP {id} {method}\r\n"),
        Start::Response { status, comment } => format!("MSRP {id} {status} {comment}\r\n"),
    });
    for header in head.headers() {
        out.push_str(&format!("{}: {}\r\n", header.name, header.value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use offhook::id::SessionId;
    use offhook::transport::Transport;

    use super::*;

    fn traced(bytes: &[u8]) -> Data {
        Data::MsrpTransportTrace {
            received: true,
            source: "192.0.2.1:2855".parse().unwrap(),
            destination: "192.0.2.2:2855".parse().unwrap(),
            transport: Transport::Tcp,
            data: Arc::from(bytes),
        }
    }

    const SEND: &str = "MSRP abcd SEND\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://c:1/d;tcp\r\n\
        Message-ID: m1\r\nContent-Type: text/plain\r\n\r\nMSRP abcd SEND 5ecret\r\n-------abcd$\r\n";

    #[test]
    fn contents_are_counted_however_the_stream_is_cut() {
        let expected = "MSRP abcd SEND\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://c:1/d;tcp\r\n\
            Message-ID: m1\r\nContent-Type: text/plain\r\n(21 bytes)\r\n-------abcd$\r\n";
        for cut in [1, 7, 50, 1000] {
            let mut heads = Heads::default();
            let shown: String = [SEND, SEND]
                .concat()
                .as_bytes()
                .chunks(cut)
                .map(|piece| heads.of(Sender::Session(SessionId(1)), &traced(piece)))
                .collect();
            assert_eq!(shown, expected.repeat(2), "{cut}");
        }
    }

    #[test]
    fn garbage_is_told_once_and_not_shown() {
        let mut heads = Heads::default();
        let sender = Sender::Session(SessionId(1));
        assert!(heads.of(sender, &traced(b"GET /5ecret\r\n")).starts_with("(no MSRP any more: "));
        assert_eq!(heads.of(sender, &traced(SEND.as_bytes())), "");
        assert_ne!(heads.of(Sender::Session(SessionId(2)), &traced(SEND.as_bytes())), "");
    }
}
