//! A program that runs beside us: what it says line by line, what it costs, and its end.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

type Lines = Arc<(Mutex<Vec<String>>, Condvar)>;

/// A running program. It is ended when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Lines,
    /// Lines that were waited for already.
    passed: usize,
}

/// What a process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cost {
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
    pub(crate) resident_kib: usize,
    /// User and system time, in clock ticks of 10 ms.
    pub(crate) cpu_ticks: u64,
}

impl Process {
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let lines = Lines::default();
        if let Some(out) = child.stdout.take() {
            follow(out, &lines)?;
        }
        if let Some(err) = child.stderr.take() {
            follow(err, &lines)?;
        }
        Ok(Self { name, child, lines, passed: 0 })
    }

    /// Writes a line to the program.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), String> {
        let stdin = self.child.stdin.as_mut().ok_or("its input is closed")?;
        writeln!(stdin, "{line}").map_err(|error| format!("{}: {error}", self.name))
    }

    /// Waits for a line that holds all of `words`, from the last one that was waited for on.
    pub(crate) fn wait(&mut self, words: &[&str], patience: Duration) -> Result<String, String> {
        let (lines, told) = &*self.lines;
        let find = |lines: &[String], from: usize| {
            let rest = lines.get(from..).unwrap_or_default();
            rest.iter().position(|line| words.iter().all(|word| line.contains(word)))
        };
        let passed = self.passed;
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let waited =
            told.wait_timeout_while(lines, patience, |lines| find(lines, passed).is_none());
        let (lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(at) = find(&lines, passed) else {
            let last: Vec<&str> = lines.iter().rev().take(3).map(String::as_str).collect();
            let name = &self.name;
            return Err(format!("{name} never said {words:?}; its last lines: {last:?}"));
        };
        self.passed = passed + at + 1;
        Ok(lines.get(passed + at).cloned().unwrap_or_default())
    }

    /// How many of the lines so far begin with `start` and do not hold `without`.
    pub(crate) fn count(&self, start: &str, without: &str) -> usize {
        let lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.starts_with(start) && !line.contains(without)).count()
    }

    /// Waits for the program's own end.
    pub(crate) fn finish(&mut self, patience: Duration) -> Result<bool, String> {
        drop(self.child.stdin.take());
        let step = Duration::from_millis(20);
        let mut left = patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status.success()),
                Ok(None) if left.is_zero() => {
                    return Err(format!("{} did not end within {patience:?}", self.name));
                }
                Ok(None) => {
                    std::thread::park_timeout(step);
                    left = left.saturating_sub(step);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(&self) -> Result<(), String> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        sent.map(drop).map_err(|error| error.to_string())
    }

    pub(crate) fn cost(&self) -> Cost {
        let folder = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let field = |name: &str| -> usize {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let descriptors = std::fs::read_dir(format!("{folder}/fd")).map_or(0, Iterator::count);
        let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
        // The name before it is in parentheses and may hold blanks.
        let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let cpu_ticks = times.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Cost { threads: field("Threads:"), descriptors, resident_kib: field("VmRSS:"), cpu_ticks }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Collects what a program says, on a thread of its own.
fn follow(from: impl Read + Send + 'static, lines: &Lines) -> Result<(), String> {
    let lines = Arc::clone(lines);
    let read = move || {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        // A progress line ends in a carriage return.
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            lines.1.notify_all();
            line.clear();
        }
    };
    let spawned = std::thread::Builder::new().spawn(read);
    spawned.map(drop).map_err(|error| error.to_string())
}
