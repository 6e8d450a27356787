//! Both sides of a call agree once everything is settled: it stands for both or for neither, what
//! one side holds is held by the other, and their streams fit together.

use std::collections::{BTreeMap, BTreeSet};

use offhook::id::SessionId;
use offhook::notification::{NotificationData, SessionState as State};

use super::{Violation, at};
use crate::words;
use crate::world::stands;
use crate::world::trace::{Calm, Entry, Trace, What, call_id};

const NAME: &str = "agreement";

/// Every call's two sides agree in the calm.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let mut calls: BTreeMap<u32, Vec<(&Entry, &Calm)>> = BTreeMap::new();
    for entry in &trace.entries {
        if let (What::Calm(calm), Some(id)) = (&entry.what, entry.session)
            && let Some(call) = trace.calls.get(&(entry.agent, id))
        {
            calls.entry(*call).or_default().push((entry, calm));
        }
    }
    let called = called(trace);
    let mut violations = Vec::new();
    for (call, sides) in calls {
        for (entry, calm) in &sides {
            if !matches!(
                calm.state,
                State::Established | State::Calling | State::Incoming | State::Null
            ) {
                violations.push(at(NAME, entry, format!("it is still {}", calm.state)));
            }
        }
        let standing: Vec<_> = sides.iter().filter(|(_, calm)| stands(calm.state)).collect();
        let text = match standing.as_slice() {
            [(entry, _)] if !is_cut_off(trace, call) => {
                Some((*entry, "the call stands for this side alone".into()))
            }
            [(one, a), (other, b)] => {
                let was = |side: &Entry| called.contains(&(side.agent, side.session));
                let text = if was(one) && was(other) {
                    Some("both were called, and nobody stands who called them".into())
                } else {
                    disagreement(a, b)
                };
                text.map(|text| (*one, text))
            }
            [(entry, _), _, _, ..] => Some((*entry, "the call stands for more than two".into())),
            _ => None,
        };
        violations.extend(text.map(|(entry, text)| at(NAME, entry, text)));
    }
    violations
}

/// The sessions that were called.
fn called(trace: &Trace) -> BTreeSet<(usize, Option<SessionId>)> {
    let is = |entry: &&Entry| {
        matches!(entry.what, What::Told(NotificationData::SessionNewIncoming { .. }))
    };
    trace.entries.iter().filter(is).map(|entry| (entry.agent, entry.session)).collect()
}

/// Whether the end of a call never came through, however often it was sent.
fn is_cut_off(trace: &Trace, call: u32) -> bool {
    let mut lost: BTreeSet<&[u8]> = BTreeSet::new();
    for entry in &trace.entries {
        let What::Sent { bytes, arrivals, .. } = &entry.what else { continue };
        let ends = bytes.starts_with(b"BYE") || bytes.starts_with(b"SIP/2.0 481");
        let of_call = || call_id(bytes).and_then(|id| trace.call_ids.get(id)) == Some(&call);
        if ends && of_call() {
            if *arrivals == 0 {
                lost.insert(bytes);
            } else {
                lost.remove(&bytes[..]);
            }
        }
    }
    lost.iter().any(|bytes| words::title(bytes) == "BYE")
}

fn disagreement(a: &Calm, b: &Calm) -> Option<String> {
    let differ = |what: &str, a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| {
        Some(format!("{what}: {a:?} here, {b:?} there"))
    };
    if a.has_chat != b.has_chat {
        return differ("chat", &a.has_chat, &b.has_chat);
    }
    let (Some(x), Some(y)) = (&a.audio, &b.audio) else {
        return (a.audio.is_some() != b.audio.is_some())
            .then(|| format!("audio: {:?} here, {:?} there", a.audio, b.audio));
    };
    if !knows(a, b) || !knows(b, a) {
        let flags = |calm: &Calm| (calm.on_hold_by_local, calm.on_hold_by_remote);
        return differ("held by (local, remote)", &flags(a), &flags(b));
    }
    if x.codec != y.codec {
        return differ("codec", &x.codec, &y.codec);
    }
    if x.remote != y.local || x.local != y.remote {
        return differ("addresses", x, y);
    }
    if (x.flow.send, x.flow.receive) != (y.flow.receive, y.flow.send) {
        return differ("flow", &x.flow, &y.flow);
    }
    None
}

/// Whether one side knows that the other holds it. An inactive answer to a hold of its own does
/// not tell (REFERENCE 0.19): where both hold, one of them need not know.
const fn knows(one: &Calm, other: &Calm) -> bool {
    one.on_hold_by_remote == other.on_hold_by_local
        || (one.on_hold_by_local && other.on_hold_by_local)
}

#[cfg(test)]
mod tests {
    use offhook::id::SessionId;
    use offhook::media::codec::Codec;
    use offhook::media::control::Flow;
    use offhook_fsm::Instant;

    use super::*;
    use crate::world::trace::CalmAudio;

    fn audio(local: u16, remote: u16) -> CalmAudio {
        let address = |port| ([192, 0, 2, 1], port).into();
        let flow = Flow { send: true, receive: true };
        CalmAudio { local: address(local), remote: address(remote), flow, codec: Codec::ALL[0] }
    }

    fn pair() -> [Calm; 2] {
        [(1, 2), (2, 1)].map(|(local, remote)| Calm {
            state: State::Established,
            on_hold_by_local: false,
            on_hold_by_remote: false,
            has_chat: false,
            audio: Some(audio(local, remote)),
        })
    }

    fn trace_of(sides: &[Calm]) -> Trace {
        let mut trace = Trace::default();
        trace.call_ids.insert(b"c"[..].into(), 7);
        for (agent, calm) in sides.iter().enumerate() {
            trace.calls.insert((agent, SessionId(1)), 7);
            trace.push(Instant::ZERO, agent, Some(SessionId(1)), What::Calm(calm.clone()));
        }
        trace
    }

    fn found(change: impl FnOnce(&mut [Calm; 2])) -> usize {
        let mut sides = pair();
        change(&mut sides);
        check(&trace_of(&sides)).len()
    }

    #[test]
    fn two_sides_that_fit_pass_and_so_does_one_that_rings_alone() {
        assert_eq!(found(|_| {}), 0);
        let [mut alone, _] = pair();
        alone.state = State::Incoming;
        assert_eq!(check(&trace_of(&[alone])), []);
    }

    #[test]
    fn a_call_that_stands_for_one_side_alone_is_found() {
        let [alone, _] = pair();
        assert_eq!(check(&trace_of(std::slice::from_ref(&alone))).len(), 1);
        assert_eq!(found(|sides| sides[1].state = State::Incoming), 1);
    }

    #[test]
    fn a_call_whose_bye_was_lost_every_time_is_excused() {
        let [alone, _] = pair();
        let sent = |arrivals| {
            let bytes = b"BYE sip:b@h SIP/2.0\r\nCall-ID: c\r\n\r\n"[..].into();
            let to = ([192, 0, 2, 1], 5060).into();
            What::Sent { to, over: offhook::transport::Transport::Udp, bytes, arrivals }
        };
        let mut trace = trace_of(&[alone]);
        trace.push(Instant::ZERO, 1, None, sent(0));
        assert_eq!(check(&trace), []);
        trace.push(Instant::ZERO, 1, None, sent(1));
        assert_eq!(check(&trace).len(), 1);
    }

    #[test]
    fn a_side_that_has_not_settled_is_found() {
        for state in [State::Proposing, State::Proposed, State::Accepting, State::Terminating] {
            assert!(found(|sides| sides[0].state = state) > 0, "{state}");
        }
    }

    #[test]
    fn flags_streams_addresses_codecs_and_directions_that_do_not_fit_are_found() {
        assert_eq!(found(|sides| sides[0].on_hold_by_local = true), 1);
        assert_eq!(found(|sides| sides[1].on_hold_by_remote = true), 1);
        assert_eq!(found(|sides| sides[0].has_chat = true), 1);
        assert_eq!(
            found(|sides| sides.iter_mut().for_each(|side| side.on_hold_by_local = true)),
            0
        );
        assert_eq!(found(|sides| sides[0].audio = None), 1);
        assert_eq!(found(|sides| sides[0].audio = Some(audio(1, 9))), 1);
        assert_eq!(found(|sides| sides[0].audio.as_mut().unwrap().codec = Codec::ALL[1]), 1);
        assert_eq!(found(|sides| sides[0].audio.as_mut().unwrap().flow.send = false), 1);
    }
}
