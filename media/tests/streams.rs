//! Two streams talk to each other over a simulated network, in simulated time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};
use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};
use offhook_media::statistics::StreamCounters;
use offhook_media::stream::{DATAGRAM_MAX, FRAME, RtpStream, StreamEvent};
use offhook_media::tone::{longest_gap, sine, sounding, sounds_like};

const LEFT: u16 = 4000;
const RIGHT: u16 = 6000;

fn at(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn settings(remote: u16) -> StreamSettings {
    StreamSettings {
        remote: at(remote),
        remote_rtcp: at(remote + 1),
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

/// A network: what is lost, and how much later than sent a datagram comes.
struct Link {
    entropy: Entropy,
    loss_percent: u64,
    jitter_ms: u64,
}

struct Talk {
    streams: [RtpStream; 2],
    counters: [Arc<StreamCounters>; 2],
    link: Link,
    now: Instant,
    flying: BTreeMap<(Instant, u64), (usize, bool, Vec<u8>)>,
    sent: u64,
    heard: [Vec<i16>; 2],
    events: [Vec<StreamEvent>; 2],
}

impl Talk {
    fn new(change: impl Fn(&mut StreamSettings), loss_percent: u64, jitter_ms: u64) -> Self {
        let mut entropy = Entropy::from_u64(7);
        let counters = [Arc::default(), Arc::default()];
        let mut stream = |remote, own: &Arc<StreamCounters>| {
            let mut settings = settings(remote);
            change(&mut settings);
            RtpStream::new(settings, Arc::clone(own), "me@x", &mut entropy, Instant::ZERO)
        };
        let streams = [stream(RIGHT, &counters[0]), stream(LEFT, &counters[1])];
        let link = Link { entropy: Entropy::from_u64(9), loss_percent, jitter_ms };
        Self {
            streams,
            counters,
            link,
            now: Instant::from_millis(1000),
            flying: BTreeMap::new(),
            sent: 0,
            heard: [vec![], vec![]],
            events: [vec![], vec![]],
        }
    }

    fn send(&mut self, to: usize, rtcp: bool, bytes: Vec<u8>) {
        if self.link.entropy.below(100) < self.link.loss_percent {
            return;
        }
        let delay = 5 + self.link.entropy.below(self.link.jitter_ms + 1);
        self.sent += 1;
        let arrival = self.now + Duration::from_millis(delay);
        self.flying.insert((arrival, self.sent), (to, rtcp, bytes));
    }

    /// One tick: both sides receive, play, speak and report.
    fn tick(&mut self, spoken: [&[i16]; 2]) {
        self.now += Duration::from_millis(20);
        while let Some(((arrival, _), _)) = self.flying.first_key_value() {
            if *arrival > self.now {
                break;
            }
            let ((arrival, _), (to, rtcp, bytes)) = self.flying.pop_first().unwrap();
            let source = if to == 0 { RIGHT } else { LEFT };
            if rtcp {
                self.streams[to].receive_rtcp(arrival, at(source + 1), &bytes);
            } else {
                self.streams[to].receive_rtp(arrival, at(source), &bytes);
            }
        }
        let mut out = [0; DATAGRAM_MAX];
        for side in 0..2 {
            let mut frame = [0; FRAME];
            self.streams[side].playout(self.now, &mut frame);
            self.heard[side].extend(frame);
            let mut voice = [0; FRAME];
            voice[..spoken[side].len()].copy_from_slice(spoken[side]);
            self.streams[side].capture(self.now, &voice);
            while let Some(packet) = self.streams[side].poll_packet(self.now, &mut out) {
                self.send(1 - side, false, out[..packet.length].to_vec());
            }
            if let Some(report) = self.streams[side].poll_rtcp(self.now, &mut out) {
                self.send(1 - side, true, out[..report.length].to_vec());
            }
            while let Some(event) = self.streams[side].poll_event() {
                self.events[side].push(event);
            }
        }
    }

    /// Left speaks a tone of so many ticks, right is silent.
    fn speak(&mut self, hertz: f64, ticks: usize) {
        let tone = sine(hertz, 8000, 8000, ticks * FRAME);
        tone.chunks(FRAME).for_each(|frame| self.tick([frame, &[]]));
    }

    fn digits(&self, side: usize) -> String {
        let digits = self.events[side].iter().filter_map(|event| match event {
            StreamEvent::Dtmf(digit) => Some(*digit),
            StreamEvent::SourceSeen(_) | StreamEvent::Silent => None,
        });
        digits.collect()
    }
}

#[test]
fn a_tone_arrives_whole_at_every_packet_time() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        let mut talk = Talk::new(|s| s.ptime_ms = ptime_ms, 0, 0);
        talk.speak(440.0, 150);
        let heard = sounding(&talk.heard[1], 500);
        assert!(heard.len() > 140 * FRAME, "{ptime_ms}: {}", heard.len());
        assert!(sounds_like(&heard[..4000], 8000, 440.0), "{ptime_ms}");
        assert!(gap(heard, 500) <= 2, "{ptime_ms}");
        assert_eq!(talk.events[1].first(), Some(&StreamEvent::SourceSeen(at(LEFT))));
    }
}

#[test]
fn jitter_within_the_delay_makes_no_gap() {
    let mut talk = Talk::new(|_| (), 0, 30);
    talk.speak(440.0, 500);
    let heard = sounding(&talk.heard[1], 500);
    // The first late packet makes the delay grow; from then on nothing is missing.
    assert!(gap(&heard[100 * FRAME..], 500) <= 2);
    assert!(talk.counters[1].jitter_us.load(Relaxed) > 1000);
}

#[test]
fn single_losses_are_concealed_and_counted() {
    let mut talk = Talk::new(|_| (), 5, 0);
    talk.speak(440.0, 1000);
    let counters = &talk.counters[1];
    let (received, lost) =
        (counters.packets_received.load(Relaxed), counters.packets_lost.load(Relaxed));
    assert!((20..100).contains(&lost), "{lost}");
    assert!((received + lost).abs_diff(1000) < 5, "{received} + {lost}");
    let heard = sounding(&talk.heard[1], 500);
    assert!(gap(heard, 200) < 160, "{}", gap(heard, 200));
}

#[test]
fn digits_cross_in_both_directions_through_loss_and_jitter() {
    let mut talk = Talk::new(|_| (), 10, 30);
    "159#AD*0".chars().for_each(|digit| talk.streams[0].send_dtmf(digit).unwrap());
    "42".chars().for_each(|digit| talk.streams[1].send_dtmf(digit).unwrap());
    talk.speak(440.0, 300);
    assert_eq!((talk.digits(1).as_str(), talk.digits(0).as_str()), ("159#AD*0", "42"));
}

#[test]
fn audio_goes_on_in_time_behind_a_digit() {
    let mut talk = Talk::new(|_| (), 0, 0);
    talk.speak(440.0, 50);
    talk.streams[0].send_dtmf('5').unwrap();
    talk.speak(440.0, 100);
    assert_eq!(talk.digits(1), "5");
    let heard = sounding(&talk.heard[1], 500);
    assert!((140 * FRAME..=150 * FRAME).contains(&heard.len()), "{}", heard.len());
}

#[test]
fn what_may_not_be_sent_is_not_and_what_is_not_wanted_is_not_played() {
    let mut talk = Talk::new(|s| s.flow = Flow { send: false, receive: true }, 0, 0);
    talk.speak(440.0, 50);
    assert_eq!(talk.counters[0].packets_sent.load(Relaxed), 0);

    let mut talk = Talk::new(|s| s.flow = Flow { send: true, receive: false }, 0, 0);
    talk.speak(440.0, 50);
    assert!(talk.counters[1].packets_received.load(Relaxed) >= 49);
    assert!(talk.heard[1].iter().all(|sample| *sample == 0));
}

#[test]
fn hold_and_unhold_lose_no_audio_behind_them() {
    let mut talk = Talk::new(|_| (), 0, 0);
    talk.speak(440.0, 50);
    let held = StreamSettings { flow: Flow { send: false, receive: false }, ..settings(RIGHT) };
    let now = talk.now;
    talk.streams[0].update(now, held);
    talk.speak(440.0, 200);
    let now = talk.now;
    talk.streams[0].update(now, settings(RIGHT));
    let before = talk.heard[1].len();
    talk.speak(700.0, 100);
    let heard = sounding(&talk.heard[1][before..], 500);
    assert!(heard.len() > 95 * FRAME, "{}", heard.len());
    assert!(sounds_like(&heard[..8000], 8000, 700.0));
}

#[test]
fn reports_tell_loss_and_the_round_trip() {
    let mut talk = Talk::new(|_| (), 5, 0);
    talk.speak(440.0, 2000);
    let left = &talk.counters[0];
    assert!(left.remote_packets_lost.load(Relaxed) > 20);
    let round_trip = left.round_trip_us.load(Relaxed);
    // 5 ms each way, and reports are sent at ticks.
    assert!((5_000..50_000).contains(&round_trip), "{round_trip}");
}

#[test]
fn r42_a_payload_type_that_was_not_negotiated_is_rejected_and_counted() {
    let mut talk = Talk::new(|s| s.receive_payload_type = 0, 0, 0);
    talk.speak(440.0, 50);
    assert!(talk.heard[1].iter().all(|sample| *sample == 0));
    assert!(talk.counters[1].packets_rejected.load(Relaxed) >= 49);
}

#[test]
fn r54_a_stranger_neither_plays_nor_draws_our_packets_to_itself() {
    let mut talk = Talk::new(|_| (), 0, 0);
    talk.speak(440.0, 20);
    let now = talk.now;
    let packet = [&[0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9][..], &[0x2a; 160]].concat();
    for _ in 0..100 {
        talk.streams[1].receive_rtp(now, at(9999), &packet);
    }
    assert_eq!(talk.counters[1].packets_rejected.load(Relaxed), 100);
    let mut out = [0; DATAGRAM_MAX];
    talk.streams[1].capture(now, &[0; FRAME]);
    assert_eq!(talk.streams[1].poll_packet(now, &mut out).unwrap().to, at(LEFT));
}

#[test]
fn the_reply_goes_to_where_the_peer_really_sends_from() {
    let mut talk = Talk::new(|s| s.remote = at(1), 0, 0);
    talk.speak(440.0, 5);
    let now = talk.now;
    let mut out = [0; DATAGRAM_MAX];
    talk.streams[1].capture(now, &[0; FRAME]);
    assert_eq!(talk.streams[1].poll_packet(now, &mut out).unwrap().to, at(LEFT));
    assert_eq!(talk.events[1], [StreamEvent::SourceSeen(at(LEFT))]);
}

#[test]
fn the_last_report_says_bye() {
    let mut talk = Talk::new(|_| (), 0, 0);
    talk.speak(440.0, 5);
    let (now, mut out) = (talk.now, [0; DATAGRAM_MAX]);
    let last = talk.streams[0].bye(now, &mut out).unwrap();
    let compound = offhook_media::rtcp::CompoundPacket::parse(&out[..last.length]).unwrap();
    let packet = compound.packets().last().unwrap();
    assert!(matches!(packet, offhook_media::rtcp::RtcpPacket::Goodbye { .. }), "{packet:?}");
    assert_eq!(last.to, at(RIGHT + 1));
}

/// The longest run of quiet samples.
fn gap(samples: &[i16], threshold: u16) -> u128 {
    longest_gap(samples, 8000, threshold).as_micros() * 8 / 1000
}
