//! `cargo xtask demo`: builds the command and lets two of it call each other.

use std::path::Path;

use crate::run::run as execute;
use crate::setup;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    let features = if setup::build()? { "" } else { " --no-default-features" };
    execute(root, &format!("cargo build --release --package offhook-cli{features}"), &[])?;
    execute(root, "target/release/offhook demo", &[])
}
