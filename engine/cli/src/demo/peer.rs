//! One side of the demonstration: an `offhook agent` in a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::Value;

use crate::clock;

/// Objects that wait to be looked at; a call tells a few dozen.
const OBJECTS_MAX: usize = 1024;
/// How long one step may take.
const STEP_MAX: Duration = Duration::from_secs(20);
/// How long a side may take to end.
const END_MAX: Duration = Duration::from_secs(10);

/// A side.
pub(super) struct Peer {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    objects: Receiver<Value>,
    told: Vec<Value>,
    /// Notifications before this one were waited for; so were results.
    seen: usize,
    answered: usize,
}

impl Peer {
    /// Starts a side. What it logs goes to a file in `folder`.
    pub(super) fn start(name: &'static str, folder: &Path) -> std::io::Result<Self> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["agent", "--json", "--udp", "127.0.0.1:0", "--audio-device", "null"])
            .args(["--trace", "sip", "--config"])
            // The user's own settings are not what is shown.
            .arg(folder.join("settings"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdin = child.stdin.take();
        let (tell, objects) = bounded(OBJECTS_MAX);
        if let Some(stdout) = child.stdout.take() {
            let read = move || read(stdout, &tell);
            std::thread::Builder::new().name(format!("offhook-{name}")).spawn(read)?;
        }
        Ok(Self { name, child, stdin, objects, told: Vec::new(), seen: 0, answered: 0 })
    }

    /// Gives a command and waits for its result.
    pub(super) fn say(&mut self, command: &str) -> Result<(), String> {
        let name = self.name;
        let stdin = self.stdin.as_mut().ok_or("no way to talk")?;
        writeln!(stdin, "{command}").map_err(|error| format!("{name} is gone: {error}"))?;
        let at = self.find(self.answered, "offhook.result", command)?;
        self.answered = at + 1;
        let result = self.told.get(at).unwrap_or(&Value::Null);
        if result["ok"] == true {
            return Ok(());
        }
        Err(format!("{name} was told {command:?} and answered {}", result["message"]))
    }

    /// Waits for a notification that comes after the one that was last waited for.
    pub(super) fn wait(&mut self, name: &str) -> Result<Value, String> {
        let at = self.find(self.seen, name, name)?;
        self.seen = at + 1;
        Ok(self.told.get(at).cloned().unwrap_or_default())
    }

    /// Waits for notifications that may come in any order.
    pub(super) fn wait_all(&mut self, names: &[&str]) -> Result<(), String> {
        let from = self.seen;
        for name in names {
            self.seen = self.seen.max(self.find(from, name, name)? + 1);
        }
        Ok(())
    }

    fn find(&mut self, from: usize, name: &str, step: &str) -> Result<usize, String> {
        let deadline = clock::now() + STEP_MAX;
        let mut at = from;
        loop {
            match self.told.get(at) {
                Some(object) if object["name"] == name => return Ok(at),
                Some(_) => at += 1,
                None => self.read_one(deadline, step)?,
            }
        }
    }

    fn read_one(&mut self, deadline: Instant, step: &str) -> Result<(), String> {
        let name = self.name;
        match self.objects.recv_timeout(deadline.saturating_duration_since(clock::now())) {
            Ok(object) => {
                self.told.push(object);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("{name}: nothing came of {step:?} in {} s", STEP_MAX.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(format!("{name} ended during {step:?}")),
        }
    }

    /// Lets the side end; gives everything that it told.
    pub(super) fn finish(mut self) -> Vec<Value> {
        // The end of its input is its order to end.
        drop(self.stdin.take());
        let deadline = clock::now() + END_MAX;
        while self.read_one(deadline, "its end").is_ok() {}
        std::mem::take(&mut self.told)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let ended = self.child.try_wait().is_ok_and(|status| status.is_some());
        if !ended {
            let deadline = clock::now() + END_MAX;
            // Its output ends when it does.
            while self.read_one(deadline, "its end").is_ok() {}
            let _killed = self.child.kill();
        }
        let _waited = self.child.wait();
    }
}

fn read(stdout: ChildStdout, tell: &Sender<Value>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        let Ok(object) = serde_json::from_str(&line) else { continue };
        if tell.send(object).is_err() {
            return;
        }
    }
}

/// A command with a file name that may have blanks in it.
pub(super) fn with_file(command: &str, file: &Path) -> String {
    let name = file.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("{command} \"{name}\"")
}
