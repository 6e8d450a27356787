//! A menu on the telephone: takes every call and plays a WAV file for each digit that is pressed,
//! `1.wav` for 1, `star.wav` for * and `pound.wav` for #. Before the first digit it plays
//! `menu.wav`. Files that are not there are passed over.
//!
//! `cargo run --example dtmf_menu -- FOLDER 127.0.0.1:5070`

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use offhook::notification::{NotificationData, Sender};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{
    Any, Config, Engine, Listener, Notification, NotificationCenter, Observer, Session,
    SessionManager,
};

type Error = Box<dyn std::error::Error>;

/// Takes calls. It holds a handle of each, since a call ends with its last handle.
struct Menu {
    folder: PathBuf,
    sessions: OnceLock<SessionManager>,
    calls: Mutex<BTreeMap<Sender, Session>>,
}

impl Menu {
    fn told(&self, notification: &Notification) -> Result<(), Error> {
        let sender = notification.sender;
        match &notification.data {
            NotificationData::SessionNewIncoming { .. } => {
                let Sender::Session(id) = sender else { return Ok(()) };
                // A call that comes before the engine's start returned rings on.
                let Some(call) = self.sessions.get().and_then(|all| all.get(id)) else {
                    return Ok(());
                };
                call.accept(Streams::AUDIO, &[])?;
                self.play(&call, "menu")?;
                self.calls().insert(sender, call);
            }
            NotificationData::SessionGotDtmf { digit } => {
                let call = self.calls().get(&sender).cloned();
                let Some(call) = call else { return Ok(()) };
                match digit {
                    '*' => self.play(&call, "star")?,
                    '#' => self.play(&call, "pound")?,
                    digit => self.play(&call, &digit.to_string())?,
                }
            }
            NotificationData::SessionDidEnd { .. } => {
                let ended = self.calls().remove(&sender);
                drop(ended);
            }
            _ => {}
        }
        Ok(())
    }

    /// Plays a file in place of the one that plays.
    fn play(&self, call: &Session, name: &str) -> Result<(), Error> {
        let file = self.folder.join(format!("{name}.wav"));
        if !file.exists() {
            return Ok(());
        }
        call.stop_playing()?;
        Ok(call.play(file)?)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, BTreeMap<Sender, Session>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Menu {
    fn handle_notification(&self, notification: &Notification) {
        if let Err(error) = self.told(notification) {
            log::warn!("{notification}: {error}");
        }
    }
}

/// Starts an engine that serves the menu.
pub(crate) fn start(folder: PathBuf, address: SocketAddr) -> Result<Engine, Error> {
    let listeners = [Transport::Udp, Transport::Tcp];
    let listeners = listeners.map(|transport| Listener { transport, address }).into();
    let center = NotificationCenter::new()?;
    let menu = Arc::new(Menu { folder, sessions: OnceLock::new(), calls: Mutex::default() });
    center.add_observer(menu.clone(), Any, Any);
    let engine = Engine::start(Config { listeners, ..Config::default() }, center)?;
    let _first = menu.sessions.set(engine.session_manager());
    Ok(engine)
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".into()).into();
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:5070".into()).parse()?;
    let engine = start(folder, address)?;
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("call {} and press digits; Enter ends", engine.uri());
    }
    std::io::stdin().read_line(&mut String::new())?;
    engine.stop();
    Ok(())
}
