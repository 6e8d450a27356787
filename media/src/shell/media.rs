//! The media layer as the engine sees it.

use std::fmt;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{TrySendError, bounded};
use offhook_fsm::Entropy;

use super::AudioDevice;
use super::control::{Control, Mail};
use super::mailbox::{self, Sender};
use super::raw::{self, AudioSink, AudioSource};
use crate::control::{MediaCommand, MediaEvent};

/// Orders that wait for the control thread; beyond it [`Media::command`] gives them back.
const MAILBOX_MAX: usize = 8192;
/// How long [`Media::stop`] waits.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// What the media layer is started with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaConfig {
    /// Ports for RTP and RTCP.
    pub rtp_ports: RangeInclusive<u16>,
    /// Microphone and speaker. Opened with the first stream, closed with the last.
    pub device: AudioDevice,
    /// Let the user hear digits, those sent and those that come: on a sound device, as what a WAV
    /// file takes is to be the peers' voices alone.
    pub playback_dtmf: bool,
    /// Send silence from the start, until `Mute` is ordered off.
    pub muted: bool,
    /// How loud sounds are, 0–100 percent.
    pub sounds_volume: u8,
}

impl Default for MediaConfig {
    /// The null device, and everything is heard.
    fn default() -> Self {
        Self {
            rtp_ports: 50_000..=50_500,
            device: AudioDevice::Null,
            playback_dtmf: true,
            muted: false,
            sounds_volume: 100,
        }
    }
}

/// Why the media layer did not do something.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MediaError {
    /// The operating system gives no thread.
    NoThread,
    /// The media layer has too much to do.
    Busy,
    /// It has ended.
    Ended,
}

impl fmt::Display for MediaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoThread => "the operating system gives no thread for audio",
            Self::Busy => "the media layer has too much to do",
            Self::Ended => "the media layer has ended",
        })
    }
}

impl std::error::Error for MediaError {}

/// The control thread's mailbox is full; the order comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Busy(pub Box<MediaCommand>);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MediaError::Busy.fmt(f)
    }
}

impl std::error::Error for Busy {}

/// Two threads that carry all audio of an engine. Clones are one; it ends with [`stop`](Self::stop).
#[derive(Clone)]
pub struct Media {
    mailbox: Arc<Sender<Mail>>,
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media").field("waiting", &self.mailbox.len()).finish()
    }
}

impl Media {
    /// Starts the control and audio threads. `tell` is called on the control thread and must not
    /// wait.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(
        config: MediaConfig,
        entropy: Entropy,
        tell: impl Fn(MediaEvent) + Send + 'static,
    ) -> Result<Self, MediaError> {
        let (sender, mailbox) = mailbox::mailbox(MAILBOX_MAX);
        let own = Arc::new(sender);
        let control = Control::start(config, entropy, mailbox, Arc::downgrade(&own), tell)
            .map_err(|_| MediaError::NoThread)?;
        std::thread::Builder::new()
            .name("offhook-media".into())
            .spawn(move || run(control))
            .map_err(|_| MediaError::NoThread)?;
        Ok(Self { mailbox: own })
    }

    /// Orders something. Never waits; what comes of it is told.
    ///
    /// # Errors
    /// When too many orders wait.
    pub fn command(&self, command: MediaCommand) -> Result<(), Busy> {
        match self.mailbox.try_send(Mail::Command(Box::new(command))) {
            // A media layer that has ended has no streams to order about.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(Mail::Command(command))) => Err(Busy(command)),
            Err(TrySendError::Full(_)) => Ok(()),
        }
    }

    /// Raw audio in place of the device for that session's audio stream, now or as soon as it is
    /// prepared.
    ///
    /// # Errors
    /// When the media layer has too much to do, or has ended.
    pub fn attach(&self, session: u64) -> Result<(AudioSource, AudioSink), MediaError> {
        let (source, sink, ends) = raw::raw();
        self.mailbox.try_send(Mail::Attach(session, Box::new(ends))).map_err(|refused| {
            match refused {
                TrySendError::Full(_) => MediaError::Busy,
                TrySendError::Disconnected(_) => MediaError::Ended,
            }
        })?;
        Ok((source, sink))
    }

    /// Takes the raw audio of a session back that has ended. Its ends are then closed.
    ///
    /// # Errors
    /// When the media layer has too much to do; it is to be tried again.
    pub fn detach(&self, session: u64) -> Result<(), MediaError> {
        match self.mailbox.try_send(Mail::Detach(session)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(MediaError::Busy),
        }
    }

    /// Plays a WAV file to the device's speaker, beside all calls and heard by no peer; again and
    /// again with that pause, where one is given. One of that number that plays already is not begun
    /// anew. What cannot be played is logged, as is a media layer that has too much to do.
    pub fn play_sound(&self, sound: u64, file: PathBuf, pause: Option<Duration>) {
        self.sound(Mail::PlaySound(sound, file, pause));
    }

    /// Ends a sound, if it plays.
    pub fn stop_sound(&self, sound: u64) {
        self.sound(Mail::StopSound(sound));
    }

    fn sound(&self, mail: Mail) {
        if let Err(TrySendError::Full(_)) = self.mailbox.try_send(mail) {
            log::warn!("the media layer has too much to do for a sound");
        }
    }

    /// Says BYE on every stream, closes recordings and sockets, ends both threads. Waits for it up
    /// to two seconds. Twice is once.
    pub fn stop(&self) {
        let (done, wait) = bounded(1);
        if self.mailbox.send_timeout(Mail::Stop(done), STOP_PATIENCE).is_ok() {
            // Disconnected means that it has ended already.
            let _ended = wait.recv_timeout(STOP_PATIENCE);
        }
    }
}

/// The control thread: what panics on it is told, and the audio thread ends with it.
fn run(mut control: Control) {
    if catch_unwind(AssertUnwindSafe(|| control.run())).is_err() {
        control.broken("the media control thread panicked");
    }
}
