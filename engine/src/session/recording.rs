//! The recording of a session's audio: armed while the call is held, opened, closed.

use std::path::PathBuf;

use offhook_fsm::Instant;
use offhook_fsm::session::Event;
use offhook_media::control::MediaCommand;

use super::{Core, Output};
use crate::error::SessionError;
use crate::notification::{NotificationData, Originator};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The call is held: it starts when nobody holds the call any more.
    Armed,
    /// The media layer opens the file. The unhold that started it is told when it is open.
    Opening { unheld_by: Option<Originator> },
    /// It runs.
    Running,
    /// The media layer closes the file.
    Closing,
}

/// A recording from the order to the closed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Recording {
    file: PathBuf,
    stage: Stage,
}

impl Recording {
    /// Whether `SIPSessionWillStopRecordingAudio` was posted.
    fn is_closing(&self) -> bool {
        self.stage == Stage::Closing
    }

    /// What is told when audio stops now, in order.
    pub(super) fn ending(self) -> impl Iterator<Item = NotificationData> {
        let late = match self.stage {
            Stage::Opening { unheld_by } => unheld_by,
            _ => None,
        };
        let late = late.map(|originator| NotificationData::SessionGotUnholdRequest { originator });
        let file_name = self.file.clone();
        let will_stop = NotificationData::SessionWillStopRecordingAudio { file_name };
        let will_stop = Some(will_stop).filter(|_| !self.is_closing());
        let file_name = self.file;
        let did_stop = NotificationData::SessionDidStopRecordingAudio { file_name };
        late.into_iter().chain(will_stop).chain([did_stop])
    }
}

impl Core {
    pub(super) fn start_recording(
        &mut self,
        now: Instant,
        file: PathBuf,
    ) -> Result<(), SessionError> {
        self.permit("start_recording_audio()", Event::StartRecording)?;
        if self.audio.running.is_none() {
            return self.permit("start_recording_audio() without active audio", Event::MissAudio);
        }
        if self.audio.recording.is_some() {
            let method = "start_recording_audio() while a recording runs";
            return self.permit(method, Event::StartSecondRecording);
        }
        self.snapshot.audio_recording_file_name = Some(file.clone());
        self.audio.recording = Some(Recording { file, stage: Stage::Armed });
        let held = self.is_held();
        self.apply(now, if held { Event::ArmRecording } else { Event::StartRecording });
        Ok(())
    }

    pub(super) fn stop_recording(&mut self, now: Instant) -> Result<(), SessionError> {
        self.permit("stop_recording_audio()", Event::StopRecording)?;
        if self.audio.recording.as_ref().is_none_or(Recording::is_closing) {
            let method = "stop_recording_audio() without a recording";
            return self.permit(method, Event::StopNoRecording);
        }
        self.apply(now, Event::StopRecording);
        Ok(())
    }

    const fn is_held(&self) -> bool {
        self.snapshot.on_hold_by_local || self.snapshot.on_hold_by_remote
    }

    pub(super) fn tell_will_start_recording(&mut self, now: Instant) {
        self.tell_of_recording(now, |file_name| NotificationData::SessionWillStartRecordingAudio {
            file_name,
        });
    }

    pub(super) fn open_recording(&mut self) {
        let stream = self.stream();
        let Some(recording) = &mut self.audio.recording else { return };
        recording.stage = Stage::Opening { unheld_by: None };
        let file = recording.file.clone();
        self.push(Output::Media(MediaCommand::StartRecording { stream, file }));
    }

    pub(super) fn tell_will_stop_recording(&mut self, now: Instant) {
        self.tell_late_unhold(now);
        self.tell_of_recording(now, |file_name| NotificationData::SessionWillStopRecordingAudio {
            file_name,
        });
    }

    pub(super) fn close_recording(&mut self, now: Instant) {
        let stream = self.stream();
        let Some(recording) = &mut self.audio.recording else { return };
        // What never started has no file to close.
        if recording.stage == Stage::Armed {
            return self.recording_stopped(now);
        }
        recording.stage = Stage::Closing;
        self.push(Output::Media(MediaCommand::StopRecording { stream }));
    }

    pub(super) fn recording_started(&mut self, now: Instant) {
        let Some(recording) = &mut self.audio.recording else { return };
        let Stage::Opening { unheld_by } = recording.stage else { return };
        recording.stage = Stage::Running;
        self.tell_of_recording(now, |file_name| NotificationData::SessionDidStartRecordingAudio {
            file_name,
        });
        if let Some(originator) = unheld_by {
            self.tell(now, NotificationData::SessionGotUnholdRequest { originator });
        }
    }

    /// The file is closed, or there never was one.
    pub(super) fn recording_stopped(&mut self, now: Instant) {
        self.tell_of_recording(now, |file_name| NotificationData::SessionDidStopRecordingAudio {
            file_name,
        });
        self.audio.recording = None;
        self.snapshot.audio_recording_file_name = None;
    }

    /// The reason comes from the operating system and names no party of the call.
    pub(super) fn recording_failed(&mut self, now: Instant, reason: &str) {
        let Some(recording) = &mut self.audio.recording else { return };
        log_failure(self.id, reason);
        let unheld_by = match recording.stage {
            Stage::Opening { unheld_by } => unheld_by,
            _ => None,
        };
        self.recording_stopped(now);
        if let Some(originator) = unheld_by {
            self.tell(now, NotificationData::SessionGotUnholdRequest { originator });
        }
    }

    /// Audio stops: the media layer finishes the file by itself.
    pub(super) fn end_recording(&mut self, now: Instant) {
        let Some(recording) = self.audio.recording.take() else { return };
        for data in recording.ending() {
            self.tell(now, data);
        }
        self.snapshot.audio_recording_file_name = None;
    }

    /// Tells that one side began or ended a hold. An armed recording starts before its end is told
    /// (REFERENCE 0.22).
    pub(super) fn tell_hold(
        &mut self,
        now: Instant,
        originator: Originator,
        held_before: bool,
        held: bool,
    ) {
        match (held_before, held) {
            (false, true) => {
                self.tell_late_unhold(now);
                self.tell(now, NotificationData::SessionGotHoldRequest { originator });
            }
            (true, false) => {
                let armed = self.audio.recording.as_ref().map(|r| r.stage) == Some(Stage::Armed);
                if !armed || self.is_held() {
                    let data = NotificationData::SessionGotUnholdRequest { originator };
                    return self.tell(now, data);
                }
                self.tell_will_start_recording(now);
                self.open_recording();
                if let Some(recording) = &mut self.audio.recording {
                    recording.stage = Stage::Opening { unheld_by: Some(originator) };
                }
            }
            _ => {}
        }
    }

    /// The file is still not open, but what comes next does not wait for it.
    fn tell_late_unhold(&mut self, now: Instant) {
        let stage = self.audio.recording.as_mut().map(|recording| &mut recording.stage);
        if let Some(Stage::Opening { unheld_by }) = stage
            && let Some(originator) = unheld_by.take()
        {
            self.tell(now, NotificationData::SessionGotUnholdRequest { originator });
        }
    }

    fn tell_of_recording(&mut self, now: Instant, data: impl FnOnce(PathBuf) -> NotificationData) {
        if let Some(recording) = &self.audio.recording {
            let data = data(recording.file.clone());
            self.tell(now, data);
        }
    }
}

#[cfg(feature = "shell")]
fn log_failure(id: crate::id::SessionId, reason: &str) {
    log::warn!("session {id}: the recording ended early: {reason}");
}

#[cfg(not(feature = "shell"))]
const fn log_failure(_id: crate::id::SessionId, _reason: &str) {}
