//! An answering machine: takes every call and sends its audio back, until Enter is pressed.
//!
//! `cargo run --example answer -- 127.0.0.1:5070`

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use offhook::notification::{NotificationData, Sender};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{
    Any, Config, Engine, Listener, Notification, NotificationCenter, Session, SessionManager,
};

type Error = Box<dyn std::error::Error>;

/// Takes calls. It holds a handle of each, since a call ends with its last handle.
#[derive(Default)]
struct Machine {
    sessions: OnceLock<SessionManager>,
    calls: Mutex<BTreeMap<Sender, Session>>,
}

impl Machine {
    fn told(&self, notification: &Notification) -> Result<(), Error> {
        let Sender::Session(id) = notification.sender else { return Ok(()) };
        match &notification.data {
            NotificationData::SessionNewIncoming { .. } => {
                let Some(sessions) = self.sessions.get() else { return Ok(()) };
                let Some(call) = sessions.get(id) else { return Ok(()) };
                call.accept(Streams::AUDIO, &[])?;
                call.echo(true)?;
                self.lock().insert(notification.sender, call);
            }
            NotificationData::SessionDidEnd { .. } => {
                let ended = self.lock().remove(&notification.sender);
                drop(ended);
            }
            _ => {}
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Sender, Session>> {
        self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Starts an engine that takes every call.
pub(crate) fn start(address: SocketAddr) -> Result<Engine, Error> {
    let listeners = [Transport::Udp, Transport::Tcp];
    let listeners = listeners.map(|transport| Listener { transport, address }).into();
    let center = NotificationCenter::new()?;
    let machine = Arc::new(Machine::default());
    let observer = Arc::clone(&machine);
    let told = move |notification: &Notification| {
        if let Err(error) = observer.told(notification) {
            log::warn!("{}: {error}", notification.name());
        }
    };
    center.add_observer(Arc::new(told), Any, Any);
    let engine = Engine::start(Config { listeners, ..Config::default() }, center)?;
    // The first call may come at once; one that came before this line rings on.
    let _first = machine.sessions.set(engine.session_manager());
    Ok(engine)
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5070".into()).parse()?;
    let engine = start(address)?;
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("call {}; Enter ends", engine.uri());
    }
    std::io::stdin().read_line(&mut String::new())?;
    engine.stop();
    Ok(())
}
