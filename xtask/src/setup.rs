//! `cargo xtask setup`: system packages (Debian's names), installed when we may, named when not.

use std::path::Path;

use crate::run::{complain, output, run as execute, say};

const BUILD: [&str; 2] = ["libasound2-dev", "pkg-config"];
const INTEROP: [&str; 7] = [
    "baresip-core",
    "iproute2",
    "kamailio",
    "libasound2-plugins",
    "sip-tester",
    "tshark",
    "util-linux",
];

fn run_for(packages: &[&str]) -> Result<(), String> {
    let here = Path::new(".");
    let installed = |package: &&str| {
        output(here, &format!("dpkg-query -W -f=${{Status}} {package}"))
            .is_ok_and(|(fine, text)| fine && text.contains("install ok installed"))
    };
    let missing: Vec<&str> = packages.iter().filter(|p| !installed(p)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install -y {}", missing.join(" "));
    let root = output(here, "id -u").is_ok_and(|(_, id)| id.trim() == "0");
    let sudo = !root && output(here, "sudo -n true").is_ok_and(|(fine, _)| fine);
    if !root && !sudo {
        return Err(format!("missing packages; type: sudo apt-get update && sudo {install}"));
    }
    let prefix = if sudo { "sudo -n " } else { "" };
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    execute(here, &format!("{prefix}apt-get update -qq"), &quiet)?;
    execute(here, &format!("{prefix}{install}"), &quiet)
}

/// What building needs. `false` when it is not there and cannot be had: then only the system's
/// sound devices are missing.
pub(crate) fn build() -> Result<bool, String> {
    match run_for(&BUILD) {
        Ok(()) => Ok(true),
        Err(reason) => {
            complain(&format!("{reason}; going on without the system's sound devices"));
            Ok(false)
        }
    }
}

/// What the interop tests need, if it can be had.
pub(crate) fn peers() {
    if let Err(reason) = run_for(&INTEROP) {
        complain(&reason);
    }
}

pub(crate) fn run(interop: bool) -> Result<(), String> {
    run_for(&BUILD)?;
    if interop {
        run_for(&INTEROP)?;
    }
    say("everything is installed");
    Ok(())
}
