//! `offhook call URI`: one call.

pub(crate) mod progress;
mod wish;

use std::time::{Duration, Instant};

use offhook::error::SessionError;
use offhook::notification::{NotificationData as Data, Sender};
use offhook::{Notification, Session};

use crate::chat::{Chat, Next, Typed};
use crate::options;
use crate::outcome::Course;
use crate::running::{self, Event, Running};
use crate::{Outcome, Usage, clock, note, print};
use progress::Progress;
use wish::{EXAMPLE, HELP, Wish};

/// How long the peer may take to answer the end of the call. What is left then is the engine's.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long the last message of a chat may take when a person hangs up.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);
/// How often digits are sent and progress is looked at.
const TICK: Duration = Duration::from_millis(250);

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let Some(wish) = wish::read(args)? else {
        print(&format!("{HELP}{}{EXAMPLE}", options::HELP));
        return Ok(Outcome::Done);
    };
    let running = running::start(&wish.options)?;
    let mut progress = Progress::new(wish.options.json);
    let session = running.engine.session();
    let routes = running.routes.to(&wish.uri);
    if let Err(error) = session.connect(&wish.uri, &routes, wish.streams, &[]) {
        running.stop().for_each(drop);
        return match error {
            SessionError::InvalidArgument(text) => Err(Usage(text)),
            error => {
                note(&format!("{}: {error}", wish.uri));
                Ok(Outcome::Refused)
            }
        };
    }
    progress.begin(&running.engine, &wish.uri);
    let chat = if wish.streams.chat {
        let chat = Chat::new(session.clone(), wish.options.json);
        Some(chat.inspect_err(|_| running.stop().for_each(drop))?)
    } else {
        None
    };
    let mut call = Call {
        chat,
        progress,
        wish,
        session,
        course: Course::default(),
        hang_up_at: None,
        leave_at: None,
        failed: false,
    };
    call.play();
    call.follow(&running);
    for event in running.stop() {
        call.hear(&running, &event);
    }
    let undelivered = call.chat.take().is_some_and(|mut chat| {
        chat.close();
        chat.has_failed()
    });
    call.progress.end(&call.course, &call.session.snapshot());
    let well = call.course.went_well() && !call.failed && !undelivered;
    Ok(if well { Outcome::Done } else { Outcome::Refused })
}

/// The call that runs.
struct Call {
    wish: Wish,
    session: Session,
    chat: Option<Chat>,
    course: Course,
    progress: Progress,
    /// When, and why.
    hang_up_at: Option<(Instant, &'static str)>,
    /// The peer had its time to answer our end of the call.
    leave_at: Option<Instant>,
    /// Something that was asked for could not be done.
    failed: bool,
}

impl Call {
    /// Follows the call to its end.
    fn follow(&mut self, running: &Running) {
        let mut tick = clock::now() + TICK;
        while !self.course.is_over() {
            let wake = self.hang_up_at.map_or(tick, |(at, _)| at.min(tick));
            let typed = self.chat.as_ref().map_or_else(crossbeam_channel::never, Chat::typed);
            crossbeam_channel::select_biased! {
                recv(running.interrupts) -> _ => self.hang_up("Ctrl-C"),
                recv(running.events) -> event => {
                    let Ok(event) = event else { return };
                    let engine_failed = matches!(event.notification.data, Data::EngineDidFail { .. });
                    self.hear(running, &event);
                    if engine_failed {
                        return;
                    }
                }
                recv(typed) -> typed => self.take(typed.ok()),
                default(wake.saturating_duration_since(clock::now())) => {}
            }
            let unheard = self.chat.as_ref().is_some_and(Chat::is_unheard);
            if (unheard || self.progress.is_unheard()) && self.leave_at.is_none() {
                self.hang_up("nobody reads what is printed");
            }
            let now = clock::now();
            if self.leave_at.is_some_and(|at| at <= now) {
                return;
            }
            if let Some((_, why)) = self.hang_up_at.take_if(|(at, _)| *at <= now) {
                self.hang_up(why);
            }
            if tick <= now {
                tick = now + TICK;
                self.send_digit();
                // The line of a chat is where the progress would be.
                if self.chat.is_none() || self.wish.options.json {
                    self.progress.tick(now, &self.session.snapshot());
                }
            }
        }
    }

    fn hear(&mut self, running: &Running, event: &Event) {
        let notification = &event.notification;
        self.show(notification);
        let Sender::Session(id) = notification.sender else { return };
        if id != self.session.id() {
            // We are on the phone.
            if let Some(other) = running.session_of(event)
                && matches!(notification.data, Data::SessionNewIncoming { .. })
            {
                let _refused = other.reject(None);
            }
            return;
        }
        self.course.note(notification);
        let next = self.chat.as_mut().map_or(Next::Stay, |chat| chat.hear(&notification.data));
        self.go(next);
        match notification.data {
            Data::MsrpChatDidFail { .. } | Data::MsrpChatDidEnd if !self.wish.streams.audio => {
                self.go(Next::HangUp("the chat is over"));
            }
            Data::SessionDidStart => {
                let now = clock::now();
                let duration = self.wish.duration.map(|duration| now + duration);
                self.hang_up_at = duration.map(|at| (at, "--duration is over"));
                self.progress.start(now);
                if let Some(file) = self.wish.record.take() {
                    let done = self.session.start_recording_audio(Some(file));
                    self.check("--record", done);
                }
            }
            Data::WaveFileDidFinishPlaying { failure: Some(_), .. } => self.failed = true,
            _ => {}
        }
    }

    fn show(&mut self, notification: &Notification) {
        let own = self.session.id();
        match self.chat.as_mut().filter(|chat| chat.has_terminal()) {
            None => self.progress.notification(notification, own),
            Some(chat) => {
                if let Some(line) = progress::line_of(notification, own) {
                    chat.tell(&line);
                }
            }
        }
    }

    fn take(&mut self, typed: Option<Typed>) {
        let next = self.chat.as_mut().map_or(Next::Stay, |chat| chat.take(typed));
        self.go(next);
    }

    fn go(&mut self, next: Next) {
        if self.leave_at.is_some() || self.course.is_over() {
            return;
        }
        match next {
            Next::Stay => {}
            Next::HangUp(why) => self.hang_up(why),
            Next::HangUpSoon(why) => {
                self.hang_up_at = Some((clock::now() + LAST_WORDS_MAX, why));
            }
        }
    }

    fn play(&mut self) {
        if let Some(file) = self.wish.play.take() {
            let done = self.session.play(file);
            self.check("--play", done);
        }
    }

    fn send_digit(&mut self) {
        let Some(digit) = self.progress.stands().then(|| self.wish.digits.pop_front()).flatten()
        else {
            return;
        };
        match self.session.send_dtmf(digit) {
            // Its turn comes with the next tick.
            Err(SessionError::Busy) => self.wish.digits.push_front(digit),
            done => self.check("--dtmf", done),
        }
    }

    fn check(&mut self, option: &str, done: Result<(), SessionError>) {
        if let Err(error) = done {
            self.progress.clear();
            note(&format!("{option}: {error}"));
            self.failed = true;
        }
    }

    fn hang_up(&mut self, cause: &'static str) {
        self.course.cause = self.course.cause.or(Some(cause));
        self.leave_at = self.leave_at.or(Some(clock::now() + ANSWER_MAX));
        let done = self.session.end();
        self.check("hanging up", done);
    }
}
