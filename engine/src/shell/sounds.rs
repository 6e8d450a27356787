//! Ring tones and tones for messages, at the user's own device (REFERENCE 1.8, 1.9).

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::engine::EngineShared;
use super::{Any, Observer};
use crate::id::SessionId;
use crate::notification::{Notification, NotificationData as Data, Sender, SessionState};

/// How long a ring tone pauses before it begins anew.
const RING_PAUSE: Duration = Duration::from_secs(2);
/// The numbers of the two tones for messages; those of ring tones are their sessions'.
const RECEIVED: u64 = u64::MAX;
const SENT: u64 = u64::MAX - 1;

/// WAV files that the user hears, and no peer. What cannot be played is logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sounds {
    /// While an incoming call rings, with pauses of 2 s.
    pub inbound: Option<PathBuf>,
    /// While the called party rings (180), with pauses of 2 s; [`silent`](Self::silent) does not
    /// matter.
    pub outbound: Option<PathBuf>,
    /// When a chat message has come. It is not begun anew while it plays.
    pub message_received: Option<PathBuf>,
    /// When a chat message is sent. It is not begun anew while it plays.
    pub message_sent: Option<PathBuf>,
    /// No ring tone for incoming calls and none for messages.
    pub silent: bool,
    /// How loud they all are, 0–100 percent.
    pub volume: u8,
}

impl Default for Sounds {
    /// None.
    fn default() -> Self {
        Self {
            inbound: None,
            outbound: None,
            message_received: None,
            message_sent: None,
            silent: false,
            volume: 100,
        }
    }
}

impl Sounds {
    fn audible<'a>(&self, file: &'a Option<PathBuf>) -> Option<&'a PathBuf> {
        file.as_ref().filter(|_| !self.silent)
    }
}

impl EngineShared {
    /// A message goes out.
    pub(super) fn sound_of_sending(&self) {
        let sounds = &self.config.sounds;
        if let Some(file) = sounds.audible(&sounds.message_sent) {
            self.media.play_sound(SENT, file.clone(), None);
        }
    }

    fn sound(&self, id: SessionId, data: &Data) {
        let sounds = &self.config.sounds;
        match data {
            Data::SessionGotMessage { .. } => {
                if let Some(file) = sounds.audible(&sounds.message_received) {
                    self.media.play_sound(RECEIVED, file.clone(), None);
                }
            }
            // It may have stopped ringing meanwhile.
            Data::SessionNewIncoming { .. } if self.is_in(id, SessionState::Incoming) => {
                if let Some(file) = sounds.audible(&sounds.inbound) {
                    self.media.play_sound(id.0, file.clone(), Some(RING_PAUSE));
                }
            }
            Data::SessionGotRingIndication if self.is_in(id, SessionState::Calling) => {
                if let Some(file) = &sounds.outbound {
                    self.media.play_sound(id.0, file.clone(), Some(RING_PAUSE));
                }
            }
            Data::SessionChangedState {
                prev_state: SessionState::Incoming | SessionState::Calling,
                ..
            } => self.media.stop_sound(id.0),
            _ => {}
        }
    }

    fn is_in(&self, id: SessionId, state: SessionState) -> bool {
        self.registry.get(id).is_some_and(|session| session.latest().state == state)
    }
}

/// Listens to what is told, if there is anything to play; the observer is to be removed at the end.
pub(super) fn listen(shared: &Arc<EngineShared>) -> Option<Arc<dyn Observer>> {
    let Sounds { inbound, outbound, message_received, message_sent, .. } = &shared.config.sounds;
    if [inbound, outbound, message_received, message_sent].into_iter().all(Option::is_none) {
        return None;
    }
    let engine: Weak<EngineShared> = Arc::downgrade(shared);
    let observer: Arc<dyn Observer> = Arc::new(move |notification: &Notification| {
        if let (Sender::Session(id), Some(engine)) = (notification.sender, engine.upgrade()) {
            engine.sound(id, &notification.data);
        }
    });
    shared.center.add_observer(Arc::clone(&observer), Any, Any);
    Some(observer)
}
