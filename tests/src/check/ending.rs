//! Every session that began ends: DidEnd comes once, and last (REFERENCE 3.3).

use offhook::notification::NotificationData;

use super::{Told, Violation, at, each_session};
use crate::world::trace::Trace;

const NAME: &str = "ending";

/// Every session that told something has told its end, once and last.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    each_session(trace, rule)
}

fn rule(told: &[Told<'_>]) -> Vec<Violation> {
    let is_end = |data: &NotificationData| matches!(data, NotificationData::SessionDidEnd { .. });
    let Some((last, data)) = told.last() else { return Vec::new() };
    match told.iter().filter(|(_, data)| is_end(data)).count() {
        0 => vec![at(NAME, last, "it never ended")],
        1 if is_end(data) => Vec::new(),
        1 => vec![at(NAME, last, format!("{} after DidEnd", data.name()))],
        ends => vec![at(NAME, last, format!("DidEnd {ends} times"))],
    }
}

#[cfg(test)]
mod tests {
    use offhook::notification::NotificationData as Data;

    use super::*;
    use crate::check::testing::changed;

    #[test]
    fn a_whole_call_passes() {
        assert_eq!(check(&changed(|_| {})), []);
    }

    #[test]
    fn a_missing_a_second_and_an_early_end_are_found() {
        assert_eq!(check(&changed(|told| drop(told.pop()))).len(), 1);
        assert_eq!(check(&changed(|told| told.extend(told.last().cloned()))).len(), 1);
        assert_eq!(check(&changed(|told| told.push(Data::SessionGotNoAudio))).len(), 1);
    }
}
