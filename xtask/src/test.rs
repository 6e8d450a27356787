//! `cargo xtask test`: everything that a checkout can prove.

use std::path::Path;

use crate::run::{run as execute, say};

pub(crate) fn run(root: &Path) -> Result<(), String> {
    execute(root, "cargo test --workspace", &[])?;
    say("all tests passed");
    Ok(())
}
