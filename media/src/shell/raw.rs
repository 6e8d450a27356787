//! Raw audio for programs that speak and listen themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

/// Samples that wait in each direction: one second.
pub const RAW_SAMPLES_MAX: usize = 8000;

/// The writing end of a session's raw audio. The library paces the wire: 160 samples leave every
/// 20 ms. What is missing then is sent as silence; what does not fit is not taken.
#[derive(Debug)]
pub struct AudioSource {
    ring: Producer<i16>,
}

/// The reading end of a session's raw audio: 160 samples come every 20 ms while the stream runs.
/// When it is full, what comes is dropped and counted.
#[derive(Debug)]
pub struct AudioSink {
    ring: Consumer<i16>,
    dropped: Arc<AtomicU64>,
}

/// The audio thread's ends.
#[derive(Debug)]
pub(super) struct RawEnds {
    pub(super) source: Consumer<i16>,
    pub(super) sink: Producer<i16>,
    pub(super) dropped: Arc<AtomicU64>,
}

pub(super) fn raw() -> (AudioSource, AudioSink, RawEnds) {
    let (to_wire, source) = RingBuffer::new(RAW_SAMPLES_MAX);
    let (sink, from_wire) = RingBuffer::new(RAW_SAMPLES_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let ends = RawEnds { source, sink, dropped: Arc::clone(&dropped) };
    (AudioSource { ring: to_wire }, AudioSink { ring: from_wire, dropped }, ends)
}

impl AudioSource {
    /// Queues samples to be sent (16 bit, mono, 8000 Hz); gives how many fitted. Never waits.
    pub fn write(&mut self, samples: &[i16]) -> usize {
        write(&mut self.ring, samples)
    }

    /// How many samples would fit now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.ring.slots()
    }

    /// Whether the stream is gone: nothing will be sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl AudioSink {
    /// Takes out what came in; gives how many samples there were. Never waits.
    pub fn read(&mut self, samples: &mut [i16]) -> usize {
        read(&mut self.ring, samples)
    }

    /// Samples that were dropped because nobody read them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether the stream is gone: once this is empty nothing more will come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// Puts as many samples into a ring as fit.
pub(super) fn write(ring: &mut Producer<i16>, samples: &[i16]) -> usize {
    let count = samples.len().min(ring.slots());
    let Ok(chunk) = ring.write_chunk_uninit(count) else { return 0 };
    chunk.fill_from_iter(samples.iter().copied())
}

/// Takes as many samples out of a ring as there are and fit.
pub(super) fn read(ring: &mut Consumer<i16>, samples: &mut [i16]) -> usize {
    let count = samples.len().min(ring.slots());
    let Ok(chunk) = ring.read_chunk(count) else { return 0 };
    samples.iter_mut().zip(chunk).map(|(place, sample)| *place = sample).count()
}
