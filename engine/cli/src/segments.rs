//! MSRP cut into messages, so that a capture has each in a packet of its own: what dissects packets
//! takes the rest of one for content.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use offhook::msrp::Message;

use crate::pcap::SEGMENT_MAX;

/// Directions of connections that are followed at once; above it what is held goes out as it is.
const DIRECTIONS_MAX: usize = 1024;

/// Octets of messages whose end did not come yet.
#[derive(Default)]
pub(crate) struct Segments {
    held: BTreeMap<(SocketAddr, SocketAddr), Vec<u8>>,
}

/// One direction's octets that belong into one packet.
pub(crate) type Segment = ((SocketAddr, SocketAddr), Vec<u8>);

impl Segments {
    /// Takes octets and gives the segments that they complete. What is longer than a segment may be
    /// goes out as it comes.
    pub(crate) fn take(&mut self, ends: (SocketAddr, SocketAddr), data: &[u8]) -> Vec<Segment> {
        let mut out = Vec::new();
        if self.held.len() >= DIRECTIONS_MAX && !self.held.contains_key(&ends) {
            out.extend(self.rest());
        }
        let held = self.held.entry(ends).or_default();
        held.extend_from_slice(data);
        let mut left = &held[..];
        while let Ok((_, after)) = Message::parse_first(left) {
            let length = left.len().saturating_sub(after.len());
            out.push((ends, left.get(..length).unwrap_or_default().to_vec()));
            left = after;
        }
        let mut left = left.to_vec();
        if left.len() >= SEGMENT_MAX {
            out.push((ends, std::mem::take(&mut left)));
        }
        if left.is_empty() {
            self.held.remove(&ends);
        } else {
            *held = left;
        }
        out
    }

    /// All that is held.
    pub(crate) fn rest(&mut self) -> Vec<Segment> {
        std::mem::take(&mut self.held).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "MSRP abcd SEND\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://c:1/d;tcp\r\n\
        Message-ID: m1\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------abcd$\r\n";

    fn ends() -> (SocketAddr, SocketAddr) {
        ("192.0.2.1:2855".parse().unwrap(), "192.0.2.2:2855".parse().unwrap())
    }

    #[test]
    fn every_message_is_a_segment_however_the_stream_is_cut() {
        let stream = ONE.repeat(3);
        for cut in [1, 10, ONE.len() + 1, 1000] {
            let mut segments = Segments::default();
            let mut out = Vec::new();
            for piece in stream.as_bytes().chunks(cut) {
                out.extend(segments.take(ends(), piece));
            }
            assert_eq!(out, vec![(ends(), ONE.as_bytes().to_vec()); 3], "{cut}");
            assert!(segments.rest().is_empty());
        }
    }

    #[test]
    fn no_octet_is_lost() {
        for stream in [&ONE.as_bytes()[..50], b"GET /\r\n", &[b'x'; SEGMENT_MAX * 2 + 5]] {
            let mut segments = Segments::default();
            let mut out = Vec::new();
            for piece in stream.chunks(1000) {
                out.extend(segments.take(ends(), piece));
            }
            out.extend(segments.rest());
            let all: Vec<u8> = out.into_iter().flat_map(|(_, bytes)| bytes).collect();
            assert_eq!(all, stream);
        }
    }

    #[test]
    fn with_too_many_connections_what_is_held_goes_out() {
        let mut segments = Segments::default();
        let mut out = Vec::new();
        for port in 0..u16::try_from(DIRECTIONS_MAX).unwrap() + 1 {
            let (from, mut to) = ends();
            to.set_port(port);
            out.extend(segments.take((from, to), b"MSRP"));
        }
        assert_eq!(out.len(), DIRECTIONS_MAX);
    }
}
