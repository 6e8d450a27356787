//! Which streams a call asks for.

use crate::notification::StreamKind;

/// A choice of streams, for `connect` and `accept`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Streams {
    /// Audio over RTP.
    pub audio: bool,
    /// Chat over MSRP.
    pub chat: bool,
}

impl Streams {
    /// Audio alone.
    pub const AUDIO: Self = Self { audio: true, chat: false };

    /// That kind alone; none for a file, which is asked for by itself.
    #[must_use]
    pub const fn only(kind: StreamKind) -> Self {
        Self { audio: matches!(kind, StreamKind::Audio), chat: matches!(kind, StreamKind::Chat) }
    }

    /// Whether a kind is among them.
    #[must_use]
    pub const fn contains(self, kind: StreamKind) -> bool {
        match kind {
            StreamKind::Audio => self.audio,
            StreamKind::Chat => self.chat,
            StreamKind::File => false,
        }
    }

    /// All but that kind.
    #[must_use]
    pub const fn without(self, kind: StreamKind) -> Self {
        match kind {
            StreamKind::Audio => Self { audio: false, ..self },
            StreamKind::Chat => Self { chat: false, ..self },
            StreamKind::File => self,
        }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.audio && !self.chat
    }

    /// The kinds, audio before chat.
    #[must_use]
    pub fn kinds(self) -> Vec<StreamKind> {
        let audio = self.audio.then_some(StreamKind::Audio);
        audio.into_iter().chain(self.chat.then_some(StreamKind::Chat)).collect()
    }
}
