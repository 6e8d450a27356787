//! Our parsers held against those of others: where the other one accepts and is known to be right,
//! both must say the same. What the other one is known to do wrong is left out, each with its name.

mod rsip;
mod rtp;
mod sdp_rs;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

pub use rsip::diff_rsip;
pub use rtp::diff_rtp;
pub use sdp_rs::diff_sdp_rs;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a parser of others. Its panics are its own business: `None`, and not a word of them.
fn ask<T>(parser: impl FnOnce() -> T) -> Option<T> {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !INSIDE.get() {
                before(panic);
            }
        }));
    });
    INSIDE.set(true);
    let answer = catch_unwind(AssertUnwindSafe(parser)).ok();
    INSIDE.set(false);
    answer
}

/// Gives each committed seed to `compared`, which must hold for all of them.
#[cfg(test)]
fn each_seed(target: &str, compared: fn(&[u8]) -> bool) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(compared(&std::fs::read(&path).unwrap()), "{}", path.display());
    }
}
