//! `cargo xtask test`: everything that a checkout can prove.

use std::path::Path;

use crate::run::{run as execute, say};
use crate::setup;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    setup::build()?;
    execute(root, "cargo test --workspace", &[])?;
    say("all tests passed");
    Ok(())
}
