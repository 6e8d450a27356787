//! The media layer's threads with real sockets and files, on loopback.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use offhook_fsm::Entropy;
use offhook_media::codec::Codec;
use offhook_media::control::{Flow, MediaCommand, MediaEvent, StreamId, StreamSettings};
use offhook_media::shell::{AudioDevice, Media, MediaConfig};
use offhook_media::statistics::StreamCounters;
use offhook_media::tone::{longest_gap, sine, sounding, sounds_like};

const PATIENCE: Duration = Duration::from_secs(20);
const LEFT: StreamId = StreamId { session: 1, index: 0 };
const RIGHT: StreamId = StreamId { session: 2, index: 0 };

struct Rig {
    media: Media,
    events: Receiver<MediaEvent>,
    seen: Vec<MediaEvent>,
    folder: PathBuf,
}

impl Rig {
    fn new(name: &str) -> Self {
        Self::with(name, AudioDevice::Null, 42_000..=49_999)
    }

    fn with(name: &str, device: AudioDevice, rtp_ports: std::ops::RangeInclusive<u16>) -> Self {
        let folder =
            std::env::temp_dir().join(format!("offhook-media-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = MediaConfig { rtp_ports, device, ..MediaConfig::default() };
        #[allow(clippy::disallowed_methods, reason = "a test that stalls must not lose events")]
        let (told, events) = unbounded();
        let tell = move |event| told.send(event).unwrap_or_default();
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&std::process::id().to_be_bytes());
        seed[4..8].copy_from_slice(&u32::try_from(name.len()).unwrap().to_be_bytes());
        let media = Media::start(config, Entropy::from_seed(seed), tell).unwrap();
        Self { media, events, seen: Vec::new(), folder }
    }

    fn order(&self, command: MediaCommand) {
        self.media.command(command).unwrap();
    }

    /// Waits for an event that fits; those that came before it count, too, and each only once.
    fn wait(&mut self, fits: impl Fn(&MediaEvent) -> bool) -> MediaEvent {
        if let Some(at) = self.seen.iter().position(&fits) {
            return self.seen.remove(at);
        }
        loop {
            match self.events.recv_timeout(PATIENCE) {
                Ok(event) if fits(&event) => return event,
                Ok(event) => self.seen.push(event),
                Err(_) => panic!("never told; what was told: {:#?}", self.seen),
            }
        }
    }

    fn prepare(&mut self, stream: StreamId) -> (SocketAddr, Arc<StreamCounters>) {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.order(MediaCommand::Prepare { stream, address });
        let event = self.wait(|e| e.stream() == Some(stream));
        let MediaEvent::Prepared { local, counters, .. } = event else { panic!("{event:?}") };
        (local, counters)
    }

    /// Both streams, each the other's peer.
    fn talk(&mut self) -> [Arc<StreamCounters>; 2] {
        let (left, left_counters) = self.prepare(LEFT);
        let (right, right_counters) = self.prepare(RIGHT);
        self.order(MediaCommand::Start { stream: LEFT, settings: settings(right) });
        self.order(MediaCommand::Start { stream: RIGHT, settings: settings(left) });
        for stream in [LEFT, RIGHT] {
            let seen = |e: &MediaEvent| matches!(e, MediaEvent::SourceSeen { .. });
            self.wait(|e| seen(e) && e.stream() == Some(stream));
        }
        [left_counters, right_counters]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write_tone(&self, name: &str, hertz: f64, rate: u32, millis: u32) -> PathBuf {
        let file = self.file(name);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        let count = usize::try_from(rate * millis / 1000).unwrap();
        for sample in sine(hertz, 8000, rate, count) {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        file
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.media.stop();
        let _kept = std::fs::remove_dir_all(&self.folder);
    }
}

fn settings(remote: SocketAddr) -> StreamSettings {
    StreamSettings {
        remote,
        remote_rtcp: SocketAddr::new(remote.ip(), remote.port() + 1),
        rtcp_mux: false,
        codec: Codec::Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        on_hold: false,
        ptime_ms: 20,
        silence: None,
        srtp: None,
    }
}

fn samples(file: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(file).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 8000));
    reader.samples::<i16>().map(Result::unwrap).collect()
}

fn is_play_end(event: &MediaEvent) -> bool {
    matches!(event, MediaEvent::PlayEnded { .. })
}

#[test]
fn a_file_played_on_one_side_is_recorded_whole_on_the_other() {
    let mut rig = Rig::new("play");
    rig.talk();
    let (tone, recording) =
        (rig.write_tone("tone.wav", 440.0, 44_100, 1500), rig.file("rec/r.wav"));
    rig.order(MediaCommand::StartRecording { stream: RIGHT, file: recording.clone() });
    rig.wait(|e| matches!(e, MediaEvent::RecordingStarted { .. }));
    rig.order(MediaCommand::Play { stream: LEFT, file: tone });
    let ended = rig.wait(is_play_end);
    assert!(matches!(ended, MediaEvent::PlayEnded { failure: None, .. }), "{ended:?}");
    // The tail is still on its way: silence after it is recorded, too.
    rig.order(MediaCommand::SendDtmf { stream: LEFT, digit: '1' });
    rig.wait(|e| matches!(e, MediaEvent::Dtmf { .. }));
    rig.order(MediaCommand::StopRecording { stream: RIGHT });
    rig.wait(|e| matches!(e, MediaEvent::RecordingStopped { .. }));
    let recorded = samples(&recording);
    let heard = sounding(&recorded, 500);
    assert!(heard.len().abs_diff(12_000) <= 480, "{}", heard.len());
    assert!(sounds_like(heard, 8000, 440.0));
}

#[test]
fn a_file_that_is_played_before_the_start_starts_with_the_stream() {
    let mut rig = Rig::new("early");
    let tone = rig.write_tone("tone.wav", 700.0, 8000, 400);
    let (left, _) = rig.prepare(LEFT);
    let (right, counters) = rig.prepare(RIGHT);
    rig.order(MediaCommand::Play { stream: LEFT, file: tone });
    rig.order(MediaCommand::Start { stream: RIGHT, settings: settings(left) });
    rig.order(MediaCommand::Start { stream: LEFT, settings: settings(right) });
    rig.wait(is_play_end);
    assert!(counters.packets_received.load(Relaxed) > 0);
}

#[test]
fn digits_cross_in_both_directions() {
    let mut rig = Rig::new("digits");
    rig.talk();
    rig.order(MediaCommand::SendDtmf { stream: LEFT, digit: '5' });
    rig.order(MediaCommand::SendDtmf { stream: RIGHT, digit: '#' });
    for (stream, expected) in [(RIGHT, '5'), (LEFT, '#')] {
        let event = rig.wait(|e| matches!(e, MediaEvent::Dtmf { stream: at, .. } if *at == stream));
        assert!(matches!(event, MediaEvent::Dtmf { digit, .. } if digit == expected), "{event:?}");
    }
}

#[test]
fn an_echo_comes_back_and_a_muted_side_is_silent() {
    let mut rig = Rig::new("echo");
    rig.talk();
    let tone = rig.write_tone("tone.wav", 1000.0, 8000, 1000);
    let (echo, muted) = (rig.file("echo.wav"), rig.file("muted.wav"));
    rig.order(MediaCommand::Echo { stream: RIGHT, on: true });
    rig.order(MediaCommand::StartRecording { stream: LEFT, file: echo.clone() });
    rig.order(MediaCommand::Play { stream: LEFT, file: tone.clone() });
    rig.wait(is_play_end);
    rig.order(MediaCommand::StopRecording { stream: LEFT });
    rig.wait(|e| matches!(e, MediaEvent::RecordingStopped { .. }));
    // The recording holds both directions: the tone, and its echo on top of it.
    let recorded = samples(&echo);
    let loudest = recorded.iter().map(|s| s.unsigned_abs()).max().unwrap();
    assert!(loudest > 9000, "{loudest}");

    rig.order(MediaCommand::Echo { stream: RIGHT, on: false });
    rig.order(MediaCommand::Mute { stream: LEFT, on: true });
    rig.order(MediaCommand::StartRecording { stream: RIGHT, file: muted.clone() });
    rig.order(MediaCommand::Play { stream: LEFT, file: tone });
    rig.wait(is_play_end);
    rig.order(MediaCommand::StopRecording { stream: RIGHT });
    rig.wait(|e| matches!(e, MediaEvent::RecordingStopped { .. }));
    let tail = samples(&muted).split_off(4000);
    assert!(tail.iter().all(|sample| sample.unsigned_abs() < 16));
}

#[test]
fn what_a_program_writes_is_sent_and_what_comes_in_it_reads() {
    let mut rig = Rig::new("raw");
    // Attached before the stream is there, and after.
    let (mut source, _unused) = rig.media.attach(LEFT.session).unwrap();
    rig.talk();
    let (_silent, mut sink) = rig.media.attach(RIGHT.session).unwrap();
    let tone = sine(500.0, 8000, 8000, 8000);
    assert_eq!(source.write(&tone), 8000);
    assert_eq!(source.write(&tone), 8000 - source_fill(&source));
    let mut heard = Vec::new();
    let mut part = [0; 160];
    let enough = |heard: &[i16]| sounding(heard, 500).len() > 6000;
    #[allow(clippy::disallowed_methods, reason = "a test that waits needs a deadline")]
    let deadline = std::time::Instant::now() + PATIENCE;
    while !enough(&heard) {
        let count = sink.read(&mut part);
        heard.extend(&part[..count]);
        if count == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        #[allow(clippy::disallowed_methods, reason = "a test that waits needs a deadline")]
        let now = std::time::Instant::now();
        assert!(now < deadline, "only {} samples", heard.len());
    }
    let heard = sounding(&heard, 500);
    assert!(sounds_like(&heard[..4000], 8000, 500.0));
}

/// What waits in a source.
fn source_fill(source: &offhook_media::shell::AudioSource) -> usize {
    offhook_media::shell::RAW_SAMPLES_MAX - source.room()
}

#[test]
fn ports_that_are_used_up_are_told() {
    let mut rig = Rig::with("ports", AudioDevice::Null, 41_600..=41_601);
    rig.prepare(LEFT);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    rig.order(MediaCommand::Prepare { stream: RIGHT, address });
    let event = rig.wait(|e| e.stream() == Some(RIGHT));
    assert!(matches!(event, MediaEvent::PrepareFailed { .. }), "{event:?}");
    // A stream that stops gives its ports back.
    rig.order(MediaCommand::Stop { stream: LEFT });
    rig.prepare(RIGHT);
}

#[test]
fn files_that_cannot_be_used_are_told_with_the_reason() {
    let mut rig = Rig::new("files");
    rig.talk();
    let nothing = rig.file("nothing.wav");
    rig.order(MediaCommand::Play { stream: LEFT, file: nothing });
    let event = rig.wait(is_play_end);
    let MediaEvent::PlayEnded { failure: Some(reason), .. } = event else { panic!("{event:?}") };
    assert!(reason.contains("nothing.wav"), "{reason}");
    let noise = rig.file("noise.wav");
    std::fs::write(&noise, b"RIFF\xff\xff\xff\xffWAVEfmt ").unwrap();
    rig.order(MediaCommand::Play { stream: LEFT, file: noise });
    let event = rig.wait(is_play_end);
    assert!(matches!(event, MediaEvent::PlayEnded { failure: Some(_), .. }), "{event:?}");
    rig.order(MediaCommand::StartRecording {
        stream: LEFT,
        file: PathBuf::from("/proc/no/such/folder/r.wav"),
    });
    let event = rig.wait(|e| matches!(e, MediaEvent::RecordingFailed { .. }));
    let MediaEvent::RecordingFailed { reason, .. } = event else { panic!() };
    assert!(reason.contains("/proc/no/such/folder/r.wav"), "{reason}");
}

#[test]
fn stopping_closes_recordings_and_leaves_no_thread_and_no_socket() {
    let mut rig = Rig::new("stop");
    rig.talk();
    let recording = rig.file("r.wav");
    rig.order(MediaCommand::StartRecording { stream: LEFT, file: recording.clone() });
    rig.wait(|e| matches!(e, MediaEvent::RecordingStarted { .. }));
    let (port, _) = rig.prepare(StreamId { session: 3, index: 0 });
    rig.media.stop();
    rig.wait(|e| matches!(e, MediaEvent::RecordingStopped { .. }));
    drop(samples(&recording));
    // Its port can be bound again.
    std::net::UdpSocket::bind(port).unwrap();
    rig.media.stop();
}

#[test]
fn wav_files_stand_in_for_microphone_and_speaker() {
    let folder = std::env::temp_dir();
    let input = folder.join(format!("offhook-mic-{}.wav", std::process::id()));
    let output = folder.join(format!("offhook-speaker-{}.wav", std::process::id()));
    let maker = Rig::new("tone-maker");
    std::fs::copy(maker.write_tone("in.wav", 600.0, 16_000, 800), &input).unwrap();
    let device = AudioDevice::Wav { input: input.clone(), output: output.clone() };
    let mut rig = Rig::with("wav", device, 42_000..=49_999);
    let [left, _] = rig.talk();
    // Both streams speak the file, so both hear it: the speaker gets the sum.
    while left.packets_received.load(Relaxed) < 60 {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    rig.media.stop();
    let heard = samples(&output);
    let heard = sounding(&heard, 500);
    assert!(heard.len() > 5000, "{}", heard.len());
    assert!(sounds_like(&heard[..4000], 8000, 600.0));
    assert!(gap(heard, 100) < 400);
    for file in [input, output] {
        std::fs::remove_file(file).unwrap();
    }
}

#[cfg(feature = "device")]
#[test]
fn the_systems_null_device_opens_plays_and_records() {
    let mut rig = Rig::with("null", AudioDevice::Named("null".into()), 42_000..=49_999);
    let [left, _] = rig.talk();
    while left.packets_received.load(Relaxed) < 20 {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    rig.media.stop();
    let failed = |e: &&MediaEvent| matches!(e, MediaEvent::DeviceFailed { .. });
    assert_eq!(rig.seen.iter().find(failed).map(|e| format!("{e:?}")), None);
}

#[cfg(feature = "device")]
#[test]
fn a_device_that_is_not_there_is_told_and_the_call_goes_on_in_silence() {
    let mut rig =
        Rig::with("no-device", AudioDevice::Named("no such device".into()), 42_000..=49_999);
    let [left, _] = rig.talk();
    let event = rig.wait(|e| matches!(e, MediaEvent::DeviceFailed { .. }));
    let MediaEvent::DeviceFailed { reason, .. } = event else { panic!() };
    assert!(reason.contains("no such device"), "{reason}");
    assert!(left.packets_received.load(Relaxed) > 0);
}

/// The longest run of quiet samples.
fn gap(samples: &[i16], threshold: u16) -> u128 {
    longest_gap(samples, 8000, threshold).as_micros() * 8 / 1000
}
