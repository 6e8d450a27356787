//! Processes of the command under test. Every wait has a deadline; nothing sleeps.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::indexing_slicing, reason = "a helper of a test may fail the test")]

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, after, bounded, select_biased};
use serde_json::Value;

/// Longer than anything takes that works.
const DEADLINE: Duration = Duration::from_secs(20);
/// Lines that wait to be looked at.
const LINES_MAX: usize = 10_000;

/// A folder of a test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a tone, 16 bit mono at 8000 Hz.
pub(crate) fn tone(file: &std::path::Path, hz: f64, millis: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).unwrap();
    for n in 0..millis * 8 {
        let phase = std::f64::consts::TAU * hz * f64::from(n) / 8000.0;
        writer.write_sample((phase.sin() * 8000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// A running `offhook`.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    /// Everything that came on stdout.
    pub(crate) out: Vec<String>,
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = bounded(LINES_MAX);
    let read = move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if tell.send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().spawn(read).unwrap();
    lines
}

impl Process {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// With variables of the environment.
    pub(crate) fn start_with(args: &[&str], variables: &[(&str, &std::path::Path)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_offhook"))
            .args(args)
            // The settings of whoever runs the tests are no part of them.
            .env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-settings"))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { child, stdin, lines, errors, out: Vec::new() }
    }

    /// The same on a terminal of its own, which `script` makes; its standard output is what the
    /// terminal shows, keys are what is written to it.
    pub(crate) fn on_terminal(args: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_offhook");
        let words: Vec<String> =
            [&[program], args].concat().iter().map(|word| format!("'{word}'")).collect();
        Self::shell_on_terminal(&words.join(" "))
    }

    /// A line of the shell on a terminal.
    pub(crate) fn shell_on_terminal(line: &str) -> Self {
        let line = format!("stty cols 80 rows 24; {line}");
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-settings"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { child, stdin, lines, errors, out: Vec::new() }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).and_then(|()| stdin.flush()).unwrap();
    }

    /// The next line of stdout.
    pub(crate) fn line(&mut self) -> String {
        self.line_before(&after(DEADLINE))
    }

    /// The next line of stdout, if it comes before `deadline` does.
    fn line_before(&mut self, deadline: &Receiver<Instant>) -> String {
        let line = select_biased! {
            recv(self.lines) -> line => line.ok(),
            recv(deadline) -> _ => None,
        };
        let line = line.unwrap_or_else(|| panic!("no line came; so far:\n{}", self.out.join("\n")));
        self.out.push(line.clone());
        line
    }

    /// The next line that has `text` in it.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let deadline = after(DEADLINE);
        loop {
            let line = self.line_before(&deadline);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn write(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Reads no more of stdout and closes it with the next line.
    pub(crate) fn close_output(&mut self) {
        (_, self.lines) = bounded(0);
    }

    /// Sends Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Reads to the end of stdout, then gives the exit status and stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>, String) {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => self.out.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; so far:\n{}", self.out.join("\n"))
                }
            }
        }
        let status = self.child.wait().unwrap();
        let errors: Vec<_> = self.errors.iter().collect();
        (status, std::mem::take(&mut self.out), errors.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// `offhook agent` on loopback.
pub(crate) struct Agent {
    process: Process,
    /// Every object that came, in order.
    pub(crate) told: Vec<Value>,
    pub(crate) uri: String,
    /// Its UDP address.
    pub(crate) listener: String,
}

impl Agent {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(args: &[&str]) -> Self {
        let common = ["agent", "--udp", "127.0.0.1:0", "--audio-device", "null"];
        let mut agent = Self {
            process: Process::start(&[&common, args].concat()),
            told: Vec::new(),
            uri: String::new(),
            listener: String::new(),
        };
        let ready = agent.next();
        assert_eq!(ready["name"], "offhook.ready", "{ready}");
        agent.listener = ready["data"]["udp"].as_str().unwrap().to_owned();
        agent.uri = ready["data"]["uri"].as_str().unwrap().to_owned();
        agent
    }

    /// The next object.
    pub(crate) fn next(&mut self) -> Value {
        self.next_before(&after(DEADLINE))
    }

    fn next_before(&mut self, deadline: &Receiver<Instant>) -> Value {
        let line = self.process.line_before(deadline);
        let object: Value = serde_json::from_str(&line).unwrap();
        self.told.push(object.clone());
        object
    }

    /// The next object of that name.
    pub(crate) fn wait(&mut self, name: &str) -> Value {
        let deadline = after(DEADLINE);
        loop {
            let object = self.next_before(&deadline);
            if object["name"] == name {
                return object;
            }
        }
    }

    /// Gives a command, and its result.
    pub(crate) fn say(&mut self, command: &str) -> Value {
        self.process.write(command);
        self.wait("offhook.result")
    }

    /// Gives a command that must work.
    pub(crate) fn order(&mut self, command: &str) -> Value {
        let result = self.say(command);
        assert_eq!(result["ok"], true, "{command}: {result}");
        result
    }

    pub(crate) fn write(&mut self, line: &str) {
        self.process.write(line);
    }

    pub(crate) fn interrupt(&self) {
        self.process.interrupt();
    }

    /// The names of a session's notifications, changes of state as `A>B`.
    pub(crate) fn course(&self, session: &str) -> Vec<String> {
        let own = self.told.iter().filter(|object| {
            object["session"] == session && object["name"].as_str().unwrap().starts_with("SIPS")
        });
        own.map(|object| match object["name"].as_str().unwrap() {
            "SIPSessionChangedState" => {
                let state = |key: &str| object["data"][key].as_str().unwrap().to_owned();
                format!("{}>{}", state("prev_state"), state("state"))
            }
            name => name.trim_start_matches("SIPSession").to_owned(),
        })
        .collect()
    }

    /// Ends its input and gives its exit status and stderr; `told` has all that came.
    pub(crate) fn end(mut self) -> (i32, Vec<Value>, String) {
        self.process.close_input();
        let before = self.process.out.len();
        let (status, out, errors) = self.process.end();
        let rest = out.iter().skip(before).map(|line| serde_json::from_str(line).unwrap());
        self.told.extend(rest);
        (status.code().unwrap(), self.told, errors)
    }
}

/// Calls `to` from `from`; both are ESTABLISHED afterwards.
pub(crate) fn establish(from: &mut Agent, to: &mut Agent) {
    let uri = to.uri.clone();
    from.order(&format!("connect {uri} audio"));
    to.wait("SIPSessionNewIncoming");
    to.order("accept audio");
    from.wait("SIPSessionDidStart");
    to.wait("SIPSessionDidStart");
}
