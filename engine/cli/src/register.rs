//! `offhook register`: registers the account and tells each refresh.

use lexopt::prelude::{Long, Short};
use offhook::media::shell::AudioDevice;
use offhook::notification::NotificationData as Data;

use crate::options::{self, Options};
use crate::running::{self, Running};
use crate::{Outcome, Usage, json, note, print};

const HELP: &str = "\
offhook register [OPTIONS]

Registers the account (--account, else the default one of the settings) and
keeps it registered until Ctrl-C, which takes the registration back. Tells each
refresh and each failure in a line.
  --once                  ends with the first answer that is final
Exits 0 when the registrar took it and 1 when it refused it for good.
";
const EXAMPLE: &str = "Example: offhook register --account sip:alice@example.com --once";

/// What is asked for.
#[derive(Default)]
struct Wish {
    options: Options,
    once: bool,
}

struct Registering {
    wish: Wish,
    verdict: Option<Outcome>,
    /// Nobody reads what we print.
    unheard: bool,
}

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let Some(wish) = read(args)? else {
        print(&format!("{HELP}{}{EXAMPLE}", options::HELP));
        return Ok(Outcome::Done);
    };
    let running = running::start(&wish.options)?;
    let started = running.engine.register();
    started.map_err(|error| Usage(format!("{error}: type --account sip:alice@example.com")))?;
    let mut registering = Registering { wish, verdict: None, unheard: false };
    registering.greet(&running);
    let failed = registering.work(&running);
    for event in running.stop() {
        registering.hear(&event.notification);
    }
    let verdict = registering.verdict.unwrap_or(Outcome::Done);
    Ok(if failed { Outcome::Refused } else { verdict })
}

fn read(args: &mut lexopt::Parser) -> Result<Option<Wish>, Usage> {
    let mut wish = Wish::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("once") => wish.once = true,
            Long(name) => {
                let name = name.to_owned();
                wish.options.take(&name, args)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    // Nothing is played or heard here.
    wish.options.device.get_or_insert(AudioDevice::Null);
    Ok(Some(wish))
}

impl Registering {
    /// Until Ctrl-C, an answer that ends it, or an engine or a reader that is gone. Tells whether
    /// the engine failed.
    fn work(&mut self, running: &Running) -> bool {
        while !self.unheard && self.verdict.is_none() {
            crossbeam_channel::select_biased! {
                recv(running.interrupts) -> _ => return false,
                recv(running.events) -> event => {
                    let Ok(event) = event else { return true };
                    self.hear(&event.notification);
                    if let Data::EngineDidFail { reason } = &event.notification.data {
                        note(&format!("the engine failed: {reason}"));
                        return true;
                    }
                }
            }
        }
        false
    }

    fn greet(&mut self, running: &Running) {
        if self.wish.options.json {
            self.print(&json::ready(&running.engine).to_string());
        }
    }

    fn hear(&mut self, notification: &offhook::Notification) {
        if self.wish.options.json {
            self.print(&json::notification(notification).to_string());
        } else if let Some(line) = line(&notification.data) {
            self.print(&line);
        }
        let final_one = match &notification.data {
            Data::AccountRegistrationDidSucceed { .. } if self.wish.once => Outcome::Done,
            Data::AccountRegistrationDidFail { next_route: None, delay, .. }
                if self.wish.once || delay.is_none() =>
            {
                Outcome::Refused
            }
            _ => return,
        };
        self.verdict.get_or_insert(final_one);
    }

    fn print(&mut self, text: &str) {
        self.unheard |= !print(text);
    }
}

/// What happened, for a person.
fn line(data: &Data) -> Option<String> {
    let coded = |code: &Option<u16>, reason: &str| match code {
        Some(code) => format!("{code} {reason}"),
        None => reason.to_owned(),
    };
    Some(match data {
        Data::AccountRegistrationDidSucceed {
            account,
            contact_uri,
            contact_uri_list,
            expires,
            ..
        } => {
            let others = contact_uri_list.len().saturating_sub(1);
            let others = match others {
                0 => String::new(),
                1 => "; one other address is registered, too".into(),
                _ => format!("; {others} other addresses are registered, too"),
            };
            format!("{account} is registered at {} for {expires} s{others}.", contact_uri.as_str())
        }
        Data::AccountRegistrationDidFail { account, code, reason, next_route, delay } => {
            let next = match (next_route, delay) {
                (Some(route), _) => format!("trying {route}"),
                (None, Some(delay)) => format!("trying again in {:.1} s", delay.as_secs_f64()),
                (None, None) => "it is not tried again".into(),
            };
            format!("{account} is not registered: {}; {next}.", coded(code, reason))
        }
        Data::AccountRegistrationDidEnd { account, code, reason } => {
            let why = coded(code, reason.as_deref().unwrap_or_default());
            match why.is_empty() {
                true => format!("{account} is not registered any more."),
                false => format!("{account} is not registered any more: {why}."),
            }
        }
        _ => return None,
    })
}
