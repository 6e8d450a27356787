//! What a run says of itself.

use super::Run;
use super::plan::Plan;
use crate::world::trace::{Chatted, Entry, What};

/// Violations of one run that are shown.
const SHOWN_MAX: usize = 5;

/// All runs together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sum {
    /// Runs.
    pub runs: u64,
    /// Runs in which something was wrong.
    pub failed: u64,
    /// Calls that were placed.
    pub calls: usize,
    /// Calls that stood on both sides.
    pub stood: usize,
    /// Sessions.
    pub sessions: usize,
    /// Messages of chats that came.
    pub messages: usize,
    /// All hashes in one.
    pub hash: u64,
}

impl Sum {
    /// One run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let failed = u64::from(!run.violations.is_empty());
        let Run { calls, stood, sessions, .. } = *run;
        let comes =
            |entry: &&Entry| matches!(entry.what, What::Chat { chatted: Chatted::Got { .. }, .. });
        let messages = run.trace.entries.iter().filter(comes).count();
        Self { runs: 1, failed, calls, stood, sessions, messages, hash: run.trace.hash() }
    }

    /// Adds those that follow.
    pub const fn join(&mut self, next: Self) {
        self.runs += next.runs;
        self.failed += next.failed;
        self.calls += next.calls;
        self.stood += next.stood;
        self.sessions += next.sessions;
        self.messages += next.messages;
        self.hash = self.hash.rotate_left(1) ^ next.hash;
    }

    /// The last line.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { runs, failed, calls, stood, sessions, messages, hash } = self;
        format!(
            "{runs} seeds, {calls} calls, {stood} stood, {sessions} sessions, {messages} messages, hash {hash:016x}: {failed} failed"
        )
    }
}

/// The line of one run.
#[must_use]
pub fn line(plan: &Plan, run: &Run) -> String {
    let (calls, stood, sessions) = (run.calls, run.stood, run.sessions);
    let outcome = match run.violations.len() {
        0 => String::from("ok"),
        found => format!("{found} violations"),
    };
    format!(
        "seed {:<6} hash {:016x}  {} agents, {calls} calls, {stood} stood, {sessions} sessions, {} entries: {outcome}",
        plan.seed,
        run.trace.hash(),
        plan.agents,
        run.trace.entries.len(),
    )
}

/// What is wrong with a run: the violations, how to see it again, and the ladder of the first.
#[must_use]
pub fn failure(plan: &Plan, run: &Run, commit: &str) -> String {
    let seed = plan.seed;
    let loss = plan.loss.map(|loss| format!(" --loss {loss}")).unwrap_or_default();
    let mut text = format!(
        "seed {seed}{}, commit {commit}, again with:\n  cargo xtask sim --seeds {seed}..{}{loss}\n",
        plan.loss.map(|loss| format!(", loss {loss} %")).unwrap_or_default(),
        seed + 1
    );
    text.push_str(&format!("a shorter run: cargo xtask sim --shrink {seed}{loss}\n"));
    text.push_str(&details(run));
    text
}

/// The violations of a run and the ladder of the first.
#[must_use]
pub fn details(run: &Run) -> String {
    let mut text = String::new();
    for violation in run.violations.iter().take(SHOWN_MAX) {
        text.push_str(&format!("  {violation}\n"));
    }
    if run.violations.len() > SHOWN_MAX {
        text.push_str(&format!("  and {} more\n", run.violations.len() - SHOWN_MAX));
    }
    if let Some(first) = run.violations.first() {
        text.push_str(&crate::ladder::of_violation(&run.trace, first));
    }
    text
}
