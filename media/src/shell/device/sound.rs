//! The system's sound devices, through cpal.

use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{Device, ErrorKind, FromSample, Host, Sample, SampleFormat, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::DeviceInfo;
use crate::resample::Resampler;
use crate::shell::audio::DeviceEnds;

/// Samples between the audio thread and the device: half a second.
const RING: usize = 4000;
/// More than this waiting for the speaker is delay, and left out: 200 ms.
const SPEAKER_MAX: usize = 1600;
/// A device that takes or gives samples so far ahead of time has no clock, and is held back.
const AHEAD: Duration = Duration::from_millis(200);
/// Devices that are listed at most.
const LISTED_MAX: usize = 256;

/// Open streams. They stop when this is dropped.
pub(in crate::shell) struct Sound {
    _streams: Vec<cpal::Stream>,
}

pub(super) fn devices() -> Result<Vec<DeviceInfo>, String> {
    let host = cpal::default_host();
    let id = |device: &Device| device.id().ok().map(|id| id.to_string());
    let defaults = [host.default_input_device(), host.default_output_device()];
    let defaults: Vec<String> = defaults.iter().flatten().filter_map(id).collect();
    let all = host.devices().map_err(|error| error.to_string())?;
    let listed = all.take(LISTED_MAX).filter_map(|device| {
        let full = id(&device)?;
        let name = short(&full).to_owned();
        let (is_input, is_output) = (device.supports_input(), device.supports_output());
        Some(DeviceInfo { name, is_input, is_output, is_default: defaults.contains(&full) })
    });
    Ok(listed.collect())
}

/// An id without the host's name before it.
fn short(id: &str) -> &str {
    id.split_once(':').map_or(id, |(_, name)| name)
}

fn find(host: &Host, name: &str) -> Result<Device, String> {
    let fits = |device: &Device| {
        let id = device.id().ok().map(|id| id.to_string()).unwrap_or_default();
        let described = device.description().ok().map(|text| text.name().to_owned());
        id == name || short(&id) == name || described.as_deref() == Some(name)
    };
    let mut all = host.devices().map_err(|error| error.to_string())?;
    if let Some(device) = all.find(fits) {
        return Ok(device);
    }
    // ALSA opens devices that it does not list.
    let id = format!("{}:{name}", host.id().name().to_lowercase());
    let unlisted = id.parse().ok().and_then(|id| host.device_by_id(&id));
    unlisted.ok_or_else(|| format!("there is no sound device {name:?}: see offhook devices"))
}

impl Sound {
    /// Opens microphone and speaker of a device, or the system's own. One of both is enough.
    pub(super) fn open(
        name: Option<&str>,
        broken: impl Fn(String) + Clone + Send + 'static,
    ) -> Result<(Self, DeviceEnds), String> {
        let host = cpal::default_host();
        let (input, output) = match name {
            Some(name) => (Some(find(&host, name)?), Some(find(&host, name)?)),
            None => (host.default_input_device(), host.default_output_device()),
        };
        let mut streams = Vec::new();
        let mut ends = DeviceEnds { is_live: true, ..DeviceEnds::default() };
        let mut faults = Vec::new();
        match input.map(|device| microphone(&device, broken.clone())) {
            Some(Ok((stream, ring))) => {
                streams.push(stream);
                ends.microphone = Some(ring);
            }
            Some(Err(reason)) => faults.push(format!("microphone: {reason}")),
            None => faults.push("there is no microphone".into()),
        }
        match output.map(|device| speaker(&device, broken)) {
            Some(Ok((stream, ring))) => {
                streams.push(stream);
                ends.speaker = Some(ring);
            }
            Some(Err(reason)) => faults.push(format!("speaker: {reason}")),
            None => faults.push("there is no speaker".into()),
        }
        if streams.is_empty() {
            return Err(faults.join("; "));
        }
        for fault in faults {
            log::warn!("{fault}");
        }
        Ok((Self { _streams: streams }, ends))
    }
}

/// Calls a generic function for the device's sample format.
macro_rules! by_format {
    ($format:expr, $call:ident ( $($argument:expr),* )) => {
        match $format {
            SampleFormat::I8 => $call::<i8>($($argument),*),
            SampleFormat::I16 => $call::<i16>($($argument),*),
            SampleFormat::I32 => $call::<i32>($($argument),*),
            SampleFormat::U8 => $call::<u8>($($argument),*),
            SampleFormat::U16 => $call::<u16>($($argument),*),
            SampleFormat::F32 => $call::<f32>($($argument),*),
            SampleFormat::F64 => $call::<f64>($($argument),*),
            other => Err(format!("the sample format {other} is not supported")),
        }
    };
}

fn microphone(
    device: &Device,
    broken: impl Fn(String) + Send + 'static,
) -> Result<(cpal::Stream, Consumer<i16>), String> {
    let config = device.default_input_config().map_err(|error| error.to_string())?;
    let (ring, end) = RingBuffer::new(RING);
    let format = config.sample_format();
    let stream = by_format!(format, listen(device, config.into(), ring, broken))?;
    Ok((stream, end))
}

fn listen<T>(
    device: &Device,
    config: StreamConfig,
    mut ring: Producer<i16>,
    broken: impl Fn(String) + Send + 'static,
) -> Result<cpal::Stream, String>
where
    T: SizedSample + Send + 'static,
    i32: FromSample<T>,
    i16: FromSample<T>,
{
    let channels = usize::from(config.channels.max(1));
    let mut resampler =
        Resampler::new(config.sample_rate, 8000).map_err(|error| error.to_string())?;
    let mut pace = Pace::new(config.sample_rate);
    let heard = move |data: &[T], _: &cpal::InputCallbackInfo| {
        for frame in data.chunks(channels) {
            let sum: i32 = frame.iter().map(|sample| i32::from(i16::from_sample(*sample))).sum();
            let mono = sum / i32::try_from(frame.len().max(1)).unwrap_or(1);
            let mut out = [0; 2];
            let mono = [i16::try_from(mono).unwrap_or_default()];
            let written = resampler.process(&mono, &mut out).written;
            for sample in out.into_iter().take(written) {
                // Nobody listens: the newest is dropped.
                let _full = ring.push(sample);
            }
        }
        pace.hold_back(data.len() / channels);
    };
    let stream = device
        .build_input_stream::<T, _, _>(config, heard, on_error(broken), None)
        .map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

fn speaker(
    device: &Device,
    broken: impl Fn(String) + Send + 'static,
) -> Result<(cpal::Stream, Producer<i16>), String> {
    let config = device.default_output_config().map_err(|error| error.to_string())?;
    let (end, ring) = RingBuffer::new(RING);
    let format = config.sample_format();
    let stream = by_format!(format, speak(device, config.into(), ring, broken))?;
    Ok((stream, end))
}

fn speak<T>(
    device: &Device,
    config: StreamConfig,
    mut ring: Consumer<i16>,
    broken: impl Fn(String) + Send + 'static,
) -> Result<cpal::Stream, String>
where
    T: SizedSample + FromSample<i16> + Send + 'static,
{
    let channels = usize::from(config.channels.max(1));
    let mut upsampled = Upsampled::new(config.sample_rate)?;
    let mut pace = Pace::new(config.sample_rate);
    let said = move |data: &mut [T], _: &cpal::OutputCallbackInfo| {
        while ring.slots() > SPEAKER_MAX {
            let _skipped = ring.pop();
        }
        for frame in data.chunks_mut(channels) {
            let value = T::from_sample(upsampled.next(&mut ring));
            frame.fill(value);
        }
        pace.hold_back(data.len() / channels);
    };
    let stream = device
        .build_output_stream::<T, _, _>(config, said, on_error(broken), None)
        .map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

fn on_error(broken: impl Fn(String) + Send + 'static) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::DeviceChanged | ErrorKind::Xrun | ErrorKind::RealtimeDenied => {
            log::debug!("the sound device: {error}");
        }
        _ => broken(error.to_string()),
    }
}

/// Samples at the device's rate out of a ring of 8000 Hz; silence when it is empty.
struct Upsampled {
    resampler: Resampler,
    ready: [i16; READY],
    length: usize,
    at: usize,
}

/// Output samples that one input sample makes at most: 192 000 / 8000, and one.
const READY: usize = 25;

impl Upsampled {
    fn new(rate: u32) -> Result<Self, String> {
        let resampler = Resampler::new(8000, rate).map_err(|error| error.to_string())?;
        Ok(Self { resampler, ready: [0; READY], length: 0, at: 0 })
    }

    fn next(&mut self, ring: &mut Consumer<i16>) -> i16 {
        while self.at >= self.length {
            let sample = [ring.pop().unwrap_or_default()];
            self.at = 0;
            self.length = self.resampler.process(&sample, &mut self.ready).written;
        }
        self.at += 1;
        self.ready.get(self.at - 1).copied().unwrap_or_default()
    }
}

/// Holds a device back that has no clock (ALSA's null plug-in): it would call without a pause.
struct Pace {
    start: Instant,
    rate: u32,
    frames: u64,
}

impl Pace {
    #[allow(clippy::disallowed_methods, reason = "the device's pace is measured by the clock")]
    fn new(rate: u32) -> Self {
        Self { start: Instant::now(), rate: rate.max(1), frames: 0 }
    }

    fn hold_back(&mut self, frames: usize) {
        self.frames += u64::try_from(frames).unwrap_or_default();
        let due =
            Duration::from_micros(self.frames.saturating_mul(1_000_000) / u64::from(self.rate));
        let passed = self.start.elapsed();
        if passed > due + AHEAD {
            // It paused: what it missed is not to be made up for.
            let micros = u64::try_from(passed.as_micros()).unwrap_or_default();
            self.frames = micros.saturating_mul(u64::from(self.rate)) / 1_000_000;
        } else if due > passed + AHEAD {
            std::thread::park_timeout(due - passed - AHEAD);
        }
    }
}
