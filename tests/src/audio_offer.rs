//! Offer and answer where only audio is at stake.

use std::sync::Arc;

use offhook::media::control::Flow;
use offhook::negotiate::{
    self, Capabilities, LocalAudio, Origin, OwnLine, Refusal, SettledAudio, Wish, Wishes,
};

/// Our description before it has lines: `o=- 7 8`, at 192.0.2.1.
#[must_use]
pub fn origin() -> Origin {
    Origin { session_id: 7, version: 8, address: [192, 0, 2, 1].into() }
}

/// Our audio at 192.0.2.1:4000.
#[must_use]
pub fn audio(send: bool, receive: bool) -> LocalAudio {
    let address = ([192, 0, 2, 1], 4000).into();
    LocalAudio {
        address,
        flow: Flow { send, receive },
        on_hold: false,
        keys: Arc::default(),
        must_encrypt: false,
        savp: false,
        silence: None,
    }
}

/// The offer of that audio.
#[must_use]
pub fn offer(able: &Capabilities) -> Vec<u8> {
    negotiate::offer(able, &origin(), &[OwnLine::Audio(audio(true, true))])
}

/// Our answer, and how audio runs under it.
///
/// # Errors
/// When the offer is broken or its audio cannot be used.
pub fn answer(
    offer: &[u8],
    able: &Capabilities,
    local: LocalAudio,
) -> Result<(Vec<u8>, SettledAudio), Refusal> {
    let wishes = Wishes { audio: Wish { local: Some(local), line: None }, ..Wishes::default() };
    let answered = negotiate::answer(offer, able, &origin(), &wishes)?;
    let unmet = answered.settled.unmet;
    answered.settled.audio.map(|audio| (answered.body, audio)).ok_or_else(|| unmet.unwrap())
}

/// The peer's answer to our offer of that audio.
///
/// # Errors
/// When the answer is broken or refuses audio.
pub fn apply_answer(answer: &[u8], able: &Capabilities) -> Result<SettledAudio, Refusal> {
    let settled = negotiate::apply_answer(answer, able, &[OwnLine::Audio(audio(true, true))])?;
    settled.audio.ok_or_else(|| settled.unmet.unwrap())
}
