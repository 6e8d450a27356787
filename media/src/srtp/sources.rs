//! What is kept for each SSRC under one key (RFC 3711 §3.2.3).

use super::SrtpError;
use super::replay::Window;

/// SSRCs under one key, at most. One more is refused until there is a new key: to forget one would
/// let its packets come a second time.
pub const SOURCES_MAX: usize = 32;

/// One SSRC's numbers.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Source {
    ssrc: u32,
    pub(super) rtp: Window,
    pub(super) rtcp: Window,
}

/// The SSRCs that were sent, or heard with a tag that was right.
#[derive(Debug)]
pub(super) struct Sources {
    places: [Source; SOURCES_MAX],
    length: usize,
}

impl Sources {
    pub(super) fn new() -> Self {
        Self { places: [Source::default(); SOURCES_MAX], length: 0 }
    }

    fn known(&self) -> &[Source] {
        self.places.get(..self.length).unwrap_or_default()
    }

    /// A source as it stands; one without numbers for an SSRC that there is room for.
    pub(super) fn get(&self, ssrc: u32) -> Result<Source, SrtpError> {
        // A call has one or two: nothing is faster than to look.
        if let Some(source) = self.known().iter().find(|source| source.ssrc == ssrc) {
            return Ok(*source);
        }
        if self.length == SOURCES_MAX {
            return Err(SrtpError::TooManySources);
        }
        Ok(Source { ssrc, ..Source::default() })
    }

    /// Keeps a source that [`get`](Self::get) gave.
    pub(super) fn set(&mut self, source: Source) {
        let place = self.known().iter().position(|known| known.ssrc == source.ssrc);
        let at = place.unwrap_or(self.length);
        if let Some(place) = self.places.get_mut(at) {
            *place = source;
            self.length = self.length.max(at + 1);
        }
    }
}
