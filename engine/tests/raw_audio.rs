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
