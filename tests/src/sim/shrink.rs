//! A shorter run that still fails in the same checker.

use std::collections::BTreeSet;

use super::plan::Plan;
use super::{Run, run};

/// Runs that are tried at most.
const TRIES_MAX: usize = 400;

/// The shortest run found, or `None` when the plan does not fail at all.
#[must_use]
pub fn shrink(plan: &Plan) -> Option<(Plan, Run)> {
    let first = run(plan);
    let check = first.violations.first()?.check;
    let mut shrinking = Shrinking { check, best: (plan.clone(), first), tries: 0 };
    shrinking.fewer_calls();
    for acts in 0..plan.acts {
        if shrinking.try_with(|plan| plan.acts = acts) {
            break;
        }
    }
    shrinking.try_with(|plan| plan.rough = false);
    shrinking.try_with(|plan| plan.loss = Some(0));
    shrinking.try_with(|plan| plan.plain = true);
    shrinking.fewer_calls();
    Some(shrinking.best)
}

struct Shrinking {
    check: &'static str,
    best: (Plan, Run),
    tries: usize,
}

impl Shrinking {
    /// Keeps the changed plan if it fails in the same way.
    fn try_with(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut plan = self.best.0.clone();
        change(&mut plan);
        if self.tries >= TRIES_MAX || plan == self.best.0 {
            return false;
        }
        self.tries += 1;
        let mut run = run(&plan);
        run.violations.retain(|violation| violation.check == self.check);
        let fails = !run.violations.is_empty();
        if fails {
            self.best = (plan, run);
        }
        fails
    }

    /// Leaves out halves, quarters, … of the calls as long as the rest fails.
    fn fewer_calls(&mut self) {
        let mut size = self.best.0.only.len().div_ceil(2);
        while size > 0 {
            let calls: Vec<u32> = self.best.0.only.iter().copied().collect();
            let mut shorter = false;
            for part in calls.chunks(size) {
                let part: BTreeSet<u32> = part.iter().copied().collect();
                if part.len() < self.best.0.only.len() {
                    shorter |= self.try_with(|plan| plan.only.retain(|call| !part.contains(call)));
                }
            }
            if !shorter {
                size /= 2;
            } else {
                size = size.min(self.best.0.only.len().div_ceil(2));
            }
        }
    }
}
