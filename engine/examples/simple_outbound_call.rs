//! Places an audio call, until Enter is pressed or the peer hangs up: one object that starts the
//! engine, calls, and is told what happens.
//!
//! `cargo run --example simple_outbound_call -- sip:bob@192.0.2.1 [192.0.2.9:5060;transport=tcp]`

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use offhook::streams::Streams;
use offhook::{Config, Engine, Notification, NotificationCenter, Observer, Route, Session, SipUri};

type Error = Box<dyn std::error::Error>;

/// An engine with its one call.
pub(crate) struct SimpleOutboundCall {
    engine: Engine,
    session: Session,
    engine_ended: (Mutex<bool>, Condvar),
}

impl SimpleOutboundCall {
    /// Starts an engine and places the call. Without a route it goes to the URI's own address.
    pub(crate) fn new(remote_uri: &SipUri, route: Option<&Route>) -> Result<Arc<Self>, Error> {
        // Start the engine; its listeners get any free port.
        let engine = Engine::start(Config::default(), NotificationCenter::new()?)?;
        // Create a new session of the engine's account.
        let session = engine.session();
        let call = Arc::new(Self { engine, session, engine_ended: Default::default() });
        let center = call.engine.notification_center();
        // Listen for the notification that the engine stopped.
        center.add_observer(call.clone(), "SIPEngineDidEnd", &call.engine);
        // Listen for the notification that the session ended.
        center.add_observer(call.clone(), "SIPSessionDidEnd", &call.session);
        // Start a new outbound session.
        let routes: Vec<_> = route.iter().map(ToString::to_string).collect();
        if let Err(error) =
            call.session.connect(&remote_uri.to_string(), &routes, Streams::AUDIO, &[])
        {
            call.engine.stop();
            call.forget();
            return Err(error.into());
        }
        Ok(call)
    }

    /// Ends the call if it stands, and waits until the engine has ended.
    pub(crate) fn end(self: &Arc<Self>) -> Result<(), Error> {
        // If the session is still active, terminate it.
        self.session.end()?;
        // Wait for the engine to stop, processed in `handle_notification`.
        let (ended, changed) = &self.engine_ended;
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_while(ended, |ended| !*ended);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.forget();
        Ok(())
    }

    /// The center holds this object, and this object holds the center by its engine.
    fn forget(self: &Arc<Self>) {
        let center = self.engine.notification_center();
        let engine = center.remove_observer(self, "SIPEngineDidEnd", &self.engine);
        let session = center.remove_observer(self, "SIPSessionDidEnd", &self.session);
        if let Some(error) = engine.err().or(session.err()) {
            log::warn!("{error}");
        }
    }
}

impl Observer for SimpleOutboundCall {
    fn handle_notification(&self, notification: &Notification) {
        match notification.name() {
            "SIPSessionDidEnd" => {
                // If for whatever reason the session ended, stop the engine.
                #[allow(clippy::print_stdout, reason = "this is what the program is for")]
                {
                    println!("Session ended");
                }
                self.engine.stop();
            }
            "SIPEngineDidEnd" => {
                // Once the engine has stopped, wake the (possibly) waiting main thread.
                let (ended, changed) = &self.engine_ended;
                *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
                changed.notify_all();
            }
            _ => {}
        }
    }
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: simple_outbound_call sip:USER@HOST [ROUTE]";
    let remote_uri = arguments.next().ok_or(usage)?.parse()?;
    let route = arguments.next().map(|route| route.parse()).transpose()?;
    // Place an audio call to the specified URI, through the specified SIP proxy.
    let call = SimpleOutboundCall::new(&remote_uri, route.as_ref())?;
    // Block waiting for user input.
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("Placing call, press enter to quit program");
    }
    std::io::stdin().read_line(&mut String::new())?;
    // Block in end() until the engine has stopped.
    call.end()
}
