//! Keeps many accounts registered at one registrar, as a gateway does for its lines: one thread for
//! all of them. Prints a line when all are registered, one for each failure, and how many refreshes
//! there were once Enter is pressed.
//!
//! `cargo run --example many_accounts -- sip:192.0.2.1 1000`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use offhook::notification::NotificationData;
use offhook::transport::Transport;
use offhook::{
    AccountConfig, Any, Config, Engine, Listener, Notification, NotificationCenter, Registration,
    SipUri,
};

type Error = Box<dyn std::error::Error>;

/// Accounts that are being registered.
pub(crate) struct Lines {
    engine: Engine,
    succeeded: Arc<AtomicUsize>,
}

impl Lines {
    /// Registers `line0`, `line1` and so on; `all` is called when each has succeeded once.
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    pub(crate) fn start(
        registrar: &SipUri,
        count: usize,
        all: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let registration = Registration {
            at_start: true,
            // REGISTER goes there, whatever domain the accounts are of.
            routes: vec![registrar.clone()],
            ..Registration::default()
        };
        let other_accounts = (0..count)
            .map(|number| AccountConfig {
                registration: registration.clone(),
                ..AccountConfig::new(format!("sip:line{number}@{}", registrar.host()))
            })
            .collect();
        let center = NotificationCenter::new()?;
        let succeeded = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&succeeded);
        let observer = move |notification: &Notification| match &notification.data {
            NotificationData::AccountRegistrationDidSucceed { .. }
                if counter.fetch_add(1, Ordering::Relaxed) + 1 == count =>
            {
                all();
            }
            NotificationData::AccountRegistrationDidFail { account, reason, .. } => {
                println!("{account}: {reason}");
            }
            _ => {}
        };
        center.add_observer(Arc::new(observer), Any, Any);
        let listener = Listener { transport: Transport::Udp, address: ([0, 0, 0, 0], 0).into() };
        let config = Config { listeners: vec![listener], other_accounts, ..Config::default() };
        Ok(Self { engine: Engine::start(config, center)?, succeeded })
    }

    /// How many REGISTER requests were granted.
    pub(crate) fn granted(&self) -> usize {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// Takes all of them back.
    pub(crate) fn stop(&self) {
        self.engine.stop();
    }
}

#[allow(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: many_accounts sip:REGISTRAR COUNT";
    let registrar: SipUri = arguments.next().ok_or(usage)?.parse()?;
    let count = arguments.next().ok_or(usage)?.parse()?;
    let lines = Lines::start(&registrar, count, || println!("all are registered"))?;
    std::io::stdin().read_line(&mut String::new())?;
    println!("granted {}", lines.granted());
    lines.stop();
    Ok(())
}
