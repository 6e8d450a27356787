use offhook_fsm::Entropy;

use super::*;
use crate::tone::{Sine, dominant_frequency, longest_gap};

/// One packet on its way: when it arrives, and what it is.
struct Packet {
    arrival: Instant,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// A 440 Hz tone in packets of `ptime` ms over `seconds`, each delayed by `delay` milliseconds.
fn tone(ptime: usize, seconds: usize, mut delay: impl FnMut(u64) -> Option<u64>) -> Vec<Packet> {
    let mut sine = Sine::new(440.0, 8000, 8000);
    let count = seconds * 1000 / ptime;
    let mut packets = Vec::new();
    for n in 0..count as u64 {
        let mut samples = vec![0; ptime * 8];
        sine.fill(&mut samples);
        let mut payload = vec![0; samples.len()];
        Codec::Pcma.encode(&samples, &mut payload);
        let Some(delay) = delay(n) else { continue };
        packets.push(Packet {
            arrival: Instant::from_millis((n + 1) * ptime as u64 + delay),
            sequence: n,
            timestamp: (u32::MAX - 5000).wrapping_add((n * ptime as u64 * 8) as u32),
            marker: n == 0,
            payload,
        });
    }
    packets.sort_by_key(|packet| packet.arrival);
    packets
}

/// Runs packets through a buffer with a pop each 20 ms. Returns the buffer, what played, and
/// whether each tick was heard.
fn run(packets: &[Packet], ticks: u64) -> (JitterBuffer, Vec<i16>, Vec<bool>) {
    let (mut buffer, mut played, mut heard) = (JitterBuffer::new(), Vec::new(), Vec::new());
    let (mut rest, mut highest) = (packets.iter().peekable(), None);
    for tick in 1..=ticks {
        // The ticks lie 3 ms beside the packets.
        let now = Instant::from_millis(tick * 20 + 3);
        while let Some(packet) = rest.next_if(|packet| packet.arrival <= now) {
            let in_order = highest.is_none_or(|highest| packet.sequence > highest);
            highest = highest.max(Some(packet.sequence));
            let incoming = Incoming {
                sequence: packet.sequence,
                in_order,
                timestamp: packet.timestamp,
                marker: packet.marker,
                codec: Codec::Pcma,
                payload: &packet.payload,
            };
            buffer.put(packet.arrival, incoming);
        }
        let mut frame = [0; FRAME];
        heard.push(buffer.pop(now, &mut frame));
        played.extend_from_slice(&frame);
    }
    (buffer, played, heard)
}

fn assert_tone(played: &[i16]) {
    assert!(longest_gap(played, 8000, 800).as_millis() < 3, "{:?}", longest_gap(played, 8000, 800));
    let told = dominant_frequency(played, 8000).unwrap();
    assert!((told - 440.0).abs() < 2.0, "{told}");
}

#[test]
fn packets_of_every_length_play_as_one_tone() {
    for ptime in [10, 20, 30, 40, 50, 60, 180] {
        let (buffer, played, heard) = run(&tone(ptime, 10, |_| Some(5)), 480);
        let first = heard.iter().position(|heard| *heard).unwrap();
        assert!(first * 20 <= ptime + 60, "{ptime}: {first}");
        assert!(heard[first..].iter().all(|heard| *heard), "{ptime}");
        assert_tone(&played[first * FRAME..]);
        assert_eq!(buffer.counts(), JitterCounts::default(), "{ptime}");
    }
}

#[test]
fn the_first_sample_plays_40_ms_after_it_came() {
    let (_, _, heard) = run(&tone(20, 1, |_| Some(0)), 20);
    // It comes at 20 ms, so it is due at 60; the next tick is at 63.
    assert_eq!(heard.iter().position(|heard| *heard), Some(2));
}

#[test]
fn disorder_is_put_right() {
    // Every third packet comes 25 ms late: behind its successor.
    let (buffer, played, _) = run(&tone(20, 10, |n| Some(if n % 3 == 1 { 25 } else { 0 })), 480);
    assert_tone(&played[8000..]);
    assert_eq!(buffer.counts().late, 0);
    assert_eq!(buffer.counts().concealed, 0);
}

#[test]
fn jitter_up_to_the_limit_is_learnt_and_then_loses_nothing() {
    let mut entropy = Entropy::from_u64(11);
    let (buffer, played, heard) = run(&tone(20, 60, |_| Some(entropy.below(80))), 2980);
    let target = buffer.target().as_millis();
    assert!((60..=130).contains(&target), "{target}");
    assert!(heard[10..].iter().all(|heard| *heard));
    let late = buffer.counts().late;
    assert!(late < 60, "{late} of 3000 were late");
    assert_tone(&played[8000..]);
}

#[test]
fn single_losses_are_bridged_without_a_gap() {
    let (buffer, played, heard) = run(&tone(20, 10, |n| (n % 10 != 7).then_some(0)), 480);
    assert!(heard[3..].iter().all(|heard| *heard));
    assert_tone(&played[3 * FRAME..]);
    let concealed = buffer.counts().concealed / 160;
    assert!((45..=52).contains(&concealed), "{concealed}");
}

#[test]
fn a_doubled_packet_plays_once() {
    let mut packets = tone(20, 4, |_| Some(0));
    for n in (10..150).rev() {
        let Packet { arrival, sequence, timestamp, marker, ref payload } = packets[n];
        let payload = payload.clone();
        packets.insert(n, Packet { arrival, sequence, timestamp, marker, payload });
    }
    let (buffer, played, _) = run(&packets, 190);
    assert_eq!(buffer.counts().duplicates, 140);
    assert_tone(&played[3 * FRAME..]);
}

#[test]
fn what_comes_after_its_time_is_dropped_and_counted() {
    let (buffer, _, _) = run(&tone(20, 4, |n| Some(if n == 100 { 150 } else { 0 })), 190);
    assert_eq!(buffer.counts().late, 1);
    assert_eq!(buffer.counts().discarded(), 1);
    assert_eq!(buffer.counts().concealed, 160);
}

#[test]
fn silence_comes_60_ms_after_the_last_packet_and_the_next_spurt_plays_whole() {
    let mut packets = tone(20, 4, |n| (!(50..150).contains(&n)).then_some(0));
    packets[50].marker = true;
    for (n, packet) in packets.iter_mut().enumerate().skip(50) {
        packet.sequence = n as u64;
    }
    let (buffer, _, heard) = run(&packets, 195);
    let spurts: Vec<_> = heard.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    let [(false, 2), (true, one), (false, pause), (true, _)] = spurts[..] else {
        panic!("{spurts:?}")
    };
    assert!((52..=53).contains(&one) && pause < 100, "{spurts:?}");
    assert_eq!(buffer.counts().underruns, 1);
    assert_eq!(buffer.counts().discarded(), 0);
}

#[test]
fn a_longer_path_is_followed() {
    let (buffer, played, heard) = run(&tone(20, 20, |n| Some(if n < 200 { 0 } else { 120 })), 980);
    assert!(heard[230..].iter().all(|heard| *heard));
    assert_tone(&played[230 * FRAME..]);
    assert!(buffer.counts().late <= 8, "{:?}", buffer.counts());
}

#[test]
fn a_stall_and_its_burst_end_in_a_short_delay_again() {
    // Nothing for 2 s, then all at once.
    let stall = |n: u64| Some(if (100..200).contains(&n) { (200 - n) * 20 } else { 0 });
    let (buffer, played, heard) = run(&tone(20, 30, stall), 1480);
    assert!(heard[220..].iter().all(|heard| *heard));
    assert_tone(&played[1000 * FRAME..]);
    assert!(buffer.target().as_millis() <= 60, "{:?}", buffer.target());
}

#[test]
fn a_jump_of_timestamps_resyncs() {
    for jump in [1 << 31, 100_000, 0_u32.wrapping_sub(100_000)] {
        let mut packets = tone(20, 6, |_| Some(0));
        for packet in &mut packets[100..] {
            packet.timestamp = packet.timestamp.wrapping_add(jump);
        }
        let (buffer, played, heard) = run(&packets, 290);
        assert_eq!(buffer.counts().resyncs, 1);
        assert!(heard[..100].iter().filter(|heard| !**heard).count() <= 3);
        assert!(heard[105..].iter().all(|heard| *heard));
        assert_tone(&played[105 * FRAME..]);
    }
}

#[test]
fn clocks_that_differ_are_followed_without_a_gap() {
    // 0.1 % is ten times what a bad crystal does.
    for slow in [true, false] {
        let mut packets = tone(20, 60, |_| Some(10));
        for packet in &mut packets {
            let micros = packet.arrival.as_micros();
            let drift = micros / 1000;
            packet.arrival =
                Instant::from_micros(if slow { micros + drift } else { micros - drift });
        }
        let (buffer, played, heard) = run(&packets, 2980);
        assert!(heard[4..2950].iter().all(|heard| *heard), "{slow}");
        assert_tone(&played[4 * FRAME..2950 * FRAME]);
        assert_eq!(buffer.counts().discarded(), 0, "{slow}");
    }
}

#[test]
fn odd_sizes_and_overlaps_are_borne() {
    let mut entropy = Entropy::from_u64(5);
    let mut packets = tone(20, 20, |_| Some(0));
    for packet in &mut packets {
        packet.payload.resize(entropy.below(400) as usize, 0xd5);
        packet.timestamp = packet.timestamp.wrapping_add(entropy.below(300) as u32);
    }
    let (_, played, _) = run(&packets, 990);
    assert_eq!(played.len(), 990 * FRAME);
}
