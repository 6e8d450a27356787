//! Hold by us: a flag, a direction, and what the peer says to it (REFERENCE 1.6, 0.19, 0.20).

use offhook_fsm::Instant;

use super::Core;
use crate::notification::Originator;

impl Core {
    /// Sets the flag and takes the microphone and the speaker out of the call, or puts them back,
    /// without waiting for the peer.
    pub(super) fn set_hold(&mut self, on: bool) {
        self.snapshot.on_hold_by_local = on;
        self.steer_flow(|settings| {
            settings.on_hold = on;
            // Whoever offers to receive is ready to (RFC 3264 §5.1).
            settings.flow.receive = !on;
        });
    }

    pub(super) fn tell_own_hold(&mut self, now: Instant) {
        let on = self.snapshot.on_hold_by_local;
        self.tell_hold(now, Originator::Local, !on, on);
    }

    /// The peer refused: everything is as it was, and that is told.
    pub(super) fn take_back_hold(&mut self, now: Instant) {
        let on = !self.snapshot.on_hold_by_local;
        self.set_hold(on);
        self.tell_own_hold(now);
    }
}
