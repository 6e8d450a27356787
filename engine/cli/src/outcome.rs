//! How a call went, told in a sentence.

use std::path::Path;

use offhook::notification::{Notification, NotificationData as Data, Originator};
use offhook::sip::Uri;
use offhook::snapshot::Snapshot;
use offhook::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::trace::printable;
use crate::{Usage, json};

/// What the notifications of one session told of its course.
#[derive(Clone, Default, Debug)]
pub(crate) struct Course {
    started: Option<Timestamp>,
    failure: Option<(Originator, u16, String)>,
    ended: Option<(Timestamp, Originator)>,
    /// Why we ended it, if we did.
    pub(crate) cause: Option<&'static str>,
}

impl Course {
    /// The course of a call that we may have ended already, and why.
    pub(crate) fn with(cause: Option<&'static str>) -> Self {
        Self { cause, ..Self::default() }
    }

    /// Learns from a notification of the session.
    pub(crate) fn note(&mut self, notification: &Notification) {
        let when = notification.timestamp;
        match &notification.data {
            Data::SessionDidStart => self.started = Some(when),
            Data::SessionDidFail { originator, code, reason, .. } => {
                self.failure = Some((*originator, *code, reason.clone()));
            }
            Data::SessionDidEnd { originator } => self.ended = Some((when, *originator)),
            _ => {}
        }
    }

    /// The call was established.
    pub(crate) const fn has_started(&self) -> bool {
        self.started.is_some()
    }

    /// The call is over.
    pub(crate) const fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The call was established and ended without a failure.
    pub(crate) const fn went_well(&self) -> bool {
        self.started.is_some() && self.failure.is_none() && self.ended.is_some()
    }

    /// Seconds from the start to the end.
    fn seconds(&self) -> Option<f64> {
        let (end, _) = self.ended?;
        let micros = end.unix_micros().saturating_sub(self.started?.unix_micros());
        Some(micros as f64 / 1e6)
    }

    /// Who ended the call and why.
    pub(crate) fn sentence(&self) -> String {
        let cause = self.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
        let after = self.seconds().map(|s| format!(" after {s:.1} s")).unwrap_or_default();
        let reason = self.failure.as_ref().map(|(who, code, reason)| {
            let reason = printable(reason.as_bytes());
            let told = if *code == 0 { reason } else { format!("{code} {reason}") };
            (*who, *code, told)
        });
        match (reason, self.ended) {
            (Some((Originator::Remote, 487, told)), _) if self.started.is_none() => {
                format!("The caller gave up: {told}.")
            }
            (Some((Originator::Remote, _, told)), _) if self.started.is_none() => {
                format!("The peer refused the call: {told}.")
            }
            (Some((Originator::Local, 408, told)), _) if self.started.is_none() => {
                format!("The peer did not answer: {told}.")
            }
            (Some((_, _, told)), _) if self.started.is_none() => {
                format!("The call failed on this side: {told}.")
            }
            (Some((Originator::Remote, _, told)), _) => {
                format!("The call broke off{after}; the peer answered {told}.")
            }
            (Some((Originator::Local, _, told)), _) => {
                format!("The call broke off{after} on this side: {told}.")
            }
            (None, None) => "The engine ended before the call did.".into(),
            (None, Some((_, Originator::Remote))) if self.started.is_none() => {
                "The peer ended the call before it began.".into()
            }
            (None, Some(_)) if self.started.is_none() => {
                format!("We ended the call before it began{cause}.")
            }
            (None, Some((_, Originator::Remote))) => format!("The peer hung up{after}."),
            (None, Some((_, Originator::Local))) => format!("We hung up{after}{cause}."),
        }
    }

    /// The same for a script.
    pub(crate) fn object(&self, session: &Snapshot) -> Value {
        let failure = self.failure.as_ref();
        json!({
            "ok": self.went_well(),
            "established": self.started.is_some(),
            "seconds": self.seconds(),
            "originator": self.ended.map(|(_, who)| who.to_string()),
            "code": failure.map(|(_, code, _)| code),
            "reason": failure.map(|(_, _, reason)| reason),
            "message": self.sentence(),
            "remote_uri": session.remote_uri,
            "statistics": session.statistics().as_ref().map(json::statistics),
        })
    }
}

/// A URI to call; `user@host` is taken for a SIP URI.
pub(crate) fn callee(text: &str) -> Result<String, Usage> {
    let full = match text.split_once(':') {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => text.to_owned(),
        _ => format!("sip:{text}"),
    };
    match Uri::parse(full.as_bytes()) {
        Ok(uri) if uri.is_sip() => Ok(full),
        _ => Err(Usage(format!("{text:?} cannot be called; type a URI like sip:bob@192.0.2.1"))),
    }
}

/// A WAV file that can be read.
pub(crate) fn wave_file(path: &Path) -> Result<(), Usage> {
    match hound::WavReader::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Usage(format!("--play {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use offhook::id::SessionId;
    use offhook::notification::Sender;

    use super::*;

    fn course(told: &[(u64, Data)]) -> Course {
        let mut course = Course::default();
        for (seconds, data) in told {
            course.note(&Notification {
                timestamp: Timestamp::from_unix_micros(seconds * 1_000_000),
                sender: Sender::Session(SessionId(1)),
                data: data.clone(),
            });
        }
        course
    }

    fn fail(originator: Originator, code: u16, reason: &str) -> Data {
        Data::SessionDidFail {
            originator,
            code,
            reason: reason.into(),
            redirect_identities: Vec::new(),
        }
    }

    const fn end(originator: Originator) -> Data {
        Data::SessionDidEnd { originator }
    }

    #[test]
    fn an_established_call_tells_who_hung_up() {
        use Originator::{Local, Remote};
        let remote = course(&[(10, Data::SessionDidStart), (15, end(Remote))]);
        assert!(remote.went_well());
        assert_eq!(remote.sentence(), "The peer hung up after 5.0 s.");
        let mut local = course(&[(10, Data::SessionDidStart), (15, end(Local))]);
        local.cause = Some("--duration is over");
        assert_eq!(local.sentence(), "We hung up after 5.0 s (--duration is over).");
    }

    #[test]
    fn a_call_that_failed_tells_whose_reason_it_was() {
        use Originator::{Local, Remote};
        for (who, code, told) in [
            (Remote, 486, "The peer refused the call: 486 Why."),
            (Remote, 487, "The caller gave up: 487 Why."),
            (Local, 408, "The peer did not answer: 408 Why."),
            (Local, 0, "The call failed on this side: Why."),
        ] {
            let course = course(&[(1, fail(who, code, "Why")), (1, end(who))]);
            assert!(!course.went_well() && course.is_over());
            assert_eq!(course.sentence(), told);
        }
    }

    #[test]
    fn a_call_that_broke_off_did_not_go_well() {
        let who = Originator::Remote;
        let told = [(1, Data::SessionDidStart), (3, fail(who, 481, "Gone")), (3, end(who))];
        let course = course(&told);
        assert!(!course.went_well());
        assert_eq!(
            course.sentence(),
            "The call broke off after 2.0 s; the peer answered 481 Gone."
        );
        assert_eq!(course.object(&Snapshot::default())["code"], 481);
    }

    #[test]
    fn a_call_that_we_gave_up_did_not_go_well() {
        let mut course = course(&[(1, end(Originator::Local))]);
        course.cause = Some("Ctrl-C");
        assert!(!course.went_well());
        assert_eq!(course.sentence(), "We ended the call before it began (Ctrl-C).");
    }

    #[test]
    fn a_reason_cannot_move_the_terminal() {
        let who = Originator::Remote;
        let course = course(&[(1, fail(who, 400, "\x1b[2J")), (1, end(who))]);
        assert_eq!(course.sentence(), "The peer refused the call: 400 \\u{1b}[2J.");
    }

    #[test]
    fn a_callee_may_leave_out_the_scheme() {
        assert_eq!(callee("bob@192.0.2.1:5070").ok().as_deref(), Some("sip:bob@192.0.2.1:5070"));
        assert_eq!(callee("sips:bob@example.com").ok().as_deref(), Some("sips:bob@example.com"));
        assert_eq!(callee("192.0.2.1:5070").ok().as_deref(), Some("sip:192.0.2.1:5070"));
        for bad in ["", "tel:+123", "sip:", "http://example.com"] {
            assert!(callee(bad).is_err(), "{bad}");
        }
    }
}
