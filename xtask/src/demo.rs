//! `cargo xtask demo`: builds the command and shows what it does today.

use std::path::Path;

use crate::run::{run as execute, say};
use crate::setup;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    setup::build()?;
    execute(root, "cargo build --release --package offhook-cli", &[])?;
    let command = "target/release/offhook";
    for line in [
        "parse sip tests/data/invite.sip",
        "parse sdp tests/data/offer.sdp",
        "fsm session --mermaid",
    ] {
        execute(root, &format!("{command} {line}"), &[])?;
    }
    say("calls are not built yet: see CHANGELOG.md for what is");
    Ok(())
}
