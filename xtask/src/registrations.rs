//! `cargo xtask bench registrations`: what many accounts cost that one process keeps registered, at
//! a registrar of our own that grants everything.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use crate::process::{Cost, Process};
use crate::run::{run as execute, say};

const PATIENCE: Duration = Duration::from_secs(120);
const ACCOUNTS: usize = 10_000;
/// How long the registrar grants, in seconds: each account refreshes after three quarters of it.
const GRANTED: u32 = 60;
/// How long the accounts are kept.
const KEPT: Duration = Duration::from_secs(120);
/// A clock tick of /proc, in microseconds.
const TICK_US: u64 = 10_000;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    execute(root, "cargo build --release --package offhook --example many_accounts", &[])?;
    let program = root.join("target/release/examples/many_accounts");
    let address = registrar()?;
    let one = start(&program, &address, 1)?;
    let idle = one.cost();
    drop(one);
    let mut many = start(&program, &address, ACCOUNTS)?;
    let full = many.cost();
    say(&format!("{ACCOUNTS} accounts, granted {GRANTED} s, kept for {} s", KEPT.as_secs()));
    show("1 account", idle);
    show("all registered", full);
    std::thread::park_timeout(KEPT);
    let after = many.cost();
    show("kept", after);
    many.say("")?;
    let granted = many.wait(&["granted "], PATIENCE)?;
    let granted: usize = granted.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let failed = many.count("line", "\n");
    many.finish(PATIENCE)?;
    let refreshes = granted.saturating_sub(ACCOUNTS);
    let cpu = (after.cpu_ticks - full.cpu_ticks) * TICK_US;
    let each = cpu / u64::try_from(refreshes.max(1)).unwrap_or(u64::MAX);
    let memory = full.resident_kib.saturating_sub(idle.resident_kib) * 1024 / ACCOUNTS;
    say(&format!(
        "  {memory} octets an account; {refreshes} refreshes, {failed} failures, {each} us CPU each"
    ));
    if failed == 0 { Ok(()) } else { Err(format!("{failed} registrations failed")) }
}

fn start(program: &Path, registrar: &str, count: usize) -> Result<Process, String> {
    let count = count.to_string();
    let mut process = Process::start(program, &[registrar, &count])?;
    process.wait(&["all are registered"], PATIENCE)?;
    Ok(process)
}

fn show(when: &str, cost: Cost) {
    let cpu = cost.cpu_ticks * TICK_US / 1000;
    say(&format!(
        "  {when:<16} {:>4} threads, {:>3} descriptors, {:>7} KiB resident, {cpu:>6} ms CPU",
        cost.threads, cost.descriptors, cost.resident_kib
    ));
}

/// Grants what is asked for, on a thread that ends with this process; its URI.
fn registrar() -> Result<String, String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let serve = move || {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
            // What is lost is asked for again.
            let _sent = socket.send_to(answer(&request).as_bytes(), from);
        }
    };
    let spawned = std::thread::Builder::new().spawn(serve);
    spawned.map_err(|error| error.to_string())?;
    Ok(format!("sip:{address}"))
}

fn answer(request: &str) -> String {
    let header = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap_or("");
    let contact = match header("Expires: ") {
        "Expires: 0" => String::new(),
        _ => format!("{};expires={GRANTED}\r\n", header("Contact: ")),
    };
    let copied = ["Via: ", "From: ", "Call-ID: ", "CSeq: "].map(header).join("\r\n");
    let to = header("To: ");
    format!("SIP/2.0 200 OK\r\n{copied}\r\n{to};tag=r\r\n{contact}Content-Length: 0\r\n\r\n")
}
