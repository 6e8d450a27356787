//! Ctrl-C: the first one ends calls, the second one the process.

use crossbeam_channel::{Receiver, bounded};
use offhook::shell::sys;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Usage;

/// The status of a process that Ctrl-C ended, as shells know it.
const INTERRUPTED: i32 = 130;

/// Tells the first Ctrl-C (or SIGTERM); the second ends the process at once.
pub(crate) fn listen() -> Result<Receiver<()>, Usage> {
    let failed = |error: std::io::Error| Usage(format!("cannot listen for Ctrl-C: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let (tell, told) = bounded(1);
    let watch = move || {
        let mut signals = signals.forever();
        if signals.next().is_some() && tell.send(()).is_ok() && signals.next().is_some() {
            sys::restore_terminal();
            std::process::exit(INTERRUPTED);
        }
    };
    std::thread::Builder::new().name("offhook-signals".into()).spawn(watch).map_err(failed)?;
    Ok(told)
}
