//! `cargo xtask test`: everything that a checkout can prove.

use std::path::Path;

use crate::run::{run as execute, say};
use crate::{interop, setup};

pub(crate) fn run(root: &Path) -> Result<(), String> {
    if setup::build()? {
        execute(root, "cargo test --workspace", &[])?;
    } else {
        // Without ALSA's headers everything but the system's sound devices is tested.
        let features = "--no-default-features --features offhook/shell,offhook-media/shell";
        execute(root, &format!("cargo test --workspace {features}"), &[])?;
    }
    let compat = "--features compat-rsip,compat-sdp-rs --test compat_rsip --test compat_sdp_rs";
    execute(root, &format!("cargo test --package offhook {compat}"), &[])?;
    interop::run_if_possible(root)?;
    say("all tests passed");
    Ok(())
}
