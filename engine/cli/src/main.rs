//! The `offhook` command.

mod agent;
mod call;
mod chat;
mod clock;
mod demo;
mod describe;
mod describe_msrp;
mod devices;
mod fsm;
mod heads;
mod input;
mod interrupt;
mod json;
mod ladder;
mod listen;
mod options;
mod outcome;
mod parse;
mod pcap;
mod planned;
mod register;
mod running;
mod segments;
mod settings;
mod sound;
mod trace;

use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
offhook: a SIP SIMPLE user agent for the command line

  offhook demo [--ladder]   two user agents call each other on this machine
  offhook call URI          places a call
  offhook listen            waits for calls
  offhook agent             the scriptable user agent: commands in, JSON out
  offhook register          registers the account
  offhook devices           the sound devices
  offhook settings          shows, sets and resets settings and accounts
  offhook parse KIND FILE   what sip, sdp, msrp or cpim says, as JSON
  offhook fsm [MACHINE]     the state machines: --mermaid, --dot, --json
  offhook --version

Each verb has a --help of its own. Not built yet: message.

Logs go to stderr (OFFHOOK_LOG=debug). Exit status: 0 done, 1 the call failed
or the input was refused, 2 usage or configuration. Ctrl-C ends calls first; a
second one ends the command at once.
Example: offhook call sip:echo@192.0.2.1 --play hello.wav
";

/// What a verb came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// It did what was asked.
    Done,
    /// The input was refused or the call failed; the reason is printed.
    Refused,
}

/// The call itself was wrong: exit status 2.
#[derive(Debug)]
struct Usage(String);

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self(format!("{error}; see --help"))
    }
}

fn main() -> ExitCode {
    env_logger::Builder::from_env("OFFHOOK_LOG").init();
    match verb() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(Usage(reason)) => {
            note(&reason);
            ExitCode::from(2)
        }
    }
}

fn verb() -> Result<Outcome, Usage> {
    use lexopt::prelude::{Long, Short, Value};
    let mut args = lexopt::Parser::from_env();
    let name = match args.next()? {
        None | Some(Long("help") | Short('h')) => {
            print(HELP.trim_end());
            return Ok(Outcome::Done);
        }
        Some(Long("version") | Short('V')) => {
            print(concat!("offhook ", env!("CARGO_PKG_VERSION")));
            return Ok(Outcome::Done);
        }
        Some(Value(name)) => name.to_string_lossy().into_owned(),
        Some(other) => return Err(other.unexpected().into()),
    };
    match name.as_str() {
        "agent" => agent::run(&mut args),
        "call" => call::run(&mut args),
        "demo" => demo::run(&mut args),
        "devices" => devices::run(&mut args),
        "fsm" => fsm::run(&mut args),
        "listen" => listen::run(&mut args),
        "parse" => parse::run(&mut args),
        "settings" => settings::run(&mut args),
        "message" => planned::run(planned::MESSAGE, &mut args),
        "register" => register::run(&mut args),
        _ => Err(Usage(format!("there is no verb {name:?}: see offhook --help"))),
    }
}

/// Prints a line; `false` when the reader has gone away, which is no error of ours.
fn print(text: &str) -> bool {
    writeln!(std::io::stdout(), "{text}").is_ok()
}

/// Tells a person something on stderr.
fn note(text: &str) {
    let _written = writeln!(std::io::stderr(), "offhook: {text}");
}
