//! Sound devices: which there are, and which one a verb uses.

use std::path::Path;

use offhook::media::shell::{self, AudioDevice, DeviceInfo};

use crate::{Usage, note};

/// Whether this binary can use sound devices at all.
pub(crate) const BUILT: bool = cfg!(feature = "device");

/// The sound devices of this machine; none when they cannot be listed.
pub(crate) fn devices() -> Vec<DeviceInfo> {
    if !BUILT {
        return Vec::new();
    }
    shell::devices().unwrap_or_else(|error| {
        log::debug!("sound devices: {error}");
        Vec::new()
    })
}

/// What a verb uses that was not told: the default device if there is one, else none, which is
/// told on stderr.
pub(crate) fn default_or_null() -> AudioDevice {
    if devices().iter().any(is_real) {
        return AudioDevice::Default;
    }
    note("no sound device: silence is sent (--audio-device null keeps this quiet)");
    AudioDevice::Null
}

/// Whether a listed device shows that there is something to hear with. ALSA lists converters and
/// servers on machines without any card, and need not list the default of a machine with one.
fn is_real(device: &DeviceInfo) -> bool {
    device.is_default || device.name.contains("CARD=")
}

/// The device that `--audio-device TEXT` means.
pub(crate) fn device(text: &str) -> Result<AudioDevice, Usage> {
    if let Some(files) = text.strip_prefix("wav:") {
        return match files.split_once(',') {
            Some((input, output)) if !input.is_empty() && !output.is_empty() => {
                Ok(AudioDevice::Wav { input: input.into(), output: output.into() })
            }
            _ => Err(Usage(format!(
                "--audio-device {text}: type two files, like wav:microphone.wav,speaker.wav"
            ))),
        };
    }
    match text {
        "null" => Ok(AudioDevice::Null),
        "" => Err(Usage("--audio-device: type default, null, wav:IN,OUT or a name".into())),
        _ if !BUILT => Err(Usage(format!(
            "--audio-device {text}: this offhook was built without sound devices; use null or \
             wav:IN.wav,OUT.wav"
        ))),
        "default" => Ok(AudioDevice::Default),
        name => Ok(AudioDevice::Named(name.into())),
    }
}

/// Whether a device's files can be used.
pub(crate) fn check(device: &AudioDevice) -> Result<(), Usage> {
    let AudioDevice::Wav { input, output } = device else { return Ok(()) };
    let refused = |file: &Path, error: &dyn std::fmt::Display| {
        Err(Usage(format!("--audio-device wav: {}: {error}", file.display())))
    };
    if let Err(error) = hound::WavReader::open(input) {
        return refused(input, &error);
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return refused(output, &"there is no such folder");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_files_are_devices() {
        assert_eq!(device("null").ok(), Some(AudioDevice::Null));
        let files = AudioDevice::Wav { input: "in.wav".into(), output: "out,2.wav".into() };
        assert_eq!(device("wav:in.wav,out,2.wav").ok(), Some(files));
    }

    #[test]
    fn a_converter_is_no_sound_device() {
        let device = |name: &str, is_default| {
            is_real(&DeviceInfo { name: name.into(), is_input: true, is_output: true, is_default })
        };
        assert!(!device("speexrate", false) && !device("null", false));
        assert!(device("default", true) && device("hw:CARD=PCH,DEV=0", false));
    }

    #[test]
    fn half_a_pair_of_files_is_refused() {
        for text in ["wav:", "wav:in.wav", "wav:,out.wav", "wav:in.wav,", ""] {
            assert!(device(text).is_err(), "{text}");
        }
    }

    #[test]
    fn files_must_be_there_and_be_wav() {
        let files = |input: &str| {
            check(&AudioDevice::Wav { input: input.into(), output: "out.wav".into() })
        };
        assert!(check(&AudioDevice::Null).is_ok());
        assert!(files("/nonexistent.wav").is_err());
        assert!(files(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).is_err());
    }

    #[test]
    #[cfg(feature = "device")]
    fn another_word_is_a_device_s_name() {
        assert_eq!(device("default").ok(), Some(AudioDevice::Default));
        assert_eq!(device("USB Audio").ok(), Some(AudioDevice::Named("USB Audio".into())));
    }

    #[test]
    #[cfg(not(feature = "device"))]
    fn without_devices_a_name_is_refused() {
        assert!(device("default").is_err() && device("USB Audio").is_err());
    }
}
