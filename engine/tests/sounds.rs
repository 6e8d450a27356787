//! Ring tones and tones for messages at the user's own device.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::process::alone;
use common::{Deadline, PATIENCE, Party};
use offhook::media::shell::AudioDevice;
use offhook::media::tone::sine;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Sounds};

const CHAT: Streams = Streams { audio: false, chat: true };

/// A party whose speaker is a file, and a tone for it.
struct Ear {
    party: Party,
    speaker: PathBuf,
    folder: PathBuf,
}

fn ear(name: &str, sounds: impl FnOnce(PathBuf) -> Sounds) -> Ear {
    let folder =
        std::env::temp_dir().join(format!("offhook-engine-sounds-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (tone, speaker) = (folder.join("tone.wav"), folder.join("speaker.wav"));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&tone, spec).unwrap();
    // Longer than what the file of the speaker waits for before it is brought up to date.
    for sample in sine(440.0, 8000, 8000, 8800) {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let audio_device = AudioDevice::Wav { input: PathBuf::new(), output: speaker.clone() };
    let config = Config { audio_device, sounds: sounds(tone), ..Config::default() };
    Ear { party: Party::with(config), speaker, folder }
}

impl Ear {
    /// Waits until the speaker has sounded.
    fn hears(&self) {
        let deadline = Deadline::after(PATIENCE);
        while !sounded(&self.speaker) {
            assert!(!deadline.is_over(), "never a sound");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _kept = std::fs::remove_dir_all(&self.folder);
    }
}

fn sounded(file: &Path) -> bool {
    let Ok(mut reader) = hound::WavReader::open(file) else { return false };
    reader.samples::<i16>().map_while(Result::ok).any(|sample| sample.unsigned_abs() > 4000)
}

/// REFERENCE 1.9 item 14
#[test]
fn a_message_that_comes_and_one_that_goes_have_their_tones() {
    let _alone = alone();
    let alice = ear("sent", |tone| Sounds { message_sent: Some(tone), ..Sounds::default() });
    let bob = ear("received", |tone| Sounds { message_received: Some(tone), ..Sounds::default() });
    let call = alice.party.engine.session();
    call.connect(&bob.party.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.party.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    call.send_message(b"hello", "text/plain", None).unwrap();
    alice.hears();
    bob.hears();
}

/// REFERENCE 1.9 item 14
#[test]
fn who_wants_silence_hears_neither_ring_tones_nor_messages() {
    let _alone = alone();
    let bob = ear("silent", |tone| Sounds {
        inbound: Some(tone.clone()),
        message_received: Some(tone.clone()),
        message_sent: Some(tone),
        outbound: None,
        silent: true,
        ..Sounds::default()
    });
    let alice = Party::new();
    let call = alice.engine.session();
    call.connect(&bob.party.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.party.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    call.send_message(b"hello", "text/plain", None).unwrap();
    bob.party.record.wait_for("SIPSessionGotMessage");
    answer.send_message(b"hello", "text/plain", None).unwrap();
    alice.record.wait_for("SIPSessionGotMessage");
    bob.party.engine.stop();
    // The device was never opened.
    assert!(!bob.speaker.exists());
}

#[test]
fn a_call_rings_on_both_sides_until_it_is_decided() {
    let _alone = alone();
    let bob = ear("inbound", |tone| Sounds { inbound: Some(tone), ..Sounds::default() });
    let alice =
        ear("outbound", |tone| Sounds { outbound: Some(tone), silent: true, ..Sounds::default() });
    let call = alice.party.engine.session();
    call.connect(&bob.party.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.party.incoming(0);
    bob.hears();
    alice.hears();
    answer.reject(None).unwrap();
}
