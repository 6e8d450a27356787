//! The `offhook` command.

mod describe;
mod fsm;
mod parse;

use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
offhook: a SIP SIMPLE user agent for the command line

  offhook parse KIND FILE   what a sip or sdp message says, as JSON; FILE - is stdin
  offhook fsm [MACHINE]     the state machines: --mermaid, --dot, --json
  offhook --version

Each verb has a --help of its own. Not built yet: demo, call, listen, message,
register, agent, settings, devices.

Logs go to stderr (OFFHOOK_LOG=debug). Exit status: 0 done, 1 refused, 2 usage.
Example: offhook parse sip invite.sip
";

/// What a verb came to.
enum Outcome {
    /// It did what was asked.
    Done,
    /// The input was refused; the reason is printed.
    Refused,
}

/// The call itself was wrong: exit status 2.
struct Usage(String);

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    env_logger::Builder::from_env("OFFHOOK_LOG").init();
    match verb() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(Usage(reason)) => {
            let _written = writeln!(std::io::stderr(), "offhook: {reason}");
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
        "parse" => parse::run(&mut args),
        "fsm" => fsm::run(&mut args),
        "demo" | "call" | "listen" | "message" | "register" | "agent" | "settings" | "devices" => {
            Err(Usage(format!("{name} is not built yet: see offhook --help for what is")))
        }
        _ => Err(Usage(format!("there is no verb {name:?}: see offhook --help"))),
    }
}

/// Prints a line. A reader that has gone away is no error of ours.
fn print(text: &str) {
    let _written = writeln!(std::io::stdout(), "{text}");
}
