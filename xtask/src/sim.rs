//! `cargo xtask sim`: random calls in the simulated world, on all cores.
//!
//! Standard output is the simulator's and depends on the commit and the arguments alone; what is
//! built and how long it took goes to standard error.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::run::output;

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<ExitCode, String> {
    let simulate =
        ["run", "--profile", "quick", "--quiet", "--package", "offhook-tests", "--example"];
    let status = Command::new("cargo")
        .args(simulate)
        .args(["simulate", "--", "--commit", &commit(root)])
        .args(args)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The commit that is run, marked when the sources are not it.
fn commit(root: &Path) -> String {
    let head = output(root, "git rev-parse --short=12 HEAD");
    let Some((_, head)) = head.ok().filter(|(fine, _)| *fine) else { return "unknown".into() };
    let changed = output(root, "git status --porcelain --untracked-files=no");
    let mark = if changed.is_ok_and(|(_, text)| text.trim().is_empty()) { "" } else { "+changes" };
    format!("{}{mark}", head.trim())
}
