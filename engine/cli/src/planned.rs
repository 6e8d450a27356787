//! Verbs that are designed and not built: what they will take, and that they do not do it yet.

use lexopt::prelude::{Long, Short};

use crate::{Outcome, Usage, print};

/// A verb to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verb {
    name: &'static str,
    help: &'static str,
}

pub(crate) const MESSAGE: Verb = Verb {
    name: "message",
    help: "\
offhook message URI [TEXT]

Not built yet. Sends one page-mode MESSAGE; its text comes from standard input
when it is not typed. Exits 0 when it was taken and 1 when it was refused.

Example: offhook message sip:bob@192.0.2.1 'the door is open'",
};

pub(crate) fn run(verb: Verb, args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    if let Some(Long("help") | Short('h')) = args.next()? {
        print(verb.help);
        return Ok(Outcome::Done);
    }
    let name = verb.name;
    Err(Usage(format!("NotBuilt: {name} is not built yet; see offhook --help for what is")))
}
