//! Recordings nest: Will before Did, start before stop, one at a time, and none outlives its
//! session (REFERENCE 1.8, 0.22).

use std::path::PathBuf;

use offhook::notification::NotificationData as Data;

use super::{Told, Violation, at, each_session};
use crate::world::trace::Trace;

const NAME: &str = "recording";

/// Where a recording stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    None,
    Starting,
    Running,
    Stopping,
}

/// Each session's recordings nest.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Violation> {
    each_session(trace, rule)
}

fn rule(told: &[Told<'_>]) -> Vec<Violation> {
    let (mut stage, mut open): (_, Option<&PathBuf>) = (Stage::None, None);
    let mut violations = Vec::new();
    for (entry, data) in told {
        let (file, next, from): (_, _, &[Stage]) = match data {
            Data::SessionWillStartRecordingAudio { file_name } => {
                (file_name, Stage::Starting, &[Stage::None])
            }
            Data::SessionDidStartRecordingAudio { file_name } => {
                (file_name, Stage::Running, &[Stage::Starting])
            }
            // What was armed and never started is told to stop all the same.
            Data::SessionWillStopRecordingAudio { file_name } => {
                (file_name, Stage::Stopping, &[Stage::None, Stage::Starting, Stage::Running])
            }
            // A file that cannot be written stops by itself.
            Data::SessionDidStopRecordingAudio { file_name } => {
                (file_name, Stage::None, &[Stage::Starting, Stage::Running, Stage::Stopping])
            }
            Data::SessionDidEnd { .. } if stage != Stage::None => {
                violations.push(at(NAME, entry, format!("it ends with a recording {stage:?}")));
                continue;
            }
            _ => continue,
        };
        if !from.contains(&stage) || open.is_some_and(|open| open != file) {
            violations.push(at(NAME, entry, format!("{} while {stage:?}", data.name())));
        }
        stage = next;
        open = (stage != Stage::None).then_some(file);
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::changed;

    fn all(file: &str) -> [Data; 4] {
        let file_name = PathBuf::from(file);
        [
            Data::SessionWillStartRecordingAudio { file_name: file_name.clone() },
            Data::SessionDidStartRecordingAudio { file_name: file_name.clone() },
            Data::SessionWillStopRecordingAudio { file_name: file_name.clone() },
            Data::SessionDidStopRecordingAudio { file_name },
        ]
    }

    fn with(places: &[usize]) -> Vec<Violation> {
        let more: Vec<Data> = places.iter().map(|place| all("a")[*place].clone()).collect();
        check(&changed(|told| drop(told.splice(7..7, more))))
    }

    #[test]
    fn recordings_one_after_the_other_pass_and_so_does_one_that_fails_or_never_starts() {
        assert_eq!(with(&[0, 1, 2, 3, 0, 1, 2, 3]), []);
        assert_eq!(with(&[0, 3]), []);
        assert_eq!(with(&[2, 3]), []);
    }

    #[test]
    fn what_does_not_nest_is_found() {
        for places in [&[1][..], &[3], &[0, 0], &[0, 1, 1], &[0, 1], &[0, 1, 2], &[0, 1, 2, 2, 3]] {
            assert!(!with(places).is_empty(), "{places:?}");
        }
    }

    #[test]
    fn a_recording_keeps_its_file() {
        let mixed =
            [all("a")[0].clone(), all("b")[1].clone(), all("a")[2].clone(), all("a")[3].clone()];
        assert!(!check(&changed(|told| drop(told.splice(7..7, mixed)))).is_empty());
    }
}
