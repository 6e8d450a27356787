//! Call flows as text: who said what to whom and when, and what each side was told meanwhile.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use offhook_fsm::Instant;

use crate::check::Violation;
use crate::words;
use crate::world::agent;
use crate::world::trace::{Chatted, Entry, Trace, What};

/// Entries of a ladder, at most: the last ones count.
const ROWS_MAX: usize = 400;
/// Columns of one side.
const SIDE: usize = 44;

/// One call, from its order to its end.
#[must_use]
pub fn of_call(trace: &Trace, call: u32) -> String {
    draw(trace, &rows(trace, call))
}

/// The call in which a violation showed; all that user agent did, where there is none.
#[must_use]
pub fn of_violation(trace: &Trace, violation: &Violation) -> String {
    let id = violation.session.map(|id| (violation.agent, id));
    match id.and_then(|id| trace.calls.get(&id)) {
        Some(call) => format!("call {call}:\n{}", of_call(trace, *call)),
        None => String::from("no call is at fault alone\n"),
    }
}

fn rows(trace: &Trace, call: u32) -> Vec<&Entry> {
    let of_call = |entry: &&Entry| match (&entry.what, entry.session) {
        (What::Sent { bytes, .. } | What::Received { bytes, .. }, _) => {
            trace.call_of(bytes) == Some(call)
        }
        (_, Some(id)) => trace.calls.get(&(entry.agent, id)) == Some(&call),
        (_, None) => false,
    };
    trace.entries.iter().filter(of_call).collect()
}

/// The first user agent left, the others right.
fn draw(trace: &Trace, rows: &[&Entry]) -> String {
    let caller = rows.first().map_or(0, |entry| entry.agent);
    let others: BTreeSet<usize> =
        rows.iter().map(|entry| entry.agent).filter(|agent| *agent != caller).collect();
    let names: Vec<String> = others.iter().map(|other| agent::name(*other)).collect();
    let mut out =
        format!("{:>10}  {:<SIDE$}| {}\n", "seconds", agent::name(caller), names.join(", "));
    if rows.len() > ROWS_MAX {
        let _infallible = writeln!(out, "{:>10}  …", "");
    }
    for entry in &rows[rows.len().saturating_sub(ROWS_MAX)..] {
        let Some(text) = text(entry) else { continue };
        let who = entry.session.filter(|id| trace.calls.contains_key(&(entry.agent, *id)));
        let who = who.map_or_else(String::new, |id| format!("{id} "));
        let (left, right) = if entry.agent == caller {
            (cut(format!("{who}{text}")), String::new())
        } else {
            (String::new(), format!("{who}{text}"))
        };
        let line = format!("{}  {left:<SIDE$}| {right}", seconds(entry.at));
        let _infallible = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// What fits on the left.
fn cut(text: String) -> String {
    if text.chars().count() < SIDE {
        return text;
    }
    text.chars().take(SIDE - 2).chain(['…']).collect()
}

fn seconds(at: Instant) -> String {
    format!("{:>6}.{:03}", at.as_micros() / 1_000_000, at.as_micros() / 1000 % 1000)
}

/// A line for what happens between MSRP cores and is not told anyway.
fn chat_line(chatted: &Chatted) -> Option<String> {
    match chatted {
        Chatted::Sent { id, length } => Some(format!("~ {id} goes, {length} bytes")),
        Chatted::Got { id, content } => Some(format!("~ {id} comes, {} bytes", content.len())),
        Chatted::Delivered { id } => Some(format!("~ {id} is delivered")),
        Chatted::NotDelivered { id, code } => Some(format!("~ {id} is not delivered: {code}")),
        Chatted::Stopped => Some("~ the chat is stopped".into()),
        Chatted::Started | Chatted::Ended | Chatted::Aside => None,
    }
}

fn text(entry: &Entry) -> Option<String> {
    let peer = |address| agent::number(address).map(agent::name).unwrap_or_default();
    Some(match &entry.what {
        What::Sent { to, bytes, arrivals, over } => {
            let fate = match arrivals {
                0 => " (lost)",
                1 => "",
                _ => " (doubled)",
            };
            format!("{} ─{over}→ {}{fate}", words::title(bytes), peer(*to))
        }
        What::Received { from, bytes } => format!("← {} from {}", words::title(bytes), peer(*from)),
        What::Ordered { order, refused: None } => format!("{order}()"),
        What::Ordered { order, refused: Some(why) } => format!("{order}(): {why}"),
        What::Told(data) => format!("* {}", words::short(data)),
        What::Calm(calm) => format!("calm: {}", calm.state),
        What::Chat { chatted, .. } => return chat_line(chatted),
        What::Left(_) => return None,
    })
}
