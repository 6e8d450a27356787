//! `cargo xtask ci`: the gates beside the tests.

use std::path::Path;

use crate::run::{output, run as execute, say};
use crate::{fsm, interop, setup, tidy};

/// What ships. The fuzz package may depend on more.
const SHIPPED: [&str; 5] =
    ["offhook-fsm", "offhook-msrp", "offhook-media", "offhook", "offhook-cli"];
/// Crates in the library's default tree, itself included, must stay below this.
const CRATES_MAX: usize = 60;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    let features = match setup::build()? {
        true => "",
        false => " --no-default-features --features offhook/shell,offhook-media/shell",
    };
    execute(root, "cargo fmt --all --check", &[])?;
    let clippy = format!("cargo clippy --workspace --all-targets{features} -- -D warnings");
    execute(root, &clippy, &[])?;
    let compat = "--package offhook --features compat-rsip,compat-sdp-rs";
    execute(root, &format!("cargo clippy {compat} --all-targets -- -D warnings"), &[])?;
    let docs = [("RUSTDOCFLAGS", "-Dwarnings")];
    execute(root, &format!("cargo doc --workspace --no-deps{features}"), &docs)?;
    for package in SHIPPED {
        if tree(root, package, "")?.iter().any(|name| name == "tokio") {
            return Err(format!("{package} depends on tokio"));
        }
    }
    purity(root)?;
    let crates = tree(root, "offhook", "")?.len();
    say(&format!("the library's default tree has {crates} crates"));
    if crates >= CRATES_MAX {
        return Err(format!("that is {CRATES_MAX} or more"));
    }
    fsm::run(root, true)?;
    tidy::run(root)?;
    setup::peers();
    interop::run_if_possible(root)
}

/// The pure cores build without a shell, and then know no sockets and no sound.
fn purity(root: &Path) -> Result<(), String> {
    for package in ["offhook-media", "offhook"] {
        execute(root, &format!("cargo check --package {package} --no-default-features"), &[])?;
        let tree = tree(root, package, "--no-default-features")?;
        if let Some(name) = tree.iter().find(|n| ["mio", "cpal", "libc"].contains(&n.as_str())) {
            return Err(format!("{package} without its shell depends on {name}"));
        }
    }
    Ok(())
}

fn tree(root: &Path, package: &str, flags: &str) -> Result<Vec<String>, String> {
    let line = format!("cargo tree --prefix none -e normal --package {package} {flags}");
    let (fine, text) = output(root, &line)?;
    if !fine {
        return Err(format!("{line}: {text}"));
    }
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<String> = names.map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}
