//! A WAV file on its way to the wire: read ahead of time, brought to mono at 8000 Hz.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::resample::Resampler;

/// Samples that are read ahead: two seconds.
const AHEAD: usize = 16_000;
/// Samples that are converted at once.
const PIECE: usize = 4096;
/// Channels of a file at most.
const CHANNELS_MAX: u16 = 32;

/// A file being read.
pub(super) struct Player {
    pub(super) file: PathBuf,
    reader: WavReader<BufReader<File>>,
    resampler: Resampler,
    ring: Producer<i16>,
    /// Converted, and not in the ring yet.
    waiting: Vec<i16>,
    /// In percent.
    volume: u8,
    over: bool,
}

/// How a file stands.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Fed {
    /// There is more to read.
    More,
    /// All of it is in the ring.
    Over,
    /// It broke.
    Broken(String),
}

impl Player {
    /// Opens a file that is heard so loud, in percent; the ring's other end goes to the audio
    /// thread.
    pub(super) fn open(file: &Path, volume: u8) -> Result<(Self, Consumer<i16>), String> {
        let told = |error: hound::Error| format!("{}: {error}", file.display());
        super::refuse_pipe(file)?;
        let reader = WavReader::open(file).map_err(told)?;
        let spec = reader.spec();
        let fault = |what: String| Err(format!("{}: {what}", file.display()));
        if spec.channels == 0 || spec.channels > CHANNELS_MAX {
            return fault(format!("{} channels, 1 to {CHANNELS_MAX} are played", spec.channels));
        }
        let (ring, end) = RingBuffer::new(AHEAD);
        let mut player = Self {
            file: file.to_path_buf(),
            resampler: Resampler::new(spec.sample_rate, 8000)
                .map_err(|error| format!("{}: {error}", file.display()))?,
            reader,
            ring,
            waiting: Vec::new(),
            volume,
            over: false,
        };
        match player.feed() {
            Fed::Broken(reason) => Err(reason),
            Fed::More | Fed::Over => Ok((player, end)),
        }
    }

    /// Reads on until the ring is full.
    pub(super) fn feed(&mut self) -> Fed {
        loop {
            let written = super::raw::write(&mut self.ring, &self.waiting);
            self.waiting.drain(..written);
            if !self.waiting.is_empty() {
                return Fed::More;
            }
            if self.over {
                return Fed::Over;
            }
            if let Err(error) = self.convert() {
                return Fed::Broken(format!("{}: {error}", self.file.display()));
            }
        }
    }

    /// Converts some of the file.
    fn convert(&mut self) -> Result<(), hound::Error> {
        let mut mono = Vec::with_capacity(PIECE);
        while mono.len() < PIECE && !self.over {
            match self.frame()? {
                Some(sample) => mono.push(quieter(sample, self.volume)),
                None => self.over = true,
            }
        }
        let mut rest = mono.as_slice();
        loop {
            let mut out = [0; PIECE];
            let progress = self.resampler.process(rest, &mut out);
            self.waiting.extend(out.get(..progress.written).unwrap_or_default());
            rest = rest.get(progress.consumed..).unwrap_or_default();
            if rest.is_empty() && progress.written < PIECE {
                return Ok(());
            }
        }
    }

    /// The next sample of all channels together; `None` at the end. A frame that is cut off counts
    /// as not there.
    fn frame(&mut self) -> Result<Option<i16>, hound::Error> {
        let spec = self.reader.spec();
        let mut sum = 0_i64;
        for _ in 0..spec.channels {
            let sample = match spec.sample_format {
                SampleFormat::Int => {
                    let sample = self.reader.samples::<i32>().next().transpose()?;
                    sample.map(|sample| whole(sample, spec.bits_per_sample))
                }
                SampleFormat::Float => {
                    self.reader.samples::<f32>().next().transpose()?.map(floating)
                }
            };
            let Some(sample) = sample else { return Ok(None) };
            sum += i64::from(sample);
        }
        let mono = sum / i64::from(spec.channels.max(1));
        Ok(Some(i16::try_from(mono).unwrap_or_default()))
    }
}

fn quieter(sample: i16, volume: u8) -> i16 {
    let scaled = i32::from(sample) * i32::from(volume.min(100)) / 100;
    i16::try_from(scaled).unwrap_or(sample)
}

/// 16 of a sample's bits.
fn whole(sample: i32, bits: u16) -> i16 {
    let scaled = match bits {
        0..=16 => sample << (16 - bits),
        _ => sample >> (bits - 16).min(31),
    };
    i16::try_from(scaled.clamp(i32::from(i16::MIN), i32::from(i16::MAX))).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "the value is clamped to what fits")]
fn floating(sample: f32) -> i16 {
    // NaN becomes zero.
    (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16
}
