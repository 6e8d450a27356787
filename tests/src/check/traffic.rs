//! What goes over the network: nobody repeats a message more often than the timers of RFC 3261
//! §17 and §13.3.1.4 do, and no user agent stops answering.

use std::collections::BTreeMap;

use super::{Violation, at};
use crate::words;
use crate::world::trace::{Trace, What};

const NAME: &str = "traffic";
/// Copies of one request, or of one final response to an INVITE with its own timer, at most: T1
/// doubles up to T2 within 64·T1.
const COPIES_MAX: usize = 11;
/// What answers a repetition is repeated as often as that comes, doubled by the network.
const ANSWERS_MAX: usize = 40;

/// No message is sent too often.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    let mut copies: BTreeMap<(usize, &[u8]), usize> = BTreeMap::new();
    let mut violations = Vec::new();
    for entry in &trace.entries {
        let What::Sent { bytes, .. } = &entry.what else { continue };
        let count = copies.entry((entry.agent, bytes)).or_default();
        *count += 1;
        let answers = bytes.starts_with(b"SIP/2.0") || bytes.starts_with(b"ACK");
        let most = if answers { ANSWERS_MAX } else { COPIES_MAX };
        if *count == most + 1 {
            let text = format!("{} was sent more than {most} times", words::title(bytes));
            violations.push(at(NAME, entry, text));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use offhook::transport::Transport;
    use offhook_fsm::Instant;

    use super::*;

    fn found(message: &[u8], times: usize) -> usize {
        let mut trace = Trace::default();
        for _ in 0..times {
            let to = ([192, 0, 2, 1], 5060).into();
            let what = What::Sent { to, over: Transport::Udp, bytes: message.into(), arrivals: 1 };
            trace.push(Instant::ZERO, 0, None, what);
        }
        check(&trace).len()
    }

    #[test]
    fn eleven_copies_of_a_request_pass_and_twelve_do_not() {
        assert_eq!((found(b"BYE sip:b@h SIP/2.0", 11), found(b"BYE sip:b@h SIP/2.0", 12)), (0, 1));
    }

    #[test]
    fn a_storm_of_answers_is_found() {
        assert_eq!((found(b"SIP/2.0 200 OK", 40), found(b"SIP/2.0 200 OK", 41)), (0, 1));
    }
}
