//! `cargo xtask bench`: nanoseconds, and instructions where valgrind is installed.

use std::path::Path;

use crate::run::{output, say};

/// The benchmarks: package and name.
const BENCHES: [(&str, &str); 2] = [("offhook", "parse"), ("offhook-media", "srtp")];

pub(crate) fn run(root: &Path, wanted: Option<&str>) -> Result<(), String> {
    BENCHES.into_iter().try_for_each(|(package, bench)| one(root, package, bench, wanted))
}

fn one(root: &Path, package: &str, bench: &str, wanted: Option<&str>) -> Result<(), String> {
    let built = format!("cargo bench --package {package} --bench {bench} --no-run");
    let (fine, text) = output(root, &built)?;
    let path = text.lines().rev().find_map(|line| line.split('(').nth(1)?.strip_suffix(')'));
    let binary = path.filter(|_| fine).ok_or(format!("{built}: {text}"))?;
    let (_, list) = output(root, &format!("{binary} --list"))?;
    let counts = output(root, "valgrind --version").is_ok_and(|(fine, _)| fine);
    for case in list.lines().filter(|case| wanted.is_none_or(|wanted| wanted == *case)) {
        let (_, time) = output(root, &format!("{binary} --case {case}"))?;
        let instructions = if counts {
            let (few, many) = (count(root, binary, case, 100)?, count(root, binary, case, 1100)?);
            format!(", {} instructions", many.saturating_sub(few) / 1000)
        } else {
            String::from(" (install valgrind to count instructions)")
        };
        say(&format!("{}{instructions}", time.trim()));
    }
    Ok(())
}

/// Instructions of a whole run: the difference of two runs is what the iterations cost.
fn count(root: &Path, binary: &str, case: &str, iterations: u32) -> Result<u64, String> {
    let line = format!(
        "valgrind --tool=callgrind --callgrind-out-file=/dev/null {binary} --case {case} --iterations {iterations}"
    );
    let (_, text) = output(root, &line)?;
    let figure = text.lines().find_map(|line| line.split("Collected : ").nth(1)?.parse().ok());
    figure.ok_or(format!("{line}: {text}"))
}
