//! A call as a ladder: both sides' traces, merged by time.

use serde_json::Value;

/// Columns between the two sides.
const WIDTH: usize = 46;
/// What the short ladder leaves out: it says nothing of the call.
const MINOR: [&str; 1] = ["100"];

/// A message on its way.
struct Arrow {
    micros: u64,
    from_alice: bool,
    text: String,
}

/// Draws what alice and bob told. `whole` shows every message with its size.
pub(super) fn draw(told: &[Vec<Value>; 2], whole: bool) -> String {
    let mut arrows = Vec::new();
    for (side, from_alice) in told.iter().zip([true, false]) {
        let sent = side.iter().filter(|object| object["name"] == "SIPEngineSIPTrace");
        arrows.extend(sent.filter_map(|object| arrow(object, from_alice, whole)));
    }
    arrows.sort_by_key(|arrow| arrow.micros);
    let start = arrows.first().map_or(0, |arrow| arrow.micros);
    let mut out = format!("{:>9}  alice{:>2$}\n", "seconds", "bob", WIDTH - 2);
    for arrow in arrows {
        let seconds = arrow.micros.saturating_sub(start) as f64 / 1e6;
        out.push_str(&format!("{seconds:>9.3}    |{}|\n", line(&arrow)));
    }
    out
}

fn arrow(object: &Value, from_alice: bool, whole: bool) -> Option<Arrow> {
    let data = &object["data"];
    // Each message is told by both sides; the sender's word counts.
    if data["received"] != false {
        return None;
    }
    let message = data["data"].as_str()?;
    let mut text = title(message);
    if !whole && MINOR.iter().any(|code| text.starts_with(code)) {
        return None;
    }
    if whole {
        text.push_str(&format!(", {} bytes", message.len()));
    }
    Some(Arrow { micros: micros(object["timestamp"].as_str()?)?, from_alice, text })
}

/// `INVITE`, or `200 OK (INVITE)`.
fn title(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let cseq = message.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("cseq").then(|| value.split_whitespace().nth(1))?
    });
    match (first.strip_prefix("SIP/2.0 "), cseq) {
        (Some(status), Some(method)) => format!("{status} ({method})"),
        (Some(status), None) => status.to_owned(),
        (None, _) => first.split_whitespace().next().unwrap_or_default().to_owned(),
    }
}

fn line(arrow: &Arrow) -> String {
    let room = WIDTH.saturating_sub(8);
    let text: String = arrow.text.chars().take(room).collect();
    let fill = "-".repeat(WIDTH.saturating_sub(text.chars().count() + 6));
    if arrow.from_alice { format!("--- {text} {fill}>") } else { format!("<--- {text} {fill}") }
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

    fn traced(received: bool, second: u32, message: &str) -> Value {
        json!({
            "name": "SIPEngineSIPTrace",
            "timestamp": format!("2026-11-22T14:00:{second:02}.000000Z"),
            "data": {"received": received, "data": message},
        })
    }

    const INVITE: &str = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n";
    const TRYING: &str = "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n";
    const OK: &str = "SIP/2.0 200 OK\r\ncseq: 1 INVITE\r\n\r\n";

    fn told() -> [Vec<Value>; 2] {
        let alice = vec![traced(false, 1, INVITE), traced(true, 3, OK)];
        let bob = vec![traced(true, 1, INVITE), traced(false, 1, TRYING), traced(false, 3, OK)];
        [alice, bob]
    }

    #[test]
    fn each_message_is_one_arrow_from_its_sender() {
        let expected = "  seconds  alice                                         bob
    0.000    |--- INVITE ---------------------------------->|
    2.000    |<--- 200 OK (INVITE) -------------------------|
";
        let drawn = draw(&told(), false);
        let widths: Vec<_> = drawn.lines().skip(1).map(str::len).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{drawn}");
        assert_eq!(drawn.replace(['-', ' '], ""), expected.replace(['-', ' '], ""));
    }

    #[test]
    fn the_whole_ladder_has_every_message_with_its_size() {
        let drawn = draw(&told(), true);
        assert!(drawn.contains("100 Trying (INVITE), 38 bytes"), "{drawn}");
    }

    #[test]
    fn a_ladder_of_nothing_is_its_head() {
        assert_eq!(draw(&[vec![], vec![]], true).lines().count(), 1);
    }
}
