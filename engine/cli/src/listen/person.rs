//! Asking a person at the terminal.

use std::io::Write as _;

use super::Listener;
use crate::trace::printable;

impl Listener {
    /// Asks about the call that rings longest.
    pub(super) fn ask(&self) {
        let first = self.asking.front().and_then(|id| Some((id, self.calls.get(id)?)));
        let Some((id, call)) = first else { return };
        let caller = call.session.snapshot().remote_uri.clone().unwrap_or_default();
        let caller = printable(caller.as_bytes());
        let mut out = std::io::stdout();
        let _written = write!(out, "{id}: {caller} calls. Answer? [y/n] ");
        let _flushed = out.flush();
    }

    /// What a person typed.
    pub(super) fn decide(&mut self, text: &str) {
        let accept = match text.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "n" | "no" => false,
            _ => return self.ask(),
        };
        let Some(id) = self.asking.pop_front() else { return };
        if let Some(call) = self.calls.get_mut(&id) {
            let session = call.session.clone();
            call.course.cause = (!accept).then_some("refused");
            let done =
                if accept { session.accept(call.proposed, &[]) } else { session.reject(None) };
            self.check(id, "answering", done);
            if let Some(file) = self.wish.play.clone().filter(|_| accept) {
                let done = session.play(file);
                self.check(id, "--play", done);
            }
        }
        self.ask();
    }
}
