//! A program speaks and listens itself, over a call between two engines.

mod common;

use std::time::Duration;

use common::{PATIENCE, Party};
use offhook::media::tone::{dominant_frequency, longest_gap, sine, sounding};
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
    let tone = sine(440.0, 8000.0, 8000, 8000);
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
    assert_eq!(dominant_frequency(&heard[..4000], 8000), Some(440.0));
    assert!(longest_gap(heard, 500) < 400, "{}", longest_gap(heard, 500));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
}
