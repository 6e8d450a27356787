//! A call as a ladder: the messages between two sides and, beside them, the states and
//! notifications of each, merged by time.

use std::io::Write as _;

use serde_json::Value;

use crate::trace::printable;

/// Columns of the messages.
const WIDTH: usize = 46;
/// Columns of what a side is told, at most.
const BESIDE_MAX: usize = 52;
/// What the short ladder leaves out: it says nothing of the call.
const MINOR: [&str; 1] = ["100"];
/// Rows that are kept of an agent; the first ones count, and what is left out is counted.
const ROWS_MAX: usize = 10_000;
const DAY_MICROS: u64 = 86_400_000_000;

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// Messages, without those that say nothing, and states.
    Short,
    /// Every message with its size, every notification with its data.
    Whole,
}

/// What happened at one moment.
struct Row {
    /// RFC 3339, so that later is greater.
    when: String,
    left: bool,
    what: What,
}

enum What {
    /// A message that the side sent (`true`) or received.
    Message(String, bool),
    /// What the side was told.
    Told(String),
}

/// Draws a call between two sides of which both are known. Both trace each message; the sender's
/// word counts.
pub(crate) fn of_both(names: [&str; 2], told: &[Vec<Value>; 2], detail: Detail) -> String {
    let mut rows = Vec::new();
    for (side, left) in told.iter().zip([true, false]) {
        let of_side = side.iter().filter_map(|object| row(object, left, detail));
        rows.extend(of_side.filter(|row| !matches!(row.what, What::Message(_, false))));
    }
    draw(names, rows)
}

/// What one side was told, kept while it runs and drawn at its end.
#[derive(Default)]
pub(crate) struct Recorder {
    rows: Vec<Row>,
    left_out: usize,
}

impl Recorder {
    /// Keeps what a notification says.
    pub(crate) fn note(&mut self, object: &Value) {
        let Some(row) = row(object, true, Detail::Whole) else { return };
        if self.rows.len() == ROWS_MAX {
            self.left_out += 1;
        } else {
            self.rows.push(row);
        }
    }

    /// Shows what was kept on stderr.
    pub(crate) fn show(self) {
        // Nobody reads it: then nobody misses it.
        let _written = write!(std::io::stderr(), "{}", self.draw());
    }

    /// Draws what was kept, with everybody else on the right.
    fn draw(self) -> String {
        let mut out = draw(["agent", "network"], self.rows);
        if self.left_out > 0 {
            out.push_str(&format!("{:>9}  {} more\n", "", self.left_out));
        }
        out
    }
}

fn draw(names: [&str; 2], mut rows: Vec<Row>) -> String {
    rows.sort_by(|a, b| a.when.cmp(&b.when));
    let start = rows.first().and_then(|row| micros(&row.when)).unwrap_or(0);
    let beside = |left: bool| {
        let widths = rows.iter().filter(|row| row.left == left).map(|row| match &row.what {
            What::Told(text) => text.chars().count(),
            What::Message(..) => 0,
        });
        widths.max().unwrap_or(0)
    };
    let left = beside(true).max(names[0].chars().count());
    let mut out = format!("{:>9}  {:>left$} {:WIDTH$}   {}\n", "seconds", names[0], "", names[1]);
    for row in &rows {
        // A call may last past midnight.
        let since = (micros(&row.when).unwrap_or(start) + DAY_MICROS - start) % DAY_MICROS;
        let seconds = since as f64 / 1e6;
        let (on_left, between, on_right) = match &row.what {
            What::Message(text, sent) => ("", arrow(text, row.left == *sent), ""),
            What::Told(text) if row.left => (&**text, " ".repeat(WIDTH), ""),
            What::Told(text) => ("", " ".repeat(WIDTH), &**text),
        };
        let line = format!("{seconds:>9.3}  {on_left:>left$} |{between}| {on_right}");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(object: &Value, left: bool, detail: Detail) -> Option<Row> {
    let when = object["timestamp"].as_str()?.to_owned();
    let (name, data) = (object["name"].as_str()?, &object["data"]);
    let what = match name {
        "SIPEngineSIPTrace" => {
            let message = data["data"].as_str()?;
            let mut text = title(message);
            if detail == Detail::Short && MINOR.iter().any(|code| text.starts_with(code)) {
                return None;
            }
            if detail == Detail::Whole {
                text.push_str(&format!(", {} bytes", message.len()));
            }
            What::Message(text, data["received"] == false)
        }
        "SIPSessionChangedState" => {
            let session = object["session"].as_str().unwrap_or_default();
            let state = data["state"].as_str()?;
            What::Told(match detail {
                Detail::Short => state.to_owned(),
                Detail::Whole => format!("{session} {state}"),
            })
        }
        _ if detail == Detail::Short => What::Told(event(name, data)?),
        _ if name.starts_with("offhook.") => return None,
        _ => What::Told(told(object["session"].as_str(), name, data)),
    };
    Some(Row { when, left, what })
}

/// What the short ladder tells beside states.
fn event(name: &str, data: &Value) -> Option<String> {
    let by = if data["originator"] == "local" { "holds" } else { "is held" };
    Some(match name {
        "SIPSessionGotHoldRequest" => by.into(),
        "SIPSessionGotUnholdRequest" => format!("{by} no more"),
        "SIPSessionGotDTMF" => format!("gets the digit {}", data["digit"].as_str()?),
        "SIPSessionDidStartRecordingAudio" => "records".into(),
        "SIPSessionDidStopRecordingAudio" => "records no more".into(),
        _ => return None,
    })
}

/// A notification and what it says, as far as there is room.
fn told(session: Option<&str>, name: &str, data: &Value) -> String {
    let mut text = session.map_or_else(String::new, |session| format!("{session} "));
    text.push_str(name);
    for (key, value) in data.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let blank = value.is_empty() || value == "null" || value.contains(['\r', '\n']);
        if !blank && text.chars().count() + key.len() + value.chars().count() + 2 <= BESIDE_MAX {
            text.push_str(&format!(" {key}={}", printable(value.as_bytes())));
        }
    }
    text
}

/// `INVITE`, or `200 OK (INVITE)`.
fn title(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let cseq = message.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("cseq").then(|| value.split_whitespace().nth(1))?
    });
    match (first.strip_prefix("SIP/2.0 "), cseq) {
        (Some(status), Some(method)) => shown(&format!("{status} ({method})")),
        (Some(status), None) => shown(status),
        (None, _) => shown(first.split_whitespace().next().unwrap_or_default()),
    }
}

/// A peer's words: nothing of them moves the terminal.
fn shown(text: &str) -> String {
    printable(text.as_bytes()).replace('\t', " ")
}

fn arrow(text: &str, to_the_right: bool) -> String {
    let room = WIDTH.saturating_sub(8);
    let text: String = text.chars().take(room).collect();
    let fill = "-".repeat(WIDTH.saturating_sub(text.chars().count() + 6));
    if to_the_right { format!("--- {text} {fill}>") } else { format!("<--- {text} {fill}") }
}

/// Microseconds of the day, of an RFC 3339 time with six digits after the point.
fn micros(timestamp: &str) -> Option<u64> {
    let (_, time) = timestamp.trim_end_matches('Z').split_once('T')?;
    let (clock, fraction) = time.split_once('.')?;
    let seconds = clock
        .split(':')
        .try_fold(0_u64, |sum, part| part.parse::<u64>().ok().map(|part| sum * 60 + part))?;
    Some(seconds * 1_000_000 + fraction.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: u32) -> String {
        format!("2026-11-22T14:00:{second:02}.000000Z")
    }

    fn traced(received: bool, second: u32, message: &str) -> Value {
        let data = json!({"received": received, "data": message});
        json!({"name": "SIPEngineSIPTrace", "timestamp": at(second), "data": data})
    }

    fn state(second: u32, state: &str) -> Value {
        let data = json!({"prev_state": "NULL", "state": state});
        json!({
            "name": "SIPSessionChangedState", "session": "s1", "timestamp": at(second), "data": data,
        })
    }

    const INVITE: &str = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n";
    const TRYING: &str = "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n";
    const OK: &str = "SIP/2.0 200 OK\r\ncseq: 1 INVITE\r\n\r\n";

    fn told() -> [Vec<Value>; 2] {
        let rings = json!({
            "name": "SIPSessionNewIncoming", "session": "s1", "timestamp": at(2),
            "data": {"streams": ["audio"], "long": "x".repeat(80)},
        });
        let alice = vec![state(0, "CALLING"), traced(false, 1, INVITE), traced(true, 3, OK)];
        let bob = vec![
            traced(true, 1, INVITE),
            traced(false, 1, TRYING),
            rings,
            traced(false, 3, OK),
            state(4, "ESTABLISHED"),
        ];
        [alice, bob]
    }

    #[test]
    fn each_message_is_one_arrow_from_its_sender_with_the_states_beside() {
        let gap = " ".repeat(WIDTH);
        let expected = format!(
            "  seconds    alice {gap}   bob
    0.000  CALLING |{gap}|
    1.000          |{}|
    3.000          |{}|
    4.000          |{gap}| ESTABLISHED
",
            arrow("INVITE", true),
            arrow("200 OK (INVITE)", false)
        );
        assert_eq!(of_both(["alice", "bob"], &told(), Detail::Short), expected);
    }

    #[test]
    fn the_short_ladder_tells_holds_digits_and_recordings_too() {
        let told = |name: &str, data: Value| event(name, &data);
        let hold = |who: &str| told("SIPSessionGotHoldRequest", json!({"originator": who}));
        assert_eq!(hold("local").unwrap(), "holds");
        assert_eq!(hold("remote").unwrap(), "is held");
        let digit = told("SIPSessionGotDTMF", json!({"digit": "5"}));
        assert_eq!(digit.unwrap(), "gets the digit 5");
        assert_eq!(told("SIPSessionDidStart", json!({})), None);
    }

    #[test]
    fn a_call_past_midnight_keeps_its_order_and_its_seconds() {
        let mut told = [state(0, "CALLING"), state(0, "ESTABLISHED")];
        told[0]["timestamp"] = "2026-11-22T23:59:59.500000Z".into();
        told[1]["timestamp"] = "2026-11-23T00:00:01.000000Z".into();
        let drawn = of_both(["a", "b"], &[told.to_vec(), vec![]], Detail::Short);
        let rows: Vec<_> = drawn.lines().skip(1).map(str::trim_start).collect();
        assert!(rows[0].starts_with("0.000      CALLING"), "{drawn}");
        assert!(rows[1].starts_with("1.500  ESTABLISHED"), "{drawn}");
    }

    #[test]
    fn a_peer_s_words_do_not_move_the_terminal() {
        let message = "SIP/2.0 200 \u{1b}[2J\r\nCSeq: 1 \u{1b}c\r\n\r\n";
        let reason = json!({
            "name": "SIPSessionDidFail", "session": "s1", "timestamp": at(2),
            "data": {"reason": "\u{1b}[31m"},
        });
        let told = [vec![traced(false, 1, message), reason], vec![]];
        let drawn = of_both(["a", "b"], &told, Detail::Whole);
        assert!(!drawn.contains('\u{1b}') && drawn.contains("u{1b}[31m"), "{drawn}");
    }

    #[test]
    fn arrows_are_of_one_length() {
        let long = "x".repeat(100);
        for (text, right) in [("", true), ("INVITE", true), ("200 OK", false), (&long, false)] {
            assert_eq!(arrow(text, right).chars().count(), WIDTH, "{text}");
        }
    }

    #[test]
    fn the_whole_ladder_has_every_message_with_its_size_and_every_notification() {
        let drawn = of_both(["alice", "bob"], &told(), Detail::Whole);
        assert!(drawn.contains("100 Trying (INVITE), 38 bytes"), "{drawn}");
        // What is too long to stand beside is left out.
        assert!(drawn.contains("| s1 SIPSessionNewIncoming streams=[\"audio\"]\n"), "{drawn}");
        assert!(drawn.contains("s1 CALLING |"), "{drawn}");
    }

    #[test]
    fn an_agents_ladder_has_both_directions_and_counts_what_is_too_much() {
        let mut recorder = Recorder::default();
        let [alice, _] = told();
        alice.iter().for_each(|object| recorder.note(object));
        recorder.note(&json!({"name": "offhook.result", "ok": true}));
        for _ in 0..ROWS_MAX {
            recorder.note(&state(5, "TERMINATED"));
        }
        let drawn = recorder.draw();
        assert!(drawn.contains(&arrow("INVITE, 52 bytes", true)), "{drawn:.900}");
        assert!(drawn.contains(&arrow("200 OK (INVITE), 34 bytes", false)), "{drawn:.900}");
        assert!(drawn.ends_with("3 more\n"), "{drawn:.900}");
    }

    #[test]
    fn a_ladder_of_nothing_is_its_head() {
        assert_eq!(of_both(["a", "b"], &[vec![], vec![]], Detail::Whole).lines().count(), 1);
    }
}
