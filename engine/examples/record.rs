//! Places an audio call and records both sides of it to a WAV file, until Enter is pressed or the
//! peer hangs up. It shows a program that waits for what it wants to hear of, without an observer.
//!
//! `cargo run --example record -- sip:bob@192.0.2.1 call.wav`

use std::path::PathBuf;
use std::time::Duration;

use offhook::media::shell::AudioDevice;
use offhook::notification::NotificationData;
use offhook::streams::Streams;
use offhook::{
    Any, Config, Delivery, Engine, Filter, NotificationCenter, Session, SipUri, Subscription,
};

type Error = Box<dyn std::error::Error>;

/// A call that is recorded from its start.
pub(crate) struct Recording {
    engine: Engine,
    /// The call.
    pub(crate) call: Session,
    events: Subscription,
}

impl Recording {
    /// Calls, and waits until the call is answered and recorded.
    pub(crate) fn start(uri: &SipUri, file: PathBuf, device: AudioDevice) -> Result<Self, Error> {
        let config = Config { audio_device: device, ..Config::default() };
        let engine = Engine::start(config, NotificationCenter::new()?)?;
        let call = engine.session();
        let events = engine.notification_center().subscribe(Filter::new(Any, &call), 256);
        call.connect(&uri.to_string(), &[], Streams::AUDIO, &[])?;
        let recording = Self { engine, call, events };
        recording.wait_for("SIPSessionDidStart")?;
        // A relative name would be put into the directory for recordings.
        recording.call.start_recording_audio(Some(std::path::absolute(file)?))?;
        recording.wait_for("SIPSessionDidStartRecordingAudio")?;
        Ok(recording)
    }

    /// Waits for a notification of that name. That the call ends first is an error.
    fn wait_for(&self, name: &str) -> Result<(), Error> {
        loop {
            let next = self.events.next(Duration::from_secs(60));
            match next.ok_or("nothing happened for a minute")? {
                Delivery::Notification(told) if told.name() == name => return Ok(()),
                Delivery::Notification(told) => match told.data {
                    NotificationData::SessionDidFail { code, reason, .. } => {
                        return Err(format!("the call failed: {code} {reason}").into());
                    }
                    NotificationData::SessionDidEnd { .. } => return Err("the call ended".into()),
                    _ => {}
                },
                Delivery::Lagged(lost) => return Err(format!("{lost} notifications lost").into()),
            }
        }
    }

    /// Hangs up, if the peer has not, and gives the file, which is whole from then on.
    pub(crate) fn end(self) -> Result<Option<PathBuf>, Error> {
        let file = self.call.snapshot().audio_recording_file_name.clone();
        self.call.end()?;
        if !self.call.wait_ended(Duration::from_secs(60)) {
            return Err("the call does not end".into());
        }
        self.engine.stop();
        Ok(file)
    }
}

#[allow(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: record sip:USER@HOST FILE.wav";
    let uri = arguments.next().ok_or(usage)?.parse()?;
    let file = arguments.next().ok_or(usage)?.into();
    println!("calling; an answer starts the recording");
    // The null device sends silence; with the feature `device` there is a microphone.
    let recording = Recording::start(&uri, file, AudioDevice::Null)?;
    println!("recording, press enter to hang up");
    std::io::stdin().read_line(&mut String::new())?;
    match recording.end()? {
        Some(file) => println!("recorded to {}", file.display()),
        None => println!("the peer hung up first"),
    }
    Ok(())
}
