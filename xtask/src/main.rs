//! The chores of offhook, one verb a file.

mod bench;
mod ci;
mod demo;
mod fsm;
mod fuzz;
mod interop;
mod load;
mod process;
mod registrations;
mod run;
mod setup;
mod sim;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask VERB

  setup [--interop]   installs what building (and the peers of the interop tests) needs,
                      or prints the exact line
  demo                builds the command and runs offhook demo: two of it call each other
  test                everything that a checkout can prove
  ci                  the gates beside test: fmt, clippy, docs, tokio, purity, diagrams, tidy
  fuzz --list         the fuzz targets, one a line
  fuzz TARGET --time S, fuzz --all --time S
                      looks for inputs that break a target; exit 0 when none was found
  fuzz --replay       every seed and finding through every target, those named diff_* too,
                      which hold our parsers against those of others
  sim --seeds A..B [--loss P]
                      random calls in a simulated world, one run a seed, P percent of all
                      datagrams lost; exit 1 when anything is wrong
  sim --shrink SEED [--loss P]
                      looks for a shorter run that still fails, and shows it
  fsm [--check]       writes the state machines' diagrams, or tells whether they are stale
  bench [CASE]        what parsing and printing cost, with instruction counts
  bench calls         what calls cost: held ones, rising rates, instructions (needs sipp)
  bench registrations what 10 000 registered accounts cost
  interop [PEER]      calls with sipp and baresip, judged by tshark; --list names the peers
  tidy                source rules: file length, banned words, who may use whom

Not built yet: coverage.
Example: cargo xtask fuzz sip_message --time 30
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let result = match words.as_slice() {
        ["setup", flags @ ..] => setup::run(flags.contains(&"--interop")),
        ["demo"] => demo::run(&root),
        ["test"] => test::run(&root),
        ["ci"] => ci::run(&root),
        ["fuzz", rest @ ..] => fuzz::run(&root, rest),
        ["fsm", flags @ ..] => fsm::run(&root, flags.contains(&"--check")),
        ["bench", "calls"] => load::run(&root),
        ["bench", "registrations"] => registrations::run(&root),
        ["bench"] => bench::run(&root, None),
        ["bench", case] => bench::run(&root, Some(case)),
        ["interop", rest @ ..] => interop::run(&root, rest),
        ["tidy"] => tidy::run(&root),
        [] | ["help" | "--help" | "-h"] => {
            run::say(HELP.trim_end());
            Ok(())
        }
        ["sim", rest @ ..] => match sim::run(&root, rest) {
            Ok(code) => return code,
            Err(reason) => Err(reason),
        },
        [verb @ "coverage", ..] => {
            run::complain(&format!("{verb} is not built yet"));
            return ExitCode::from(2);
        }
        [verb, ..] => {
            run::complain(&format!("there is no {verb:?}: see cargo xtask --help"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            run::complain(&reason);
            ExitCode::FAILURE
        }
    }
}
