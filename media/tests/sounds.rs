//! Sounds at the device, beside calls.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use offhook_fsm::Entropy;
use offhook_media::shell::{AudioDevice, Media, MediaConfig};
use offhook_media::tone::{sine, sounds_like};

const PATIENCE: Duration = Duration::from_secs(20);

/// A device whose speaker is a file.
struct Rig {
    media: Media,
    folder: PathBuf,
    speaker: PathBuf,
}

impl Rig {
    fn new(name: &str) -> Self {
        Self::of_volume(name, 100)
    }

    fn of_volume(name: &str, sounds_volume: u8) -> Self {
        let folder =
            std::env::temp_dir().join(format!("offhook-sounds-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let speaker = folder.join("speaker.wav");
        let device = AudioDevice::Wav { input: PathBuf::new(), output: speaker.clone() };
        let config = MediaConfig {
            rtp_ports: 42_000..=49_999,
            device,
            sounds_volume,
            ..MediaConfig::default()
        };
        let media = Media::start(config, Entropy::from_seed([7; 32]), |_| ()).unwrap();
        Self { media, folder, speaker }
    }

    fn tone(&self, millis: usize) -> PathBuf {
        let file = self.folder.join("tone.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        for sample in sine(440.0, 8000, 8000, millis * 8) {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        file
    }

    /// What the speaker got, once that is so much.
    fn heard(&self, fits: impl Fn(&[i16]) -> bool) -> Vec<i16> {
        let heard = wait(|| Some(samples(&self.speaker)).filter(|heard| fits(heard)));
        heard.unwrap_or_else(|| panic!("{} samples", samples(&self.speaker).len()))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.media.stop();
        let _kept = std::fs::remove_dir_all(&self.folder);
    }
}

/// Looks again and again until there is something.
#[allow(clippy::disallowed_methods, reason = "the threads run by the real clock")]
fn wait<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let found = look();
        if found.is_some() {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    None
}

/// Empty until the file is whole.
fn samples(file: &Path) -> Vec<i16> {
    let Ok(mut reader) = hound::WavReader::open(file) else { return Vec::new() };
    reader.samples::<i16>().map_while(Result::ok).collect()
}

fn loud(samples: &[i16]) -> usize {
    samples.chunks(80).filter(|piece| piece.iter().any(|s| s.unsigned_abs() > 4000)).count() * 80
}

#[test]
fn a_sound_is_heard_at_the_device_and_not_begun_anew_while_it_plays() {
    let rig = Rig::new("once");
    let tone = rig.tone(300);
    rig.media.play_sound(1, tone.clone(), None);
    rig.media.play_sound(1, tone, None);
    let heard = rig.heard(|heard| loud(heard) >= 2400);
    assert_eq!(loud(&heard), 2400);
    let start = heard.iter().position(|sample| sample.unsigned_abs() > 4000).unwrap();
    assert!(sounds_like(heard.get(start..start + 1600).unwrap(), 8000, 440.0));
}

#[test]
fn a_ring_tone_begins_anew_until_it_is_stopped() {
    let rig = Rig::new("ring");
    rig.media.play_sound(2, rig.tone(100), Some(Duration::from_millis(200)));
    // So long it is not after one tone.
    let long = || std::fs::metadata(&rig.speaker).ok().filter(|file| file.len() > 4096);
    assert!(wait(long).is_some());
    rig.media.stop_sound(2);
    assert!(loud(&rig.heard(|heard| loud(heard) >= 1600)) >= 1600);
}

#[test]
fn a_file_that_cannot_be_played_harms_nothing() {
    let rig = Rig::new("missing");
    rig.media.play_sound(1, rig.folder.join("nowhere.wav"), None);
    rig.media.play_sound(1, rig.tone(100), None);
    assert_eq!(loud(&rig.heard(|heard| loud(heard) >= 800)), 800);
}

#[test]
fn a_sound_is_as_loud_as_the_volume_says() {
    let rig = Rig::of_volume("half", 75);
    rig.media.play_sound(1, rig.tone(300), None);
    let heard = rig.heard(|heard| loud(heard) >= 2400);
    assert_eq!(heard.iter().max(), Some(&6000));
}
