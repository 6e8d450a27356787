//! A recording: 16 bit mono at 8000 Hz, written as the audio thread hands it over.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use rtrb::{Consumer, Producer, RingBuffer};

/// Samples that wait to be written: four seconds.
const WAITING_MAX: usize = 32_000;
/// So often the file's head is brought up to date, in samples: a crash loses at most one second.
const FLUSH_SAMPLES: usize = 8000;

/// A file being written.
pub(super) struct Recorder {
    pub(super) file: PathBuf,
    writer: WavWriter<BufWriter<File>>,
    ring: Consumer<i16>,
    unflushed: usize,
}

impl Recorder {
    /// Creates a file, with the folder it lies in; the ring's other end goes to the audio thread.
    pub(super) fn create(file: &Path) -> Result<(Self, Producer<i16>), String> {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| told(&error))?;
        }
        super::refuse_pipe(file)?;
        let spec = WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::create(file, spec).map_err(|error| told(&error))?;
        // The head is there from the start, so that an early crash leaves a file that opens.
        writer.flush().map_err(|error| told(&error))?;
        let (end, ring) = RingBuffer::new(WAITING_MAX);
        Ok((Self { file: file.to_path_buf(), writer, ring, unflushed: 0 }, end))
    }

    /// Writes what waits.
    pub(super) fn drain(&mut self) -> Result<(), String> {
        let told = |error: hound::Error| format!("{}: {error}", self.file.display());
        while let Ok(sample) = self.ring.pop() {
            self.writer.write_sample(sample).map_err(told)?;
            self.unflushed += 1;
        }
        if self.unflushed >= FLUSH_SAMPLES {
            self.unflushed = 0;
            self.writer.flush().map_err(told)?;
        }
        Ok(())
    }

    /// Brings the file's head up to date.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        self.drain()?;
        self.writer.flush().map_err(|error| format!("{}: {error}", self.file.display()))
    }

    /// Writes the rest and closes the file.
    pub(super) fn finish(mut self) -> Result<(), String> {
        self.drain()?;
        let file = self.file;
        self.writer.finalize().map_err(|error| format!("{}: {error}", file.display()))
    }
}
