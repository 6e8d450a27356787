//! Microphone and speaker: none, WAV files, or the system's.

use super::AudioDevice;
use super::audio::DeviceEnds;
use super::player::{Fed, Player};
use super::recorder::Recorder;

#[cfg(feature = "device")]
mod sound;

/// A sound device of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceInfo {
    /// Its name, as [`AudioDevice::Named`] takes it.
    pub name: String,
    /// It has a microphone.
    pub is_input: bool,
    /// It has a speaker.
    pub is_output: bool,
    /// The system uses it where nobody says otherwise.
    pub is_default: bool,
}

/// The sound devices of this machine; an empty list when there are none.
///
/// # Errors
/// When they cannot be listed, or this build has no sound devices (feature `device`).
pub fn devices() -> Result<Vec<DeviceInfo>, String> {
    #[cfg(feature = "device")]
    return sound::devices();
    #[cfg(not(feature = "device"))]
    Err("this build has no sound devices: only null and wav are there".into())
}

/// What the control thread keeps of an open device.
pub(super) enum OpenDevice {
    /// There is no stream.
    Closed,
    /// Silence: the null device, or one that failed.
    Silent,
    Wav {
        input: Option<Box<Player>>,
        output: Option<Box<Recorder>>,
    },
    #[cfg(feature = "device")]
    Sound {
        _open: sound::Sound,
    },
}

impl OpenDevice {
    /// Opens a device; `broken` is called when it fails later.
    pub(super) fn open(
        device: &AudioDevice,
        broken: impl Fn(String) + Clone + Send + 'static,
    ) -> Result<(Self, DeviceEnds), String> {
        match device {
            AudioDevice::Null => Ok((Self::Silent, DeviceEnds::default())),
            AudioDevice::Wav { input, output } => {
                let mut ends = DeviceEnds::default();
                let mut device = (None, None);
                if !input.as_os_str().is_empty() {
                    let (player, ring) = Player::open(input, 100)?;
                    (device.0, ends.microphone) = (Some(Box::new(player)), Some(ring));
                }
                if !output.as_os_str().is_empty() {
                    let (recorder, ring) = Recorder::create(output)?;
                    (device.1, ends.speaker) = (Some(Box::new(recorder)), Some(ring));
                }
                Ok((Self::Wav { input: device.0, output: device.1 }, ends))
            }
            #[cfg(feature = "device")]
            AudioDevice::Default => {
                let (sound, ends) = sound::Sound::open(None, broken)?;
                Ok((Self::Sound { _open: sound }, ends))
            }
            #[cfg(feature = "device")]
            AudioDevice::Named(name) => {
                let (sound, ends) = sound::Sound::open(Some(name), broken)?;
                Ok((Self::Sound { _open: sound }, ends))
            }
            #[cfg(not(feature = "device"))]
            AudioDevice::Default | AudioDevice::Named(_) => {
                drop(broken);
                Err("this build has no sound devices".into())
            }
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed)
    }

    /// Whether it is closed when there is no stream: a microphone is not kept open for nothing,
    /// and what failed may work again for the next call. Files go on where they are.
    pub(super) const fn is_closed_when_idle(&self) -> bool {
        !matches!(self, Self::Closed | Self::Wav { .. })
    }

    /// There is no stream any more.
    pub(super) fn rest(&mut self) {
        if let Self::Wav { output: Some(recorder), .. } = self
            && let Err(reason) = recorder.flush()
        {
            log::warn!("the speaker's file broke: {reason}");
        }
    }

    /// Feeds and drains the files.
    pub(super) fn serve(&mut self) {
        let Self::Wav { input, output } = self else { return };
        match input.as_mut().map(|player| player.feed()) {
            Some(Fed::Over) => *input = None,
            Some(Fed::Broken(reason)) => {
                log::warn!("the microphone's file broke: {reason}");
                *input = None;
            }
            Some(Fed::More) | None => {}
        }
        if let Some(Err(reason)) = output.as_mut().map(|recorder| recorder.drain()) {
            log::warn!("the speaker's file broke: {reason}");
            *output = None;
        }
    }

    pub(super) fn close(self) -> Result<(), String> {
        match self {
            Self::Wav { output: Some(recorder), .. } => recorder.finish(),
            _ => Ok(()),
        }
    }
}
