//! `offhook fsm [MACHINE]`: prints the state machines.

use lexopt::prelude::{Long, Short, Value};
use offhook_fsm::{MACHINES, Machine, machine};

use crate::{Outcome, Usage, print};

const HELP: &str = "\
offhook fsm [MACHINE] [--mermaid | --dot | --json]

Prints a state machine, or all of them: as a Mermaid state diagram (the
default), in Graphviz's language, or as JSON, a machine a line, with every row:
state, event, kind, next state, actions. --list prints their names.

Example: offhook fsm session --dot | dot -Tsvg > session.svg
";

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let mut name = None;
    let mut form = String::from("mermaid");
    while let Some(arg) = args.next()? {
        match arg {
            Long(word @ ("mermaid" | "dot" | "json" | "list")) => form = word.into(),
            Long("help") | Short('h') => {
                print(HELP.trim_end());
                return Ok(Outcome::Done);
            }
            Value(value) if name.is_none() => name = Some(value.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().into()),
        }
    }
    let chosen: &[Machine] = match name {
        None => MACHINES,
        Some(name) => machine(&name).map(std::slice::from_ref).ok_or_else(|| {
            let names: Vec<_> = MACHINES.iter().map(|machine| machine.name).collect();
            Usage(format!("there is no machine {name:?}: it is one of {}", names.join(", ")))
        })?,
    };
    let texts: Vec<String> = chosen
        .iter()
        .map(|machine| match form.as_str() {
            "dot" => machine.dot().to_string(),
            "json" => one_line(&machine.json().to_string()),
            "list" => machine.name.to_owned(),
            _ => machine.mermaid().to_string(),
        })
        .map(|text| text.trim_end().to_owned())
        .collect();
    print(&texts.join("\n"));
    Ok(Outcome::Done)
}

/// The table has a line for each row; here an object is a line.
fn one_line(json: &str) -> String {
    json.lines().collect()
}
