//! `--pcap FILE`: SIP and MSRP as a capture that Wireshark reads (draft-ietf-opsawg-pcap).
//!
//! The library tells messages, not packets, so IP, UDP and TCP headers are made up around them:
//! addresses, ports, lengths and checksums are right, the rest is plausible. Link type 101 is raw
//! IP of either version.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use offhook::Notification;
use offhook::notification::NotificationData as Data;
use offhook::timestamp::Timestamp;
use offhook::transport::Transport;

use crate::segments::{Segment, Segments};

const LINKTYPE_RAW: u32 = 101;
const SNAP_LENGTH: u32 = 65_535;
/// Payload of one made-up TCP segment.
pub(crate) const SEGMENT_MAX: usize = 16_384;
/// Payload of one UDP datagram; what is longer could not have been sent.
const DATAGRAM_MAX: usize = 65_507;
/// TCP directions whose sequence numbers are remembered; above it all start anew.
const DIRECTIONS_MAX: usize = 4096;
const UDP: u8 = 17;
const TCP: u8 = 6;

/// A capture being written.
pub(crate) struct Capture {
    file: File,
    frames: Frames,
    segments: Segments,
}

impl Capture {
    /// Creates the file with its header.
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(&file_header())?;
        Ok(Self { file, frames: Frames::default(), segments: Segments::default() })
    }

    /// Appends a traced SIP message, or MSRP with a packet for each message; other notifications are
    /// none of its business.
    pub(crate) fn write(&mut self, notification: &Notification) -> std::io::Result<()> {
        let when = notification.timestamp;
        match &notification.data {
            Data::EngineSipTrace { source, destination, transport, data, .. } => {
                let ends = (*source, *destination);
                self.file.write_all(&self.frames.records(when, ends, *transport, data))
            }
            Data::MsrpTransportTrace { source, destination, data, .. } => {
                let segments = self.segments.take((*source, *destination), data);
                self.write_segments(when, segments)
            }
            Data::EngineDidEnd => {
                let segments = self.segments.rest();
                self.write_segments(when, segments)
            }
            _ => Ok(()),
        }
    }

    fn write_segments(&mut self, when: Timestamp, segments: Vec<Segment>) -> std::io::Result<()> {
        for (ends, bytes) in segments {
            self.file.write_all(&self.frames.records(when, ends, Transport::Tcp, &bytes))?;
        }
        Ok(())
    }
}

/// The file's header, little-endian, microseconds.
fn file_header() -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    out.extend(0xa1b2_c3d4_u32.to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(4_u16.to_le_bytes());
    out.extend([0; 8]);
    out.extend(SNAP_LENGTH.to_le_bytes());
    out.extend(LINKTYPE_RAW.to_le_bytes());
    out
}

/// Makes packets; knows how far each TCP direction has come.
#[derive(Default)]
struct Frames {
    sent: BTreeMap<(SocketAddr, SocketAddr), u32>,
}

impl Frames {
    fn records(
        &mut self,
        when: Timestamp,
        (source, destination): (SocketAddr, SocketAddr),
        transport: Transport,
        data: &[u8],
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() + 128);
        if transport == Transport::Udp {
            let data = data.get(..DATAGRAM_MAX).unwrap_or(data);
            record(
                &mut out,
                when,
                &packet(source, destination, UDP, udp(source, destination, data)),
            );
            return out;
        }
        if self.sent.len() >= DIRECTIONS_MAX {
            self.sent.clear();
        }
        for part in data.chunks(SEGMENT_MAX) {
            let acknowledged = self.sent.get(&(destination, source)).copied().unwrap_or(1);
            let sequence = self.sent.entry((source, destination)).or_insert(1);
            let segment = tcp(source, destination, (*sequence, acknowledged), part);
            *sequence = sequence.wrapping_add(u32::try_from(part.len()).unwrap_or_default());
            record(&mut out, when, &packet(source, destination, TCP, segment));
        }
        out
    }
}

fn record(out: &mut Vec<u8>, when: Timestamp, packet: &[u8]) {
    let micros = when.unix_micros();
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    // The format's seconds are 32 bits: they wrap in 2106.
    for field in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length] {
        out.extend(field.to_le_bytes());
    }
    out.extend_from_slice(packet);
}

fn length(of: usize) -> [u8; 2] {
    u16::try_from(of).unwrap_or(u16::MAX).to_be_bytes()
}

fn udp(source: SocketAddr, destination: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + data.len());
    out.extend(source.port().to_be_bytes());
    out.extend(destination.port().to_be_bytes());
    out.extend(length(8 + data.len()));
    out.extend([0; 2]);
    out.extend_from_slice(data);
    out
}

fn tcp(source: SocketAddr, destination: SocketAddr, at: (u32, u32), data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(20 + data.len());
    out.extend(source.port().to_be_bytes());
    out.extend(destination.port().to_be_bytes());
    out.extend(at.0.to_be_bytes());
    out.extend(at.1.to_be_bytes());
    // Five words of header; PSH and ACK; the largest window.
    out.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    out.extend_from_slice(data);
    out
}

/// An IP packet around `payload`, whose checksum it fills in. Version 6 as soon as one end is.
fn packet(source: SocketAddr, destination: SocketAddr, protocol: u8, payload: Vec<u8>) -> Vec<u8> {
    let mut payload = payload;
    let mut out;
    let pseudo: Vec<u8>;
    if let (IpAddr::V4(from), IpAddr::V4(to)) = (source.ip(), destination.ip()) {
        out = vec![0x45, 0];
        out.extend(length(20 + payload.len()));
        out.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        out.extend(from.octets());
        out.extend(to.octets());
        let sum = checksum(&[&out]);
        put(&mut out, 10, sum);
        pseudo =
            [&from.octets(), &to.octets(), &[0, protocol][..], &length(payload.len())].concat();
    } else {
        let (from, to) = (version_6(source.ip()), version_6(destination.ip()));
        out = vec![0x60, 0, 0, 0];
        out.extend(length(payload.len()));
        out.extend([protocol, 64]);
        out.extend(from.octets());
        out.extend(to.octets());
        let long = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        pseudo = [&from.octets()[..], &to.octets(), &long, &[0, 0, 0, protocol]].concat();
    }
    let at = if protocol == UDP { 6 } else { 16 };
    let sum = match checksum(&[&pseudo, &payload]) {
        // RFC 768: a UDP sum of zero means that there is none.
        0 if protocol == UDP => 0xffff,
        sum => sum,
    };
    put(&mut payload, at, sum);
    out.append(&mut payload);
    out
}

fn version_6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(field) = bytes.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

/// The Internet checksum (RFC 1071). Only the last part may have an odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for word in part.chunks(2) {
            let high = word.first().copied().unwrap_or_default();
            let low = word.get(1).copied().unwrap_or_default();
            sum += u64::from(u16::from_be_bytes([high, low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
#[path = "pcap_tests.rs"]
mod tests;
