//! `cargo xtask bench calls`: what a call costs, held and per second, beside sipp's own answering
//! machine in the same run. Every part is bounded in count and time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::{Cost, Process};
use crate::run::{output, run as execute, say};

const PATIENCE: Duration = Duration::from_secs(120);
const OURS: &str = "127.0.0.1:5470";
const UAS: &str = "127.0.0.1:5480";
/// Calls that are held at once.
const HELD: u32 = 1000;
/// Rates that are tried, in calls a second, each for [`SECONDS`].
const RATES: [u32; 8] = [100, 250, 500, 1000, 2000, 3000, 4000, 5000];
const SECONDS: u32 = 5;
/// A clock tick of /proc, in microseconds.
const TICK_US: u64 = 10_000;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    execute(root, "cargo build --release --package offhook-cli", &[])?;
    let folder = root.join("target/load");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let offhook = root.join("target/release/offhook");
    let scenario = folder.join("held.xml");
    std::fs::write(&scenario, held_scenario()).map_err(|error| error.to_string())?;
    held(&offhook, &scenario, &folder)?;
    rates(&offhook, &folder)?;
    instructions(root, &offhook, &folder)
}

const LISTEN: [&str; 6] = ["listen", "--auto-answer", "--udp", OURS, "--audio-device", "null"];

/// One that tells everything.
fn listen(offhook: &Path) -> Result<Process, String> {
    let mut listen = Process::start(offhook, &[&LISTEN[..], &["--json"]].concat())?;
    listen.wait(&["offhook.ready"], PATIENCE)?;
    Ok(listen)
}

/// One that tells a line a call, as to a person.
fn listen_briefly(offhook: &Path) -> Result<Process, String> {
    let mut listen = Process::start(offhook, &LISTEN)?;
    listen.wait(&["Listening"], PATIENCE)?;
    Ok(listen)
}

/// Many calls at once, their media paused by the caller.
fn held(offhook: &Path, scenario: &Path, folder: &Path) -> Result<(), String> {
    say(&format!("{HELD} calls held for 10 s, media paused (a=inactive)"));
    say("  when             threads  descriptors  resident KiB  CPU ms");
    let mut listen = listen(offhook)?;
    let start = listen.cost();
    show("idle", start, start);
    let calls = HELD.to_string();
    let file = scenario.to_string_lossy();
    let arguments = [
        "-sf",
        &file,
        OURS,
        "-i",
        "127.0.0.1",
        "-p",
        "5471",
        "-m",
        &calls,
        "-l",
        &calls,
        "-r",
        "200",
        "-d",
        "15000",
        "-nostdin",
    ];
    let mut sipp = Process::start(Path::new("sipp"), &arguments)?;
    for number in 0..HELD {
        listen
            .wait(&["SIPSessionDidStart"], PATIENCE)
            .map_err(|e| format!("call {number}: {e}"))?;
    }
    let full = listen.cost();
    show("all stand", full, start);
    // The first call ends when all have been held for ten seconds.
    listen.wait(&["SIPSessionDidEnd"], PATIENCE)?;
    show("10 s later", listen.cost(), start);
    let fine = sipp.finish(PATIENCE)?;
    show("all ended", listen.cost(), start);
    idle(&listen, start)?;
    show("settled", listen.cost(), start);
    let each =
        full.resident_kib.saturating_sub(start.resident_kib) / usize::try_from(HELD).unwrap_or(1);
    say(&format!("  {each} KiB a call; sipp: {}", if fine { "no failure" } else { "FAILURES" }));
    listen.interrupt()?;
    listen.finish(PATIENCE)?;
    // The folder holds what sipp has to say.
    let _kept = folder;
    if fine { Ok(()) } else { Err("held calls failed".into()) }
}

fn show(when: &str, cost: Cost, start: Cost) {
    let cpu = (cost.cpu_ticks - start.cpu_ticks) * TICK_US / 1000;
    say(&format!(
        "  {when:<16} {:>7}  {:>11}  {:>12}  {cpu:>6}",
        cost.threads, cost.descriptors, cost.resident_kib
    ));
}

/// Waits until descriptors and threads are back, bounded.
fn idle(listen: &Process, start: Cost) -> Result<(), String> {
    let step = Duration::from_millis(200);
    for _ in 0..200 {
        let now = listen.cost();
        if now.descriptors <= start.descriptors && now.threads <= start.threads + 64 {
            return Ok(());
        }
        std::thread::park_timeout(step);
    }
    Err(format!("left behind: {:?}, before {start:?}", listen.cost()))
}

/// Calls a second, up to where the first one fails; sipp's own answering machine beside it.
fn rates(offhook: &Path, folder: &Path) -> Result<(), String> {
    say(&format!("calls a second, {SECONDS} s each; CPU in microseconds a call"));
    say("  rate   offhook: calls failed again  CPU    sipp uas: calls failed again  CPU");
    let mut failed = false;
    for rate in RATES {
        let ours = listen_briefly(offhook)?;
        let (a, cost) = measured(&ours, OURS, rate, folder)?;
        ours.interrupt()?;
        drop(ours);
        let uas = ["-sn", "uas", "-i", "127.0.0.1", "-p", "5480", "-nostdin"];
        let theirs = Process::start(Path::new("sipp"), &uas)?;
        let (b, other) = measured(&theirs, UAS, rate, folder)?;
        drop(theirs);
        say(&format!(
            "  {rate:<6} {:>14} {:>6} {:>5} {cost:>4} {:>18} {:>6} {:>5} {other:>4}",
            a.good, a.failed, a.again, b.good, b.failed, b.again
        ));
        failed |= a.failed > 0;
        if failed {
            say("  the first failure: here it ends");
            break;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Counted {
    good: u64,
    failed: u64,
    again: u64,
}

fn measured(
    process: &Process,
    target: &str,
    rate: u32,
    folder: &Path,
) -> Result<(Counted, u64), String> {
    let before = process.cost();
    let counted = uac(target, rate, rate * SECONDS, folder)?;
    let ticks = process.cost().cpu_ticks - before.cpu_ticks;
    Ok((counted, ticks * TICK_US / counted.good.max(1)))
}

fn uac(target: &str, rate: u32, calls: u32, folder: &Path) -> Result<Counted, String> {
    let stats: PathBuf = folder.join("uac.csv");
    // It may be left from an earlier run.
    let _old = std::fs::remove_file(&stats);
    let (rate, calls) = (rate.to_string(), calls.to_string());
    let file = stats.to_string_lossy();
    let arguments = [
        "-sn",
        "uac",
        target,
        "-i",
        "127.0.0.1",
        "-p",
        "5472",
        "-m",
        &calls,
        "-r",
        &rate,
        "-d",
        "0",
        "-nostdin",
        "-trace_stat",
        "-stf",
        &file,
        "-fd",
        "1",
        "-timeout",
        "30",
    ];
    let mut sipp = Process::start(Path::new("sipp"), &arguments)?;
    // Failed calls make its status a failure; they are counted.
    let _fine = sipp.finish(PATIENCE)?;
    let text = std::fs::read_to_string(&stats).map_err(|error| error.to_string())?;
    let last = |name: &str| -> Option<u64> {
        let mut lines = text.lines();
        let at = lines.next()?.split(';').position(|column| column == name)?;
        lines.last()?.split(';').nth(at)?.parse().ok()
    };
    Ok(Counted {
        good: last("SuccessfulCall(C)").unwrap_or(0),
        failed: last("FailedCall(C)").unwrap_or(0),
        again: last("Retransmissions(C)").unwrap_or(0),
    })
}

/// User-space instructions a call, from the difference of two runs under callgrind.
fn instructions(root: &Path, offhook: &Path, folder: &Path) -> Result<(), String> {
    if !output(root, "valgrind --version").is_ok_and(|(fine, _)| fine) {
        say("install valgrind to count instructions");
        return Ok(());
    }
    let program = offhook.to_string_lossy().into_owned();
    let ours = [&program, "listen", "--auto-answer", "--udp", OURS, "--audio-device", "null"];
    let sipp = output(root, "which sipp")?.1.trim().to_owned();
    let theirs = [&sipp, "-sn", "uas", "-i", "127.0.0.1", "-p", "5480", "-nostdin"];
    let a = difference(&ours, OURS, folder)?;
    let b = difference(&theirs, UAS, folder)?;
    say(&format!("instructions a call: offhook listen {a}, sipp uas {b}"));
    Ok(())
}

fn difference(program: &[&str], target: &str, folder: &Path) -> Result<u64, String> {
    let few = counted(program, target, 100, folder)?;
    let many = counted(program, target, 500, folder)?;
    Ok(many.saturating_sub(few) / 400)
}

fn counted(program: &[&str], target: &str, calls: u32, folder: &Path) -> Result<u64, String> {
    let grind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let arguments: Vec<&str> = grind.iter().chain(program).copied().collect();
    let mut process = Process::start(Path::new("valgrind"), &arguments)?;
    // The first calls wait until it serves: sipp repeats them.
    process.wait(&["Command:"], PATIENCE)?;
    uac(target, 20, calls, folder)?;
    process.interrupt()?;
    let line = process.wait(&["Collected :"], PATIENCE)?;
    let figure = line.split("Collected :").nth(1).and_then(|text| text.trim().parse().ok());
    figure.ok_or(line)
}

/// sipp's `uac` with `a=inactive`: the signalling of a call without its media.
fn held_scenario() -> String {
    let head = |method: &str, cseq: u32, to: &str| {
        format!(
            "{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]\n\
             To: <sip:[service]@[remote_ip]:[remote_port]>{to}\n\
             Call-ID: [call_id]\nCSeq: {cseq} {method}\n\
             Contact: <sip:sipp@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
        )
    };
    let sdp = "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n\
               m=audio [media_port] RTP/AVP 0\na=inactive\n";
    let invite = head("INVITE", 1, "");
    let ack = head("ACK", 1, "[peer_tag_param]");
    let bye = head("BYE", 2, "[peer_tag_param]");
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"held\">\n\
         <send retrans=\"500\"><![CDATA[\n\n{invite}Content-Type: application/sdp\n\
         Content-Length: [len]\n\n{sdp}\n]]></send>\n\
         <recv response=\"100\" optional=\"true\"/>\n<recv response=\"180\" optional=\"true\"/>\n\
         <recv response=\"200\"/>\n\
         <send><![CDATA[\n\n{ack}Content-Length: 0\n\n]]></send>\n<pause/>\n\
         <send retrans=\"500\"><![CDATA[\n\n{bye}Content-Length: 0\n\n]]></send>\n\
         <recv response=\"200\"/>\n</scenario>\n"
    )
}
