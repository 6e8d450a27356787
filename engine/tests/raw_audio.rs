//! A program speaks and listens itself, over a call between two engines.

mod common;

use std::time::Duration;

use common::{Deadline, PATIENCE, Party};
use offhook::media::tone::{longest_gap, sine, sounding, sounds_like};
use offhook::streams::Streams;
use offhook::transport::Transport;

#[test]
fn what_one_program_writes_the_other_reads_whole() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    assert!(call.raw_audio().is_err());
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let (mut source, _sink) = call.raw_audio().unwrap();
    let answer = bob.incoming(0);
    let (_source, mut sink) = answer.raw_audio().unwrap();
    answer.accept(Streams::AUDIO, &[]).unwrap();
    let tone = sine(440.0, 8000, 8000, 8000);
    assert_eq!(source.write(&tone), 8000);
    let (mut heard, mut part) = (Vec::new(), [0; 160]);
    alice.record.wait_for("SIPSessionDidStart");
    let mut quiet = Duration::ZERO;
    while sounding(&heard, 500).len() < 7000 {
        let count = sink.read(&mut part);
        heard.extend(&part[..count]);
        if count == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
            quiet += Duration::from_millis(5);
            assert!(quiet < PATIENCE, "only {} samples came", heard.len());
        }
    }
    let heard = sounding(&heard, 500);
    assert!(sounds_like(&heard[..4000], 8000, 440.0));
    assert!(gap(heard, 500) < 400, "{}", gap(heard, 500));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
}

/// Sessions hear their own peer alone; a program joins them.
///
/// REFERENCE 1.8 item 5
#[test]
fn a_program_bridges_two_calls_and_without_it_they_do_not_hear_each_other() {
    let (hub, alice, bob) = (Party::new(), Party::new(), Party::new());
    let mut ends = Vec::new();
    for (index, party) in [&alice, &bob].into_iter().enumerate() {
        let call = party.engine.session();
        call.connect(&hub.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
        let raw = call.raw_audio().unwrap();
        let answer = hub.incoming(index);
        let middle = answer.raw_audio().unwrap();
        answer.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        ends.push((call, answer, raw, middle));
    }
    let [(_c1, _a1, (says, _), (_, from_alice)), (_c2, _a2, (_, hears), (to_bob, _))] =
        &mut ends[..]
    else {
        panic!("two calls")
    };
    let tone = sine(440.0, 8000, 8000, 8000);
    assert_eq!(says.write(&tone), 8000);
    let (mut apart, mut heard, mut part) = (Vec::new(), Vec::new(), [0; 160]);
    let deadline = Deadline::after(PATIENCE);
    // What Alice says comes to the middle, and goes no further by itself.
    let mut waiting = Vec::new();
    while sounding(&waiting, 500).len() < 1600 {
        let count = from_alice.read(&mut part);
        waiting.extend(&part[..count]);
        let count = hears.read(&mut part);
        apart.extend(&part[..count]);
        std::thread::park_timeout(Duration::from_millis(5));
        assert!(!deadline.is_over(), "nothing came to the middle");
    }
    assert_eq!(sounding(&apart, 500), [0_i16; 0]);
    while sounding(&heard, 500).len() < 4000 {
        let count = from_alice.read(&mut part);
        waiting.extend(&part[..count]);
        let written = to_bob.write(&waiting);
        waiting.drain(..written);
        let count = hears.read(&mut part);
        heard.extend(&part[..count]);
        std::thread::park_timeout(Duration::from_millis(5));
        assert!(!deadline.is_over(), "only {} samples came", heard.len());
    }
    assert!(sounds_like(&sounding(&heard, 500)[..4000], 8000, 440.0));
}

#[test]
fn raw_audio_of_a_call_that_never_stood_is_closed_with_it() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    let (source, _sink) = answer.raw_audio().unwrap();
    assert!(!source.is_closed());
    answer.reject(None).unwrap();
    assert!(answer.wait_ended(PATIENCE));
    let deadline = Deadline::after(PATIENCE);
    while !source.is_closed() {
        assert!(!deadline.is_over());
        std::thread::yield_now();
    }
}

/// The longest run of quiet samples.
fn gap(samples: &[i16], threshold: u16) -> u128 {
    longest_gap(samples, 8000, threshold).as_micros() * 8 / 1000
}
