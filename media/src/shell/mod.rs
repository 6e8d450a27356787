//! Threads, sockets, files and devices around the audio streams.

mod audio;
mod control;
mod device;
mod digit_tones;
pub mod mailbox;
mod media;
mod player;
mod ports;
mod raw;
mod recorder;
mod sounds;
mod sys;
mod voice;

use std::path::{Path, PathBuf};

pub use device::{DeviceInfo, devices};
pub use media::{Busy, Media, MediaConfig, MediaError};
pub use raw::{AudioSink, AudioSource, RAW_SAMPLES_MAX};

/// Which microphone and speaker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AudioDevice {
    /// None: sends silence at the full rate, drops what comes.
    Null,
    /// The system's default devices.
    Default,
    /// The device of that name, as [`devices`] lists it.
    Named(String),
    /// WAV files in place of microphone and speaker. An empty path stands for none.
    Wav {
        /// Read as the microphone while there are calls; silence at its end.
        input: PathBuf,
        /// Written as the speaker while there are calls: the sum of all of them.
        output: PathBuf,
    },
}

/// Refuses a named pipe: opening one waits for whoever is to be at its other end, and all audio
/// with it.
fn refuse_pipe(file: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = std::fs::metadata(file).map(|found| found.file_type());
        if kind.is_ok_and(|kind| kind.is_fifo()) {
            return Err(format!("{}: this is a pipe, and no file", file.display()));
        }
    }
    let _ = file;
    Ok(())
}
