use super::*;

const WHEN: Timestamp = Timestamp::from_unix_micros(1_700_000_000_000_042);

fn ends(source: &str, destination: &str) -> (SocketAddr, SocketAddr) {
    (source.parse().unwrap(), destination.parse().unwrap())
}

/// What one's complement adds up to when the checksum is right: all ones, inverted.
fn adds_up(pseudo: &[u8], payload: &[u8]) -> bool {
    checksum(&[pseudo, payload]) == 0
}

#[test]
fn the_file_s_header_says_raw_ip_and_microseconds() {
    let header = file_header();
    assert_eq!(header.len(), 24);
    assert_eq!(header[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
    assert_eq!(header[20..], [101, 0, 0, 0]);
}

#[test]
fn a_datagram_over_ipv4_has_right_lengths_and_checksums() {
    // An odd length: the sum has to fill up the last word.
    let data = b"OPTIONS";
    let ends = ends("192.0.2.1:5060", "192.0.2.2:5080");
    let record = Frames::default().records(WHEN, ends, Transport::Udp, data);
    assert_eq!(record[..4], 1_700_000_000_u32.to_le_bytes());
    assert_eq!(record[4..8], 42_u32.to_le_bytes());
    let packet = &record[16..];
    assert_eq!(record[8..12], u32::try_from(packet.len()).unwrap().to_le_bytes());
    assert_eq!(packet.len(), 20 + 8 + data.len());
    assert_eq!(packet[2..4], [0, 35]);
    assert_eq!(packet[9], 17);
    assert!(adds_up(&[], &packet[..20]));
    let payload = &packet[20..];
    assert_eq!(payload[..6], [0x13, 0xc4, 0x13, 0xd8, 0, 15]);
    let pseudo = [&packet[12..20], &[0, 17, 0, 15]].concat();
    assert!(adds_up(&pseudo, payload));
    assert_eq!(&payload[8..], data);
}

#[test]
fn a_datagram_over_ipv6_has_right_lengths_and_checksums() {
    let ends = ends("[2001:db8::1]:5060", "[2001:db8::2]:5060");
    let record = Frames::default().records(WHEN, ends, Transport::Udp, b"ACK!");
    let packet = &record[16..];
    assert_eq!(packet[0] >> 4, 6);
    assert_eq!(packet[4..8], [0, 12, 17, 64]);
    let pseudo = [&packet[8..40], &[0, 0, 0, 12, 0, 0, 0, 17]].concat();
    assert!(adds_up(&pseudo, &packet[40..]));
}

#[test]
fn ends_of_two_families_share_version_6() {
    let ends = ends("127.0.0.1:5060", "[::1]:5060");
    let record = Frames::default().records(WHEN, ends, Transport::Udp, b"x");
    assert_eq!(record[16] >> 4, 6);
}

#[test]
fn a_stream_counts_in_each_direction() {
    let (a, b) = ends("127.0.0.1:40000", "127.0.0.1:5060");
    let mut frames = Frames::default();
    let at = |record: &[u8]| {
        let tcp = &record[36..];
        let number = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        let pseudo = [&record[28..36], &[0, 6], &length(tcp.len())[..]].concat();
        assert!(adds_up(&pseudo, tcp));
        (number(4), number(8))
    };
    assert_eq!(at(&frames.records(WHEN, (a, b), Transport::Tcp, &[b'x'; 100])), (1, 1));
    assert_eq!(at(&frames.records(WHEN, (b, a), Transport::Tcp, &[b'y'; 10])), (1, 101));
    assert_eq!(at(&frames.records(WHEN, (a, b), Transport::Tcp, b"z")), (101, 11));
}

#[test]
fn a_long_message_on_a_stream_becomes_several_segments() {
    let ends = ends("127.0.0.1:40000", "127.0.0.1:5060");
    let data = vec![b'x'; SEGMENT_MAX + 1];
    let records = Frames::default().records(WHEN, ends, Transport::Tcp, &data);
    assert_eq!(records.len(), data.len() + 2 * (16 + 20 + 20));
}

#[test]
fn a_datagram_of_any_length_fits_its_packet() {
    let ends = ends("127.0.0.1:5060", "127.0.0.1:5060");
    for length in [DATAGRAM_MAX, DATAGRAM_MAX + 1] {
        let record = Frames::default().records(WHEN, ends, Transport::Udp, &vec![b'x'; length]);
        assert_eq!(record.len(), 16 + 20 + 8 + DATAGRAM_MAX);
        assert_eq!(record[18..20], [0xff, 0xff]);
    }
}
