use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::codec::Codec;
use crate::control::Flow;
use crate::dtmf::QUEUE_MAX;
use crate::rtcp::{ReportBlock, SenderInfo, Writer, ntp, ntp_middle};
use crate::tone::{Sine, dominant_frequency, longest_gap};

mod srtp;

const TICK: Duration = Duration::from_millis(20);

fn address(host: u8, port: u16) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, host), port).into()
}

/// Settings of the party that sends to that host.
fn settings(peer: u8) -> StreamSettings {
    StreamSettings {
        remote: address(peer, 4000),
        remote_rtcp: address(peer, 4001),
        rtcp_mux: false,
        codec: Codec::Pcma,
        send_payload_type: 8,
        receive_payload_type: 8,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        on_hold: false,
        ptime_ms: 20,
        silence: None,
        srtp: None,
    }
}

/// One party with a tone for its microphone, and all that it heard and sent.
struct Party {
    host: u8,
    stream: RtpStream,
    counters: Arc<StreamCounters>,
    microphone: Sine,
    speaker: Vec<i16>,
    heard: Vec<bool>,
    events: Vec<StreamEvent>,
    packets: Vec<Vec<u8>>,
    reports: Vec<Vec<u8>>,
}

impl Party {
    fn new(host: u8, settings: StreamSettings, frequency: f64) -> Self {
        let counters = Arc::<StreamCounters>::default();
        let mut entropy = Entropy::from_u64(host.into());
        let cname = format!("party{host}");
        let stream =
            RtpStream::new(settings, counters.clone(), &cname, &mut entropy, Instant::ZERO);
        Self {
            host,
            stream,
            counters,
            microphone: Sine::new(frequency, 8000, 8000),
            speaker: Vec::new(),
            heard: Vec::new(),
            events: Vec::new(),
            packets: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// One tick; gives the datagrams that it sends, RTCP marked.
    fn tick(&mut self, now: Instant) -> Vec<(bool, SocketAddr, Vec<u8>)> {
        let mut samples = [0; FRAME];
        self.heard.push(self.stream.playout(now, &mut samples));
        self.speaker.extend_from_slice(&samples);
        self.microphone.fill(&mut samples);
        self.stream.capture(now, &samples);
        let mut out = [0; DATAGRAM_MAX];
        let mut sent = Vec::new();
        while let Some(packet) = self.stream.poll_packet(now, &mut out) {
            self.packets.push(out[..packet.length].to_vec());
            sent.push((false, packet.to, out[..packet.length].to_vec()));
        }
        while let Some(report) = self.stream.poll_rtcp(now, &mut out) {
            self.reports.push(out[..report.length].to_vec());
            sent.push((true, report.to, out[..report.length].to_vec()));
        }
        self.events.extend(std::iter::from_fn(|| self.stream.poll_event()));
        sent
    }

    fn digits(&self) -> String {
        let digit = |event: &StreamEvent| match event {
            StreamEvent::Dtmf(digit) => Some(*digit),
            StreamEvent::SourceSeen(_) | StreamEvent::Silent => None,
        };
        self.events.iter().filter_map(digit).collect()
    }

    fn read(&self, counter: impl Fn(&StreamCounters) -> &AtomicU64) -> u64 {
        counter(&self.counters).load(Ordering::Relaxed)
    }

    fn headers(&self) -> Vec<PacketHeader> {
        self.packets.iter().map(|bytes| RtpPacket::parse(bytes).unwrap().header).collect()
    }
}

/// What a link does to datagrams, in percent and milliseconds.
#[derive(Clone, Copy, Default)]
struct Link {
    loss: u64,
    double: u64,
    delay: u64,
    jitter: u64,
}

/// A datagram under way: when it arrives, its place in the order of sending, to whom, RTCP.
type Flying = (Instant, usize, u8, bool, Vec<u8>);

/// Two parties, and what lies between them.
struct Call {
    now: Instant,
    one: Party,
    two: Party,
    link: Link,
    entropy: Entropy,
    flying: Vec<Flying>,
    sent: usize,
    lost: [u64; 3],
}

impl Call {
    fn new(link: Link) -> Self {
        Self::with(link, settings(2), settings(1))
    }

    fn with(link: Link, one: StreamSettings, two: StreamSettings) -> Self {
        Self {
            now: Instant::ZERO,
            one: Party::new(1, one, 440.0),
            two: Party::new(2, two, 1000.0),
            link,
            entropy: Entropy::from_u64(99),
            flying: Vec::new(),
            sent: 0,
            lost: [0; 3],
        }
    }

    fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.now += TICK;
            self.deliver();
            for (is_rtcp, to, bytes) in self.one.tick(self.now) {
                self.send(2, is_rtcp, to, bytes);
            }
            for (is_rtcp, to, bytes) in self.two.tick(self.now) {
                self.send(1, is_rtcp, to, bytes);
            }
        }
    }

    fn send(&mut self, host: u8, is_rtcp: bool, to: SocketAddr, bytes: Vec<u8>) {
        assert_eq!(to, address(host, if is_rtcp { 4001 } else { 4000 }));
        if !is_rtcp && self.entropy.below(100) < self.link.loss {
            self.lost[usize::from(host)] += 1;
            return;
        }
        let copies = 1 + usize::from(self.entropy.below(100) < self.link.double);
        for _ in 0..copies {
            let jitter = self.entropy.below(self.link.jitter * 1000 + 1);
            let delay = Duration::from_micros(self.link.delay * 1000 + jitter);
            self.flying.push((self.now + delay, self.sent, host, is_rtcp, bytes.clone()));
            self.sent += 1;
        }
    }

    fn deliver(&mut self) {
        self.flying.sort();
        while let Some((arrival, ..)) = self.flying.first()
            && *arrival <= self.now
        {
            let (arrival, _, host, is_rtcp, bytes) = self.flying.remove(0);
            let party = if host == 1 { &mut self.one } else { &mut self.two };
            let from = 3 - party.host;
            if is_rtcp {
                party.stream.receive_rtcp(arrival, address(from, 4001), &bytes);
            } else {
                party.stream.receive_rtp(arrival, address(from, 4000), &bytes);
            }
        }
    }
}

fn assert_tone(samples: &[i16], frequency: f64, gap_ms: u128) {
    let gap = longest_gap(samples, 8000, 700);
    assert!(gap.as_millis() <= gap_ms, "{gap:?}");
    let told = dominant_frequency(samples, 8000).unwrap();
    assert!((told - frequency).abs() < 4.0, "{told}");
}

#[test]
fn a_tone_goes_both_ways_whole_at_every_packet_time_and_codec() {
    for codec in Codec::ALL {
        for (ptime_one, ptime_two) in [(20, 20), (10, 60), (30, 50), (40, 10)] {
            let of = |peer, ptime_ms| StreamSettings {
                codec,
                send_payload_type: codec.payload_type(),
                receive_payload_type: codec.payload_type(),
                ptime_ms,
                silence: None,
                ..settings(peer)
            };
            let mut call = Call::with(Link::default(), of(2, ptime_one), of(1, ptime_two));
            call.run(500);
            for (party, frequency) in [(&call.one, 1000.0), (&call.two, 440.0)] {
                let first = party.heard.iter().position(|heard| *heard).unwrap();
                assert!(first <= 7, "{first}");
                assert!(party.heard[first..].iter().all(|heard| *heard));
                assert_tone(&party.speaker[first * FRAME..], frequency, 2);
                assert_eq!(party.read(|counters| &counters.packets_lost), 0);
                assert_eq!(party.read(|counters| &counters.packets_discarded), 0);
                assert_eq!(party.read(|counters| &counters.packets_rejected), 0);
            }
            let sent = call.one.read(|counters| &counters.octets_sent);
            let received = call.two.read(|counters| &counters.octets_received);
            assert!(sent - received <= 480, "{sent} {received}");
        }
    }
}

#[test]
fn a_bad_link_is_heard_through() {
    let link = Link { loss: 5, double: 3, delay: 40, jitter: 50 };
    let mut call = Call::new(link);
    call.run(3000);
    for (party, frequency) in [(&call.one, 1000.0), (&call.two, 440.0)] {
        let speaker = &party.speaker[200 * FRAME..];
        assert_tone(speaker, frequency, 60);
        let quiet = party.heard[200..].iter().filter(|heard| !**heard).count();
        assert!(quiet <= 5, "{quiet}");
        let truly = i64::try_from(call.lost[usize::from(party.host)]).unwrap();
        let told = i64::try_from(party.read(|counters| &counters.packets_lost)).unwrap();
        // Doubles count against loss (RFC 3550 A.3): about 3 % of 3000.
        assert!((truly - told - 85).abs() < 50, "{truly} {told}");
        let jitter = party.read(|counters| &counters.jitter_us);
        assert!((8_000..30_000).contains(&jitter), "{jitter}");
        let round_trip = party.read(|counters| &counters.round_trip_us);
        assert!((80_000..220_000).contains(&round_trip), "{round_trip}");
        assert!(party.read(|counters| &counters.remote_packets_lost) > 0);
    }
}

#[test]
fn digits_arrive_once_each_in_spite_of_loss_doubles_and_disorder() {
    let link = Link { loss: 20, double: 20, delay: 20, jitter: 50 };
    let mut call = Call::new(link);
    call.run(50);
    let digits = "5501234567899*#ABCDD";
    digits.chars().for_each(|digit| call.one.stream.send_dtmf(digit).unwrap());
    call.run(350);
    assert_eq!(call.two.digits(), digits);
    assert_eq!(call.one.digits(), "");
}

#[test]
fn event_packets_replace_audio() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let before = call.one.packets.len();
    call.one.stream.send_dtmf('1').unwrap();
    call.run(14);
    let headers = &call.one.headers()[before..];
    let types: Vec<u8> = headers.iter().map(|header| header.payload_type).collect();
    assert_eq!(types, [[101; 11].as_slice(), &[8, 8]].concat());
    assert!(headers[0].marker && headers[1..11].iter().all(|header| !header.marker));
    assert!(headers[1..11].iter().all(|header| header.timestamp == headers[0].timestamp));
    assert!(headers.is_sorted_by(|a, b| b.sequence == a.sequence.wrapping_add(1)));
    // The pause's third tick sends nothing; audio goes on where time is.
    assert_eq!(headers[11].timestamp.wrapping_sub(headers[0].timestamp), 12 * 160);
    assert!(headers[11].marker);
}

#[test]
fn thirty_one_digits_may_wait() {
    let mut call = Call::new(Link::default());
    for _ in 0..QUEUE_MAX {
        call.one.stream.send_dtmf('1').unwrap();
    }
    assert_eq!(call.one.stream.send_dtmf('1'), Err(DtmfQueueFull));
    call.run(31 * 12 + 10);
    assert_eq!(call.two.digits().len(), 31);
}

#[test]
fn a_peer_without_telephone_events_is_sent_none() {
    let none = StreamSettings { send_telephone_event: None, ..settings(2) };
    let mut call = Call::with(Link::default(), none, settings(1));
    call.one.stream.send_dtmf('1').unwrap();
    call.run(30);
    assert!(call.one.headers().iter().all(|header| header.payload_type == 8));
    call.one.stream.update(call.now, settings(2));
    call.run(30);
    assert_eq!(call.two.digits(), "");
}

#[test]
fn packets_follow_each_other_by_packet_time() {
    for ptime_ms in [10, 20, 30, 60] {
        let one = StreamSettings { ptime_ms, ..settings(2) };
        let mut call = Call::with(Link::default(), one, settings(1));
        call.run(60);
        let headers = call.one.headers();
        assert_eq!(headers.len(), 1200 / usize::from(ptime_ms));
        assert!(headers[0].marker && headers[1..].iter().all(|header| !header.marker));
        for pair in headers.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert_eq!(step, u32::from(ptime_ms) * 8);
        }
    }
}

#[test]
fn hold_stops_rtp_not_rtcp_and_the_clock_goes_on() {
    let mut call = Call::new(Link::default());
    call.run(50);
    let held = StreamSettings { flow: Flow { send: false, receive: true }, ..settings(2) };
    call.one.stream.update(call.now, held);
    call.one.stream.send_dtmf('7').unwrap();
    let (packets, reports) = (call.one.packets.len(), call.one.reports.len());
    call.run(1000);
    assert_eq!(call.one.packets.len(), packets);
    assert!(call.one.reports.len() >= reports + 3);
    // Two intervals after the last packet it is no sender any more (RFC 3550 §6.4).
    assert_eq!(call.one.reports.last().unwrap()[1], 201);
    call.one.stream.update(call.now, settings(2));
    call.run(20);
    let headers = call.one.headers();
    let (last, next) = (headers[packets - 1], headers[packets]);
    assert!(next.marker);
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 1001 * 160);
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    assert_eq!(call.two.digits(), "7", "a digit waits until we may send");
}

#[test]
fn what_we_do_not_receive_is_counted_and_not_played() {
    let deaf = StreamSettings { flow: Flow { send: true, receive: false }, ..settings(2) };
    let mut call = Call::with(Link::default(), deaf, settings(1));
    call.run(50);
    assert_eq!(call.one.read(|counters| &counters.packets_received), 49);
    assert!(call.one.heard.iter().all(|heard| !heard));
    assert!(call.one.speaker.iter().all(|sample| *sample == 0));
    call.one.stream.update(call.now, settings(2));
    call.run(50);
    assert!(call.one.heard[55..].iter().all(|heard| *heard));
    assert_eq!(call.one.read(|counters| &counters.packets_discarded), 0);
}

#[test]
fn time_without_a_microphone_is_time_in_the_media_clock() {
    let mut call = Call::new(Link::default());
    call.run(10);
    call.now += Duration::from_secs(3);
    call.run(10);
    let headers = call.one.headers();
    let step = headers[10].timestamp.wrapping_sub(headers[9].timestamp);
    assert_eq!(step, 8000 * 3 + 160);
    assert!(headers[10].marker);
}

#[test]
fn nothing_is_sent_to_nowhere() {
    let mut nowhere = settings(2);
    nowhere.remote = (Ipv4Addr::UNSPECIFIED, 4000).into();
    nowhere.remote_rtcp = address(2, 0);
    let mut party = Party::new(1, nowhere, 440.0);
    for tick in 1..1000 {
        assert!(party.tick(Instant::from_millis(tick * 20)).is_empty());
    }
    assert_eq!(party.read(|counters| &counters.packets_sent), 0);
}

#[test]
fn the_source_is_told_once() {
    let mut call = Call::new(Link::default());
    call.run(100);
    assert_eq!(call.one.events, [StreamEvent::SourceSeen(address(2, 4000))]);
}

#[test]
fn a_new_remote_address_is_sent_to_at_once_and_told_when_it_sends() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let packet = call.two.packets.last().unwrap().clone();
    let moved = StreamSettings { remote: address(9, 4000), ..settings(2) };
    call.one.stream.update(call.now, moved);
    call.now += TICK;
    let sent = call.one.tick(call.now);
    assert_eq!(sent.first().map(|(_, to, _)| *to), Some(address(9, 4000)));
    call.one.stream.receive_rtp(call.now, address(9, 4000), &packet);
    let event = call.one.stream.poll_event();
    assert_eq!(event, Some(StreamEvent::SourceSeen(address(9, 4000))));
}

#[test]
fn r42_unknown_payload_types_are_dropped_and_counted() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let mut packet = call.two.packets.last().unwrap().clone();
    let received = call.one.read(|counters| &counters.packets_received);
    for payload_type in (0..128).filter(|payload_type| ![8, 101].contains(payload_type)) {
        let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(1);
        packet[1] = payload_type;
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        call.one.stream.receive_rtp(call.now, address(2, 4000), &packet);
    }
    assert_eq!(call.one.read(|counters| &counters.packets_rejected), 126);
    assert_eq!(call.one.read(|counters| &counters.packets_received), received);
}

#[test]
fn r44_what_is_no_rtp_is_dropped_and_counted() {
    let mut party = Party::new(1, settings(2), 440.0);
    for bytes in [&[][..], &[0x80; 11], &[0xff; 20], &[0x9f; 13], &[0xa0; 12]] {
        party.stream.receive_rtp(Instant::ZERO, address(2, 4000), bytes);
    }
    assert_eq!(party.read(|counters| &counters.packets_rejected), 5);
    assert_eq!(party.stream.poll_event(), None);
}

#[test]
fn r54_a_stranger_is_neither_heard_nor_answered() {
    let mut call = Call::new(Link::default());
    call.run(20);
    let mut stranger = Party::new(66, settings(1), 3000.0);
    for _ in 0..200 {
        call.run(1);
        for (_, _, bytes) in stranger.tick(call.now) {
            call.one.stream.receive_rtp(call.now, address(66, 4000), &bytes);
            // With the right SSRC too, from another port of the right host.
            let mut forged = bytes.clone();
            let ssrc = RtpPacket::parse(call.two.packets.last().unwrap()).unwrap().header.ssrc;
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            call.one.stream.receive_rtp(call.now, address(2, 4002), &forged);
        }
    }
    // `Call::send` checks where packets go.
    assert_tone(&call.one.speaker[5 * FRAME..], 1000.0, 2);
    assert!(call.one.read(|counters| &counters.packets_rejected) >= 400);
    assert_eq!(call.one.events, [StreamEvent::SourceSeen(address(2, 4000))]);
}

#[test]
fn a_peer_behind_a_translator_is_latched_and_answered_there() {
    let mut party = Party::new(1, settings(2), 440.0);
    let mut peer = Party::new(3, settings(1), 1000.0);
    let (rtp, rtcp) = (address(77, 61_000), address(77, 61_500));
    let mut answers = Vec::new();
    for tick in 1..=500 {
        let now = Instant::from_millis(tick * 20);
        for (is_rtcp, _, bytes) in peer.tick(now) {
            if is_rtcp {
                party.stream.receive_rtcp(now, rtcp, &bytes);
            } else {
                party.stream.receive_rtp(now, rtp, &bytes);
            }
        }
        answers.extend(party.tick(now).into_iter().map(|(is_rtcp, to, _)| (is_rtcp, to)));
    }
    assert_eq!(party.events, [StreamEvent::SourceSeen(rtp)]);
    assert_eq!(answers.last().map(|(_, to)| *to), Some(rtp));
    let last_report = answers.iter().rfind(|(is_rtcp, _)| *is_rtcp).unwrap();
    assert_eq!(last_report.1, rtcp);
    assert_tone(&party.speaker[10 * FRAME..], 1000.0, 2);
}

/// An RR of that SSRC with a block about `about`.
fn receiver_report(ssrc: u32, about: u32, now: Instant) -> Vec<u8> {
    let block = ReportBlock {
        ssrc: about,
        fraction_lost: 0,
        lost: 7,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: ntp_middle(ntp(now)).wrapping_sub(6554),
        delay: 0,
    };
    let mut out = vec![0; 100];
    let mut writer = Writer::new(&mut out);
    writer.report(ssrc, None, &[block]).unwrap();
    let length = writer.finish();
    out.truncate(length);
    out
}

#[test]
fn r55_rtcp_of_strangers_is_dropped_and_counted() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let peer = call.two.stream.ssrc();
    let report = receiver_report(peer, call.one.stream.ssrc(), call.now);
    let wrong_ssrc = receiver_report(peer ^ 1, call.one.stream.ssrc(), call.now);
    call.one.stream.receive_rtcp(call.now, address(66, 4001), &report);
    call.one.stream.receive_rtcp(call.now, address(2, 5001), &wrong_ssrc);
    assert_eq!(call.one.read(|counters| &counters.remote_packets_lost), 0);
    assert_eq!(call.one.read(|counters| &counters.packets_rejected), 2);
    call.one.stream.receive_rtcp(call.now, address(2, 5001), &report);
    assert_eq!(call.one.read(|counters| &counters.remote_packets_lost), 7);
    let round_trip = call.one.read(|counters| &counters.round_trip_us);
    assert!((99_900..100_100).contains(&round_trip), "{round_trip}");
}

#[test]
fn reports_begin_within_3_s_and_come_every_2_to_6_s() {
    let mut call = Call::new(Link::default());
    let mut times = Vec::new();
    for _ in 0..5000 {
        let before = call.one.reports.len();
        call.run(1);
        if call.one.reports.len() > before {
            times.push(call.now);
        }
    }
    assert!(times[0] <= Instant::from_millis(3100));
    for pair in times.windows(2) {
        let interval = pair[1] - pair[0];
        assert!((2040..6180).contains(&interval.as_millis()), "{interval:?}");
    }
}

#[test]
fn reports_tell_name_packets_and_loss() {
    let mut call = Call::new(Link { loss: 10, ..Link::default() });
    call.run(1000);
    let last = call.one.reports.last().unwrap();
    let packets: Vec<_> = CompoundPacket::parse(last).unwrap().packets().collect();
    let [RtcpPacket::SenderReport { ssrc, sender, reports }, RtcpPacket::SourceDescription(items)] =
        packets.as_slice()
    else {
        panic!("{packets:?}")
    };
    assert_eq!(*ssrc, call.one.stream.ssrc());
    assert!(sender.packets > 700 && sender.octets == sender.packets * 160, "{sender:?}");
    let block = reports.clone().next().unwrap();
    assert_eq!(block.ssrc, call.two.stream.ssrc());
    assert!((30..200).contains(&block.lost) && block.delay > 0, "{block:?}");
    assert_eq!(items.clone().next().unwrap().text, b"party1");
}

#[test]
fn a_sender_report_names_one_moment_in_both_clocks() {
    let mut call = Call::new(Link::default());
    call.run(400);
    let header = call.one.headers()[0];
    let senders = call.one.reports.iter().map(|bytes| {
        let first = CompoundPacket::parse(bytes).unwrap().packets().next();
        let Some(RtcpPacket::SenderReport { sender, .. }) = first else { panic!() };
        sender
    });
    for sender in senders.collect::<Vec<SenderInfo>>() {
        let micros = (u128::from(sender.ntp) * 1_000_000) >> 32;
        // The first sample was captured in the tick before 20 ms.
        let expected = (micros / 125) as u32;
        let told = sender.rtp_timestamp.wrapping_sub(header.timestamp);
        assert!(told.abs_diff(expected) <= 1, "{told} {expected}");
    }
}

#[test]
fn a_goodbye_ends_the_reports_about_who_left() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let mut out = [0; DATAGRAM_MAX];
    let bye = call.two.stream.bye(call.now, &mut out).unwrap();
    let packets: Vec<_> = CompoundPacket::parse(&out[..bye.length]).unwrap().packets().collect();
    let [.., RtcpPacket::Goodbye { ssrcs, .. }] = packets.as_slice() else { panic!("{packets:?}") };
    assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [call.two.stream.ssrc()]);
    assert_eq!((packets.len(), bye.to), (3, address(1, 4001)));
    call.flying.clear();
    call.one.stream.receive_rtcp(call.now, address(2, 4001), &out[..bye.length]);
    let bye = call.one.stream.bye(call.now, &mut out).unwrap();
    let first = CompoundPacket::parse(&out[..bye.length]).unwrap().packets().next();
    let Some(RtcpPacket::SenderReport { mut reports, .. }) = first else { panic!() };
    assert_eq!(reports.next(), None);
}

#[test]
fn who_never_sent_says_no_goodbye() {
    let mut party = Party::new(1, settings(2), 440.0);
    let mut out = [0; DATAGRAM_MAX];
    assert_eq!(party.stream.bye(Instant::ZERO, &mut out), None);
}

#[test]
fn a_collision_changes_our_ssrc_once_and_says_goodbye_to_the_old() {
    let mut call = Call::new(Link::default());
    call.run(10);
    let ours = call.one.stream.ssrc();
    let mut packet = call.two.packets.last().unwrap().clone();
    packet[8..12].copy_from_slice(&ours.to_be_bytes());
    call.one.stream.receive_rtp(call.now, address(66, 4000), &packet);
    assert_eq!(call.one.stream.ssrc(), ours, "strangers do not make us change");
    call.one.stream.receive_rtp(call.now, address(2, 4000), &packet);
    let new = call.one.stream.ssrc();
    assert_ne!(new, ours);
    let mut out = [0; DATAGRAM_MAX];
    let report = call.one.stream.poll_rtcp(call.now, &mut out).unwrap();
    let packets = CompoundPacket::parse(&out[..report.length]).unwrap().packets();
    let Some(RtcpPacket::Goodbye { mut ssrcs, .. }) = packets.last() else { panic!() };
    assert_eq!(ssrcs.next(), Some(ours));
    packet[8..12].copy_from_slice(&new.to_be_bytes());
    call.one.stream.receive_rtp(call.now, address(2, 4000), &packet);
    assert_eq!(call.one.stream.ssrc(), new, "what comes back again is a loop");
    call.run(50);
    assert_tone(&call.two.speaker[20 * FRAME..], 440.0, 2);
}

#[test]
fn rtcp_on_the_rtp_port_is_told_apart_and_answered_there() {
    let mux = |peer| StreamSettings {
        rtcp_mux: true,
        remote_rtcp: address(peer, 4000),
        ..settings(peer)
    };
    let (mut one, mut two) = (Party::new(1, mux(2), 440.0), Party::new(2, mux(1), 1000.0));
    for tick in 1..=1500 {
        let now = Instant::from_millis(tick * 20);
        for (_, to, bytes) in one.tick(now) {
            assert_eq!(to, address(2, 4000));
            two.stream.receive_rtp(now + Duration::from_millis(5), address(1, 4000), &bytes);
        }
        for (_, to, bytes) in two.tick(now) {
            assert_eq!(to, address(1, 4000));
            one.stream.receive_rtp(now + Duration::from_millis(5), address(2, 4000), &bytes);
        }
    }
    assert_eq!(one.read(|counters| &counters.packets_rejected), 0);
    let round_trip = one.read(|counters| &counters.round_trip_us);
    assert!((9_000..11_000).contains(&round_trip), "{round_trip}");
    assert_tone(&one.speaker[5 * FRAME..], 1000.0, 2);
}

#[test]
fn a_codec_changes_in_place() {
    let mut call = Call::new(Link::default());
    call.run(50);
    let of = |peer| StreamSettings {
        codec: Codec::Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        ..settings(peer)
    };
    call.one.stream.update(call.now, of(2));
    call.two.stream.update(call.now, of(1));
    call.run(50);
    // The packet that was under way has the old type: one frame is made up.
    assert_tone(&call.one.speaker[5 * FRAME..], 1000.0, 3);
    assert_eq!(call.one.read(|counters| &counters.packets_rejected), 1);
}
