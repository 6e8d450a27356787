//! The system's sound device, as far as ALSA's null and file plug-ins can stand in for one.
#![cfg(all(feature = "device", target_os = "linux"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod support;

use std::path::Path;

use support::{Agent, Process, folder, tone};

/// ALSA with one more device: it writes what it plays to a WAV file and records from raw samples.
fn alsa(folder: &Path) -> std::path::PathBuf {
    let (played, spoken) = (folder.join("played.wav"), folder.join("spoken.raw"));
    // A square wave in any sample format: silence and full scale by turns.
    let wave: Vec<u8> =
        (0..4_000_000_u32).map(|n| if n / 400 % 2 == 0 { 0 } else { 0x3f }).collect();
    std::fs::write(&spoken, wave).unwrap();
    let config = folder.join("asoundrc");
    let text = format!(
        "</usr/share/alsa/alsa.conf>\npcm.paper {{ type file; slave.pcm null; file \"{}\"; \
         infile \"{}\"; format wav; hint {{ show on; description \"paper\" }} }}\n",
        played.display(),
        spoken.display()
    );
    std::fs::write(&config, text).unwrap();
    config
}

#[test]
fn a_call_plays_to_and_records_from_the_system_s_device() {
    let folder = folder("sound-device");
    let config = alsa(&folder);
    let (tone_file, recording) = (folder.join("tone.wav"), folder.join("recording.wav"));
    tone(&tone_file, 440.0, 3000);
    let mut bob = Agent::start();
    let args = ["call", &bob.uri, "--udp", "127.0.0.1:0", "--audio-device", "paper"];
    let mut caller = Process::start_with(&args, &[("ALSA_CONFIG_PATH", &config)]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    bob.wait("SIPSessionDidStart");
    bob.order(&format!("record {}", recording.display()));
    bob.wait("SIPSessionDidStartRecordingAudio");
    bob.order(&format!("play {}", tone_file.display()));
    bob.wait("WaveFileDidFinishPlaying");
    bob.order("end");
    caller.line_with("The peer hung up");
    let (status, out, errors) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert!(!errors.contains("failed"), "{errors}");
    let played = std::fs::metadata(folder.join("played.wav")).unwrap().len();
    assert!(played > 20_000, "the device got {played} octets");
    let mut reader = hound::WavReader::open(&recording).unwrap();
    let loudest = reader.samples::<i16>().map(|s| s.unwrap().unsigned_abs()).max().unwrap();
    assert!(loudest > 8500, "the device's microphone is not heard: {loudest}");
}

#[test]
fn a_device_that_is_not_there_is_said_plainly_and_the_call_goes_on() {
    let mut bob = Agent::start();
    let args = ["call", &bob.uri, "--udp", "127.0.0.1:0", "--audio-device", "no such device"];
    let args = [&args[..], &["--duration", "0.3"]].concat();
    let caller = Process::start(&args);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    let (status, out, errors) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    let said = [out.join("\n"), errors].concat();
    assert!(said.contains("there is no sound device \"no such device\""), "{said}");
}
