//! Tones to speak with, and recordings to find them in.

use std::path::Path;

use offhook_media::tone::{dominant_frequency, longest_gap, share, sine, sounding, sounds_like};

/// How loud a sample of a tone is at least.
const LOUD: u16 = 500;

pub(super) fn write_tone(file: &Path, hertz: f64, seconds: usize) -> Result<(), String> {
    let told = |error: hound::Error| format!("{}: {error}", file.display());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).map_err(told)?;
    for sample in sine(hertz, 8000, 8000, seconds * 8000) {
        writer.write_sample(sample).map_err(told)?;
    }
    writer.finalize().map_err(told)
}

/// Whether a recording holds a tone, alone (`only`) or beside another voice.
pub(super) fn hears(file: &Path, hertz: f64, only: bool) -> Result<String, String> {
    let told = |error: hound::Error| format!("{}: {error}", file.display());
    let mut reader = hound::WavReader::open(file).map_err(told)?;
    let samples: Result<Vec<i16>, _> = reader.samples::<i16>().collect();
    let samples = samples.map_err(told)?;
    let heard = sounding(&samples, LOUD);
    if heard.len() < 8000 {
        return Err(format!("only {} samples of sound in {}", heard.len(), file.display()));
    }
    // The first moments may hold the peer's start.
    let heard = heard.get(2400..).unwrap_or_default();
    let part = heard.get(..heard.len().min(8000)).unwrap_or_default();
    let loudest = dominant_frequency(part, 8000);
    let (share, gap) = (share(part, 8000, hertz), longest_gap(heard, 8000, LOUD).as_millis());
    let found = if only { sounds_like(part, 8000, hertz) } else { share > 0.2 };
    let text = format!("{:.0} % at {hertz:.0} Hz, longest gap {gap} ms", share * 100.0);
    if found && gap < 40 { Ok(text) } else { Err(format!("{text}, loudest {loudest:?}")) }
}
