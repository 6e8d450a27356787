//! What is seen of a call while it runs.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use offhook::id::SessionId;
use offhook::media::statistics::Statistics;
use offhook::notification::{NotificationData as Data, Sender};
use offhook::snapshot::Snapshot;
use offhook::{Engine, Notification};
use serde_json::json;

use crate::outcome::Course;
use crate::trace::printable;
use crate::{json, print};

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One line that changes.
    Terminal,
    /// A line for each change, and one now and then.
    Plain,
    /// An object a line.
    Json,
}

impl Form {
    const fn interval(self) -> Duration {
        match self {
            Self::Terminal => Duration::from_millis(250),
            Self::Plain => Duration::from_secs(5),
            Self::Json => Duration::from_secs(1),
        }
    }
}

/// Shows a call.
pub(crate) struct Progress {
    form: Form,
    started: Option<Instant>,
    shown: Option<Instant>,
    /// The terminal's line is not ended.
    open: bool,
    /// Nobody reads what we print.
    unheard: bool,
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        let form = match (json, std::io::stdout().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Terminal,
            (false, false) => Form::Plain,
        };
        Self { form, started: None, shown: None, open: false, unheard: false }
    }

    /// Nobody reads what we print: who called `head` has seen enough.
    pub(crate) const fn is_unheard(&self) -> bool {
        self.unheard
    }

    fn print(&mut self, text: &str) {
        self.unheard |= !print(text);
    }

    /// Tells who is called, and from where.
    pub(crate) fn begin(&mut self, engine: &Engine, uri: &str) {
        if self.form == Form::Json {
            self.print(&json::ready(engine).to_string());
        } else {
            let listeners = engine.listeners();
            let from: Vec<_> =
                listeners.iter().map(|l| format!("{} {}", l.transport, l.address)).collect();
            self.print(&format!("Calling {} from {}.", printable(uri.as_bytes()), from.join(", ")));
        }
    }

    /// The call stands since `now`.
    pub(crate) fn start(&mut self, now: Instant) {
        self.started = Some(now);
        self.shown = Some(now);
    }

    /// The call stands.
    pub(crate) const fn stands(&self) -> bool {
        self.started.is_some()
    }

    /// Shows a notification, if it says something to a person.
    pub(crate) fn notification(&mut self, notification: &Notification, own: SessionId) {
        if self.form == Form::Json {
            self.print(&json::notification(notification).to_string());
            return;
        }
        if let Some(line) = line_of(notification, own) {
            self.clear();
            self.print(&line);
        }
    }

    /// Shows where the call stands, when it is time to.
    pub(crate) fn tick(&mut self, now: Instant, snapshot: &Snapshot) {
        let Some(started) = self.started else { return };
        let due = self.shown.is_none_or(|shown| now.duration_since(shown) >= self.form.interval());
        if !due {
            return;
        }
        self.shown = Some(now);
        let seconds = now.duration_since(started).as_secs();
        match self.form {
            Form::Json => {
                let data = json!({
                    "state": snapshot.state.to_string(),
                    "seconds": seconds,
                    "statistics": snapshot.statistics().as_ref().map(json::statistics),
                });
                self.print(&json::object("offhook.progress", None, &data).to_string());
            }
            Form::Plain => self.print(&line(snapshot, seconds)),
            Form::Terminal => {
                let mut out = std::io::stdout();
                let written = write!(out, "\r{}\x1b[K", line(snapshot, seconds));
                self.unheard |= written.and_then(|()| out.flush()).is_err();
                self.open = true;
            }
        }
    }

    /// Makes room for another line.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.open) {
            let _written = write!(std::io::stdout(), "\r\x1b[K");
        }
    }

    /// Tells how it ended.
    pub(crate) fn end(&mut self, course: &Course, snapshot: &Snapshot) {
        self.clear();
        if self.form == Form::Json {
            self.print(&json::object("offhook.call", None, &course.object(snapshot)).to_string());
            return;
        }
        if let Some(statistics) = snapshot.statistics().filter(|_| self.stands()) {
            self.print(&numbers(&statistics));
        }
        self.print(&course.sentence());
    }
}

fn line(snapshot: &Snapshot, seconds: u64) -> String {
    let numbers = snapshot.statistics().as_ref().map_or_else(|| "no audio".into(), numbers);
    let codec = snapshot.audio_codec.map(|codec| format!(" {codec}")).unwrap_or_default();
    let hold =
        if snapshot.on_hold_by_local || snapshot.on_hold_by_remote { " on hold" } else { "" };
    format!("{} {:02}:{:02}{hold}{codec}  {numbers}", snapshot.state, seconds / 60, seconds % 60)
}

/// What passed, in a line.
pub(crate) fn numbers(statistics: &Statistics) -> String {
    let Statistics { packets_received: received, packets_lost: lost, .. } = statistics;
    let loss = 100.0 * *lost as f64 / (received.saturating_add(*lost).max(1)) as f64;
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let mut text = format!(
        "packets sent {}, received {received}, lost {lost} ({loss:.1} %)",
        statistics.packets_sent
    );
    for (count, what) in [
        (statistics.packets_discarded, "late"),
        (statistics.packets_unauthenticated, "not authentic"),
        (statistics.packets_withheld, "withheld"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {what} {count}"));
        }
    }
    text.push_str(&format!(", jitter {:.1} ms", millis(statistics.jitter)));
    if let Some(time) = statistics.round_trip {
        text.push_str(&format!(", round trip {:.1} ms", millis(time)));
    }
    text
}

/// What a person wants to hear of a notification of that session or the engine.
pub(crate) fn line_of(notification: &Notification, own: SessionId) -> Option<String> {
    let ours = match notification.sender {
        Sender::Session(id) => id == own,
        _ => true,
    };
    describe(&notification.data).filter(|_| ours)
}

/// What a person wants to hear of a notification.
fn describe(data: &Data) -> Option<String> {
    let shown = |text: &str| printable(text.as_bytes());
    Some(match data {
        Data::SessionGotRingIndication => "It rings.".into(),
        Data::SessionDidStart => "The call stands.".into(),
        Data::SessionGotHoldRequest { originator } => format!("On hold ({originator})."),
        Data::SessionGotUnholdRequest { originator } => format!("Off hold ({originator})."),
        Data::SessionDidStartRecordingAudio { file_name } => {
            format!("Recording to {}.", shown(&file_name.to_string_lossy()))
        }
        Data::SessionGotNoAudio => "No audio comes from the peer.".into(),
        Data::SessionGotDtmf { digit } => format!("The peer sent the digit {digit}."),
        Data::WaveFileDidFinishPlaying { file_name, failure } => {
            let file = shown(&file_name.to_string_lossy());
            match failure {
                None => format!("Played {file}."),
                Some(failure) => format!("Playing {file} failed: {}.", shown(failure)),
            }
        }
        Data::RtpTransportDidFail { reason } => format!("No audio: {}.", shown(reason)),
        Data::AudioDeviceDidFail { device, reason } => {
            let reason = shown(reason);
            format!("The sound device {} failed: {}.", shown(device), reason.trim_end_matches('.'))
        }
        Data::EngineDidFail { reason } => format!("The engine failed: {}.", shown(reason)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::sync::atomic::Ordering::Relaxed;

    use offhook::media::statistics::StreamCounters;
    use offhook::notification::SessionState;

    use super::*;

    #[test]
    fn the_line_tells_state_time_codec_packets_and_loss() {
        let counters = StreamCounters::default();
        for (counter, value) in [
            (&counters.packets_sent, 50),
            (&counters.packets_received, 99),
            (&counters.packets_lost, 1),
            (&counters.jitter_us, 1_250),
        ] {
            counter.store(value, Relaxed);
        }
        let snapshot = Snapshot {
            state: SessionState::Established,
            audio_codec: Some("PCMA"),
            counters: Some(Arc::new(counters)),
            ..Snapshot::default()
        };
        assert_eq!(
            line(&snapshot, 61),
            "ESTABLISHED 01:01 PCMA  packets sent 50, received 99, lost 1 (1.0 %), jitter 1.2 ms"
        );
    }

    #[test]
    fn what_went_wrong_and_the_round_trip_are_told_when_there_is_something() {
        let statistics = Statistics {
            packets_discarded: 2,
            packets_unauthenticated: 3,
            packets_withheld: 4,
            round_trip: Some(Duration::from_micros(12_340)),
            ..Statistics::default()
        };
        assert_eq!(
            numbers(&statistics),
            "packets sent 0, received 0, lost 0 (0.0 %), late 2, not authentic 3, withheld 4, \
             jitter 0.0 ms, round trip 12.3 ms"
        );
    }

    #[test]
    fn without_audio_the_line_says_so() {
        assert_eq!(line(&Snapshot::default(), 0), "NULL 00:00  no audio");
    }

    #[test]
    fn a_file_name_cannot_move_the_terminal() {
        let data = Data::WaveFileDidFinishPlaying { file_name: "a\x1b.wav".into(), failure: None };
        assert_eq!(describe(&data).unwrap(), "Played a\\u{1b}.wav.");
    }
}
