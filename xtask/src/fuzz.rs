//! `cargo xtask fuzz`: coverage-guided fuzzing with libFuzzer on the stable toolchain.

use std::path::Path;
use std::time::Duration;

use crate::run::{output, run as execute, say};

/// The instrumentation that libFuzzer reads. `--target` is always passed, so that build scripts
/// stay without it. Comparisons are not traced: that halves the executions a second, and the words
/// that it would find are in the dictionaries.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table --cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let targets = targets(root)?;
    if args.contains(&"--list") {
        for target in &targets {
            let note = if is_oracle(target) { "  (against a parser of others)" } else { "" };
            say(&format!("{target}{note}"));
        }
        return Ok(());
    }
    if args.contains(&"--replay") {
        let line = "cargo test --package offhook-fuzz --features oracles --lib --tests";
        return execute(root, line, &[]);
    }
    let seconds = match args.iter().position(|arg| *arg == "--time") {
        Some(at) => args.get(at + 1).and_then(|s| s.parse().ok()).ok_or("--time needs seconds")?,
        None => 60,
    };
    let wanted: Vec<&String> = match args.first() {
        Some(&"--all") => targets.iter().collect(),
        Some(name) => targets.iter().filter(|target| target == name).collect(),
        None => return Err("name a target, or --all, or --list".into()),
    };
    if wanted.is_empty() {
        return Err("there is no such target: see cargo xtask fuzz --list".into());
    }
    let (_, version) = output(root, "rustc -vV")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV")?;
    let features =
        if wanted.iter().any(|name| is_oracle(name)) { " --features oracles" } else { "" };
    let build = format!(
        "cargo build --profile quick --package offhook-fuzz{features} --target {host} \
         --target-dir target/fuzz"
    );
    execute(root, &build, &[("RUSTFLAGS", FLAGS)])?;
    for target in wanted {
        one(root, host, target, Duration::from_secs(seconds))?;
    }
    Ok(())
}

fn one(root: &Path, host: &str, target: &str, time: Duration) -> Result<(), String> {
    let found = root.join("fuzz/artifacts").join(target);
    let grown = root.join("target/fuzz/corpus").join(target);
    for folder in [&found, &grown] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let words = dictionary(target).map_or(String::new(), |file| format!(" -dict={file}"));
    let line = format!(
        "target/fuzz/{host}/quick/{target} -max_total_time={} -max_len=4096{words} \
         -print_final_stats=1 -artifact_prefix=fuzz/artifacts/{target}/ target/fuzz/corpus/{target} fuzz/corpus/{target}",
        time.as_secs()
    );
    let (fine, text) = output(root, &line)?;
    let figure = text.lines().find_map(|line| line.strip_prefix("stat::average_exec_per_sec:"));
    let figure = figure.unwrap_or("?").trim();
    if !fine {
        return Err(format!("{target}: found something, see fuzz/artifacts/{target}\n{text}"));
    }
    say(&format!("{target}: nothing found in {} s, {figure} executions a second", time.as_secs()));
    Ok(())
}

/// The words that a target's input is made of; binary formats have none.
fn dictionary(target: &str) -> Option<&'static str> {
    match target {
        "sdp" | "sdp_round_trip" | "negotiation" | "diff_sdp_rs" => {
            Some("fuzz/dictionaries/sdp.dict")
        }
        "digest" | "headers" | "uri" | "diff_rsip" => Some("fuzz/dictionaries/sip.dict"),
        _ if target.starts_with("sip_") => Some("fuzz/dictionaries/sip.dict"),
        "composing" | "cpim" | "file_selector" | "imdn" => Some("fuzz/dictionaries/msrp.dict"),
        _ if target.starts_with("msrp_") => Some("fuzz/dictionaries/msrp.dict"),
        _ => None,
    }
}

/// Whether a target needs parsers of others, which only then are built.
fn is_oracle(target: &str) -> bool {
    target.starts_with("diff_")
}

/// The binaries of the fuzz package.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/src/bin");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(ToOwned::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
