//! Runs other programs and says what they did.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints a line to standard output.
pub(crate) fn say(text: &str) {
    let _written = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub(crate) fn complain(text: &str) {
    let _written = writeln!(std::io::stderr(), "xtask: {text}");
}

/// Splits `line` at blanks and runs it in `folder`; an error when it fails.
pub(crate) fn run(folder: &Path, line: &str, env: &[(&str, &str)]) -> Result<(), String> {
    say(&format!("$ {line}"));
    let status = command(folder, line, env)?.status().map_err(|e| format!("{line}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
}

/// Like `run`, but gives back what was printed, and whether it ended well.
pub(crate) fn output(folder: &Path, line: &str) -> Result<(bool, String), String> {
    let output = command(folder, line, &[])?
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{line}: {error}"))?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

fn command(folder: &Path, line: &str, env: &[(&str, &str)]) -> Result<Command, String> {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().ok_or("nothing to run")?);
    command.args(words).current_dir(folder).envs(env.iter().copied());
    Ok(command)
}
