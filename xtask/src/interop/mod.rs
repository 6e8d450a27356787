//! `cargo xtask interop`: calls with peers that others wrote, in a network namespace of their own.

mod audio;
mod baresip;
mod capture;
mod chat;
mod kamailio;
mod registrar;
mod sipp;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{output, run as execute, say};

/// Our address and the peer's: one host, but neither is loopback, which baresip refuses.
const OURS: &str = "10.99.0.1";
const THEIRS: &str = "10.99.0.2";

/// Peers by name, with the program that must be installed.
const PEERS: [(&str, &str); 4] =
    [("sipp", "sipp"), ("baresip", "baresip"), ("kamailio", "kamailio"), ("tshark", "tshark")];

/// What the checks work with.
struct Field {
    /// The command under test.
    offhook: PathBuf,
    /// Where recordings, configurations and logs go.
    folder: PathBuf,
    cells: Vec<Cell>,
}

/// One line of the table.
struct Cell {
    peer: &'static str,
    transport: &'static str,
    feature: String,
    result: Result<String, String>,
}

impl Field {
    /// Notes how a check went.
    fn note(
        &mut self,
        peer: &'static str,
        transport: &'static str,
        feature: &str,
        result: Result<String, String>,
    ) {
        let word = if result.is_ok() { "ok  " } else { "FAIL" };
        let (Ok(text) | Err(text)) = &result;
        say(&format!("{word} {peer:<8} {transport:<4} {feature:<36} {text}"));
        self.cells.push(Cell { peer, transport, feature: feature.into(), result });
    }

    fn table(&self) -> String {
        let mut table =
            String::from("| peer | transport | feature | result |\n|---|---|---|---|\n");
        for cell in &self.cells {
            let (word, text) = match &cell.result {
                Ok(text) => ("ok", text),
                Err(text) => ("**FAIL**", text),
            };
            // Writing to a String does not fail.
            let _written = writeln!(
                table,
                "| {} | {} | {} | {word} {text} |",
                cell.peer, cell.transport, cell.feature
            );
        }
        table
    }
}

pub(crate) fn run(root: &Path, words: &[&str]) -> Result<(), String> {
    match words {
        ["--list"] => {
            for (peer, program) in PEERS {
                let state = if installed(program) { "installed" } else { "not installed" };
                say(&format!("{peer} ({program}: {state})"));
            }
            Ok(())
        }
        ["--inside", rest @ ..] => inside(root, rest),
        [] | [_] => outside(root, words),
        _ => Err("interop takes one peer, or --list".into()),
    }
}

/// What is missing for all peers; empty when nothing is.
fn missing() -> Vec<&'static str> {
    let programs = PEERS.iter().map(|(_, program)| *program).chain(["tshark", "unshare", "ip"]);
    programs.filter(|program| !installed(program)).collect()
}

fn installed(program: &str) -> bool {
    Command::new("which")
        .arg(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs the checks where the peers and a network namespace are to be had, and says so where not.
pub(crate) fn run_if_possible(root: &Path) -> Result<(), String> {
    let missing = missing();
    if !missing.is_empty() {
        let names = missing.join(", ");
        say(&format!("interop is left out: {names} missing (cargo xtask setup --interop)"));
        return Ok(());
    }
    let (fine, text) = output(root, &format!("unshare {} true", namespace(root)?))?;
    if !fine {
        say(&format!("interop is left out: no network namespace: {}", text.trim()));
        return Ok(());
    }
    outside(root, &[])
}

/// How a network namespace is asked for: an ordinary user is root in one of its own.
fn namespace(root: &Path) -> Result<&'static str, String> {
    let (_, id) = output(root, "id -u")?;
    Ok(if id.trim() == "0" { "-n" } else { "-rn" })
}

/// Builds the command and runs the checks in a namespace of their own.
fn outside(root: &Path, words: &[&str]) -> Result<(), String> {
    let missing = missing();
    if !missing.is_empty() {
        return Err(format!("{} missing: cargo xtask setup --interop", missing.join(", ")));
    }
    if let Some(unknown) = words.iter().find(|word| PEERS.iter().all(|(peer, _)| peer != *word)) {
        return Err(format!("there is no peer {unknown:?}: see cargo xtask interop --list"));
    }
    execute(root, "cargo build --release --package offhook-cli", &[])?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = Command::new("unshare")
        .arg(namespace(root)?)
        .arg(own)
        .args(["interop", "--inside"])
        .args(words)
        .current_dir(root)
        .status()
        .map_err(|error| format!("unshare: {error}"))?;
    if status.success() { Ok(()) } else { Err("a peer and offhook do not agree".into()) }
}

fn inside(root: &Path, words: &[&str]) -> Result<(), String> {
    for line in [
        "ip link set lo up".to_owned(),
        "ip link add veth0 type veth peer name veth1".to_owned(),
        format!("ip addr add {OURS}/24 dev veth0"),
        format!("ip addr add {THEIRS}/24 dev veth1"),
        "ip link set veth0 up".to_owned(),
        "ip link set veth1 up".to_owned(),
    ] {
        let (fine, text) = output(root, &line)?;
        if !fine {
            return Err(format!("{line}: {}", text.trim()));
        }
    }
    let folder = root.join("target/interop");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    let offhook = root.join("target/release/offhook");
    let mut field = Field { offhook, folder, cells: Vec::new() };
    let capture = capture::Capture::start(&field.folder.join("all.pcapng"))?;
    let wanted = |peer: &str| words.is_empty() || words.contains(&peer);
    if wanted("sipp") {
        sipp::check(&mut field);
    }
    if wanted("baresip") {
        baresip::check(&mut field);
    }
    if wanted("kamailio") {
        kamailio::check(&mut field);
        registrar::check(&mut field);
    }
    if wanted("tshark") {
        chat::check(&mut field);
    }
    let judged = capture.judge();
    field.note("tshark", "all", "reads every packet", judged);
    let table = field.folder.join("table.md");
    std::fs::write(&table, field.table()).map_err(|e| format!("{}: {e}", table.display()))?;
    say(&format!("the table is in {}", table.display()));
    let failed = field.cells.iter().filter(|cell| cell.result.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} checks failed")) }
}
