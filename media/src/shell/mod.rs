//! Threads, sockets and devices.

use std::path::PathBuf;

/// Which microphone and speaker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AudioDevice {
    /// None: sends silence at the full rate, drops what comes.
    Null,
    /// The system's default devices.
    Default,
    /// The device of that name.
    Named(String),
    /// WAV files in place of microphone and speaker.
    Wav {
        /// Read as the microphone; silence at its end.
        input: PathBuf,
        /// Written as the speaker.
        output: PathBuf,
    },
}
